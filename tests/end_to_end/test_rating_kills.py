"""A bot that is killed in the middle of a rating: no tap that was answered is lost, and no ballot is cast twice."""

import asyncio
import os
import shutil
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlmodel import select

from benchmarks._crowd import Boxes, Crowd, Rater, boxes, furnish, plain, rated
from sandbox.clock import VirtualClock
from sandbox.facade import Sandbox
from sandbox.faults import Fault
from sandbox.limits import Limits
from scoring.survey_tables import SUBMITTED, RatingDraft, Turn
from store import vitals
from store.db import open_engine, transaction
from store.times import CHINA
from tests.end_to_end.conftest import Process

if TYPE_CHECKING:
    from tests.end_to_end.conftest import Warm

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="starts the bots by fork")

NOW = datetime(2021, 12, 1, 10, tzinfo=CHINA)
RATERS, DEPARTMENTS = 4, 6
LOOK_SECONDS = 0.0005


class Poll:
    """A rating in which everybody gives every department a score of his own for each aspect, and submits."""

    def __init__(self, sandbox: Sandbox, url: str, bot: Process) -> None:
        self.sandbox, self.bot = sandbox, bot
        self.engine = open_engine(url)
        views = [sandbox.person(f"评议人{n}") for n in range(RATERS)]
        with transaction(self.engine) as session:
            closes_at = NOW + timedelta(days=9)
            self.survey = furnish(session, views, DEPARTMENTS, panel="enterprises", now=NOW, closes_at=closes_at)
        self.units = rated(self.engine, self.survey)
        self.crowd = Crowd(sandbox, views)
        self.kills: list[str] = []

    async def rate(self, point: Callable[[str], Awaitable[None]]) -> None:
        """The whole of it; ``point`` is told of each moment at which it might be worth a kill."""
        for rater in self.crowd.values():
            await rater.begin()
        for number, unit in enumerate(self.units):
            for who, rater in enumerate(self.crowd.values()):
                for aspect in range(5):
                    await rater.give(unit, aspect, 5 * ((who + number + aspect) % 5))
            await point(f"tapped {number}")
            await self.settled()
            for rater in self.crowd.values():
                assert self.draft(rater)[str(unit)] == [plain(one) for one in rater.given[unit]]
        for number, rater in enumerate(self.crowd.values()):
            submitting = asyncio.create_task(rater.submit())
            await point(f"submits {number}")
            await submitting
        await self.settled()

    async def settled(self) -> None:
        await self.sandbox.idle(patience=60)
        async with asyncio.timeout(60):
            while not self._is_idle():  # noqa: ASYNC110 - another process writes
                await asyncio.sleep(0.005)

    def _is_idle(self) -> bool:
        with transaction(self.engine) as session:
            return vitals.is_idle(session, self.sandbox.clock.now().replace(microsecond=0))

    def draft(self, rater: Rater) -> dict[str, object]:
        with transaction(self.engine) as session:
            query = select(RatingDraft.scores).where(RatingDraft.chat_id == rater.view.id)
            return dict(session.exec(query).one())

    async def kill(self, when: str) -> None:
        """Ends the bot at once, and begins another."""
        answered = [one for one in self.sandbox.world.queries.values() if one.answered and ":s:" in one.data]
        await self.bot.kill()
        self.sandbox.faults.clear()
        for query in answered:
            self._is_kept(query.person_id, query.data)
        await self.bot.start()
        self.kills.append(when)

    def _is_kept(self, person: int, data: str) -> None:
        """Fails where a tap that was answered is not in its draft, as long as there is one."""
        unit, aspect, score = data.partition(":s:")[2].split(":")
        with transaction(self.engine) as session:
            found = session.exec(select(RatingDraft).where(RatingDraft.chat_id == person)).first()
            if found is None:  # it was cast: the boxes tell, in the end
                return
            assert found.scores[unit][int(aspect)] == score, f"an answered tap is lost: {data}"


async def played(
    warm: "Warm", url: str, folder: Path, point: Callable[[Poll, str], Awaitable[None]]
) -> tuple[Boxes, Poll]:
    """The boxes of a rating, and all that happened in it."""
    async with Sandbox(clock=VirtualClock(NOW, frozen=True), limits=Limits(on=False)) as sandbox:
        bot = Process(warm, sandbox, url, folder / "bot.log")
        poll = Poll(sandbox, url, bot)
        async with bot.ready():
            await bot.start()

            async def at(moment: str) -> None:
                await point(poll, moment)

            await poll.rate(at)
        found = boxes(poll.engine, poll.survey)
        with transaction(poll.engine) as session:
            assert session.exec(select(RatingDraft)).all() == []
            states = session.exec(select(Turn.state)).all()
        assert states == [SUBMITTED] * RATERS
        assert found == poll.crowd.expected(poll.units)
        poll.engine.dispose()
        return found, poll


async def shows(poll: Poll, count: str) -> None:
    """Waits for something that is there for a moment only, and that nothing but the database tells."""
    with closing(sqlite3.connect(f"file:{poll.engine.url.database}?mode=ro", uri=True)) as reader:
        async with asyncio.timeout(20):
            while reader.execute(count).fetchone() == (0,):  # noqa: ASYNC110
                await asyncio.sleep(LOOK_SECONDS)


async def strikes(poll: Poll, fault: Fault) -> None:
    poll.sandbox.fault(fault)
    await poll.sandbox.until(lambda: fault.hits > 0, patience=60)


@pytest.fixture
def another(sqlite_template: Path, tmp_path: Path) -> str:
    """A second prepared database, in a folder of its own."""
    (tmp_path / "twin").mkdir()
    shutil.copyfile(sqlite_template, tmp_path / "twin" / "kaoping.db")
    return f"sqlite:///{tmp_path / 'twin' / 'kaoping.db'}"


async def test_kills_lose_no_tap_and_cast_no_ballot_twice(
    warm: "Warm", sqlite_url: str, another: str, tmp_path: Path
) -> None:
    async def strike(poll: Poll, moment: str) -> None:
        match moment:
            case "tapped 0":  # the taps are on their way to the bot
                await strikes(poll, Fault("slow", "getUpdates", delay=None))
            case "tapped 1":  # written down, and not handled
                await shows(poll, "SELECT count(*) FROM inbox WHERE state = 0")
            case "tapped 2":  # handled, and the card does not show it yet
                await shows(poll, "SELECT count(*) FROM outbox WHERE state = 0")
            case "tapped 3":  # the card is being edited
                await strikes(poll, Fault("slow", "editMessageText", delay=None))
            case "tapped 4":  # some of the taps have been answered
                await strikes(poll, Fault("slow", "answerCallbackQuery", delay=None, skip=3))
            case "submits 0":  # cast, and nobody has been told
                await shows(poll, "SELECT count(*) FROM turn WHERE state = 'submitted'")
            case "submits 1":  # the review is on its way
                await strikes(poll, Fault("slow", "editMessageText", delay=None))
            case "submits 2":  # the question whether he is sure is, or the word that it was cast
                await strikes(poll, Fault("slow", "editMessageText", delay=None, skip=1))
            case _:
                return
        await poll.kill(moment)

    async def nothing(_poll: Poll, _moment: str) -> None:
        return

    undisturbed, _ = await played(warm, another, tmp_path / "twin", nothing)
    killed, poll = await played(warm, sqlite_url, tmp_path, strike)
    assert len(poll.kills) == 8
    assert killed == undisturbed
    # What was cast is told of once, or once more where the word was on its way when the bot died.
    told = [
        sum("已提交" in call.text for call in rater.view.calls if call.error is None) for rater in poll.crowd.values()
    ]
    assert all(1 <= times <= 2 for times in told)
