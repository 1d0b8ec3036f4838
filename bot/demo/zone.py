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
from scoring.loading import load
from scoring.standings import put_in_force
from store import invitations, people
from store.people import Department, Role
from store.times import CHINA

Way = Literal["file", "text", "nil", "group"]


@dataclass(frozen=True)
class Player:
    """Somebody who uses the chat. ``note`` says whom he plays."""

    name: str
    note: str
    role: Role
    department: str | None


@dataclass(frozen=True)
class Unit:
    """A department with its habit: how far ahead it hands in, and how; ``otherwise`` names the exceptions.

    The exceptions map duty and period to the instant at which the paper came instead, None for never.
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


@dataclass(frozen=True)
class Saying:
    """What an administrator writes, and the button that is then pressed; without words he answers what he was sent."""

    at: datetime
    who: str
    say: str | None
    tap: str


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
    """The zone as the file tells it; of the players, those come first whom the page shows at first."""

    name: str
    year: int
    opens: datetime
    ends: datetime
    summary_chat: str
    players: tuple[Player, ...]
    units: tuple[Unit, ...]
    sayings: tuple[Saying, ...]

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
                players.append(Player(one[key], f"{one['name']} {title}", role, one["code"]))
    return Zone(
        told["name"],
        told["year"],
        told["opens"],
        told["ends"],
        told["summary_chat"],
        tuple(sorted(players, key=lambda one: (*told["front"], one.name).index(one.name))),
        tuple(map(_unit, told["department"])),
        tuple(Saying(one["at"], one["who"], one.get("say"), one["tap"]) for one in told["act"]),
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
    )


def settle_in(session: Session, zone: Zone, chair_id: int) -> dict[str, str]:
    """Puts the rule book in force, enters the departments with their duties, appoints the chair by his Telegram id.

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
        if one != first
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
                at = unit.otherwise.get((duty, slot.covered.code), usual)
                if at is not None and zone.opens < at < zone.ends:
                    yield Errand(at, unit, duty, rulebook.duties[duty].short, slot, way)
