"""Periods, and when what covers them is due."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.deadlines import due_day, due_day_of, due_instant, period, period_of, periods_of, said_period
from scheduler.frame import slots_of
from scheduler.workdays import WorkCalendar
from scoring.rulebook import RuleBook
from store.times import CHINA, iso_china

CALENDAR = WorkCalendar()
KINDS = ("month", "quarter", "half_year", "year", "week", "days:10", "days:7", "days:1")


@pytest.mark.parametrize(
    ("kind", "code", "title", "last"),
    [
        ("month", "2021-03", "2021年3月", "2021-03-31"),
        ("month", "2024-02", "2024年2月", "2024-02-29"),
        ("quarter", "2021Q1", "2021年第一季度", "2021-03-31"),
        ("quarter", "2021Q4", "2021年第四季度", "2021-12-31"),
        ("half_year", "2021H1", "2021年上半年", "2021-06-30"),
        ("year", "2021", "2021年度", "2021-12-31"),
        ("week", "2021-W05", "2021年第5周", "2021-02-07"),
        ("days:10", "2021-D004", "2021年第4期（1月31日至2月9日）", "2021-02-09"),
        ("days:10", "2021-D037", "2021年第37期（12月27日至12月31日）", "2021-12-31"),
    ],
)
def test_a_period_has_a_code_a_title_and_a_last_day(kind: str, code: str, title: str, last: str) -> None:
    found = period(kind, code)
    assert (found.code, found.title, found.last.isoformat(), found.year) == (code, title, last, int(code[:4]))


@given(st.sampled_from(KINDS), st.integers(1990, 2060))
def test_the_periods_of_a_year_follow_each_other_and_read_back(kind: str, year: int) -> None:
    periods = list(periods_of(kind, year))
    for earlier, later in pairwise(periods):
        assert later.first == earlier.last + timedelta(days=1)
        assert earlier.code < later.code
    if kind != "week":
        assert (periods[0].first, periods[-1].last) == (date(year, 1, 1), date(year, 12, 31))
    assert [period(kind, one.code) for one in periods] == periods


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("month", "2021-13"), ("month", "2021-00"), ("month", "2021-3"), ("month", " 2021-03"), ("month", "2021Q1"),
        ("quarter", "2021Q5"), ("quarter", "2021-Q1"), ("quarter", "2021-03"), ("week", "2021-W53"),
        ("week", "2021-W00"), ("days:10", "2021-D038"), ("days:10", "2021-D000"),
        ("month", "２０２１-03"), ("month", "0001-01"),
    ],
)  # fmt: skip
def test_what_is_no_period_is_refused(kind: str, code: str) -> None:
    with pytest.raises(ValueError, match=r"no |is no"):
        period(kind, code)


@pytest.mark.parametrize(
    ("kind", "said", "code"),
    [
        ("month", "3月", "2021-03"), ("month", "三月", "2021-03"), ("month", "12月份", "2021-12"),
        ("month", "3", "2021-03"), ("month", "2020年11月", "2020-11"), ("month", "十一月", "2021-11"),
        ("month", "十月", "2021-10"),
        ("month", "2021-03", "2021-03"), ("month", "2021/3", "2021-03"),
        ("quarter", "一季度", "2021Q1"), ("quarter", "2020年第四季度", "2020Q4"), ("quarter", "2季度", "2021Q2"),
        ("quarter", "q3", "2021Q3"), ("quarter", "2021q3", "2021Q3"), ("half_year", "上半年", "2021H1"),
        ("half_year", "2020年下半年", "2020H2"), ("year", "2021年度", "2021"), ("week", "第5周", "2021-W05"),
        ("week", "2021-w05", "2021-W05"), ("days:10", "第4期", "2021-D004"),
    ],
)  # fmt: skip
def test_a_period_as_people_say_it(kind: str, said: str, code: str) -> None:
    assert said_period(kind, said, 2021).code == code


@pytest.mark.parametrize(("kind", "said"), [("month", "13月"), ("month", "上月"), ("quarter", "五季度"), ("month", "")])
def test_what_names_no_period_is_refused(kind: str, said: str) -> None:
    with pytest.raises(ValueError, match="no "):
        said_period(kind, said, 2021)


def test_a_number_that_is_no_period_is_refused() -> None:
    with pytest.raises(ValueError, match="no fortnight 1"):
        period_of("fortnight", 2021, 1)


@pytest.mark.parametrize(
    ("duty", "code", "due"),
    [
        ("quarterly_summary", "2021Q1", "2021-04-03T00:00:00+08:00"),
        ("quarterly_summary", "2021Q3", "2021-10-10T00:00:00+08:00"),
        ("quarterly_summary", "2021Q4", "2022-01-06T00:00:00+08:00"),
        ("monthly_update", "2021-01", "2021-02-03T00:00:00+08:00"),
        ("monthly_update", "2021-04", "2021-05-08T00:00:00+08:00"),
        ("publicity_ledger", "2021-12", "2022-01-06T00:00:00+08:00"),
    ],
)
def test_due_is_the_midnight_that_ends_the_second_working_day(
    rulebook: RuleBook, duty: str, code: str, due: str
) -> None:
    rules = rulebook.duties[duty]
    day = due_day(rules, period(rules.period, code), CALENDAR)
    instant = due_instant(day, rulebook.readings)
    assert iso_china(instant) == due
    assert instant.astimezone(UTC).hour == 16, "on UTC's clock a deadline day ends in the afternoon"
    assert due_day_of(instant) == day


def test_the_due_day_of_another_instant_is_its_own_day() -> None:
    assert due_day_of(datetime(2021, 4, 2, 12, tzinfo=CHINA)) == date(2021, 4, 2)
    assert due_day_of(datetime(2021, 4, 2, 16, tzinfo=UTC)) == date(2021, 4, 2)
    assert due_day_of(datetime(2021, 4, 2, 16, 0, 1, tzinfo=UTC)) == date(2021, 4, 3)


def test_the_slots_of_a_year_belong_to_what_they_cover(rulebook: RuleBook) -> None:
    slots = slots_of(CALENDAR, rulebook, rulebook.duties["monthly_update"], 2026)
    assert [slot.covered.code for slot in slots] == [f"2026-{month:02}" for month in range(1, 13)]
    assert {slot.year for slot in slots} == {2026}
    assert [slot.provisional for slot in slots] == [False] * 11 + [True]
    assert iso_china(slots[2].opens_at) == "2026-03-26T09:00:00+08:00"
