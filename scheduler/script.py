"""What a scenario consists of: departments and what happens to them, as plain data. See ``scheduler.scenario``."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from scheduler.frame import Slot
from scoring.ballots import Ballot
from scoring.rulebook import RuleBook


@dataclass(frozen=True, slots=True)
class Unit:
    """A department of the scenario and the periods it owes, by duty."""

    code: str
    name: str
    kind: str
    vertical: bool
    reachable: bool
    owed: Mapping[str, Mapping[str, Slot]]


@dataclass(frozen=True, slots=True)
class Owed:
    """One obligation: whose, which duty, which period."""

    department: str
    duty: str
    period: str


@dataclass(frozen=True, slots=True)
class Submit:
    owed: Owed


@dataclass(frozen=True, slots=True)
class SubmitAll:
    """``sends``: each obligation of the range with the instant at which it is handed in."""

    sends: tuple[tuple[datetime, Owed], ...]


@dataclass(frozen=True, slots=True)
class Record:
    """A deduction, bonus or veto by hand."""

    department: str
    item: str
    count: int
    reason: str
    id: str | None


@dataclass(frozen=True, slots=True)
class Reverse:
    id: str


@dataclass(frozen=True, slots=True)
class Extend:
    owed: Owed
    until: datetime


@dataclass(frozen=True, slots=True)
class Exempt:
    owed: Owed


@dataclass(frozen=True, slots=True)
class Down:
    """An outage: the bot is down from the event's ``at`` until then."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Decide:
    owed: Owed
    decision: Literal["deduct", "exempt"]


@dataclass(frozen=True, slots=True)
class Vote:
    """One rater's ballots in one panel, by department; whoever is left out is abstained on."""

    panel: str
    rater: str
    ballots: Mapping[str, Ballot]


@dataclass(frozen=True, slots=True)
class Appeal:
    """``of``: the id of an entry, or an obligation."""

    of: str | Owed
    accept: bool


Deed: TypeAlias = Submit | SubmitAll | Record | Reverse | Extend | Exempt | Down | Decide | Vote | Appeal


@dataclass(frozen=True, slots=True)
class Event:
    """``number``: from 1, in file order."""

    number: int
    at: datetime
    deed: Deed


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario, checked on paper. ``named`` is the rule book as the file names it."""

    file: str
    named: str
    rulebook: RuleBook
    year: int
    start: datetime
    end: datetime
    units: Mapping[str, Unit]
    events: tuple[Event, ...]
