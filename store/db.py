"""Engine and transaction: SQLite on disk by default, PostgreSQL by URL, the same code on both."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from weakref import WeakSet

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import StaticPool
from sqlmodel import Session

BUSY_TIMEOUT_SECONDS = 5.0
"""How long a writer waits for another one before "database is locked"."""
_LOG_MILLISECONDS = 200
_ERASED = "erased"
_OWED: WeakSet[Engine] = WeakSet()
"""Whose write-ahead log still holds what was erased."""


def open_engine(url: str) -> Engine:
    """An engine for ``url``: ``sqlite:///file.db`` or ``postgresql://…``.

    SQLite runs in WAL mode with synchronous=FULL: what is committed survives a power cut. Every transaction begins as
    a writer (BEGIN IMMEDIATE), since a reader that turns writer half-way can only fail. ``sqlite://`` lives in memory
    and ends with the engine: for trying things out, never for keeping them.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        return create_engine(parsed.set(drivername="postgresql+psycopg"), pool_pre_ping=True, hide_parameters=True)
    # What is written is nobody's business in a log: a rating, a link.
    options: dict[str, Any] = {"connect_args": {"timeout": BUSY_TIMEOUT_SECONDS, "check_same_thread": False}}
    options["hide_parameters"] = True
    if parsed.database in (None, "", ":memory:"):
        options["poolclass"] = StaticPool
    engine = create_engine(parsed, **options)
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def open_reader(engine: Engine) -> Engine:
    """A second engine on the same database for whoever only looks: each transaction sees one state, nobody waits for
    it, and it waits for nobody. It ends with the first. Of a database in memory there is only one engine.
    """
    url = engine.url
    if url.get_backend_name() == "postgresql" or url.database in (None, "", ":memory:"):
        return engine
    reader = create_engine(url, hide_parameters=True, connect_args={"check_same_thread": False})
    event.listen(reader, "connect", _look_only)
    event.listen(reader, "begin", _begin_deferred)
    event.listen(engine, "engine_disposed", lambda _engine: reader.dispose())
    return reader


def _look_only(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA query_only=ON")


def _begin_deferred(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN")


def _configure_sqlite(connection: Any, _record: Any) -> None:
    # The driver's own transaction handling would begin late and as a reader.
    connection.isolation_level = None
    # KiB of pages: with the usual 2 MB a department's entries, spread over the table, are read anew each time.
    settings = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON", "cache_size=-32768")
    for pragma in settings:
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


@contextmanager
def transaction(engine: Engine) -> Iterator[Session]:
    """One transaction: all of it is kept, or none of it."""
    with Session(engine, expire_on_commit=False) as session, session.begin():
        yield session
    if session.info.get(_ERASED):
        _OWED.add(engine)
    if engine in _OWED and truncate_log(engine):
        _OWED.discard(engine)


def leave_no_trace(session: Session) -> None:
    """Once this transaction has committed, what it or an earlier one erased is in no file of the database.

    Where the write-ahead log cannot be emptied then, it is once another transaction of the same engine has ended.
    """
    session.info[_ERASED] = True


def owe_truncation(engine: Engine) -> None:
    """The next transaction empties the write-ahead log: somebody may have been cut short before he could."""
    _OWED.add(engine)


def truncation_owed(engine: Engine) -> bool:
    """Whether the write-ahead log could not be emptied yet."""
    return engine in _OWED


def truncate_log(engine: Engine) -> bool:
    """Empties SQLite's write-ahead log, so that what was erased and committed is in no file any more.

    Call it outside any transaction. Returns False where somebody was reading or writing, or the disk is full: then it
    is to be called again. Nothing is to be done on PostgreSQL, whose log is the server's own affair.
    """
    if engine.dialect.name != "sqlite":
        return True
    # Past the engine's transactions: inside one nothing can be emptied.
    connection = engine.raw_connection()
    cursor = connection.cursor()
    try:
        # Work goes on meanwhile: nobody waits for a long reader.
        cursor.execute(f"PRAGMA busy_timeout={_LOG_MILLISECONDS}")
        (busy, *_) = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.OperationalError:
        return False  # a full disk passes
    finally:
        cursor.execute(f"PRAGMA busy_timeout={int(BUSY_TIMEOUT_SECONDS * 1000)}")
        connection.close()
    return not busy


class SchemaFault(Exception):
    """The database cannot be brought to the tables this program knows. ``str()`` is one line."""


def head() -> str:
    """The revision of the newest migration."""
    return max(path.stem for path in _steps().glob("[0-9]*.py"))


def prepare(engine: Engine) -> None:
    """Brings the tables to the newest revision; quick when they are there already.

    Several processes may do it at once: one does the work. Raises SchemaFault for a database that was written by a
    newer program.
    """
    with engine.begin() as connection:
        if revision(connection) == head():
            return
        if connection.dialect.name == "postgresql":
            # SQLite's transactions are one writer's already.
            connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('kaoping.prepare'))"))
            if revision(connection) == head():
                return
        _migrate(connection)


def _migrate(connection: Connection) -> None:
    # Alembic takes a while to import and is not needed on an ordinary start.
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(_steps().parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as fault:
        raise SchemaFault(f"the database cannot be brought to revision {head()}: {fault}") from fault


def _steps() -> Path:
    return Path(__file__).resolve().parent.parent / "migrations" / "versions"


def revision(connection: Connection) -> str | None:
    """The revision a database is at; None for one without tables."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found


_PASSING_SQLITE = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
    }
)


_PASSING_POSTGRESQL = frozenset({"08", "40", "53", "55", "57", "58"})
"""Classes of SQLSTATE: connection, conflict of transactions, out of room, in use, shutting down, the system's own."""


def is_passing(error: BaseException) -> bool:
    """Whether a database error is about the circumstances (full disk, locked, connection lost) and not about the work.

    Such work is to be tried again as it is; any other failure would only repeat.
    """
    if not isinstance(error, DBAPIError):
        return False
    if error.connection_invalidated:
        return True
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        return (code & 0xFF) in _PASSING_SQLITE  # the low byte is the primary code
    state = getattr(error.orig, "sqlstate", None)
    if state is not None:
        return state[:2] in _PASSING_POSTGRESQL
    return isinstance(error, OperationalError)
