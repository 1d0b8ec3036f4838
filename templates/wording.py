"""Dates, periods, points and figures as an office writes them. Pure; an instant may come as ISO 8601 text."""

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from store.times import china

UNIT = 10_000
"""Points come as integers of this many parts."""

_WEEKDAYS = "一二三四五六日"
_NUMERALS = "零一二三四五六七八九十"
_PERIODS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"(\d{4})-(\d{2})-(\d{2})"), lambda m: f"{m[1]}年{int(m[2])}月{int(m[3])}日"),
    (re.compile(r"(\d{4})-(\d{2})"), lambda m: f"{m[1]}年{int(m[2])}月"),
    (re.compile(r"(\d{4})Q([1-4])"), lambda m: f"{m[1]}年第{_NUMERALS[int(m[2])]}季度"),
    (re.compile(r"(\d{4})H([12])"), lambda m: f"{m[1]}年{'上下'[int(m[2]) - 1]}半年"),
    (re.compile(r"(\d{4})-W(\d{2})"), lambda m: f"{m[1]}年第{int(m[2])}周"),
    (re.compile(r"(\d{4})-D(\d{3})"), lambda m: f"{m[1]}年第{int(m[2])}期"),
    (re.compile(r"(\d{4})"), lambda m: f"{m[1]}年"),
)


def _instant(value: datetime | str) -> datetime:
    return china(datetime.fromisoformat(value) if isinstance(value, str) else value)


def _date(value: date | datetime | str) -> date:
    if isinstance(value, str):
        value = datetime.fromisoformat(value) if "T" in value or " " in value else date.fromisoformat(value)
    return china(value).date() if isinstance(value, datetime) else value


def day(value: date | datetime | str) -> str:
    """2021年4月2日"""
    shown = _date(value)
    return f"{shown.year}年{shown.month}月{shown.day}日"


def weekday(value: date | datetime | str) -> str:
    """周五"""
    return f"周{_WEEKDAYS[_date(value).weekday()]}"


def instant(value: datetime | str) -> str:
    """2021年4月2日16:00"""
    shown = _instant(value)
    return f"{day(shown)}{shown:%H:%M}"


def moment(value: datetime | str) -> str:
    """3月26日09:00, where the year is clear from what stands around it"""
    shown = _instant(value)
    return f"{shown.month}月{shown.day}日{shown:%H:%M}"


def clock(value: datetime | str) -> str:
    """16:00:05, to the second: for what is decided by seconds."""
    return f"{_instant(value):%H:%M:%S}"


def deadline(value: datetime | str) -> str:
    """2021年4月2日（周五）24:00: the midnight that ends a day belongs to the day that it ends."""
    shown = _instant(value)
    if shown.hour == shown.minute == shown.second == 0:
        ended = shown.date() - timedelta(days=1)
        return f"{day(ended)}（{weekday(ended)}）24:00"
    return f"{day(shown)}（{weekday(shown)}）{shown:%H:%M}"


def period(value: str) -> str:
    """2021-03 → 2021年3月; 2021Q1 → 2021年第一季度; 2021-W05 → 2021年第5周. Anything else stays as it is."""
    for pattern, spell in _PERIODS:
        if match := pattern.fullmatch(value):
            return spell(match)
    return value


def points(units: int) -> str:
    """Units of 1/10,000 point as a plain figure: 5000 → 0.5, -10000 → -1."""
    figure = Decimal(units) / UNIT
    return f"{figure.normalize():f}"


def charge(units: int) -> str:
    """What an entry does, in words: 扣1分, 加0.5分, 不计分."""
    if units == 0:
        return "不计分"
    return f"{'扣' if units < 0 else '加'}{points(abs(units))}分"


def size(octets: int | None) -> str:
    """A file's size in words: 3.2 MB."""
    if octets is None:
        return "大小不详"
    if octets < 1024 * 1024:
        return f"{max(1, round(octets / 1024))} KB"
    return f"{octets / 1024 / 1024:.1f} MB"


def shorten(text: str, length: int) -> str:
    """At most ``length`` characters; what was cut shows as ……"""
    text = " ".join(str(text).split())
    return text if len(text) <= length else f"{text[: length - 1]}…"


FILTERS: dict[str, Callable[..., Any]] = {
    "day": day,
    "weekday": weekday,
    "instant": instant,
    "moment": moment,
    "clock": clock,
    "deadline": deadline,
    "period": period,
    "points": points,
    "charge": charge,
    "size": size,
    "shorten": shorten,
}
