"""What an administrator does to an obligation: move its deadline (延期), let it go (免报), decide on a hold."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlmodel import Session, col, select

from scheduler import hand_ins
from scheduler.duties import plan
from scheduler.facts import deliveries
from scheduler.frame import Frame
from scheduler.judgement import charge_now
from scheduler.ladder import announcing
from scheduler.settlement import case_of, lateness_posting, open_hold, relieve, standing_deduction
from scheduler.tables import CLAIM, Correction, Extension, HandIn, HandInState, Obligation, Settlement
from scoring import ledger
from store.errors import Refusal
from store.notices import Notice
from store.people import Department

Decision = Literal["deduct", "exempt"]


@dataclass(frozen=True)
class Moved:
    """What an extension did. ``relieved``: a deduction was reversed, or a hold ended."""

    obligation: Obligation
    before: datetime
    relieved: bool
    notices: tuple[Notice, ...]


def extend(
    frame: Frame, obligation: Obligation, until: datetime, *, now: datetime, by: int | None = None, reason: str = ""
) -> Moved:
    """Move the deadline to ``until``, which must be later than it is (Refusal extension_not_later).

    Before the deadline passes it just moves; the ladder starts anew. Afterwards: if something was sent before
    ``until``, or ``until`` is still to come, what the old deadline brought is taken back, and a deadline to come is
    told and settled anew. If ``until`` has passed too and nothing beats it, the first deadline's settlement stands;
    but what turns up later and was sent before ``until`` is in time.
    """
    before = obligation.due_at
    if until <= obligation.accept_until:
        raise Refusal("extension_not_later", due=obligation.accept_until, until=until)
    frame.session.add(
        Extension(obligation_id=obligation.id, before=before, until=until, granted_at=now, granted_by=by, reason=reason)
    )
    beaten = obligation.handed_in_at is not None and obligation.handed_in_at < until
    notices: list[Notice] = []
    relieved = False
    if now < before or until > now or beaten:
        if now >= before:
            relieved = open_hold(frame.session, obligation) is not None
            relieved = relieved or standing_deduction(frame.session, obligation) is not None
            notices = relieve(frame, obligation, now, why="extended", by=by)
            # Being told of the old deadline is not being told of the new one.
            obligation.told_from = now
        obligation.due_at = obligation.accept_until = until
        obligation.provisional = False
        obligation.seen_at = None
        plan(frame, obligation, now)
    else:
        obligation.accept_until = until
    frame.session.add(obligation)
    frame.session.flush()
    return Moved(obligation, before, relieved, tuple(notices))


def exempt(
    frame: Frame, obligation: Obligation, *, now: datetime, by: int | None = None, reason: str = ""
) -> tuple[Notice, ...]:
    """Let the department off: nothing is charged for it any more, what was is reversed, a hold ends.

    An obligation that is exempted already stays as it is.
    """
    if obligation.exempted_at is None:
        obligation.exempted_at, obligation.exempted_by, obligation.exempt_reason = now, by, reason or None
    notices = relieve(frame, obligation, now, why="exempted", by=by, corrections=True)
    plan(frame, obligation, now)
    frame.session.add(obligation)
    frame.session.flush()
    return tuple(notices)


def decide_hold(
    frame: Frame,
    obligation: Obligation,
    decision: Decision,
    *,
    now: datetime,
    by: int | None = None,
    confirmed_by: int | None = None,
    reason: str = "",
) -> tuple[Settlement, tuple[Notice, ...]]:
    """Decide an open hold: enter the deduction, dated at the deadline, or exempt the obligation.

    Where something was claimed, exempting lets it count as sent in time; else the deduction that stands goes on
    standing. Raises Refusal no_hold, or deduction_stands (a department is charged once for an obligation).
    """
    hold = open_hold(frame.session, obligation)
    if hold is None:
        raise Refusal("no_hold")
    notices: tuple[Notice, ...] = ()
    claimed = hold.of == CLAIM
    if claimed:
        notices = tuple(hand_ins.decide_claim(frame, obligation, counts=decision == "exempt", now=now))
    standing = standing_deduction(frame.session, obligation) is not None
    if decision == "deduct" and standing and not claimed:
        raise Refusal("deduction_stands")
    hold.announce_at = None
    if decision == "deduct" and not standing:
        _charge(frame, obligation, hold, now, {"recorded_by": by, "confirmed_by": confirmed_by, "reason": reason})
    hold.ended_at, hold.ended_why, hold.decision, hold.decided_by, hold.reason = now, "decided", decision, by, reason
    frame.session.add(hold)
    if decision == "exempt" and not claimed:
        notices = exempt(frame, obligation, now=now, by=by, reason=reason)
    frame.session.flush()
    return hold, notices


def _charge(frame: Frame, obligation: Obligation, hold: Settlement, now: datetime, by: Mapping[str, Any]) -> None:
    """Enter what a hold costs; its department is told in office hours."""
    department = frame.session.get_one(Department, obligation.department_id)
    case = case_of(frame, obligation, department, told=True, deaf=False)
    if hold.of == "correction":
        case = case.missing_since(hold.due_at)
    charge = charge_now(case, now, frame.calendar.is_working_day)
    if charge.points:
        delivered = deliveries(frame.session, [obligation.id]).get(obligation.id, ())
        posting = lateness_posting(obligation, hold.due_at, charge, now=now, delivered=delivered)
        hold.entry_id = ledger.post(frame.session, **{**posting, **by}).id
    hold.announce_at = announcing(now, frame.rulebook(obligation.year).reminders, frame.calendar)
    hold.announced_at = None


def seen(session: Session, obligation_ids: Iterable[int], now: datetime) -> None:
    """已知悉: the department knows; it is left in peace until the due day."""
    for one in session.exec(select(Obligation).where(col(Obligation.id).in_(list(obligation_ids)))):
        one.seen_at = one.seen_at or now
        session.add(one)
    session.flush()


def outstanding(session: Session, department_id: int) -> list[Obligation]:
    """What a department still has to hand in, also after its deadline, the earliest first; exempted ones are not.

    Overdue ones stay on the list until something has been handed in; so do those returned for correction.
    """
    returned = select(Correction.obligation_id).where(col(Correction.met_by).is_(None))
    query = select(Obligation).where(
        Obligation.department_id == department_id,
        col(Obligation.opened_at).is_not(None),
        col(Obligation.exempted_at).is_(None),
        col(Obligation.handed_in_at).is_(None) | col(Obligation.id).in_(returned),
    )
    return list(session.exec(query.order_by(col(Obligation.due_at), col(Obligation.id))))


def hand_ins_of(session: Session, obligation: Obligation) -> list[HandIn]:
    """What came in for an obligation and counts, in the order in which it was sent."""
    query = select(HandIn).where(HandIn.obligation_id == obligation.id, HandIn.state == HandInState.COUNTED)
    return list(session.exec(query.order_by(col(HandIn.sent_at), col(HandIn.id))))
