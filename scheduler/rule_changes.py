"""What a changed rule book would do to a year: every department's score by the one in force and by the other.

Every entry is weighed anew, and every lateness judged anew by the other book's deadlines and charges, from the instants
of the hand-ins; what a person has taken back, held or let off stays so. Ballots keep their share of a panel's full
marks. Nothing is written.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction
from typing import Any, TypeAlias

from sqlmodel import Session, col, select

from scheduler.frame import Frame
from scheduler.judgement import Case, charge_now
from scheduler.tables import Obligation, Outcome, Settlement
from scoring.ballots import ABSTAIN, Ballot, Mark
from scoring.boxes import Count, counted, uncounted
from scoring.disclosure import disclosed
from scoring.disputes import disputed, under_review
from scoring.points import shown
from scoring.rulebook import RuleBook
from scoring.sheet import PENDING, LedgerLine, ScoreSheet, score_sheet
from scoring.standings import Standing, in_order, standings
from scoring.tables import LedgerEntry
from store.errors import Refusal
from store.people import Department

_Settled: TypeAlias = tuple[Settlement, LedgerEntry | None, str | None]
"""A settlement of a deadline, its entry, and the source of the reversal that took that back."""

_COMPARED = ("blocks", "items", "groups", "panels", "duties")


@dataclass(frozen=True)
class RuleChange:
    """Something in which two rule books differ. ``kind``: "blocks", "items", "groups", "panels", "duties", "grades" or
    "readings"; ``what``: "added", "removed" or "changed".
    """

    kind: str
    code: str
    title: str
    what: str


@dataclass(frozen=True)
class Side:
    """A department's figures by one of the books, as they are shown."""

    daily: str
    annual: str | None
    bonus: str
    total: str | None
    grade: str
    grade_title: str | None
    rank: int | None


@dataclass(frozen=True)
class DiffRow:
    """A department by the book in force, and by the other."""

    code: str
    department: str
    before: Side
    after: Side

    @property
    def changed(self) -> bool:
        """Whether any figure is another."""
        return self.before != self.after


def compare(old: RuleBook, new: RuleBook) -> list[RuleChange]:
    """In what two rule books differ, in the order of the file."""
    found = []
    for kind in _COMPARED:
        before, after = getattr(old, kind), getattr(new, kind)
        for code in dict.fromkeys([*before, *after]):
            what = "removed" if code not in after else "added" if code not in before else "changed"
            if before.get(code) != after.get(code):
                found.append(RuleChange(kind, code, (after.get(code) or before[code]).title, what))
    if old.grades != new.grades:
        found.append(RuleChange("grades", "", "", "changed"))
    if old.readings != new.readings:
        found.append(RuleChange("readings", "", "", "changed"))
    return found


def scores(frame: Frame, year: int, book: RuleBook, now: datetime) -> list[DiffRow]:
    """Every department of a year by the book in force and by ``book``, in the order of the former.

    Raises Refusal rules_lack_items for a book that lacks an item under which something stands.
    """
    session = frame.session
    live = standings(session, year)
    after = {one.department.code: one for one in _standings(frame, year, book, now, live)}
    rows = []
    for one in live:
        other = after[one.department.code]
        unit = one.department
        rows.append(DiffRow(unit.code, unit.name, _side(frame.rulebook(year), one), _side(book, other)))
    return rows


def _side(book: RuleBook, one: Standing) -> Side:
    sheet, places = one.sheet, book.readings.places
    title = None if sheet.grade == PENDING else book.grade_title(sheet.grade)
    return Side(
        daily=shown(sheet.daily, places) or "",
        annual=shown(sheet.annual, places),
        bonus=shown(sheet.bonus, places) or "",
        total=shown(sheet.total, places),
        grade=sheet.grade,
        grade_title=title,
        rank=one.rank,
    )


def _standings(frame: Frame, year: int, book: RuleBook, now: datetime, live: Sequence[Standing]) -> list[Standing]:
    """By the other book. ``live``: by the book in force, which says what of the panels may be shown: else a book made
    for it would tell what one panel has given, out of two sums.
    """
    session, old = frame.session, frame.rulebook(year)
    units = [one.department for one in live]
    told = {"", "few"} if _panels_count_alike(old, book) else {""}
    kept_back = {one.department.id for one in live if one.sheet.withheld not in told}
    draft = frame.under(year, book)
    settled = _settled(session, year)
    lines = _by_hand(session, year, book, {one.id: one for one in units}, settled)
    for one in session.exec(select(Obligation).where(Obligation.year == year).order_by(col(Obligation.id))):
        line = _late(draft, one, settled.get(one.id, []), now)
        if line is not None:
            lines.setdefault(one.department_id, []).append(line)
    counts, still_open, reviewed = counted(session, year), uncounted(session, book, year), disputed(session, year)

    def sheet(unit: Department) -> ScoreSheet:
        count = counts.get(unit.id, Count())
        ballots = list(_scaled(old, book, count.ballots, unit.kind))
        not_told = frozenset(book.panels) if unit.id in kept_back else still_open
        exact = score_sheet(book, lines.get(unit.id, ()), ballots, unit.kind, not_told)
        return replace(under_review(disclosed(exact, count.counts), reviewed.get(unit.id, 0)), lines=())

    return in_order([(unit, sheet(unit)) for unit in units])


def _panels_count_alike(old: RuleBook, new: RuleBook) -> bool:
    """Whether what the panels give comes to the same sums by both books, and no more of it would be shown."""
    blocks = {panel.block for panel in old.panels.values()}

    def rules(book: RuleBook) -> tuple[Any, ...]:
        return (
            book.panels,
            book.readings,
            {code: book.blocks.get(code) for code in blocks},
            # What costs points in the same block could hold it at its floor, and so leave the others alone.
            {code: item for code, item in book.items.items() if item.block in blocks},
        )

    return rules(old) == rules(new) and old.panel_shown_from <= new.panel_shown_from


def _settled(session: Session, year: int) -> dict[int, list[_Settled]]:
    """By obligation, what became of its deadlines; missed corrections are entries like any other."""
    entries = {one.id: one for one in session.exec(select(LedgerEntry).where(LedgerEntry.year == year))}
    taken_back = {one.reverses_id: one.source for one in entries.values() if one.reverses_id is not None}
    query = select(Settlement).join(Obligation, col(Settlement.obligation_id) == col(Obligation.id))
    found: dict[int, list[_Settled]] = {}
    query = query.where(Obligation.year == year, Settlement.of == "deadline").order_by(col(Settlement.id))
    for one in session.exec(query):
        entry = entries.get(one.entry_id or 0)
        found.setdefault(one.obligation_id, []).append((one, entry, taken_back.get(one.entry_id or 0)))
    return found


def _by_hand(
    session: Session,
    year: int,
    book: RuleBook,
    units: Mapping[int, Department],
    settled: Mapping[int, Iterable[_Settled]],
) -> dict[int, list[LedgerLine]]:
    """By department, what stands in the ledger and came from no deadline, at the weight it has in ``book``."""
    late = {entry.id for rows in settled.values() for _, entry, _ in rows if entry is not None}
    query = select(LedgerEntry).where(LedgerEntry.year == year).order_by(col(LedgerEntry.happened_at))
    entries = session.exec(query.order_by(col(LedgerEntry.id))).all()
    gone = {one.reverses_id for one in entries}
    standing = [
        one for one in entries if one.reverses_id is None and one.id not in gone | late and one.department_id in units
    ]
    if lacking := sorted({one.item for one in standing} - set(book.items)):
        raise Refusal("rules_lack_items", items=lacking)
    lines: dict[int, list[LedgerLine]] = {}
    for one in standing:
        points = book.weight(one.item, one.count, units[one.department_id].kind)
        lines.setdefault(one.department_id, []).append(LedgerLine(one.item, one.count, points, one.event))
    return lines


def _late(
    draft: Frame,
    one: Obligation,
    settled: Iterable[_Settled],
    now: datetime,
) -> LedgerLine | None:
    """What the lateness of one obligation would cost by the other book."""
    rows = list(settled)
    by_hand = any(back not in (None, "auto") for _, _, back in rows)
    held = any(row.outcome == Outcome.HELD and (row.ended_at is None or row.decision == "exempt") for row, _, _ in rows)
    if by_hand or held or one.exempted_at is not None:
        return None
    duty = draft.duty(one.year, one.duty) if one.duty else None
    item = duty.item if duty else one.item
    rules = draft.rulebook(one.year).items.get(item)
    if rules is None or (duty is None and (one.duty is not None or rules.settle is None or rules.lateness is None)):
        return None
    due, until = one.due_at, one.accept_until
    if duty is not None and not one.extended:
        slot = next((slot for slot in draft.slots(one.year, duty.code) if slot.covered.code == one.period), None)
        if slot is None:
            return None
        due = until = slot.due_at
    charged = any(row.outcome == Outcome.DEDUCTED or row.decision == "deduct" for row, _, _ in rows)
    in_time = one.handed_in_at is not None and one.handed_in_at < until
    settle = duty.settle if duty else rules.settle
    if due > now or in_time or (not charged and settle == "held"):
        return None
    unit = draft.session.get_one(Department, one.department_id)
    lateness = duty.lateness if duty else rules.lateness
    if lateness is None:
        return None
    case = Case(
        due_at=due,
        accept_until=until,
        handed_in_at=one.handed_in_at,
        exempted=False,
        told=True,
        deaf=False,
        provisional=False,
        settle="automatic",
        lateness=lateness,
        weight=draft.rulebook(one.year).weight(item, 1, unit.kind),
    )
    charge = charge_now(case, now, draft.calendar.is_working_day)
    return LedgerLine(item, charge.count, charge.points) if charge.points else None


def _scaled(old: RuleBook, new: RuleBook, ballots: Iterable[Ballot], kind: str) -> Iterator[Ballot]:
    for one in ballots:
        if one.panel not in new.panels or one.panel not in old.panels:
            continue
        was, full = old.panels[one.panel].weight_for(kind), new.panels[one.panel].weight_for(kind)
        if one.scores == ABSTAIN or was == full or not was:
            yield one
        elif isinstance(one.scores, Mark):
            mark = Fraction(one.scores.points) * full / was
            yield Ballot(one.panel, Mark(mark.numerator if mark.denominator == 1 else mark))
