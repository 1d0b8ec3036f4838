"""The verb ``rules diff``: what a changed rule book would do, before it is put in force."""

from dataclasses import dataclass
from typing import Annotated

from scheduler import rule_changes
from scheduler.frame import Frame
from scheduler.rule_changes import DiffRow, RuleChange
from scoring import loading, results
from scoring.loading import RuleBookError
from scoring.rulebook import RuleBook
from scoring.standings import current_year, in_force
from store import uploads
from store.commands import Act, command, converter
from store.errors import Refusal
from store.words import Year


@dataclass(frozen=True)
class Draft:
    """A rule book that is not in force. ``said``: the words that mean its file again."""

    said: str
    rulebook: RuleBook


DraftBook = Annotated[Draft, "draft rule book"]
"""A rule book: in the chat a file that was sent, on the command line a path; or the name of one that comes with it."""


@dataclass(frozen=True)
class RulesDiff:
    """Two rule books, in what they differ, and what that does to every department. ``count``: of how many."""

    year: int
    in_force: str
    other: str
    changes: tuple[RuleChange, ...]
    rows: tuple[DiffRow, ...]
    count: int


@converter(DraftBook, write=lambda draft: draft.said, words=2)
def _draft(act: Act, text: str) -> Draft:
    try:
        if text in loading.names():
            return Draft(text, loading.load(text))
        upload = uploads.given(act, text)
        try:
            return Draft(text, loading.parse(upload.content.decode("utf-8-sig"), upload.name))
        except UnicodeDecodeError:
            raise RuleBookError(upload.name, "", "not UTF-8 text; save the file as UTF-8") from None
    except RuleBookError as fault:
        raise Refusal("rule_book_faulty", message=str(fault)) from None


@command("rules diff", words=("规则比对",), group="score")
def diff(act: Act, file: DraftBook, year: Year | None = None) -> RulesDiff:
    """What a changed rule book would do to every score and grade of a year that is not frozen. Nothing is changed."""
    year = year or current_year(act.session, act.now)
    old, new = in_force(act.session, year), file.rulebook
    closed = [one.state for one in results.results_of(act.session, year) if one.state in ("frozen", "published")]
    if closed:
        raise Refusal("rules_year_closed", year=year, state=closed[0])
    rows = rule_changes.scores(Frame.of(act.session), year, new, act.now)
    return RulesDiff(year, old.title, new.title, tuple(rule_changes.compare(old, new)), tuple(rows), len(rows))
