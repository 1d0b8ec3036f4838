"""The verbs that show and check a rule book."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from scoring import loading
from scoring.describe import Booklet, describe
from scoring.loading import RuleBookError
from scoring.rulebook import RuleBook
from scoring.standings import current_year, in_force
from store.commands import Act, Choice, command, converter
from store.errors import Refusal
from store.people import Role

Book = Annotated[RuleBook, "rule book"]
"""A rule book by its name; on the command line by the path of its file as well."""


@dataclass(frozen=True)
class BookChecked:
    """A rule book without a fault, and how much is in it. A faulty one is refused (rule_book_faulty)."""

    name: str
    title: str
    digest: str
    clauses: int
    items: int
    duties: int
    panels: int
    assumptions: int


def checked(rulebook: RuleBook) -> BookChecked:
    """What there is in a rule book that has been read without a fault."""
    return BookChecked(
        name=rulebook.name,
        title=rulebook.title,
        digest=rulebook.digest,
        clauses=len(rulebook.clauses),
        items=len(rulebook.items),
        duties=len(rulebook.duties),
        panels=len(rulebook.panels),
        assumptions=len(rulebook.assumptions),
    )


def _books(_act: Act, _given: Mapping[str, Any]) -> list[Choice]:
    return [Choice(name, name) for name in loading.names()]


@converter(Book, write=lambda rulebook: rulebook.name, choices=_books)
def _book(act: Act, text: str) -> RuleBook:
    # Whoever writes to the bot has no business with the files of the machine it runs on.
    if act.via == "chat" and text not in loading.names():
        raise Refusal("rule_book_unknown", text=text, names=loading.names())
    try:
        return loading.load(text)
    except RuleBookError as fault:
        raise Refusal("rule_book_faulty", message=str(fault)) from None


@command("rules show", words=("规则",), roles=(Role.ADMINISTRATOR, Role.LEADING_GROUP), group="score")
def show(act: Act, rulebook: Book | None = None) -> Booklet:
    """Show a rule book in words: each figure with its clause, every assumption. Without a name, the current one."""
    if rulebook is not None:
        return describe(rulebook)
    year = current_year(act.session, act.now)
    return describe(in_force(act.session, year), year)


@command("rules check", words=("规则检查",), roles=(Role.ADMINISTRATOR,), group="score")
def check(_act: Act, rulebook: Book) -> BookChecked:
    """Check a rule book; a faulty one is refused by line or key."""
    return checked(rulebook)
