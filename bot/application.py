"""The running bot: a receiver that is at work first, and the workers that follow it, around one database.

To hear and to write down takes little; handlers, scheduler and words take most of a second to load. So the workers are
hired while the first poll is under way: what it brings is kept.
"""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import Engine
from telegram.error import InvalidToken, TelegramError

from bot.clock import Clock, ServerClock
from bot.database import Database, back_off
from bot.lease import LeadLost, Lease, lease_on, wait_for_lead, watch_lead
from bot.network import Api, Network
from bot.patience import cancelled, comes, raise_first
from bot.receiving import CONTACT_SECONDS, Receiver
from bot.settings import Settings

if TYPE_CHECKING:
    from bot.workers import Workers

log = structlog.get_logger("bot")

FIRST_POLL_SECONDS = 0.2
"""How long the first poll has the machine to itself."""

Hire = Callable[[Settings, Database, Api, Clock], "Workers"]


class TokenRefused(Exception):
    """Telegram does not take the token. ``str()`` is one line; there is no use in trying again."""


class Bot:
    """One bot on one database. ``run`` works until ``stop``; it may be run once.

    ``hire`` makes the workers; ``run`` calls it in a thread, where it may take its time.
    """

    receiver: Receiver
    workers: "Workers | None"
    """None until they are hired."""

    def __init__(self, settings: Settings, engine: Engine, clock: Clock, *, hire: Hire) -> None:
        self._settings = settings
        self._engine = engine
        self._clock = clock
        self._hire = hire
        self._stopping = asyncio.Event()
        self._network = Network(on_date=clock.observe if isinstance(clock, ServerClock) else None)
        self._api = Api(self._network, settings.api_base, settings.required_token)
        self._database = Database(engine)
        self._begin()

    def hire(self) -> "Workers":
        """The workers, made when this is first called; ``run`` does it in time by itself."""
        if self.workers is None:
            self.workers = self._hired()
        return self.workers

    def _hired(self) -> "Workers":
        return self._hire(self._settings, self._database, self._api, self._clock)

    def stop(self) -> None:
        """Asks ``run`` to come to a good end."""
        self._stopping.set()

    def stop_on_signals(self) -> None:
        """From now on SIGTERM and SIGINT mean ``stop``."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            with contextlib.suppress(NotImplementedError):  # Windows has none here; Ctrl-C raises there
                loop.add_signal_handler(number, self.stop)

    async def run(self) -> None:
        """Works until stopped. Raises TokenRefused, or whatever cannot be lived with."""
        lease = lease_on(self._engine)
        try:
            while await self._unless_stopped(wait_for_lead(lease)):
                try:
                    await self._lead(lease)
                except LeadLost:
                    log.error("the connection that held the lead is gone; beginning anew")
                    self._begin()
                else:
                    return
        except InvalidToken:
            # The library's own message repeats the token.
            raise TokenRefused("Telegram does not take KAOPING_TOKEN: ask @BotFather for the right one") from None
        finally:
            lease.give_back()
            await self._network.shutdown()
            self._database.close()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Bot"]:
        """Runs beside the caller, who finds the workers hired, and gets the bot's error, if any, at the end."""
        self.hire()
        task = asyncio.create_task(self.run())
        try:
            yield self
        finally:
            self.stop()
            await task

    def _begin(self) -> None:
        """Nobody is hired, nothing is heard."""
        self.workers = None
        self._polled = asyncio.Event()
        self._at_work = asyncio.Event()
        self.receiver = Receiver(
            self._database,
            self._api,
            self._clock,
            heard=self._heard,
            poll_seconds=self._settings.poll_seconds,
            contact_seconds=0.0 if isinstance(self._clock, ServerClock) else CONTACT_SECONDS,
        )

    async def _lead(self, lease: Lease) -> None:
        """Works until stopped, or until something fails for good."""
        if not await self._unless_stopped(self._open()):
            return
        watching = asyncio.create_task(watch_lead(lease))
        receiving = asyncio.create_task(self.receiver.run())
        working = asyncio.create_task(self._work())
        stopped = asyncio.create_task(self._stopping.wait())
        every = (watching, receiving, working, stopped)
        try:
            await asyncio.wait(every, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await cancelled(stopped, watching, receiving)
            await cancelled(working)
            log.info("stopped")
        # What failed while work came to its end is told as well.
        raise_first(every)

    async def _open(self) -> None:
        await self._network.initialize()
        if isinstance(self._clock, ServerClock):
            await ask_time(self._api, self._clock)

    async def _work(self) -> None:
        await comes(self._polled, FIRST_POLL_SECONDS)
        workers = self.workers
        if workers is None:
            # A thread cannot be cancelled. What it brings after the lead was lost is dropped with this task.
            workers = self.workers = await asyncio.to_thread(self._hired)
        await workers.introduce()
        self._at_work.set()
        await workers.run()

    async def _heard(self, at: datetime, brought: int, drained: bool) -> None:
        self._polled.set()
        # What came in is kept; nobody polls on until there is somebody to answer.
        await self._at_work.wait()
        await self.hire().heard(at, brought, drained)

    async def _unless_stopped(self, work: Coroutine[Any, Any, None]) -> bool:
        """Does ``work`` unless a stop comes first. Returns whether it was done."""
        doing = asyncio.create_task(work)
        stopped = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait([doing, stopped], return_when=asyncio.FIRST_COMPLETED)
            if self._stopping.is_set():
                return False
            await doing
            return True
        finally:
            await cancelled(doing, stopped)


async def ask_time(api: Api, clock: ServerClock) -> None:
    """Asks until the server has told the time. A refusal tells it too; what it is about comes out later."""
    failures = 0
    while not clock.is_set:
        try:
            await api.call("getMe", {})
        except TelegramError as error:
            if not clock.is_set:
                failures += 1
                log.warning("the server does not tell the time, asking again", error=error.message)
                await asyncio.sleep(back_off(failures))
