"""A rule book in words, and the verbs that show and check one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from scoring import loading
from scoring.loading import RuleBookError
from scoring.points import plain
from scoring.rulebook import Duty, Item, RuleBook
from scoring.standings import current_year, in_force
from store.commands import Act, Choice, command, converter
from store.errors import Refusal
from store.people import Role

Book = Annotated[RuleBook, "rule book"]
"""A rule book by its name; on the command line by the path of its file as well."""


@dataclass(frozen=True)
class ItemShown:
    """An item: ``points`` for one ``unit`` (``per`` is its measure word); ``cap`` what all of them count at most."""

    code: str
    title: str
    kind: str
    clause: str
    points: str
    unit: str
    per: str
    cap: str | None
    assumption: str | None


@dataclass(frozen=True)
class BlockShown:
    """A part of the score with its items; ``full`` is what it can give at most, None for no limit."""

    code: str
    title: str
    clause: str
    role: str
    start: str
    floor: str | None
    full: str | None
    items: tuple[ItemShown, ...]


@dataclass(frozen=True)
class PanelShown:
    code: str
    title: str
    clause: str
    weight: str
    quorum: int


@dataclass(frozen=True)
class GradeShown:
    """``at_least`` is included, None for the lowest grade."""

    code: str
    title: str
    clause: str
    at_least: str | None


@dataclass(frozen=True)
class DutyShown:
    """What is owed: due on the ``due_working_day``-th working day after each ``period``."""

    code: str
    title: str
    clause: str
    item: str
    period: str
    due_working_day: int
    nil_report: bool
    settle: str


@dataclass(frozen=True)
class AssumptionShown:
    """A reading of what the scheme leaves open; ``place`` is where it stands in the file."""

    place: str
    clause: str | None
    text: str


@dataclass(frozen=True)
class Booklet:
    """A rule book in words. ``digest`` is the SHA-256 of its file; ``year`` the year it is shown for, if any."""

    name: str
    title: str
    issued: str
    digest: str
    year: int | None
    full: str
    blocks: tuple[BlockShown, ...]
    vetoes: tuple[ItemShown, ...]
    panels: tuple[PanelShown, ...]
    aspects: tuple[str, ...]
    grades: tuple[GradeShown, ...]
    duties: tuple[DutyShown, ...]
    assumptions: tuple[AssumptionShown, ...]


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


def describe(rulebook: RuleBook, year: int | None = None) -> Booklet:
    """All that a rule book says, in its own order."""
    return Booklet(
        name=rulebook.name,
        title=rulebook.title,
        issued=rulebook.issued,
        digest=rulebook.digest,
        year=year,
        full=plain(rulebook.full),
        blocks=tuple(
            BlockShown(
                code=block.code,
                title=block.title,
                clause=block.clause,
                role=block.role,
                start=plain(block.start),
                floor=_plain(block.floor),
                full=_plain(block.cap),
                items=tuple(_item(item) for item in rulebook.items.values() if item.block == block.code),
            )
            for block in rulebook.blocks.values()
        ),
        vetoes=tuple(_item(item) for item in rulebook.vetoes.values()),
        panels=tuple(
            PanelShown(one.code, one.title, one.clause, plain(one.weight), one.quorum)
            for one in rulebook.panels.values()
        ),
        aspects=tuple(aspect.title for aspect in rulebook.aspects),
        grades=tuple(GradeShown(one.code, one.title, one.clause, _plain(one.at_least)) for one in rulebook.grades),
        duties=tuple(_duty(duty) for duty in rulebook.duties.values()),
        assumptions=tuple(AssumptionShown(one.place, one.clause, one.text) for one in rulebook.assumptions),
    )


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


def _item(item: Item) -> ItemShown:
    return ItemShown(
        code=item.code,
        title=item.title,
        kind=item.kind,
        clause=item.clause,
        points=plain(item.points),
        unit=item.unit,
        per=item.per,
        cap=_plain(item.cap),
        assumption=item.assumption,
    )


def _duty(duty: Duty) -> DutyShown:
    return DutyShown(
        code=duty.code,
        title=duty.title,
        clause=duty.clause,
        item=duty.item,
        period=duty.period,
        due_working_day=duty.due_working_day,
        nil_report=duty.nil_report,
        settle=duty.settle,
    )


def _plain(points: int | None) -> str | None:
    return None if points is None else plain(points)
