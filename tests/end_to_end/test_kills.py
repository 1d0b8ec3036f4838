"""A bot that is killed again and again in the middle of a quarter, and what people and the ledger notice of it.

The clock of the sandbox stands still between the steps of the play, so that both quarters, with and without kills, are
told the same instants: everything they leave behind must be equal, to the hash of the last entry.
"""

import asyncio
import math
import os
import random
import sqlite3
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import closing
from datetime import datetime
from typing import TYPE_CHECKING

import pytest
from sqlmodel import col, select

from sandbox.faults import Fault
from sandbox.world import Call
from store.db import transaction
from store.outbox import OutboxMessage
from store.times import CHINA

if TYPE_CHECKING:
    from tests.end_to_end.conftest import Outcome, Stage

KILLS = 30
LEAST = 20
SLOTS = 16
"""Messages that the sender has out and unmarked at most: twelve answers and four notices."""
SHORTEST_SECONDS, LONGEST_SECONDS = 0.0005, 0.1
"""About as long as a commit, and as receiving, handling, sending and marking one update on a busy machine: a moment
drawn between them, each power of ten alike, falls anywhere in it."""
LOOK_SECONDS = 0.0005
SETTLEMENTS = [datetime(2021, month, 3, 0, 10, tzinfo=CHINA) for month in (2, 3, 4)]
"""When the deadlines of the quarter are settled: at the end of the second working day, after the grace."""

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="starts the bots by fork")

Point = Callable[[], Coroutine[None, None, None]]


class Reaper:
    """Kills the bot at points drawn by chance, and keeps an account of what was under way."""

    def __init__(self, stage: "Stage", seed: int) -> None:
        self._stage = stage
        self._chance = random.Random(seed)  # noqa: S311
        self._settlements = list(SETTLEMENTS)
        self.struck: Counter[str] = Counter()
        self.in_flight: list[set[Call]] = []
        """Of each kill: what had gone out and was not marked when the bot ended."""

    async def reap(self, playing: "asyncio.Task[None]") -> None:
        """Kills and starts again until enough, or until the play is over."""
        points = [self._receiving, self._received, self._handled, self._sending, self._moment]
        zone = self._stage.play.zone
        while len(self.in_flight) < KILLS and not playing.done():
            # Spread over the quarter, so that every month's deadline has its share.
            earliest = zone.opens + (zone.ends - zone.opens) * len(self.in_flight) / KILLS
            point = points[len(self.in_flight) % len(points)]
            waiting = asyncio.create_task(self._next(point, earliest))
            await asyncio.wait([waiting, playing], return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done():
                waiting.cancel()
                return
            await waiting
            await self._kill()

    async def _next(self, point: Point, earliest: datetime) -> None:
        """Comes to the point, or to a settlement if there is one before."""
        ways = [asyncio.create_task(self._come_to(point, earliest)), asyncio.create_task(self._settling())]
        try:
            done, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            await done.pop()
        finally:
            for way in ways:
                way.cancel()

    async def _come_to(self, point: Point, earliest: datetime) -> None:
        await self._until(lambda: self._stage.sandbox.clock.now() >= earliest)
        await point()
        self.struck[point.__name__.strip("_")] += 1

    async def _kill(self) -> None:
        stage = self._stage
        await stage.bot.kill()
        stage.sandbox.faults.clear()
        marked = self._marked()
        known = len(stage.sandbox.calls)
        await stage.bot.start()
        # What the dead bot had written to its connections was carried out before the next one introduced itself.
        calls = stage.sandbox.calls
        introduced = next(number for number in range(known, len(calls)) if calls[number].method == "getMe")
        accounted = set().union(*self.in_flight)
        out = {
            call for call in calls[:introduced] if _is_message(call) and (call.chat_id, call.message_id) not in marked
        }
        self.in_flight.append(out - accounted)

    def _marked(self) -> set[tuple[int | None, int | None]]:
        with transaction(self._stage.engine) as session:
            query = select(OutboxMessage.chat_id, OutboxMessage.message_id).where(col(OutboxMessage.message_id) > 0)
            return {(chat, message) for chat, message in session.exec(query)}

    async def _receiving(self) -> None:
        """An answer to a poll is under way."""
        await self._strikes(Fault("slow", "getUpdates", delay=None, skip=self._chance.randrange(6)))

    async def _received(self) -> None:
        """An update is written down and not handled."""
        await self._shows("SELECT count(*) FROM inbox WHERE state = 0")

    async def _handled(self) -> None:
        """What an update or a tick brought about is written down, and its messages are not all sent or not marked."""
        await self._shows("SELECT count(*) FROM outbox WHERE state = 0")

    async def _sending(self) -> None:
        """A message is there, and its sender does not know yet."""
        await self._strikes(Fault("slow", "send*", delay=None, skip=self._chance.randrange(6)))

    async def _moment(self) -> None:
        """Some moment after somebody has done something, or after the clock has moved."""
        world = self._stage.sandbox.world
        for _ in range(self._chance.randrange(1, 6)):
            seen = world.updates.next_id, world.clock.now()
            await self._until(lambda seen=seen: (world.updates.next_id, world.clock.now()) != seen)  # type: ignore[misc]
        await self._any_moment()

    async def _settling(self) -> None:
        """Some moment after the time has come to settle a deadline."""
        if not self._settlements:
            await asyncio.Future()
        await self._until(lambda: self._stage.sandbox.clock.now() >= self._settlements[0])
        self._settlements.pop(0)
        await self._any_moment()
        self.struck["settling"] += 1

    async def _any_moment(self) -> None:
        shortest, longest = math.log(SHORTEST_SECONDS), math.log(LONGEST_SECONDS)
        await asyncio.sleep(math.exp(self._chance.uniform(shortest, longest)))

    async def _shows(self, count: str) -> None:
        """Waits for something that is there for a moment only, and that nothing but the database tells."""
        calls = len(self._stage.sandbox.calls) + self._chance.randrange(6)
        await self._until(lambda: len(self._stage.sandbox.calls) >= calls)
        with closing(sqlite3.connect(f"file:{self._stage.engine.url.database}?mode=ro", uri=True)) as reader:
            while reader.execute(count).fetchone() == (0,):  # noqa: ASYNC110
                await asyncio.sleep(LOOK_SECONDS)

    async def _strikes(self, fault: Fault) -> None:
        self._stage.sandbox.fault(fault)
        await self._until(lambda: fault.hits > 0)

    async def _until(self, condition: Callable[[], bool]) -> None:
        await self._stage.sandbox.until(condition, patience=600)


def _is_message(call: Call) -> bool:
    return call.error is None and call.method.startswith("send") and call.message_id is not None


async def test_kills_in_a_quarter_lose_nothing_and_repeat_only_what_was_in_flight(
    twin: "Outcome", stage: "Stage"
) -> None:
    await stage.bot.start()
    reaper = Reaper(stage, seed=20210403)
    playing = asyncio.create_task(stage.quarter())
    await reaper.reap(playing)
    await playing
    killed = stage.outcome()

    assert len(reaper.in_flight) >= LEAST, reaper.struck
    assert reaper.struck["settling"] > 0
    assert killed.ledger == twin.ledger
    assert killed.settlements == twin.settlements
    assert killed.hand_ins == twin.hand_ins
    assert killed.files == twin.files
    assert killed.obligations == twin.obligations
    assert killed.reminders == twin.reminders
    assert (killed.unhandled, killed.failed) == (0, [])

    once_more = Counter((call.chat_id, call.method, call.text) for out in reaper.in_flight for call in out)
    assert killed.messages - twin.messages == once_more
    assert twin.messages - killed.messages == Counter()
    assert max(map(len, reaper.in_flight)) <= SLOTS
