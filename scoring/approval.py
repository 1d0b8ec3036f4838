"""The leading group agrees to a result, over its hash: its members by themselves, or on paper."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session, col, select

from scoring.result_tables import Approval, RecordedApproval, ResultSet
from scoring.standings import in_force
from store.errors import Refusal
from store.people import Person, Role, holders


@dataclass(frozen=True)
class Consent:
    """How far a result is approved: ``agreed`` of the ``members`` of the leading group, or on ``paper``."""

    agreed: int
    members: int
    needed: int
    paper: str | None
    approved: bool


def approve(session: Session, result: ResultSet, person: Person, now: datetime) -> None:
    """A member of the leading group agrees. Raises Refusal result_void, not_in_leading_group or approved_already."""
    waiting(result)
    if person.id not in {one.id for one in holders(session, Role.LEADING_GROUP)}:
        raise Refusal("not_in_leading_group")
    query = select(Approval).where(Approval.result_set_id == result.id, Approval.person_id == person.id)
    if session.exec(query).first() is not None:
        raise Refusal("approved_already", hash=result.hash)
    session.add(Approval(result_set_id=result.id, person_id=person.id, approved_at=now))
    session.flush()


def record_approval(
    session: Session,
    result: ResultSet,
    *,
    paper: str,
    dated: date,
    scan: str | None,
    by: Person,
    confirmed_by: Person | None,
    now: datetime,
) -> RecordedApproval:
    """The leading group has agreed on paper. Raises Refusal result_void."""
    waiting(result)
    recorded = RecordedApproval(
        result_set_id=result.id, paper=paper, dated=dated, scan=scan, recorded_by=by.id,
        confirmed_by=confirmed_by.id if confirmed_by else None, recorded_at=now,
    )  # fmt: skip
    session.add(recorded)
    session.flush()
    return recorded


def consent(session: Session, result: ResultSet) -> Consent:
    """How far a result is approved: by those of the leading group who are in office now."""
    members = {one.id for one in holders(session, Role.LEADING_GROUP)}
    agreed = set(session.exec(select(Approval.person_id).where(Approval.result_set_id == result.id))) & members
    share = in_force(session, result.year).approval_share
    needed = int(share * len(members)) + 1
    paper = session.exec(
        select(RecordedApproval.paper)
        .where(RecordedApproval.result_set_id == result.id)
        .order_by(col(RecordedApproval.id))
    ).first()
    return Consent(
        len(agreed), len(members), needed, paper, paper is not None or (bool(members) and len(agreed) >= needed)
    )


def waiting(result: ResultSet) -> None:
    """Raises Refusal result_void for a result that no longer waits for approval or publication."""
    if result.state != "frozen":
        raise Refusal("result_void", year=result.year, why=list(result.why))
