"""A bot of a few plain handlers, run against the sandbox over HTTP."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select
from telegram import Update
from telegram.ext import CallbackQueryHandler, CommandHandler, MessageHandler, filters

from bot.application import Bot
from bot.clock import ServerClock
from bot.deliveries import Hooks
from bot.dispatch import Courtesies
from bot.settings import Settings
from bot.workers import Workers
from handlers.context import Context, KaopingApplication
from sandbox.clock import VirtualClock
from sandbox.facade import Sandbox
from sandbox.limits import Limits
from store import vitals
from store.blobs import Blob
from store.db import open_engine, transaction

T = TypeVar("T")
START = datetime(2021, 4, 2, 8, 0, tzinfo=UTC)

Handler = Callable[[Context], Any]


@dataclass
class House:
    """The sandbox, the database, and the bot that runs between them with the handlers a test adds."""

    sandbox: Sandbox
    engine: Engine
    on_text: Handler = lambda context: context.reply("收到")
    on_tap: Handler = lambda context: context.answer()
    on_command: dict[str, Handler] = field(default_factory=dict)
    ticks: list[datetime] = field(default_factory=list)
    on_tick: Callable[[Session, datetime], None] = lambda _session, _now: None
    hooks: Hooks = field(default_factory=Hooks)
    draw: Callable[[str, dict[str, Any]], bytes] | None = None
    courtesies: Courtesies | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    bot: Bot | None = None

    def register(self, application: KaopingApplication) -> None:
        async def text(_update: Update, context: Context) -> None:
            self.on_text(context)

        for name in self.on_command:

            async def command(_update: Update, context: Context, name: str = name) -> None:
                self.on_command[name](context)

            application.add_handler(CommandHandler(name, command))

        async def tap(_update: Update, context: Context) -> None:
            self.on_tap(context)

        application.add_handler(CallbackQueryHandler(tap))
        application.add_handler(MessageHandler(filters.ALL, text))

    def tick(self, session: Session, now: datetime) -> None:
        self.ticks.append(now)
        self.on_tick(session, now)

    def make_settings(self) -> Settings:
        values: dict[str, Any] = {"token": self.sandbox.token, "api_base": self.sandbox.url, **self.settings}
        return Settings(_env_file=None, **values)

    def make_bot(self) -> Bot:
        return Bot(self.make_settings(), self.engine, ServerClock(), hire=self.hire)

    def hire(self, *means: Any) -> Workers:
        own = {"hooks": self.hooks, "draw": self.draw, "courtesies": self.courtesies}
        return Workers(*means, register=self.register, tick=self.tick, **own)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Bot]:
        self.bot = self.make_bot()
        async with self.bot.running():
            yield self.bot

    def read(self, look: Callable[[Session], T]) -> T:
        with transaction(self.engine) as session:
            return look(session)

    async def settled(self) -> None:
        """Waits until the bot has nothing left to do at the sandbox's present time."""
        at = self.sandbox.clock.now().replace(microsecond=0)
        await self.sandbox.idle()
        await self.until(lambda session: vitals.is_idle(session, at))

    async def until(self, look: Callable[[Session], Any], patience: float = 10.0) -> None:
        """Waits until the database shows it; marks follow the messages, so the sandbox cannot tell."""
        async with asyncio.timeout(patience):
            while not self.read(look):  # noqa: ASYNC110 - another thread writes it
                await asyncio.sleep(0.005)

    def advance(self, **by: float) -> None:
        self.sandbox.clock.advance(timedelta(**by))


def kept(session: Session) -> list[str]:
    """What handlers or ticks have kept, as text."""
    return sorted(blob.content.decode() for blob in session.exec(select(Blob)))


@pytest.fixture
async def telegram() -> AsyncIterator[Sandbox]:
    """Telegram, with its clock at 2021-04-02 16:00 in China until it is moved."""
    async with Sandbox(clock=VirtualClock(START, frozen=True), limits=Limits(on=False)) as sandbox:
        yield sandbox


@pytest.fixture
def house(telegram: Sandbox, engine: Engine) -> House:
    """A house on a fresh database; the test runs once on each kind."""
    return House(telegram, engine)


@pytest.fixture
def house_on(telegram: Sandbox) -> Iterator[Callable[[str], House]]:
    """A house on a database of the test's choice."""
    engines: list[Engine] = []

    def make(url: str) -> House:
        engines.append(open_engine(url))
        return House(telegram, engines[-1])

    yield make
    for engine in engines:
        engine.dispose()
