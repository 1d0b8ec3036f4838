"""Everything that time does, in order, any number of times: a tick with nothing to do changes nothing."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, union_all
from sqlmodel import Session, col, select

from scheduler.duties import open_due
from scheduler.frame import Frame
from scheduler.reminders import Reminded, remind
from scheduler.settlement import announce, settle
from scheduler.summaries import summarize
from scheduler.tables import Correction, DutyAssignment, Obligation, Settlement
from scheduler.telling import tell_provisional, tell_reminders, tell_settlements
from store import vitals
from store.notices import Notice


@dataclass(frozen=True, slots=True)
class Advanced:
    """What time did: the obligations that opened, the settlements that are to be told now, who is reminded of what."""

    opened: list[Obligation]
    announced: list[Settlement]
    reminded: list[Reminded]


def tick(session: Session, now: datetime) -> list[Notice]:
    """Everything that time does, and what there is to say about it; then the month's summary, when it is time.

    Late ticks lose nothing and repeated ones repeat nothing: what was done is in the tables, and what is charged is
    dated at its deadline. The notices belong into the outbox in the same transaction.
    """
    frame = Frame.of(session)
    done = advance(frame, now)
    notices = tell_provisional(frame, done.opened, now)
    notices += tell_settlements(frame, done.announced)
    notices += tell_reminders(frame, done.reminded, now)
    notices += summarize(frame, now)
    vitals.set_last_tick(session, now)
    return notices


def advance(frame: Frame, now: datetime) -> Advanced:
    """Open what opens, settle what is past its grace, and note what is to be told and reminded of at this instant."""
    opened = open_due(frame, now)
    settle(frame, now)
    return Advanced(opened, announce(frame, now), remind(frame, now))


_LOOKS = union_all(
    # A query per column: the smallest value of an index is its first.
    *(
        select(func.min(one).label("at")).where(one.is_not(None))
        for one in (
            col(DutyAssignment.next_open_at),
            col(Obligation.remind_at),
            col(Obligation.settle_at),
            col(Settlement.announce_at),
            col(Correction.settle_at),
        )
    )
)


def next_look(session: Session) -> datetime | None:
    """When time will have something to do again if nothing happens before, the month's summary aside.

    It may be in the past: a settlement waits until what was sent before its deadline has been read.
    """
    session.flush()
    found = [row[0] for row in session.connection().execute(_LOOKS) if row[0] is not None]
    return min(found, default=None)
