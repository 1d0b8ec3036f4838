"""What a lateness costs: a pure function of the rule, the deadline, the hand-in and the present."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal, TypeAlias

from store.times import china

Form: TypeAlias = Literal["flat", "late_or_missing", "per_day", "graded"]
Timeliness: TypeAlias = Literal["on_time", "late", "missing"]
IsWorkingDay: TypeAlias = Callable[[date], bool]

_DAY = timedelta(days=1)
LONGEST_DAYS = 366
"""A lateness must be settled within a year of its deadline; a rule that waits longer is refused."""


@dataclass(frozen=True, slots=True)
class Charge:
    """What is final: ``points`` is the entry's whole effect (signed units; 0 when on time), ``count`` 1 or, when on
    time, 0.
    """

    points: int
    count: int
    timeliness: Timeliness


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing can be said before ``until``, unless something is handed in earlier."""

    until: datetime


@dataclass(frozen=True, slots=True)
class LatenessRule:
    """A rule of lateness, reduced to one table whatever its form in the file (flat, late or missing, per day, graded).

    ``by_day[n - 1]`` is deducted for a hand-in on the nth day after the deadline, ``after`` for anything later or
    nothing at all; both in positive units, at the item's ordinary points ``base``. A day is 24 hours from the
    deadline and counts once it has begun; with ``working_days`` only those that begin on a working day count, and the
    first one always does. ``late_ends`` says whether a hand-in after the last day of the table is as good as none
    (``missing``) or still ``late``.
    """

    form: Form
    base: int
    by_day: tuple[int, ...]
    after: int
    late_ends: bool
    working_days: bool = False

    def charge(
        self,
        points: int,
        due: datetime,
        handed_in_at: datetime | None,
        now: datetime,
        is_working_day: IsWorkingDay | None = None,
    ) -> Charge | Wait:
        """What one obligation costs as seen at ``now``. Once it is a Charge its points stay the same at every later
        ``now``.

        ``points`` is the signed weight of one occurrence for this department (``rulebook.weight(duty.item, 1,
        unit_class)``). Handed in before ``due`` is on time, at ``due`` is late; a hand-in after ``now`` is not known
        yet. ``is_working_day`` (by China's calendar) is needed by rules that count working days: ValueError without
        it.
        """
        if handed_in_at is not None and handed_in_at > now:
            handed_in_at = None
        if handed_in_at is not None and handed_in_at < due:
            return Charge(0, 0, "on_time")
        if now < due:
            return Wait(due)
        if handed_in_at is not None:
            day = self._day_number(due, handed_in_at, is_working_day)
            if day <= len(self.by_day):
                return self._charged(points, self.by_day[day - 1], "late")
            return self._charged(points, self.after, "missing" if self.late_ends else "late")
        open_days = self._days_that_matter()
        if open_days and self._day_number(due, now, is_working_day) <= open_days:
            return Wait(self._end_of_day(due, open_days, is_working_day))
        return self._charged(points, self.after, "missing")

    def _charged(self, points: int, amount: int, timeliness: Timeliness) -> Charge:
        # The table is written at the ordinary points; a unit class with a multiplier scales all of it.
        scaled, rest = divmod(points * amount, self.base)
        if rest:
            raise ValueError(f"{amount} of {self.base} units at a weight of {points} units is no whole number of units")
        return Charge(scaled, 1, timeliness)

    def _days_that_matter(self) -> int:
        """The days during which handing in still costs less than handing in nothing."""
        days = len(self.by_day)
        while days and self.by_day[days - 1] == self.after:
            days -= 1
        return days

    def _day_number(self, due: datetime, instant: datetime, is_working_day: IsWorkingDay | None) -> int:
        begun = (instant - due) // _DAY + 1
        if not self.working_days:
            return begun
        # Beyond the table every day is the same: no need to count further.
        counted = 0
        for day in range(begun):
            counted += _counts(due + day * _DAY, is_working_day)
            if counted > len(self.by_day):
                break
        return max(counted, 1)

    def _end_of_day(self, due: datetime, number: int, is_working_day: IsWorkingDay | None) -> datetime:
        if not self.working_days:
            return due + number * _DAY
        start, counted = due, 0
        while True:
            counted += _counts(start, is_working_day)
            if counted > number:
                return start
            start += _DAY


def _counts(start_of_day: datetime, is_working_day: IsWorkingDay | None) -> bool:
    if is_working_day is None:
        raise ValueError("this rule counts working days: a calendar is needed")
    return is_working_day(china(start_of_day).date())
