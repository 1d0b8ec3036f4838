"""A quarter of a compact zone, played through ``kaoping run`` as a process of its own, and what came of it."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, SQLModel, col, select

from bot.demo.player import Play
from bot.demo.zone import Zone, sample
from sandbox.clock import VirtualClock
from sandbox.facade import Sandbox
from sandbox.limits import Limits
from sandbox.world import Call
from scheduler.tables import HandIn, HandInFile, Obligation, Reminder, Settlement
from scheduler.workdays import WorkCalendar
from scoring import ledger
from scoring.chain import Break
from scoring.tables import LedgerEntry
from store import outbox
from store.db import open_engine, prepare, transaction
from store.inbox import InboxState, InboxUpdate
from store.times import CHINA

PATIENCE_SECONDS = 30.0
WARM_START = Path(__file__).with_name("warm_start.py")
HOUSE = Path(__file__).parents[2]
UNITS = ("fin", "com", "gov", "eme", "soc", "jzt", "hyj")
"""At the very deadline, by text and 零报告, the office itself, silent, in a group, extended, unreachable."""


def compact(codes: Collection[str] = UNITS) -> Zone:
    """The first quarter of the sample zone with some of its departments only, and what is said about them."""
    zone = sample()
    units = tuple(unit for unit in zone.units if unit.code in codes)
    gone = [unit.name for unit in zone.units if unit not in units]
    players = tuple(one for one in zone.players if one.department in (None, *codes))
    sayings = tuple(one for one in zone.sayings if not any(name in line for name in gone for line in one.say))
    return replace(zone, units=units, players=players, sayings=sayings, raters=(), ends=zone.closely_until)


class Warm:
    """The parent of all bots, which has imported what they need. One of its bots runs at a time."""

    def __init__(self, folder: Path) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("KAOPING_")}
        self._parent = subprocess.Popen(
            [sys.executable, str(WARM_START)],
            env={**environment, "PYTHONPATH": str(HOUSE)},
            cwd=folder,  # where there is no .env
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    async def begin(self, environment: dict[str, str], log: Path) -> int:
        """Has it fork a bot, and gives its number."""
        assert self._parent.stdin is not None
        self._parent.stdin.write(json.dumps({"environment": environment, "log": str(log)}) + "\n")
        self._parent.stdin.flush()
        return await self.line()

    async def line(self) -> int:
        """What it says next: the number of a bot that has begun, or the exit status of one that has ended."""
        assert self._parent.stdout is not None
        line = await asyncio.wait_for(asyncio.to_thread(self._parent.stdout.readline), PATIENCE_SECONDS)
        assert line, "the parent of the bots is gone"
        return int(line)

    def end(self) -> None:
        self._parent.kill()
        self._parent.communicate()


class Process:
    """``kaoping run``, forked from a warm parent and ended by SIGKILL or SIGTERM."""

    def __init__(self, warm: Warm, sandbox: Sandbox, database_url: str, log: Path, **settings: object) -> None:
        self._warm = warm
        self._sandbox = sandbox
        self._log = log
        self.pid: int | None = None
        self._environment = {
            "KAOPING_TOKEN": sandbox.token,
            "KAOPING_API_BASE": sandbox.url,
            "KAOPING_DATABASE_URL": database_url,
            "KAOPING_CLOCK": "server",
            "KAOPING_LIMITS": "false",
            **{f"KAOPING_{name.upper()}": str(value) for name, value in settings.items()},
        }

    @asynccontextmanager
    async def ready(self) -> AsyncIterator["Process"]:
        """A bot that still runs at the end is ended by SIGTERM and must end well."""
        try:
            yield self
            if self.pid is not None:
                assert await self._end(signal.SIGTERM) == 0, self.log()
        finally:
            if self.pid is not None:
                await self._end(signal.SIGKILL)

    async def start(self) -> None:
        """Starts a bot and waits until it listens."""
        polls = self._sandbox.world.updates.polls
        self.pid = await self._warm.begin(self._environment, self._log)
        try:
            await self._sandbox.until(lambda: self._sandbox.world.updates.polls > polls, patience=PATIENCE_SECONDS)
        except TimeoutError:
            raise AssertionError(f"the bot does not listen:\n{self.log()}") from None

    async def kill(self) -> None:
        """Ends the bot at once; it is gone when this returns."""
        assert await self._end(signal.SIGKILL) == -signal.SIGKILL, self.log()

    def log(self) -> str:
        """What the bots wrote to stderr."""
        return self._log.read_text() if self._log.exists() else ""

    async def _end(self, how: signal.Signals) -> int:
        assert self.pid is not None
        pid, self.pid = self.pid, None
        with suppress(ProcessLookupError):  # it has ended by itself: its status tells how
            os.kill(pid, how)
        return await self._warm.line()


class Quarter(Play):
    """The play, told shorter: the days on which nothing is due soon are passed over, and on others half past eight."""

    def _looks(self, calendar: WorkCalendar) -> Iterator[datetime]:
        return (at for at in super()._looks(calendar) if at.minute != 30 and (at.day <= 8 or at.day >= 23))


@dataclass(frozen=True)
class Outcome:
    """What a quarter left behind."""

    ledger: list[dict[str, Any]]
    hand_ins: list[dict[str, Any]]
    files: list[dict[str, Any]]
    obligations: list[dict[str, Any]]
    settlements: list[dict[str, Any]]
    reminders: Counter[tuple[int, datetime, str, bool]]
    """Obligation, deadline, rung, and whether it arrived: a bot that begins anew looks at the time once more, and may
    send what an administrator has just brought about a little earlier than one that sleeps until its next look."""
    messages: Counter[tuple[int, str, str]]
    """Chat, method and words of each message that went out, and how often it did."""
    unhandled: int
    failed: list[str | None]


def _rows(session: Session, table: type[SQLModel], without: Collection[str] = ()) -> list[dict[str, Any]]:
    return [row.model_dump(exclude=set(without)) for row in session.exec(select(table).order_by(table.id))]  # type: ignore[attr-defined]


def sent(sandbox: Sandbox) -> list[Call]:
    """Each message that the bot sent, in order."""
    return [call for call in sandbox.calls if call.error is None and call.method.startswith("send") and call.message_id]


def said(call: Call) -> tuple[int, str, str]:
    """What people would notice coming twice."""
    return call.chat_id or 0, call.method, call.text


@dataclass
class Stage:
    """Everything for one quarter: the sandbox with its people, the database, and the bot between them."""

    play: Quarter
    sandbox: Sandbox
    engine: Engine
    bot: Process

    async def quarter(self) -> None:
        """Everybody comes in, and the quarter is played."""
        await self.play.meet()
        await self.play.through()

    async def at(self, *said: str) -> None:
        """Moves the clock on to each ``02-02 09:00`` of the zone's year and lets the bot do what is then to be done."""
        for when in said:
            instant = datetime.strptime(f"{self.play.zone.year}-{when}", "%Y-%m-%d %H:%M").replace(tzinfo=CHINA)
            self.sandbox.set_time(instant)
            await self.play.settled()

    def outcome(self) -> Outcome:
        """Reads off what there is. Fails where the ledger's chain is broken."""
        with transaction(self.engine) as session:
            assert not isinstance(ledger.verify(session), Break)
            entries = _rows(session, LedgerEntry)
            return Outcome(
                ledger=entries,
                # What arrived is compared, not under what number Telegram keeps it.
                hand_ins=_rows(session, HandIn, without={"message_id", "album"}),
                files=_rows(session, HandInFile, without={"file_id", "unique_id", "checked_at"}),
                obligations=_rows(session, Obligation),
                settlements=_rows(session, Settlement),
                reminders=Counter(
                    (one.obligation_id, one.due_at, one.rung, one.delivered_at is not None)
                    for one in session.exec(select(Reminder))
                ),
                messages=Counter(map(said, sent(self.sandbox))),
                unhandled=len(session.exec(select(InboxUpdate).where(col(InboxUpdate.state) != InboxState.DONE)).all()),
                failed=[one.error for one in outbox.failures(session)],
            )


@asynccontextmanager
async def staged(warm: Warm, database_url: str, folder: Path, codes: Collection[str] = UNITS) -> AsyncIterator[Stage]:
    """A zone before its first day, on an empty database; the bot is ready but not started."""
    engine = open_engine(database_url)
    prepare(engine)
    zone = compact(codes)
    async with Sandbox(clock=VirtualClock(zone.opens, frozen=True), limits=Limits(on=False)) as sandbox:
        play = Quarter(zone, sandbox, engine)
        play.furnish()
        chair = play.people[zone.chair.name]
        bot = Process(warm, sandbox, database_url, folder / "bot.log", admins=chair.id, summary_chat=play.summary.id)
        async with bot.ready():
            yield Stage(play, sandbox, engine, bot)
    engine.dispose()


async def played(warm: Warm, database_url: str, folder: Path) -> Outcome:
    """A quarter in which nothing happens to the bot."""
    async with staged(warm, database_url, folder) as stage:
        await stage.bot.start()
        await stage.quarter()
        return stage.outcome()


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warm]:
    """The parent of all bots."""
    parent = Warm(tmp_path_factory.mktemp("warm"))
    yield parent
    parent.end()


@pytest.fixture(scope="session")
def twin(warm: Warm, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """What an uninterrupted quarter on SQLite comes to."""
    folder = tmp_path_factory.mktemp("twin")
    return asyncio.run(played(warm, f"sqlite:///{folder / 'kaoping.db'}", folder))


@pytest.fixture
def uninterrupted(warm: Warm) -> Callable[[str, Path], Awaitable[Outcome]]:
    """Plays a quarter in which nothing happens to the bot, on a database and with a folder for its log."""
    return lambda database_url, folder: played(warm, database_url, folder)


@pytest.fixture
async def small_stage(warm: Warm, tmp_path: Path) -> AsyncIterator[Stage]:
    """A stage on SQLite with two departments: one that does as it is told, and the office itself."""
    async with staged(warm, f"sqlite:///{tmp_path / 'kaoping.db'}", tmp_path, ("fin", "gov")) as stage:
        yield stage


@pytest.fixture
async def stage(warm: Warm, tmp_path: Path) -> AsyncIterator[Stage]:
    """A stage on SQLite."""
    async with staged(warm, f"sqlite:///{tmp_path / 'kaoping.db'}", tmp_path) as stage:
        yield stage
