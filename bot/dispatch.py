"""The inbox, handled: in order of each chat, up to a hundred updates in one transaction.

No savepoints: when one of a group fails, the group is rolled back and each is run again by itself. An update that
fails three times is dead: kept for administrators, and its sender is told so with a number to refer to.
"""

import asyncio
import json
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import structlog
from sqlmodel import Session
from telegram import Update
from telegram.error import TelegramError
from telegram.ext import Application

from bot.clock import Clock
from bot.database import LONGEST_WAIT_SECONDS, Database, back_off, first_line
from bot.network import Api, NetworkInTransaction, no_network
from bot.patience import comes
from bot.ticking import Stuck
from handlers import rating_cards
from handlers.context import Aside, Context, Work
from store import foresight, inbox
from store.db import is_passing
from store.errors import Refusal
from store.inbox import InboxUpdate, Waiting
from store.invitations import carries_token

log = structlog.get_logger("dispatch")

GROUP = 100
"""Updates to a transaction."""
TRIES = 3
LOOK_SECONDS = 10.0
"""How often to look for what was not told of."""


class SuspendedInTransaction(Exception):
    """A handler waited for something inside its transaction. It must not: what needs waiting is a row."""


class EscapedTransaction(Exception):
    """A handler was registered to run outside its transaction."""


class Library(Application[Any, Context, Any, Any, Any, Any]):
    """python-telegram-bot's application, made to serve one transaction at a time.

    An error in a handler comes out instead of being swallowed, so that the transaction is rolled back and no later
    handler group runs.
    """

    work: Work

    def handle(self, payload: str, work: Work) -> None:
        """Runs the handlers on one raw update. Whatever goes wrong is raised."""
        self.work = work
        update = Update.de_json(json.loads(payload), self.bot)
        with no_network() as tried:
            _drive(self.process_update(update))
        if tried:
            raise NetworkInTransaction(f"{tried[0]} was called inside a transaction, and the failure swallowed")
        if work.fault is not None:
            raise work.fault

    def create_task(self, coroutine: Any, update: object = None, *, name: str | None = None) -> Any:
        """Refuses: what runs beside the transaction would be no part of it."""
        coroutine.close()
        raise EscapedTransaction(
            f"{name or 'a handler'} wants to run beside its transaction: register it with block=True"
        )

    async def process_error(
        self, update: object, error: Exception, job: object = None, coroutine: object = None
    ) -> bool:
        """Raises ``error``."""
        raise error


def _drive(coroutine: Coroutine[Any, Any, None]) -> None:
    """Runs a coroutine that must not wait for anything."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    coroutine.close()
    raise SuspendedInTransaction("a handler awaited something that was not there yet")


def _is_secret(payload: str) -> bool:
    """Whether an update is not kept whatever came of it: it has a link in it, or it shows what somebody rates."""
    return carries_token(payload) or rating_cards.shown_in(payload)


Tell = Callable[[Session, InboxUpdate, datetime], list[Work]]
"""Says that an update is dead."""


@dataclass(frozen=True)
class Courtesies:
    """What to say when something came to nothing; each runs in a transaction of its own, after the rollback."""

    refused: Callable[[Context, Refusal], None]
    """A handler refused: ``refused(context, refusal)``."""
    gave_up: Callable[[Context, str], None]
    """The update is dead: ``gave_up(context, reference)``."""
    dead: Callable[[Session, InboxUpdate, datetime, bool], None] | None = None
    """The same, for administrators: ``dead(session, row, now, answered)``, where ``answered`` says whether its sender
    was told."""
    stuck: Stuck | None = None
    """For administrators: time could not do its work."""


class Dispatcher:
    """Handles what the inbox holds until it is cancelled."""

    def __init__(
        self,
        database: Database,
        library: Library,
        api: Api,
        clock: Clock,
        courtesies: Courtesies,
        committed: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database
        self._library = library
        self._api = api
        self._clock = clock
        self._courtesies = courtesies
        self._committed = committed
        self._hungry = asyncio.Event()
        self._idle = asyncio.Event()
        self._closing = False
        self._asides: set[asyncio.Task[None]] = set()
        self.handled = 0
        """How many updates came to an end since the start."""

    def wake(self) -> None:
        """There is something new in the inbox."""
        self._idle.clear()
        self._hungry.set()

    async def caught_up(self, seconds: float) -> bool:
        """Waits until nothing is left to handle, at most so long. Returns whether that is so."""
        return await comes(self._idle, seconds)

    def close(self) -> None:
        """Lets ``run`` come to its end after the group that is being handled."""
        self._closing = True
        self._hungry.set()

    async def run(self) -> None:
        """Works until closed."""
        failures = 0
        while not self._closing:
            self._hungry.clear()
            try:
                handled = await self._next_group()
            except Exception as error:
                if not is_passing(error):
                    raise
                failures += 1
                wait = back_off(failures)
                if failures == 1 or wait == LONGEST_WAIT_SECONDS:
                    log.error("database does not take it, trying again", error=first_line(error), tries=failures)
                await comes(self._hungry, wait)
                continue
            if failures:
                failures = 0
                log.info("database works again")
            if handled < GROUP and not self._hungry.is_set():
                self._idle.set()
                await comes(self._hungry, LOOK_SECONDS)

    async def _next_group(self) -> int:
        """Handles the next group, or each of it by itself; returns how many there were."""
        group: list[int] = []
        try:
            done = await self._database.run(lambda session: self._handle_group(session, group))
        except Exception as error:
            if not group or is_passing(error):
                raise
        else:
            if group:
                await self._after(done)
            return len(group)
        for update_id in group:
            await self._alone(update_id)
        return len(group)

    def _handle_group(self, session: Session, group: list[int]) -> list[Work]:
        rows = inbox.waiting(session, GROUP)
        group.extend(row.update_id for row in rows)
        now = self._clock.now()
        if len(rows) > 1:
            # In private the chat has the number of whoever speaks there.
            foresight.foresee(session, {row.chat_id for row in rows if row.chat_id is not None})
        return self._done(session, [(row, self._handle(session, row, now)) for row in rows], now)

    def _handle(self, session: Session, row: InboxUpdate | Waiting, now: datetime) -> Work:
        work = Work(session, now, row.update_id)
        self._library.handle(row.payload, work)
        return work

    def _done(
        self, session: Session, handled: Sequence[tuple[InboxUpdate | Waiting, Work]], now: datetime
    ) -> list[Work]:
        """Marks updates as done. What is not to be kept of them is erased: a link above all, whatever came of it."""
        if handled:
            inbox.done(session, [row.update_id for row, _ in handled], now)
        secret = [row.update_id for row, work in handled if work.forgotten or _is_secret(row.payload)]
        if secret:
            inbox.erase(session, secret)
        return [work for _, work in handled]

    async def _alone(self, update_id: int) -> None:
        """One update in a transaction of its own, up to three times."""
        done: list[Work] | None = None
        while done is None:
            try:
                done = await self._attempt(update_id)
            except Exception as error:
                if is_passing(error):
                    raise
                log.exception("an update failed", update=update_id)
                done = await self._count(update_id, first_line(error))
        await self._after(done)

    async def _attempt(self, update_id: int) -> list[Work]:
        try:
            return await self._database.run(lambda session: self._handle_one(session, update_id))
        except Refusal as refusal:
            said = refusal
        log.info("refused", update=update_id, refusal=str(said))
        return await self._database.run(lambda session: self._say_refused(session, update_id, said))

    async def _count(self, update_id: int, error: str) -> list[Work] | None:
        """Counts a failed try. None: there is another one left.

        Of a dead update its sender and the administrators are told; the administrators alone where even that fails,
        as it does with an update that cannot be read at all.
        """
        for tell in (self._tell_everybody, self._tell_administrators):
            try:
                return await self._database.run(partial(self._failed, update_id=update_id, error=error, tell=tell))
            except Exception as fault:
                if is_passing(fault):
                    raise
                log.exception("saying that an update failed failed too", update=update_id)
        return await self._database.run(partial(self._failed, update_id=update_id, error=error, tell=lambda *_: []))

    def _handle_one(self, session: Session, update_id: int) -> list[Work]:
        row = inbox.claim(session, update_id)
        if row is None:
            return []
        now = self._clock.now()
        return self._done(session, [(row, self._handle(session, row, now))], now)

    def _say_refused(self, session: Session, update_id: int, refusal: Refusal) -> list[Work]:
        row = inbox.claim(session, update_id)
        if row is None:
            return []
        context = self._context(session, row)
        self._courtesies.refused(context, refusal)
        return self._done(session, [(row, context.work)], context.now)

    def _failed(self, session: Session, update_id: int, error: str, tell: Tell) -> list[Work] | None:
        row = inbox.claim(session, update_id)
        if row is None:
            return []
        now = self._clock.now()
        if not inbox.failed(session, row, error, tries=TRIES, now=now):
            return None
        log.error("an update is dead", update=update_id, error=error)
        told = tell(session, row, now)
        if _is_secret(row.payload):
            # Whoever sent it has been told, and begins anew.
            inbox.erase(session, [update_id])
        return told

    def _tell_everybody(self, session: Session, row: InboxUpdate, now: datetime) -> list[Work]:
        if row.chat_id is None:
            return self._tell_administrators(session, row, now)
        context = self._context(session, row)
        self._courtesies.gave_up(context, str(row.update_id))
        if self._courtesies.dead is not None:
            self._courtesies.dead(session, row, now, True)
        return [context.work]

    def _tell_administrators(self, session: Session, row: InboxUpdate, now: datetime) -> list[Work]:
        if self._courtesies.dead is not None:
            self._courtesies.dead(session, row, now, False)
        return []

    def _context(self, session: Session, row: InboxUpdate) -> Context:
        """A context for what is said about an update instead of handling it."""
        self._library.work = Work(session, self._clock.now(), row.update_id)
        return Context.from_update(Update.de_json(json.loads(row.payload), self._library.bot), self._library)

    async def _after(self, done: Sequence[Work]) -> None:
        """What follows once the works have committed."""
        self.handled += max(1, len(done))
        self._committed()
        for aside in [aside for work in done for aside in work.asides]:
            task = asyncio.create_task(self._do(aside))
            self._asides.add(task)
            task.add_done_callback(self._asides.discard)

    async def _do(self, aside: Aside) -> None:
        try:
            await self._api.call(aside.method, aside.payload)
        except TelegramError as error:
            log.debug("lost", method=aside.method, error=error.message)
