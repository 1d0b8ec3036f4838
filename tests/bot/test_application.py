"""A start: who hears is there before who answers, and nothing of what he hears is lost."""

import asyncio
import threading
from typing import Any

import pytest
import structlog
from sqlalchemy import Engine, text
from sqlmodel import Session

from bot import lease
from bot.application import Bot
from bot.clock import ServerClock
from bot.workers import Workers
from store import inbox, vitals


class Gate:
    """Hires when it is opened, as a slow machine would; whoever comes after the first finds all loaded."""

    def __init__(self, house: Any) -> None:
        self.house = house
        self.opened = threading.Event()
        self.hired: list[Workers] = []
        self.began = 0
        self.bot = Bot(house.make_settings(), house.engine, ServerClock(), hire=self.hire)

    def hire(self, *means: Any) -> Workers:
        self.began += 1
        if self.began == 1:
            assert self.opened.wait(20)
        self.hired.append(self.house.hire(*means))
        return self.hired[-1]


def cut_off(engine: Engine) -> None:
    """Ends all other connections to the database."""
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    with engine.begin() as connection:
        connection.execute(text(f"{others} AND datname = current_database()"))


def waiting(session: Session) -> bool:
    return inbox.count_waiting(session) > 0


async def test_what_is_said_while_the_bot_still_loads_is_kept_and_then_answered(house: Any) -> None:
    person = house.sandbox.person("张三")
    await person.start()
    gate = Gate(house)
    running = asyncio.create_task(gate.bot.run())
    await house.until(waiting)
    assert gate.bot.workers is None
    assert person.from_bot == []
    assert house.read(vitals.last_contact) is not None
    gate.opened.set()
    await house.settled()
    assert [message.text for message in person.from_bot] == ["收到"]
    gate.bot.stop()
    await running


async def test_nobody_polls_on_while_there_is_nobody_to_answer(house: Any) -> None:
    """Whoever cannot load would otherwise go on taking updates, and look as if he were well."""
    person = house.sandbox.person("张三")
    await person.start()
    gate = Gate(house)
    running = asyncio.create_task(gate.bot.run())
    await house.until(waiting)
    polls = house.sandbox.world.updates.polls
    await person.send("第二句")
    for _ in range(50):
        await asyncio.sleep(0)
    assert house.sandbox.world.updates.polls == polls
    assert house.sandbox.unread == 2, "the first is kept and not confirmed yet, the second not even asked for"
    gate.opened.set()
    await house.settled()
    assert len(person.from_bot) == 2
    gate.bot.stop()
    await running


async def test_a_stop_while_the_bot_loads_is_a_good_end(house: Any) -> None:
    person = house.sandbox.person("张三")
    await person.start()
    gate = Gate(house)
    running = asyncio.create_task(gate.bot.run())
    await house.until(waiting)
    gate.bot.stop()
    await asyncio.wait_for(running, 10)
    gate.opened.set()
    assert house.read(inbox.count_waiting) == 1
    async with house.running():
        await house.settled()
    assert [message.text for message in person.from_bot] == ["收到"]


async def test_what_cannot_be_loaded_ends_the_bot_and_keeps_what_it_heard(house: Any) -> None:
    person = house.sandbox.person("张三")
    await person.start()

    kept = threading.Event()

    def hire(*_: Any) -> Workers:
        assert kept.wait(20)
        raise ImportError("a font is missing")

    running = asyncio.create_task(Bot(house.make_settings(), house.engine, ServerClock(), hire=hire).run())
    await house.until(waiting)
    kept.set()
    with pytest.raises(ImportError, match="a font is missing"):
        await running
    assert house.read(inbox.count_waiting) == 1
    async with house.running():
        await house.settled()
    assert [message.text for message in person.from_bot] == ["收到"]


async def test_whoever_loses_the_lead_begins_anew(
    house_on: Any, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "CHECK_SECONDS", 0.02)
    house = house_on(postgres_url)
    person = house.sandbox.person("张三")
    with structlog.testing.capture_logs() as lines:
        async with house.running() as bot:
            await person.start()
            await house.settled()
            before = bot.workers
            cut_off(house_on(postgres_url).engine)
            await house.sandbox.until(lambda: bot.workers not in (None, before))
            await person.send("还在吗")
            await house.sandbox.until(lambda: len(person.from_bot) == 2)
    assert "the connection that held the lead is gone; beginning anew" in [line["event"] for line in lines]


async def test_what_was_loaded_for_a_lead_that_is_lost_is_dropped(
    house_on: Any, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "CHECK_SECONDS", 0.02)
    house = house_on(postgres_url)
    person = house.sandbox.person("张三")
    await person.start()
    gate = Gate(house)
    running = asyncio.create_task(gate.bot.run())
    await house.until(waiting)
    await house.until(lambda _: gate.began == 1)
    cut_off(house_on(postgres_url).engine)
    await house.until(lambda _: gate.hired)
    gate.opened.set()
    await house.until(lambda _: len(gate.hired) == 2)
    await house.sandbox.until(lambda: len(person.from_bot) == 1)
    assert gate.bot.workers is gate.hired[0]
    gate.bot.stop()
    await running
