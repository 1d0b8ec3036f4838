"""What became of one attempt to send: told from Telegram's answer, and written down."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlmodel import Session
from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, NetworkError, RetryAfter, TelegramError

from bot.network import seconds_to_wait
from store import outbox
from store.outbox import Lane

log = structlog.get_logger("sending")


@dataclass(frozen=True)
class Sent:
    """It is there, or what it asked for is so already."""

    message_id: int | None = None


@dataclass(frozen=True)
class Failed:
    """It will never go out. ``unreachable``: nothing will to this chat, until the person comes back."""

    error: str
    unreachable: bool = False


@dataclass(frozen=True)
class Later:
    """Try again, after so many seconds if Telegram asked for them; else when we see fit."""

    error: str
    after: float | None = None


@dataclass(frozen=True)
class Moved:
    """The group is a supergroup now and has a new id."""

    chat_id: int


Outcome = Sent | Failed | Later | Moved

_SO_ALREADY = ("message is not modified", "message to delete not found", "query is too old")
_NOBODY_THERE = ("chat not found", "user not found", "peer_id_invalid", "bot is not a member", "have no rights to send")


def outcome_of(error: TelegramError) -> Outcome:
    """What Telegram's refusal means. Raises InvalidToken where the token itself is refused."""
    said = error.message
    match error:
        case RetryAfter():
            return Later(said, seconds_to_wait(error))
        case ChatMigrated():
            return Moved(error.new_chat_id)
        case Forbidden():
            return Failed(said, unreachable=True)
        case BadRequest():
            lowered = said.lower()
            if any(phrase in lowered for phrase in _SO_ALREADY):
                return Sent()
            return Failed(said, unreachable=any(phrase in lowered for phrase in _NOBODY_THERE))
        case InvalidToken() if "unauthorized" in said.lower():
            raise error
        case NetworkError() if "too large" not in said.lower():
            return Later(said)
    return Failed(said)


@dataclass(frozen=True)
class Mark:
    """A row of the outbox and what became of it."""

    key: int
    lane: Lane
    chat_id: int
    topic: str | None
    outcome: Sent | Failed


@dataclass(frozen=True)
class Arrival:
    """A message with a topic that was sent, and its number in its chat."""

    topic: str
    chat_id: int
    message_id: int | None
    at: datetime


@dataclass(frozen=True)
class Hooks:
    """Whom to tell, inside the transaction that writes it down."""

    sent: Callable[[Session, Arrival], None] | None = None
    """A message with a topic was sent: ``sent(session, arrival)``."""
    unreachable: Callable[[Session, int, str], None] | None = None
    """Nothing gets through to this chat: ``unreachable(session, chat_id, error)``."""
    migrated: Callable[[Session, int, int], None] | None = None
    """A group got a new id: ``migrated(session, old, new)``. May be told twice."""


def write_down(session: Session, marks: list[Mark], now: datetime, hooks: Hooks) -> None:
    """Marks a batch and tells whom it concerns."""
    good = [(mark.key, mark.outcome.message_id) for mark in marks if isinstance(mark.outcome, Sent)]
    if good:
        outbox.sent(session, good, now)
    for mark in marks:
        if isinstance(mark.outcome, Failed):
            outbox.failed(session, mark.key, mark.outcome.error, now)
            log.warning("message given up", outbox=mark.key, chat=mark.chat_id, error=mark.outcome.error)
            if mark.outcome.unreachable and hooks.unreachable is not None:
                hooks.unreachable(session, mark.chat_id, mark.outcome.error)
        elif mark.topic is not None and hooks.sent is not None:
            hooks.sent(session, Arrival(mark.topic, mark.chat_id, mark.outcome.message_id, now))
