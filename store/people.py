"""Who is who: departments, persons, the offices they hold, and the groups that speak for a department."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import BigInteger, CompoundSelect, bindparam, union
from sqlmodel import Field, Session, SQLModel, col, select

from store import ahead, names
from store.errors import Refusal
from store.partial import partial
from store.times import UtcDateTime


class Role(StrEnum):
    """What a person may be appointed to. Liaisons and heads are of a department; the others may name theirs."""

    ADMINISTRATOR = "administrator"
    LIAISON = "liaison"
    HEAD = "head"
    MEMBER_UNIT = "member_unit"
    LEADING_GROUP = "leading_group"
    RATER = "rater"


DEPARTMENT_ROLES = frozenset({Role.LIAISON, Role.HEAD})
"""The roles that speak for a department: they hand in for it and see its score."""

POWERFUL_ROLES = frozenset({Role.ADMINISTRATOR, Role.LEADING_GROUP})
"""The roles that decide. Nobody gives or takes one alone, or he could be his own second person."""

STILL_OWN = timedelta(days=366)
"""For how long after leaving it a department counts as one's own: a whole assessment year, so that nobody resigns,
decides and comes back."""


class Department(SQLModel, table=True):
    """A unit under assessment (局室公司, 基层单位, 双管单位).

    ``kind`` is a unit class of the rule book; ``aliases`` are separated by spaces; ``office`` marks the department
    that runs the assessment (政务服务局) and is assessed like the others. A ``vertical`` one answers to a body above
    the zone (垂直管理), which is told its results: ``superior``, its full name, empty where nobody has entered it.
    """

    __tablename__ = "department"

    id: int = Field(default=None, primary_key=True)
    code: str = Field(unique=True)
    name: str
    kind: str
    vertical: bool = False
    superior: str = ""
    aliases: str = ""
    active: bool = True
    successor_id: int | None = Field(default=None, foreign_key="department.id")
    """The department it has gone into."""
    office: bool = False


class Person(SQLModel, table=True):
    """Somebody the bot knows. A bot cannot write to whoever never pressed start, or has blocked it."""

    __tablename__ = "person"

    id: int = Field(default=None, primary_key=True)
    telegram_id: int | None = Field(default=None, sa_type=BigInteger, unique=True)
    name: str
    username: str | None = None
    started_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    blocked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)

    @property
    def reachable(self) -> bool:
        """Whether a message to this person can arrive."""
        return self.telegram_id is not None and self.started_at is not None and self.blocked_at is None


class Appointment(SQLModel, table=True):
    """A person's role, in force from ``since`` until ``until``. Ended ones stay: the history of who could do what."""

    __tablename__ = "appointment"
    __table_args__ = (
        partial("appointment_in_force_of_person", "person_id", where="until IS NULL"),
        partial("appointment_in_force_of_department", "department_id", where="until IS NULL"),
    )

    id: int = Field(default=None, primary_key=True)
    person_id: int = Field(foreign_key="person.id")
    role: str
    department_id: int | None = Field(default=None, foreign_key="department.id")
    since: datetime = Field(sa_type=UtcDateTime)
    until: datetime | None = Field(default=None, sa_type=UtcDateTime)


class GroupBinding(SQLModel, table=True):
    """A group chat that speaks for a department."""

    __tablename__ = "group_binding"

    chat_id: int = Field(sa_type=BigInteger, primary_key=True)
    department_id: int = Field(foreign_key="department.id", index=True)
    bound_by: int = Field(foreign_key="person.id")
    bound_at: datetime = Field(sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


def departments(session: Session) -> list[Department]:
    """All active departments, in the order in which they were entered."""
    return list(session.exec(select(Department).where(col(Department.active)).order_by(col(Department.id))))


# Asked for every update: built once, for building a statement takes longer than running it. Nothing that waits to be
# written can change the answers, since whoever enters people and appointments flushes.
_BY_ACCOUNT = select(Person).where(Person.telegram_id == bindparam("account")).execution_options(autoflush=False)


def person_of(session: Session, telegram_id: int) -> Person | None:
    """The person behind a Telegram account, if the office knows one: looked up once in a transaction."""
    person: Person | None = ahead.known(session, "people").get(telegram_id)
    if person is None:
        person = session.exec(_BY_ACCOUNT, params={"account": telegram_id}).first()
        if person is not None:
            ahead.keep(session, "people", {telegram_id: person}, of=())
    return person


def met(session: Session, telegram_id: int, *, name: str, username: str | None, now: datetime) -> Person:
    """The person behind a Telegram account that has just written to the bot in private; new ones are entered.

    Whoever writes can be written to again. A name given by the office stays; one nobody gave is Telegram's.
    """
    person = person_of(session, telegram_id) or Person(telegram_id=telegram_id, name=str(telegram_id))
    if person.name == str(telegram_id) and (cleaned := names.clean(name)):
        person.name = cleaned
    person.username = username
    person.started_at = person.started_at or now
    person.blocked_at = None
    session.add(person)
    session.flush()
    return person


def blocked(session: Session, telegram_id: int, now: datetime) -> None:
    """Telegram says that this account has blocked the bot, or is gone."""
    person = person_of(session, telegram_id)
    if person is not None and person.blocked_at is None:
        person.blocked_at = now
        session.add(person)
        session.flush()


def find_person(session: Session, said: str) -> Person:
    """A person by name, ``@username`` or Telegram id. Raises Refusal person_unknown or person_ambiguous."""
    wanted = said.strip().removeprefix("@")
    query = select(Person).where((col(Person.name) == wanted) | (col(Person.username) == wanted))
    if wanted.isascii() and wanted.isdigit() and len(wanted) <= 18:
        query = select(Person).where((col(Person.name) == wanted) | (col(Person.telegram_id) == int(wanted)))
    found = session.exec(query).all()
    if not found:
        raise Refusal("person_unknown", text=said)
    if len(found) > 1:
        raise Refusal("person_ambiguous", text=said, like=[_told(person) for person in found])
    return found[0]


def _told(person: Person) -> str:
    return f"{person.name} ({'@' + person.username if person.username else person.telegram_id})"


def administrator_named(session: Session, said: str) -> Person:
    """The administrator whom ``--as`` names on the command line. Raises Refusal administrator_unknown."""
    in_office = holders(session, Role.ADMINISTRATOR)
    try:
        person = find_person(session, said)
    except Refusal as refusal:
        if refusal.code == "person_ambiguous":
            raise
        person = None
    if person is None or person.id not in {one.id for one in in_office}:
        raise Refusal("administrator_unknown", text=said, like=[one.name for one in in_office])
    return person


def appointments_of(session: Session, person: Person) -> list[Appointment]:
    """The roles a person holds now."""
    query = select(Appointment).where(Appointment.person_id == person.id, col(Appointment.until).is_(None))
    return list(session.exec(query.order_by(col(Appointment.id))))


def roles_of(session: Session, person: Person) -> frozenset[Role]:
    return frozenset(Role(one.role) for one in appointments_of(session, person))


_SPOKEN_FOR = (
    select(Appointment.person_id, Department)
    .join(Appointment, col(Appointment.department_id) == col(Department.id))
    .where(
        col(Appointment.person_id).in_(bindparam("persons", expanding=True)),
        col(Appointment.until).is_(None),
        col(Appointment.role).in_(sorted(DEPARTMENT_ROLES)),
    )
    .distinct()
    .order_by(col(Department.id))
    .execution_options(autoflush=False)
)


def spoken_for(session: Session, person_ids: Collection[int]) -> dict[int, list[Department]]:
    """The departments for which each of these persons hands in (``speaks_for``)."""
    found: dict[int, list[Department]] = {person_id: [] for person_id in person_ids}
    for person_id, department in session.exec(_SPOKEN_FOR, params={"persons": person_ids}):
        found[person_id].append(department)
    return found


def speaks_for(session: Session, person: Person) -> list[Department]:
    """The departments for which a person hands in: as liaison or head."""
    known: list[Department] | None = ahead.known(session, "speaks_for").get(person.id)
    return list(spoken_for(session, [person.id])[person.id] if known is None else known)


def own_departments(session: Session, person: Person, now: datetime) -> frozenset[int]:
    """Ids of the departments a person belongs to, in whatever role: those on which he decides nothing alone.

    One he has left counts until ``STILL_OWN`` is over. An administrator whose appointment names no department belongs
    to the office.
    """
    counts = col(Appointment.until).is_(None) | (col(Appointment.until) > now - STILL_OWN)
    held = session.exec(select(Appointment).where(Appointment.person_id == person.id, counts)).all()
    own = {one.department_id for one in held if one.department_id is not None}
    if any(one.role == Role.ADMINISTRATOR and one.department_id is None for one in held):
        own.update(session.exec(select(Department.id).where(col(Department.office))))
    return frozenset(own)


def holders(session: Session, role: Role) -> list[Person]:
    """The persons who hold a role now, longest in office first."""
    query = (
        select(Person)
        .join(Appointment, col(Appointment.person_id) == col(Person.id))
        .where(Appointment.role == role, col(Appointment.until).is_(None))
        .order_by(col(Appointment.id))
    )
    return list({one.id: one for one in session.exec(query)}.values())


def contacts(session: Session, department_id: int, roles: Iterable[Role] = DEPARTMENT_ROLES) -> list[Person]:
    """The persons who speak for a department, reachable or not, longest in office first."""
    query = (
        select(Person)
        .join(Appointment, col(Appointment.person_id) == col(Person.id))
        .where(
            Appointment.department_id == department_id,
            col(Appointment.until).is_(None),
            col(Appointment.role).in_([str(role) for role in roles]),
        )
        .order_by(col(Appointment.id))
    )
    return list({one.id: one for one in session.exec(query)}.values())


def reachable(session: Session, department_id: int) -> bool:
    """Whether anything said to the department can arrive: at a contact, or in its group."""
    return bool(groups_of(session, department_id)) or any(one.reachable for one in contacts(session, department_id))


_REACHABLE: CompoundSelect[int | None] = union(
    select(col(Appointment.department_id))
    .join(Person, col(Appointment.person_id) == col(Person.id))
    .where(
        col(Appointment.department_id).is_not(None),
        col(Appointment.until).is_(None),
        col(Appointment.role).in_([str(role) for role in DEPARTMENT_ROLES]),
        col(Person.telegram_id).is_not(None),
        col(Person.started_at).is_not(None),
        col(Person.blocked_at).is_(None),
    ),
    select(col(GroupBinding.department_id)).where(col(GroupBinding.ended_at).is_(None)),
)


def reachable_departments(session: Session) -> frozenset[int]:
    """The ids of all departments that can be reached, in one look however many there are."""
    session.flush()
    return frozenset(one for (one,) in session.connection().execute(_REACHABLE) if one is not None)


def appoint(
    session: Session, person: Person, role: Role, now: datetime, department_id: int | None = None
) -> Appointment:
    """Give a role to a person. Somebody who holds it already keeps the appointment he has."""
    for held in appointments_of(session, person):
        if held.role == role and held.department_id == department_id:
            return held
    appointment = Appointment(person_id=person.id, role=role, department_id=department_id, since=now)
    session.add(appointment)
    session.flush()
    return appointment


def dismiss(session: Session, appointment: Appointment, now: datetime) -> None:
    """End an appointment; it stays in the history. Raises Refusal last_administrator, so that nobody locks all out."""
    if appointment.role == Role.ADMINISTRATOR:
        others = [one for one in holders(session, Role.ADMINISTRATOR) if one.id != appointment.person_id]
        if not others:
            raise Refusal("last_administrator")
    appointment.until = now
    session.add(appointment)
    session.flush()


def ensure_administrators(session: Session, telegram_ids: Iterable[int], now: datetime) -> None:
    """Appoint the first administrators, those of the settings.

    Whoever was an administrator once is left as he is: a dismissal is not undone by the next start of the bot.
    """
    for telegram_id in telegram_ids:
        person = person_of(session, telegram_id) or Person(telegram_id=telegram_id, name=str(telegram_id))
        session.add(person)
        session.flush()
        ever = select(Appointment).where(
            Appointment.person_id == person.id, Appointment.role == Role.ADMINISTRATOR.value
        )
        if session.exec(ever).first() is None:
            appoint(session, person, Role.ADMINISTRATOR, now)


def bind_group(session: Session, chat_id: int, department: Department, by: Person, now: datetime) -> GroupBinding:
    """Let a group chat speak for a department; a group speaks for one at a time, the latest."""
    binding = session.get(GroupBinding, chat_id)
    if binding is None:
        binding = GroupBinding(chat_id=chat_id, department_id=department.id, bound_by=by.id, bound_at=now)
    binding.department_id, binding.bound_by, binding.bound_at, binding.ended_at = department.id, by.id, now, None
    session.add(binding)
    session.flush()
    return binding


def unbind_group(session: Session, chat_id: int, now: datetime) -> None:
    """The bot has left the group, or was told to listen there no longer."""
    binding = session.get(GroupBinding, chat_id)
    if binding is not None and binding.ended_at is None:
        binding.ended_at = now
        session.add(binding)
        session.flush()


def migrate_group(session: Session, old_chat_id: int, new_chat_id: int, now: datetime) -> None:
    """The group has become a supergroup: Telegram gave it a new id."""
    old = session.get(GroupBinding, old_chat_id)
    if old is None or old.ended_at is not None:
        return
    if session.get(GroupBinding, new_chat_id) is None:
        session.add(
            GroupBinding(
                chat_id=new_chat_id, department_id=old.department_id, bound_by=old.bound_by, bound_at=old.bound_at
            )
        )
    old.ended_at = now
    session.add(old)
    session.flush()


def groups_of(session: Session, department_id: int) -> list[int]:
    """The chats that speak for a department."""
    query = select(GroupBinding.chat_id).where(
        GroupBinding.department_id == department_id, col(GroupBinding.ended_at).is_(None)
    )
    return list(session.exec(query.order_by(col(GroupBinding.bound_at))))


def department_of_group(session: Session, chat_id: int) -> Department | None:
    binding = session.get(GroupBinding, chat_id)
    if binding is None or binding.ended_at is not None:
        return None
    return session.get(Department, binding.department_id)
