"""The database as the running process uses it: one thread, one transaction at a time, patient with what passes."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import structlog
from sqlalchemy import Engine
from sqlmodel import Session

from store.db import is_passing, owe_truncation, transaction, truncation_owed

T = TypeVar("T")
log = structlog.get_logger("database")

LONGEST_WAIT_SECONDS = 30.0


def back_off(failures: int, longest: float = LONGEST_WAIT_SECONDS, first: float = 0.25) -> float:
    """Seconds to wait after so many failures in a row: doubling from ``first`` up to ``longest``."""
    return float(min(longest, first * 2 ** min(failures - 1, 20)))


class Database:
    """Runs synchronous work in its own thread, so that a commit never holds up the network."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="database")
        self._log_stuck = False
        # A run that was cut short may have erased something that still stands in the write-ahead log.
        owe_truncation(engine)

    async def run(self, work: Callable[[Session], T]) -> T:
        """``work`` in one transaction. Errors come through, after the rollback."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._transact, work)

    async def insist(self, work: Callable[[Session], T], what: str) -> T:
        """Like ``run``, again and again while the database is locked, full or away. ``what`` names it in the log."""
        failures = 0
        while True:
            try:
                result = await self.run(work)
            except Exception as error:
                if not is_passing(error):
                    raise
                failures += 1
                wait = back_off(failures)
                if failures == 1 or wait == LONGEST_WAIT_SECONDS:
                    log.error(
                        "database does not take it, trying again", what=what, error=first_line(error), tries=failures
                    )
                await asyncio.sleep(wait)
            else:
                if failures:
                    log.info("database works again", what=what)
                return result

    def _transact(self, work: Callable[[Session], T]) -> T:
        with transaction(self.engine) as session:
            result = work(session)
        stuck = truncation_owed(self.engine)
        if stuck and not self._log_stuck:
            log.warning("the write-ahead log cannot be emptied now: somebody else uses the database")
        self._log_stuck = stuck
        return result

    def close(self) -> None:
        """Waits for what is being done."""
        self._thread.shutdown(wait=True)


def first_line(error: BaseException) -> str:
    """The gist of an error, without the statement and its parameters."""
    said = str(error.__cause__ or error) if isinstance(error, Exception) else str(error)
    return f"{type(error).__name__}: {said.splitlines()[0] if said else ''}"
