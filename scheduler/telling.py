"""What is said about what time did: notices for departments and administrators, in facts, not in words."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import col, select

from scheduler.facts import deliveries, departments_by_id, told_of
from scheduler.frame import Frame
from scheduler.reminders import TOPIC, Reminded
from scheduler.tables import Obligation, Outcome, Settlement
from scoring import appeals
from scoring.tables import LedgerEntry
from store.notices import Audience, Notice
from store.times import iso_china


def tell_reminders(frame: Frame, reminded: Iterable[Reminded], now: datetime) -> list[Notice]:
    """One message per department that lists what is due, the same to its heads where a rung says so; and one to the
    administrators about the departments that nobody reads for.
    """
    notices = []
    silent: dict[int, list[dict[str, Any]]] = {}
    for one in reminded:
        lines = [told_of(frame, obligation, now) for obligation in one.due]
        if not one.reached:
            silent[one.department_id] = lines
            continue
        facts: dict[str, Any] = {"lines": lines}
        buttons = _buttons(one, now)
        topic = TOPIC + one.batch
        notices.append(Notice("reminder", Audience("department", one.department_id), facts, topic, buttons=buttons))
        if one.heads:
            notices.append(Notice("reminder", Audience("heads", one.department_id), facts, topic, buttons=buttons))
    if silent:
        names = departments_by_id(frame.session)
        told = [{"department": names[to].name, "lines": lines} for to, lines in silent.items()]
        notices.append(Notice("unreachable", Audience("administrators"), {"departments": told}))
    return notices


def _buttons(one: Reminded, now: datetime) -> tuple[tuple[str, str], ...]:
    """Hand in now and what is needed, for each; 已知悉 for the message, as long as a deadline is to come."""
    pairs = [(action, str(obligation.id)) for obligation in one.due for action in ("hand_in", "needed")]
    if any(obligation.due_at > now for obligation in one.due):
        pairs.append(("seen", one.batch))
    return tuple(pairs)


def tell_settlements(frame: Frame, rows: Sequence[Settlement]) -> list[Notice]:
    """To each department its deductions; to the administrators what is held for them."""
    if not rows:
        return []
    session = frame.session
    ids = {one.obligation_id for one in rows}
    obligations = {one.id: one for one in session.exec(select(Obligation).where(col(Obligation.id).in_(ids)))}
    entry_ids = {one.entry_id for one in rows if one.entry_id is not None}
    entries = {one.id: one for one in session.exec(select(LedgerEntry).where(col(LedgerEntry.id).in_(entry_ids)))}
    delivered = deliveries(session, ids)
    names = departments_by_id(session)
    deducted: dict[int, list[dict[str, Any]]] = {}
    held = []
    for row in rows:
        obligation = obligations[row.obligation_id]
        handed_in = obligation.handed_in_at
        arrived = delivered.get(row.obligation_id, ())
        facts = {
            **told_of(frame, obligation),
            "due": iso_china(row.due_at),
            "handed_in": iso_china(handed_in) if handed_in else None,
            "reminded": [iso_china(one.delivered_at) for one in arrived if one.delivered_at],
        }
        if row.entry_id is not None:
            facts |= {"points": entries[row.entry_id].points, "entry": row.entry_id}
            facts["appeal_working_days"] = frame.rulebook(obligation.year).appeal_working_days
            deducted.setdefault(obligation.department_id, []).append(facts)
        elif row.outcome == Outcome.HELD:
            held.append({**facts, "department": names[obligation.department_id].name, "why": row.why})
    notices = []
    for to, lines in deducted.items():
        entered = [line["entry"] for line in lines]
        buttons = tuple(("appeal", str(number)) for number in entered)
        topic = appeals.topic_of(entered)
        notices.append(Notice("deducted", Audience("department", to), {"lines": lines}, topic, buttons=buttons))
    if held:
        notices.append(Notice("held", Audience("administrators"), {"lines": held}))
    return notices


def tell_provisional(frame: Frame, opened: Iterable[Obligation], now: datetime) -> list[Notice]:
    """To administrators: these dates rest on a calendar that nobody has announced yet (暂定)."""
    provisional = [one for one in opened if one.provisional]
    if not provisional:
        return []
    names = departments_by_id(frame.session)
    years = sorted({one.due_at.year for one in provisional if frame.calendar.is_provisional(one.due_at.year)})
    lines = [{**told_of(frame, one, now), "department": names[one.department_id].name} for one in provisional]
    return [Notice("calendar_provisional", Audience("administrators"), {"years": years, "lines": lines})]
