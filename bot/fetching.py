"""Fetches the bytes of files that were handed in, and has them checked: outside any transaction, one after another.

Which files, and what becomes of them, are steps in the database (``handlers.fetched``, ``handlers.uploads`` for what
administrators send to a verb, ``handlers.rating_files`` for forms of scores); here is only what takes time.
A file counts from the moment it was sent, so nothing here is in a hurry, and what fails is tried again later.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import quote

import structlog
from sqlmodel import Session
from telegram.error import TelegramError

from bot.clock import Clock
from bot.database import Database
from bot.deliveries import Failed, outcome_of
from bot.network import UPLOAD_SECONDS, Api
from bot.patience import comes
from handlers import fetched, rating_files, uploads
from handlers.fetched import Wanted
from scheduler import publicity
from scheduler.hand_ins import LARGEST_FETCH

log = structlog.get_logger("fetching")

LOOK_SECONDS = 2.0
"""How often to look for files that wait."""
PATIENCE_SECONDS = 5.0
"""How long a file waits for people who write meanwhile: their answers go ahead, until they are sent."""
AT_ONCE = 20
"""Files looked up in one go."""


class Steps(Protocol):
    """What a kind of file needs done in the database."""

    def wanted(self, session: Session, now: datetime, limit: int) -> list[Wanted]: ...
    def arrived(self, session: Session, file_id: int, content: bytes, result: Any, now: datetime, /) -> None:
        """``result`` is what the file's own check gave, or a CheckResult where that failed."""

    def delayed(self, session: Session, file_id: int, now: datetime, /) -> None: ...
    def lost(self, session: Session, file_id: int, why: str, now: datetime, /) -> None: ...


STEPS: tuple[Steps, ...] = (uploads, rating_files, fetched)


class Fetcher:
    """Works until cancelled. Rows are the queue, so that a crash costs one more download at most."""

    def __init__(
        self,
        database: Database,
        api: Api,
        clock: Clock,
        *,
        file_url: str,
        answered: Callable[[float], Awaitable[bool]],
        committed: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database
        self._api = api
        self._clock = clock
        self._file_url = file_url
        self._answered = answered
        self._committed = committed
        self._hungry = asyncio.Event()
        self._resting: set[tuple[Steps, int]] = set()

    def wake(self) -> None:
        """Something was handled: there may be a file in it."""
        self._hungry.set()

    async def run(self) -> None:
        """Fetches what waits, then waits for more. Raises InvalidToken if Telegram no longer takes the token."""
        while True:
            self._hungry.clear()
            waiting = await self._database.insist(self._look, "looking for files")
            for steps, one in waiting:
                await self._answered(PATIENCE_SECONDS)
                await self._fetch(steps, one)
            if len(waiting) < AT_ONCE:
                await comes(self._hungry, LOOK_SECONDS)

    def _look(self, session: Session) -> list[tuple[Steps, Wanted]]:
        now, limit = self._clock.now(), AT_ONCE + len(self._resting)
        found = [(steps, one) for steps in STEPS for one in steps.wanted(session, now, limit)]
        return [(steps, one) for steps, one in found if (steps, one.id) not in self._resting]

    async def _fetch(self, steps: Steps, one: Wanted) -> None:
        """One file, from Telegram to the tables. What goes wrong with it stops no other."""
        try:
            content = await self._download(one.file_id)
        except TelegramError as error:
            await self._failed(steps, one, error)
            return
        result = await asyncio.to_thread(_checked, one, content)
        unreadable = publicity.unreadable("no_reader")
        await self._step(
            steps,
            one,
            "keeping a file",
            lambda session, now: steps.arrived(session, one.id, content, result, now),
            lambda session, now: steps.arrived(session, one.id, content, unreadable, now),
        )

    async def _download(self, file_id: str) -> bytes:
        """The bytes of a file. Raises TelegramError: BadRequest for what will never come, else what may pass."""
        described = await self._api.call("getFile", {"file_id": file_id})
        if (described.get("file_size") or 0) > LARGEST_FETCH:
            raise _TooLarge("file is too big")
        if not described.get("file_path"):
            raise _NoPath("there is no way to the file")
        url = f"{self._file_url}/{quote(described['file_path'])}"
        return await self._api.network.retrieve(url, read_timeout=UPLOAD_SECONDS)

    async def _failed(self, steps: Steps, one: Wanted, error: TelegramError) -> None:
        outcome = outcome_of(error)
        log.warning("a file was not fetched", file=one.id, error=error.message)
        if isinstance(outcome, Failed):
            why = "too_large" if "too big" in error.message.lower() else "gone"
            await self._step(steps, one, "giving up a file", lambda session, now: steps.lost(session, one.id, why, now))
        else:
            await self._step(steps, one, "putting off a file", lambda session, now: steps.delayed(session, one.id, now))

    async def _step(self, steps: Steps, one: Wanted, what: str, *tries: Callable[[Session, datetime], None]) -> None:
        """The first of these steps that succeeds. A file with which none does rests until the next start: another
        program may do better.
        """
        for step in tries:
            now = self._clock.now()
            try:
                await self._database.insist(lambda session, step=step, now=now: step(session, now), what)  # type: ignore[misc]
            except Exception:
                log.exception("a step with a file failed", file=one.id, what=what)
            else:
                self._committed()
                return
        self._resting.add((steps, one.id))


def _checked(one: Wanted, content: bytes) -> object:
    try:
        return one.check(content) if one.check is not None else None
    except Exception:
        log.exception("a check failed", file=one.id)
        return publicity.unreadable("no_reader")


class _TooLarge(TelegramError):
    """More than a bot may fetch, by what Telegram says of the file."""


class _NoPath(TelegramError):
    """Telegram knows the file, and does not say where it is."""
