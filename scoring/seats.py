"""Who rates in which panel (评议名册): places entered by the office, taken by the persons who follow their links."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, delete, or_, select

from scoring.rulebook import RuleBook
from scoring.survey_tables import RatingDraft, Seat
from store import invitations, people
from store.db import leave_no_trace
from store.errors import Refusal
from store.people import Appointment, Department, Person, Role

LINK_DAYS = 60
"""How long a rater's link is good: ratings are prepared weeks ahead."""


@dataclass(frozen=True)
class Link:
    """A personal link for a seat. ``token`` goes into the link and is kept nowhere."""

    seat: Seat
    token: str
    expires_at: datetime


def seats_of(session: Session, year: int, panel: str) -> list[Seat]:
    """The places of a panel that have not ended, in the order in which they were entered."""
    query = select(Seat).where(Seat.year == year, Seat.panel == panel, col(Seat.ended_at).is_(None))
    return list(session.exec(query.order_by(col(Seat.id))))


def enter(
    session: Session,
    *,
    year: int,
    panel: str,
    name: str,
    unit: str = "",
    department: Department | None = None,
    may_rate: Sequence[int] | None = None,
) -> tuple[Seat, bool]:
    """Enters a place, or finds the one that is there already (by panel, name and unit, or by its department) and
    brings up to date what it may rate. Returns it, and whether anything is new.
    """
    wanted = list(may_rate) if may_rate else None
    query = select(Seat).where(Seat.year == year, Seat.panel == panel, col(Seat.ended_at).is_(None))
    if department is not None:
        query = query.where(Seat.department_id == department.id)
    else:
        query = query.where(Seat.name == name, Seat.unit == unit, col(Seat.department_id).is_(None))
    known = session.exec(query).first()
    if known is not None:
        changed = known.may_rate != wanted
        known.may_rate = wanted
        session.add(known)
        session.flush()
        return known, changed
    seat = Seat(
        year=year,
        panel=panel,
        name=name,
        unit=unit,
        department_id=department.id if department else None,
        may_rate=wanted,
    )
    session.add(seat)
    session.flush()
    return seat, True


def seat_departments(session: Session, rulebook: RuleBook, year: int, panel: str) -> None:
    """Where departments rate, each has a place: nobody has to enter them."""
    if rulebook.panels[panel].raters != "department":
        return
    seated = {one.department_id for one in seats_of(session, year, panel)}
    for unit in people.departments(session):
        if unit.id not in seated:
            enter(session, year=year, panel=panel, name=unit.name, department=unit)


def rated_by(session: Session, rulebook: RuleBook, seat: Seat, rated: Iterable[int]) -> list[Department]:
    """The departments among ``rated`` that this place may rate, in their order: those it dealt with, never its own,
    and none whose class the panel does not rate.
    """
    rater = session.get_one(Department, seat.department_id).code if seat.department_id else ""
    wanted = list(rated)
    known = {one.id: one for one in session.exec(select(Department).where(col(Department.id).in_(wanted)))}
    return [
        unit
        for unit in (known[one] for one in wanted)
        if (seat.may_rate is None or unit.id in seat.may_rate)
        and rulebook.may_rate(seat.panel, rater, unit.code)
        and rulebook.panels[seat.panel].weight_for(unit.kind)
    ]


def voters(session: Session, seat: Seat) -> list[Person]:
    """Who may rate from this place now: its person and his assistant, or the heads of the department it is of."""
    if seat.department_id is not None:
        return people.contacts(session, seat.department_id, [Role.HEAD])
    ids = [one for one in (seat.person_id, seat.assistant_id) if one is not None]
    return [session.get_one(Person, one) for one in ids]


def voters_of(session: Session, seats: Sequence[Seat]) -> dict[int, list[Person]]:
    """The same for many places at once, by the place's id."""
    ids = {one for seat in seats for one in (seat.person_id, seat.assistant_id) if one is not None}
    persons = {one.id: one for one in session.exec(select(Person).where(col(Person.id).in_(ids)))}
    query = (
        select(Appointment.department_id, Person)
        .join(Person, col(Appointment.person_id) == col(Person.id))
        .where(Appointment.role == Role.HEAD, col(Appointment.until).is_(None))
        .order_by(col(Appointment.id))
    )
    heads: dict[int | None, dict[int, Person]] = {}
    for department_id, person in session.exec(query) if any(seat.department_id for seat in seats) else ():
        heads.setdefault(department_id, {})[person.id] = person
    return {
        seat.id: list(heads.get(seat.department_id, {}).values())
        if seat.department_id is not None
        else [persons[one] for one in dict.fromkeys((seat.person_id, seat.assistant_id)) if one is not None]
        for seat in seats
    }


def seats_for(session: Session, person: Person) -> list[Seat]:
    """The places from which a person may rate, his own before those he assists."""
    heads = [
        one.department_id
        for one in people.appointments_of(session, person)
        if one.role == Role.HEAD and one.department_id is not None
    ]
    query = select(Seat).where(
        col(Seat.ended_at).is_(None),
        or_(
            Seat.person_id == person.id,
            Seat.assistant_id == person.id,
            col(Seat.department_id).in_(heads) if heads else False,
        ),
    )
    found = session.exec(query.order_by(col(Seat.id))).all()
    return sorted(found, key=lambda seat: seat.person_id != person.id and seat.department_id is None)


def link(session: Session, seat: Seat, *, by: Person, now: datetime, assistant: str = "") -> Link:
    """A new personal link for a place, or with ``assistant`` (his name) for somebody who assists it. Links made for it
    before no longer work.

    Raises Refusal seat_of_department (its head rates, who needs no link), seat_taken, or assistant_not_here (only
    places of persons have one).
    """
    if seat.department_id is not None:
        raise Refusal("assistant_not_here" if assistant else "seat_of_department", name=seat.name)
    if not assistant and seat.person_id is not None:
        raise Refusal("seat_taken", name=seat.name)
    for old in invitations.waiting(session, now):
        if old.seat_id == seat.id and old.assists == bool(assistant):
            invitations.revoke(session, old, now)
    token, invitation = invitations.invite(
        session,
        role=Role.RATER,
        department=None,
        name=assistant or seat.name,
        by=by,
        now=now,
        days=LINK_DAYS,
        seat_id=seat.id,
        assists=bool(assistant),
    )
    return Link(seat, token, invitation.expires_at)


def taken(session: Session, seat_id: int, person: Person, *, assists: bool) -> Seat:
    """Somebody came in by a link of this place. Raises Refusal seat_ended."""
    seat = session.get_one(Seat, seat_id)
    if seat.ended_at is not None:
        raise Refusal("seat_ended", name=seat.name)
    if assists:
        seat.assistant_id = person.id
    else:
        seat.person_id = person.id
    session.add(seat)
    session.flush()
    return seat


def end(session: Session, seat: Seat, now: datetime) -> None:
    """Takes a place off the roll: it rates no more, and its links no longer work. What it has given and not submitted
    is erased; what it has cast stays, since nobody can tell which it was.
    """
    seat.ended_at = now
    session.add(seat)
    session.connection().execute(delete(RatingDraft).where(col(RatingDraft.seat_id) == seat.id))
    leave_no_trace(session)
    for link in invitations.waiting(session, now):
        if link.seat_id == seat.id:
            invitations.revoke(session, link, now)
    session.flush()
    for person in voters(session, seat):
        _retire(session, person, now)


def _retire(session: Session, person: Person, now: datetime) -> None:
    """Whoever has no place left is no rater any more."""
    if seats_for(session, person):
        return
    for held in people.appointments_of(session, person):
        if held.role == Role.RATER:
            people.dismiss(session, held, now)
