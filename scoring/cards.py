"""A score in words and figures, ready to be shown: nothing has to be looked up for it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlmodel import Session

from scoring import published
from scoring.frozen import Checked
from scoring.points import Points, plain, shown
from scoring.published import Publication
from scoring.rulebook import RuleBook
from scoring.sheet import PENDING, Line, ScoreSheet
from scoring.standings import By, Standing, current_year, in_force, sheet_of, standings, years
from store.acting import Figures, previews_with
from store.people import Department


@dataclass(frozen=True)
class Figure:
    """A block or a panel: ``figure`` as shown, None while it is open; ``full`` what it can give, None for no limit."""

    code: str
    title: str
    figure: str | None
    full: str | None


class CardLine(NamedTuple):
    """One line of a score; all of them add up to it exactly.

    ``kind``: "start", "entry" (``block`` None: a veto), "panel", "panels" (their sum, where no single one is shown), or
    what a rule takes back: "highest_only", "item_cap", "group_cap", "floor", "cap". The fields from ``number`` on are
    those of an entry; ``reverses`` and ``reversed_by`` are entries' numbers.
    """

    kind: str
    block: str | None
    code: str
    title: str
    clause: str
    clause_text: str
    count: int  # type: ignore[assignment]  # hides tuple.count, which nobody asks of a line
    points: str
    words: str
    event: str | None = None
    number: int | None = None
    happened_at: datetime | None = None
    period: str | None = None
    reason: str = ""
    source: str | None = None
    reverses: int | None = None
    reversed_by: int | None = None


@dataclass(frozen=True)
class ScoreCard:
    """The score of one department and every line behind it.

    ``grade`` is a code or "pending", ``grade_title`` its Chinese name (None while pending). ``approved`` is False for
    process data (过程数据，以领导小组审定为准). ``withheld``: why panels show no figure ("open": the ratings are not
    over, or one has no ballot; "few": one rests on too few ballots); "" where they do. ``disputed``: so many entries
    are under review (复核中); the grade is pending meanwhile, whatever the figures say.
    """

    year: int
    scheme: str
    code: str
    department: str
    daily: str
    annual: str | None
    bonus: str
    total: str | None
    grade: str
    grade_title: str | None
    blocks: tuple[Figure, ...]
    panels: tuple[Figure, ...]
    vetoes: tuple[str, ...]
    lines: tuple[CardLine, ...]
    withheld: str = ""
    shown_from: int = 0
    disputed: int = 0
    approved: bool = False
    publication: Publication | None = None


@dataclass(frozen=True)
class RankRow:
    """One department among all; ``vetoes`` are the titles of its live vetoes, ``withheld`` and ``disputed`` are as a
    card has them.
    """

    rank: int | None
    code: str
    department: str
    daily: str
    annual: str | None
    bonus: str
    total: str | None
    grade: str
    grade_title: str | None
    vetoes: tuple[str, ...]
    withheld: str = ""
    disputed: int = 0


@dataclass(frozen=True)
class RankList:
    """All departments, best first, those without a rank last. ``by`` is "total" or "daily"."""

    year: int
    scheme: str
    by: By
    rows: tuple[RankRow, ...]
    approved: bool = False
    publication: Publication | None = None


def card_of(session: Session, department: Department, year: int) -> ScoreCard:
    """A department's score as it stands, or as it was published. Raises Refusal year_not_in_force."""
    over = published.of(session, year)
    found = published.sheet_of(session, over, department.code) if over else None
    if over is not None and found is not None:
        return _card(over.checked.rulebook, year, *found, over.publication)
    return _card(in_force(session, year), year, department, sheet_of(session, year, department), None)


def _card(
    rulebook: RuleBook, year: int, department: Department, sheet: ScoreSheet, below: Publication | None
) -> ScoreCard:
    places = rulebook.readings.places
    return ScoreCard(
        year=year,
        scheme=rulebook.title,
        code=department.code,
        department=department.name,
        daily=_shown(sheet.daily, places),
        annual=shown(sheet.annual, places),
        bonus=_shown(sheet.bonus, places),
        total=shown(sheet.total, places),
        grade=sheet.grade,
        grade_title=_grade_title(rulebook, sheet),
        blocks=tuple(
            Figure(code, rulebook.blocks[code].title, shown(figure, places), _full(rulebook, code, department))
            for code, figure in sheet.blocks.items()
        ),
        panels=tuple(
            Figure(code, panel.title, shown(sheet.panels[code], places), plain(panel.weight_for(department.kind)))
            for code, panel in rulebook.panels.items()
            if code in sheet.panels
        ),
        vetoes=tuple(rulebook.items[code].title for code in sheet.vetoes),
        lines=_lines(rulebook, sheet),
        withheld=sheet.withheld,
        shown_from=rulebook.panel_shown_from,
        disputed=sheet.disputed,
        approved=below is not None,
        publication=below,
    )


def rank_list(session: Session, year: int, by: By) -> RankList:
    """All departments in order, as they stand or as they were published. Raises Refusal year_not_in_force."""
    over = published.of(session, year)
    if over is not None:
        return frozen_list(over.checked, by, over.publication)
    rulebook = in_force(session, year)
    rows = tuple(_rank_row(rulebook, one) for one in standings(session, year, by))
    return RankList(year, rulebook.title, by, rows)


def frozen_list(checked: Checked, by: By = "total", below: Publication | None = None) -> RankList:
    """All departments of a frozen result in order; ``below`` where it has been published."""
    rulebook = checked.rulebook
    rows = tuple(_rank_row(rulebook, one) for one in published.standings_of(checked, by))
    return RankList(checked.header["year"], rulebook.title, by, rows, below is not None, below)


@previews_with
def figures_of(session: Session, department: Department, year: int | None, now: datetime) -> Figures | None:
    """What a preview compares; None for a year without a rule book, and before any has one."""
    known = years(session)
    if not known or (year is not None and year not in known):
        return None
    year = current_year(session, now) if year is None else year
    rulebook = in_force(session, year)
    sheet = sheet_of(session, year, department)
    places = rulebook.readings.places
    return Figures(
        daily=_shown(sheet.daily, places),
        bonus=_shown(sheet.bonus, places),
        total=shown(sheet.total, places),
        grade=sheet.grade,
        grade_title=_grade_title(rulebook, sheet),
        disputed=sheet.disputed,
    )


def _rank_row(rulebook: RuleBook, standing: Standing) -> RankRow:
    sheet, places = standing.sheet, rulebook.readings.places
    return RankRow(
        rank=standing.rank,
        code=standing.department.code,
        department=standing.department.name,
        daily=_shown(sheet.daily, places),
        annual=shown(sheet.annual, places),
        bonus=_shown(sheet.bonus, places),
        total=shown(sheet.total, places),
        grade=sheet.grade,
        grade_title=_grade_title(rulebook, sheet),
        vetoes=tuple(rulebook.items[code].title for code in sheet.vetoes),
        withheld=sheet.withheld,
        disputed=sheet.disputed,
    )


def _lines(rulebook: RuleBook, sheet: ScoreSheet) -> tuple[CardLine, ...]:
    reversed_by = _reversals(sheet.lines)
    texts = {number: clause.text for number, clause in rulebook.clauses.items()}
    return tuple([_card_line(texts, line, reversed_by) for line in sheet.lines])


def _reversals(lines: Iterable[Line]) -> dict[int, int]:
    """By the number of a reversed entry, the number of its reversal."""
    return {
        line.entry.reverses_id: line.entry.entry_id
        for line in lines
        if line.entry is not None and line.entry.reverses_id is not None and line.entry.entry_id is not None
    }


def _card_line(texts: Mapping[str, str], line: Line, reversed_by: Mapping[int, int]) -> CardLine:
    kind, block, code, title, clause, count, points, words, entry, event = line
    text = texts.get(clause, "")
    if entry is None:
        return CardLine(kind, block, code, title, clause, text, count, _exact(points), words, event)
    number, reverses = entry.entry_id, entry.reverses_id
    undone_by = reversed_by.get(number) if reversed_by and number is not None else None
    return CardLine(
        kind, block, code, title, clause, text, count, _exact(points), words, event,
        number, entry.happened_at, entry.period, entry.reason, entry.source, reverses, undone_by,
    )  # fmt: skip


def _exact(points: Points) -> str:
    """A line's points as they are; a mean that no decimal can write is rounded as the figure it gives."""
    return plain(points) if isinstance(points, int) else _shown(points, 2)


def _shown(points: Points, places: int) -> str:
    return shown(points, places) or ""


def _grade_title(rulebook: RuleBook, sheet: ScoreSheet) -> str | None:
    return None if sheet.grade == PENDING else rulebook.grade_title(sheet.grade)


def _full(rulebook: RuleBook, block: str, department: Department) -> str | None:
    cap = rulebook.blocks[block].cap_for(department.kind)
    return None if cap is None else plain(cap)
