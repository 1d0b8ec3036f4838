"""Reminders: the rung that is right now, one message per department for all that is due together."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select, update

from scheduler.facts import departments_by_id, told_of
from scheduler.frame import Frame
from scheduler.ladder import Step, ladder, look
from scheduler.tables import Obligation, Reminder
from store.errors import Refusal
from store.notices import Audience, Notice
from store.people import Person, reachable_departments
from store.times import iso_china

TOPIC = "reminder:"
"""Of a message that reminds: the rest is its batch."""


def remind(frame: Frame, now: datetime) -> list[Notice]:
    """Send, to each department, the rungs that are right now; nothing that was sent, nothing stale.

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
        frame.session.add(obligation)
        if seen.step is not None:
            right_now.setdefault(obligation.department_id, []).append((obligation, seen.step))
    if not right_now:
        return []
    reached = reachable_departments(frame.session)
    notices = []
    for department_id, due in sorted(right_now.items()):
        batch = _record(frame.session, department_id, [(one, step.code) for one, step in due], now)
        if department_id in reached:
            heads = any(step.heads for _, step in due)
            notices += _messages(frame, department_id, [one for one, _ in due], batch, now, heads=heads)
    silent = [department_id for department_id in right_now if department_id not in reached]
    if silent:
        notices.append(_unreachable(frame, {to: [one for one, _ in right_now[to]] for to in sorted(silent)}, now))
    return notices


def remind_now(frame: Frame, obligations: Iterable[Obligation], now: datetime, by: Person) -> list[Notice]:
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
    notices = []
    for department_id, due in sorted(grouped.items()):
        code = f"by {by.id} at {iso_china(now)}"
        known = _sent(frame.session, due)
        batch = _record(
            frame.session,
            department_id,
            [(one, code) for one in due if code not in known.get((one.id, one.due_at), ())],
            now,
        )
        notices += _messages(frame, department_id, due, batch, now, heads=False)
    return notices


def delivered(session: Session, topic: str, at: datetime) -> None:
    """A message with this topic has arrived; for topics of reminders, what it listed counts as told from then on."""
    if topic.startswith(TOPIC):
        of_batch = update(Reminder).where(
            col(Reminder.batch) == topic.removeprefix(TOPIC), col(Reminder.delivered_at).is_(None)
        )
        session.exec(of_batch.values(delivered_at=at))


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


def _record(session: Session, department_id: int, due: list[tuple[Obligation, str]], now: datetime) -> str:
    batch = f"{department_id}-{int(now.timestamp() * 1_000_000)}"
    session.add_all(
        Reminder(obligation_id=one.id, due_at=one.due_at, rung=code, batch=batch, sent_at=now) for one, code in due
    )
    session.flush()
    return batch


def _messages(
    frame: Frame, department_id: int, due: list[Obligation], batch: str, now: datetime, *, heads: bool
) -> list[Notice]:
    facts: dict[str, Any] = {"lines": [told_of(frame, one, now) for one in due]}
    buttons: list[tuple[str, str]] = []
    if any(one.due_at > now for one in due):
        for one in due:
            buttons += [("hand_in", str(one.id)), ("needed", str(one.id))]
        buttons.append(("seen", batch))
    department = Notice(
        "reminder", Audience("department", department_id), facts, topic=TOPIC + batch, buttons=tuple(buttons)
    )
    if not heads:
        return [department]
    return [department, Notice("reminder", Audience("heads", department_id), facts, topic=TOPIC + batch)]


def batch_obligations(session: Session, batch: str) -> list[Obligation]:
    """What one message listed, for 已知悉 under it."""
    query = select(Obligation).join(Reminder, col(Reminder.obligation_id) == col(Obligation.id))
    return list(session.exec(query.where(Reminder.batch == batch).order_by(col(Obligation.id))))


def _unreachable(frame: Frame, silent: dict[int, list[Obligation]], now: datetime) -> Notice:
    names = departments_by_id(frame.session)
    lines = [
        {"department": names[to].name, "obligations": [told_of(frame, one, now) for one in due]}
        for to, due in silent.items()
    ]
    return Notice("unreachable", Audience("administrators"), {"departments": lines})
