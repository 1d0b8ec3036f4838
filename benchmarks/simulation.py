"""What a year of 60 departments takes to simulate, and what a tick costs that finds nothing to do.

The bars: a year under 10 s; an idle tick a few looks into an index (under 5 ms with a year of rows).
"""

import random
import tempfile
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

from sqlmodel import Session

from scheduler.duties import assign_duty
from scheduler.frame import Frame
from scheduler.simulation import simulate
from scheduler.tick import tick
from scoring.loading import load
from scoring.standings import put_in_force
from store import vitals
from store.db import open_engine, prepare, transaction
from store.people import Department
from store.times import CHINA, iso_china

DUTIES = ("monthly_update", "publicity_ledger", "quarterly_summary")
HEAD = """rulebook = "jilin-2021"
year = 2021
start = 2021-01-01T00:00:00+08:00
end = 2022-01-31T18:00:00+08:00
"""


def silent(_number: int) -> list[str]:
    """Nothing is handed in: everything is reminded of to the end, and deducted."""
    return []


def punctual(number: int) -> list[str]:
    """Everything a working day before it is due."""
    return ["[[event]]", "at = 2021-01-01T00:00:00+08:00", 'do = "submit_all"', f'department = "d{number}"']


def scattered(number: int) -> list[str]:
    """Each hand-in at a second of its own, around the turn of the month; some late, some never."""
    chance = random.Random(number)  # noqa: S311 - for the same year in every run
    lines: list[str] = []
    for month in range(1, 13):
        turn = datetime(2021 + month // 12, month % 12 + 1, 1, tzinfo=CHINA)
        for duty in DUTIES:
            if (duty == "quarterly_summary" and month % 3) or chance.random() < 0.05:
                continue
            period = f"2021Q{month // 3}" if duty == "quarterly_summary" else f"2021-{month:02}"
            sent = turn + timedelta(seconds=chance.randint(-5 * 86400, 4 * 86400))
            lines += ["[[event]]", f"at = {iso_china(sent)}", 'do = "submit"', f'department = "d{number}"']
            lines += [f'duty = "{duty}"', f'period = "{period}"']
    return lines


def year(folder: Path, departments: int, events: Callable[[int], list[str]]) -> float:
    """Seconds to play a year."""
    lines = [HEAD]
    for number in range(departments):
        lines += ["[[department]]", f'code = "d{number}"', f'name = "单位{number}"', 'kind = "bureau"']
    for number in range(departments):
        lines += events(number)
    path = folder / "year.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    begun = time.perf_counter()
    simulate(path)
    return time.perf_counter() - begun


def idle_tick(folder: Path, departments: int) -> float:
    """Seconds of the quickest of 50 ticks with nothing to do, each in a transaction of its own, after a year."""
    engine = open_engine(f"sqlite:///{folder}/ticks.db")
    prepare(engine)
    with transaction(engine) as session:
        _year_of_rows(session, departments)
    spent = []
    for second in range(50):
        now = datetime(2021, 12, 20, 11, 0, second, tzinfo=CHINA)
        with transaction(engine) as session:
            begun = time.perf_counter()
            tick(session, now)
            spent.append(time.perf_counter() - begun)
    engine.dispose()
    return min(spent)


def _year_of_rows(session: Session, departments: int) -> None:
    start = datetime(2021, 1, 1, tzinfo=CHINA)
    put_in_force(session, load("jilin-2021"), 2021, start)
    frame = Frame.of(session)
    for number in range(departments):
        department = Department(code=f"d{number}", name=f"单位{number}", kind="bureau")
        session.add(department)
        session.flush()
        for duty in DUTIES:
            assign_duty(frame, department, duty, since=date(2021, 1, 1), now=start)
    for day in range(353):
        now = start + timedelta(days=day, hours=10, minutes=59)
        row = vitals.vitals(session)
        row.drained_at = row.last_contact = now
        tick(session, now)


def main(*, quick: bool = False) -> None:
    departments = 12 if quick else 60
    with tempfile.TemporaryDirectory(prefix="kaoping-bench-") as name:
        folder = Path(name)
        for kind in (silent, punctual, scattered):
            seconds = year(folder, departments, kind)
            print(f"a year of {departments} departments, {kind.__name__:>9}: {seconds:5.2f} s (bar: 10 s)")
        milliseconds = idle_tick(folder, departments) * 1000
        print(f"a tick with nothing to do, after a year of {departments}: {milliseconds:.2f} ms (bar: 5 ms)")


if __name__ == "__main__":
    main()
