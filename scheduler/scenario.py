"""Scenario files: read, and checked as far as that goes without playing. Every fault is one line that says where."""

import re
import tomllib
from collections.abc import Callable, Mapping
from datetime import datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Literal

from scheduler.frame import Slot, slots_of
from scheduler.script import (
    Appeal,
    Decide,
    Deed,
    Down,
    Event,
    Exempt,
    Extend,
    Owed,
    Record,
    Reverse,
    Scenario,
    Submit,
    SubmitAll,
    Unit,
    Vote,
)
from scheduler.workdays import WorkCalendar
from scoring.ballots import ABSTAIN, Ballot, BallotError, read_ballot
from scoring.loading import RuleBookError, load
from scoring.tomltable import Fault, Table
from store.times import CHINA
from store.uploads import content_of

KINDS = ("bureau", "grassroots", "dual")
_YEARS = (1950, 9990)
_MOST = 1_000_000_000
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
_KIND = {"deduct": "deduction", "bonus": "bonus", "veto": "veto"}


class ScenarioError(Exception):
    """A scenario that cannot be. The text is one line: the file, the event's number where there is one, the fault."""

    def __init__(self, file: str, fault: str, event: int | None = None) -> None:
        where = file if event is None else f"{file}: event {event}"
        super().__init__(f"{where}: {' '.join(fault.split())}")
        self.file, self.fault, self.event = file, fault, event


def read_scenario(path: str | Path) -> Scenario:
    """Read and check a scenario file. Raises ScenarioError."""
    file = str(path)
    try:
        values = tomllib.loads(content_of(path).decode("utf-8-sig"), parse_float=Decimal)
    except OSError as fault:
        raise ScenarioError(file, fault.strerror or "cannot be read") from None
    except UnicodeDecodeError as fault:
        raise ScenarioError(file, f"not UTF-8 text (byte {fault.start})") from None
    except RecursionError:
        raise ScenarioError(file, "nested too deeply") from None
    except tomllib.TOMLDecodeError as fault:
        raise ScenarioError(file, str(fault)) from None
    except (ArithmeticError, ValueError):
        # An exponent or a number of digits beyond what Python reads.
        raise ScenarioError(file, "a number is too large or too long to be read") from None
    try:
        return _Reader(file).read(values)
    except Fault as fault:
        raise ScenarioError(file, str(fault)) from None


class _Keys(Table):
    """A table of a scenario. A time without an offset is China's."""

    def instant(self, key: str) -> datetime:
        value = self._take(key)
        if not isinstance(value, datetime):
            raise self._wrong(key, "a date with a time", value)
        if not _YEARS[0] <= value.year <= _YEARS[1]:
            raise self._wrong(key, f"a year from {_YEARS[0]} to {_YEARS[1]}", value)
        return value if value.tzinfo else value.replace(tzinfo=CHINA)

    def array(self, key: str, place: str = "") -> "list[_Keys]":
        """The tables of an array, none where it is missing; ``place`` and their number name them in faults."""
        value = self._take(key) if self.has(key) else []
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            raise self._wrong(key, f"[[{key}]] tables", value)
        return [_Keys(one, f"{place} {number}" if place else "") for number, one in enumerate(value, start=1)]

    @property
    def name(self) -> str | None:
        """The ``id`` by which others refer to an entry; it stays to be read."""
        value = self._left.get("id") if "item" in self._left else None
        return value if isinstance(value, str) else None

    def words(self, key: str) -> str:
        """A text that may be empty or missing."""
        value = self._take(key) if self.has(key) else ""
        if not isinstance(value, str):
            raise self._wrong(key, "a text", value)
        return value

    def list_of_texts(self, key: str) -> list[str]:
        """A list of texts that may be empty."""
        value = self._take(key)
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise self._wrong(key, "a list of texts", value)
        return value

    def entries(self, key: str) -> Mapping[str, object]:
        """A table with keys of any name and values of any kind."""
        value = self._take(key)
        if not isinstance(value, dict):
            raise self._wrong(key, "a table", value)
        return value


class _Reader:
    """Reads one file from top to bottom; what is known so far checks what follows."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.calendar = WorkCalendar()
        self.units: dict[str, Unit] = {}
        self.known_ids: frozenset[str] = frozenset()
        self.used_ids: set[str] = set()

    def read(self, values: Mapping[str, object]) -> Scenario:
        """The scenario. Raises Fault for what is wrong outside of events, ScenarioError for an event."""
        table = _Keys(values)
        with table.all_read():
            named = table.text("rulebook")
            try:
                self.rulebook = load(named, beside=Path(self.file).parent)
            except RuleBookError as fault:
                raise Fault("", str(fault)) from None
            year = table.whole("year", *_YEARS)
            self.start, self.end = table.instant("start"), table.instant("end")
            if self.end < self.start:
                raise Fault("end", "is before start")
            self.slots = {code: self._slots(code, year) for code in self.rulebook.duties}
            for row in table.array("department", "department"):
                self._unit(row)
            rows = table.array("event")
        self.known_ids = frozenset(row.name for row in rows if row.name)
        events = tuple(self._event(number, row) for number, row in enumerate(rows, start=1))
        return Scenario(self.file, named, self.rulebook, year, self.start, self.end, self.units, events)

    def _slots(self, duty: str, year: int) -> dict[str, Slot]:
        """The periods that exist: those of the year that are due after the start."""
        slots = slots_of(self.calendar, self.rulebook, self.rulebook.duties[duty], year)
        return {slot.covered.code: slot for slot in slots if slot.due_at > self.start}

    def _unit(self, row: _Keys) -> None:
        with row.all_read():
            code, name = row.text("code"), row.text("name")
            if code in self.units:
                raise Fault(row.place, f'the code "{code}" is used already')
            kind = row.choice("kind", [*KINDS, *(one for one in self.rulebook.classes if one not in KINDS)])
            vertical, reachable = row.flag("vertical", False), row.flag("reachable", True)
            duties = self._duties(row)
        owed = {duty: self.slots[duty] for duty in duties}
        self.units[code] = Unit(code, name, kind, vertical, reachable, owed)

    def _duties(self, row: _Keys) -> list[str]:
        if not row.has("duties"):
            return list(self.rulebook.duties)
        duties = row.list_of_texts("duties")
        for number, duty in enumerate(duties):
            if duty not in self.rulebook.duties:
                raise Fault(row.place, f'the rule book has no duty "{duty}"')
            if duty in duties[:number]:
                raise Fault(row.place, f'the duty "{duty}" is listed twice')
        return duties

    def _event(self, number: int, row: _Keys) -> Event:
        try:
            with row.all_read():
                at = row.instant("at")
                if not self.start <= at <= self.end:
                    raise Fault("at", f"{at.isoformat()} lies outside of start … end")
                do = row.choice("do", list(_DEEDS))
                deed = _DEEDS[do](self, row, at, do)
        except Fault as fault:
            raise ScenarioError(self.file, str(fault), number) from None
        return Event(number, at, deed)

    def _submit(self, row: _Keys, _at: datetime, _do: str) -> Submit:
        return Submit(self._owed(row))

    def _submit_all(self, row: _Keys, at: datetime, _do: str) -> SubmitAll:
        unit = self._department(row)
        duties = [self._duty(row, unit)] if row.has("duty") else list(unit.owed)
        since, until = self._month(row, "from", "0000-00"), self._month(row, "to", "9999-99")
        sends = []
        for duty in duties:
            for code, slot in unit.owed[duty].items():
                sent_at = datetime.combine(self.calendar.before(slot.due_day), time(10), CHINA)
                if since <= slot.covered.last_month <= until and at <= sent_at <= self.end:
                    sends.append((sent_at, Owed(unit.code, duty, code)))
        return SubmitAll(tuple(sends))

    def _record(self, row: _Keys, _at: datetime, do: str) -> Record:
        unit = self._department(row)
        code = row.text("item")
        item = self.rulebook.items.get(code)
        if item is None:
            raise Fault("item", f'the rule book has no item "{code}"')
        if item.kind != _KIND[do]:
            raise Fault("item", f'"{code}" is a {item.kind}, no {_KIND[do]}')
        count = row.whole("count", 1, _MOST, 1)
        reason = row.words("reason")
        name = row.optional_text("id")
        if name is not None:
            if name in self.used_ids:
                raise Fault("id", f'"{name}" is used already')
            self.used_ids.add(name)
        return Record(unit.code, code, count, reason, name)

    def _reverse(self, row: _Keys, _at: datetime, _do: str) -> Reverse:
        return Reverse(self._id(row))

    def _extend(self, row: _Keys, _at: datetime, _do: str) -> Extend:
        return Extend(self._owed(row), row.instant("until"))

    def _exempt(self, row: _Keys, _at: datetime, _do: str) -> Exempt:
        return Exempt(self._owed(row))

    def _outage(self, row: _Keys, at: datetime, _do: str) -> Down:
        until = row.instant("until")
        if until <= at:
            raise Fault("until", "is not later than at")
        return Down(until)

    def _held(self, row: _Keys, _at: datetime, _do: str) -> Decide:
        decisions: tuple[Literal["deduct"], Literal["exempt"]] = ("deduct", "exempt")
        return Decide(self._owed(row), row.choice("decide", decisions))

    def _ballot(self, row: _Keys, _at: datetime, _do: str) -> Vote:
        panel = row.choice("panel", list(self.rulebook.panels))
        rater = row.text("rater")
        if self.rulebook.panels[panel].raters == "department" and rater not in self.units:
            raise Fault("rater", f'there is no department "{rater}"')
        ballots = {}
        for code, scores in row.entries("scores").items():
            if code not in self.units:
                raise Fault("scores", f'there is no department "{code}"')
            if not self.rulebook.may_rate(panel, rater, code):
                raise Fault("scores", f'the department "{code}" rates itself')
            ballots[code] = self._scores(panel, code, scores)
        return Vote(panel, rater, ballots)

    def _scores(self, panel: str, code: str, scores: object) -> Ballot:
        answers = scores if isinstance(scores, list) else [scores]
        # Where answers are numbers, "9" is a text that somebody mistook for one.
        if not self.rulebook.panels[panel].tiers and scores != ABSTAIN and any(isinstance(one, str) for one in answers):
            raise Fault(f"scores, {code}", f'expected numbers, one number or "{ABSTAIN}"')
        try:
            return read_ballot(self.rulebook, panel, scores, self.units[code].kind)
        except BallotError as fault:
            where = f"scores, {code}" + (f", {fault.aspect}" if fault.aspect else "")
            limits = f" ({fault.least} to {fault.most})" if fault.most is not None else ""
            value = ", ".join(map(str, fault.value)) if isinstance(fault.value, tuple) else fault.value
            raise Fault(where, f"{value} is {_WRONG.get(fault.fault, fault.fault)}{limits}") from None

    def _appeal(self, row: _Keys, _at: datetime, _do: str) -> Appeal:
        of = self._id(row) if row.has("id") else self._owed(row)
        return Appeal(of, row.flag("accept"))

    def _department(self, row: _Keys) -> Unit:
        code = row.text("department")
        if code not in self.units:
            raise Fault("department", f'there is no department "{code}"')
        return self.units[code]

    def _duty(self, row: _Keys, unit: Unit) -> str:
        duty = row.text("duty")
        if duty not in self.rulebook.duties:
            raise Fault("duty", f'the rule book has no duty "{duty}"')
        if duty not in unit.owed:
            raise Fault("duty", f'"{unit.code}" does not owe "{duty}"')
        return duty

    def _owed(self, row: _Keys) -> Owed:
        unit = self._department(row)
        duty = self._duty(row, unit)
        code = row.text("period")
        if code not in unit.owed[duty]:
            raise Fault("period", f'there is no period "{code}" of {duty} in this scenario')
        return Owed(unit.code, duty, code)

    def _month(self, row: _Keys, key: str, default: str) -> str:
        month = row.text_or(key, default)
        if month != default and not _MONTH.fullmatch(month):
            raise Fault(key, f'expected a month such as "2021-03", got "{month}"')
        return month

    def _id(self, row: _Keys) -> str:
        name = row.text("id")
        if name not in self.known_ids:
            raise Fault("id", f'nothing is called "{name}"')
        return name


_WRONG = {
    "not_rated": "of a panel that does not rate this kind of department",
    "shape": "neither one figure per aspect nor one for all",
    "not_a_number": "no number",
    "out_of_range": "out of range",
    "unknown_tier": "no answer that the panel knows",
}
"""What a ballot's fault is called."""

_DEEDS: Mapping[str, Callable[[_Reader, _Keys, datetime, str], Deed]] = {
    "submit": _Reader._submit,
    "submit_all": _Reader._submit_all,
    "deduct": _Reader._record,
    "bonus": _Reader._record,
    "veto": _Reader._record,
    "reverse": _Reader._reverse,
    "extend": _Reader._extend,
    "exempt": _Reader._exempt,
    "outage": _Reader._outage,
    "held": _Reader._held,
    "ballot": _Reader._ballot,
    "appeal": _Reader._appeal,
}
