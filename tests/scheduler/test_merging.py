"""A department goes into another: what it owes ends, its history stays, last year's grade goes on."""

import pytest
from sqlmodel import select

import templates
from scheduler.hand_ins import send_back
from scheduler.merging import Merged, merge
from scheduler.tables import Obligation
from scoring import past
from scoring.standings import in_force, standings
from scoring.tables import LedgerEntry
from store import acting
from store.acting import Decided, Proposed
from store.commands import VERBS
from store.departments import find_department
from store.errors import Refusal
from store.people import Department, Role
from store.proposals import Proposal
from tests.scheduler.conftest import Zone, at

NOW = at("05-20 10:00")


@pytest.fixture
def units(zone: Zone) -> tuple[Department, Department]:
    """商务局 is to go into 财政局; both owe the monthly update, and nobody has handed in anything this year."""
    fin, com = zone.department("fin", "财政局"), zone.department("com", "商务局")
    zone.live("04-30 09:00", "05-10 12:00")
    return fin, com


def failed(zone: Zone, unit: Department, grade: str) -> None:
    figures = {"grade": grade, "total": "60.00", "rank": None}
    past.keep(zone.session, in_force(zone.session, 2021), 2020, unit.id, figures, "entered", NOW)


def last(zone: Zone) -> dict[int, str]:
    return past.grades_of(zone.session, in_force(zone.session, 2021), 2020)


def test_it_takes_two_and_then_the_department_owes_nothing_more(
    zone: Zone, units: tuple[Department, Department]
) -> None:
    fin, com = units
    wang, li = zone.person("王科长", Role.ADMINISTRATOR), zone.person("李科长", Role.ADMINISTRATOR)
    entries = len(zone.session.exec(select(LedgerEntry)).all())
    asked = acting.run(zone.act(wang, NOW), VERBS["merge"], department=com, into=fin)
    assert isinstance(asked, Proposed)
    done = acting.confirm(zone.act(li, NOW), zone.session.get_one(Proposal, asked.number))
    assert isinstance(done, Decided)
    assert [one.department.code for one in standings(zone.session, 2021)] == ["fin"]
    assert find_department(zone.session, "商务局").code == "fin"
    assert len(zone.session.exec(select(LedgerEntry)).all()) == entries
    zone.live("06-30 12:00", "12-31 12:00")
    owed = zone.session.exec(select(Obligation).where(Obligation.department_id == com.id)).all()
    assert not [one for one in owed if one.due_at > NOW and one.exempted_at is None]
    assert len(zone.session.exec(select(LedgerEntry).where(LedgerEntry.department_id == com.id)).all()) == 1


def test_what_was_returned_is_not_waited_for_any_more(zone: Zone, units: tuple[Department, Department]) -> None:
    fin, com = units
    april = zone.owes(com, "2021-04")
    zone.hand_in(april, "05-10 13:00")
    send_back(zone.frame, april, reason="不实", due_at=at("05-24"), now=at("05-18 10:00"), by=None)
    merge(zone.act(zone.person("王科长", Role.ADMINISTRATOR), NOW), com, fin)
    held = zone.held()
    zone.live("05-26 12:00")
    assert zone.held() == held


def test_both_departments_hear_of_it(zone: Zone, units: tuple[Department, Department]) -> None:
    fin, com = units
    by = zone.act(zone.person("王科长", Role.ADMINISTRATOR), NOW)
    merge(by, com, fin)
    assert [one.to.id for one in by.notices if one.kind == "merged"] == [com.id, fin.id]
    gone, stays = (
        templates.render("notices/merged", to=unit.name, **one.facts)
        for unit, one in zip((com, fin), by.notices, strict=True)
    )
    assert "不再报送" in gone
    assert "往年结果随财政局延续" in stays


def test_last_years_grade_goes_on(zone: Zone, units: tuple[Department, Department]) -> None:
    fin, com = units
    failed(zone, com, "fail")
    assert last(zone) == {com.id: "fail"}
    merge(zone.act(zone.person("王科长", Role.ADMINISTRATOR), NOW), com, fin)
    assert last(zone)[fin.id] == "fail"
    failed(zone, fin, "pass")
    assert last(zone)[fin.id] == "pass"


def test_of_two_that_went_in_with_different_ends_nobody_can_say(
    zone: Zone, units: tuple[Department, Department]
) -> None:
    fin, com = units
    third = zone.department("edu", "教育局", duties=())
    by = zone.act(zone.person("王科长", Role.ADMINISTRATOR), NOW)
    failed(zone, com, "fail")
    failed(zone, third, "excellent")
    merge(by, com, fin)
    merge(by, third, fin)
    assert fin.id not in last(zone)


def test_not_into_itself_and_not_the_office(zone: Zone, units: tuple[Department, Department]) -> None:
    fin, com = units
    by = zone.act(zone.person("王科长", Role.ADMINISTRATOR), NOW)
    with pytest.raises(Refusal, match="merges_into_itself"):
        merge(by, com, com)
    com.office = True
    with pytest.raises(Refusal, match="merges_the_office"):
        merge(by, com, fin)


def test_it_says_what_it_did(zone: Zone, units: tuple[Department, Department]) -> None:
    fin, com = units
    told = merge(zone.act(zone.person("王科长", Role.ADMINISTRATOR), NOW), com, fin)
    assert told == Merged("com", "商务局", "fin", "财政局", duties=1, let_off=0)
