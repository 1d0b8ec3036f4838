"""Working days in China: weekends, the State Council's holidays and the days worked instead of them (调休).

What is known comes from the ``chinesecalendar`` package and from notices that an operator loaded, which go first. A
year that neither knows is provisional: its days are estimated.
"""

import json
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cache

import chinese_calendar.constants as announced

from store.times import CHINA

_DAY = timedelta(days=1)
_SATURDAY = 5

KNOWN_YEARS = frozenset(day.year for day in announced.holidays)
"""The years of which the package has the State Council's notice."""


class NoticeError(ValueError):
    """A holiday notice that cannot be used; ``reason`` is a code, ``where`` names the key or day."""

    def __init__(self, reason: str, where: str) -> None:
        super().__init__(f"{where}: {reason}")
        self.reason = reason
        self.where = where


@dataclass(frozen=True)
class HolidayNotice:
    """The State Council's notice of one year: for each day it names, whether it is off. ``papers``: where it stands."""

    year: int
    days: Mapping[date, bool]
    papers: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "HolidayNotice":
        """Read the usual JSON: ``year``, ``papers``, ``days`` of ``name``, ``date``, ``isOffDay``. Raises NoticeError.

        A notice may name days of the December before its year.
        """
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise NoticeError("not_json", str(error)) from None
        if not isinstance(data, dict) or type(data.get("year")) is not int or not 1949 <= data["year"] <= 9998:
            raise NoticeError("no_year", "year")
        listed = data.get("days")
        if not isinstance(listed, list) or not listed:
            raise NoticeError("no_days", "days")
        days: dict[date, bool] = {}
        for number, one in enumerate(listed, 1):
            where = f"days[{number}]"
            if not isinstance(one, dict) or not isinstance(one.get("isOffDay"), bool):
                raise NoticeError("no_is_off_day", where)
            try:
                day = date.fromisoformat(one.get("date"))  # type: ignore[arg-type]
            except (TypeError, ValueError):
                raise NoticeError("no_date", where) from None
            if day.year != data["year"] and (day.year, day.month) != (data["year"] - 1, 12):
                raise NoticeError("other_year", where)
            if days.setdefault(day, one["isOffDay"]) != one["isOffDay"]:
                raise NoticeError("contradiction", where)
            days[day] = one["isOffDay"]
        papers = data.get("papers") or []
        if not isinstance(papers, list) or not all(isinstance(paper, str) and paper.isprintable() for paper in papers):
            raise NoticeError("not_json", "papers")
        return cls(data["year"], days, tuple(papers))


@dataclass(frozen=True, eq=False)
class WorkCalendar:
    """Which days are worked. Immutable; hand another one around when a notice is loaded."""

    notices: Mapping[int, HolidayNotice] = field(default_factory=dict)
    _years: dict[int, tuple[int, ...]] = field(default_factory=dict, repr=False)

    def is_provisional(self, year: int) -> bool:
        """Whether the holidays of this year are not announced yet, and its days estimated (暂定)."""
        return year not in self.notices and year not in KNOWN_YEARS

    def is_working_day(self, day: date) -> bool:
        days = self._of(day.year)
        place = bisect_left(days, day.toordinal())
        return place < len(days) and days[place] == day.toordinal()

    def after(self, day: date, number: int = 1) -> date:
        """The ``number``-th working day after ``day``, which itself does not count. ``number`` is at least 1."""
        if number < 1:
            raise ValueError(f"{number} is not at least 1")
        year = day.year
        days = self._of(year)
        place = bisect_right(days, day.toordinal()) + number - 1
        while place >= len(days):
            place -= len(days)
            year += 1
            days = self._of(year)
        return date.fromordinal(days[place])

    def before(self, day: date, number: int = 1) -> date:
        """The ``number``-th working day before ``day``, which itself does not count. ``number`` is at least 1."""
        if number < 1:
            raise ValueError(f"{number} is not at least 1")
        year = day.year
        days = self._of(year)
        place = bisect_left(days, day.toordinal()) - number
        while place < 0:
            year -= 1
            days = self._of(year)
            place += len(days)
        return date.fromordinal(days[place])

    def between(self, first: date, last: date) -> int:
        """How many working days lie in ``first`` … ``last``, both included; 0 when ``last`` is earlier."""
        return sum(
            max(0, bisect_right(days, last.toordinal()) - bisect_left(days, first.toordinal()))
            for days in map(self._of, range(first.year, last.year + 1))
        )

    def rests_on_estimate(self, first: date, last: date) -> bool:
        """Whether counting working days from ``first`` to ``last`` goes through a provisional year."""
        return any(self.is_provisional(year) for year in range(first.year, last.year + 1))

    def office_minute(self, instant: datetime, opens: time, closes: time) -> bool:
        """Whether the office is open: on a working day, from ``opens`` on, before ``closes``, by China's clock."""
        local = instant.astimezone(CHINA)
        return opens <= local.time() < closes and self.is_working_day(local.date())

    def next_office_minute(self, instant: datetime, opens: time, closes: time) -> datetime:
        """``instant`` itself when the office is open then, or else when it opens next."""
        if self.office_minute(instant, opens, closes):
            return instant
        local = instant.astimezone(CHINA)
        today = self.is_working_day(local.date()) and local.time() < opens
        return datetime.combine(local.date() if today else self.after(local.date()), opens, CHINA)

    def _of(self, year: int) -> tuple[int, ...]:
        """The working days of a year, as ordinals, in order."""
        known = self._years.get(year)
        if known is None:
            known = self._years[year] = tuple(self._count(year))
        return known

    def _count(self, year: int) -> list[int]:
        named: dict[date, bool] = {}
        if year in self.notices:
            named.update(self.notices[year].days)
        elif year in KNOWN_YEARS:
            named.update(_announced(year))
        else:
            named.update(dict.fromkeys(_statutory(year), True))
        if year + 1 in self.notices:
            named.update(self.notices[year + 1].days)
        first, last = date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal()
        return [
            ordinal
            for ordinal in range(first, last + 1)
            if not named.get(day := date.fromordinal(ordinal), day.weekday() >= _SATURDAY)
        ]


@cache
def _announced(year: int) -> Mapping[date, bool]:
    """What the package knows of a year. A day worked instead is listed as a workday, never as a holiday."""
    days = {day: True for day in announced.holidays if day.year == year}
    days.update({day: False for day in announced.workdays if day.year == year})
    return days


def _statutory(year: int) -> list[date]:
    """The days off that are fixed by law and by the sun: an estimate. The lunar ones are left out.

    全国年节及纪念日放假办法 (2024): 元旦, 清明, 劳动节 (two days), 国庆节 (three days).
    """
    early = year % 100
    qingming = int(early * 0.2422 + 4.81) - early // 4
    fixed = [(1, 1), (4, qingming), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)]
    return [date(year, month, day) for month, day in fixed]
