"""The ladder around a deadline, and which rung of it is right now."""

import pytest

from scheduler.ladder import Look, announcing, days_left, ladder, look
from scheduler.workdays import WorkCalendar
from scoring.rulebook import RuleBook
from store.times import china
from tests.scheduler.conftest import at

CALENDAR = WorkCalendar()


def rungs(rulebook: RuleBook, due: str) -> list[tuple[str, str]]:
    steps = ladder(at(due), rulebook.reminders, CALENDAR)
    return [(step.code, f"{china(step.at):%m-%d %H:%M}") for step in steps]


def seen_at(rulebook: RuleBook, due: str, now: str, sent: tuple[str, ...] = (), *, quiet: bool = False) -> Look:
    return look(
        ladder(at(due), rulebook.reminders, CALENDAR),
        at(due),
        sent,
        at(now),
        reminders=rulebook.reminders,
        calendar=CALENDAR,
        quiet=quiet,
    )


def test_the_ladder_counts_working_days(rulebook: RuleBook) -> None:
    assert rungs(rulebook, "04-03 00:00") == [
        ("5", "03-26 09:00"),
        ("3", "03-30 09:00"),
        ("1", "04-01 09:00"),
        ("0@09:00", "04-02 09:00"),
        ("0@14:00", "04-02 14:00"),
        ("+1", "04-09 09:00"),
        ("+2", "04-14 09:00"),
    ]


def test_the_ladder_of_a_make_up_saturday_goes_around_the_national_day(rulebook: RuleBook) -> None:
    assert rungs(rulebook, "10-10 00:00")[:5] == [
        ("5", "09-27 09:00"),
        ("3", "09-29 09:00"),
        ("1", "10-08 09:00"),
        ("0@09:00", "10-09 09:00"),
        ("0@14:00", "10-09 14:00"),
    ]


def test_a_deadline_within_a_day_has_the_rungs_before_it(rulebook: RuleBook) -> None:
    assert [code for code, _ in rungs(rulebook, "04-02 12:00")] == ["5", "3", "1", "0@09:00", "+1", "+2"]


def test_a_due_day_that_is_not_worked_has_no_rungs_of_its_own(rulebook: RuleBook) -> None:
    """Extended to Saturday 6 February, 24:00: Friday is one working day before."""
    assert rungs(rulebook, "02-07 00:00")[:3] == [("5", "02-01 09:00"), ("3", "02-03 09:00"), ("1", "02-05 09:00")]


@pytest.mark.parametrize(
    ("now", "sent", "code", "again"),
    [
        ("03-26 08:59", (), None, "03-26 09:00"),
        ("03-26 09:00", (), "5", "03-30 09:00"),
        ("03-26 16:59", (), "5", "03-30 09:00"),
        ("03-26 17:00", (), None, "03-29 08:30"),
        ("03-27 12:00", (), None, "03-29 08:30"),
        ("03-30 08:45", (), "5", "03-30 09:00"),
        ("03-30 09:00", ("5",), "3", "04-01 09:00"),
        ("03-30 09:01", ("5", "3"), None, "04-01 09:00"),
        ("04-02 15:00", (), "0@14:00", "04-09 09:00"),
        ("04-02 18:00", (), None, "04-06 08:30"),
        ("04-06 08:30", (), None, "04-09 09:00"),
        ("04-09 09:00", (), "+1", "04-14 09:00"),
        ("04-20 09:00", ("+1",), "+2", None),
        ("04-20 09:00", ("+1", "+2"), None, None),
    ],
)
def test_the_rung_that_is_right_now(
    rulebook: RuleBook, now: str, sent: tuple[str, ...], code: str | None, again: str | None
) -> None:
    found = seen_at(rulebook, "04-03 00:00", now, sent)
    assert (found.step.code if found.step else None) == code
    assert found.again_at == (at(again) if again else None)


def test_whoever_has_seen_it_is_left_in_peace_until_the_due_day(rulebook: RuleBook) -> None:
    assert seen_at(rulebook, "04-03 00:00", "03-30 09:00", quiet=True) == Look(None, at("04-01 09:00"))
    on_due_day = seen_at(rulebook, "04-03 00:00", "04-02 09:00", quiet=True)
    assert on_due_day.step is not None
    assert on_due_day.step.heads
    after = seen_at(rulebook, "04-03 00:00", "04-09 09:00", quiet=True)
    assert after.step is not None


def test_what_is_settled_at_night_is_told_at_nine(rulebook: RuleBook) -> None:
    for settled, told in [
        ("04-03 00:10", "04-06 09:00"),
        ("02-03 00:10", "02-03 09:00"),
        ("02-03 08:40", "02-03 09:00"),
        ("02-03 10:00", "02-03 10:00"),
        ("02-03 17:00", "02-04 09:00"),
    ]:
        assert announcing(at(settled), rulebook.reminders, CALENDAR) == at(told)


def test_days_left_are_working_days(rulebook: RuleBook) -> None:
    due = at("04-03 00:00")
    days = ("03-26 09:00", "04-01 23:00", "04-02 09:00", "04-06 09:00")
    assert [days_left(due, at(day), CALENDAR) for day in days] == [5, 1, 0, 0]
