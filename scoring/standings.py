"""From the ledger's rows to score sheets: of one department, or of all at once. And which rule book a year has."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from heapq import merge
from itertools import chain, groupby
from operator import itemgetter
from typing import Any, Literal

from sqlalchemy import BigInteger, Select, bindparam, cast, func, null, select
from sqlmodel import Session, SQLModel, col
from sqlmodel import select as select_rows

from scoring.boxes import Count, counted, uncounted
from scoring.disclosure import disclosed
from scoring.disputes import disputed, under_review
from scoring.loading import parse
from scoring.ranking import rank
from scoring.rulebook import RuleBook
from scoring.sheet import LedgerLine, ScoreSheet, score_sheet
from scoring.tables import AssessmentYear, RuleBookVersion
from store.errors import Refusal
from store.people import Department, departments
from store.times import china

By = Literal["total", "daily"]

_ENTRY = SQLModel.metadata.tables["ledger_entry"].c
_BOOKS: dict[str, RuleBook] = {}
_PART = 2000


@dataclass(frozen=True)
class Standing:
    """A department among all: its sheet, and its rank, None where it has none."""

    department: Department
    sheet: ScoreSheet
    rank: int | None


def put_in_force(session: Session, rulebook: RuleBook, year: int, live_from: datetime) -> None:
    """Give a year its rule book. Its text is kept, so that the year stays computable whatever becomes of the file.

    ``live_from``: nothing that was due before exists.
    """
    if session.get(RuleBookVersion, rulebook.digest) is None:
        session.add(RuleBookVersion(digest=rulebook.digest, name=rulebook.name, text=rulebook.text))
        session.flush()
    row = session.get(AssessmentYear, year) or AssessmentYear(year=year, digest="", live_from=live_from)
    row.digest, row.live_from = rulebook.digest, live_from
    session.add(row)
    session.flush()
    _BOOKS[rulebook.digest] = rulebook


def years(session: Session) -> list[int]:
    """The years that have a rule book, earliest first."""
    return list(session.exec(select_rows(AssessmentYear.year).order_by(col(AssessmentYear.year))))


def in_force(session: Session, year: int) -> RuleBook:
    """The rule book of a year, read once in the life of the process. Raises Refusal year_not_in_force."""
    row = session.get(AssessmentYear, year)
    if row is None:
        raise Refusal("year_not_in_force", year=year, years=years(session))
    # A session forgets what nobody holds; this one is asked for with every entry.
    session.info["assessment_year", year] = row
    if row.digest not in _BOOKS:
        kept = session.get_one(RuleBookVersion, row.digest)
        _BOOKS[row.digest] = parse(kept.text, kept.name)
    return _BOOKS[row.digest]


def current_year(session: Session, now: datetime) -> int:
    """The assessment year that runs at ``now``: the calendar year in China, or the latest before it that has a rule
    book (in January, until the new one is in force). Raises Refusal year_not_in_force if there is none.
    """
    this_year = china(now).year
    running = [year for year in years(session) if year <= this_year]
    if not running:
        raise Refusal("year_not_in_force", year=this_year, years=years(session))
    return running[-1]


def sheet_of(session: Session, year: int, department: Department) -> ScoreSheet:
    """The score sheet of one department as anybody may see it, of its own entries alone; its lines carry them."""
    rulebook = in_force(session, year)
    lines, still_open = lines_of(session, year, department.id), uncounted(session, rulebook, year)
    # Most of the year no rating is over, and there is nothing to count.
    over = still_open != rulebook.panels.keys()
    count = counted(session, year, department.id).get(department.id, Count()) if over else Count()
    sheet = disclosed(score_sheet(rulebook, lines, count.ballots, department.kind, still_open), count.counts)
    return under_review(sheet, disputed(session, year, department.id).get(department.id, 0))


_LINES = (
    select(
        _ENTRY.item,
        _ENTRY["count"],
        _ENTRY.points,
        _ENTRY.event,
        _ENTRY.period,
        _ENTRY.happened_at,
        _ENTRY.reason,
        _ENTRY.source,
        _ENTRY.id,
        _ENTRY.reverses_id,
    )
    .where(_ENTRY.year == bindparam("year"), _ENTRY.department_id == bindparam("department"))
    .order_by(_ENTRY.happened_at, _ENTRY.id)
)


def lines_of(session: Session, year: int, department_id: int) -> list[LedgerLine]:
    """A department's entries, reversals too, in the order in which they happened and were recorded."""
    rows = session.connection().execute(_LINES, {"year": year, "department": department_id})
    return list(map(LedgerLine._make, rows))


def standings(session: Session, year: int, by: By = "total") -> list[Standing]:
    """All active departments, best first; those without a rank after them, vetoed ones last. The sheets carry no lines.

    The entries are summed by the database, so this costs about what the sum costs, however many entries there are.
    """
    rulebook = in_force(session, year)
    known = departments(session)
    kinds = {one.id: one.kind for one in known}
    counts, still_open = counted(session, year), uncounted(session, rulebook, year)
    reviewed = disputed(session, year)

    def sheet(department_id: int, lines: Iterable[LedgerLine]) -> ScoreSheet:
        count = counts.get(department_id, Count())
        exact = score_sheet(rulebook, lines, count.ballots, kinds[department_id], still_open)
        # A hundred thousand lines that nobody reads would cost more than the figures.
        return replace(under_review(disclosed(exact, count.counts), reviewed.get(department_id, 0)), lines=())

    sheets: dict[int, ScoreSheet] = {}
    for department_id, rows in groupby(_sums(session, year, rulebook.by_event), key=itemgetter(0)):
        if department_id in kinds:
            lines = [LedgerLine(item, count, points, event) for _, item, count, points, event in rows]
            sheets[department_id] = sheet(department_id, lines)
    for one in known:
        if one.id not in sheets:
            sheets[one.id] = sheet(one.id, ())
    return in_order([(one, sheets[one.id]) for one in known], by)


def in_order(sheets: Sequence[tuple[Department, ScoreSheet]], by: By = "total") -> list[Standing]:
    """These departments, best first; those without a rank after them, vetoed ones last."""
    ranks = rank({unit.code: sheet for unit, sheet in sheets}, by)
    placed = [Standing(unit, sheet, ranks[unit.code]) for unit, sheet in sheets]
    return sorted(placed, key=lambda row: (bool(row.sheet.vetoes) and row.rank is None, row.rank or len(placed) + 1))


def _sums(session: Session, year: int, by_event: Iterable[str]) -> Iterator[Sequence[Any]]:
    """(department, item, count, points, event) in order of department: summed per item, and per event only where the
    rules look at events.
    """
    apart = list(by_event)
    key = (_ENTRY.department_id, _ENTRY.item)
    net = (cast(func.sum(_ENTRY["count"]), BigInteger), cast(func.sum(_ENTRY.points), BigInteger))
    whole = select(*key, *net, null()).where(_ENTRY.year == year).group_by(*key).order_by(*key)
    if not apart:
        yield from _in_parts(session, whole)
        return
    per_event = select(*key, *net, _ENTRY.event).where(_ENTRY.year == year, _ENTRY.item.in_(apart))
    per_event = per_event.group_by(*key, _ENTRY.event).order_by(*key)
    whole = whole.where(_ENTRY.item.not_in(apart))
    yield from merge(_in_parts(session, whole), _in_parts(session, per_event), key=itemgetter(0))


def _in_parts(session: Session, query: Select[Any]) -> Iterator[Sequence[Any]]:
    """Rows as they come, some thousands at a time: all at once, they keep the garbage collector busy."""
    result = session.connection().execute(query, execution_options={"yield_per": _PART})
    return chain.from_iterable(result.partitions())
