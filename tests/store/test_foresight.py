"""What is read ahead for a group of updates is what each of them would have read by itself."""

from datetime import datetime

import pytest
from sqlalchemy import event
from sqlmodel import Session

from store import ahead, drafts, foresight, people
from store.people import Department, Person, Role
from store.times import CHINA

NOW = datetime(2021, 4, 6, 10, tzinfo=CHINA)


@pytest.fixture
def fin(session: Session) -> Department:
    department = Department(code="fin", name="财政局", kind="bureau")
    session.add(department)
    session.flush()
    return department


@pytest.fixture
def wang(session: Session, fin: Department) -> Person:
    person = people.met(session, 101, name="王芳", username=None, now=NOW)
    people.appoint(session, person, Role.LIAISON, NOW, fin.id)
    return person


def begun(session: Session, person: Person, chat_id: int = 101) -> int:
    return drafts.opened(session, person_id=person.id, chat_id=chat_id, kind="verb", data={}, now=NOW).id


def under_way(session: Session, person: Person) -> list[int]:
    found = drafts.under_way(session, person_id=person.id, chat_id=101, kinds=("verb",))
    return [one.id for one in found]


class Asked:
    """Counts the statements of a session."""

    def __init__(self, session: Session) -> None:
        self.count = 0
        event.listen(session.get_bind(), "before_cursor_execute", self._another)

    def _another(self, *_: object) -> None:
        self.count += 1


def test_nothing_is_asked_twice(session: Session, wang: Person, fin: Department) -> None:
    li = people.met(session, 102, name="李强", username=None, now=NOW)
    draft = begun(session, wang)
    foresight.foresee(session, {101, 102, 999})
    asked = Asked(session)
    assert [people.person_of(session, number) for number in (101, 102)] == [wang, li]
    assert people.speaks_for(session, wang) == [fin]
    assert people.speaks_for(session, li) == []
    assert under_way(session, wang) == [draft]
    assert under_way(session, li) == []
    assert foresight.departments(session) == {fin.id}
    assert asked.count == 0
    assert people.person_of(session, 999) is None


def test_a_draft_in_another_chat_or_of_another_kind_is_not_meant(session: Session, wang: Person) -> None:
    begun(session, wang, chat_id=-5)
    foresight.foresee(session, {101})
    assert under_way(session, wang) == []


def test_what_is_written_meanwhile_is_seen(session: Session, wang: Person, fin: Department) -> None:
    foresight.foresee(session, {101})
    second = Department(code="tax", name="税务局", kind="bureau")
    session.add(second)
    session.flush()
    held = people.appoint(session, wang, Role.HEAD, NOW, second.id)
    assert people.speaks_for(session, wang) == [fin, second]
    people.dismiss(session, held, NOW)
    assert people.speaks_for(session, wang) == [fin]
    draft = begun(session, wang)
    assert under_way(session, wang) == [draft]
    drafts.finished(session, drafts.under_way(session, person_id=wang.id, chat_id=101, kinds=("verb",))[0])
    assert under_way(session, wang) == []


def test_what_is_taken_back_was_not_read(session: Session, wang: Person, fin: Department) -> None:
    savepoint = session.begin_nested()
    people.met(session, 103, name="赵六", username=None, now=NOW)
    begun(session, wang)
    foresight.foresee(session, {101, 103})
    savepoint.rollback()
    assert people.person_of(session, 103) is None
    assert under_way(session, wang) == []
    assert people.speaks_for(session, wang) == [fin]


def test_what_something_else_changes_leaves_it_be(session: Session, wang: Person, fin: Department) -> None:
    foresight.foresee(session, {101})
    begun(session, wang)
    assert ahead.known(session, "drafts") == {}
    assert ahead.known(session, "speaks_for") == {wang.id: [fin]}
