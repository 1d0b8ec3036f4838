"""Invitations: a link that works once, for one role, for a while."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import text
from sqlmodel import Session

from store import invitations, people
from store.errors import Refusal
from store.invitations import Invitation, accept, invite, revoke
from store.people import Appointment, Department, Person, Role
from store.times import CHINA

NOW = datetime(2021, 4, 6, 10, tzinfo=CHINA)


@pytest.fixture
def fin(session: Session) -> Department:
    department = Department(code="fin", name="财政局", kind="bureau")
    session.add(department)
    session.flush()
    return department


@pytest.fixture
def administrator(session: Session) -> Person:
    people.ensure_administrators(session, [7], NOW)
    return people.holders(session, Role.ADMINISTRATOR)[0]


def make(
    session: Session, by: Person, department: Department | None, role: Role = Role.LIAISON, **other: object
) -> tuple[str, Invitation]:
    facts = {"role": role, "department": department, "name": "王芳", "by": by, "now": NOW}
    return invite(session, **(facts | other))


def test_a_link_makes_its_holder_what_it_says(session: Session, fin: Department, administrator: Person) -> None:
    token, invitation = make(session, administrator, fin)
    joined = accept(session, token, telegram_id=101, name="Fang 🌸", username="fang", now=NOW)
    assert (joined.person.name, joined.person.username, joined.person.reachable) == ("王芳", "fang", True)
    assert joined.department == fin
    assert people.contacts(session, fin.id) == [joined.person]
    assert (invitation.used_at, invitation.used_by) == (NOW, joined.person.id)
    [notice] = joined.notices
    assert (notice.kind, notice.to.kind) == ("joined", "administrators")
    assert (notice.facts["name"], notice.facts["department"]) == ("王芳", "财政局")


def test_the_token_has_128_bits_fits_a_deep_link_and_is_kept_nowhere(
    session: Session, fin: Department, administrator: Person
) -> None:
    tokens = [make(session, administrator, fin)[0] for _ in range(3)]
    assert len(set(tokens)) == 3
    for token in tokens:
        assert len(token) == 22
        assert token.replace("-", "").replace("_", "").isalnum()
    kept = "".join(str(row) for row in session.connection().execute(text("SELECT * FROM invitation")))
    assert not any(token in kept for token in tokens)


def test_a_link_works_once(session: Session, fin: Department, administrator: Person) -> None:
    token, _ = make(session, administrator, fin)
    accept(session, token, telegram_id=101, name="王芳", now=NOW)
    for telegram_id, yours in ((101, True), (666, False)):
        with pytest.raises(Refusal) as refused:
            accept(session, token, telegram_id=telegram_id, name="某人", now=NOW)
        assert (refused.value.code, refused.value.facts) == ("invitation_used", {"yours": yours})
    assert len(people.contacts(session, fin.id)) == 1


def test_a_link_expires(session: Session, fin: Department, administrator: Person) -> None:
    token, _ = make(session, administrator, fin, days=2)
    with pytest.raises(Refusal) as refused:
        accept(session, token, telegram_id=101, name="王芳", now=NOW + timedelta(days=2))
    assert refused.value.facts == {"expired": "2021-04-08T10:00:00+08:00"}
    accept(session, token, telegram_id=101, name="王芳", now=NOW + timedelta(days=2, seconds=-1))


def test_a_revoked_link_is_useless(session: Session, fin: Department, administrator: Person) -> None:
    token, invitation = make(session, administrator, fin)
    revoke(session, invitation, NOW)
    with pytest.raises(Refusal, match="invitation_revoked"):
        accept(session, token, telegram_id=101, name="王芳", now=NOW)
    with pytest.raises(Refusal, match="invitation_revoked"):
        revoke(session, invitation, NOW)


def test_a_used_link_cannot_be_revoked(session: Session, fin: Department, administrator: Person) -> None:
    token, invitation = make(session, administrator, fin)
    accept(session, token, telegram_id=101, name="王芳", now=NOW)
    with pytest.raises(Refusal, match="invitation_used"):
        revoke(session, invitation, NOW)


def test_a_forged_link_is_unknown(session: Session, fin: Department, administrator: Person) -> None:
    make(session, administrator, fin)
    for token in ("", "x", "A" * 22, "' OR 1=1 --", "令牌"):
        with pytest.raises(Refusal, match="invitation_unknown"):
            accept(session, token, telegram_id=101, name="某人", now=NOW)
    assert people.person_of(session, 101) is None


@pytest.mark.parametrize("role", [Role.LIAISON, Role.HEAD])
def test_the_roles_of_a_department_need_one(session: Session, administrator: Person, role: Role) -> None:
    with pytest.raises(Refusal, match="invitation_needs_department"):
        make(session, administrator, None, role)


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.MEMBER_UNIT, Role.LEADING_GROUP])
def test_the_others_need_none(session: Session, administrator: Person, role: Role) -> None:
    token, _ = make(session, administrator, None, role)
    assert accept(session, token, telegram_id=101, name="王芳", now=NOW).department is None


class TestHandover:
    def test_a_new_liaison_leaves_the_others_in_place(
        self, session: Session, fin: Department, administrator: Person
    ) -> None:
        for telegram_id in (101, 102):
            token, _ = make(session, administrator, fin, name=f"联络员{telegram_id}")
            accept(session, token, telegram_id=telegram_id, name="", now=NOW)
        assert [one.name for one in people.contacts(session, fin.id)] == ["联络员101", "联络员102"]

    def test_a_handover_cuts_off_the_old_one_when_the_new_one_comes_in(
        self, session: Session, fin: Department, administrator: Person
    ) -> None:
        token, _ = make(session, administrator, fin, name="旧人")
        old = accept(session, token, telegram_id=101, name="", now=NOW)
        token, _ = make(session, administrator, fin, name="新人", replaces=old.appointment)
        assert [one.name for one in people.contacts(session, fin.id)] == ["旧人"]
        new = accept(session, token, telegram_id=102, name="", now=NOW + timedelta(hours=1))
        assert new.replaced == "旧人"
        assert [one.name for one in people.contacts(session, fin.id)] == ["新人"]
        ended = session.get_one(Appointment, old.appointment.id)
        assert (ended.since, ended.until) == (NOW, NOW + timedelta(hours=1))

    def test_who_takes_over_from_himself_keeps_the_role(
        self, session: Session, fin: Department, administrator: Person
    ) -> None:
        token, _ = make(session, administrator, fin)
        old = accept(session, token, telegram_id=101, name="", now=NOW)
        token, _ = make(session, administrator, fin, replaces=old.appointment)
        assert accept(session, token, telegram_id=101, name="", now=NOW).replaced is None
        assert [one.telegram_id for one in people.contacts(session, fin.id)] == [101]


def test_the_links_that_still_work(session: Session, fin: Department, administrator: Person) -> None:
    made = [make(session, administrator, fin, days=days) for days in (1, 7, 7, 7)]
    revoke(session, made[1][1], NOW)
    accept(session, made[2][0], telegram_id=101, name="", now=NOW)
    working = invitations.waiting(session, NOW + timedelta(days=1))
    assert [one.id for one in working] == [made[3][1].id]
