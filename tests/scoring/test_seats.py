"""The roll of those who rate: entered, taken by link, assisted, ended."""

from datetime import timedelta

import pytest
from sqlmodel import Session, col, select

from scoring import casting, seats, surveys
from scoring.survey_tables import RatingDraft, Seat
from store import invitations, people
from store.errors import Refusal
from store.people import Department, Person, Role
from tests.scoring.conftest import NOW, Cast


@pytest.fixture
def office(cast: Cast) -> Person:
    return cast.person("王科长", Role.ADMINISTRATOR)


def place(session: Session, name: str = "张三", panel: str = "enterprises", **more: object) -> Seat:
    return seats.enter(session, year=2021, panel=panel, name=name, **more)[0]  # type: ignore[arg-type]


def comes_in(session: Session, token: str, account: int) -> Person:
    joined = invitations.accept(session, token, telegram_id=account, name="", now=NOW)
    assert joined.seat_id is not None
    seats.taken(session, joined.seat_id, joined.person, assists=joined.assists)
    return joined.person


def test_a_place_is_entered_once_and_brought_up_to_date(zone: Session, fin: Department) -> None:
    one = place(zone, unit="甲公司")
    assert seats.enter(zone, year=2021, panel="enterprises", name="张三", unit="甲公司") == (one, False)
    assert seats.enter(zone, year=2021, panel="enterprises", name="张三", unit="甲公司", may_rate=[fin.id]) == (
        one,
        True,
    )
    assert place(zone, unit="乙公司").id != one.id
    assert place(zone, panel="supervisors", unit="甲公司").id != one.id
    assert [seat.may_rate for seat in seats.seats_of(zone, 2021, "enterprises")] == [[fin.id], None]


def test_departments_have_their_places_by_themselves(zone: Session, rulebook, fin: Department) -> None:
    seats.seat_departments(zone, rulebook, 2021, "departments")
    seats.seat_departments(zone, rulebook, 2021, "departments")
    found = seats.seats_of(zone, 2021, "departments")
    assert [one.name for one in found] == ["财政局", "商务局", "政务服务局"]
    rated = [one.id for one in people.departments(zone)]
    assert [one.name for one in seats.rated_by(zone, rulebook, found[0], rated)] == ["商务局", "政务服务局"]
    seats.seat_departments(zone, rulebook, 2021, "enterprises")
    assert seats.seats_of(zone, 2021, "enterprises") == []


def test_an_enterprise_rates_only_those_it_dealt_with(
    zone: Session, rulebook, fin: Department, com: Department
) -> None:
    seat = place(zone, may_rate=[com.id])
    assert seats.rated_by(zone, rulebook, seat, [fin.id, com.id]) == [com]


def test_a_link_is_good_once_and_a_new_one_ends_the_old(zone: Session, office: Person) -> None:
    seat = place(zone)
    first = seats.link(zone, seat, by=office, now=NOW)
    second = seats.link(zone, seat, by=office, now=NOW)
    with pytest.raises(Refusal, match="invitation_revoked"):
        invitations.accept(zone, first.token, telegram_id=7, name="", now=NOW)
    person = comes_in(zone, second.token, 7)
    assert (person.name, seat.person_id, people.roles_of(zone, person)) == ("张三", person.id, {Role.RATER})
    assert seats.voters(zone, seat) == [person]
    with pytest.raises(Refusal, match="seat_taken"):
        seats.link(zone, seat, by=office, now=NOW)


def test_an_assistant_rates_from_the_place_as_well(zone: Session, office: Person) -> None:
    seat = place(zone, "周主任", "leaders")
    mine = seats.link(zone, seat, by=office, now=NOW)
    clerks = seats.link(zone, seat, by=office, now=NOW, assistant="李秘书")
    clerk = comes_in(zone, clerks.token, 8)
    leader = comes_in(zone, mine.token, 7)
    assert seats.voters(zone, seat) == [leader, clerk]
    assert seats.voters_of(zone, [seat]) == {seat.id: [leader, clerk]}
    own = place(zone, "李秘书", "supervisors")
    seats.taken(zone, own.id, clerk, assists=False)
    assert seats.seats_for(zone, clerk) == [own, seat]


def test_heads_need_no_link_and_are_the_voters(zone: Session, rulebook, cast: Cast, office: Person, fin: Department):
    head = cast.person("赵局", Role.HEAD, fin)
    cast.person("小赵", Role.LIAISON, fin)
    seats.seat_departments(zone, rulebook, 2021, "departments")
    seat = seats.seats_of(zone, 2021, "departments")[0]
    for assistant, code in (("", "seat_of_department"), ("李秘书", "assistant_not_here")):
        with pytest.raises(Refusal, match=code):
            seats.link(zone, seat, by=office, now=NOW, assistant=assistant)
    assert seats.voters(zone, seat) == [head]
    found = seats.voters_of(zone, seats.seats_of(zone, 2021, "departments"))
    assert [[one.name for one in each] for each in found.values()] == [["赵局"], [], []]
    assert seats.seats_for(zone, head) == [seat]


def test_whoever_leaves_the_roll_loses_link_draft_and_role(zone: Session, office: Person) -> None:
    seat, other = place(zone), place(zone, "李四")
    token = seats.link(zone, other, by=office, now=NOW).token
    person = comes_in(zone, seats.link(zone, seat, by=office, now=NOW).token, 7)
    survey = surveys.open_survey(
        zone, year=2021, panel="enterprises", closes_at=NOW + timedelta(days=3), by=office, now=NOW
    )
    casting.take_up(zone, survey, seat, person, 7)
    seats.end(zone, seat, NOW)
    seats.end(zone, other, NOW)
    assert zone.exec(select(RatingDraft)).all() == []
    assert people.roles_of(zone, person) == frozenset()
    with pytest.raises(Refusal, match="invitation_revoked"):
        invitations.accept(zone, token, telegram_id=9, name="", now=NOW)
    with pytest.raises(Refusal, match="seat_ended"):
        seats.taken(zone, other.id, person, assists=False)
    assert seats.seats_of(zone, 2021, "enterprises") == []
    assert len(zone.exec(select(Seat).where(col(Seat.ended_at).is_not(None))).all()) == 2


def test_a_rater_of_two_places_stays_one_when_he_loses_the_first(zone: Session, office: Person) -> None:
    first, second = place(zone), place(zone, "张三", "supervisors")
    person = comes_in(zone, seats.link(zone, first, by=office, now=NOW).token, 7)
    seats.taken(zone, second.id, person, assists=False)
    seats.end(zone, first, NOW)
    assert people.roles_of(zone, person) == {Role.RATER}
