"""The verbs of this room: who may come in, who is in office, what was done."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from sqlmodel import Session, col, select

import store.proposal_verbs  # noqa: F401 - the rest of this room's verbs
from store import audit, invitations, people
from store.commands import VERBS, Act, Choice, Rest, command, converter
from store.departments import find_department
from store.errors import Refusal
from store.invitations import Invitation
from store.notices import Audience
from store.people import Appointment, Department, Person, Role
from store.proposals import somebody_else_decides
from store.times import CHINA
from store.words import Count, Day, Days, numbered, plain

_ROLES = {
    "管理员": Role.ADMINISTRATOR,
    "联络员": Role.LIAISON,
    "负责人": Role.HEAD,
    "成员单位": Role.MEMBER_UNIT,
    "领导小组": Role.LEADING_GROUP,
}


@dataclass(frozen=True)
class Invited:
    """An invitation, number ``number``. ``token`` goes into the link and is kept nowhere."""

    number: int
    token: str
    role: str
    department: str | None
    name: str
    expires_at: datetime
    replaces: str | None


@dataclass(frozen=True)
class Revoked:
    """A link that no longer works."""

    number: int
    role: str
    department: str | None
    name: str


@dataclass(frozen=True)
class Ended:
    """One role that a person holds no longer."""

    role: str
    department: str | None


@dataclass(frozen=True)
class Dismissed:
    """A person who has lost one or more roles."""

    name: str
    ended: tuple[Ended, ...]


@dataclass(frozen=True)
class Holder:
    """A person in a role. ``reachable``: a message can arrive."""

    name: str
    username: str | None
    telegram_id: int | None
    role: str
    department: str | None
    since: datetime
    reachable: bool


@dataclass(frozen=True)
class PendingInvitation:
    number: int
    role: str
    department: str | None
    name: str
    expires_at: datetime


@dataclass(frozen=True)
class People:
    """Who is in what role, and whose link still waits; raters have a roll of their own."""

    holders: tuple[Holder, ...]
    invitations: tuple[PendingInvitation, ...]


@dataclass(frozen=True)
class Office:
    """The department that runs the assessment."""

    code: str
    department: str


@dataclass(frozen=True)
class AuditRow:
    number: int
    at: datetime
    actor: str
    via: str
    system_user: str | None
    verb: str
    arguments: dict[str, str]
    department: str | None
    outcome: str


@dataclass(frozen=True)
class AuditList:
    """Acts, newest first; ``limit`` is how many were asked for."""

    rows: tuple[AuditRow, ...]
    limit: int


@converter(
    Role,
    write=lambda role: role.value,
    choices=lambda _act, _given: [Choice(one.value, "") for one in Role if one != Role.RATER],
)
def _role(_act: Act, text: str) -> Role:
    said = plain(text).lower().replace("-", "_").replace(" ", "_")
    if said in _ROLES:
        return _ROLES[said]
    # Raters come in by the links of their places, and leave with them.
    if said not in set(Role) - {Role.RATER}:
        raise Refusal("role_unknown", text=text)
    return Role(said)


def _persons(act: Act, _given: Mapping[str, Any]) -> list[Choice]:
    query = select(Person).join(Appointment).where(col(Appointment.until).is_(None)).distinct().order_by(col(Person.id))
    return [Choice(_identity(one), one.name) for one in act.session.exec(query)]


def _identity(person: Person) -> str:
    """Words that mean this person and nobody else, as far as there are any."""
    return str(person.telegram_id) if person.telegram_id is not None else person.name


@converter(Person, write=_identity, choices=_persons)
def _person(act: Act, text: str) -> Person:
    return people.find_person(act.session, text)


@converter(
    Invitation,
    write=lambda invitation: f"#{invitation.id}",
    choices=lambda act, _given: [
        Choice(f"#{one.id}", f"#{one.id} {one.name}") for one in invitations.waiting(act.session, act.now)
    ],
)
def _invitation(act: Act, text: str) -> Invitation:
    return numbered(act, Invitation, text, "invitation_number_unknown")


def _gives_power(act: Act, given: Mapping[str, Any]) -> bool:
    return given["role"] in people.POWERFUL_ROLES and somebody_else_decides(act.session, act.actor, act.now)


@command("invite", words=("邀请",), changes=True, second_person=_gives_power, group="people")
def invite(
    act: Act,
    role: Role,
    department: Department | None = None,
    name: Rest = "",
    *,
    replaces: Person | None = None,
    days: Days = invitations.DEFAULT_DAYS,
) -> Invited:
    """Make a personal link for one role, good once; with --replaces, a handover that cuts off the old holder.

    A link to the office or the leading group takes two, or one person could come in twice and be his own second.
    """
    if role in people.DEPARTMENT_ROLES and department is None and name:
        # The word where the department should be reads as none: say so, rather than take it for a name.
        department = find_department(act.session, name.split()[0])
    old = _held(act.session, replaces, role, department) if replaces else None
    token, invitation = invitations.invite(
        act.session,
        role=role,
        department=department,
        name=name,
        by=act.actor,
        now=act.now,
        days=days,
        replaces=old[0] if old else None,
    )
    return Invited(
        number=invitation.id,
        # What is undone at once would be a link that does not work.
        token="" if act.rehearsal else token,
        role=role.value,
        department=department.name if department else None,
        name=invitation.name,
        expires_at=invitation.expires_at,
        replaces=replaces.name if replaces else None,
    )


@command("revoke", words=("撤销邀请",), changes=True, group="people")
def revoke(act: Act, invitation: Invitation) -> Revoked:
    """Make a link useless that nobody has used yet."""
    invitations.revoke(act.session, invitation, act.now)
    return Revoked(invitation.id, invitation.role, _name(act.session, invitation.department_id), invitation.name)


def _takes_power(act: Act, given: Mapping[str, Any]) -> bool:
    """Whoever could dismiss the others alone would be the only one left, and free to bring in whom he likes."""
    person, role = given["person"], given.get("role")
    return (
        person.id != act.actor.id
        and any(role in (None, held) for held in people.roles_of(act.session, person) & people.POWERFUL_ROLES)
        and somebody_else_decides(act.session, act.actor, act.now)
    )


@command("dismiss", words=("免去",), changes=True, second_person=_takes_power, group="people")
def dismiss(act: Act, person: Person, role: Role | None = None, department: Department | None = None) -> Dismissed:
    """End a person's roles, or one of them. What was done in them stays in the history.

    Links to the office itself that a dismissed administrator has made are revoked.
    """
    held = _held(act.session, person, role, department)
    for appointment in held:
        invitations.cut_off(act.session, appointment, act.now)
    result = Dismissed(person.name, tuple(Ended(one.role, _name(act.session, one.department_id)) for one in held))
    act.tell(Audience("person", person.id), "dismissed", result)
    return result


@command("people", words=("人员",), group="people")
def list_people(act: Act, department: Department | None = None) -> People:
    """Who holds which role, who cannot be reached, and which links still wait."""
    query = select(Appointment, Person).join(Person).where(col(Appointment.until).is_(None))
    query = query.where(Appointment.role != Role.RATER)
    waiting = [one for one in invitations.waiting(act.session, act.now) if one.seat_id is None]
    if department is not None:
        query = query.where(Appointment.department_id == department.id)
        waiting = [one for one in waiting if one.department_id == department.id]
    return People(
        holders=tuple(
            Holder(
                person.name, person.username, person.telegram_id, held.role, _name(act.session, held.department_id),
                held.since, person.reachable,
            )
            for held, person in act.session.exec(query.order_by(col(Appointment.id)))
        ),
        invitations=tuple(
            PendingInvitation(one.id, one.role, _name(act.session, one.department_id), one.name, one.expires_at)
            for one in waiting
        ),
    )  # fmt: skip


def _moves_the_office(act: Act, given: Mapping[str, Any]) -> bool:
    standing = act.session.exec(select(Department.id).where(col(Department.office))).first()
    return standing not in (None, given["department"].id)


@command("office", words=("主办单位",), changes=True, second_person=_moves_the_office, group="people")
def office(act: Act, department: Department) -> Office:
    """Name the department that runs the assessment: its administrators decide nothing of its own alone.

    The first time one does it; moving it takes two, or anybody could step out of his own department for a moment.
    """
    for other in act.session.exec(select(Department).where(col(Department.office))):
        other.office = False
        act.session.add(other)
    department.office = True
    act.session.add(department)
    act.session.flush()
    return Office(department.code, department.name)


@command("audit", words=("操作记录",), group="people")
def list_acts(
    act: Act,
    limit: Count = 50,
    *,
    verb: str | None = None,
    by: Person | None = None,
    department: Department | None = None,
    since: Day | None = None,
) -> AuditList:
    """Latest administrative acts: who did what, when, from where, and what came of it."""
    if verb is not None and verb not in VERBS:
        raise Refusal("verb_unknown", text=verb)
    rows = audit.records(
        act.session,
        verb=verb,
        actor=by,
        department_id=department.id if department else None,
        since=datetime.combine(since, time(), CHINA) if since else None,
        limit=limit,
    )
    return AuditList(
        tuple(
            AuditRow(
                one.id, one.at, one.actor_name, one.via, one.system_user, one.verb, one.arguments,
                _name(act.session, one.department_id), one.outcome,
            )
            for one in rows
        ),
        limit,
    )  # fmt: skip


def _held(session: Session, person: Person, role: Role | None, department: Department | None) -> list[Appointment]:
    """The roles in question that a person holds. Raises Refusal holds_no_such_role."""
    held = [
        one
        for one in people.appointments_of(session, person)
        if role in (None, one.role) and (department is None or one.department_id == department.id)
    ]
    if not held:
        raise Refusal("holds_no_such_role", name=person.name)
    return held


def _name(session: Session, department_id: int | None) -> str | None:
    return session.get_one(Department, department_id).name if department_id is not None else None
