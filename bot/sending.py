"""The outbox, sent: two lanes, order kept per chat, Telegram's limits kept, each message marked once it is out.

What a crash can repeat is what was sent and not yet marked. Each lane has a few slots; one is taken before sending and
given back when the mark has committed, so that no more than that is ever open.
"""

import asyncio
import json
import random
from collections.abc import Callable
from typing import Any

import structlog
from sqlmodel import Session
from telegram.error import TelegramError

from bot.clock import Clock
from bot.database import Database, back_off
from bot.deliveries import Failed, Hooks, Later, Mark, Moved, Outcome, Sent, outcome_of, write_down
from bot.lanes import PACES, Errand, LaneQueue, Pace
from bot.limiter import Overall, PerChat
from bot.network import Api, Upload
from bot.patience import comes
from store import blobs, outbox
from store.outbox import Lane, Queued

log = structlog.get_logger("sending")

Draw = Callable[[str, dict[str, Any]], bytes]
"""``draw(kind, data)`` gives a picture as PNG."""
Make = Callable[[Session, str, dict[str, Any]], Callable[[], bytes]]
"""``make(session, kind, data)`` gathers what a file says, and returns what writes it, outside the transaction."""

BATCH = 100
"""Rows read at a time."""
LOW = 40
"""Rows in hand below which the next ones are read."""
MARKS = 8
"""Marks to a transaction, at most."""
MARK_WAIT_SECONDS = 0.3
"""How long a mark waits for company while there is more to send; the last ones do not wait."""
LAST_MARK_WAIT_SECONDS = 0.02
LOOK_SECONDS = 1.0
"""How often to look for what another process wrote."""
MOST_TRIES = 20
"""Failed tries after which a message is given up, counting only those in times when others got through; about an hour
and a half."""
FIRST_RETRY_SECONDS = 1.0
LONGEST_RETRY_SECONDS = 300.0
FLOOD_SECONDS = 1.0
"""Two chats told to wait within this time: it is the limit over all chats that was hit."""

_WITHOUT_CHAT = ("setMy", "deleteMy")


class Sender:
    """Sends what the outbox holds until it is cancelled."""

    def __init__(
        self,
        database: Database,
        api: Api,
        clock: Clock,
        *,
        draw: Draw | None = None,
        make: Make | None = None,
        hooks: Hooks | None = None,
        limits: bool = True,
        paces: dict[Lane, Pace] | None = None,
    ) -> None:
        self._database = database
        self._api = api
        self._clock = clock
        self._draw = draw
        self._make = make
        self._hooks = hooks or Hooks()
        self._overall = Overall() if limits else None
        self._per_chat = PerChat() if limits else None
        self._paces = paces or PACES
        self._queues = {lane: LaneQueue(lane, pace) for lane, pace in self._paces.items()}
        self._turns = {lane: asyncio.Lock() for lane in self._paces}
        self._marks: list[Mark] = []
        self._marks_due = asyncio.Event()
        self._marks_timer: asyncio.TimerHandle | None = None
        self._closing = False
        self._in_flight = 0
        self._landed = asyncio.Event()
        self._line_worked_at = 0.0
        self._line_down = False
        self._flooded: tuple[int, float] = (0, -FLOOD_SECONDS)
        self.sent = 0
        """How many messages went out since the start."""

    def wake(self) -> None:
        """There is something new in the outbox."""
        for queue in self._queues.values():
            queue.through.clear()
            queue.hungry.set()

    async def answered(self, seconds: float) -> bool:
        """Waits until everybody has his answer, at most so long. Returns whether that is so."""
        return await comes(self._queues[Lane.REPLY].through, seconds)

    async def run(self) -> None:
        """Works until cancelled; raises InvalidToken if Telegram no longer takes the token."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_marks())
            for lane, queue in self._queues.items():
                tasks.create_task(self._feed(queue))
                for _ in range(self._paces[lane].workers):
                    tasks.create_task(self._work(queue))

    async def drain(self, seconds: float) -> None:
        """Begins nothing more and waits for what is under way, at most so long. Then ``run`` may be cancelled."""
        self._closing = True
        try:
            async with asyncio.timeout(seconds):
                while self._in_flight:
                    self._landed.clear()
                    await self._landed.wait()
        except TimeoutError:
            log.warning("messages were under way when time was up; they may come twice", count=self._in_flight)

    async def finish(self, seconds: float) -> None:
        """Writes down what was sent and not marked yet, if the database takes it in this time: the last thing to do
        after ``run`` was cancelled.
        """
        if not self._marks:
            return
        try:
            async with asyncio.timeout(seconds):
                await self._write_down(self._marks)
        except TimeoutError:
            log.warning("messages could not be marked as sent; they will come twice", count=len(self._marks))

    async def _feed(self, queue: LaneQueue) -> None:
        loop = asyncio.get_running_loop()
        while True:
            queue.hungry.clear()
            if queue.in_hand() < LOW:
                await self._refill(queue)
            await comes(queue.hungry, LOOK_SECONDS)
            if loop.time() - queue.began_anew >= LOOK_SECONDS:
                # Another process may have committed a lower number after a higher one was read.
                queue.began_anew = loop.time()
                queue.cursor = 0

    async def _refill(self, queue: LaneQueue) -> None:
        now = self._clock.now()

        def read(session: Session) -> list[Queued]:
            return outbox.queued(session, queue.lane, after=queue.cursor, limit=BATCH, now=now)

        rows = await self._database.insist(read, "reading the outbox")
        queue.more = len(rows) == BATCH
        if rows:
            queue.cursor = rows[-1].id
        for row in rows:
            queue.add(row)
        if not queue.chats and not queue.hungry.is_set():
            queue.through.set()

    async def _work(self, queue: LaneQueue) -> None:
        loop = asyncio.get_running_loop()
        while not self._closing:
            chat_id = await queue.ready.get()
            line = queue.chats.get(chat_id)
            if not line or self._closing:
                continue  # the group has moved, or this is the end
            if not line[0].superseded and self._per_chat is not None:
                wait = self._per_chat.wait(chat_id, loop.time())
                if wait > 0:
                    loop.call_later(wait, queue.ready.put_nowait, chat_id)
                    continue
            self._in_flight += 1
            try:
                await self._run(queue, line[0])
            finally:
                self._in_flight -= 1
                self._landed.set()
            if queue.more and queue.in_hand() < LOW:
                queue.hungry.set()

    async def _run(self, queue: LaneQueue, errand: Errand) -> None:
        """One attempt at one message, and what follows from it."""
        upload = await self._attachment(errand.row)
        await queue.slots.acquire()
        number = 0 if errand.superseded else await self._granted(queue.lane)
        if errand.superseded:
            self._pass_over(queue, errand)
            return
        if self._per_chat is not None:
            self._per_chat.take(errand.row.chat_id, asyncio.get_running_loop().time())
        errand.under_way = True
        outcome = upload if isinstance(upload, Failed) else await self._attempt(errand.row, upload)
        errand.under_way = False
        if self._overall is not None:
            self._overall.answered(number, asyncio.get_running_loop().time())
        await self._settle(queue, errand, outcome)

    def _pass_over(self, queue: LaneQueue, errand: Errand) -> None:
        """What a newer message has made idle counts as done: only that one goes out."""
        queue.next_of(errand.row.chat_id)
        self._mark(Mark(errand.row.id, queue.lane, errand.row.chat_id, errand.row.topic, Sent()))

    async def _granted(self, lane: Lane) -> int:
        """Waits until the limit over all chats allows one more message; the number of that grant."""
        overall = self._overall
        if overall is None:
            return 0
        loop = asyncio.get_running_loop()
        is_reply = lane is Lane.REPLY
        overall.replies_waiting += is_reply
        try:
            # One at a time, so that the others need not wake up to be told to wait.
            async with self._turns[lane]:
                while (wait := overall.ask(lane, loop.time())) > 0:  # noqa: ASYNC110 - it is time that we wait for
                    await asyncio.sleep(wait)
                return overall.granted
        finally:
            overall.replies_waiting -= is_reply

    async def _attempt(self, row: Queued, upload: Upload | None) -> Outcome:
        payload = json.loads(row.payload)
        if not row.method.startswith(_WITHOUT_CHAT):
            payload = {"chat_id": row.chat_id, **payload}
        try:
            result = await self._api.call(row.method, payload, upload=upload)
        except TelegramError as error:
            return outcome_of(error)
        return Sent(result.get("message_id") if isinstance(result, dict) else None)

    async def _attachment(self, row: Queued) -> Upload | Failed | None:
        """The file that goes with a row: read, drawn or written now, outside any transaction."""
        what = row.attachment
        if what is None:
            return None
        try:
            if (sha256 := what.get("blob")) is not None:
                content = await self._database.insist(lambda session: blobs.get(session, sha256), "reading a file")
            elif (made := what.get("made")) is not None:
                make = self._make
                if make is None:
                    raise LookupError("nobody here makes files")
                write = await self._database.insist(
                    lambda session: make(session, made["kind"], made["data"]), "gathering what a file says"
                )
                content = await asyncio.to_thread(write)
            else:
                if self._draw is None:
                    raise LookupError("nobody here draws pictures")
                picture = what["picture"]
                content = await asyncio.to_thread(self._draw, picture["kind"], picture["data"])
        except Exception as error:
            log.exception("attachment cannot be made", outbox=row.id)
            return Failed(f"attachment: {type(error).__name__}: {error}")
        return Upload(what["field"], what["filename"], content)

    async def _settle(self, queue: LaneQueue, errand: Errand, outcome: Outcome) -> None:
        """Acts on what became of an errand; the slot it held is given back here or with the mark."""
        row = errand.row
        loop = asyncio.get_running_loop()
        if isinstance(outcome, Later):
            queue.slots.release()
            if outcome.after is not None:
                wait = self._told_to_wait(row.chat_id, outcome.after)
            else:
                wait = await self._line_failed(errand, outcome.error)
            if errand.tries < MOST_TRIES:
                loop.call_later(wait, queue.ready.put_nowait, row.chat_id)
                return
            await queue.slots.acquire()
            outcome = Failed(f"given up after {errand.tries} tries: {outcome.error}")
        else:
            self._line_works()
        if isinstance(outcome, Moved):
            queue.slots.release()
            await self._move(queue, row.chat_id, outcome.chat_id)
            return
        if isinstance(outcome, Sent):
            self.sent += 1
        queue.next_of(row.chat_id)
        self._mark(Mark(row.id, queue.lane, row.chat_id, row.topic, outcome))

    def _told_to_wait(self, chat_id: int, seconds: float) -> float:
        now = asyncio.get_running_loop().time()
        other, at = self._flooded
        if self._overall is not None and other != chat_id and now - at < FLOOD_SECONDS:
            self._overall.pause(now + seconds)
        self._flooded = (chat_id, now)
        if self._per_chat is not None:
            self._per_chat.block(chat_id, now + seconds)
        log.warning("Telegram asks to wait", chat=chat_id, seconds=seconds)
        return seconds

    async def _line_failed(self, errand: Errand, error: str) -> float:
        """Counts a failure against the message only if others got through meanwhile. Returns the seconds to wait."""
        now = asyncio.get_running_loop().time()
        if not self._line_down:
            self._line_down = True
            log.warning("sending fails, trying again", outbox=errand.row.id, error=error)
        if errand.tries == 0 or self._line_worked_at > errand.last_failed:
            errand.tries += 1
            key, tries = errand.row.id, errand.tries
            await self._database.insist(
                lambda session: outbox.delayed(session, key, error, tries), "noting a failed try"
            )
        errand.last_failed = now
        errand.failures += 1
        # A little chance keeps chats that failed together from coming back together.
        return back_off(errand.failures, LONGEST_RETRY_SECONDS, FIRST_RETRY_SECONDS) * random.uniform(0.8, 1.2)  # noqa: S311

    def _line_works(self) -> None:
        self._line_worked_at = asyncio.get_running_loop().time()
        if self._line_down:
            self._line_down = False
            log.info("sending works again")

    async def _move(self, queue: LaneQueue, old: int, new: int) -> None:
        def rewrite(session: Session) -> None:
            outbox.move_chat(session, old, new)
            if self._hooks.migrated is not None:
                self._hooks.migrated(session, old, new)

        await self._database.insist(rewrite, "moving a group")
        log.info("group became a supergroup", old=old, new=new)
        queue.move(old, new)

    def _mark(self, mark: Mark) -> None:
        self._marks.append(mark)
        if len(self._marks) >= MARKS:
            self._marks_due.set()
        else:
            # A transaction costs as much as several messages, so marks keep each other company; but whoever waits for
            # the bot to come to rest should not wait for a mark that stays alone.
            more = any(queue.chats for queue in self._queues.values())
            if not more or len(self._marks) == 1:
                self._stop_timer()
                wait = MARK_WAIT_SECONDS if more else LAST_MARK_WAIT_SECONDS
                self._marks_timer = asyncio.get_running_loop().call_later(wait, self._marks_due.set)

    def _stop_timer(self) -> None:
        if self._marks_timer is not None:
            self._marks_timer.cancel()

    async def _keep_marks(self) -> None:
        while True:
            await self._marks_due.wait()
            self._marks_due.clear()
            self._stop_timer()
            if self._marks:
                marks = list(self._marks)
                await self._write_down(marks)
                # Only now: whoever is cancelled in between leaves them to finish(), and marking twice is harmless.
                del self._marks[: len(marks)]
                if self._marks:
                    self._marks_due.set()  # they have waited for this transaction

    async def _write_down(self, marks: list[Mark]) -> None:
        now = self._clock.now()
        what = "marking what was sent"
        try:
            await self._database.insist(lambda session: write_down(session, marks, now, self._hooks), what)
        except Exception:
            log.exception("telling of a message failed; marking it all the same", outbox=[mark.key for mark in marks])
            await self._database.insist(lambda session: write_down(session, marks, now, Hooks()), what)
        for mark in marks:
            queue = self._queues[mark.lane]
            queue.taken.discard(mark.key)
            queue.slots.release()
