"""The monthly summary: who was on time, the running daily scores, what has changed since the last one."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from sqlmodel import col, select

from scheduler.deadlines import period_of
from scheduler.frame import Frame, Slot, slots_of
from scheduler.settlement import settlements_of
from scheduler.tables import Obligation, Outcome, SummaryPost
from scheduler.workdays import WorkCalendar
from scoring.points import shown
from scoring.rulebook import RuleBook
from scoring.standings import standings
from store.errors import Refusal
from store.notices import Audience, Notice
from store.times import CHINA, iso_china

_LONG = frozenset({"month", "quarter", "half_year", "year"})
"""Duties by the week or by days are settled all the time; a month's summary does not wait for them."""


@dataclass(frozen=True, slots=True)
class _Month:
    """When a month's summary is posted: on the first working day after the last of its deadlines was settled."""

    code: str
    title: str
    year: int
    due_at: datetime
    post_at: datetime


def summarize(frame: Frame, now: datetime) -> list[Notice]:
    """Post the latest month whose time has come, once, in office hours; not before its deadlines are settled."""
    month = _latest(frame, now)
    if month is None or frame.session.get(SummaryPost, month.code) is not None:
        return []
    reminders = frame.rulebook(month.year).reminders
    if not frame.calendar.office_minute(now, reminders.office_from, reminders.office_to):
        return []
    unsettled = select(Obligation.id).where(col(Obligation.settle_at) <= now).limit(1)
    if frame.session.exec(unsettled).first() is not None:
        return []
    return [_post(frame, month, now)]


def summarize_now(frame: Frame, now: datetime, month: str | None = None) -> Notice:
    """Post a month's summary because an administrator says so: that month, or the latest that is settled.

    Raises Refusal summary_too_early or month_unknown.
    """
    if month is None:
        latest = _latest(frame, now)
        if latest is None:
            raise Refusal("summary_too_early")
        return _post(frame, latest, now)
    found = next((one for year in frame.years for one in _months(frame, year) if one.code == month), None)
    if found is None:
        raise Refusal("month_unknown", text=month)
    if found.due_at > now:
        raise Refusal("summary_too_early")
    return _post(frame, found, now)


def _latest(frame: Frame, now: datetime) -> _Month | None:
    past = [
        month
        for year, row in frame.years.items()
        for month in _months(frame, year)
        if month.post_at <= now and month.due_at > row.live_from
    ]
    return max(past, key=lambda one: one.post_at, default=None)


def _months(frame: Frame, year: int) -> tuple[_Month, ...]:
    return _months_of(frame.calendar, frame.rulebook(year), year)


@lru_cache(maxsize=64)
def _months_of(calendar: WorkCalendar, rulebook: RuleBook, year: int) -> tuple[_Month, ...]:
    """The months of a year in which something falls due, in order."""
    last: dict[str, Slot] = {}
    for duty in rulebook.duties.values():
        if duty.period in _LONG:
            for slot in slots_of(calendar, rulebook, duty, year):
                known = last.get(slot.covered.last_month)
                if known is None or known.due_at < slot.due_at:
                    last[slot.covered.last_month] = slot
    months = []
    for code, slot in sorted(last.items()):
        posted = calendar.after(slot.due_day)
        at = datetime.combine(posted, rulebook.reminders.after_at, CHINA)
        title = period_of("month", int(code[:4]), int(code[5:])).title
        months.append(_Month(code, title, year, slot.due_at, at))
    return tuple(months)


def _post(frame: Frame, month: _Month, now: datetime) -> Notice:
    """Write down that it was posted, and with which figures; the notice carries all of it."""
    session = frame.session
    rulebook = frame.rulebook(month.year)
    before = session.exec(
        select(SummaryPost)
        .where(col(SummaryPost.month) < month.code, col(SummaryPost.month) >= f"{month.year}-01")
        .order_by(col(SummaryPost.month).desc())
    ).first()
    ranked = standings(session, month.year, "daily")
    owed = _owed(frame, month, now)
    rows = []
    daily: dict[str, str] = {}
    for one in sorted(ranked, key=lambda row: row.rank or 0):
        figure = shown(one.sheet.daily, rulebook.readings.places) or ""
        daily[one.department.code] = figure
        duties = owed.get(one.department.id, [])
        earlier = before.daily.get(one.department.code) if before else None
        rows.append(
            {
                "code": one.department.code,
                "department": one.department.name,
                "rank": one.rank,
                "daily": figure,
                "before": earlier,
                "change": _change(figure, earlier),
                "disputed": one.sheet.disputed,
                "duties": duties,
                "on_time": all(duty["state"] in ("on_time", "exempt") for duty in duties),
            }
        )
    post = session.get(SummaryPost, month.code) or SummaryPost(month=month.code, posted_at=now)
    post.posted_at, post.daily = now, daily
    session.add(post)
    session.flush()
    facts: dict[str, Any] = {
        "month": month.code,
        "title": month.title,
        "year": month.year,
        "scheme": rulebook.title,
        "due": iso_china(month.due_at),
        "at": iso_china(now),
        "since": before.month if before else None,
        "full": shown(sum(block.cap_for(None) or 0 for block in rulebook.blocks.values() if block.role == "daily")),
        "departments": rows,
        "owing": sum(bool(row["duties"]) for row in rows),
        "punctual": sum(bool(row["duties"]) and bool(row["on_time"]) for row in rows),
        "approved": False,
    }
    return Notice("summary", Audience("summary_chat"), facts, picture={"kind": "summary", "data": facts})


def _change(figure: str, earlier: str | None) -> str | None:
    """The difference of two shown figures, signed: what a reader would work out."""
    return None if earlier is None else f"{Decimal(figure) - Decimal(earlier):+}"


def _owed(frame: Frame, month: _Month, now: datetime) -> dict[int, list[dict[str, Any]]]:
    """What each department owed for the month, and what became of it.

    ``state``: on_time, late (逾期), missing (未报), exempt, held, or open when its deadline was moved and is to come.
    """
    slots = [
        (code, slot)
        for code, duty in frame.rulebook(month.year).duties.items()
        if duty.period in _LONG
        for slot in frame.slots(month.year, code)
        if slot.covered.last_month == month.code
    ]
    found: dict[int, list[dict[str, Any]]] = {}
    for code, slot in slots:
        duty = frame.rulebook(month.year).duties[code]
        query = select(Obligation).where(Obligation.duty == code, Obligation.period == slot.covered.code)
        for one in frame.session.exec(query):
            found.setdefault(one.department_id, []).append(
                {"what": duty.short, "period": one.period, "state": _state(frame, one, now)}
            )
    return found


def _state(frame: Frame, one: Obligation, now: datetime) -> str:
    if one.exempted_at is not None:
        return "exempt"
    if one.on_time:
        return "on_time"
    if one.due_at > now:
        return "open"
    if any(row.outcome == Outcome.HELD and row.ended_at is None for row in settlements_of(frame.session, one)):
        return "held"
    return "late" if one.handed_in_at is not None else "missing"
