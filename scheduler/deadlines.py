"""Duty × period → due instant: pure. A period is known by its code, which is what tables and scenarios write."""

import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from scheduler.workdays import WorkCalendar
from scoring.rulebook import Duty, Readings
from store.times import CHINA

_DAY = timedelta(days=1)
_DIGITS = "零一二三四五六七八九十"
_FORMS = {
    "month": re.compile(r"(?P<year>\d{4})-(?P<number>\d{2})"),
    "quarter": re.compile(r"(?P<year>\d{4})Q(?P<number>[1-4])"),
    "half_year": re.compile(r"(?P<year>\d{4})H(?P<number>[12])"),
    "year": re.compile(r"(?P<year>\d{4})(?P<number>)"),
    "week": re.compile(r"(?P<year>\d{4})-W(?P<number>\d{2})"),
    "days": re.compile(r"(?P<year>\d{4})-D(?P<number>\d{3})"),
}
_SPOKEN = {
    "month": re.compile(r"(?:(?P<year>\d{4})(?:年|-|/|\.))?(?P<number>\d{1,2}|[一二三四五六七八九十]{1,2})(?:月份?)?"),
    "quarter": re.compile(r"(?:(?P<year>\d{4})年?)?(?:第?(?P<number>[1-4一二三四])季度?|[Qq](?P<other>[1-4]))"),
    "half_year": re.compile(r"(?:(?P<year>\d{4})年?)?(?:(?P<number>[上下])半年|[Hh](?P<other>[12]))"),
    "year": re.compile(r"(?P<year>\d{4})年?(?:度|全年)?(?P<number>)"),
    "week": re.compile(r"(?:(?P<year>\d{4})(?:年|-)?)?(?:第?(?P<number>\d{1,2})周|[Ww](?P<other>\d{1,2}))"),
    "days": re.compile(r"(?:(?P<year>\d{4})(?:年|-)?)?(?:第?(?P<number>\d{1,3})期|[Dd](?P<other>\d{1,3}))"),
}


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of time for which something is owed, from ``first`` to ``last`` day, both included.

    ``code``: 2021-03, 2021Q1, 2021H1, 2021, 2021-W05 (ISO weeks), 2021-D004 (the fourth of every n days, counted from
    1 January; the last of a year is cut short). ``year`` is the assessment year of what it covers.
    """

    kind: str
    code: str
    year: int
    number: int
    first: date
    last: date

    @property
    def last_month(self) -> str:
        """The month of its last day, ``2021-03``: by which periods of different length are compared."""
        return f"{self.last:%Y-%m}"

    @property
    def title(self) -> str:
        """As people say it: 2021年3月, 2021年第一季度."""
        match self.kind:
            case "month":
                return f"{self.year}年{self.number}月"
            case "quarter":
                return f"{self.year}年第{_DIGITS[self.number]}季度"
            case "half_year":
                return f"{self.year}年{'上下'[self.number - 1]}半年"
            case "year":
                return f"{self.year}年度"
            case "week":
                return f"{self.year}年第{self.number}周"
            case _:
                span = f"{self.first.month}月{self.first.day}日至{self.last.month}月{self.last.day}日"
                return f"{self.year}年第{self.number}期（{span}）"


def period_of(kind: str, year: int, number: int) -> Period:
    """The ``number``-th period of a year, from 1. ``kind`` as in a rule book. Raises ValueError when there is none."""
    if not 1900 <= year <= 9998:
        raise ValueError(f"no year {year}")
    name, _, length = kind.partition(":")
    match name:
        case "month" if 1 <= number <= 12:
            return _months(name, f"{year}-{number:02}", year, number, 1)
        case "quarter" if 1 <= number <= 4:
            return _months(name, f"{year}Q{number}", year, number, 3)
        case "half_year" if 1 <= number <= 2:
            return _months(name, f"{year}H{number}", year, number, 6)
        case "year" if number == 1:
            return _months(name, f"{year}", year, number, 12)
        case "week" if 1 <= number <= date(year, 12, 28).isocalendar().week:
            first = date.fromisocalendar(year, number, 1)
            return Period(name, f"{year}-W{number:02}", year, number, first, first + 6 * _DAY)
        case "days" if number >= 1:
            first = date(year, 1, 1) + (number - 1) * int(length) * _DAY
            if first.year == year:
                last = min(first + (int(length) - 1) * _DAY, date(year, 12, 31))
                return Period(name, f"{year}-D{number:03}", year, number, first, last)
    raise ValueError(f"no {kind} {number} in {year}")


def _months(kind: str, code: str, year: int, number: int, length: int) -> Period:
    month = number * length
    first, last = date(year, month - length + 1, 1), date(year, month, monthrange(year, month)[1])
    return Period(kind, code, year, number, first, last)


def periods_of(kind: str, year: int) -> Iterator[Period]:
    """All periods of a year, in order. ``kind`` as in a rule book: "month", "days:10"."""
    number = 1
    while True:
        try:
            yield period_of(kind, year, number)
        except ValueError:
            return
        number += 1


def period(kind: str, code: str) -> Period:
    """The period that ``code`` names. Raises ValueError for anything that is not exactly its code."""
    found = _FORMS[kind.partition(":")[0]].fullmatch(code)
    if found is None or not code.isascii():
        raise ValueError(f"{code!r} is no {kind}")
    return period_of(kind, int(found["year"]), int(found["number"] or 1))


def said_period(kind: str, text: str, year: int) -> Period:
    """The period a person means: 3月, 2021年3月, 一季度, 2021Q1. ``year`` where none is said. Raises ValueError."""
    said = text.strip().replace(" ", "")
    try:
        return period(kind, said.upper())
    except ValueError:
        pass
    found = _SPOKEN[kind.partition(":")[0]].fullmatch(said)
    if found is None:
        raise ValueError(f"{text!r} is no {kind}")
    parts = found.groupdict()
    return period_of(kind, int(parts["year"] or year), _number(parts["number"] or parts.get("other") or "1"))


def _number(said: str) -> int:
    if said.isdecimal():
        return int(said)
    if said in "上下":
        return 1 + "上下".index(said)
    tens, ten, ones = said.rpartition("十")
    if ten:
        return (_DIGITS.index(tens) if tens else 1) * 10 + (_DIGITS.index(ones) if ones else 0)
    return _DIGITS.index(said)


def due_day(duty: Duty, covered: Period, calendar: WorkCalendar) -> date:
    """The day on which a period's hand-in is due; it counts in full."""
    return calendar.after(covered.last, duty.due_working_day)


def due_instant(day: date, readings: Readings) -> datetime:
    """When a due day is over: sent before it is on time, sent at it is late."""
    return datetime.combine(day, time(), CHINA) + timedelta(minutes=readings.due_minutes)


def due_day_of(due: datetime) -> date:
    """The day people call the due day of an instant: for 00:00 the day that ends then."""
    local = due.astimezone(CHINA)
    return local.date() - _DAY if local.time() == time() else local.date()


def assessment_year(covered: Period, day: date, readings: Readings) -> int:
    """The year a lateness belongs to: that of the period it covers, or of the due day, as the rule book reads it."""
    return covered.year if readings.lateness_year == "period" else day.year
