"""One process works on a database at a time; others stand by and take over.

A bot has one token, one long poll and one sending limit, so several processes do not share the work: the first one
leads. On PostgreSQL the lead is a lock that its session holds, on SQLite a lock on a file beside the database; both
are gone with the process, however it ends.
"""

import asyncio
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, Protocol

import structlog
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from store.db import is_passing

log = structlog.get_logger("lease")

LOOK_SECONDS = 1.0
"""How often whoever stands by looks whether the lead is free."""
CHECK_SECONDS = 5.0
"""How often the leader looks whether it still leads."""


class LeadLost(Exception):
    """The connection that held the lead is gone: another process may lead by now."""


class Lease(Protocol):
    """The right to work on a database."""

    def take(self) -> bool:
        """Takes the lead if it is free. Returns whether it is ours."""

    def held(self) -> bool:
        """Whether it still is."""

    def give_back(self) -> None: ...


class FileLease:
    """A lock on a file. The file stays: removing it would let two processes lock two files of one name."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[bytes] | None = None

    def take(self) -> bool:
        file = self._path.open("ab")
        try:
            _lock(file)
        except OSError:
            file.close()
            return False
        self._file = file
        return True

    def held(self) -> bool:
        return self._file is not None

    def give_back(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[bytes]) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(file: IO[bytes]) -> None:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)


class PostgresLease:
    """An advisory lock, held by a connection of its own."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None

    def take(self) -> bool:
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        try:
            taken = connection.scalar(text("SELECT pg_try_advisory_lock(hashtext('kaoping.lead'))"))
        except DBAPIError:
            connection.invalidate()
            raise
        if not taken:
            connection.close()
            return False
        self._connection = connection
        return True

    def held(self) -> bool:
        if self._connection is None:
            return False
        try:
            self._connection.execute(text("SELECT 1"))
        except DBAPIError:
            self._connection = None
            return False
        return True

    def give_back(self) -> None:
        if self._connection is not None:
            # Out of the pool for good: a connection that went back would keep the lock.
            with suppress(DBAPIError):
                self._connection.invalidate()
            self._connection.close()
            self._connection = None


class NoLease:
    """For a database that nobody else can see."""

    def take(self) -> bool:
        return True

    def held(self) -> bool:
        return True

    def give_back(self) -> None:
        return


def lease_on(engine: Engine) -> Lease:
    """The lease that fits the database."""
    if engine.dialect.name == "postgresql":
        return PostgresLease(engine)
    path = engine.url.database
    if path in (None, "", ":memory:"):
        return NoLease()
    return FileLease(Path(f"{os.path.abspath(str(path))}.lead"))  # noqa: PTH100 - Path.resolve would follow links


async def wait_for_lead(lease: Lease) -> None:
    """Returns once this process leads. A database that is away for a while is waited for."""
    said = ""
    while True:
        try:
            if await asyncio.to_thread(lease.take):
                return
            why = "another process works on this database; standing by to take over"
        except DBAPIError as error:
            if not is_passing(error):
                raise
            why = "the database does not answer; waiting for it"
        if why != said:
            said = why
            log.warning(why)
        await asyncio.sleep(LOOK_SECONDS)


async def watch_lead(lease: Lease) -> None:
    """Raises LeadLost when the lead is gone."""
    while True:
        if not await asyncio.to_thread(lease.held):
            raise LeadLost
        await asyncio.sleep(CHECK_SECONDS)
