"""The hash chain: what somebody with the database in his hands did to the ledger shows, at the first place."""

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from datetime import datetime

import pytest
from sqlalchemy import Connection, Engine, text
from sqlmodel import Session

from scoring import ledger
from scoring.chain import GENESIS, Break, seal
from scoring.rulebook import RuleBook
from scoring.standings import put_in_force
from scoring.tables import LedgerEntry
from store.db import transaction
from store.people import Department
from store.times import CHINA

NOW = datetime(2021, 4, 6, 10, 30, tzinfo=CHINA)


def enter(session: Session, count: int, reason: str = "窗口无人值守") -> list[LedgerEntry]:
    return [
        ledger.post(
            session, department_id=1, year=2021, item="daily.7", count=1, happened_at=NOW, recorded_at=NOW,
            source="admin", reason=f"{reason} {number}", evidence={"note": "检查记录"},
        )
        for number in range(count)
    ]  # fmt: skip


@pytest.fixture
def kept(engine: Engine, rulebook: RuleBook) -> Engine:
    """Five entries, committed."""
    with transaction(engine) as session:
        put_in_force(session, rulebook, 2021, NOW)
        session.add(Department(code="fin", name="财政局", kind="bureau"))
        session.flush()
        enter(session, 5)
    return engine


@pytest.fixture
def burgled(kept: Engine) -> Iterator[Callable[[str], None]]:
    """Runs a statement as somebody who has taken the triggers away."""

    def run(statement: str) -> None:
        with kept.begin() as connection:
            _disarm(connection)
            connection.execute(text(statement))

    return run


def _disarm(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("ALTER TABLE ledger_entry DISABLE TRIGGER USER"))
        return
    for verb in ("update", "delete"):
        connection.execute(text(f"DROP TRIGGER IF EXISTS ledger_entry_refuses_{verb}"))


def checked(engine: Engine, recorded: tuple[int, str] | None = None) -> Break | tuple[int, str]:
    with transaction(engine) as session:
        return ledger.verify(session, recorded)


def head_of(engine: Engine) -> tuple[int, str]:
    with transaction(engine) as session:
        return ledger.head(session)


def test_an_empty_ledger_is_whole(session: Session) -> None:
    assert ledger.verify(session) == (0, GENESIS)


def test_a_whole_ledger_gives_its_head(kept: Engine) -> None:
    assert checked(kept) == head_of(kept)
    assert head_of(kept)[0] == 5


def test_the_hash_is_the_one_that_the_format_describes(kept: Engine) -> None:
    """Worked out here by the words of scoring.chain alone, so that another program could do it in thirty years."""
    with transaction(kept) as session:
        entry = session.get_one(LedgerEntry, 1)
    content = {
        "confirmed_by": None, "count": 1, "department_id": 1, "event": None, "evidence": {"note": "检查记录"},
        "form": "kaoping-ledger-1", "happened_at": "2021-04-06T02:30:00.000000Z", "id": 1, "item": "daily.7",
        "period": None, "points": -30000, "reason": "窗口无人值守 0", "recorded_at": "2021-04-06T02:30:00.000000Z",
        "recorded_by": None, "reverses_id": None, "source": "admin", "year": 2021,
    }  # fmt: skip
    text_of_it = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert entry.hash == hashlib.sha256(f"{'0' * 64}\n{text_of_it}".encode()).hexdigest()


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("UPDATE ledger_entry SET points = -10000 WHERE id = 3", Break(3, "changed")),
        ("UPDATE ledger_entry SET reason = '' WHERE id = 1", Break(1, "changed")),
        ("UPDATE ledger_entry SET happened_at = '2021-01-01 00:00:00' WHERE id = 5", Break(5, "changed")),
        ("UPDATE ledger_entry SET happened_at = '2021-01-01' WHERE id = 5", Break(5, "changed")),
        ("UPDATE ledger_entry SET recorded_at = '2021-01-01T00:00:00Z' WHERE id = 5", Break(5, "changed")),
        ('UPDATE ledger_entry SET evidence = \'{"note": "x"}\' WHERE id = 2', Break(2, "changed")),
        ("UPDATE ledger_entry SET hash = 'abc' WHERE id = 5", Break(5, "changed")),
        ("UPDATE ledger_entry SET form = 9 WHERE id = 4", Break(4, "changed")),
        ("UPDATE ledger_entry SET previous_hash = 'abc' WHERE id = 2", Break(2, "unlinked")),
        ("DELETE FROM ledger_entry WHERE id = 1", Break(1, "missing")),
        ("DELETE FROM ledger_entry WHERE id IN (2, 3)", Break(2, "missing")),
        ("DELETE FROM ledger_entry WHERE id = 5", Break(5, "cut off")),
        ("DELETE FROM ledger_entry WHERE id > 2", Break(3, "cut off")),
        ("DELETE FROM ledger_entry", Break(1, "cut off")),
    ],
)
def test_the_first_break_is_named(kept: Engine, burgled: Callable[[str], None], statement: str, fault: Break) -> None:
    burgled(statement)
    assert checked(kept) == fault


def test_an_entry_put_in_between_is_named(kept: Engine, burgled: Callable[[str], None]) -> None:
    with transaction(kept) as session:
        second = session.get_one(LedgerEntry, 2).hash
    for number in (5, 4, 3):
        burgled(f"UPDATE ledger_entry SET id = {number + 1} WHERE id = {number}")
    _insert_row(kept, 3, second)
    assert checked(kept) == Break(3, "inserted")


def test_an_entry_put_at_the_end_behind_the_heads_back_is_named(kept: Engine) -> None:
    _insert_row(kept, 6, head_of(kept)[1])
    assert checked(kept) == Break(6, "inserted")


def _insert_row(engine: Engine, number: int, previous_hash: str) -> None:
    """A forged entry, whole in itself."""
    with transaction(engine) as session:
        entry = LedgerEntry(
            id=number, form=1, year=2021, department_id=1, item="bonus.4", count=1, points=30_000, happened_at=NOW,
            recorded_at=NOW, source="admin", previous_hash=previous_hash, hash="",
        )  # fmt: skip
        entry.hash = seal(previous_hash, entry.model_dump())
        session.add(entry)


def test_a_replaced_entry_shows_at_the_next_one(kept: Engine, burgled: Callable[[str], None]) -> None:
    """Changed and sealed again: whole in itself, but what follows does not continue it."""
    with transaction(kept) as session:
        first = session.get_one(LedgerEntry, 1).hash
    burgled("DELETE FROM ledger_entry WHERE id = 2")
    _insert_row(kept, 2, first)
    assert checked(kept) == Break(3, "unlinked")


def test_a_whole_tail_replaced_shows_against_a_recorded_head(kept: Engine, burgled: Callable[[str], None]) -> None:
    """Somebody who rewrites the tail and the head row is caught by what was printed."""
    printed = head_of(kept)
    with transaction(kept) as session:
        fourth = session.get_one(LedgerEntry, 4).hash
    burgled("DELETE FROM ledger_entry WHERE id = 5")
    _insert_row(kept, 5, fourth)
    with transaction(kept) as session:
        forged = session.get_one(LedgerEntry, 5).hash
    burgled(f"UPDATE ledger_head SET hash = '{forged}'")
    assert checked(kept) == (5, forged)
    assert checked(kept, printed) == Break(5, "changed")


def test_a_cut_off_tail_shows_against_a_recorded_head(kept: Engine, burgled: Callable[[str], None]) -> None:
    printed = head_of(kept)
    with transaction(kept) as session:
        third = session.get_one(LedgerEntry, 3).hash
    burgled("DELETE FROM ledger_entry WHERE id > 3")
    burgled(f"UPDATE ledger_head SET number = 3, hash = '{third}'")
    assert checked(kept) == (3, third)
    assert checked(kept, printed) == Break(4, "cut off")


def test_a_head_printed_earlier_is_come_by(kept: Engine) -> None:
    printed = head_of(kept)
    with transaction(kept) as session:
        enter(session, 3)
    assert checked(kept, printed) == head_of(kept)
    assert head_of(kept)[0] == 8


def test_two_who_append_at_once_give_one_chain(kept: Engine, new_engine: Callable[[], Engine]) -> None:
    engines = [new_engine(), new_engine()]

    def append(engine: Engine, name: str) -> None:
        for _ in range(10):
            with transaction(engine) as session:
                enter(session, 1, name)

    threads = [threading.Thread(target=append, args=(one, f"writer {n}")) for n, one in enumerate(engines)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert checked(kept) == head_of(kept)
    assert head_of(kept)[0] == 25
