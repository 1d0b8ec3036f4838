"""Random scenarios against a second, naive computation that goes through them minute by minute, with nothing but lists.

It knows one duty (the monthly update of January 2021, due on 2 February) and nothing of tables, indexes or next looks.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scheduler.scenario import ScenarioError
from scheduler.simulation import simulate
from store.times import CHINA, iso_china

START = datetime(2021, 1, 20, tzinfo=CHINA)
END = datetime(2021, 2, 20, 18, tzinfo=CHINA)
DUE = datetime(2021, 2, 3, tzinfo=CHINA)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
GRACE = 10 * MINUTE

# Worked days of the weeks in question; the Spring Festival was 11 to 17 February, the 7th and the 20th were worked.
WORKED = {date(2021, 1, day) for day in (*range(18, 23), *range(25, 30))} | {
    date(2021, 2, day) for day in (1, 2, 3, 4, 5, 7, 8, 9, 10, 18, 19, 20, 22, 23, 24, 25, 26)
}


class Impossible(Exception):
    pass


@dataclass
class Unit:
    """What happens to one department, and what has become of it."""

    reachable: bool
    due: datetime = DUE
    accept: datetime = DUE
    told_from: datetime | None = None
    received: list[datetime] = field(default_factory=list)
    told: list[tuple[datetime, datetime]] = field(default_factory=list)
    rungs_sent: set[tuple[datetime, datetime]] = field(default_factory=set)
    exempt: bool = False
    settled: set[datetime] = field(default_factory=set)
    entries: list[dict[str, Any]] = field(default_factory=list)
    held: datetime | None = None

    def met(self) -> bool:
        return self.exempt or any(sent < self.accept for sent in self.received)

    def standing(self) -> list[dict[str, Any]]:
        return [entry for entry in self.entries if not entry["reversed"]]

    def relieve(self) -> None:
        for entry in self.entries:
            entry["reversed"] = True
        self.held = None

    def deduct(self, due: datetime) -> None:
        self.entries.append({"happened": iso_china(due), "reversed": False})


@cache
def rungs(due: datetime) -> list[datetime]:
    """The instants at which reminders go before a deadline."""
    day = (due - MINUTE).date()
    before = sorted((one for one in WORKED if one < day), reverse=True)
    nine = [datetime(*before[count - 1].timetuple()[:3], 9, tzinfo=CHINA) for count in (5, 3, 1)]
    if day in WORKED:
        nine += [datetime(*day.timetuple()[:3], hour, tzinfo=CHINA) for hour in (9, 14)]
    return [one for one in nine if one < due]


def open_office(now: datetime) -> bool:
    return now.date() in WORKED and (8, 30) <= (now.hour, now.minute) < (17, 0)


def live(unit: Unit, now: datetime, outages: list[tuple[datetime, datetime]], *, closing: bool = False) -> None:
    """What the bot does at a minute at which it is up."""
    if unit.due not in unit.settled and now >= unit.due + (timedelta() if closing else GRACE):
        unit.settled.add(unit.due)
        if not unit.met():
            since = unit.told_from
            told = [at for at, due in unit.told if at < unit.due and (since is None or (at >= since and due > since))]
            lost = any(began < unit.due <= ended and ended - began > DAY for began, ended in outages)
            if lost or not told:
                unit.held = unit.due
            else:
                unit.deduct(unit.due)
    if closing or unit.met() or now >= unit.due or not open_office(now):
        return
    current = [one for one in rungs(unit.due) if one <= now][-1:]
    if current and (unit.due, current[0]) not in unit.rungs_sent:
        unit.rungs_sent.add((unit.due, current[0]))
        if unit.reachable:
            unit.told.append((now, unit.due))


def receive(unit: Unit, sent: datetime) -> None:
    unit.received.append(sent)
    if unit.met():
        unit.relieve()


def happen(unit: Unit, event: dict[str, Any], now: datetime) -> None:
    match event["do"]:
        case "exempt":
            unit.exempt = True
            unit.relieve()
        case "extend":
            until = event["until"]
            if until <= max(unit.due, unit.accept):
                raise Impossible
            beaten = any(sent < until for sent in unit.received)
            if now < unit.due or beaten or until > now:
                if now >= unit.due:
                    unit.relieve()
                    unit.told_from = now
                unit.due = until
            unit.accept = until
        case "appeal":
            if not unit.standing():
                raise Impossible
            if event["accept"]:
                unit.standing()[0]["reversed"] = True
        case "held":
            if unit.held is None:
                raise Impossible
            if event["decide"] == "deduct":
                unit.deduct(unit.held)
                unit.held = None
            else:
                unit.exempt = True
                unit.relieve()


def naive(units: list[Unit], events: list[dict[str, Any]]) -> int | None:
    """Play minute by minute. Returns the number of the event that cannot be, if there is one."""
    merged: list[tuple[datetime, datetime]] = []
    for event in sorted((one for one in events if one["do"] == "outage"), key=lambda one: one["at"]):
        if merged and event["at"] <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], event["until"]))
        else:
            merged.append((event["at"], event["until"]))

    def ends(now: datetime) -> datetime | None:
        return next((ended for began, ended in merged if began <= now < ended), None)

    by_minute: dict[datetime, list[tuple[int, dict[str, Any]]]] = {}
    backlog: dict[datetime, list[tuple[datetime, int, int]]] = {}
    for number, event in enumerate(events, start=1):
        by_minute.setdefault(event["at"], []).append((number, event))
        ended = ends(event["at"])
        if event["do"] == "submit" and ended is not None and ended - event["at"] <= DAY:
            backlog.setdefault(ended, []).append((event["at"], number, event["unit"]))
    now = START
    while now <= END:
        up = ends(now) is None
        if up:
            for sent, _, unit in sorted(backlog.pop(now, [])):
                receive(units[unit], sent)
            for one in units:
                live(one, now, merged)
        for number, event in by_minute.get(now, []):
            if event["do"] == "submit" and up:
                receive(units[event["unit"]], now)
            elif event["do"] not in ("submit", "outage"):
                try:
                    happen(units[event["unit"]], event, now)
                except Impossible:
                    return number
        if up and now in by_minute:
            for one in units:
                live(one, now, merged)
        now += MINUTE
    running = ends(END)
    for sent, _, unit in sorted(backlog.get(running, [])) if running else []:
        receive(units[unit], sent)
    for one in units:
        live(one, END, merged, closing=True)
    return None


def written(units: list[Unit], events: list[dict[str, Any]]) -> str:
    lines = ['rulebook = "jilin-2021"', "year = 2021", f"start = {iso_china(START)}", f"end = {iso_china(END)}"]
    for number, unit in enumerate(units):
        lines += ["[[department]]", f'code = "u{number}"', f'name = "单位{number}"', 'kind = "bureau"']
        lines += ['duties = ["monthly_update"]', f"reachable = {str(unit.reachable).lower()}"]
    for event in events:
        lines += ["[[event]]", f"at = {iso_china(event['at'])}", f'do = "{event["do"]}"']
        if event["do"] != "outage":
            lines += [f'department = "u{event["unit"]}"', 'duty = "monthly_update"', 'period = "2021-01"']
        lines += [f"until = {iso_china(event['until'])}"] if "until" in event else []
        lines += [f"accept = {str(event['accept']).lower()}"] if "accept" in event else []
        lines += [f'decide = "{event["decide"]}"'] if "decide" in event else []
    return "\n".join(lines)


# Instants at which something may turn over, and any ten minutes of the weeks around the deadline.
EDGES = [
    datetime.fromisoformat(f"2021-{text}").replace(tzinfo=CHINA)
    for text in (
        "01-26T09:00", "01-28T09:00", "02-01T08:30", "02-01T17:00", "02-02T09:00", "02-02T14:00", "02-02T16:59",
        "02-02T17:00", "02-02T23:59", "02-03T00:00", "02-03T00:01", "02-03T00:10", "02-03T09:00",
        "02-05T16:59", "02-05T20:00", "02-06T00:00", "02-07T00:00", "02-08T09:00", "02-10T00:00",
    )
]  # fmt: skip
ANY = st.integers(0, 16 * 144 - 1).map(lambda ten: datetime(2021, 1, 26, tzinfo=CHINA) + ten * 10 * MINUTE)
INSTANTS = st.sampled_from(EDGES) | ANY
EXTENDED = st.sampled_from([DUE + number * DAY for number in range(1, 9)] + EDGES) | ANY
UNITS = st.integers(0, 2)


def event(do: str, **more: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"at": INSTANTS, "do": st.just(do), "unit": UNITS, **more})


def outage(began: datetime, minutes: int) -> dict[str, Any]:
    return {"at": began, "do": "outage", "until": began + minutes * MINUTE}


EVENTS = st.lists(
    event("submit")
    | event("extend", until=EXTENDED)
    | event("exempt")
    | st.builds(outage, INSTANTS, st.integers(1, 3 * 24 * 6).map(lambda ten: ten * 10) | st.sampled_from([1440, 1441]))
    | event("held", decide=st.sampled_from(["deduct", "exempt"]))
    | event("appeal", accept=st.booleans()),
    max_size=9,
)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    path = tmp_path_factory.mktemp("naive") / "random.toml"

    def write(text: str) -> Path:
        path.write_text(text, encoding="utf-8")
        return path

    return write


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.booleans(), min_size=3, max_size=3), EVENTS)
def test_the_simulation_gives_what_minute_by_minute_gives(
    scratch: Callable[[str], Path], reachable: list[bool], events: list[dict[str, Any]]
) -> None:
    units = [Unit(one) for one in reachable]
    path = scratch(written(units, events))
    impossible = naive(units, events)
    if impossible is not None:
        with pytest.raises(ScenarioError) as refused:
            simulate(path)
        assert refused.value.event == impossible
        return
    down = any(one["do"] == "outage" for one in events)
    for number, (unit, found) in enumerate(zip(units, simulate(path)["departments"], strict=True)):
        entries = [{"happened": one["happened"], "reversed": one["reversed"]} for one in found["entries"]]
        assert entries == sorted(unit.entries, key=lambda one: one["happened"])
        assert bool(found["held"]) == (unit.held is not None)
        standing = [one for one in found["entries"] if not one["reversed"]]
        assert len(standing) <= 1, "nobody is charged twice for one period"
        assert found["daily"] == ("39.00" if standing else "40.00")
        own = [one for one in events if one["do"] == "submit" and one["unit"] == number]
        if not down and any(one["at"] < DUE for one in own):
            assert found["entries"] == found["held"] == [], "what came in time is never charged, not for a moment"
