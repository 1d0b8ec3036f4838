"""Reminders: the rung that is right now, one message per department for all that is due together."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, insert, select, update

from scheduler.facts import departments_by_id
from scheduler.frame import Frame
from scheduler.ladder import Step, ladder, look
from scheduler.tables import Obligation, Reminder
from store.errors import Refusal
from store.people import Person, reachable_departments
from store.times import iso_china

TOPIC = "reminder:"
"""Of a message that reminds: the rest is its batch."""


@dataclass(frozen=True, slots=True)
class Reminded:
    """One department at one instant: what it was reminded of, or would have been if anybody could be ``reached``.

    ``heads``: the heads of the department are told too.
    """

    department_id: int
    batch: str
    due: tuple[Obligation, ...]
    heads: bool
    reached: bool


def remind(frame: Frame, now: datetime) -> list[Reminded]:
    """Note, for each department, the rungs that are right now; nothing that went already, nothing stale.

    A reminder is on record even when nobody can be reached: it was its time, and it did not arrive.
    """
    query = select(Obligation).where(col(Obligation.remind_at) <= now)
    waiting = frame.session.exec(query.order_by(col(Obligation.due_at), col(Obligation.id))).all()
    if not waiting:
        return []
    sent = _sent(frame.session, waiting)
    right_now: dict[int, list[tuple[Obligation, Step]]] = {}
    for obligation in waiting:
        reminders = frame.rulebook(obligation.year).reminders
        seen = look(
            ladder(obligation.due_at, reminders, frame.calendar),
            obligation.due_at,
            sent.get((obligation.id, obligation.due_at), ()),
            now,
            reminders=reminders,
            calendar=frame.calendar,
            quiet=obligation.seen_at is not None,
        )
        obligation.remind_at = seen.again_at
        if seen.step is not None:
            right_now.setdefault(obligation.department_id, []).append((obligation, seen.step))
    if not right_now:
        return []
    reached = reachable_departments(frame.session)
    _record(frame.session, now, [(one, step.code) for due in right_now.values() for one, step in due])
    return [
        Reminded(
            department_id=department_id,
            batch=_batch(department_id, now),
            due=tuple(one for one, _ in due),
            heads=any(step.heads for _, step in due),
            reached=department_id in reached,
        )
        for department_id, due in sorted(right_now.items())
    ]


def remind_now(frame: Frame, obligations: Iterable[Obligation], now: datetime, by: Person) -> list[Reminded]:
    """Remind of these at once, because an administrator says so; one message per department.

    Raises Refusal unreachable when nobody of a department could read it.
    """
    grouped: dict[int, list[Obligation]] = {}
    for one in obligations:
        grouped.setdefault(one.department_id, []).append(one)
    reached = reachable_departments(frame.session)
    names = departments_by_id(frame.session)
    if missing := [names[to].name for to in grouped if to not in reached]:
        raise Refusal("unreachable", departments=missing)
    code = f"by {by.id} at {iso_china(now)}"
    every = [one for due in grouped.values() for one in due]
    known = _sent(frame.session, every)
    _record(frame.session, now, [(one, code) for one in every if code not in known.get((one.id, one.due_at), ())])
    return [
        Reminded(department_id, _batch(department_id, now), tuple(due), heads=False, reached=True)
        for department_id, due in sorted(grouped.items())
    ]


def delivered(session: Session, topics: str | Iterable[str], at: datetime) -> None:
    """Messages with these topics have arrived; what those that remind listed counts as told from then on."""
    given = [topics] if isinstance(topics, str) else topics
    batches = [topic.removeprefix(TOPIC) for topic in given if topic.startswith(TOPIC)]
    if batches:
        of_batches = update(Reminder).where(col(Reminder.batch).in_(batches), col(Reminder.delivered_at).is_(None))
        session.exec(of_batches.values(delivered_at=at).execution_options(synchronize_session=False))


def _sent(session: Session, obligations: Iterable[Obligation]) -> dict[tuple[int, datetime], set[str]]:
    """The codes of the rungs that went, by obligation and deadline."""
    found: dict[tuple[int, datetime], set[str]] = {}
    wanted = [one.id for one in obligations]
    for start in range(0, len(wanted), 500):
        query = select(Reminder.obligation_id, Reminder.due_at, Reminder.rung).where(
            col(Reminder.obligation_id).in_(wanted[start : start + 500])
        )
        for obligation_id, due_at, rung in session.exec(query):
            found.setdefault((obligation_id, due_at), set()).add(rung)
    return found


def _batch(department_id: int, now: datetime) -> str:
    """One message per department at a time."""
    return f"{department_id}-{int(now.timestamp() * 1_000_000)}"


def _record(session: Session, now: datetime, due: Iterable[tuple[Obligation, str]]) -> None:
    rows = [
        {
            "obligation_id": one.id,
            "due_at": one.due_at,
            "rung": code,
            "batch": _batch(one.department_id, now),
            "sent_at": now,
        }
        for one, code in due
    ]
    if rows:
        session.execute(insert(Reminder), rows)


def batch_obligations(session: Session, batch: str) -> list[Obligation]:
    """What one message listed, for 已知悉 under it."""
    query = select(Obligation).join(Reminder, col(Reminder.obligation_id) == col(Obligation.id))
    return list(session.exec(query.where(Reminder.batch == batch).order_by(col(Obligation.id))))
