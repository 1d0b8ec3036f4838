"""Invitations: everybody but the first administrators comes in by a personal link that works once."""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from sqlmodel import Field, Session, SQLModel, col, select

from store import names
from store.errors import Refusal
from store.notices import Audience, Notice
from store.people import DEPARTMENT_ROLES, Appointment, Department, Person, Role, appoint, dismiss, met
from store.times import UtcDateTime, iso_china

_LINK = re.compile(r"start(?:@\w+)?(?:=|\s|\\n)+[A-Za-z0-9_-]{22}(?![A-Za-z0-9_-])")
"""As it is sent to whoever invites, and as it comes back: ``?start=…``, ``/start …``."""

DEFAULT_DAYS = 7
"""How long an invitation is good, in days."""


class Invitation(SQLModel, table=True):
    """One link. Only the hash of its token is kept: whoever reads the table cannot come in by it.

    ``name`` is the person's as the office knows it. ``replaces`` is the appointment that ends when this link is used.
    """

    __tablename__ = "invitation"

    id: int = Field(default=None, primary_key=True)
    token_hash: str = Field(unique=True)
    role: str
    department_id: int | None = Field(default=None, foreign_key="department.id")
    name: str = ""
    created_at: datetime = Field(sa_type=UtcDateTime)
    created_by: int = Field(foreign_key="person.id")
    expires_at: datetime = Field(sa_type=UtcDateTime)
    replaces: int | None = Field(default=None, foreign_key="appointment.id")
    seat_id: int | None = None
    """The place among the raters that this link is for (the tables of ratings stand in a room above)."""
    assists: bool = False
    """Whether it is for somebody who assists the rater of that place."""
    used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    used_by: int | None = Field(default=None, foreign_key="person.id")
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


@dataclass(frozen=True)
class Joined:
    """Somebody came in. ``replaced`` is the name of the person who was cut off by it; ``seat_id`` and ``assists`` are
    the invitation's.
    """

    person: Person
    appointment: Appointment
    department: Department | None
    replaced: str | None
    notices: tuple[Notice, ...]
    seat_id: int | None = None
    assists: bool = False


def invite(
    session: Session,
    *,
    role: Role,
    department: Department | None,
    name: str,
    by: Person,
    now: datetime,
    days: int = DEFAULT_DAYS,
    replaces: Appointment | None = None,
    seat_id: int | None = None,
    assists: bool = False,
) -> tuple[str, Invitation]:
    """Make an invitation. Returns its token, which is nowhere kept, for ``https://t.me/<bot>?start=<token>``.

    Raises Refusal invitation_needs_department for a role that is of a department.
    """
    if role in DEPARTMENT_ROLES and department is None:
        raise Refusal("invitation_needs_department", role=role.value)
    token = secrets.token_urlsafe(16)
    invitation = Invitation(
        token_hash=_hash(token),
        role=role,
        department_id=department.id if department else None,
        name=names.clean(name),
        created_at=now,
        created_by=by.id,
        expires_at=now + timedelta(days=days),
        replaces=replaces.id if replaces else None,
        seat_id=seat_id,
        assists=assists,
    )
    session.add(invitation)
    session.flush()
    return token, invitation


def accept(
    session: Session, token: str, *, telegram_id: int, name: str, now: datetime, username: str | None = None
) -> Joined:
    """Use a link: the person behind the Telegram account gets the role.

    Raises Refusal invitation_unknown, invitation_revoked, invitation_used (``yours``: by the same person) or
    invitation_expired.
    """
    query = select(Invitation).where(Invitation.token_hash == _hash(token)).with_for_update()
    invitation = session.exec(query).first()
    if invitation is None:
        raise Refusal("invitation_unknown")
    if invitation.revoked_at is not None:
        raise Refusal("invitation_revoked")
    person = met(session, telegram_id, name=invitation.name or name, username=username, now=now)
    if invitation.used_at is not None:
        raise Refusal("invitation_used", yours=invitation.used_by == person.id)
    if now >= invitation.expires_at:
        raise Refusal("invitation_expired", expired=iso_china(invitation.expires_at))
    if invitation.name:
        person.name = invitation.name
    invitation.used_at, invitation.used_by = now, person.id
    session.add_all([person, invitation])
    appointment = appoint(session, person, Role(invitation.role), now, invitation.department_id)
    department = session.get(Department, invitation.department_id) if invitation.department_id else None
    replaced = _hand_over(session, invitation, person, now)
    facts = {
        "name": person.name,
        "username": username,
        "role": appointment.role,
        "department": department.name if department else None,
        "replaced": replaced.name if replaced else None,
        "invitation": invitation.id,
    }
    # Raters come in by the hundred: administrators see how many in the rating's progress.
    notices = [] if appointment.role == Role.RATER else [Notice("joined", Audience("administrators"), facts)]
    if replaced is not None:
        notices.append(Notice("replaced", Audience("person", replaced.id), facts | {"by": person.name}))
    return Joined(
        person,
        appointment,
        department,
        replaced.name if replaced else None,
        tuple(notices),
        invitation.seat_id,
        invitation.assists,
    )


def revoke(session: Session, invitation: Invitation, now: datetime) -> None:
    """Make a link useless. Raises Refusal invitation_used or invitation_revoked."""
    if invitation.used_at is not None:
        raise Refusal("invitation_used", yours=False)
    if invitation.revoked_at is not None:
        raise Refusal("invitation_revoked")
    invitation.revoked_at = now
    session.add(invitation)
    session.flush()


def cut_off(session: Session, appointment: Appointment, now: datetime) -> None:
    """End an appointment, and the way back: links to the office itself that a dismissed administrator has made.

    Those to departments and for raters go on working: they lead to no power, and a handover must not shut out others.
    Raises Refusal last_administrator.
    """
    dismiss(session, appointment, now)
    if appointment.role != Role.ADMINISTRATOR:
        return
    for invitation in waiting(session, now):
        harmless = invitation.role in DEPARTMENT_ROLES or invitation.role == Role.RATER
        if invitation.created_by == appointment.person_id and not harmless:
            revoke(session, invitation, now)


def carries_token(text: str) -> bool:
    """Whether a link is written somewhere in ``text``, live or not: such text is not kept longer than it is needed."""
    return _LINK.search(text) is not None


def waiting(session: Session, now: datetime) -> list[Invitation]:
    """The links that still work, oldest first."""
    query = select(Invitation).where(
        col(Invitation.used_at).is_(None), col(Invitation.revoked_at).is_(None), col(Invitation.expires_at) > now
    )
    return list(session.exec(query.order_by(col(Invitation.id))))


def _hand_over(session: Session, invitation: Invitation, person: Person, now: datetime) -> Person | None:
    """Ends the appointment that this link replaces; returns whose it was."""
    old = session.get(Appointment, invitation.replaces) if invitation.replaces else None
    if old is None or old.until is not None or old.person_id == person.id:
        return None
    cut_off(session, old, now)
    return session.get_one(Person, old.person_id)


def _hash(token: str) -> str:
    # 128 random bits cannot be guessed from their hash: no salt, no slow hash.
    return sha256(token.encode()).hexdigest()
