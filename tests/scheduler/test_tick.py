"""What time does, tick by tick: opening, reminding, settling, telling; once, whatever is missed or repeated."""

import time
from datetime import datetime, timedelta

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from scheduler.obligations import seen
from scheduler.reminders import delivered
from scheduler.tables import Obligation, Reminder, Settlement, SummaryPost
from scheduler.tick import looks, tick
from store import vitals
from store.notices import Notice
from store.people import Department, Role, bind_group, blocked
from tests.scheduler.conftest import ALL, Zone, at


def kinds(notices: list[Notice]) -> list[tuple[str, str]]:
    return [(one.kind, one.to.kind) for one in notices]


def reminders(zone: Zone) -> list[tuple[str, str]]:
    rows = zone.session.exec(select(Reminder).order_by(col(Reminder.id)))
    return [(one.rung, one.sent_at.astimezone(at("01-01").tzinfo).isoformat()[5:16]) for one in rows]


LADDER = ("03-26 09:00", "03-30 09:00", "04-01 09:00", "04-02 09:00", "04-02 14:00")


def test_an_obligation_opens_with_its_first_reminder_and_climbs_the_ladder(zone: Zone) -> None:
    zone.department("fin", "财政局", since=at("03-04 00:00"))
    zone.tick(at("03-26 08:59"))
    assert zone.session.exec(select(Obligation)).all() == []
    told = zone.live(*LADDER)
    assert [(rung, when) for rung, when in reminders(zone)][-5:] == [
        ("5", "03-26T09:00"),
        ("3", "03-30T09:00"),
        ("1", "04-01T09:00"),
        ("0@09:00", "04-02T09:00"),
        ("0@14:00", "04-02T14:00"),
    ]
    due_day = [
        (one.kind, one.to.kind)
        for one in told
        if one.kind == "reminder" and one.facts["lines"][0]["period"] == "2021-03"
    ]
    assert due_day.count(("reminder", "department")) == 5
    assert due_day.count(("reminder", "heads")) == 2, "the due-day rungs go to the head as well"


def test_what_is_due_together_is_one_message_with_all_that_it_needs(zone: Zone) -> None:
    com = zone.department("com", "商务局", duties=ALL, since=at("03-04 00:00"))
    (notice,) = zone.live("03-26 09:00")
    assert notice.to.id == com.id
    assert [line["what"] for line in notice.facts["lines"]]
    assert {line["duty"] for line in notice.facts["lines"]} == set(ALL)
    line = next(one for one in notice.facts["lines"] if one["duty"] == "publicity_ledger")
    assert line["due"] == "2021-04-03T00:00:00+08:00"
    assert line["due_day"] == "2021-04-02"
    assert (line["days_left"], line["overdue"], line["nil_report"], line["period"]) == (5, False, True, "2021-03")
    assert notice.topic is not None
    assert ("seen", notice.topic.removeprefix("reminder:")) in notice.buttons
    assert [action for action, _ in notice.buttons].count("hand_in") == 3


def test_a_tick_that_is_repeated_repeats_nothing(zone: Zone, march: Obligation) -> None:
    first = zone.live("03-26 09:00")
    assert zone.live("03-26 09:00", "03-26 09:01", "03-26 16:59") == []
    assert len(first) == 1


def test_the_rung_that_is_right_now_goes_and_never_a_stale_one(zone: Zone, march: Obligation) -> None:
    assert zone.live("04-01 20:00") == [], "not outside office hours"
    told = zone.live("04-02 08:30")
    assert len(told) == 1
    assert reminders(zone)[-1] == ("1", "04-02T08:30"), "the rung of the day before, not those of March"
    zone.live("04-02 09:00")
    assert reminders(zone)[-1] == ("0@09:00", "04-02T09:00")


def test_after_the_deadline_only_what_comes_after_it_goes(zone: Zone, march: Obligation) -> None:
    zone.live("03-26 09:00")
    told = zone.live("04-06 09:00")
    assert kinds(told) == [("deducted", "department")]
    assert reminders(zone)[-1][0] == "5"


def test_after_the_deadline_two_more_reminders_three_working_days_apart(zone: Zone, march: Obligation) -> None:
    zone.live(*LADDER)
    days = [at("04-03 09:00") + timedelta(days=day) for day in range(40)]
    told = [(one.kind, now.strftime("%m-%d")) for now in days for one in zone.tick(now) if one.kind != "summary"]
    # Friday 2 April was the due day; 3 to 5 April are off (清明), 25 April is a Sunday that is worked.
    mine = [(kind, day) for kind, day in told if day < "04-23"]
    assert mine == [("deducted", "04-06"), ("reminder", "04-09"), ("reminder", "04-14")]


def test_seen_quiets_until_the_due_day(zone: Zone, march: Obligation) -> None:
    zone.live("03-26 09:00")
    seen(zone.session, [march.id], at("03-26 09:05"))
    assert zone.live("03-30 09:00", "04-01 09:00") == []
    assert kinds(zone.live("04-02 09:00")) == [("reminder", "department"), ("reminder", "heads")]


def test_what_was_handed_in_or_exempted_is_reminded_of_no_more(zone: Zone, march: Obligation) -> None:
    zone.live("03-26 09:00")
    zone.hand_in(march, "03-29 10:00")
    assert zone.live(*LADDER[1:], "04-06 09:00", "04-09 09:00") == []
    assert zone.entries() == []


def test_settlement_waits_for_its_grace_and_until_everything_sent_before_is_read(zone: Zone, march: Obligation) -> None:
    zone.live(*LADDER)
    zone.live("04-03 00:00", "04-03 00:09")
    assert zone.entries() == []
    zone.tick(at("04-03 00:10"), read=False)
    assert zone.entries() == [], "read through 00:09 only: something sent before the deadline may still be unread"
    zone.tick(at("04-03 00:11"))
    assert zone.entries() == [("daily.8.monthly", "2021-03", "-1", "2021-04-03T00:00", True)]


def test_a_deduction_says_clause_period_instant_reminders_and_how_to_appeal(zone: Zone, march: Obligation) -> None:
    zone.live(*LADDER, "04-03 00:10")
    (told,) = [one for one in zone.live("04-06 09:00") if one.kind == "deducted"]
    (line,) = told.facts["lines"]
    assert line["clause"] == zone.frame.rulebook(2021).duties["monthly_update"].clause
    assert "每月" in line["clause_text"]
    assert (line["period"], line["due"], line["points"]) == ("2021-03", "2021-04-03T00:00:00+08:00", -10_000)
    assert [one[5:16] for one in line["reminded"]] == [one.replace(" ", "T") for one in LADDER]
    assert line["appeal_working_days"] == 5
    assert line["handed_in"] is None


def test_a_deduction_is_told_in_office_hours_and_once(zone: Zone, march: Obligation) -> None:
    zone.live(*LADDER)
    assert zone.live("04-03 00:10", "04-03 10:00", "04-06 08:59") == []
    assert "deducted" in {one.kind for one in zone.live("04-06 09:00")}
    assert "deducted" not in {one.kind for one in zone.live("04-06 09:01", "04-07 09:00")}


def test_a_deduction_that_is_undone_before_it_was_told_is_never_told(zone: Zone, march: Obligation) -> None:
    zone.live(*LADDER, "04-03 00:10")
    done = zone.hand_in(march, "04-02 23:50", read="04-03 08:00")
    assert done.notices == ()
    assert zone.live("04-06 09:00") == []
    assert zone.entries() == [("daily.8.monthly", "2021-03", "-1", "2021-04-03T00:00", False)]


def test_an_early_message_that_arrives_late_reverses_and_the_department_is_told(zone: Zone, march: Obligation) -> None:
    zone.live(*LADDER, "04-06 09:00")
    done = zone.hand_in(march, "04-02 23:59", read="04-06 10:00")
    assert done.on_time
    assert [one.kind for one in done.notices] == ["reversed"]
    assert done.notices[0].facts["why"] == "handed_in"
    assert zone.entries() == [("daily.8.monthly", "2021-03", "-1", "2021-04-03T00:00", False)]
    zone.live("04-06 10:01", "04-07 10:00")
    assert len(zone.entries()) == 1


@pytest.mark.parametrize("delivered_at", [None, "04-03 00:00"])
def test_no_reminder_before_the_deadline_is_a_hold(zone: Zone, march: Obligation, delivered_at: str | None) -> None:
    for one in LADDER:
        notices = zone.tick(at(one), deliver=False)
        if delivered_at:
            delivered(zone.session, [notice.topic for notice in notices if notice.topic], at(delivered_at))
    zone.live("04-03 00:10")
    assert zone.held() == [(march.department_id, "2021-03", "not_told")]
    assert zone.entries() == []
    told = zone.live("04-06 09:00")
    assert ("held", "administrators") in kinds(told)
    assert "deducted" not in {one.kind for one in told}


def test_nobody_reachable_is_told_to_the_administrators(zone: Zone, march: Obligation, fin: Department) -> None:
    blocked(zone.session, 1000, at("03-01 00:00"))
    (notice,) = zone.live("03-26 09:00")
    assert (notice.kind, notice.to.kind) == ("unreachable", "administrators")
    assert notice.facts["departments"][0]["department"] == "财政局"
    zone.live(*LADDER[1:], "04-03 00:10")
    assert zone.held() == [(fin.id, "2021-03", "not_told")]


def test_a_group_alone_makes_a_department_reachable(zone: Zone) -> None:
    com = zone.department("com", "商务局", reachable=False, since=at("03-04"))
    bind_group(zone.session, -100, com, zone.person("管理员", Role.ADMINISTRATOR), at("01-04"))
    assert kinds(zone.live("03-26 09:00")) == [("reminder", "department")]


@pytest.mark.parametrize(
    ("began", "ended", "held"),
    [
        ("04-02 15:00", "04-03 15:00", False),  # 24 hours: nothing can be lost
        ("04-02 14:59", "04-03 15:00", True),
        ("04-03 00:00", "04-05 00:00", False),  # everything before the deadline had been read
        ("04-01 12:00", "04-02 23:00", False),  # it ended before the deadline
        ("04-01 12:00", "04-03 00:00", True),
    ],
)
def test_a_long_outage_over_the_deadline_is_a_hold(
    zone: Zone, march: Obligation, began: str, ended: str, held: bool
) -> None:
    zone.live(*LADDER[:3])
    zone.session.add(vitals.Outage(began=at(began), ended=at(ended)))
    zone.live("04-05 10:00")
    assert zone.held() == ([(march.department_id, "2021-03", "outage")] if held else [])
    assert bool(zone.entries()) is not held


def test_three_weeks_of_silence(zone: Zone, fin: Department) -> None:
    """Down from 20 March to 10 April: what fell due meanwhile is held, what was sent in the last 24 hours is read."""
    com = zone.department("com", "商务局")
    for unit in (fin, com):
        for period in ("2021-01", "2021-02"):
            zone.hand_in(zone.owes(unit, period), "01-15 10:00")
    zone.live("03-19 16:00")
    zone.session.add(vitals.Outage(began=at("03-20 00:00"), ended=at("04-10 12:00")))
    zone.hand_in(zone.owes(com, "2021-03"), "04-09 18:00", read="04-10 12:00")
    zone.live("04-10 12:00", "04-12 09:00")
    assert zone.held() == [(fin.id, "2021-03", "outage"), (com.id, "2021-03", "outage")]
    assert zone.entries() == []
    told = zone.live("04-27 09:00")
    periods = [[line["period"] for line in one.facts["lines"]] for one in told if one.kind == "reminder"]
    assert periods == [["2021-03", "2021-04"], ["2021-04"]], "商务局 has been late, and nothing is asked of it any more"


def ledger_after(zone: Zone, ticks: list[datetime], twice: bool = False) -> object:
    for now in ticks:
        for _ in range(2 if twice else 1):
            zone.tick(now)
    return zone.entries(), zone.held()


def minutes(first: str, last: str, step: int = 1) -> list[datetime]:
    found, now = [], at(first)
    while now <= at(last):
        found.append(now)
        now += timedelta(minutes=step)
    return found


@pytest.fixture(params=["each minute", "each minute twice", "20 hours of silence", "one tick after 20 hours"])
def rhythm(request: pytest.FixtureRequest) -> tuple[list[datetime], bool]:
    before = minutes("04-02 13:55", "04-02 14:05")
    around = minutes("04-02 23:40", "04-03 00:40")
    day = minutes("04-03 09:58", "04-03 10:02")
    silent = before + day
    return {
        "each minute": (before + around + day, False),
        "each minute twice": (before + around + day, True),
        "20 hours of silence": (silent, False),
        "one tick after 20 hours": ([*before, at("04-03 10:00"), at("04-03 10:02")], False),
    }[request.param]


def test_however_often_it_ticks_the_ledger_is_the_same(zone: Zone, rhythm: tuple[list[datetime], bool]) -> None:
    """On time, late by a second, never, unreachable, read late: the same entries and holds at every rhythm."""
    ticks, twice = rhythm
    units = [
        zone.department(code, name, reachable=code != "jzt", since=at("03-10"))
        for code, name in [
            ("eco", "经济发展局"),
            ("fin", "财政局"),
            ("com", "商务局"),
            ("jzt", "九站街道"),
            ("env", "环保局"),
        ]
    ]
    owed = {unit.code: zone.owes(unit, "2021-03") for unit in units}
    pending = [
        ("eco", "04-02 23:59", "04-02 23:59"),
        ("fin", "04-03 00:00", "04-03 00:00"),
        ("env", "04-02 20:00", "04-03 10:01"),
    ]
    for now in ticks:
        for one in [one for one in pending if at(one[2]) <= now]:
            pending.remove(one)
            zone.hand_in(owed[one[0]], one[1], read=now.strftime("%m-%d %H:%M"))
        zone.tick(now)
        if twice:
            zone.tick(now)
    by_code = {unit.code: zone.entries(unit) for unit in units}
    late = ("daily.8.monthly", "2021-03", "-1", "2021-04-03T00:00", True)
    assert by_code["eco"] == []
    assert by_code["fin"] == [late]
    assert by_code["com"] == [late]
    assert by_code["jzt"] == []
    assert [stands for *_, stands in by_code["env"]] in ([], [False]), "read late: reversed, or never entered"
    assert zone.held() == [(owed["jzt"].department_id, "2021-03", "not_told")]


def test_a_second_settlement_of_a_deadline_is_impossible_in_the_database(zone: Zone, march: Obligation) -> None:
    def settle() -> None:
        with zone.session.begin_nested():
            zone.session.add(
                Settlement(obligation_id=march.id, due_at=march.due_at, settled_at=at("04-03 00:10"), outcome="held")
            )

    settle()
    with pytest.raises(IntegrityError):
        settle()


def test_looks_name_the_next_thing_that_happens(zone: Zone, march: Obligation) -> None:
    zone.live("03-25 12:00")
    assert looks(zone.session).earliest == at("03-26 09:00")
    zone.live("03-26 09:00")
    assert looks(zone.session).earliest == at("03-30 09:00")
    zone.hand_in(march, "03-29 10:00")
    assert looks(zone.session).earliest == at("04-27 09:00"), "the next month opens"


def test_the_summary_is_posted_once_on_the_first_working_day_after_settlement(zone: Zone, march: Obligation) -> None:
    com = zone.department("com", "商务局", since=at("03-10"))
    zone.hand_in(zone.owes(com, "2021-03"), "04-02 10:00")
    assert [one.kind for one in zone.live("02-03 09:00", "02-03 09:01", summaries=True)] == ["summary"]
    zone.live(*LADDER, "04-03 00:10")
    (summary,) = [
        one for one in zone.live("04-06 09:00", "04-06 10:00", "04-07 09:00", summaries=True) if one.kind == "summary"
    ]
    assert summary.to.kind == "summary_chat"
    assert summary.picture == {"kind": "summary", "data": summary.facts}
    facts = summary.facts
    assert (facts["month"], facts["owing"], facts["punctual"], facts["since"]) == ("2021-03", 2, 1, "2021-02")
    rows = {one["code"]: one for one in facts["departments"]}
    assert (rows["fin"]["daily"], rows["fin"]["change"], rows["fin"]["on_time"]) == ("39.00", "-1.00", False)
    assert rows["fin"]["duties"][0]["state"] == "missing"
    assert (rows["com"]["daily"], rows["com"]["on_time"], rows["com"]["duties"][0]["state"]) == (
        "40.00",
        True,
        "on_time",
    )
    assert zone.session.get(SummaryPost, "2021-03") is not None


def test_an_idle_tick_costs_a_few_looks_into_an_index(zone: Zone, rulebook: object) -> None:
    for number in range(60):
        zone.department(f"d{number}", f"部门{number}", duties=ALL, reachable=number % 2 == 0)
    zone.live("02-03 09:00", "03-03 09:00", "04-06 09:00", "05-08 09:00")
    now = at("05-20 11:00")
    zone.live("05-20 10:59")
    assert tick(zone.session, now) == []
    spans = []
    for _ in range(20):
        begun = time.process_time()
        tick(zone.session, now)
        zone.session.flush()
        spans.append(time.process_time() - begun)
    assert min(spans) < 0.02, f"{min(spans) * 1000:.1f} ms"
