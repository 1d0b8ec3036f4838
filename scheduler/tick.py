"""Everything that time does, in order, any number of times: a tick with nothing to do changes nothing."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlmodel import Session, col

from scheduler.closing import watch
from scheduler.duties import open_due
from scheduler.frame import Frame
from scheduler.rating import rate
from scheduler.reminders import Reminded, remind
from scheduler.settlement import announce, settle
from scheduler.summaries import summarize
from scheduler.tables import Correction, DutyAssignment, Obligation, Settlement
from scheduler.telling import tell_provisional, tell_reminders, tell_settlements
from store import vitals
from store.notices import Notice


@dataclass(frozen=True, slots=True)
class Advanced:
    """What time did: the obligations that opened, the settlements that are to be told now, who is reminded of what, and
    what is to be said at once of entries that were taken back.
    """

    opened: list[Obligation]
    announced: list[Settlement]
    reminded: list[Reminded]
    settled: list[Notice]


def tick(session: Session, now: datetime) -> list[Notice]:
    """Everything that time does, and what there is to say about it: of duties and tasks, of ratings, and the month's
    summary, when it is time.

    Late ticks lose nothing and repeated ones repeat nothing: what was done is in the tables, and what is charged is
    dated at its deadline. The notices belong into the outbox in the same transaction.
    """
    frame = Frame.of(session)
    done = advance(frame, now)
    notices = tell_provisional(frame, done.opened, now)
    notices += done.settled
    notices += tell_settlements(frame, done.announced)
    notices += tell_reminders(frame, done.reminded, now)
    notices += rate(frame, now)
    notices += watch(frame)
    notices += summarize(frame, now)
    vitals.set_last_tick(session, now)
    return notices


def advance(frame: Frame, now: datetime) -> Advanced:
    """Open what opens, settle what is past its grace, and note what is to be told and reminded of at this instant."""
    due = looks(frame.session)
    opened = open_due(frame, now) if due.open_at <= now else []
    to_settle = min(due.settle_at, due.correct_at) <= now
    settled = settle(frame, now) if to_settle else []
    announced = announce(frame, now) if to_settle or due.announce_at <= now else []
    reminded = remind(frame, now) if opened or due.remind_at <= now else []
    return Advanced(opened, announced, reminded, settled)


@dataclass(frozen=True, slots=True)
class Looks:
    """The earliest instant at which each thing has to be looked at; NEVER if nothing waits for it.

    It may be in the past: a settlement waits until what was sent before its deadline has been read.
    """

    open_at: datetime
    remind_at: datetime
    settle_at: datetime
    announce_at: datetime
    correct_at: datetime

    @property
    def earliest(self) -> datetime:
        return min(self.open_at, self.remind_at, self.settle_at, self.announce_at, self.correct_at)


NEVER = datetime.max.replace(tzinfo=UTC)

_LOOKS = select(
    # The smallest value of an index is its first: five looks, one statement.
    *(
        select(func.min(one)).where(one.is_not(None)).scalar_subquery()
        for one in (
            col(DutyAssignment.next_open_at),
            col(Obligation.remind_at),
            col(Obligation.settle_at),
            col(Settlement.announce_at),
            col(Correction.settle_at),
        )
    )
)


def looks(session: Session) -> Looks:
    """When time will have something to do if nothing happens before, the month's summary aside."""
    session.flush()
    row = session.connection().execute(_LOOKS).one()
    return Looks(*(NEVER if at is None else at for at in row))
