"""A zone at work: the real bot on a virtual clock between the sandbox's Telegram and a real database.

The office opens on Friday 26 March 2021, 08:00: the first quarter's papers (工作动态, 工作总结, “双公示”台账) are due
at the end of Friday 2 April, and their first reminder goes at 09:00.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeVar

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from bot import assembly
from bot.application import Bot
from bot.clock import ServerClock
from bot.settings import Settings
from sandbox.clock import VirtualClock
from sandbox.facade import PersonView, Sandbox
from sandbox.limits import Limits
from scheduler.duties import assign_duty
from scheduler.frame import Frame
from scheduler.tables import HandIn, HandInFile, Obligation
from scoring.loading import load
from scoring.standings import put_in_force
from store import people, vitals
from store.db import transaction
from store.people import Department, Role
from store.times import CHINA

T = TypeVar("T")

OPENING = datetime(2021, 3, 26, 8, tzinfo=CHINA)
DUTIES = ("monthly_update", "quarterly_summary", "publicity_ledger")


def china(said: str) -> datetime:
    """``04-02 16:00`` of 2021, in China."""
    return datetime.strptime(f"2021-{said}", "%Y-%m-%d %H:%M").replace(tzinfo=CHINA)


@dataclass
class Office:
    """The sandbox, the database and the bot between them; the people by what they are."""

    sandbox: Sandbox
    engine: Engine
    bot: Bot
    liaison: PersonView
    """张三, 财政局."""
    head: PersonView
    """李局长, 财政局."""
    other: PersonView
    """王五, liaison of 商务局."""
    admin: PersonView
    """赵主任, administrator."""
    second: PersonView
    """钱科长, administrator."""

    def read(self, look: Callable[[Session], T]) -> T:
        """What the database shows now."""
        with transaction(self.engine) as session:
            return look(session)

    async def settled(self) -> None:
        """Waits until the bot has nothing left to do at the present time."""
        at = self.sandbox.clock.now().replace(microsecond=0)
        await self.sandbox.idle()
        async with asyncio.timeout(20):
            while not self.read(lambda session: vitals.is_idle(session, at)):  # noqa: ASYNC110 - another thread writes
                await asyncio.sleep(0.005)

    async def at(self, when: str) -> None:
        """Moves the clock on to ``04-02 16:00`` and lets the bot do what is then to be done."""
        self.sandbox.set_time(china(when))
        await self.settled()

    def hand_ins(self) -> list[HandIn]:
        """All that came in, in order."""
        return self.read(lambda session: list(session.exec(select(HandIn).order_by(HandIn.id))))  # type: ignore[arg-type]

    def files(self) -> list[HandInFile]:
        return self.read(lambda session: list(session.exec(select(HandInFile).order_by(HandInFile.id))))  # type: ignore[arg-type]

    def obligation(self, duty: str, period: str, department: str = "fin") -> Obligation:
        """An obligation as it stands."""
        query = (
            select(Obligation)
            .join(Department)
            .where(Department.code == department, Obligation.duty == duty, Obligation.period == period)
        )
        return self.read(lambda session: session.exec(query).one())

    async def newcomer(self, name: str, role: Role, department: str | None = None) -> PersonView:
        """Somebody who holds an office and has pressed start."""
        person = self.sandbox.person(name)
        with transaction(self.engine) as session:
            unit = session.exec(select(Department).where(Department.code == department)).first()
            known = people.met(session, person.id, name=name, username=None, now=self.sandbox.clock.now())
            people.appoint(session, known, role, self.sandbox.clock.now(), unit.id if unit else None)
        await person.start()
        await person.hear("您的身份")
        return person


def furnish(session: Session) -> None:
    """2021 is in force from this morning on; 财政局 owes all three papers, 商务局 two, 政务服务局 (the office) none."""
    put_in_force(session, load("jilin-2021"), 2021, OPENING)
    units = [
        Department(code="fin", name="财政局", kind="bureau"),
        Department(code="com", name="商务局", kind="bureau"),
        Department(code="gov", name="政务服务局", kind="bureau", aliases="营商办", office=True),
    ]
    session.add_all(units)
    session.flush()
    frame = Frame.of(session)
    for unit, duties in zip(units, (DUTIES, DUTIES[:2], ()), strict=True):
        for duty in duties:
            assign_duty(frame, unit, duty, since=date(2021, 3, 1), now=OPENING)


@pytest.fixture
async def office(engine: Engine) -> AsyncIterator[Office]:
    """The office on its first morning; everybody has pressed start, and nobody has anything unread."""
    with transaction(engine) as session:
        furnish(session)
    async with Sandbox(clock=VirtualClock(OPENING, frozen=True), limits=Limits(on=False)) as sandbox:
        settings = Settings(_env_file=None, token=sandbox.token, api_base=sandbox.url, limits=False)  # type: ignore[call-arg]
        bot = assembly.assemble(settings, engine, ServerClock())
        async with bot.running():
            zone = Office(
                sandbox=sandbox,
                engine=engine,
                bot=bot,
                liaison=sandbox.person("张三"),
                head=sandbox.person("李局长"),
                other=sandbox.person("王五"),
                admin=sandbox.person("赵主任"),
                second=sandbox.person("钱科长"),
            )
            await zone.newcomer("张三", Role.LIAISON, "fin")
            await zone.newcomer("李局长", Role.HEAD, "fin")
            await zone.newcomer("王五", Role.LIAISON, "com")
            await zone.newcomer("赵主任", Role.ADMINISTRATOR)
            await zone.newcomer("钱科长", Role.ADMINISTRATOR)
            await zone.settled()
            for person in (zone.liaison, zone.head, zone.other, zone.admin, zone.second):
                person.skip()
            yield zone
