from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from migrations.tables import differences
from store import blobs, db
from store.db import SchemaFault, head, is_passing, open_engine, open_reader, prepare, transaction, truncate_log

NOW = datetime(2021, 4, 2, 8, 0, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Engine:
    """A database without tables."""
    if request.param == "sqlite":
        return open_engine(f"sqlite:///{tmp_path / 'empty.db'}")
    engine = open_engine(request.getfixturevalue("postgres_url"))
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    return engine


def test_the_migrations_give_what_the_rooms_declare(empty: Engine) -> None:
    prepare(empty)
    with empty.connect() as connection:
        assert differences(connection) == []
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == head()
    empty.dispose()


def test_the_migrations_arm_what_is_append_only(empty: Engine) -> None:
    prepare(empty)
    with empty.begin() as connection:
        connection.execute(text("INSERT INTO rule_book_version (digest, name, text) VALUES ('d', 'n', 't')"))
    for statement in ("UPDATE rule_book_version SET name = 'x'", "DELETE FROM rule_book_version"):
        with pytest.raises(DBAPIError, match="append-only"), empty.begin() as connection:
            connection.execute(text(statement))
    empty.dispose()


def test_preparing_again_changes_nothing_and_a_newer_database_is_refused(empty: Engine) -> None:
    prepare(empty)
    prepare(empty)
    with empty.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaFault, match="9999"):
        prepare(empty)
    empty.dispose()


def test_an_error_takes_everything_back(engine: Engine) -> None:
    def fail(session: Session) -> None:
        blobs.put(session, b"x", NOW)
        raise RuntimeError

    with pytest.raises(RuntimeError), transaction(engine) as session:
        fail(session)
    with transaction(engine) as session, pytest.raises(KeyError):
        blobs.get(session, "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881")


def error_of(engine: Engine, statement: str) -> DBAPIError:
    with pytest.raises(DBAPIError) as caught, engine.begin() as connection:
        connection.execute(text(statement))
    return caught.value


def test_a_mistake_of_ours_does_not_pass(engine: Engine) -> None:
    assert not is_passing(error_of(engine, "SELECT * FROM no_such_table"))
    assert not is_passing(error_of(engine, "INSERT INTO blob (sha256) VALUES ('x')"))
    assert not is_passing(RuntimeError("full disk"))


def test_what_postgresql_has_no_place_for_does_not_pass(postgres_url: str) -> None:
    """It is called operational, and would fail for ever: the index takes no entry of more than 8 kB."""
    engine = open_engine(postgres_url)
    long = "SELECT string_agg(md5(n::text), '') FROM generate_series(1, 1000) n"
    fault = error_of(engine, f"INSERT INTO blob SELECT ({long}), 1, '', '2021-04-02 08:00:00Z'")
    assert getattr(fault.orig, "sqlstate", None) == "54000"
    assert not is_passing(fault)
    engine.dispose()


def test_a_locked_database_passes(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db, "BUSY_TIMEOUT_SECONDS", 0.05)
    holder, other = open_engine(sqlite_url), open_engine(sqlite_url)
    with holder.begin():
        assert is_passing(error_of(other, "SELECT 1"))
    holder.dispose()
    other.dispose()


def test_a_full_disk_passes(sqlite_url: str) -> None:
    engine = open_engine(sqlite_url)
    with engine.connect() as connection:
        pages = connection.scalar(text("PRAGMA page_count"))
        connection.execute(text(f"PRAGMA max_page_count = {pages}"))
        connection.rollback()
        with pytest.raises(DBAPIError) as caught, connection.begin():
            connection.execute(
                text("INSERT INTO blob VALUES ('x', 1000000, zeroblob(1000000), '2021-04-02 08:00:00.000000')")
            )
    assert is_passing(caught.value)
    engine.dispose()


def test_a_lost_connection_passes(postgres_url: str) -> None:
    engine = open_engine(postgres_url)
    with engine.connect() as connection:
        own = connection.scalar(text("SELECT pg_backend_pid()"))
        with pytest.raises(DBAPIError) as caught:
            connection.execute(text(f"SELECT pg_terminate_backend({own}), pg_sleep(1)"))
        assert is_passing(caught.value)
        connection.invalidate()
    engine.dispose()


def test_what_was_erased_is_in_no_file_once_the_log_is_emptied(sqlite_url: str) -> None:
    engine = open_engine(sqlite_url)
    path = Path(make_url(sqlite_url).database or "")
    files = [path, path.with_name(f"{path.name}-wal")]
    with transaction(engine) as session:
        key = blobs.put(session, b"a rating of somebody", NOW)
    with transaction(engine) as session:
        session.delete(session.get_one(blobs.Blob, key))
    assert any(b"a rating of somebody" in file.read_bytes() for file in files)
    assert truncate_log(engine)
    assert not any(b"a rating of somebody" in file.read_bytes() for file in files)
    engine.dispose()


def test_the_log_is_emptied_later_where_somebody_reads(sqlite_url: str) -> None:
    engine, other = open_engine(sqlite_url), open_engine(sqlite_url)
    with transaction(engine) as session:
        blobs.put(session, b"x", NOW)
    with other.begin():
        assert not truncate_log(engine)
    assert truncate_log(engine)
    engine.dispose()
    other.dispose()


def test_postgresql_keeps_its_own_log(postgres_url: str) -> None:
    engine = open_engine(postgres_url)
    assert truncate_log(engine)
    engine.dispose()


def test_whoever_only_looks_waits_for_no_writer_and_sees_one_state(engine: Engine) -> None:
    reader = open_reader(engine)
    with transaction(engine) as writing:
        kept = blobs.put(writing, b"x", NOW)
        with transaction(reader) as looking:
            assert looking.get(blobs.Blob, kept) is None
            # SQLite: a second writer would have waited in vain for the first.
    with transaction(reader) as looking:
        assert blobs.get(looking, kept) == b"x"


def test_whoever_only_looks_writes_nothing(sqlite_url: str) -> None:
    engine = open_engine(sqlite_url)
    prepare(engine)
    with pytest.raises(DBAPIError, match="readonly"), transaction(open_reader(engine)) as session:
        blobs.put(session, b"x", NOW)
    engine.dispose()
