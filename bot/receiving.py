"""Updates from Telegram into the inbox: written down and committed before the next poll confirms them."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import structlog
from sqlmodel import Session
from telegram.error import Conflict, InvalidToken, RetryAfter, TelegramError, TimedOut

from bot.clock import Clock
from bot.database import Database, back_off
from bot.network import Api, seconds_to_wait
from store import inbox, vitals

log = structlog.get_logger("receiving")

ASKED = 100
"""Updates to a poll: as many as Telegram gives."""
ANSWER_SECONDS = 10.0
"""How much longer than the poll itself its answer may take."""
KINDS = ("message", "edited_message", "callback_query", "my_chat_member")
"""What the bot asks for. What else happens in a chat is none of its business."""
CONTACT_SECONDS = 5.0
"""Polls that bring nothing and follow each other faster than this are not worth a commit each."""
FIRST_WAIT_SECONDS = 0.5
CONFLICT_WAIT_SECONDS = 5.0
LONG_CONFLICT_WAIT_SECONDS = 30.0


class Receiver:
    """Polls until it is cancelled.

    ``heard(at, brought, drained)`` is awaited after each poll: the instant of its answer, how many updates it brought,
    and whether Telegram had no more of them. The offset is kept in memory only: whoever starts anew asks without one
    and gets what is unconfirmed.
    """

    def __init__(
        self,
        database: Database,
        api: Api,
        clock: Clock,
        *,
        heard: Callable[[datetime, int, bool], Awaitable[None]],
        poll_seconds: int = 30,
        contact_seconds: float = CONTACT_SECONDS,
    ) -> None:
        self._database = database
        self._api = api
        self._clock = clock
        self._heard = heard
        self._poll_seconds = poll_seconds
        self._contact_seconds = contact_seconds
        self._offset: int | None = None
        self._noted: datetime | None = None
        self._failures = 0
        self.received = 0
        """How many updates came in since the start, repeats included."""

    async def run(self) -> None:
        """Works until cancelled; raises InvalidToken if Telegram does not take the token."""
        while True:
            began = self._clock.now()
            try:
                updates = await self._poll()
            except InvalidToken:
                raise
            except TelegramError as error:
                await self._failed(error)
                continue
            at = self._clock.now()
            if self._failures:
                log.info("hearing from Telegram again", failures=self._failures)
                self._failures = 0
            if updates or self._worth_noting(at):
                await self._database.insist(
                    lambda session, began=began, updates=updates, at=at: self._write_down(session, updates, began, at),  # type: ignore[misc]
                    "writing down updates",
                )
                # After a commit that failed the last contact is as it was, so a full answer must not be passed over.
                self._noted = at if len(updates) < ASKED else None
            # Confirming once is enough. After a week without updates Telegram begins anew at a random number, and an
            # old offset would then confirm what nobody has seen.
            self.received += len(updates)
            self._offset = max(update["update_id"] for update in updates) + 1 if updates else None
            await self._heard(at, len(updates), len(updates) < ASKED)

    async def _poll(self) -> list[dict[str, Any]]:
        # After a start or a silence the first answer comes at once: that we hear again is news in itself.
        wait = 0 if self._noted is None or self._failures else self._poll_seconds
        asked: dict[str, Any] = {"limit": ASKED, "timeout": wait, "allowed_updates": KINDS}
        if self._offset is not None:
            asked["offset"] = self._offset
        answer = await self._api.call("getUpdates", asked, read_timeout=self._poll_seconds + ANSWER_SECONDS)
        return list(answer)

    def _worth_noting(self, at: datetime) -> bool:
        return self._noted is None or (at - self._noted).total_seconds() >= self._contact_seconds

    def _write_down(self, session: Session, updates: list[dict[str, Any]], began: datetime, at: datetime) -> None:
        inbox.receive(session, updates, at)
        outage = vitals.contact(session, at, drained=len(updates) < ASKED, began=began)
        if outage is not None:
            log.warning("there was an outage", began=str(outage.began), ended=str(outage.ended))

    async def _failed(self, error: TelegramError) -> None:
        self._failures += 1
        wait = back_off(self._failures, first=FIRST_WAIT_SECONDS)
        match error:
            case Conflict() if "webhook" in error.message.lower():
                log.warning("a webhook is set; removing it, since this bot polls")
                await self._remove_webhook()
            case Conflict():
                wait = CONFLICT_WAIT_SECONDS if self._failures <= 3 else LONG_CONFLICT_WAIT_SECONDS
                said = "another program polls with this token; stop it, or this bot will hear only part of what is said"
                self._say(said, error)
            case RetryAfter():
                wait = max(wait, seconds_to_wait(error))
                self._say("Telegram asks to poll less often", error)
            case TimedOut():
                self._say("Telegram does not answer", error)
            case _:
                self._say("Telegram is not to be reached, or is in trouble itself", error)
        await asyncio.sleep(wait)

    def _say(self, what: str, error: TelegramError) -> None:
        # One line when it begins, and one each time the number of failures has doubled.
        if self._failures & (self._failures - 1) == 0:
            log.warning(what, error=error.message, failures=self._failures)

    async def _remove_webhook(self) -> None:
        try:
            await self._api.call("deleteWebhook", {"drop_pending_updates": False})
        except TelegramError as error:
            log.warning("the webhook could not be removed", error=error.message)
