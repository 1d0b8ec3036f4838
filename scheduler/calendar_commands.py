"""The verbs about time itself: the working-day calendar, and the monthly summary posted now."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from scheduler.calendars import load_notice
from scheduler.deadlines import said_period
from scheduler.frame import Frame, calendar_in_force
from scheduler.summaries import summarize_now
from scheduler.tables import CalendarNotice
from scheduler.workdays import KNOWN_YEARS
from store import blobs
from store.commands import Act, Rest, command
from store.errors import Refusal
from store.people import Role
from store.times import china
from store.uploads import content_of
from store.words import Year, plain

_SATURDAY = 5
_LARGEST_NOTICE = 1_000_000
"""Octets; a year's notice has a few thousand."""


@dataclass(frozen=True)
class SpecialDay:
    """A day on which it is otherwise than the weekday says: off, or worked."""

    day: date
    off: bool


@dataclass(frozen=True)
class YearCalendar:
    """A year's calendar. ``source``: "notice" (loaded), "package", or "estimate": provisional (暂定)."""

    year: int
    source: str
    working_days: int
    days: tuple[SpecialDay, ...]
    papers: tuple[str, ...]
    loaded_at: datetime | None
    provisional_next: bool


@dataclass(frozen=True)
class CalendarLoaded:
    """A notice that was loaded: how many deadlines moved, and how many dates that were provisional are certain."""

    year: int
    working_days: int
    moved: int
    confirmed: int


@dataclass(frozen=True)
class SummaryPosted:
    """A month's summary that was posted: of how many departments that owed something, how many were on time."""

    month: str
    owing: int
    punctual: int


@command("calendar", words=("工作日历",), roles=(Role.ADMINISTRATOR, Role.LEADING_GROUP), group="calendar")
def show(act: Act, year: Year | None = None) -> YearCalendar:
    """A year's days off and days worked instead, and whether they are announced or estimated."""
    wanted = year or china(act.now).year
    calendar = calendar_in_force(act.session)
    row = act.session.get(CalendarNotice, wanted)
    first = date(wanted, 1, 1)
    special = []
    for number in range(366):
        day = first + timedelta(days=number)
        if day.year == wanted and calendar.is_working_day(day) == (day.weekday() >= _SATURDAY):
            special.append(SpecialDay(day, off=day.weekday() < _SATURDAY))
    return YearCalendar(
        year=wanted,
        source="notice" if row else "package" if wanted in KNOWN_YEARS else "estimate",
        working_days=calendar.between(first, date(wanted, 12, 31)),
        days=tuple(special),
        papers=calendar.notices[wanted].papers if wanted in calendar.notices else (),
        loaded_at=row.loaded_at if row else None,
        provisional_next=calendar.is_provisional(wanted + 1),
    )


@command("calendar load", words=("载入日历", "载入放假通知"), changes=True, group="calendar")
def load(act: Act, file: Rest) -> CalendarLoaded:
    """Load a year's holiday notice (JSON: year, papers, days with date and isOffDay); what was held for it settles."""
    done = load_notice(act.session, _content(act, file), now=act.now, by=act.actor.id)
    for notice in done.notices:
        act.notify(notice)
    year = done.notice.year
    days = calendar_in_force(act.session).between(date(year, 1, 1), date(year, 12, 31))
    return CalendarLoaded(year, days, len(done.moved), done.confirmed)


def _content(act: Act, said: str) -> str:
    """The notice's text: as it was written, of a kept file (``blob:`` and its hash), or from a path on the machine."""
    if said.lstrip().startswith("{"):
        return said
    try:
        if said.startswith("blob:"):
            content = blobs.get(act.session, said.removeprefix("blob:"))
        elif act.via == "command line":
            content = content_of(said)
        else:
            raise Refusal("calendar_unreadable", reason="not_json", where=said[:40])
    except (OSError, KeyError):
        raise Refusal("file_unreadable", file=said) from None
    if len(content) > _LARGEST_NOTICE:
        raise Refusal("calendar_unreadable", reason="too_large", where=said)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Refusal("calendar_unreadable", reason="not_json", where=said) from None


@command("post", words=("发布月报", "月度通报"), changes=True, group="calendar")
def post(act: Act, month: str | None = None) -> SummaryPosted:
    """Post the monthly summary now: of a month such as 2021-03, or of the latest that is settled."""
    notice = summarize_now(Frame.of(act.session), act.now, _month(act, month) if month else None)
    act.notify(notice)
    return SummaryPosted(notice.facts["month"], notice.facts["owing"], notice.facts["punctual"])


def _month(act: Act, said: str) -> str:
    try:
        return said_period("month", plain(said), china(act.now).year).code
    except ValueError:
        raise Refusal("month_unknown", text=said) from None
