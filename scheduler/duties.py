"""What departments owe: duties assigned from a date on, and the obligations that follow from them, each made once."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from sqlmodel import Session, col, select, tuple_

from scheduler.frame import Frame, Slot, slots_of
from scheduler.ladder import ladder
from scheduler.tables import DutyAssignment, Obligation
from store.errors import Refusal
from store.people import Department

_DAY = timedelta(days=1)


def assign_duty(
    frame: Frame, department: Department, duty: str, *, since: date, now: datetime, until: date | None = None
) -> DutyAssignment:
    """Have a department owe a duty for the periods that end on ``since`` or later, but not those due by ``now``.

    Raises Refusal duty_unknown, or duty_owed_already when an assignment without end exists.
    """
    if frame.years and all(frame.duty(year, duty) is None for year in frame.years):
        raise Refusal("duty_unknown", text=duty)
    for one in assignments(frame.session, department.id):
        if one.duty == duty and (one.until is None or one.until >= since):
            raise Refusal("duty_owed_already", department=department.name, duty=duty)
    assignment = DutyAssignment(department_id=department.id, duty=duty, since=since, until=until)
    look_ahead(frame, assignment, now)
    frame.session.add(assignment)
    frame.session.flush()
    return assignment


def end_duty(frame: Frame, assignment: DutyAssignment, *, until: date) -> None:
    """The department owes the duty no longer for periods that end after ``until``."""
    assignment.until = until
    frame.session.add(assignment)
    frame.session.flush()


def assignments(session: Session, department_id: int) -> list[DutyAssignment]:
    """The duties of a department, ended ones too, in the order in which they were assigned."""
    query = select(DutyAssignment).where(DutyAssignment.department_id == department_id)
    return list(session.exec(query.order_by(col(DutyAssignment.id))))


def owed_slots(frame: Frame, assignment: DutyAssignment) -> Iterable[Slot]:
    """The periods a department owes by an assignment, in order: nothing that was due before the zone went live."""
    for year, row in frame.years.items():
        for slot in frame.slots(year, assignment.duty):
            within = assignment.until is None or slot.covered.last <= assignment.until
            if assignment.since <= slot.covered.last and within and slot.due_at > row.live_from:
                yield slot


def look_ahead(frame: Frame, assignment: DutyAssignment, now: datetime) -> None:
    """Set when the assignment has to be looked at: at the opening of its first period that is due after ``now``."""
    coming = next((slot for slot in owed_slots(frame, assignment) if slot.due_at > now), None)
    assignment.next_open_at = coming.opens_at if coming else _next_year(frame, assignment, now)


def _next_year(frame: Frame, assignment: DutyAssignment, now: datetime) -> datetime | None:
    """When to look whether the next year has a rule book: when its first period would open, then every day."""
    if not frame.years or (assignment.until is not None and assignment.until < now.date()):
        return None if frame.years else now + _DAY
    last = max(frame.years)
    duty = frame.duty(last, assignment.duty)
    first = slots_of(frame.calendar, frame.rulebook(last), duty, last + 1)[0].opens_at if duty else now
    return max(first, now + _DAY)


def obligation_for(frame: Frame, department: Department, duty: str, period: str, now: datetime) -> Obligation:
    """The obligation of a department for one period, made now if nobody has needed it yet.

    Raises Refusal duty_unknown, period_unknown or not_owed.
    """
    slot = frame.slot(duty, period)
    query = select(Obligation).where(
        Obligation.department_id == department.id, Obligation.duty == duty, Obligation.period == period
    )
    existing = frame.session.exec(query).first()
    if existing is not None:
        return existing
    owed = (one for one in assignments(frame.session, department.id) if one.duty == duty)
    if not any(slot in owed_slots(frame, one) for one in owed):
        raise Refusal("not_owed", department=department.name, duty=duty, period=slot.covered.title)
    obligation = _made(frame, department.id, duty, slot, now)
    frame.session.add(obligation)
    frame.session.flush()
    return obligation


def open_due(frame: Frame, now: datetime) -> list[Obligation]:
    """Open what opens by ``now``: the obligations that have just opened, by department, duty and period."""
    query = select(DutyAssignment).where(col(DutyAssignment.next_open_at) <= now)
    waiting = frame.session.exec(query.order_by(col(DutyAssignment.department_id), col(DutyAssignment.duty))).all()
    wanted: dict[tuple[int, str, str], Slot] = {}
    for assignment in waiting:
        since, assignment.next_open_at = assignment.next_open_at, None
        for slot in owed_slots(frame, assignment):
            if slot.opens_at > now:
                assignment.next_open_at = slot.opens_at
                break
            # A year put in force late has periods that opened before the last look; those overdue by then stay out.
            if since is None or slot.opens_at >= since or slot.due_at > now:
                wanted[assignment.department_id, assignment.duty, slot.covered.code] = slot
        else:
            assignment.next_open_at = _next_year(frame, assignment, now)
    if not wanted:
        return []
    known = _existing(frame.session, wanted)
    opened = []
    for (department_id, duty, code), slot in wanted.items():
        obligation = known.get((department_id, duty, code)) or _made(frame, department_id, duty, slot, now)
        if obligation.opened_at is None:
            obligation.opened_at = now
            opened.append(obligation)
            frame.session.add(obligation)
    frame.session.flush()
    return opened


def _existing(session: Session, wanted: Iterable[tuple[int, str, str]]) -> dict[tuple[int, str, str], Obligation]:
    """The obligations among these that were made before their time: by an early hand-in, an extension, an exemption."""
    periods = sorted({(duty, code) for _, duty, code in wanted})
    query = select(Obligation).where(tuple_(col(Obligation.duty), col(Obligation.period)).in_(periods))
    return {(one.department_id, one.duty or "", one.period or ""): one for one in session.exec(query)}


def _made(frame: Frame, department_id: int, duty: str, slot: Slot, now: datetime) -> Obligation:
    rules = frame.duty(slot.year, duty)
    if rules is None:
        raise Refusal("duty_unknown", text=duty)
    obligation = Obligation(
        department_id=department_id,
        duty=duty,
        period=slot.covered.code,
        year=slot.year,
        item=rules.item,
        original_due_at=slot.due_at,
        due_at=slot.due_at,
        accept_until=slot.due_at,
        provisional=slot.provisional,
    )
    plan(frame, obligation, now)
    return obligation


def plan(frame: Frame, obligation: Obligation, now: datetime) -> None:
    """Set when time looks at an obligation again, after its deadline or what was handed in has changed."""
    if obligation.exempted_at is not None or obligation.on_time:
        obligation.remind_at = obligation.settle_at = None
        return
    steps = ladder(obligation.due_at, frame.rulebook(obligation.year).reminders, frame.calendar)
    begun = any(step.at <= now for step in steps)
    obligation.remind_at = now if begun else next((step.at for step in steps), None)
    obligation.settle_at = obligation.due_at + frame.grace(obligation.year)
