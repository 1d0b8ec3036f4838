"""Databases for every test that touches one: SQLite on disk, and a real PostgreSQL.

PostgreSQL comes from the pgserver wheel (Python up to 3.12) or from ``KAOPING_TEST_POSTGRES``, the URL of a server on
which databases may be created. Each test gets a database of its own, cloned from one that was prepared once.
"""

import importlib.util
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url
from sqlmodel import Session

from store.db import open_engine, prepare, transaction

# A busy machine is slow, not wrong.
settings.register_profile("kaoping", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("kaoping")


DATABASES = ("sqlite", "postgresql")


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


@pytest.fixture
def postgres_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A fresh, prepared PostgreSQL database."""
    server = request.getfixturevalue("postgres_server")
    template = request.getfixturevalue("postgres_template")
    name = f"kaoping_{uuid.uuid4().hex[:12]}"
    _administer(server, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    yield _database(server, name)
    _administer(server, f'DROP DATABASE "{name}" WITH (FORCE)')


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


def _database(server: str, name: str) -> str:
    return make_url(server).set(database=name).render_as_string(hide_password=False)


def _administer(server: str, statement: str) -> None:
    url = make_url(server).set(drivername="postgresql+psycopg")
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()
