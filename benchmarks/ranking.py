"""What a rank list costs beside the plain SQL ``GROUP BY`` over the same rows, and what one department's score costs.

The bars: ``rank`` at most twice the plain sum; ``score`` under 10 ms and independent of the others' entries.
"""

import gc
import random
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine, text
from sqlmodel import Session

import scoring.tables  # noqa: F401 - the tables below
from scoring.cards import card_of, rank_list
from scoring.loading import load
from scoring.rulebook import RuleBook
from scoring.standings import put_in_force
from store.db import open_engine, prepare, transaction
from store.people import Department

NOW = datetime(2021, 1, 1, tzinfo=UTC)
PLAIN = text(
    "SELECT department_id, item, SUM(count), SUM(points) FROM ledger_entry WHERE year = 2021 "
    "GROUP BY department_id, item"
)
COARSE = text("SELECT department_id, SUM(points) FROM ledger_entry WHERE year = 2021 GROUP BY department_id")
INSERT = (
    "INSERT INTO ledger_entry (id, form, year, department_id, item, count, points, happened_at, recorded_at, source,"
    " reason, previous_hash, hash) VALUES (?, 1, 2021, ?, ?, 1, ?, '2021-03-01 00:00:00.000000',"
    " '2021-03-01 00:00:00.000000', 'admin', ?, ?, ?)"
)


def filled(path: Path, departments: int, entries: int, rulebook: RuleBook) -> Engine:
    """A ledger with so many entries, spread at random. Its hashes are of the right length and otherwise made up: the
    chain takes no part in a rank list.
    """
    engine = open_engine(f"sqlite:///{path}")
    prepare(engine)
    with transaction(engine) as session:
        put_in_force(session, rulebook, 2021, NOW)
        session.add_all(Department(code=f"d{n}", name=f"单位{n}", kind="bureau") for n in range(departments))
    chance = random.Random(2021)  # noqa: S311 - for the same rows in every run
    items = [item for item in rulebook.items.values() if item.kind != "veto"]
    rows = []
    for number in range(1, entries + 1):
        item = chance.choice(items)
        made_up = f"{number:064x}"
        rows.append((number, chance.randint(1, departments), item.code, item.points, f"第{number}号", made_up, made_up))
    with engine.begin() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.executemany(INSERT, rows)
    with engine.begin() as connection:
        connection.execute(text("ANALYZE"))
    return engine


def milliseconds(works: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """The best of several rounds of each, taken in turn, so that what disturbs one from outside disturbs all alike."""
    best = dict.fromkeys(works, float("inf"))
    for _ in range(rounds):
        for name, work in works.items():
            gc.collect()
            began = time.perf_counter()
            work()
            best[name] = min(best[name], (time.perf_counter() - began) * 1000)
    return best


def measured(departments: int, entries: int, rounds: int) -> dict[str, float]:
    """Milliseconds: the sums that a score needs, a sum per department alone, the rank list, one department's score."""
    with tempfile.TemporaryDirectory() as folder:
        engine = filled(Path(folder) / "ledger.db", departments, entries, load("jilin-2021"))
        with Session(engine) as session:
            department = session.get_one(Department, (departments + 1) // 2)
            found = milliseconds(
                {
                    "plain": lambda: session.connection().execute(PLAIN).all(),
                    "coarse": lambda: session.connection().execute(COARSE).all(),
                    "rank": lambda: rank_list(session, 2021, "daily"),
                },
                rounds,
            )
            found |= milliseconds({"score": lambda: card_of(session, department, 2021)}, rounds * 5)
        engine.dispose()
    return found


def main(*, quick: bool = False) -> None:
    """Print the figures of one run. ``quick``: a tenth of the entries."""
    departments, entries = (1_000, 100_000) if quick else (1_000, 1_000_000)
    many = measured(departments, entries, rounds=5 if quick else 10)
    each = entries // departments
    alone = measured(1, each, rounds=10)
    print(f"rank: {departments:,} departments, {entries:,} entries, SQLite on disk")
    print(f"  plain SQL GROUP BY     {many['plain']:8.1f} ms   per department and item, which caps and vetoes need")
    print(f"  rank list              {many['rank']:8.1f} ms   ratio {many['rank'] / many['plain']:.2f} (bar 2)")
    print(f"  (per department alone  {many['coarse']:8.1f} ms)")
    print(f"score: one department, {each:,} entries")
    print(f"  among {entries:>9,} entries {many['score']:8.1f} ms   (bar 10)")
    print(f"  with no other entries  {alone['score']:8.1f} ms   ratio {many['score'] / alone['score']:.2f}")
