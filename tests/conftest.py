"""Databases for every test that touches one: SQLite on disk, and a real PostgreSQL.

PostgreSQL comes from the pgserver wheel (Python up to 3.12) or from ``KAOPING_TEST_POSTGRES``, the URL of a server on
which databases may be created. Each test gets a database of its own, cloned from one that was prepared once.
"""

import importlib.util
import logging
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from migrations.tables import declared
from store.db import open_engine, prepare, transaction

# A busy machine is slow, not wrong.
settings.register_profile("kaoping", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("kaoping")

# Tables refer to each other by name: all are known, whichever test comes first.
declared()


DATABASES = ("sqlite", "postgresql")


@pytest.fixture(autouse=True)
def plain_logs() -> Iterator[None]:
    """Log lines as they are in use. A developer's terminal would draw each error with all its variables: that takes
    seconds, and has ballots in it.
    """
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    structlog.configure(processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer()])
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prepared, empty SQLite database to copy."""
    path = tmp_path_factory.mktemp("template") / "kaoping.db"
    engine = open_engine(f"sqlite:///{path}")
    prepare(engine)
    engine.dispose()
    return path


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a running PostgreSQL, for as long as the tests run."""
    if url := os.environ.get("KAOPING_TEST_POSTGRES"):
        yield url
        return
    if importlib.util.find_spec("pgserver") is None:
        pytest.skip("pgserver has no wheel for this Python: set KAOPING_TEST_POSTGRES to a PostgreSQL server's URL")
    import pgserver

    # Not in pytest's own folder: started by root it runs as another user, whom pytest locks out again at any moment.
    with tempfile.TemporaryDirectory(prefix="kaoping-postgres-", ignore_cleanup_errors=True) as folder:
        server = pgserver.get_server(folder)
        url = server.get_uri()
        # It does not outlive the tests, so it need not survive a power cut: making databases is quick then.
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            _administer(url, f"ALTER SYSTEM SET {setting} = off")
        _administer(url, "SELECT pg_reload_conf()")
        yield url
        server.cleanup()


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> Iterator[str]:
    """The name of a prepared, empty PostgreSQL database to clone."""
    name = f"kaoping_template_{uuid.uuid4().hex[:12]}"
    _administer(postgres_server, f'CREATE DATABASE "{name}"')
    engine = open_engine(_database(postgres_server, name))
    prepare(engine)
    engine.dispose()
    yield name
    _administer(postgres_server, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def sqlite_url(tmp_path: Path, sqlite_template: Path) -> str:
    """A fresh, prepared SQLite database on disk."""
    path = tmp_path / "kaoping.db"
    shutil.copyfile(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture(scope="session")
def postgres_database(postgres_server: str, postgres_template: str) -> Iterator["PostgresDatabase"]:
    """The database that the tests of this process use in turn."""
    database = PostgresDatabase(postgres_server, postgres_template)
    yield database
    database.drop()


@pytest.fixture
def postgres_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A prepared PostgreSQL database without a row."""
    database: PostgresDatabase = request.getfixturevalue("postgres_database")
    yield database.url
    database.empty()


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest) -> str:
    """A fresh, prepared database: the test runs once on each kind."""
    return str(request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url"))


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """One transaction, kept at the end of the test so that deferred constraints are seen."""
    with transaction(engine) as session:
        yield session


@pytest.fixture
def new_engine(database_url: str) -> Iterator[Callable[[], Engine]]:
    """Further engines on the test's database: a second process, so to say."""
    engines: list[Engine] = []

    def make() -> Engine:
        engines.append(open_engine(database_url))
        return engines[-1]

    yield make
    for engine in engines:
        engine.dispose()


class PostgresDatabase:
    """A clone of the template, emptied after each test, or cloned anew where a test has changed more than rows."""

    def __init__(self, server: str, template: str) -> None:
        self._server, self._template = server, template
        self._clone()

    def _clone(self) -> None:
        self._name = f"kaoping_{uuid.uuid4().hex[:12]}"
        _administer(self._server, f'CREATE DATABASE "{self._name}" TEMPLATE "{self._template}"')
        self.url = _database(self._server, self._name)
        self._engine = create_engine(make_url(self.url).set(drivername="postgresql+psycopg"))
        with self._engine.begin() as connection:
            self._shape = connection.scalar(text(_SHAPE))

    def empty(self) -> None:
        """Takes every row out and lets the numbers begin at 1 again."""
        try:
            with self._engine.begin() as connection:
                connection.execute(text("SET LOCAL lock_timeout = '2s'"))
                # What a test has left open would hold on to its locks: the next bot would wait for the lead for ever.
                connection.execute(text(_END_OTHERS))
                if connection.scalar(text(_SHAPE)) == self._shape:
                    connection.execute(text(_EMPTY))
                    return
        except DBAPIError:
            pass  # somebody still holds a lock, or the connection is gone: a new database is quicker than finding out
        self.drop()
        self._clone()

    def drop(self) -> None:
        self._engine.dispose()
        _administer(self._server, f'DROP DATABASE "{self._name}" WITH (FORCE)')


_SHAPE = """
    SELECT md5(string_agg(what, ',' ORDER BY what)) FROM (
        SELECT table_name || '.' || column_name || ':' || data_type || is_nullable AS what
        FROM information_schema.columns WHERE table_schema = 'public'
        UNION ALL SELECT tgname::text || tgenabled::text FROM pg_trigger WHERE NOT tgisinternal
        UNION ALL SELECT indexname::text FROM pg_indexes WHERE schemaname = 'public'
    ) AS everything
"""
"""One figure for the tables, columns, triggers and indexes there are."""

_END_OTHERS = """
    SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""

_EMPTY = """
    DO $$
    DECLARE name text; filled boolean;
    BEGIN
        -- Neither the order of references nor the triggers that keep history matter here.
        SET LOCAL session_replication_role = replica;
        FOR name IN SELECT quote_ident(tablename) FROM pg_tables
                    WHERE schemaname = 'public' AND tablename <> 'alembic_version' LOOP
            EXECUTE 'SELECT EXISTS (SELECT FROM ' || name || ')' INTO filled;
            IF filled THEN EXECUTE 'DELETE FROM ' || name; END IF;
        END LOOP;
        PERFORM setval(quote_ident(sequencename)::regclass, 1, false) FROM pg_sequences
        WHERE schemaname = 'public' AND last_value IS NOT NULL;
    END $$
"""


def _database(server: str, name: str) -> str:
    return make_url(server).set(database=name).render_as_string(hide_password=False)


def _administer(server: str, statement: str) -> None:
    url = make_url(server).set(drivername="postgresql+psycopg")
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()
