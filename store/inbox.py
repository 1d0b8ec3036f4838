"""Updates as Telegram handed them over: written down before they are confirmed, done exactly once."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any

from sqlalchemy import BigInteger, Column, SmallInteger, Text, bindparam, func, select, text, update
from sqlmodel import Field, Session, SQLModel, col

from store.partial import partial
from store.rows import insert_if_new
from store.times import UtcDateTime


class InboxState(IntEnum):
    WAITING = 0
    DONE = 1
    DEAD = 2
    """Failed as often as it may: an administrator has to look at it."""


ERASED = "{}"
"""What stands in place of a payload that is not kept."""


class InboxUpdate(SQLModel, table=True):
    """One update, raw. ``update_id`` is Telegram's, so that what is delivered twice is kept once.

    The row stays when its payload is erased.
    """

    __tablename__ = "inbox"
    __table_args__ = (partial("inbox_waiting", "update_id", where="state = 0"),)

    update_id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    chat_id: int | None = Field(default=None, sa_type=BigInteger)
    """The chat whose order this update keeps; the sender's id where an update belongs to no chat."""
    payload: str = Field(sa_type=Text)
    received_at: datetime = Field(sa_type=UtcDateTime)
    state: int = Field(default=InboxState.WAITING, sa_type=SmallInteger)
    attempts: int = Field(default=0, sa_type=SmallInteger)
    error: str | None = Field(default=None, sa_type=Text)
    done_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


_WAITING = text("inbox.state = 0")
_TABLE = SQLModel.metadata.tables["inbox"]
_NEXT = (
    select(_TABLE.c.update_id, _TABLE.c.chat_id, _TABLE.c.payload)
    .where(_WAITING)
    .order_by(_TABLE.c.update_id)
    .limit(bindparam("most"))
    .with_for_update()
)


def chat_of(payload: Mapping[str, Any]) -> int | None:
    """The id under which an update is kept in order: its chat, else whoever sent it, else None."""
    for content in payload.values():
        if not isinstance(content, Mapping):
            continue
        for place in (content, content.get("message")):
            if isinstance(place, Mapping) and isinstance(chat := place.get("chat"), Mapping):
                return int(chat["id"])
        for sender in ("from", "user"):
            if isinstance(person := content.get(sender), Mapping):
                return int(person["id"])
    return None


def receive(session: Session, payloads: Iterable[Mapping[str, Any]], now: datetime) -> None:
    """Writes down what one poll brought. What is there already is left alone."""
    rows = [
        {
            "update_id": payload["update_id"],
            "chat_id": chat_of(payload),
            "payload": _written(payload),
            "received_at": now,
            "state": InboxState.WAITING.value,
            "attempts": 0,
        }
        for payload in payloads
    ]
    if rows:
        connection = session.connection()
        connection.execute(insert_if_new(_TABLE, "update_id", connection.dialect.name), rows)


def _written(payload: Mapping[str, Any]) -> str:
    said = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    # Half an emoji is no text, and no database takes it; what cannot be written down would be asked for for ever.
    return said.encode("utf-8", "replace").decode("utf-8")


@dataclass
class Waiting:
    """An update to be handled."""

    update_id: int
    chat_id: int | None
    payload: str


def waiting(session: Session, limit: int) -> list[Waiting]:
    """The updates to handle next, oldest first.

    The rows are locked where the database can (PostgreSQL): a second dispatcher waits for the first one and then finds
    them done, so nothing is handled twice and no chat is overtaken.
    """
    rows: Iterable[Any] = session.connection().execute(_NEXT, {"most": limit})
    return [Waiting(*row) for row in rows]


def claim(session: Session, update_id: int) -> InboxUpdate | None:
    """The one update, locked, if it is still waiting."""
    query = select(InboxUpdate).where(_WAITING, col(InboxUpdate.update_id) == update_id).with_for_update()
    return session.scalars(query.execution_options(populate_existing=True)).one_or_none()


def done(session: Session, update_ids: Iterable[int], now: datetime) -> None:
    """These updates were handled: called in the transaction that carries their effects."""
    session.connection().execute(
        update(InboxUpdate)
        .where(col(InboxUpdate.update_id).in_(list(update_ids)))
        .values(state=InboxState.DONE, done_at=now)
    )


def erase(session: Session, update_ids: Iterable[int]) -> None:
    """What these updates said is not kept: a link that works, a rating. That they came, and when, stays."""
    session.connection().execute(
        update(InboxUpdate).where(col(InboxUpdate.update_id).in_(list(update_ids))).values(payload=ERASED)
    )


def erase_done(session: Session, before: datetime, limit: int) -> int:
    """Erases at most ``limit`` updates that were done, or died, before an instant; returns how many there were."""
    old = (
        select(col(InboxUpdate.update_id))
        .where(
            col(InboxUpdate.state) != InboxState.WAITING,
            col(InboxUpdate.done_at) < before,
            col(InboxUpdate.payload) != ERASED,
        )
        .limit(limit)
    )
    keys = list(session.scalars(old))
    if keys:
        erase(session, keys)
    return len(keys)


def erase_dead(session: Session, chat_id: int) -> None:
    """What a chat's dead updates said is not kept, those with a file aside: they may be taps and typed scores."""
    dead = (col(InboxUpdate.state) == InboxState.DEAD, col(InboxUpdate.chat_id) == chat_id)
    without_file = ~col(InboxUpdate.payload).like('%"file_id"%')
    session.connection().execute(update(InboxUpdate).where(*dead, without_file).values(payload=ERASED, error=None))


def failed(session: Session, row: InboxUpdate, error: str, *, tries: int, now: datetime) -> bool:
    """Counts a failed try; after ``tries`` of them the update is dead. Returns whether it is."""
    row.attempts += 1
    row.error = error[:2000]
    if row.attempts >= tries:
        row.state = InboxState.DEAD
        row.done_at = now
    session.add(row)
    return row.state == InboxState.DEAD


def dead(session: Session, since: datetime | None = None) -> list[InboxUpdate]:
    """What could not be handled, oldest first: for administrators."""
    query = select(InboxUpdate).where(col(InboxUpdate.state) == InboxState.DEAD)
    if since is not None:
        query = query.where(col(InboxUpdate.done_at) >= since)
    return list(session.scalars(query.order_by(col(InboxUpdate.update_id))))


def count_waiting(session: Session) -> int:
    return int(session.scalar(select(func.count()).select_from(InboxUpdate).where(_WAITING)) or 0)
