"""Everything that time does, in order, any number of times: a tick with nothing to do changes nothing."""

from datetime import datetime

from sqlalchemy import func, union_all
from sqlmodel import Session, col, select

from scheduler.duties import open_due
from scheduler.facts import departments_by_id, told_of
from scheduler.frame import Frame
from scheduler.reminders import remind
from scheduler.settlement import announce, settle
from scheduler.summaries import summarize
from scheduler.tables import Correction, DutyAssignment, Obligation, Settlement
from store import vitals
from store.notices import Audience, Notice


def tick(session: Session, now: datetime) -> list[Notice]:
    """Open obligations, settle what is past its grace, tell, remind, and post the month's summary.

    Late ticks lose nothing and repeated ones repeat nothing: what was done is in the tables, and what is charged is
    dated at its deadline. The notices belong into the outbox in the same transaction.
    """
    frame = Frame.of(session)
    notices = _opened(frame, now)
    settle(frame, now)
    notices += announce(frame, now)
    notices += remind(frame, now)
    notices += summarize(frame, now)
    vitals.set_last_tick(session, now)
    return notices


def _opened(frame: Frame, now: datetime) -> list[Notice]:
    """Open what opens; administrators hear of dates that rest on a calendar nobody has announced yet (暂定)."""
    provisional = [one for one in open_due(frame, now) if one.provisional]
    if not provisional:
        return []
    names = departments_by_id(frame.session)
    years = sorted({one.due_at.year for one in provisional if frame.calendar.is_provisional(one.due_at.year)})
    lines = [{**told_of(frame, one, now), "department": names[one.department_id].name} for one in provisional]
    return [Notice("calendar_provisional", Audience("administrators"), {"years": years, "lines": lines})]


def next_look(session: Session) -> datetime | None:
    """When a tick will have something to do again if nothing happens before, the month's summary aside.

    It may be in the past: a settlement waits until what was sent before its deadline has been read.
    """
    columns = (
        col(DutyAssignment.next_open_at),
        col(Obligation.remind_at),
        col(Obligation.settle_at),
        col(Settlement.announce_at),
        col(Correction.settle_at),
    )
    # A query per column: the smallest value of an index is its first.
    earliest = union_all(*(select(func.min(one).label("at")).where(one.is_not(None)) for one in columns))
    found = [at for at in session.exec(earliest).scalars() if at is not None]  # type: ignore[call-overload]
    return min(found, default=None)
