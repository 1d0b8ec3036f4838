"""What messages and lists say about obligations: plain data, instants as ISO text, points in units of 1/10,000."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from scheduler.deadlines import due_day_of
from scheduler.frame import Frame
from scheduler.ladder import days_left
from scheduler.tables import Correction, Obligation, Reminder, Task
from scoring.lateness import LatenessRule
from scoring.rulebook import Settle
from store.errors import Refusal
from store.people import Department
from store.times import iso_china


def departments_by_id(session: Session) -> dict[int, Department]:
    return {one.id: one for one in session.exec(select(Department))}


def rules_for(frame: Frame, obligation: Obligation) -> tuple[Settle, LatenessRule, str]:
    """How the obligation settles, what lateness costs, and the clause. Raises Refusal duty_unknown."""
    if obligation.duty is not None:
        duty = frame.duty(obligation.year, obligation.duty)
        if duty is None:
            raise Refusal("duty_unknown", text=obligation.duty)
        return duty.settle, duty.lateness, duty.clause
    item = frame.rulebook(obligation.year).items[obligation.item]
    if item.settle is None or item.lateness is None:
        raise Refusal("item_not_owed", text=obligation.item)
    return item.settle, item.lateness, item.clause


def told_of(frame: Frame, obligation: Obligation, now: datetime | None = None) -> dict[str, Any]:
    """An obligation in facts: ``what`` is its title, ``short`` that of a question, ``period`` its code or None.

    ``correction_due`` is the date for the correction of what was returned, else None. With ``now`` also ``days_left``
    (working days after today to the day until which something is owed) and ``overdue``.
    """
    rulebook = frame.rulebook(obligation.year)
    duty = frame.duty(obligation.year, obligation.duty) if obligation.duty else None
    task = frame.session.get(Task, obligation.task_id) if obligation.task_id else None
    title = duty.title if duty else task.title if task else rulebook.items[obligation.item].title
    clause = rulebook.clauses[duty.clause if duty else rulebook.items[obligation.item].clause]
    facts: dict[str, Any] = {
        "obligation": obligation.id,
        "duty": obligation.duty,
        "task": obligation.task_id,
        "what": title,
        "short": duty.short if duty else title,
        "period": obligation.period,
        "due": iso_china(obligation.due_at),
        "due_day": due_day_of(obligation.due_at).isoformat(),
        "provisional": obligation.provisional,
        "extended": obligation.extended,
        "nil_report": bool(duty and duty.nil_report),
        "check": duty.check if duty else None,
        "clause": clause.number,
        "clause_text": clause.text,
        "item": obligation.item,
        "measures": task.measures if task else "",
        "responsible": task.responsible if task else "",
    }
    correction = correction_due(frame.session, obligation)
    facts["correction_due"] = iso_china(correction) if correction else None
    if now is not None:
        until = correction or obligation.due_at
        facts["days_left"] = days_left(until, now, frame.calendar)
        facts["overdue"] = until <= now
    return facts


_TO_CORRECT = (
    select(Correction.due_at)
    .where(Correction.obligation_id == bindparam("obligation"), col(Correction.met_by).is_(None))
    .order_by(col(Correction.id).desc())
)
# Asked for every receipt: built once, for building a statement takes longer than running it.


def correction_due(session: Session, obligation: Obligation) -> datetime | None:
    """Until when what came in has to be corrected; None where nothing was returned, or it was corrected."""
    if obligation.handed_in_at is None:
        return None
    return session.exec(_TO_CORRECT, params={"obligation": obligation.id}).first()


def deliveries(session: Session, obligations: Iterable[int]) -> Mapping[int, list[Reminder]]:
    """The reminders of these obligations that arrived, by obligation, in order of time."""
    found: dict[int, list[Reminder]] = {}
    wanted = list(obligations)
    for start in range(0, len(wanted), 500):
        query = select(Reminder).where(
            col(Reminder.obligation_id).in_(wanted[start : start + 500]), col(Reminder.delivered_at).is_not(None)
        )
        for one in session.exec(query.order_by(col(Reminder.delivered_at), col(Reminder.id))):
            found.setdefault(one.obligation_id, []).append(one)
    return found


def was_told(obligation: Obligation, delivered: Iterable[Reminder]) -> bool:
    """Whether a reminder arrived before the deadline; where it was set anew after it had passed, one of the new one."""
    anew = obligation.told_from
    return any(
        one.delivered_at is not None
        and one.delivered_at < obligation.due_at
        and (anew is None or (one.sent_at >= anew and one.due_at > anew))
        for one in delivered
    )
