"""The bot's own life: when it last heard from Telegram, when it was deaf, when time last did its work.

Deadlines rest on this: nobody is charged for what the bot did not read.
"""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlmodel import Field, Session, SQLModel, col

from store import inbox, outbox
from store.times import UtcDateTime

OUTAGE_AFTER = timedelta(minutes=5)
"""A longer silence between two successful polls is an outage."""


class Vitals(SQLModel, table=True):
    """One row."""

    __tablename__ = "vitals"

    id: int = Field(default=1, primary_key=True)
    last_contact: datetime | None = Field(default=None, sa_type=UtcDateTime)
    drained_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """The latest poll that brought less than it asked for: Telegram had nothing else at that instant."""
    handled_through: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """The latest such poll at which nothing was left waiting either."""
    last_tick: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Outage(SQLModel, table=True):
    """A time in which the bot did not hear from Telegram. Recorded when it hears again."""

    __tablename__ = "outage"

    id: int = Field(default=None, primary_key=True)
    began: datetime = Field(sa_type=UtcDateTime)
    ended: datetime = Field(sa_type=UtcDateTime)


def vitals(session: Session) -> Vitals:
    """The row, made on first use."""
    row = session.get(Vitals, 1)
    if row is None:
        row = Vitals()
        session.add(row)
    return row


def contact(session: Session, at: datetime, *, drained: bool, began: datetime | None = None) -> Outage | None:
    """A poll succeeded: it began at ``began`` (default: ``at``) and its answer came at ``at``.

    ``drained`` says that it brought less than it asked for. Silence is counted up to ``began``: while a poll is open,
    Telegram is being listened to. Call it in the transaction that writes down what the poll brought, after that.
    Returns the outage that ended, if there was one.
    """
    row = vitals(session)
    heard_since = began or at
    outage = None
    if row.last_contact is not None and heard_since - row.last_contact > OUTAGE_AFTER:
        outage = Outage(began=row.last_contact, ended=heard_since)
        session.add(outage)
    row.last_contact = at
    if drained:
        row.drained_at = at
        if inbox.count_waiting(session) == 0:
            row.handled_through = at
    session.add(row)
    return outage


def last_contact(session: Session) -> datetime | None:
    row = session.get(Vitals, 1)
    return row.last_contact if row else None


def read_through(session: Session) -> datetime | None:
    """Everything Telegram had for us up to this instant has been read and handled. None: not known yet."""
    row = session.get(Vitals, 1)
    if row is None:
        return None
    return row.drained_at if inbox.count_waiting(session) == 0 else row.handled_through


def outages(session: Session, since: datetime | None = None) -> list[Outage]:
    """Outages on record, oldest first; with ``since``, those that ended after it."""
    query = select(Outage).order_by(col(Outage.began))
    if since is not None:
        query = query.where(col(Outage.ended) > since)
    return list(session.scalars(query))


def last_tick(session: Session) -> datetime | None:
    row = session.get(Vitals, 1)
    return row.last_tick if row else None


def set_last_tick(session: Session, at: datetime) -> None:
    row = vitals(session)
    row.last_tick = at
    session.add(row)


def is_idle(session: Session, at: datetime) -> bool:
    """Time has done its work up to ``at``, every update is handled and every message is sent or given up."""
    ticked = last_tick(session)
    if ticked is None or ticked < at:
        return False
    return inbox.count_waiting(session) == 0 and outbox.count_queued(session, at) == 0
