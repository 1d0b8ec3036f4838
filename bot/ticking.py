"""Time does its work, in a transaction of its own."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

import structlog
from sqlmodel import Session

from bot.database import Database
from store import vitals

log = structlog.get_logger("ticking")

Tick = Callable[[Session, datetime], None]

PATIENCE_SECONDS = 5.0
"""How long a tick lets updates go first: what was sent before a deadline is best handled before it is settled."""


class Ticker:
    """Runs ``tick`` and notes when. A tick that fails is logged and comes again: the truth is in the tables."""

    def __init__(
        self,
        database: Database,
        tick: Tick,
        *,
        caught_up: Callable[[float], Awaitable[bool]],
        committed: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database
        self._tick = tick
        self._caught_up = caught_up
        self._committed = committed
        self._one_at_a_time = asyncio.Lock()
        self.last: datetime | None = None
        """The latest instant for which time has done its work since the start."""

    async def tick(self, now: datetime) -> None:
        """One tick, as of ``now``."""
        async with self._one_at_a_time:
            await self._caught_up(PATIENCE_SECONDS)

            def work(session: Session) -> None:
                self._tick(session, now)
                vitals.set_last_tick(session, now)

            try:
                await self._database.insist(work, "ticking")
            except Exception:
                log.exception("a tick failed", now=str(now))
                return
            self.last = now
            self._committed()
