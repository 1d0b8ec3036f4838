"""The sample zone: read from ``zone.toml``, moved into an empty database, and turned into a list of who does what when.

Everything here is pure but ``settle_in``; the playing is ``bot.demo.player``.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time
from importlib import resources
from typing import Any, Literal

from sqlmodel import Session

from scheduler.duties import assign_duty
from scheduler.frame import Frame, Slot
from scoring import seats
from scoring.loading import load
from scoring.standings import put_in_force
from store import invitations, people
from store.people import Department, Role
from store.times import CHINA

Way = Literal["file", "text", "nil", "group"]
RatingWay = Literal["tap", "uneven", "type", "form"]

_COARSE = time(10)
"""When papers come in on a day that is not played closely: all at once."""


@dataclass(frozen=True)
class Player:
    """Somebody who uses the chat. ``note`` says whom he plays; ``later``: he is invited while the zone is played."""

    name: str
    note: str
    role: Role
    department: str | None
    later: bool = False


@dataclass(frozen=True)
class Unit:
    """A department with its habit: how far ahead it hands in, and how; ``otherwise`` names the exceptions.

    The exceptions map duty and period to the instant at which the paper came instead, None for never. ``esteem``: so
    many steps below the highest score is it rated. ``since``: before that its liaison has not come in.
    """

    code: str
    name: str
    kind: str
    aliases: str
    vertical: bool
    superior: str
    office: bool
    duties: tuple[str, ...] | None
    liaison: str | None
    group: str | None
    ahead: int
    at: time
    ways: Mapping[str, Way]
    otherwise: Mapping[tuple[str, str], datetime | None]
    esteem: int
    since: datetime | None


@dataclass(frozen=True)
class Saying:
    """What somebody writes, line by line, and the button that is then pressed each time, if any; without words he
    answers what he was sent.
    """

    at: datetime
    who: str
    say: tuple[str, ...]
    tap: str | None


@dataclass(frozen=True)
class Rater:
    """Somebody who rates at ``at``, and how: ``strict`` steps lower than others; ``rates`` only those (codes), () for
    all. With an assistant it is he who does it.
    """

    panel: str
    name: str
    unit: str
    assistant: str | None
    way: RatingWay
    strict: int
    rates: tuple[str, ...]
    at: datetime

    @property
    def hand(self) -> str:
        """Whose chat it is done in."""
        return self.assistant or self.name


@dataclass(frozen=True)
class Errand:
    """A department hands in a paper."""

    at: datetime
    unit: Unit
    duty: str
    title: str
    slot: Slot
    way: Way


@dataclass(frozen=True)
class Zone:
    """The zone as the file tells it; ``front`` names those whom the page shows at first.

    After ``closely_until`` only those instants are played at which something happens. ``hands_on`` opens what visitors
    may try for themselves.
    """

    name: str
    year: int
    opens: datetime
    closely_until: datetime
    ends: datetime
    summary_chat: str
    front: tuple[str, ...]
    players: tuple[Player, ...]
    units: tuple[Unit, ...]
    sayings: tuple[Saying, ...]
    raters: tuple[Rater, ...]
    hands_on: Saying

    @property
    def chair(self) -> Player:
        """The administrator who is there from the beginning and invites the others."""
        return next(one for one in self.players if one.role == Role.ADMINISTRATOR)


def sample() -> Zone:
    """The zone of ``zone.toml``."""
    told = tomllib.loads(resources.files(__package__).joinpath("zone.toml").read_text("utf-8"))
    players = [Player(one["name"], one["note"], Role(one["role"]), one.get("department")) for one in told["person"]]
    for one in told["department"]:
        for key, role, title in (("liaison", Role.LIAISON, "联络员"), ("head", Role.HEAD, "负责人")):
            if key in one:
                players.append(Player(one[key], f"{one['name']} {title}", role, one["code"], "since" in one))
    return Zone(
        told["name"],
        told["year"],
        told["opens"],
        told["closely_until"],
        told["ends"],
        told["summary_chat"],
        tuple(told["front"]),
        tuple(players),
        tuple(map(_unit, told["department"])),
        tuple(map(_saying, told["act"])),
        tuple(map(_rater, told["rater"])),
        _saying(told["hands_on"]),
    )


def _saying(told: dict[str, Any]) -> Saying:
    said = told.get("say", [])
    return Saying(told["at"], told["who"], (said,) if isinstance(said, str) else tuple(said), told.get("tap"))


def _rater(told: dict[str, Any]) -> Rater:
    return Rater(
        panel=told["panel"],
        name=told["name"],
        unit=told.get("unit", ""),
        assistant=told.get("assistant"),
        way=told["way"],
        strict=told.get("strict", 0),
        rates=tuple(told.get("rates", ())),
        at=told["at"],
    )


def _unit(told: dict[str, Any]) -> Unit:
    habit = dict(told.get("habit", {}))
    ahead, at = habit.pop("ahead", 0), habit.pop("at", "09:00")
    return Unit(
        code=told["code"],
        name=told["name"],
        kind=told["kind"],
        aliases=told.get("aliases", ""),
        vertical=told.get("vertical", False),
        superior=told.get("superior", ""),
        office=told.get("office", False),
        duties=tuple(told["duties"]) if "duties" in told else None,
        liaison=told.get("liaison"),
        group=told.get("group"),
        ahead=ahead,
        at=time.fromisoformat(at),
        ways=habit,
        otherwise={(one["duty"], one["period"]): one.get("at") for one in told.get("otherwise", ())},
        esteem=told.get("esteem", 0),
        since=told.get("since"),
    )


def settle_in(session: Session, zone: Zone, chair_id: int) -> dict[str, str]:
    """Puts the rule book in force, enters the departments with their duties and the raters' places, appoints the chair
    by his Telegram id.

    Returns the others' invitations: their names to the tokens of their links.
    """
    rulebook = load("jilin-2021")
    put_in_force(session, rulebook, zone.year, zone.opens)
    units = {
        one.code: Department(
            code=one.code,
            name=one.name,
            kind=one.kind,
            aliases=one.aliases,
            vertical=one.vertical,
            superior=one.superior,
            office=one.office,
        )
        for one in zone.units
    }
    session.add_all(units.values())
    session.flush()
    frame = Frame.of(session)
    for one in zone.units:
        for duty in one.duties or tuple(rulebook.duties):
            assign_duty(frame, units[one.code], duty, since=zone.opens.date().replace(day=1), now=zone.opens)
    for rater in zone.raters:
        if rulebook.panels[rater.panel].raters == "person":
            may = [units[code].id for code in rater.rates]
            seats.enter(session, year=zone.year, panel=rater.panel, name=rater.name, unit=rater.unit, may_rate=may)
    first = zone.chair
    chair = people.met(session, chair_id, name=first.name, username=None, now=zone.opens)
    people.appoint(session, chair, first.role, zone.opens, units[first.department].id if first.department else None)
    return {
        one.name: invitations.invite(
            session,
            role=one.role,
            department=units[one.department] if one.department else None,
            name=one.name,
            by=chair,
            now=zone.opens,
        )[0]
        for one in zone.players
        if one != first and not one.later
    }


def errands(session: Session, zone: Zone) -> Iterator[Errand]:
    """What the departments hand in while the zone is played, by their habits; in no order."""
    frame = Frame.of(session)
    rulebook = frame.rulebook(zone.year)
    for unit in zone.units:
        for duty, way in unit.ways.items():
            for slot in frame.slots(zone.year, duty):
                day = slot.due_day if not unit.ahead else frame.calendar.before(slot.due_day, unit.ahead)
                usual = datetime.combine(day, unit.at, CHINA)
                if usual > zone.closely_until:
                    usual = datetime.combine(day, _COARSE, CHINA)
                at = unit.otherwise.get((duty, slot.covered.code), usual)
                if at is not None and (unit.since or zone.opens) < at < zone.ends:
                    yield Errand(at, unit, duty, rulebook.duties[duty].short, slot, way)
