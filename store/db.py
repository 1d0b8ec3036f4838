"""Engine and transaction: SQLite on disk by default, PostgreSQL by URL, the same code on both."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.pool import StaticPool
from sqlmodel import Session

BUSY_TIMEOUT_SECONDS = 5.0
"""How long a writer waits for another one before "database is locked"."""


def open_engine(url: str) -> Engine:
    """An engine for ``url``: ``sqlite:///file.db`` or ``postgresql://…``.

    SQLite runs in WAL mode with synchronous=FULL: what is committed survives a power cut. Every transaction begins as
    a writer (BEGIN IMMEDIATE), since a reader that turns writer half-way can only fail. ``sqlite://`` lives in memory
    and ends with the engine: for trying things out, never for keeping them.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        return create_engine(parsed.set(drivername="postgresql+psycopg"), pool_pre_ping=True)
    options: dict[str, Any] = {"connect_args": {"timeout": BUSY_TIMEOUT_SECONDS, "check_same_thread": False}}
    if parsed.database in (None, "", ":memory:"):
        options["poolclass"] = StaticPool
    engine = create_engine(parsed, **options)
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def _configure_sqlite(connection: Any, _record: Any) -> None:
    # The driver's own transaction handling would begin late and as a reader.
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


@contextmanager
def transaction(engine: Engine) -> Iterator[Session]:
    """One transaction: all of it is kept, or none of it."""
    with Session(engine, expire_on_commit=False) as session, session.begin():
        yield session
