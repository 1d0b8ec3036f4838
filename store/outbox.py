"""Messages to be sent: written in the transaction that caused them, sent after it, in order per chat."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from enum import IntEnum, StrEnum
from functools import cache
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Integer,
    SmallInteger,
    Text,
    Update,
    bindparam,
    case,
    func,
    null,
    or_,
    select,
    text,
    update,
)
from sqlmodel import Field, Session, SQLModel, col

from store import rows
from store.invitations import carries_token
from store.partial import partial
from store.times import UtcDateTime

ERASED = "{}"
"""What stands in place of a payload that is not kept."""


class Lane(StrEnum):
    REPLY = "reply"
    """An answer somebody is waiting for: goes ahead."""
    NOTICE = "notice"
    """What the bot says unasked: yields to replies."""


class OutboxState(IntEnum):
    QUEUED = 0
    SENT = 1
    FAILED = 2
    """Will not be sent: an administrator has to look at it."""


# SQLite numbers rows by itself only for a column of exactly the type INTEGER.
_SERIAL = BigInteger().with_variant(Integer(), "sqlite")


class OutboxMessage(SQLModel, table=True):
    """One call of the Bot API that is owed to a chat.

    ``payload`` holds the method's parameters as JSON, without ``chat_id``. ``attachment`` names the file that goes with
    it: ``{"field": "photo" | "document", "filename": …}`` with ``"blob": sha256``, or with
    ``"picture": {"kind": …, "data": {…}}``, which is drawn when it is sent, or ``"made": {"kind": …, "data": {…}}``,
    which is written then, out of the tables as they are.

    What a ``sensitive`` one says is erased as soon as it is out or given up; the row stays.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        partial("outbox_queued", "lane", "id", where="state = 0"),
        partial("outbox_about", "chat_id", "message_id", where="topic IS NOT NULL"),
    )

    id: int = Field(default=None, sa_column=Column(_SERIAL, primary_key=True))
    chat_id: int = Field(sa_type=BigInteger)
    lane: str
    method: str
    payload: str = Field(sa_type=Text)
    attachment: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    sensitive: bool = False
    topic: str | None = None
    """What the message is about, e.g. ``reminder:17``; whoever minted it is told when it has been sent."""
    merge: str | None = None
    """What it says anew, e.g. a card that is edited. One that waits is passed over for a newer one of the same chat."""
    created_at: datetime = Field(sa_type=UtcDateTime)
    state: int = Field(default=OutboxState.QUEUED, sa_type=SmallInteger)
    attempts: int = Field(default=0, sa_type=SmallInteger)
    not_before: datetime | None = Field(default=None, sa_type=UtcDateTime)
    error: str | None = Field(default=None, sa_type=Text)
    message_id: int | None = Field(default=None, sa_type=BigInteger)
    sent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


@dataclass
class Queued:
    """A row that waits to be sent."""

    id: int
    chat_id: int
    method: str
    payload: str
    attachment: dict[str, Any] | None
    topic: str | None
    merge: str | None
    attempts: int


_QUEUED = text("outbox.state = 0")
_TABLE = SQLModel.metadata.tables["outbox"]
_QUEUE = (
    select(*(_TABLE.c[field.name] for field in fields(Queued)))
    .where(
        _QUEUED,
        _TABLE.c.lane == bindparam("lane"),
        _TABLE.c.id > bindparam("after"),
        or_(_TABLE.c.not_before.is_(None), _TABLE.c.not_before <= bindparam("now", type_=UtcDateTime)),
    )
    .order_by(_TABLE.c.id)
    .limit(bindparam("most"))
)


def enqueue(
    session: Session,
    *,
    chat_id: int,
    method: str,
    payload: Mapping[str, Any],
    lane: Lane,
    now: datetime,
    topic: str | None = None,
    attachment: Mapping[str, Any] | None = None,
    not_before: datetime | None = None,
    sensitive: bool = False,
    merge: str | None = None,
) -> None:
    """Owes ``chat_id`` a call of ``method`` once this transaction commits.

    ``merge``: what waits in this chat to say the same place anew gives way; a thousand taps leave one edit a card.
    ``sensitive``: what it says is erased once it is out, as it always is of a message with an invitation's link.
    """
    said = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    if merge is not None:
        _drop(session, now, col(OutboxMessage.chat_id) == chat_id, col(OutboxMessage.merge) == merge)
    rows.later(
        session,
        _TABLE,
        {
            "chat_id": chat_id,
            "lane": lane.value,
            "method": method,
            "payload": said,
            "sensitive": sensitive or carries_token(said),
            "attachment": dict(attachment) if attachment else None,
            "topic": topic,
            "merge": merge,
            "created_at": now,
            "state": OutboxState.QUEUED.value,
            "attempts": 0,
            "not_before": not_before,
        },
    )


def queued(session: Session, lane: Lane, *, after: int, limit: int, now: datetime) -> list[Queued]:
    """What a lane is to send next, in order of writing, from the rows behind ``after``."""
    asked = {"lane": lane.value, "after": after, "now": now, "most": limit}
    rows.settle(session)
    found: Iterable[Any] = session.connection().execute(_QUEUE, asked)
    return [Queued(*row) for row in found]


_KEPT_OF_DONE: dict[str, Any] = {
    "payload": case((col(OutboxMessage.sensitive), ERASED), else_=col(OutboxMessage.payload)),
    "attachment": case((col(OutboxMessage.sensitive), null()), else_=col(OutboxMessage.attachment)),
}
"""What stays of a message that is out or given up."""


@cache
def _marking(count: int) -> Update:
    """One statement for a whole batch (executemany is slow on SQLite), made once for each size."""
    keys = [bindparam(f"key_{number}", type_=BigInteger) for number in range(count)]
    numbers = {key: bindparam(f"number_{at}", type_=BigInteger) for at, key in enumerate(keys)}
    values = {
        "state": int(OutboxState.SENT),
        "sent_at": bindparam("now", type_=UtcDateTime),
        "error": None,
        "message_id": case(*((col(OutboxMessage.id) == key, number) for key, number in numbers.items())),
        **_KEPT_OF_DONE,
    }
    return update(OutboxMessage).where(col(OutboxMessage.id).in_(keys)).values(**values)


def sent(session: Session, marks: Sequence[tuple[int, int | None]], now: datetime) -> None:
    """Marks messages as sent: pairs of outbox id and Telegram's message id."""
    facts: dict[str, Any] = {"now": now}
    for at, (key, number) in enumerate(marks):
        facts[f"key_{at}"], facts[f"number_{at}"] = key, number
    session.connection().execute(_marking(len(marks)), facts)


def failed(session: Session, key: int, error: str, now: datetime) -> None:
    """This message will not be sent; it stays listed with the reason."""
    values = {"state": OutboxState.FAILED, "error": error[:2000], "sent_at": None, **_KEPT_OF_DONE}
    session.connection().execute(update(OutboxMessage).where(col(OutboxMessage.id) == key).values(**values))


def erase(session: Session, keys: Iterable[int]) -> None:
    """What these messages said is not kept, nor which file went with them. Only for what is out or given up: what is
    still queued would go out empty, and is left alone.
    """
    chosen = col(OutboxMessage.id).in_(list(keys))
    values = {"payload": ERASED, "attachment": None}
    session.connection().execute(
        update(OutboxMessage).where(chosen, col(OutboxMessage.state) != OutboxState.QUEUED).values(**values)
    )


def erase_done(session: Session, before: datetime, limit: int) -> int:
    """Erases at most ``limit`` messages that were sent, or written and given up, before an instant; returns how many
    there were.
    """
    old = (
        select(col(OutboxMessage.id))
        .where(
            col(OutboxMessage.state) != OutboxState.QUEUED,
            func.coalesce(col(OutboxMessage.sent_at), col(OutboxMessage.created_at)) < before,
            col(OutboxMessage.payload) != ERASED,
        )
        .limit(limit)
    )
    keys = list(session.scalars(old))
    if keys:
        erase(session, keys)
    return len(keys)


def drop_queued(session: Session, chat_id: int, merge: str, now: datetime) -> None:
    """What waits to be said in this place, for the first time (its topic is the same) or anew, is not to be said any
    more: it counts as sent, and its words are gone.

    One that the sender has in hand may still go out; what is said in its place comes after it.
    """
    place = or_(col(OutboxMessage.merge) == merge, col(OutboxMessage.topic) == merge)
    _drop(session, now, col(OutboxMessage.chat_id) == chat_id, place)


def _drop(session: Session, now: datetime, *chosen: Any) -> None:
    rows.settle(session)
    values = {"state": OutboxState.SENT, "sent_at": now, "payload": ERASED}
    session.connection().execute(update(OutboxMessage).where(_QUEUED, *chosen).values(**values))


def delayed(session: Session, key: int, error: str, attempts: int) -> None:
    """A try failed and will be repeated: kept so that administrators can see what is stuck, and why."""
    values = {"attempts": attempts, "error": error[:2000]}
    session.connection().execute(update(OutboxMessage).where(col(OutboxMessage.id) == key).values(**values))


def topic_of(session: Session, chat_id: int, message_id: int) -> str | None:
    """What a message that was sent is about: for an answer to it. None where it is about nothing in particular.

    A new bot on the same tables begins to count its messages anew: of several with this number the latest is meant.
    """
    query = select(col(OutboxMessage.topic)).where(
        col(OutboxMessage.chat_id) == chat_id, col(OutboxMessage.message_id) == message_id, text("topic IS NOT NULL")
    )
    return session.scalars(query.order_by(col(OutboxMessage.id).desc()).limit(1)).first()


def said_anew(session: Session, chat_id: int, message_id: int, merge: str) -> bool:
    """Whether, since this message was written, anything was to be said anew in its place."""
    of_chat = col(OutboxMessage.chat_id) == chat_id
    written = select(func.max(col(OutboxMessage.id))).where(
        of_chat, col(OutboxMessage.message_id) == message_id, text("topic IS NOT NULL")
    )
    since = col(OutboxMessage.id) > written.scalar_subquery()
    query = select(col(OutboxMessage.id)).where(since, of_chat, col(OutboxMessage.merge) == merge).limit(1)
    return session.scalars(query).first() is not None


def move_chat(session: Session, old: int, new: int) -> None:
    """A group became a supergroup: what it is still owed goes there."""
    rows.settle(session)
    session.connection().execute(
        update(OutboxMessage).where(_QUEUED, col(OutboxMessage.chat_id) == old).values(chat_id=new)
    )


def failures(session: Session, since: datetime | None = None) -> list[OutboxMessage]:
    """What could not be sent, oldest first: for administrators."""
    query = select(OutboxMessage).where(col(OutboxMessage.state) == OutboxState.FAILED)
    if since is not None:
        query = query.where(col(OutboxMessage.created_at) >= since)
    return list(session.scalars(query.order_by(col(OutboxMessage.id))))


def count_queued(session: Session, now: datetime) -> int:
    """How many messages could go out at ``now``."""
    due = or_(col(OutboxMessage.not_before).is_(None), col(OutboxMessage.not_before) <= now)
    return int(session.scalar(select(func.count()).select_from(OutboxMessage).where(_QUEUED, due)) or 0)
