"""A rating by everybody at once, and how soon a tap is seen, with Telegram's limits on.

Three hundred raters give forty departments their scores as fast as they can tap, submit, and what is in the boxes is
compared with what was tapped. Before that, twenty of them tap in each second: how long it takes from a tap until the
card shows it, beside python-telegram-bot by itself, which keeps nothing and puts the tap's own words into the message.
"""

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from benchmarks._crowd import Crowd, Rater, boxes, furnish, rated
from sandbox.clock import VirtualClock
from sandbox.facade import PersonView, Sandbox
from sandbox.views import MessageView
from store.db import open_engine, prepare, transaction
from store.times import CHINA

NOW = datetime(2021, 12, 1, 10, tzinfo=CHINA)
PER_SECOND = 20
PATIENCE_SECONDS = 900.0

Tapper = Callable[[PersonView], Coroutine[Any, Any, float]]
"""Taps something that changes the message, and tells how many seconds that took."""


@asynccontextmanager
async def side(name: str, sandbox: Sandbox, database: str) -> AsyncIterator[None]:
    """Runs one side in a process of its own."""
    command = [sys.executable, "-m", "benchmarks._sides", name, sandbox.url, database, "0"]
    process = await asyncio.create_subprocess_exec(
        *command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    assert process.stdin is not None
    if (await process.stdout.readline()).strip() != b"ready":
        raise RuntimeError(f"{name} did not start")
    try:
        yield
    finally:
        process.stdin.close()
        await process.wait()


async def paced(views: list[PersonView], seconds: int, tap: Tapper) -> list[float]:
    """Seconds from each of so many taps to the change it makes, one person after another, PER_SECOND a second."""
    waiting: list[asyncio.Task[float]] = []
    began = time.monotonic()
    for number in range(seconds * PER_SECOND):
        await asyncio.sleep(max(0.0, began + number / PER_SECOND - time.monotonic()))
        waiting.append(asyncio.create_task(tap(views[number % len(views)])))
    return list(await asyncio.gather(*waiting))


class OnCards:
    """On the cards of raters: another score for an aspect of the department that is open."""

    def __init__(self, crowd: Crowd) -> None:
        self.crowd = crowd

    async def __call__(self, view: PersonView) -> float:
        rater = self.crowd[view.id]
        shown = rater.shown
        data = next(one.data for one in shown.buttons if one.data and one.data.split(":")[4:5] == ["s"])
        unit = int(data.split(":")[5])
        score = 15 if rater.given.get(unit, [0])[0] == 20 else 20
        began = time.monotonic()
        await rater.give(unit, 0, score)
        await rater.shows(lambda card: card.raw is not shown.raw)
        return time.monotonic() - began


class OnPlain:
    """On the messages of the bare library."""

    def __init__(self, sandbox: Sandbox, views: list[PersonView]) -> None:
        self.seen = {view.id: asyncio.Event() for view in views}
        self.shown: dict[int, MessageView] = {}
        sandbox.world.listeners.append(self._heard)

    def _heard(self, event: dict[str, object]) -> None:
        if event["event"] == "message" and event["chat"] in self.seen:
            message = MessageView(event["message"])  # type: ignore[arg-type]
            if message.by_bot:
                self.shown[message.chat_id] = message
                self.seen[message.chat_id].set()

    async def __call__(self, view: PersonView) -> float:
        seen = self.seen[view.id]
        seen.clear()
        began = time.monotonic()
        await view.forge(self.shown[view.id], f"x:{began}")
        await seen.wait()
        return time.monotonic() - began


async def everything(rater: Rater, units: list[int]) -> None:
    """Every department evenly, one tap each, none of which waits for the card; then the review."""
    own = rater.view.id
    for unit in units:
        await rater.give_all(unit, 5 * ((own + unit) % 5))
        if (own * unit) % 7 == 0:
            await rater.give(unit, own % 5, 15)
        await asyncio.sleep(0)
    await rater.shows(lambda card: any((one.data or "").split(":")[4:5] == ["y"] for one in card.buttons), 600)
    await rater.submit()


async def ratings(people: int, departments: int, seconds: int) -> None:
    async with Sandbox(clock=VirtualClock(NOW, frozen=True)) as sandbox:
        views = [sandbox.person(f"评议人{n}") for n in range(people)]
        bare = await _bare(sandbox, views, seconds)
    async with Sandbox(clock=VirtualClock(NOW, frozen=True)) as sandbox:
        views = [sandbox.person(f"评议人{n}") for n in range(people)]
        with tempfile.TemporaryDirectory(prefix="kaoping-bench-") as folder:
            url = f"sqlite:///{Path(folder) / 'bench.db'}"
            engine = open_engine(url)
            prepare(engine)
            with transaction(engine) as session:
                survey = furnish(
                    session, views, departments, panel="enterprises", now=NOW, closes_at=NOW + timedelta(days=9)
                )
            units = rated(engine, survey)
            crowd = Crowd(sandbox, views)
            async with side("ratings", sandbox, url):
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await asyncio.gather(*(rater.begin() for rater in crowd.values()))
                    await asyncio.sleep(5)
                    taps = await paced(views, seconds, OnCards(crowd))
                    began, sends, refused = time.monotonic(), _sends(sandbox), sandbox.limits.refused
                    await asyncio.gather(*(everything(rater, units) for rater in crowd.values()))
                    took = time.monotonic() - began
                right = boxes(engine, survey) == crowd.expected(units)
                given = sum(map(len, (one.given for one in crowd.values())))
            engine.dispose()
        print(f"ratings: {people} raters, {departments} departments, limits on")
        print(f"  from tap to change at {PER_SECOND} taps a second")
        print(f"    {'python-telegram-bot by itself, nothing kept':45} {_times(bare)}")
        print(f"    {'the whole bot, every tap kept':45} {_times(taps)}  (bar: median under 300 ms)")
        out, refused = _sends(sandbox) - sends, sandbox.limits.refused - refused
        print(f"  all at once: {given} departments rated and submitted in {took:.0f} s by {out} sends and edits")
        print(f"    refused with 429: {refused} ({refused / out:.2%} of sends; bar: 1%)")
        print(f"    boxes equal to what was tapped: {right}")


async def _bare(sandbox: Sandbox, views: list[PersonView], seconds: int) -> list[float]:
    tap = OnPlain(sandbox, views)
    async with side("edit", sandbox, "-"):
        async with asyncio.timeout(PATIENCE_SECONDS):
            for view in views:
                await view.start()
                await asyncio.sleep(1 / 25)
            await sandbox.until(lambda: len(tap.shown) == len(views), patience=60)
            return await paced(views, seconds, tap)


def _sends(sandbox: Sandbox) -> int:
    return sum(call.method.startswith(("send", "edit")) for call in sandbox.calls)


def _times(found: list[float]) -> str:
    late = quantiles(found, n=20)[18]
    return f"median {median(found) * 1000:4.0f} ms, 95 of 100 within {late * 1000:4.0f} ms, {len(found)} taps"


def main(*, quick: bool = False) -> None:
    asyncio.run(ratings(*((60, 12, 5) if quick else (300, 40, 30))))
