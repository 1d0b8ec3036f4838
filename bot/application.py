"""The running bot, put together: receiver, dispatcher, ticker and sender around one database."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import structlog
from sqlalchemy import Engine
from telegram.error import InvalidToken, TelegramError
from telegram.ext import ApplicationBuilder, ContextTypes, ExtBot

from bot.clock import Clock, ServerClock
from bot.database import Database, back_off
from bot.deliveries import Hooks
from bot.dispatch import Courtesies, Dispatcher, Library
from bot.fetching import Fetcher
from bot.lease import LeadLost, Lease, lease_on, wait_for_lead, watch_lead
from bot.network import Api, Network
from bot.receiving import CONTACT_SECONDS, Receiver
from bot.sending import Draw, Make, Sender
from bot.settings import Settings
from bot.ticking import Tick, Ticker
from handlers import errors
from handlers.context import Context, KaopingApplication

log = structlog.get_logger("bot")

FIRST_WAIT_SECONDS = 0.5
FIRST_POLL_SECONDS = 0.2
"""How long the first poll is given to be on its way."""
DRAIN_SECONDS = 10.0
"""How long a stop waits for messages that are on their way."""
MISFIRE_SECONDS = 24 * 3600
"""A tick that comes late is still a tick."""


class TokenRefused(Exception):
    """Telegram does not take the token. ``str()`` is one line; there is no use in trying again."""


class Bot:
    """One bot on one database. ``run`` works until ``stop``; it may be run once.

    ``register`` adds the handlers; ``tick(session, now)`` is what time does, and comes each minute (with a ServerClock:
    whenever the server's clock has moved); ``draw(kind, data)`` gives pictures as PNG, ``make`` files that are
    written when they are sent and kept nowhere; ``hooks`` are told of what was sent, of whom nothing reaches and of
    groups that moved; ``greetings`` gives calls that are made once at the start, and may be lost.
    """

    receiver: Receiver
    dispatcher: Dispatcher
    ticker: Ticker
    sender: Sender
    fetcher: Fetcher

    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        clock: Clock,
        *,
        register: Callable[[KaopingApplication], None],
        tick: Tick,
        draw: Draw | None = None,
        make: Make | None = None,
        hooks: Hooks | None = None,
        courtesies: Courtesies | None = None,
        greetings: Callable[[], Sequence[tuple[str, Mapping[str, Any]]]] = list,
    ) -> None:
        self._settings = settings
        self._engine = engine
        self._clock = clock
        self._tick = tick
        self._draw = draw
        self._make = make
        self._hooks = hooks
        self._courtesies = courtesies or Courtesies(errors.refused, errors.failed)
        self._greetings = greetings
        self._stopping = asyncio.Event()
        self._virtual = isinstance(clock, ServerClock)
        self._network = Network(on_date=clock.observe if isinstance(clock, ServerClock) else None)
        self._api = Api(self._network, settings.api_base, settings.required_token)
        self._database = Database(engine)
        self.library = self._build_library()
        register(self.library)
        self._hire()

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
                    self._hire()
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
        """Runs beside the caller, who gets the bot's error, if any, at the end."""
        task = asyncio.create_task(self.run())
        try:
            yield self
        finally:
            self.stop()
            await task

    def _build_library(self) -> Library:
        base = self._settings.api_base
        bot: ExtBot[Any] = ExtBot(
            self._settings.required_token,
            base_url=f"{base}/bot",
            base_file_url=f"{base}/file/bot",
            request=self._network,
            get_updates_request=self._network,
        )
        builder = ApplicationBuilder().bot(bot).updater(None).job_queue(None)
        library = builder.context_types(ContextTypes(context=Context)).application_class(Library).build()
        assert isinstance(library, Library)  # noqa: S101 - the builder's types do not carry it
        return library

    def _hire(self) -> None:
        """Makes the workers, fresh."""
        settings = self._settings
        self.sender = Sender(
            self._database,
            self._api,
            self._clock,
            draw=self._draw,
            make=self._make,
            hooks=self._hooks,
            limits=settings.limits,
        )
        self.dispatcher = Dispatcher(
            self._database, self.library, self._api, self._clock, self._courtesies, committed=self._handled
        )
        self.fetcher = Fetcher(
            self._database,
            self._api,
            self._clock,
            file_url=f"{settings.api_base}/file/bot{settings.required_token}",
            answered=self._answered,
            committed=self.sender.wake,
        )
        self.ticker = Ticker(
            self._database, self._tick, caught_up=self.dispatcher.caught_up, committed=self.sender.wake
        )
        self.receiver = Receiver(
            self._database,
            self._api,
            self._clock,
            heard=self._heard,
            poll_seconds=settings.poll_seconds,
            contact_seconds=0.0 if self._virtual else CONTACT_SECONDS,
        )

    async def _lead(self, lease: Lease) -> None:
        """Works until stopped, or until something fails for good."""
        if not await self._unless_stopped(self._introduce()):
            return
        log.info("at work", bot=self.library.bot.username)
        dispatching = asyncio.create_task(self.dispatcher.run())
        sending = asyncio.create_task(self.sender.run())
        others = [
            asyncio.create_task(work)
            for work in (self.receiver.run(), self.fetcher.run(), watch_lead(lease), self._greet())
        ]
        if not self._virtual:
            others.append(asyncio.create_task(self._keep_time()))
        stopped = asyncio.create_task(self._stopping.wait())
        try:
            done, _ = await asyncio.wait([dispatching, sending, stopped, *others], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                _raise_first(task)
        finally:
            await _cancel(stopped, *others)
            self.dispatcher.close()
            await asyncio.wait([dispatching], timeout=DRAIN_SECONDS)
            await self.sender.drain(DRAIN_SECONDS)
            await _cancel(dispatching, sending)
            await self.sender.finish()
            log.info("stopped")

    async def _introduce(self) -> None:
        """Asks Telegram who this bot is: handlers need its name. Tries until it is told."""
        failures = 0
        while True:
            try:
                await self.library.initialize()
            except InvalidToken:
                raise
            except TelegramError as error:
                failures += 1
                if failures & (failures - 1) == 0:
                    log.warning("Telegram is not to be reached, trying again", error=error.message, failures=failures)
                await asyncio.sleep(back_off(failures, first=FIRST_WAIT_SECONDS))
            else:
                return

    async def _greet(self) -> None:
        """Makes the calls that belong to a start, such as setting the menus, then waits for the end."""
        for method, payload in self._greetings():
            try:
                await self._api.call(method, payload)
            except TelegramError as error:
                log.info("not greeted", method=method, error=error.message)
        await self._stopping.wait()

    async def _answered(self, seconds: float) -> bool:
        """Waits until whoever has written has his answer, at most so long. Returns whether that is so."""
        try:
            async with asyncio.timeout(seconds):
                return await self.dispatcher.caught_up(seconds) and await self.sender.answered(seconds)
        except TimeoutError:
            return False

    def _handled(self) -> None:
        self.sender.wake()
        self.fetcher.wake()

    async def _keep_time(self) -> None:
        """Has time do its work each minute. It begins when the first poll is under way, which nothing should keep."""
        await asyncio.sleep(FIRST_POLL_SECONDS)
        from apscheduler.schedulers.asyncio import AsyncIOScheduler
        from apscheduler.triggers.cron import CronTrigger

        scheduler = AsyncIOScheduler(timezone=UTC)
        scheduler.add_job(
            self._tick_now,
            CronTrigger(second=0, timezone=UTC),
            coalesce=True,
            misfire_grace_time=MISFIRE_SECONDS,
            max_instances=1,
        )
        scheduler.start()
        try:
            await self._stopping.wait()
        finally:
            scheduler.shutdown(wait=False)

    async def _tick_now(self) -> None:
        await self.ticker.tick(self._clock.now())

    async def _heard(self, at: datetime, brought: int, drained: bool) -> None:
        if brought:
            self.dispatcher.wake()
        # On a server's clock time moves in jumps. The tick follows the poll that brought everything up to the jump, so
        # that what a deadline waits for has been read, and nobody has to wait for another minute.
        if self._virtual and drained and (self.ticker.last is None or at > self.ticker.last):
            await self.ticker.tick(at)

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
            await _cancel(doing, stopped)


def _raise_first(task: "asyncio.Task[Any]") -> None:
    error = task.exception()
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if error is not None:
        raise error


async def _cancel(*tasks: "asyncio.Task[Any]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
