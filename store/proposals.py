"""Acts that wait for a second person."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import JSON
from sqlmodel import Field, Session, SQLModel, col, select

from store.commands import VERBS
from store.partial import partial
from store.people import Person, Role, holders, own_departments
from store.times import UtcDateTime

ADMINISTRATOR = Role.ADMINISTRATOR.value
LEADING_GROUP = Role.LEADING_GROUP.value


class Proposal(SQLModel, table=True):
    """What one person wants done and another has to confirm.

    ``needs`` is the role that decides: "administrator" or "leading_group". ``why`` is "second_person" (the act takes
    two), "own_department" (the proposer would judge his own), "own_act" (he would judge what he did himself),
    "member_unit" (the office confirms) or "rating" (a count of ballots says so; then the bot proposes, and
    ``proposed_by`` is nobody). ``state`` is "open", "confirmed" or "refused". ``arguments`` are the verb's, as text.
    ``barred`` are the ids of those who may not decide it, whatever they are.
    """

    __tablename__ = "proposal"
    __table_args__ = (partial("proposal_open", "id", where="state = 'open'"),)

    id: int = Field(default=None, primary_key=True)
    verb: str
    arguments: dict[str, str] = Field(sa_type=JSON)
    department_id: int | None = Field(default=None, foreign_key="department.id")
    proposed_by: int | None = Field(default=None, foreign_key="person.id")
    proposed_at: datetime = Field(sa_type=UtcDateTime)
    needs: str
    why: str
    barred: list[int] = Field(default_factory=list, sa_type=JSON)
    state: str = "open"
    decided_by: int | None = Field(default=None, foreign_key="person.id")
    decided_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    reason: str = ""


def second_persons(
    session: Session,
    role: str,
    *,
    proposer_id: int | None,
    department_id: int | None,
    now: datetime,
    barred: Collection[int] = (),
) -> list[Person]:
    """Who in ``role`` may decide on a proposal: not the proposer, nobody who is barred, and nobody of the department it
    weighs on.
    """
    return [
        person
        for person in holders(session, Role(role))
        if person.id != proposer_id
        and person.id not in barred
        and (department_id is None or department_id not in own_departments(session, person, now))
    ]


def deciders(session: Session, proposal: Proposal, now: datetime) -> list[Person]:
    """Who may decide now. Where no administrator is left who could, the leading group decides."""
    verb = VERBS.get(proposal.verb)
    judged = proposal.department_id if verb is None or verb.weighs_on_department else None

    def able(role: str) -> list[Person]:
        return second_persons(
            session,
            role,
            proposer_id=proposal.proposed_by,
            department_id=judged,
            now=now,
            barred=proposal.barred,
        )

    return able(proposal.needs) or (able(LEADING_GROUP) if proposal.needs == ADMINISTRATOR else [])


def somebody_else_decides(session: Session, person: Person, now: datetime) -> bool:
    """Whether there is a second person at all; the first administrator has to bring in the others by himself."""
    return any(
        second_persons(session, role, proposer_id=person.id, department_id=None, now=now)
        for role in (ADMINISTRATOR, LEADING_GROUP)
    )


def open_proposals(session: Session) -> list[Proposal]:
    return list(session.exec(select(Proposal).where(Proposal.state == "open").order_by(col(Proposal.id))))


def awaiting(session: Session, person: Person, now: datetime) -> list[Proposal]:
    """The open proposals on which this person may decide, oldest first."""
    return [one for one in open_proposals(session) if any(p.id == person.id for p in deciders(session, one, now))]
