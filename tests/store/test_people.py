"""People, their roles, and the groups that speak for a department."""

from datetime import datetime, timedelta

import pytest
from sqlmodel import Session, select

from store import people
from store.errors import Refusal
from store.people import Appointment, Department, Person, Role
from store.times import CHINA

NOW = datetime(2021, 4, 6, 10, tzinfo=CHINA)
LATER = NOW + timedelta(days=1)


@pytest.fixture
def fin(session: Session) -> Department:
    department = Department(code="fin", name="财政局", kind="bureau")
    session.add(department)
    session.flush()
    return department


@pytest.fixture
def wang(session: Session) -> Person:
    return people.met(session, 101, name="王芳", username="wangfang", now=NOW)


class TestMeeting:
    def test_whoever_writes_is_entered_and_can_be_written_to(self, session: Session) -> None:
        person = people.met(session, 101, name="小芳", username=None, now=NOW)
        assert (person.name, person.started_at, person.reachable) == ("小芳", NOW, True)
        assert people.person_of(session, 101) is person

    def test_a_name_given_before_stays(self, session: Session, wang: Person) -> None:
        again = people.met(session, 101, name="Fang 🌸", username="fang", now=LATER)
        assert (again.id, again.name, again.username, again.started_at) == (wang.id, "王芳", "fang", NOW)

    def test_an_administrator_of_the_settings_gets_the_name_of_his_account(self, session: Session) -> None:
        people.ensure_administrators(session, [7], NOW)
        assert people.met(session, 7, name="李强", username=None, now=NOW).name == "李强"

    def test_whoever_blocks_the_bot_is_out_of_reach_until_he_writes_again(self, session: Session, wang: Person) -> None:
        people.blocked(session, 101, NOW)
        assert not wang.reachable
        people.met(session, 101, name="", username=None, now=LATER)
        assert wang.reachable

    def test_a_telegram_id_beyond_32_bits_fits(self, session: Session) -> None:
        assert people.met(session, 7_123_456_789, name="王芳", username=None, now=NOW).telegram_id == 7_123_456_789


class TestFinding:
    def test_by_name_username_or_id(self, session: Session, wang: Person) -> None:
        for said in ("王芳", "@wangfang", "wangfang", " 101 "):
            assert people.find_person(session, said).id == wang.id, said

    def test_nobody(self, session: Session) -> None:
        for said in ("赵六", "", "9" * 30):
            with pytest.raises(Refusal, match="person_unknown"):
                people.find_person(session, said)

    def test_two_of_one_name_have_to_be_told_apart(self, session: Session, wang: Person) -> None:
        people.met(session, 102, name="王芳", username=None, now=NOW)
        with pytest.raises(Refusal) as refused:
            people.find_person(session, "王芳")
        assert refused.value.facts["like"] == ["王芳 (@wangfang)", "王芳 (102)"]

    def test_the_command_line_names_an_administrator(self, session: Session, wang: Person) -> None:
        people.ensure_administrators(session, [7], NOW)
        people.met(session, 7, name="李强", username=None, now=NOW)
        assert people.administrator_named(session, "李强").telegram_id == 7
        for said in ("王芳", "赵六"):
            with pytest.raises(Refusal) as refused:
                people.administrator_named(session, said)
            assert refused.value.facts == {"text": said, "like": ["李强"]}


class TestRoles:
    def test_a_role_is_in_force_until_it_ends_and_stays_in_the_history(
        self, session: Session, wang: Person, fin: Department
    ) -> None:
        appointment = people.appoint(session, wang, Role.LIAISON, NOW, fin.id)
        assert people.roles_of(session, wang) == {Role.LIAISON}
        assert people.speaks_for(session, wang) == [fin]
        assert people.contacts(session, fin.id) == [wang]
        people.dismiss(session, appointment, LATER)
        assert people.roles_of(session, wang) == frozenset()
        assert people.speaks_for(session, wang) == []
        assert people.contacts(session, fin.id) == []
        assert [(one.since, one.until) for one in session.exec(select(Appointment))] == [(NOW, LATER)]

    def test_appointing_again_changes_nothing(self, session: Session, wang: Person, fin: Department) -> None:
        first = people.appoint(session, wang, Role.LIAISON, NOW, fin.id)
        assert people.appoint(session, wang, Role.LIAISON, LATER, fin.id).id == first.id

    def test_who_is_liaison_and_head_is_one_contact(self, session: Session, wang: Person, fin: Department) -> None:
        people.appoint(session, wang, Role.LIAISON, NOW, fin.id)
        people.appoint(session, wang, Role.HEAD, NOW, fin.id)
        assert people.contacts(session, fin.id) == [wang]
        assert people.contacts(session, fin.id, [Role.HEAD]) == [wang]
        assert people.speaks_for(session, wang) == [fin]

    def test_a_member_unit_does_not_speak_for_its_department(
        self, session: Session, wang: Person, fin: Department
    ) -> None:
        people.appoint(session, wang, Role.MEMBER_UNIT, NOW, fin.id)
        assert people.speaks_for(session, wang) == []
        assert people.own_departments(session, wang, NOW) == {fin.id}

    def test_an_administrator_without_a_department_belongs_to_the_office(
        self, session: Session, wang: Person, fin: Department
    ) -> None:
        people.appoint(session, wang, Role.ADMINISTRATOR, NOW)
        assert people.own_departments(session, wang, NOW) == frozenset()
        fin.office = True
        session.add(fin)
        session.flush()
        assert people.own_departments(session, wang, NOW) == {fin.id}

    def test_an_administrator_lent_by_another_department_belongs_to_that_one(
        self, session: Session, wang: Person, fin: Department
    ) -> None:
        gov = Department(code="gov", name="政务服务局", kind="bureau", office=True)
        session.add(gov)
        session.flush()
        people.appoint(session, wang, Role.ADMINISTRATOR, NOW, fin.id)
        assert people.own_departments(session, wang, NOW) == {fin.id}

    def test_one_that_was_left_stays_his_own_for_a_year(self, session: Session, wang: Person, fin: Department) -> None:
        appointment = people.appoint(session, wang, Role.LIAISON, NOW, fin.id)
        people.dismiss(session, appointment, LATER)
        assert people.own_departments(session, wang, LATER) == {fin.id}
        assert people.own_departments(session, wang, LATER + timedelta(days=365)) == {fin.id}
        assert people.own_departments(session, wang, LATER + people.STILL_OWN) == frozenset()


class TestAdministrators:
    def test_those_of_the_settings_are_appointed_once(self, session: Session) -> None:
        for _ in range(2):
            people.ensure_administrators(session, [7, 8], NOW)
        assert [one.telegram_id for one in people.holders(session, Role.ADMINISTRATOR)] == [7, 8]

    def test_a_dismissal_is_not_undone_by_the_next_start(self, session: Session) -> None:
        people.ensure_administrators(session, [7, 8], NOW)
        [_, eight] = people.holders(session, Role.ADMINISTRATOR)
        people.dismiss(session, people.appointments_of(session, eight)[0], NOW)
        people.ensure_administrators(session, [7, 8], LATER)
        assert [one.telegram_id for one in people.holders(session, Role.ADMINISTRATOR)] == [7]

    def test_the_last_one_stays(self, session: Session) -> None:
        people.ensure_administrators(session, [7], NOW)
        [only] = people.holders(session, Role.ADMINISTRATOR)
        with pytest.raises(Refusal, match="last_administrator"):
            people.dismiss(session, people.appointments_of(session, only)[0], NOW)


class TestReach:
    def test_a_department_is_reachable_by_a_contact_who_has_pressed_start(
        self, session: Session, fin: Department
    ) -> None:
        silent = Person(telegram_id=5, name="未启动")
        session.add(silent)
        session.flush()
        people.appoint(session, silent, Role.LIAISON, NOW, fin.id)
        assert not people.reachable(session, fin.id)
        people.met(session, 5, name="", username=None, now=NOW)
        assert people.reachable(session, fin.id)
        people.blocked(session, 5, NOW)
        assert not people.reachable(session, fin.id)

    def test_a_department_is_reachable_by_its_group(self, session: Session, fin: Department, wang: Person) -> None:
        people.bind_group(session, -100, fin, wang, NOW)
        assert people.reachable(session, fin.id)
        assert people.groups_of(session, fin.id) == [-100]
        assert people.department_of_group(session, -100) == fin
        people.unbind_group(session, -100, LATER)
        assert not people.reachable(session, fin.id)
        assert people.department_of_group(session, -100) is None

    def test_a_group_speaks_for_the_department_it_was_bound_to_last(
        self, session: Session, fin: Department, wang: Person
    ) -> None:
        com = Department(code="com", name="商务局", kind="bureau")
        session.add(com)
        session.flush()
        people.bind_group(session, -100, fin, wang, NOW)
        people.unbind_group(session, -100, NOW)
        people.bind_group(session, -100, com, wang, LATER)
        assert people.groups_of(session, fin.id) == []
        assert people.department_of_group(session, -100) == com

    def test_a_group_that_becomes_a_supergroup_keeps_its_department(
        self, session: Session, fin: Department, wang: Person
    ) -> None:
        people.bind_group(session, -100, fin, wang, NOW)
        for _ in range(2):
            people.migrate_group(session, -100, -1_001_234_567_890, LATER)
        assert people.groups_of(session, fin.id) == [-1_001_234_567_890]
        assert people.department_of_group(session, -100) is None
