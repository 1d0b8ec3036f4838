"""The whole bot over the sandbox, with an office of two administrators, a leading group and a few departments."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from bot.application import Bot
from bot.assembly import assemble
from bot.clock import ServerClock
from bot.opening import furnish
from bot.settings import Settings
from sandbox.clock import VirtualClock
from sandbox.facade import PersonView, Sandbox
from sandbox.limits import Limits
from sandbox.views import MessageView
from scoring.tables import LedgerEntry
from store import people, vitals
from store.db import transaction
from store.people import Department, Person, Role

START = datetime(2021, 4, 6, 2, 0, tzinfo=UTC)
"""2021-04-06 10:00 in China, a Tuesday."""


@dataclass
class Office:
    """The sandbox with its people, and the database behind the bot."""

    sandbox: Sandbox
    engine: Engine
    bot: Bot | None = None
    people: dict[str, PersonView] = field(default_factory=dict)

    def entries(self) -> list[LedgerEntry]:
        with transaction(self.engine) as session:
            return list(session.exec(select(LedgerEntry).order_by(LedgerEntry.id)))

    def dismisses(self, who: str) -> None:
        """Ends all that somebody held."""
        with transaction(self.engine) as session:
            person = people.person_of(session, self.people[who].id)
            for appointment in people.appointments_of(session, person):
                people.dismiss(session, appointment, self.sandbox.clock.now())

    async def settled(self) -> None:
        """Waits until the bot has nothing left to do."""
        at = self.sandbox.clock.now().replace(microsecond=0)
        await self.sandbox.idle()
        async with asyncio.timeout(20):
            while not self._idle(at):  # noqa: ASYNC110 - another thread writes it
                await asyncio.sleep(0.005)

    def _idle(self, at: datetime) -> bool:
        with transaction(self.engine) as session:
            return vitals.is_idle(session, at)

    async def says(self, who: str, text: str) -> MessageView:
        """What the bot answers to a text."""
        person = self.people[who]
        await person.send(text)
        await self.settled()
        return person.from_bot[-1]

    async def taps(self, who: str, button: str, message: MessageView | None = None) -> MessageView:
        """Taps a button under the bot's latest message; gives that message as it is then, or what came after it."""
        person = self.people[who]
        await person.tap(message or person.from_bot[-1], button)
        await self.settled()
        return person.from_bot[-1]


@pytest.fixture
async def office(sqlite_url: str) -> AsyncIterator[Office]:
    """甲 and 乙 are administrators, 丙 is of the leading group, 丁 is 财政局's liaison, 戊 of a member unit."""
    from store.db import open_engine

    engine = open_engine(sqlite_url)
    clock = VirtualClock(START, frozen=True)
    async with Sandbox(clock=clock, limits=Limits(on=False)) as sandbox:
        house = Office(sandbox, engine)
        settings = Settings(
            _env_file=None,
            token=sandbox.token,
            api_base=sandbox.url,
            admins=frozenset(),
            summary_chat=None,
            limits=False,
        )
        with transaction(engine) as session:
            furnish(session, settings, datetime(2021, 1, 1, tzinfo=UTC))
            _populate(session, house)
        house.bot = bot = assemble(settings, engine, ServerClock())
        async with bot.running():
            for person in house.people.values():
                await person.start()
            await house.settled()
            yield house
    engine.dispose()


def _populate(session: Session, house: Office) -> None:
    units = {}
    for code, name in (
        ("fin", "财政局"),
        ("hr", "人事局"),
        ("aud", "审计局"),
        ("gov", "政务服务局"),
        ("pub", "公安<分>局&队"),
    ):
        units[code] = Department(code=code, name=name, kind="bureau", office=code == "gov")
        session.add(units[code])
    session.flush()
    for name, role, unit in (
        ("甲", Role.ADMINISTRATOR, None),
        ("乙", Role.ADMINISTRATOR, "hr"),
        ("丙", Role.LEADING_GROUP, None),
        ("丁", Role.LIAISON, "fin"),
        ("戊", Role.MEMBER_UNIT, "aud"),
    ):
        view = house.sandbox.person(name)
        house.people[name] = view
        person = Person(telegram_id=view.id, name=name)
        session.add(person)
        session.flush()
        people.appoint(session, person, role, datetime(2021, 1, 1, tzinfo=UTC), units[unit].id if unit else None)
    house.people["路人"] = house.sandbox.person("路人")
