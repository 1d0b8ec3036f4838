"""Reads what lateness costs: one of the forms that schemes use (``scoring.lateness``)."""

from collections.abc import Callable
from typing import get_args

from scoring.lateness import LONGEST_DAYS, Form, LatenessRule
from scoring.tomltable import Fault, Table

_FORMS: tuple[Form, ...] = get_args(Form)


def read_lateness(table: Table) -> Callable[[int], LatenessRule]:
    """The rule, still without the ordinary points of the item it is for."""
    form = table.choice("form", _FORMS)
    working = table.choice("days", ("calendar", "working"), "calendar") == "working"
    if form == "flat":
        return lambda base: LatenessRule("flat", base, (), base, late_ends=False)
    by_day: tuple[int, ...]
    if form == "per_day":
        per_day, cap = table.amount("per_day"), table.optional_amount("cap")
        if not per_day or cap == 0:
            raise Fault(table.place, "a day late costs nothing")
        late_ends = table.has("missing")
        if late_ends:
            days, missing = table.whole("missing_after_days", 1, LONGEST_DAYS), table.amount("missing")
        elif cap is None:
            raise Fault(table.place, "a lateness counted by the day needs cap, or missing and missing_after_days")
        else:
            days, missing = -(-cap // per_day), cap
        if days > LONGEST_DAYS:
            raise Fault(f"{table.place}, cap", f"is reached after {days} days only; at most {LONGEST_DAYS}")
        by_day = tuple(per_day * day if cap is None else min(per_day * day, cap) for day in range(1, days + 1))
    elif form == "late_or_missing":
        late, missing = table.amount("late"), table.amount("missing")
        by_day = (late,) * table.whole("missing_after_days", 1, LONGEST_DAYS)
        late_ends = True
    else:
        by_day, missing, late_ends = _steps(table), table.amount("missing"), True
    if list(by_day) != sorted(by_day) or by_day[-1] > missing:
        raise Fault(table.place, "being later, or handing in nothing, costs less than handing in earlier")
    return lambda base: LatenessRule(form, base, by_day, missing, late_ends, working)


def _steps(table: Table) -> tuple[int, ...]:
    by_day: list[int] = []
    for row in table.tables("steps", "up_to_days"):
        with row.all_read():
            days, points = row.whole("up_to_days", len(by_day) + 1, LONGEST_DAYS), row.amount("points")
            by_day += [points] * (days - len(by_day))
    if not by_day:
        raise Fault(f"{table.place}, steps", "missing")
    return tuple(by_day)
