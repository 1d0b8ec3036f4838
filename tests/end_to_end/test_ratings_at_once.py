"""Many raters who tap as fast as they can, with limits on: nothing that was tapped is lost, or counts twice."""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from benchmarks._crowd import Crowd, Rater, boxes, furnish, plain, rated
from bot import assembly
from bot.clock import ServerClock
from bot.settings import Settings
from sandbox.clock import VirtualClock
from sandbox.facade import Sandbox
from scoring.survey_tables import RatingDraft
from store import vitals
from store.db import open_engine, transaction
from store.outbox import failures
from store.times import CHINA

NOW = datetime(2021, 12, 1, 10, tzinfo=CHINA)
RATERS, DEPARTMENTS = 16, 12


@pytest.fixture
async def engine(sqlite_url: str) -> AsyncIterator[Engine]:
    engine = open_engine(sqlite_url)
    yield engine
    engine.dispose()


async def in_bursts(rater: Rater, units: list[int], chance: random.Random) -> None:
    """Gives every department something, in no order, many taps before the card has followed; some of them twice, some
    taken back and given anew.
    """
    for unit in chance.sample(units, len(units)):
        if chance.random() < 0.4:
            await rater.give_all(unit, 5 * chance.randrange(5))
        else:
            for aspect in chance.sample(range(5), 5):
                await rater.give(unit, aspect, 5 * chance.randrange(5))
        if chance.random() < 0.3:
            aspect, tenths = chance.randrange(5), 5 * chance.randrange(5)
            for _ in range(2):
                await rater.give(unit, aspect, tenths)
        if chance.random() < 0.1:
            rater.given.pop(unit)
            await rater.tap(f"{rater.prefix}:u:{unit}")
        if chance.random() < 0.3:
            await asyncio.sleep(chance.random() / 10)


async def test_what_many_tap_at_once_is_what_is_counted(engine: Engine) -> None:
    chance = random.Random(20211201)  # noqa: S311
    async with Sandbox(clock=VirtualClock(NOW, frozen=True)) as sandbox:
        views = [sandbox.person(f"评议人{n}") for n in range(RATERS)]
        with transaction(engine) as session:
            survey = furnish(
                session, views, DEPARTMENTS, panel="enterprises", now=NOW, closes_at=NOW + timedelta(days=9)
            )
        units, crowd = rated(engine, survey), Crowd(sandbox, views)
        settings = Settings(_env_file=None, token=sandbox.token, api_base=sandbox.url)  # type: ignore[call-arg]
        async with assembly.assemble(settings, engine, ServerClock()).running():
            await asyncio.gather(*(rater.begin() for rater in crowd.values()))
            await asyncio.gather(*(in_bursts(rater, units, chance) for rater in crowd.values()))
            await sandbox.idle(patience=90)
            while not _settled(engine, sandbox):  # noqa: ASYNC110 - another thread writes
                await asyncio.sleep(0.02)
            drafts = _drafts(engine)
            assert drafts == {rater.view.id: _given(rater, units) for rater in crowd.values()}
            for rater in crowd.values():
                await rater.shows(lambda card: any((one.data or "").split(":")[4:5] == ["y"] for one in card.buttons))
            expected, prefixes = crowd.expected(units), {rater: rater.prefix for rater in crowd.values()}
            await asyncio.gather(*(rater.submit() for rater in crowd.values()))
            assert boxes(engine, survey) == expected
            # It is over for them: no tap that comes after it changes anything.
            late = [await rater.tap(f"{prefix}:a:{units[0]}:0") for rater, prefix in prefixes.items()]
            assert all("已经提交" in said for said in [await tap.answered() for tap in late])
            assert boxes(engine, survey) == expected
        assert sandbox.limits.refused <= len(sandbox.calls) / 100
    with transaction(engine) as session:
        assert failures(session) == []


def _settled(engine: Engine, sandbox: Sandbox) -> bool:
    with transaction(engine) as session:
        return vitals.is_idle(session, sandbox.clock.now().replace(microsecond=0))


def _drafts(engine: Engine) -> dict[int, dict[str, object]]:
    with transaction(engine) as session:
        return {one.chat_id: one.scores for one in session.exec(select(RatingDraft))}


def _given(rater: Rater, units: list[int]) -> dict[str, object]:
    return {
        str(unit): [plain(one) for one in rater.given[unit]] if unit in rater.given else "abstain" for unit in units
    }
