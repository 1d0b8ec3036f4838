"""What a lateness costs, in every form that a rule book can write. Deadlines are the 00:00 that ends the due day."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.lateness import Charge, LatenessRule, Timeliness, Wait
from scoring.loading import load
from scoring.points import UNIT
from store.times import CHINA

BINHE = load("binhe-2023.toml", beside=Path(__file__).parent / "rulebooks")
FLAT = load("jilin-2021").duties["quarterly_summary"].lateness
PER_DAY = BINHE.duties["weekly_report"].lateness
LATE_OR_MISSING = BINHE.duties["data_upload"].lateness
GRADED = BINHE.duties["yearly_plan"].lateness
CAPPED = LatenessRule("per_day", UNIT, tuple(1000 * day for day in range(1, 11)), UNIT, late_ends=False)

DUE = datetime(2021, 4, 3, tzinfo=CHINA)  # a Saturday, 00:00
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
NEVER = None


def weekdays(day: date) -> bool:
    return day.weekday() < 5


def test_flat_the_same_for_late_and_missing_and_settled_at_once() -> None:
    end = DUE + 50 * DAY
    assert FLAT.charge(-UNIT, DUE, DUE, end) == Charge(-UNIT, 1, "late")
    assert FLAT.charge(-UNIT, DUE, DUE + 40 * DAY, end) == Charge(-UNIT, 1, "late")
    assert FLAT.charge(-UNIT, DUE, NEVER, end) == Charge(-UNIT, 1, "missing")
    assert FLAT.charge(-UNIT, DUE, NEVER, DUE) == Charge(-UNIT, 1, "missing")


@pytest.mark.parametrize("rule", [FLAT, PER_DAY, LATE_OR_MISSING, GRADED, CAPPED])
def test_sent_before_the_deadline_is_on_time_and_at_it_is_late(rule: LatenessRule) -> None:
    on_time = rule.charge(-rule.base, DUE, DUE - SECOND, DUE - SECOND, weekdays)
    assert on_time == Charge(0, 0, "on_time")
    late = rule.charge(-rule.base, DUE, DUE, DUE, weekdays)
    assert isinstance(late, Charge)
    assert late.points < 0
    assert late.timeliness == "late"


@pytest.mark.parametrize("rule", [FLAT, PER_DAY, LATE_OR_MISSING, GRADED, CAPPED])
def test_before_the_deadline_one_waits_for_it(rule: LatenessRule) -> None:
    assert rule.charge(-rule.base, DUE, NEVER, DUE - SECOND, weekdays) == Wait(DUE)


def test_what_is_handed_in_after_now_is_not_known_yet() -> None:
    assert FLAT.charge(-UNIT, DUE, DUE + DAY, DUE) == Charge(-UNIT, 1, "missing")
    assert PER_DAY.charge(-2 * UNIT, DUE, DUE + DAY, DUE) == Wait(DUE + 30 * DAY)


@pytest.mark.parametrize(
    ("after", "points", "timeliness"),
    [
        (timedelta(0), -1000, "late"),  # day 1 has begun: 0.1
        (DAY - SECOND, -1000, "late"),
        (DAY, -2000, "late"),  # day 2: 0.2
        (9 * DAY, -10000, "late"),  # day 10: 1, the cap
        (10 * DAY, -10000, "late"),  # day 11: still 1
        (30 * DAY - SECOND, -10000, "late"),  # the last moment of day 30
        (30 * DAY, -20000, "missing"),  # as good as never handed in: 2
    ],
)
def test_per_day_with_a_cap_and_more_for_nothing(after: timedelta, points: int, timeliness: Timeliness) -> None:
    assert PER_DAY.charge(-2 * UNIT, DUE, DUE + after, DUE + 99 * DAY) == Charge(points, 1, timeliness)


def test_per_day_waits_until_nothing_counts_as_missing() -> None:
    assert PER_DAY.charge(-2 * UNIT, DUE, NEVER, DUE + 30 * DAY - SECOND) == Wait(DUE + 30 * DAY)
    assert PER_DAY.charge(-2 * UNIT, DUE, NEVER, DUE + 30 * DAY) == Charge(-2 * UNIT, 1, "missing")


def test_per_day_with_only_a_cap_is_settled_when_the_cap_is_reached() -> None:
    # 0.1 a day up to 1: on day 10 it is 1 and cannot get worse.
    assert CAPPED.charge(-UNIT, DUE, NEVER, DUE + 9 * DAY - SECOND) == Wait(DUE + 9 * DAY)
    assert CAPPED.charge(-UNIT, DUE, NEVER, DUE + 9 * DAY) == Charge(-UNIT, 1, "missing")
    assert CAPPED.charge(-UNIT, DUE, DUE + 50 * DAY, DUE + 60 * DAY) == Charge(-UNIT, 1, "late")


def test_late_costs_less_than_missing() -> None:
    assert LATE_OR_MISSING.charge(-UNIT, DUE, DUE + 4 * DAY, DUE + 9 * DAY) == Charge(-5000, 1, "late")
    assert LATE_OR_MISSING.charge(-UNIT, DUE, DUE + 5 * DAY, DUE + 9 * DAY) == Charge(-10000, 1, "missing")
    assert LATE_OR_MISSING.charge(-UNIT, DUE, NEVER, DUE + 4 * DAY) == Wait(DUE + 5 * DAY)


@pytest.mark.parametrize(
    ("handed_in", "points"),
    [
        # Due at the end of Friday 2 April; steps: 3 working days 0.2, 10 working days 0.5, then 1.
        (datetime(2021, 4, 3, 12, tzinfo=CHINA), -2000),  # Saturday: the first day counts as one even so
        (datetime(2021, 4, 5, 12, tzinfo=CHINA), -2000),  # Monday: working day 1
        (datetime(2021, 4, 7, 12, tzinfo=CHINA), -2000),  # Wednesday: 3
        (datetime(2021, 4, 8, 12, tzinfo=CHINA), -5000),  # Thursday: 4
        (datetime(2021, 4, 16, 12, tzinfo=CHINA), -5000),  # Friday a week on: 10
        (datetime(2021, 4, 18, 12, tzinfo=CHINA), -5000),  # its Sunday: still 10
        (datetime(2021, 4, 19, 0, tzinfo=CHINA), -10000),  # Monday: 11
    ],
)
def test_graded_by_working_days(handed_in: datetime, points: int) -> None:
    charge = GRADED.charge(-UNIT, DUE, handed_in, handed_in + 90 * DAY, weekdays)
    assert isinstance(charge, Charge)
    assert charge.points == points


def test_graded_by_working_days_waits_for_the_eleventh() -> None:
    eleventh = datetime(2021, 4, 19, tzinfo=CHINA)
    assert GRADED.charge(-UNIT, DUE, NEVER, DUE + DAY, weekdays) == Wait(eleventh)
    assert GRADED.charge(-UNIT, DUE, NEVER, eleventh, weekdays) == Charge(-UNIT, 1, "missing")


def test_a_rule_of_working_days_needs_a_calendar() -> None:
    with pytest.raises(ValueError, match="calendar"):
        GRADED.charge(-UNIT, DUE, NEVER, DUE)


def test_days_are_chinas_days_whatever_the_zone_of_the_instants() -> None:
    # 2021-04-02 16:00 UTC is Saturday 00:00 in China.
    due = DUE.astimezone(UTC)
    assert GRADED.charge(-UNIT, due, NEVER, due, weekdays) == Wait(datetime(2021, 4, 18, 16, tzinfo=UTC))


def test_a_unit_class_with_a_multiplier_pays_all_of_it_scaled() -> None:
    # A street weighs half: −1 instead of −2, so 0.05 a day, 0.5 at most, 1 for nothing.
    weight = BINHE.weight("filing.weekly", 1, "street")
    assert weight == -UNIT
    assert PER_DAY.charge(weight, DUE, DUE, DUE) == Charge(-500, 1, "late")
    assert PER_DAY.charge(weight, DUE, DUE + 20 * DAY, DUE + 20 * DAY) == Charge(-5000, 1, "late")
    assert PER_DAY.charge(weight, DUE, NEVER, DUE + 30 * DAY) == Charge(-UNIT, 1, "missing")


def test_a_weight_that_cannot_be_charged_exactly_is_an_error() -> None:
    with pytest.raises(ValueError, match="no whole number"):
        LATE_OR_MISSING.charge(-1, DUE, DUE, DUE)


RULES = st.sampled_from([FLAT, PER_DAY, LATE_OR_MISSING, GRADED, CAPPED])
HOURS = st.integers(-48, 24 * 60).map(lambda hours: timedelta(hours=hours))


@given(rule=RULES, sent=st.none() | HOURS, now=HOURS, later=HOURS.filter(lambda span: span >= timedelta(0)))
def test_a_charge_is_final(rule: LatenessRule, sent: timedelta | None, now: timedelta, later: timedelta) -> None:
    """Whenever it is asked again, and whatever is handed in after it was settled, the points stay."""
    handed_in = None if sent is None else DUE + sent
    first = rule.charge(-rule.base, DUE, handed_in, DUE + now, weekdays)
    again = rule.charge(-rule.base, DUE, handed_in, DUE + now + later, weekdays)
    if isinstance(first, Charge):
        assert isinstance(again, Charge)
        assert again.points == first.points


@given(rule=RULES, sent=st.none() | HOURS, now=HOURS)
def test_waiting_ends_when_it_says(rule: LatenessRule, sent: timedelta | None, now: timedelta) -> None:
    handed_in = None if sent is None else DUE + sent
    answer = rule.charge(-rule.base, DUE, handed_in, DUE + now, weekdays)
    if isinstance(answer, Wait):
        assert answer.until > DUE + now
        assert rule.charge(-rule.base, DUE, None, answer.until - SECOND, weekdays) == answer
        if answer.until > DUE:
            assert isinstance(rule.charge(-rule.base, DUE, None, answer.until, weekdays), Charge)


@given(rule=RULES, earlier=HOURS, span=HOURS.filter(lambda span: span >= timedelta(0)))
def test_handing_in_earlier_never_costs_more(rule: LatenessRule, earlier: timedelta, span: timedelta) -> None:
    end = DUE + timedelta(days=200)
    first = rule.charge(-rule.base, DUE, DUE + earlier, end, weekdays)
    second = rule.charge(-rule.base, DUE, DUE + earlier + span, end, weekdays)
    nothing = rule.charge(-rule.base, DUE, None, end, weekdays)
    assert isinstance(first, Charge)
    assert isinstance(second, Charge)
    assert isinstance(nothing, Charge)
    assert first.points >= second.points >= nothing.points
