"""Loading a year's holiday notice, and what then becomes of the dates that rested on an estimate."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from sqlmodel import Session, col, select

from scheduler.duties import look_ahead, plan
from scheduler.frame import Frame
from scheduler.settlement import relieve
from scheduler.tables import CalendarNotice, DutyAssignment, Obligation
from scheduler.workdays import HolidayNotice, NoticeError
from store.errors import Refusal
from store.notices import Notice


@dataclass(frozen=True)
class Reckoned:
    """What a notice changed: the obligations whose deadline moved, how many are certain now, and what to tell."""

    notice: HolidayNotice
    moved: tuple[Obligation, ...]
    confirmed: int
    notices: tuple[Notice, ...]


def load_notice(session: Session, text: str, *, now: datetime, by: int | None) -> Reckoned:
    """Keep a notice (the usual JSON) and reckon anew what rests on it. Raises Refusal calendar_unreadable.

    Deadlines that were estimated become certain: what is still to come gets its ladder and its settlement anew, what
    has passed by the real date settles with the next tick. A deadline that was certain before moves only if both its
    old and its new date are to come. Extended deadlines were set by a person and stay.
    """
    try:
        notice = HolidayNotice.parse(text)
    except NoticeError as fault:
        raise Refusal("calendar_unreadable", reason=fault.reason, where=fault.where) from None
    digest = sha256(text.encode()).hexdigest()
    row = session.get(CalendarNotice, notice.year) or CalendarNotice(
        year=notice.year, text="", digest="", loaded_at=now
    )
    row.text, row.digest, row.loaded_at, row.loaded_by = text, digest, now, by
    session.add(row)
    session.flush()

    frame = Frame.of(session)
    moved, notices = [], []
    confirmed = 0
    query = select(Obligation).where(
        col(Obligation.provisional) | (col(Obligation.due_at) > now),
        col(Obligation.duty).is_not(None),
        col(Obligation.accept_until) == col(Obligation.original_due_at),
    )
    for obligation in session.exec(query.order_by(col(Obligation.id))).all():
        was_provisional, before = obligation.provisional, obligation.due_at
        notices += _reckon(frame, obligation, now)
        confirmed += was_provisional and not obligation.provisional
        if obligation.due_at != before:
            moved.append(obligation)
    for assignment in session.exec(select(DutyAssignment)):
        look_ahead(frame, assignment, now)
        session.add(assignment)
    session.flush()
    return Reckoned(notice, tuple(moved), confirmed, tuple(notices))


def _reckon(frame: Frame, obligation: Obligation, now: datetime) -> list[Notice]:
    """Give one obligation the date that the calendar says now."""
    slot = next(
        one for one in frame.slots(obligation.year, obligation.duty or "") if one.covered.code == obligation.period
    )
    if not obligation.provisional and slot.due_at <= now:
        return []
    moved = slot.due_at != obligation.due_at
    was_provisional, obligation.provisional = obligation.provisional, slot.provisional
    if not moved and (slot.provisional or not was_provisional):
        return []
    obligation.original_due_at = obligation.due_at = obligation.accept_until = slot.due_at
    # A hold of the very date is judged again by settlement; one of another date has lost its ground.
    notices = relieve(frame, obligation, now, why="calendar") if moved else []
    plan(frame, obligation, now)
    frame.session.add(obligation)
    return notices
