"""Duties assigned, deadlines moved, obligations let go, holds decided, tasks; and rules of lateness of other forms."""

from datetime import date

import pytest

from scheduler import obligations
from scheduler.duties import assign_duty, assignments, end_duty, obligation_for
from scheduler.hand_ins import send_back
from scheduler.judgement import Case, Hold, Met, judge, lies_in_long_outage
from scheduler.tables import DataSet, Obligation
from scheduler.tasks import add_task
from scoring.lateness import Charge, Wait
from scoring.loading import SHELF, parse
from scoring.rulebook import RuleBook
from scoring.standings import put_in_force
from store.errors import Refusal
from store.people import Department
from store.vitals import Outage
from tests.scheduler.conftest import Zone, at

LADDER = ("03-26 09:00", "04-02 09:00")


def refused(code: str) -> "pytest.RaisesExc[Refusal]":
    return pytest.raises(Refusal, match=f"^{code}")


class TestAssigned:
    def test_from_the_period_that_ends_on_the_day_or_later(self, zone: Zone) -> None:
        unit = zone.department("tax", "税务局", duties=())
        assign_duty(zone.frame, unit, "monthly_update", since=date(2021, 3, 31), now=at("03-15"))
        zone.live("03-26 09:00", "04-27 09:00")
        owed = [one.period for one in obligations.outstanding(zone.session, unit.id)]
        assert owed == ["2021-03", "2021-04"]
        with refused("not_owed"):
            zone.owes(unit, "2021-02")

    def test_nothing_that_was_due_when_it_was_assigned(self, zone: Zone) -> None:
        unit = zone.department("tax", "税务局", duties=())
        assign_duty(zone.frame, unit, "monthly_update", since=date(2021, 1, 1), now=at("04-01 10:00"))
        zone.live("04-01 10:01")
        assert [one.period for one in obligations.outstanding(zone.session, unit.id)] == ["2021-03"]

    def test_until(self, zone: Zone, fin: Department) -> None:
        end_duty(zone.frame, assignments(zone.session, fin.id)[0], until=date(2021, 3, 31))
        zone.live("02-01 09:00", "03-26 09:00", "04-27 09:00", "05-27 09:00")
        assert [one.period for one in obligations.outstanding(zone.session, fin.id)] == [
            "2021-01",
            "2021-02",
            "2021-03",
        ]

    def test_twice_or_unknown_is_refused(self, zone: Zone, fin: Department) -> None:
        with refused("duty_owed_already"):
            assign_duty(zone.frame, fin, "monthly_update", since=date(2021, 5, 1), now=at("04-01"))
        with refused("duty_unknown"):
            assign_duty(zone.frame, fin, "weekly_update", since=date(2021, 5, 1), now=at("04-01"))
        with refused("duty_unknown"):
            obligation_for(zone.frame, fin, "weekly_update", "2021-03", at("04-01"))
        with refused("period_unknown"):
            zone.owes(fin, "2021-13")
        with refused("not_owed"):
            zone.owes(fin, "2021-03", "publicity_ledger")

    def test_nothing_was_due_before_the_zone_went_live(self, zone: Zone, rulebook: RuleBook) -> None:
        put_in_force(zone.session, rulebook, 2021, at("04-03 00:00"))
        unit = zone.department("tax", "税务局", since=at("01-01"))
        zone.live("04-03 09:00")
        assert obligations.outstanding(zone.session, unit.id) == []
        with refused("not_owed"):
            zone.owes(unit, "2021-03")

    def test_the_next_year_goes_on_once_its_rule_book_is_in_force(self, zone: Zone, rulebook: RuleBook) -> None:
        unit = zone.department("tax", "税务局", since=at("11-10"))
        zone.live("11-26 09:00", "12-29 09:00")
        zone.tick(at("2022-01-26 09:00"))
        put_in_force(zone.session, rulebook, 2022, at("2022-01-01"))
        zone.tick(at("2022-01-27 09:00"))
        owed = [one.period for one in obligations.outstanding(zone.session, unit.id)]
        assert owed == ["2021-11", "2021-12", "2022-01"]

    def test_a_data_set_has_a_cycle_of_its_own_and_is_held(self, zone: Zone) -> None:
        zone.session.add(DataSet(code="data:permits", title="许可数据", item="daily.5", period="days:10"))
        unit = zone.department("tax", "税务局", duties=("data:permits",), since=at("03-20"))
        owed = obligation_for(zone.frame, unit, "data:permits", "2021-D009", at("03-20"))
        assert (owed.item, owed.due_at) == ("daily.5", at("04-02 00:00")), "ends on 31 March, the next working day"
        zone.live("03-25 09:00", "04-01 09:00", "04-02 00:10")
        assert zone.held()[0] == (unit.id, "2021-D008", "judgement")
        assert zone.entries() == []


class TestExtended:
    def test_before_the_deadline_the_ladder_starts_anew(self, zone: Zone, march: Obligation) -> None:
        zone.live(*LADDER)
        zone.extend(march, "04-10 00:00", "04-02 10:00")
        told = zone.live("04-02 10:01")
        assert [one.kind for one in told] == ["reminder"], "the rung that is right now on the new ladder"
        assert told[0].facts["lines"][0]["due"] == "2021-04-10T00:00:00+08:00"
        zone.live("04-03 00:10", "04-10 00:10")
        assert [one[3] for one in zone.entries()] == ["2021-04-10T00:00"]

    def test_not_later_is_refused(self, zone: Zone, march: Obligation) -> None:
        for until in ("04-03 00:00", "04-01 00:00"):
            with refused("extension_not_later"):
                zone.extend(march, until, "03-30 10:00")

    def test_in_the_grace_nothing_is_entered_for_the_old_deadline(self, zone: Zone, march: Obligation) -> None:
        zone.live(*LADDER, "04-03 00:00")
        zone.extend(march, "04-10 00:00", "04-03 00:05")
        zone.live("04-03 00:10", "04-06 09:00")
        assert zone.entries() == []
        zone.live("04-08 09:00", "04-10 00:10")
        assert [one[3] for one in zone.entries()] == ["2021-04-10T00:00"]

    def test_being_told_of_the_old_deadline_is_not_being_told_of_the_new(self, zone: Zone, march: Obligation) -> None:
        zone.live(*LADDER, "04-03 00:10")
        assert zone.extend(march, "04-10 00:00", "04-07 20:00").relieved
        zone.tick(at("04-08 09:00"), deliver=False)
        zone.tick(at("04-09 09:00"), deliver=False)
        zone.live("04-10 00:10")
        assert [stands for *_, stands in zone.entries()] == [False]
        assert zone.held() == [(march.department_id, "2021-03", "not_told")]

    def test_what_beats_a_passed_extension_may_turn_up_later(self, zone: Zone, march: Obligation) -> None:
        zone.live(*LADDER, "04-03 00:10")
        zone.extend(march, "04-04 00:00", "04-06 10:00")
        assert [stands for *_, stands in zone.entries()] == [True]
        assert zone.hand_in(march, "04-03 20:00", read="04-07 10:00").on_time
        assert [stands for *_, stands in zone.entries()] == [False]

    def test_a_chain_of_extensions_settles_once(self, zone: Zone, march: Obligation) -> None:
        zone.live(*LADDER)
        for until, now in [
            ("04-08 00:00", "04-02 10:00"),
            ("04-10 00:00", "04-07 10:00"),
            ("04-15 00:00", "04-12 10:00"),
        ]:
            zone.live(f"{now[:5]} 09:00")
            zone.extend(march, until, now)
        zone.live("04-13 09:00", "04-15 00:10", "04-16 09:00")
        assert [(one[3], one[4]) for one in zone.entries()] == [
            ("2021-04-10T00:00", False),
            ("2021-04-15T00:00", True),
        ]


class TestHeld:
    @pytest.fixture
    def held(self, zone: Zone, march: Obligation) -> Obligation:
        zone.live("04-03 00:10")
        assert zone.held() == [(march.department_id, "2021-03", "not_told")]
        return march

    def test_deducted_it_is_dated_at_the_deadline(self, zone: Zone, held: Obligation) -> None:
        row, _ = obligations.decide_hold(zone.frame, held, "deduct", now=at("04-07 10:00"))
        assert zone.entries() == [("daily.8.monthly", "2021-03", "-1", "2021-04-03T00:00", True)]
        assert (row.outcome, row.decision, row.ended_why) == ("held", "deduct", "decided")
        assert "deducted" in {one.kind for one in zone.live("04-07 10:01")}
        with refused("no_hold"):
            obligations.decide_hold(zone.frame, held, "deduct", now=at("04-07 10:02"))
        zone.hand_in(held, "04-02 12:00", read="04-08 10:00")
        assert [stands for *_, stands in zone.entries()] == [False]

    def test_exempted_it_is_over(self, zone: Zone, held: Obligation) -> None:
        obligations.decide_hold(zone.frame, held, "exempt", now=at("04-07 10:00"))
        assert (zone.held(), zone.entries(), held.exempted_at) == ([], [], at("04-07 10:00"))

    def test_a_hand_in_that_turns_up_ends_it(self, zone: Zone, held: Obligation) -> None:
        zone.hand_in(held, "04-02 12:00", read="04-06 10:00")
        assert zone.held() == []

    def test_a_correction_is_not_charged_beside_a_deduction(self, zone: Zone, march: Obligation) -> None:
        zone.live(*LADDER, "04-03 00:10")
        zone.hand_in(march, "04-06 10:00")
        send_back(zone.frame, march, reason="不实", due_at=at("04-10"), now=at("04-07 10:00"), by=None)
        zone.live("04-10 00:10")
        with refused("deduction_stands"):
            obligations.decide_hold(zone.frame, march, "deduct", now=at("04-12 10:00"))
        obligations.exempt(zone.frame, march, now=at("04-12 11:00"))
        assert ([stands for *_, stands in zone.entries()], zone.held()) == ([False], [])


class TestTasks:
    @pytest.mark.parametrize(
        ("item", "entered", "why"), [("daily.10.overdue", True, None), ("daily.1", False, "judgement")]
    )
    def test_overdue_matters_settle_and_others_are_held(
        self, zone: Zone, fin: Department, item: str, entered: bool, why: str | None
    ) -> None:
        rules = zone.frame.rulebook(2021).items[item]
        owed = add_task(
            zone.frame,
            fin,
            rules,
            title="督办事项",
            due_at=at("05-13"),
            now=at("05-06 10:00"),
            responsible="李科长",
        )
        (told,) = [one for one in zone.live("05-06 10:01") if one.kind == "reminder"]
        line = next(one for one in told.facts["lines"] if one["task"] == owed.task_id)
        assert (line["what"], line["responsible"], line["due"]) == (
            "督办事项",
            "李科长",
            "2021-05-13T00:00:00+08:00",
        )
        zone.live("05-13 00:10")
        mine = [one for one in zone.entries() if one[0] == item]
        assert bool(mine) is entered
        assert [one for one in zone.held() if one[1] is None] == ([(fin.id, None, why)] if why else [])

    def test_done_in_time(self, zone: Zone, fin: Department) -> None:
        rules = zone.frame.rulebook(2021).items["daily.10.overdue"]
        owed = add_task(zone.frame, fin, rules, title="整改", due_at=at("05-13"), now=at("05-06 10:00"))
        zone.hand_in(owed, "05-12 10:00")
        zone.live("05-13 00:10")
        assert "daily.10.overdue" not in [one[0] for one in zone.entries()]

    def test_impossible_tasks(self, zone: Zone, fin: Department) -> None:
        items = zone.frame.rulebook(2021).items
        with refused("item_not_owed"):
            add_task(zone.frame, fin, items["daily.7"], title="x", due_at=at("05-13"), now=at("05-06"))
        with refused("date_passed"):
            add_task(zone.frame, fin, items["daily.1"], title="x", due_at=at("05-06"), now=at("05-06"))
        with refused("year_not_in_force"):
            add_task(zone.frame, fin, items["daily.1"], title="x", due_at=at("2023-05-06"), now=at("05-06"))


def case(rulebook: RuleBook, **changed: object) -> Case:
    duty = rulebook.duties["monthly_update"]
    facts: dict[str, object] = {
        "due_at": at("04-03"),
        "accept_until": at("04-03"),
        "handed_in_at": None,
        "exempted": False,
        "told": True,
        "deaf": False,
        "provisional": False,
        "settle": "automatic",
        "lateness": duty.lateness,
        "weight": -10_000,
    }
    return Case(**(facts | changed))  # type: ignore[arg-type]


def test_judgement_case_by_case(rulebook: RuleBook) -> None:
    now = at("04-03 00:10")

    def verdict(**changed: object) -> object:
        return judge(case(rulebook, **changed), now, lambda _: True)

    assert verdict() == Charge(-10_000, 1, "missing")
    assert verdict(handed_in_at=at("04-03")) == Charge(-10_000, 1, "late")
    assert verdict(handed_in_at=at("04-02 23:59:59")) == Met()
    assert verdict(handed_in_at=at("04-04"), accept_until=at("04-05")) == Met()
    assert verdict(exempted=True, told=False) == Met()
    assert verdict(told=False) == Hold("not_told")
    assert verdict(told=False, deaf=True) == Hold("outage")
    assert verdict(told=False, deaf=True, provisional=True) == Hold("provisional")
    assert verdict(settle="held", provisional=True) == Hold("judgement")
    assert verdict(handed_in_at=at("04-02"), provisional=True, deaf=True, told=False) == Met()


def test_which_outages_lie_over_a_deadline() -> None:
    due = at("04-03 00:00")
    assert lies_in_long_outage(due, [(at("04-01 23:59"), at("04-03 00:00"))])
    assert not lies_in_long_outage(due, [(at("04-02 00:00"), at("04-03 00:00"))])
    assert not lies_in_long_outage(due, [(at("04-03 00:00"), at("04-09 00:00"))])
    assert not lies_in_long_outage(
        due, [(at("04-01 00:00"), at("04-02 23:00")), (at("04-02 23:30"), at("04-03 20:00"))]
    )
    assert not lies_in_long_outage(due, [])


class TestByTheDay:
    """A scheme that takes 0.5 a day and at most 2 for the monthly update."""

    @pytest.fixture
    def march(self, zone: Zone, fin: Department) -> Obligation:
        text = (SHELF / "jilin-2021.toml").read_text(encoding="utf-8")
        put_in_force(zone.session, by_the_day(text), 2021, at("01-01"))
        for period in ("2021-01", "2021-02"):
            zone.hand_in(zone.owes(fin, period), "01-15 10:00")
        zone.live(*LADDER)
        return zone.owes(fin, "2021-03")

    def test_nothing_is_entered_until_it_is_certain(self, zone: Zone, march: Obligation) -> None:
        zone.live("04-03 00:10", "04-04 00:10", "04-06 00:09")
        assert zone.entries() == []
        zone.live("04-06 00:10", "04-07 00:10", "04-20 00:10")
        assert zone.entries() == [("daily.8.monthly", "2021-03", "-2", "2021-04-03T00:00", True)]

    def test_handed_in_on_the_second_day(self, zone: Zone, march: Obligation) -> None:
        zone.live("04-03 00:10")
        zone.hand_in(march, "04-04 10:00")
        zone.live("04-04 10:09")
        assert zone.entries() == []
        zone.live("04-04 10:10", "04-06 00:10", "04-10 00:10")
        assert zone.entries() == [("daily.8.monthly", "2021-03", "-1", "2021-04-03T00:00", True)]

    def test_an_earlier_one_that_was_late_too_puts_it_right(self, zone: Zone, march: Obligation) -> None:
        zone.live("04-07 00:10")
        zone.hand_in(march, "04-03 10:00", read="04-08 10:00")
        zone.live("04-08 10:01", "04-08 10:02")
        assert zone.entries() == [
            ("daily.8.monthly", "2021-03", "-2", "2021-04-03T00:00", False),
            ("daily.8.monthly", "2021-03", "-0.5", "2021-04-03T00:00", True),
        ]
        zone.hand_in(march, "04-02 10:00", read="04-09 10:00")
        assert [stands for *_, stands in zone.entries()] == [False, False]

    def test_after_20_hours_of_silence_the_same(self, zone: Zone, march: Obligation) -> None:
        zone.hand_in(march, "04-04 10:00", read="04-09 10:00")
        zone.live("04-09 10:00")
        assert [one[2] for one in zone.entries()] == ["-1"]

    def test_decided_by_hand_while_it_is_open(self, zone: Zone, march: Obligation) -> None:
        zone.session.add(Outage(began=at("04-01 20:00"), ended=at("04-03 12:00")))
        zone.live("04-03 12:00")
        assert zone.held()[-1][2] == "outage"
        obligations.decide_hold(zone.frame, march, "deduct", now=at("04-04 12:00"))
        assert [one[2] for one in zone.entries()] == ["-1"], "as though it came on the second day"


def by_the_day(text: str) -> RuleBook:
    """jilin-2021 with another lateness for the monthly update."""
    head, found, tail = text.partition('code = "monthly_update"')
    tail = tail.replace(
        'settle = "automatic"',
        'settle = "automatic"\nlateness = { form = "per_day", per_day = 0.5, cap = 2 }',
        1,
    )
    return parse(head + found + tail, "by the day")


def test_wait_is_until_it_is_certain(rulebook: RuleBook) -> None:
    assert judge(case(rulebook), at("04-02"), lambda _: True) == Wait(at("04-03"))
