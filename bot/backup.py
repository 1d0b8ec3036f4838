"""The verb ``backup``: a copy of the whole database in one SQLite file, checked after it was written.

To restore, point KAOPING_DATABASE_URL at the file. What people have begun and not finished (drafts) is left out: a
half-given rating is nobody's business, and least of all a backup's. So is what is on its way while they rate, in or
out, and ballots from paper that wait for a second person: whoever confirms them after a restore is asked for the file.
"""

import hashlib
import json
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

from sqlalchemy import Connection, Engine, insert, select

from scoring import ledger
from scoring.chain import Break
from store import audit
from store.commands import VERBS, Act, command, converter
from store.db import open_engine, prepare, transaction
from store.errors import Refusal
from store.inbox import ERASED, InboxState
from store.outbox import OutboxState
from store.times import china

ServerFile = Annotated[Path, "a file on the machine the bot runs on"]
"""Named on the command line only: whoever writes to the bot has no business with the machine's files."""

CHUNK = 2_000
"""Rows copied in one go."""
LEFT_OUT = frozenset({"draft", "rating_draft"})


@dataclass(frozen=True)
class BackedUp:
    """``size`` in bytes; ``entries`` is how long the ledger in the copy is, and ``hash`` its head's."""

    path: str
    size: int
    sha256: str
    entries: int
    hash: str


@converter(ServerFile)
def _server_file(act: Act, text: str) -> Path:
    if act.via == "chat":
        raise Refusal("file_from_chat")
    return Path(text).expanduser()


# It changes nothing that is kept here, and a file once written is not taken back by a rollback: so no rehearsal.
@command("backup", words=("备份",), group="files")
def backup(act: Act, *, to: ServerFile | None = None) -> BackedUp:
    """Copy the database into one file beside it, checked after writing; restore by pointing the settings at it."""
    engine = act.session.get_bind()
    source = engine.engine if isinstance(engine, Connection) else engine
    if source.dialect.name == "sqlite" and not source.url.database:
        raise Refusal("nothing_to_back_up")
    target = (to or _beside(source, act.now)).resolve()
    if target.exists():
        raise Refusal("file_exists", path=str(target))
    made = back_up(source, target)
    audit.record(
        act.session, at=act.now, actor=act.actor, via=act.via, system_user=act.system_user, verb="backup",
        arguments={"to": made.path}, outcome="done",
    )  # fmt: skip
    return made


def _beside(engine: Engine, now: datetime) -> Path:
    database = engine.url.database if engine.dialect.name == "sqlite" else None
    folder = Path(database).resolve().parent if database else Path.cwd()
    return folder / f"kaoping-{china(now):%Y%m%d-%H%M%S}.backup.db"


def back_up(engine: Engine, target: Path) -> BackedUp:
    """Writes the copy, checks it, and only then gives it its name. Raises Refusal backup_faulty for one that is not
    whole, and OSError where it cannot be written.
    """
    unfinished = target.with_name(f".{target.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    unfinished.touch(mode=0o600, exist_ok=False)
    try:
        if engine.dialect.name == "sqlite":
            _copy_pages(engine, unfinished)
        else:
            _copy_rows(engine, unfinished)
        _withhold(unfinished)
        entries, head = _check(unfinished)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
    with target.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return BackedUp(str(target), target.stat().st_size, digest, entries, head)


def _copy_pages(engine: Engine, target: Path) -> None:
    """SQLite's own online backup: a consistent copy while others write."""
    source = sqlite3.connect(str(engine.url.database), timeout=30)
    copy = sqlite3.connect(target)
    try:
        source.backup(copy)
    finally:
        copy.close()
        source.close()


def _copy_rows(engine: Engine, target: Path) -> None:
    """Every table row by row, as of one instant, into SQLite with the same tables."""
    # Brings Alembic with it, which takes a while to import: not at every start.
    from migrations.tables import declared

    copy = open_engine(f"sqlite:///{target}")
    try:
        prepare(copy)
        with engine.connect().execution_options(isolation_level="REPEATABLE READ") as source, copy.begin() as into:
            into.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
            for table in declared().sorted_tables:
                rows = source.execution_options(yield_per=CHUNK).execute(select(table)).mappings()
                for chunk in rows.partitions(CHUNK):
                    into.execute(insert(table), [dict(row) for row in chunk])
    finally:
        copy.dispose()


def _withhold(path: Path) -> None:
    """Takes out of a copy what is in nobody's backup."""
    copy = sqlite3.connect(path)
    try:
        copy.execute("PRAGMA secure_delete=ON")
        # Whatever has not been handled in the chat of somebody who rates may be a tap or scores.
        copy.execute(
            "UPDATE inbox SET payload = ?, error = NULL, state = ? WHERE state <> ? "
            "AND chat_id IN (SELECT chat_id FROM rating_draft)",
            (ERASED, InboxState.DONE, InboxState.DONE),
        )
        copy.execute(
            "UPDATE outbox SET payload = ?, attachment = NULL, state = ? WHERE state = ? AND sensitive",
            (ERASED, OutboxState.SENT, OutboxState.QUEUED),
        )
        copy.executemany("DELETE FROM blob WHERE sha256 = ?", [(one,) for one in _passing_files(copy)])
        for table in LEFT_OUT:
            copy.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names
        copy.commit()
        # One file, with no log beside it, and nothing of what was left out in free pages.
        copy.execute("PRAGMA journal_mode=DELETE")
        copy.execute("VACUUM")
    finally:
        copy.close()


def _passing_files(copy: sqlite3.Connection) -> set[str]:
    """Hashes of the files that are kept only until somebody has decided what they were given for."""
    begun = [json.loads(data) for (data,) in copy.execute("SELECT data FROM draft")]
    given = [(one.get("verb"), one.get("texts") or {}) for one in begun]
    proposed = copy.execute("SELECT verb, arguments FROM proposal WHERE state = 'open'")
    given += [(verb, json.loads(arguments)) for verb, arguments in proposed]
    return {
        text.removeprefix("blob:").partition(" ")[0]
        for name, texts in given
        if (verb := VERBS.get(name or "")) is not None and verb.forgets_files
        for text in texts.values()
        if text.startswith("blob:")
    }


def _check(path: Path) -> tuple[int, str]:
    """The ledger of a copy: its length and head. Raises Refusal backup_faulty."""
    connection = sqlite3.connect(path)
    try:
        said = connection.execute("PRAGMA integrity_check").fetchone()[0]
    finally:
        connection.close()
    if said != "ok":
        raise Refusal("backup_faulty", message=str(said))
    engine = open_engine(f"sqlite:///{path}")
    try:
        with transaction(engine) as session:
            found = ledger.verify(session)
    finally:
        engine.dispose()
    _alone(path)
    if isinstance(found, Break):
        raise Refusal("backup_faulty", message=f"ledger entry {found.number}: {found.fault}")
    return found


def _alone(path: Path) -> None:
    """Folds the write-ahead log into the file, so that the file is all there is to keep."""
    connection = sqlite3.connect(path)
    try:
        connection.execute("PRAGMA journal_mode=DELETE")
    finally:
        connection.close()
