"""What freezing a large year costs, beside reading its rows plainly, and what checking the frozen file costs.

The bar: 1,000 departments with 1,000,000 entries freeze in under 30 s and under 1 GB. The memory is that of a process
that does nothing else.
"""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sqlmodel import Session

from benchmarks.ranking import NOW, filled
from scoring import frozen, results
from scoring.loading import load
from scoring.result_tables import FrozenFile
from scoring.tables import LedgerEntry
from store.db import open_engine
from store.people import Person


def freeze(path: str) -> None:
    """Freezes the year in a database, and says in how many seconds, and with how many bytes at most."""
    engine = open_engine(f"sqlite:///{path}")
    with Session(engine) as session, session.begin():
        clerk = Person(name="管理员")
        session.add(clerk)
        session.flush()
        began = time.perf_counter()
        for _ in session.connection().execute(LedgerEntry.__table__.select(), execution_options={"yield_per": 2000}):  # type: ignore[attr-defined]
            pass
        plain = time.perf_counter() - began
        began = time.perf_counter()
        result = results.freeze(session, 2021, by=clerk, now=NOW, calendar="benchmark", obstacles=(), override="")
        took = time.perf_counter() - began
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        began = time.perf_counter()
        checked = frozen.check(results.lines_of(session, result))
        checking = time.perf_counter() - began
        assert checked.hash == result.hash
        kept = len(session.get_one(FrozenFile, result.id).content)
        print(plain, took, most, result.size, kept, checking)
    engine.dispose()


def main(*, quick: bool = False) -> None:
    """Print the figures of one run. ``quick``: a tenth of the entries."""
    departments, entries = (1_000, 100_000) if quick else (1_000, 1_000_000)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.db"
        filled(path, departments, entries, load("jilin-2021")).dispose()
        told = subprocess.run(
            [sys.executable, "-c", f"from benchmarks.freezing import freeze; freeze({str(path)!r})"],
            check=True,
            capture_output=True,
            text=True,
        )
    plain, took, most, size, packed, check = map(float, told.stdout.split())
    print(f"freezing: {departments:,} departments, {entries:,} entries, SQLite on disk")
    print(f"  reading the rows plainly {plain:6.1f} s")
    print(f"  freezing                 {took:6.1f} s   ratio {took / plain:.2f} (bar 30 s)")
    print(f"  memory at most           {most / 1e6:6.0f} MB  (bar 1,000)")
    print(f"  the file                 {size / 1e6:6.0f} MB, {packed / 1e6:.0f} MB as it is kept")
    print(f"  checking it offline      {check:6.1f} s")
