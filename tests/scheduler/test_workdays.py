"""The working-day calendar against the State Council's notices, and against counting day by day."""

import json
from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.workdays import KNOWN_YEARS, HolidayNotice, NoticeError, WorkCalendar
from store.times import CHINA

CALENDAR = WorkCalendar()
DAYS = st.dates(date(2018, 1, 1), date(2026, 12, 31))


def notice(year: int, **days: bool) -> HolidayNotice:
    """``notice(2027, d0101=True)``: 1 January is off."""
    listed = [{"name": "某节", "date": f"{year}-{key[1:3]}-{key[3:]}", "isOffDay": off} for key, off in days.items()]
    return HolidayNotice.parse(json.dumps({"year": year, "papers": ["国办发明电"], "days": listed}))


@pytest.mark.parametrize(
    ("quarter_end", "second_working_day"),
    [
        ("2020-12-31", "2021-01-05"),
        ("2021-09-30", "2021-10-09"),
        ("2022-03-31", "2022-04-02"),
        ("2022-09-30", "2022-10-09"),
        ("2023-03-31", "2023-04-04"),
        ("2023-09-30", "2023-10-08"),
        ("2024-09-30", "2024-10-09"),
        ("2025-09-30", "2025-10-10"),
        ("2025-12-31", "2026-01-05"),
        ("2026-09-30", "2026-10-09"),
    ],
)
def test_the_second_working_day_after_a_quarter(quarter_end: str, second_working_day: str) -> None:
    assert CALENDAR.after(date.fromisoformat(quarter_end), 2) == date.fromisoformat(second_working_day)


@pytest.mark.parametrize(
    ("day", "worked"),
    [
        ("2021-02-07", True),  # a Sunday worked for the Spring Festival
        ("2021-02-11", False),  # a Thursday, the eve of it
        ("2021-10-09", True),  # a Saturday worked for the National Day
        ("2021-10-07", False),
        ("2021-04-03", False),  # an ordinary Saturday
        ("2021-04-06", True),
        ("2020-01-31", False),  # added in 2020 when the holiday was prolonged
    ],
)
def test_holidays_and_the_days_worked_instead(day: str, worked: bool) -> None:
    assert CALENDAR.is_working_day(date.fromisoformat(day)) is worked


@given(DAYS, st.integers(1, 40))
def test_after_and_before_are_what_counting_day_by_day_gives(day: date, number: int) -> None:
    found, left = day, number
    while left:
        found += timedelta(days=1)
        left -= CALENDAR.is_working_day(found)
    assert CALENDAR.after(day, number) == found
    back, left = day, number
    while left:
        back -= timedelta(days=1)
        left -= CALENDAR.is_working_day(back)
    assert CALENDAR.before(day, number) == back


@given(DAYS, st.integers(-5, 400))
def test_between_counts_both_ends(first: date, length: int) -> None:
    last = first + timedelta(days=length)
    days = (first + timedelta(days=number) for number in range(length + 1))
    assert CALENDAR.between(first, last) == sum(map(CALENDAR.is_working_day, days))


def test_counting_none_is_refused() -> None:
    for count in (CALENDAR.after, CALENDAR.before):
        with pytest.raises(ValueError, match="at least 1"):
            count(date(2021, 1, 1), 0)


def test_a_year_without_a_notice_is_provisional_and_estimated() -> None:
    year = max(KNOWN_YEARS) + 1
    assert CALENDAR.is_provisional(year)
    assert not CALENDAR.is_provisional(year - 1)
    assert not CALENDAR.is_working_day(date(2027, 1, 1))  # 元旦
    assert not CALENDAR.is_working_day(date(2027, 4, 5))  # 清明
    assert CALENDAR.is_working_day(date(2027, 4, 6))
    assert [CALENDAR.is_working_day(date(2027, 10, day)) for day in (1, 4)] == [False, True]
    assert CALENDAR.rests_on_estimate(date(2026, 12, 31), date(2027, 1, 2))
    assert not CALENDAR.rests_on_estimate(date(2026, 12, 1), date(2026, 12, 31))


def test_a_loaded_notice_goes_before_estimate_and_package() -> None:
    loaded = WorkCalendar({2027: notice(2027, d0104=True, d0109=False), 2021: notice(2021, d0402=True)})
    assert not loaded.is_provisional(2027)
    assert not loaded.is_working_day(date(2027, 1, 4))
    assert loaded.is_working_day(date(2027, 1, 9))
    assert loaded.is_working_day(date(2027, 1, 1)), "what the notice does not name follows the weekday"
    assert loaded.after(date(2021, 3, 31), 2) == date(2021, 4, 5), "it replaces the package's year as a whole"


def test_a_notice_may_name_days_of_the_december_before() -> None:
    text = json.dumps({"year": 2027, "days": [{"date": "2026-12-31", "isOffDay": True}]})
    loaded = WorkCalendar({2027: HolidayNotice.parse(text)})
    assert not loaded.is_working_day(date(2026, 12, 31))
    assert loaded.is_working_day(date(2026, 12, 30))


@pytest.mark.parametrize(
    ("text", "reason", "where"),
    [
        ("{", "not_json", ""),
        pytest.param('{"year": 2022, "days": ' + "[" * 100_000, "not_json", "", id="nested too deeply"),
        ("[]", "no_year", "year"),
        ('{"year": "2027", "days": []}', "no_year", "year"),
        ('{"year": 2027}', "no_days", "days"),
        ('{"year": 2027, "days": []}', "no_days", "days"),
        ('{"year": 2027, "days": [{"date": "2027-01-01"}]}', "no_is_off_day", "days[1]"),
        ('{"year": 2027, "days": [{"date": "2027-02-30", "isOffDay": true}]}', "no_date", "days[1]"),
        ('{"year": 2027, "days": [{"isOffDay": true}]}', "no_date", "days[1]"),
        ('{"year": 2027, "days": [{"date": "2028-01-01", "isOffDay": true}]}', "other_year", "days[1]"),
        ('{"year": 2027, "papers": 5, "days": [{"date": "2027-01-01", "isOffDay": true}]}', "not_json", "papers"),
        (
            '{"year": 2027, "papers": ["\\ud800"], "days": [{"date": "2027-01-01", "isOffDay": true}]}',
            "not_json",
            "papers",
        ),
        ('{"year": 2027, "days": [{"date": "2026-11-30", "isOffDay": true}]}', "other_year", "days[1]"),
        (
            json.dumps({"year": 2027, "days": [{"date": "2027-01-01", "isOffDay": off} for off in (True, False)]}),
            "contradiction",
            "days[2]",
        ),
    ],
)
def test_a_bad_notice_is_refused_with_its_place(text: str, reason: str, where: str) -> None:
    with pytest.raises(NoticeError) as refused:
        HolidayNotice.parse(text)
    assert refused.value.reason == reason
    assert where in refused.value.where


def test_office_minutes_are_counted_on_a_clock_in_china() -> None:
    opens, closes = time(8, 30), time(17)

    def china(text: str) -> datetime:
        return datetime.fromisoformat(text).replace(tzinfo=CHINA)

    friday, saturday = "2021-04-02", "2021-04-03"
    assert CALENDAR.office_minute(china(f"{friday}T08:30"), opens, closes)
    assert not CALENDAR.office_minute(china(f"{friday}T17:00"), opens, closes)
    assert not CALENDAR.office_minute(china(f"{saturday}T10:00"), opens, closes)
    assert CALENDAR.office_minute(datetime.fromisoformat("2021-04-02T00:30:00+00:00"), opens, closes)
    for now, then in [
        (f"{friday}T03:00", f"{friday}T08:30"),
        (f"{friday}T12:00", f"{friday}T12:00"),
        (f"{friday}T17:00", "2021-04-06T08:30"),  # over the weekend and 清明
        ("2021-10-08T18:00", "2021-10-09T08:30"),  # a Saturday that is worked
    ]:
        assert CALENDAR.next_office_minute(china(now), opens, closes) == china(then)
