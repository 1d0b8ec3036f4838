"""A year nobody has announced yet, and what becomes of its dates when the notice is loaded."""

import json

import pytest
from sqlmodel import Session, col, select

from scheduler.calendars import load_notice
from scheduler.obligations import decide_hold
from scheduler.tables import Obligation
from scoring.rulebook import RuleBook
from scoring.standings import put_in_force
from store.errors import Refusal
from store.people import Department
from tests.scheduler.conftest import Zone, at

OFF = ("2027-01-01", "2027-01-02", "2027-01-03")
ESTIMATED = "2027-01-06 00:00"  # the 1st is off, the 2nd and 3rd a weekend: 4 and 5 January
LADDER = ("2026-12-28 09:00", "2026-12-30 09:00", "2027-01-04 09:00", "2027-01-05 09:00", "2027-01-05 14:00")


def notice(*off: str, worked: tuple[str, ...] = (), year: int = 2027) -> str:
    days = [{"name": "元旦", "date": day, "isOffDay": True} for day in off]
    days += [{"name": "元旦", "date": day, "isOffDay": False} for day in worked]
    return json.dumps({"year": year, "papers": ["国办发明电〔2026〕7号"], "days": days})


@pytest.fixture
def zone(session: Session, rulebook: RuleBook) -> Zone:
    """The year 2026, from 10 December on."""
    put_in_force(session, rulebook, 2026, at("2026-12-10"))
    return Zone(session)


@pytest.fixture
def fin(zone: Zone) -> Department:
    return zone.department("fin", "财政局", since=at("2026-12-10"))


def december(zone: Zone) -> Obligation:
    query = select(Obligation).where(Obligation.period == "2026-12").order_by(col(Obligation.id))
    return zone.session.exec(query).one()


def load(zone: Zone, text: str, now: str) -> None:
    load_notice(zone.session, text, now=at(now), by=None)


def test_provisional_dates_are_reminded_of_told_to_administrators_and_held(zone: Zone, fin: Department) -> None:
    told = zone.live(LADDER[0])
    assert [one.kind for one in told] == ["calendar_provisional", "reminder"]
    assert told[0].facts["years"] == [2027]
    assert told[1].facts["lines"][0]["provisional"] is True
    zone.live(*LADDER[1:], "2027-01-06 00:10", "2027-02-01 09:00")
    assert zone.entries() == []
    assert zone.held() == [(fin.id, "2026-12", "provisional")]


def test_a_hand_in_before_the_estimated_date_is_on_time(zone: Zone, fin: Department) -> None:
    zone.live(*LADDER)
    zone.hand_in(december(zone), "2027-01-05 23:00")
    zone.live("2027-01-06 00:10")
    assert (zone.entries(), zone.held()) == ([], [])


def test_announced_as_estimated_it_settles_by_itself(zone: Zone, fin: Department) -> None:
    zone.live(*LADDER, "2027-01-06 00:10")
    load(zone, notice(*OFF), "2027-01-20 10:00")
    zone.live("2027-01-20 10:01", "2027-01-20 10:02")
    assert zone.held() == []
    assert zone.entries() == [("daily.8.monthly", "2026-12", "-1", "2027-01-06T00:00", True)]


def test_announced_earlier_than_estimated(zone: Zone, fin: Department) -> None:
    """The 2nd was worked: the real date is 4 January, 24:00; the reminder of that morning came before it."""
    zone.live(*LADDER, "2027-01-06 00:10")
    load(zone, notice("2027-01-01", worked=("2027-01-02",)), "2027-01-20 10:00")
    zone.live("2027-01-20 10:01")
    assert zone.held() == []
    assert zone.entries() == [("daily.8.monthly", "2026-12", "-1", "2027-01-05T00:00", True)]


def test_told_only_after_the_real_date_it_stays_held(zone: Zone, fin: Department) -> None:
    zone.live("2027-01-05 10:00", "2027-01-06 00:10")
    load(zone, notice("2027-01-01", worked=("2027-01-02",)), "2027-01-20 10:00")
    zone.live("2027-01-20 10:01")
    assert zone.entries() == []
    assert zone.held() == [(fin.id, "2026-12", "not_told")]


def test_announced_later_and_passed_what_came_before_it_is_on_time(zone: Zone, fin: Department) -> None:
    """The 4th and 5th are off: the real date is 7 January, 24:00."""
    com = zone.department("com", "商务局", since=at("2026-12-10"))
    zone.live(*LADDER, "2027-01-06 00:10")
    zone.hand_in(zone.owes(com, "2026-12"), "2027-01-07 20:00")
    zone.live("2027-01-07 20:10")
    assert len(zone.held()) == 2
    load(zone, notice(*OFF, "2027-01-04", "2027-01-05"), "2027-01-20 10:00")
    zone.live("2027-01-20 10:01")
    assert zone.held() == []
    assert zone.entries() == [("daily.8.monthly", "2026-12", "-1", "2027-01-08T00:00", True)]
    assert zone.entries(com) == []


def test_announced_later_and_still_to_come_the_ladder_goes_on(zone: Zone, fin: Department) -> None:
    zone.live(*LADDER, "2027-01-06 00:10")
    load(zone, notice(*OFF, "2027-01-04", "2027-01-05"), "2027-01-06 10:00")
    assert zone.held() == []
    told = zone.live("2027-01-06 10:01")
    assert told[0].facts["lines"][0]["due"] == "2027-01-08T00:00:00+08:00"
    assert told[0].facts["lines"][0]["provisional"] is False
    zone.live("2027-01-07 09:00", "2027-01-08 00:10")
    assert zone.entries() == [("daily.8.monthly", "2026-12", "-1", "2027-01-08T00:00", True)]


def test_before_the_date_it_just_becomes_certain(zone: Zone, fin: Department) -> None:
    zone.live(LADDER[0])
    load(zone, notice(*OFF), "2026-12-29 10:00")
    zone.live(*LADDER[1:], "2027-01-06 00:10")
    assert (len(zone.entries()), zone.held()) == (1, [])


def test_an_extension_is_certain_and_stays(zone: Zone, fin: Department) -> None:
    zone.live(*LADDER)
    zone.extend(december(zone), "2027-01-12 00:00", "2027-01-05 15:00")
    load(zone, notice(*OFF, "2027-01-04", "2027-01-05"), "2027-01-06 10:00")
    zone.live("2027-01-11 09:00", "2027-01-12 00:10")
    assert zone.entries() == [("daily.8.monthly", "2026-12", "-1", "2027-01-12T00:00", True)]


def test_what_was_decided_by_hand_stays_decided(zone: Zone, fin: Department) -> None:
    zone.live(*LADDER, "2027-01-06 00:10")
    decide_hold(zone.frame, december(zone), "deduct", now=at("2027-01-10 10:00"))
    load(zone, notice(*OFF), "2027-01-20 10:00")
    zone.live("2027-01-20 10:01")
    assert zone.entries() == [("daily.8.monthly", "2026-12", "-1", "2027-01-06T00:00", True)]
    assert zone.held() == []


def test_an_amended_notice_moves_certain_dates_that_are_to_come_only(zone: Zone, rulebook: RuleBook) -> None:
    put_in_force(zone.session, rulebook, 2021, at("01-01"))
    fin = zone.department("fin", "财政局", since=at("03-10"))
    march, april = zone.owes(fin, "2021-03"), zone.owes(fin, "2021-04")
    text = json.dumps({"year": 2021, "days": [{"date": "2021-04-01", "isOffDay": True}]})
    done = load_notice(zone.session, text, now=at("04-03 12:00"), by=None)
    assert march.due_at == at("04-03 00:00"), "it has passed"
    assert april.due_at == at("05-05 00:00"), "this notice knows no May holiday"
    assert [one.period for one in done.moved if one.year == 2021] == ["2021-04"]


def test_a_bad_notice_changes_nothing(zone: Zone, fin: Department) -> None:
    with pytest.raises(Refusal, match="calendar_unreadable"):
        load(zone, "{}", "2027-01-06 10:00")
    assert zone.frame.calendar.is_provisional(2027)
