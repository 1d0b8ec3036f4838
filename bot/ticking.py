"""Time does its work, in a transaction of its own."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

import structlog
from sqlmodel import Session

from bot.database import Database, first_line
from store import vitals

log = structlog.get_logger("ticking")

Tick = Callable[[Session, datetime], None]

PATIENCE_SECONDS = 5.0
"""How long a tick lets updates go first: what was sent before a deadline is best handled before it is settled."""
TOLD_AT = 3
"""The failure in a row of which administrators are told: it does not pass by itself."""

Stuck = Callable[[Session, datetime, int, str], None]
"""Says that time could not do its work so many times in a row: ``stuck(session, now, times, error)``."""


class Ticker:
    """Runs ``tick`` and notes when. A tick that fails is logged and comes again: the truth is in the tables."""

    def __init__(
        self,
        database: Database,
        tick: Tick,
        *,
        caught_up: Callable[[float], Awaitable[bool]],
        committed: Callable[[], None] = lambda: None,
        stuck: Stuck | None = None,
    ) -> None:
        self._database = database
        self._tick = tick
        self._caught_up = caught_up
        self._committed = committed
        self._stuck = stuck
        self._failures = 0
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
            except Exception as error:
                log.exception("a tick failed", now=str(now))
                self._failures += 1
                if self._failures == TOLD_AT:
                    await self._tell(now, first_line(error))
                return
            self._failures = 0
            self.last = now
            self._committed()

    async def _tell(self, now: datetime, error: str) -> None:
        stuck = self._stuck
        if stuck is None:
            return
        try:
            await self._database.insist(lambda session: stuck(session, now, TOLD_AT, error), "telling of failed ticks")
        except Exception:
            log.exception("telling of failed ticks failed too", now=str(now))
        else:
            self._committed()
