"""What a conversation has to remember between two messages: in the database, so that a rollback forgets it too."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Index, String, bindparam
from sqlmodel import Field, Session, SQLModel, col, select

from store import ahead
from store.times import UtcDateTime


class Draft(SQLModel, table=True):
    """Something begun and not yet finished: by one person, in one chat, of one kind.

    ``key`` tells apart what may be under way several times (an album by its media group); ``data`` is JSON-able and
    belongs to whoever opened the draft.
    """

    __tablename__ = "draft"
    __table_args__ = (Index("draft_of_person", "person_id", "chat_id", "kind", "key"),)

    id: int = Field(default=None, primary_key=True)
    person_id: int = Field(foreign_key="person.id")
    chat_id: int = Field(sa_column=Column(BigInteger, nullable=False))
    kind: str = Field(sa_column=Column(String(32), nullable=False))
    key: str = Field(default="", sa_column=Column(String(64), nullable=False))
    data: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    opened_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


def opened(
    session: Session, *, person_id: int, chat_id: int, kind: str, data: dict[str, Any], now: datetime, key: str = ""
) -> Draft:
    """Begins something; it has its id at once."""
    draft = Draft(person_id=person_id, chat_id=chat_id, kind=kind, key=key, data=data, opened_at=now)
    session.add(draft)
    session.flush()
    return draft


# Asked for most updates: built once, for building a statement takes longer than running it. Nothing waits to be written
# here, since whatever changes a draft flushes.
_UNDER_WAY = (
    select(Draft)
    .where(
        Draft.person_id == bindparam("person"),
        Draft.chat_id == bindparam("chat"),
        col(Draft.kind).in_(bindparam("kinds", expanding=True)),
    )
    .order_by(col(Draft.id).desc())
    .execution_options(autoflush=False)
)


def under_way(session: Session, *, person_id: int, chat_id: int, kinds: tuple[str, ...]) -> list[Draft]:
    """What this person has begun in this chat, latest first."""
    known: list[Draft] | None = ahead.known(session, "drafts").get(person_id)
    if known is None:
        return list(session.exec(_UNDER_WAY, params={"person": person_id, "chat": chat_id, "kinds": kinds}))
    return [one for one in known if one.chat_id == chat_id and one.kind in kinds]


def find(session: Session, draft_id: int) -> Draft | None:
    """A draft by its id; None once it is finished."""
    return session.get(Draft, draft_id)


def amended(session: Session, draft: Draft, data: dict[str, Any]) -> None:
    """Puts ``data`` in place of what the draft held."""
    draft.data = data
    session.add(draft)
    session.flush()


def finished(session: Session, draft: Draft) -> None:
    """Forgets a draft: what came of it stands elsewhere."""
    session.delete(draft)
    session.flush()
