"""The audit trail: every administrative act, who did it, from where, and what came of it. Rows are only added."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index
from sqlmodel import Field, Session, SQLModel, col, select

from store.immutable import append_only
from store.people import Person
from store.times import UtcDateTime


class AuditRecord(SQLModel, table=True):
    """One act.

    ``actor_name`` is the name at the time. ``via`` is "chat" or "command line"; there ``system_user`` is the account on
    the machine. ``arguments`` are the verb's, as text. ``outcome`` is "done" or "proposed #3".
    """

    __tablename__ = "audit_record"
    __table_args__ = (Index("audit_record_by_verb", "verb", "id"),)

    id: int = Field(default=None, primary_key=True)
    at: datetime = Field(sa_type=UtcDateTime, index=True)
    actor_id: int | None = Field(default=None, foreign_key="person.id", index=True)
    actor_name: str
    via: str
    # The column has a name of its own: PostgreSQL 16 reserves the word.
    system_user: str | None = Field(default=None, sa_column_kwargs={"name": "account"})
    verb: str
    arguments: dict[str, str] = Field(default_factory=dict, sa_type=JSON)
    department_id: int | None = Field(default=None, foreign_key="department.id", index=True)
    outcome: str


append_only(SQLModel.metadata.tables["audit_record"])


def record(
    session: Session,
    *,
    at: datetime,
    actor: Person | None,
    via: str,
    verb: str,
    arguments: dict[str, str],
    outcome: str,
    system_user: str | None = None,
    department_id: int | None = None,
) -> AuditRecord:
    """Write down an act. ``actor`` is None for what the bot does by itself."""
    row = AuditRecord(
        at=at,
        actor_id=actor.id if actor else None,
        actor_name=actor.name if actor else "",
        via=via,
        system_user=system_user,
        verb=verb,
        arguments=arguments,
        department_id=department_id,
        outcome=outcome,
    )
    session.add(row)
    session.flush()
    return row


def records(
    session: Session,
    *,
    verb: str | None = None,
    actor: Person | None = None,
    department_id: int | None = None,
    since: datetime | None = None,
    limit: int = 50,
) -> list[AuditRecord]:
    """The latest acts, newest first."""
    conditions: list[Any] = []
    if verb is not None:
        conditions.append(AuditRecord.verb == verb)
    if actor is not None:
        conditions.append(AuditRecord.actor_id == actor.id)
    if department_id is not None:
        conditions.append(AuditRecord.department_id == department_id)
    if since is not None:
        conditions.append(col(AuditRecord.at) >= since)
    return list(session.exec(select(AuditRecord).where(*conditions).order_by(col(AuditRecord.id).desc()).limit(limit)))
