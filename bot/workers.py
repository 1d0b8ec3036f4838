"""Those who work on what is in the database: dispatcher, fetcher, ticker and sender, with the library between them."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.cron import CronTrigger
from telegram.error import InvalidToken, TelegramError
from telegram.ext import ApplicationBuilder, ContextTypes, ExtBot

from bot.clock import Clock, ServerClock
from bot.database import Database, back_off
from bot.deliveries import Hooks
from bot.dispatch import Courtesies, Dispatcher, Library
from bot.fetching import Fetcher
from bot.network import Api
from bot.patience import cancelled, raise_first
from bot.sending import Draw, Make, Sender
from bot.settings import Settings
from bot.ticking import Tick, Ticker
from handlers import errors
from handlers.context import Context, KaopingApplication

log = structlog.get_logger("bot")

FIRST_WAIT_SECONDS = 0.5
DRAIN_SECONDS = 10.0
"""How long a stop waits for messages that are on their way, and then for the database to take their marks."""
MISFIRE_SECONDS = 24 * 3600
"""A tick that comes late is still a tick."""


class Workers:
    """All who work while the receiver listens. They introduce themselves, and then run once.

    ``register`` adds the handlers; ``tick(session, now)`` is what time does, and comes each minute (with a ServerClock:
    whenever the server's clock has moved); ``draw(kind, data)`` gives pictures as PNG, ``make`` files that are
    written when they are sent and kept nowhere; ``hooks`` are told of what was sent, of whom nothing reaches and of
    groups that moved; ``greetings`` gives calls that are made once at the start, and may be lost.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        api: Api,
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
        self._api = api
        self._clock = clock
        self._virtual = isinstance(clock, ServerClock)
        self._greetings = greetings
        self.library = _library(settings, api)
        register(self.library)
        courtesies = courtesies or Courtesies(errors.refused, errors.failed)
        self.sender = Sender(database, api, clock, draw=draw, make=make, hooks=hooks, limits=settings.limits)
        self.dispatcher = Dispatcher(database, self.library, api, clock, courtesies, committed=self._handled)
        self.fetcher = Fetcher(
            database,
            api,
            clock,
            file_url=f"{settings.api_base}/file/bot{settings.required_token}",
            answered=self._answered,
            committed=self.sender.wake,
        )
        self.ticker = Ticker(
            database, tick, caught_up=self.dispatcher.caught_up, committed=self.sender.wake, stuck=courtesies.stuck
        )

    async def introduce(self) -> None:
        """Asks Telegram who this bot is: handlers need its name. Tries until it is told, or raises InvalidToken."""
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

    async def run(self) -> None:
        """Works until cancelled, or until one of them fails for good; what is on its way is finished first."""
        log.info("at work", bot=self.library.bot.username)
        dispatching = asyncio.create_task(self.dispatcher.run())
        sending = asyncio.create_task(self.sender.run())
        others = [asyncio.create_task(work) for work in (self.fetcher.run(), self._greet())]
        try:
            with self._keeping_time():
                await asyncio.wait([dispatching, sending, *others], return_when=asyncio.FIRST_EXCEPTION)
                raise_first([dispatching, sending, *others])
        finally:
            await cancelled(*others)
            self.dispatcher.close()
            await asyncio.wait([dispatching], timeout=DRAIN_SECONDS)
            await self.sender.drain(DRAIN_SECONDS)
            await cancelled(dispatching, sending)
            await self.sender.finish(DRAIN_SECONDS)

    async def heard(self, at: datetime, brought: int, drained: bool) -> None:
        """After each poll: the instant of its answer, how many updates it brought, and whether there were no more."""
        if brought:
            self.dispatcher.wake()
        # On a server's clock time moves in jumps. The tick follows the poll that brought everything up to the jump, so
        # that what a deadline waits for has been read, and nobody has to wait for another minute.
        if self._virtual and drained and (self.ticker.last is None or at > self.ticker.last):
            await self.ticker.tick(at)

    async def _greet(self) -> None:
        """Makes the calls that belong to a start, such as setting the menus."""
        for method, payload in self._greetings():
            try:
                await self._api.call(method, payload)
            except TelegramError as error:
                log.info("not greeted", method=method, error=error.message)

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

    @contextmanager
    def _keeping_time(self) -> Iterator[None]:
        """Has time do its work each minute."""
        if self._virtual:
            yield
            return
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
            yield
        finally:
            scheduler.shutdown(wait=False)

    async def _tick_now(self) -> None:
        await self.ticker.tick(self._clock.now())


def _library(settings: Settings, api: Api) -> Library:
    base = settings.api_base
    bot: ExtBot[Any] = ExtBot(
        settings.required_token,
        base_url=f"{base}/bot",
        base_file_url=f"{base}/file/bot",
        request=api.network,
        get_updates_request=api.network,
    )
    builder = ApplicationBuilder().bot(bot).updater(None).job_queue(None)
    library = builder.context_types(ContextTypes(context=Context)).application_class(Library).build()
    assert isinstance(library, Library)  # noqa: S101 - the builder's types do not carry it
    return library
