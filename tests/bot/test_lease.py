"""One process works on a database at a time; the next one takes over when it is gone."""

import asyncio
from typing import Any

import pytest
import structlog
from sqlalchemy import Engine, text

from bot import lease as leases
from bot.lease import LeadLost, PostgresLease, lease_on, wait_for_lead, watch_lead
from store.db import open_engine


@pytest.fixture(autouse=True)
def _impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(leases, "CHECK_SECONDS", 0.02)


def test_the_lead_is_one_processs_until_it_gives_it_back(engine: Engine, new_engine: Any) -> None:
    first, second = lease_on(engine), lease_on(new_engine())
    assert first.take()
    assert first.held()
    assert not second.take()
    assert not second.held()
    first.give_back()
    assert not first.held()
    assert second.take()
    second.give_back()


async def test_who_stands_by_takes_over(engine: Engine, new_engine: Any) -> None:
    first, second = lease_on(engine), lease_on(new_engine())
    first.take()
    with structlog.testing.capture_logs() as lines:
        waiting = asyncio.create_task(wait_for_lead(second))
        async with asyncio.timeout(10):
            while not lines:  # noqa: ASYNC110 - the line is written by the task that waits
                await asyncio.sleep(0.01)
        first.give_back()
        await asyncio.wait_for(waiting, 10)
    assert [line["event"] for line in lines] == ["another process works on this database; standing by to take over"]
    second.give_back()


async def test_a_lost_connection_is_a_lost_lead(postgres_url: str) -> None:
    engine = open_engine(postgres_url)
    lease = lease_on(engine)
    assert lease.take()
    watching = asyncio.create_task(watch_lead(lease))
    with engine.begin() as connection:
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        connection.execute(text(f"{others} AND datname = current_database()"))
    with pytest.raises(LeadLost):
        await asyncio.wait_for(watching, 10)
    engine.dispose()


async def test_a_database_that_is_away_is_waited_for(postgres_url: str, unused_tcp_port: int) -> None:
    away = open_engine(f"postgresql://nobody@127.0.0.1:{unused_tcp_port}/nowhere")
    lease = PostgresLease(away)
    with structlog.testing.capture_logs() as lines:
        waiting = asyncio.create_task(wait_for_lead(lease))
        async with asyncio.timeout(10):
            while not lines:  # noqa: ASYNC110 - the line is written by the task that waits
                await asyncio.sleep(0.01)
        lease._engine = there = open_engine(postgres_url)
        await asyncio.wait_for(waiting, 10)
    assert [line["event"] for line in lines] == ["the database does not answer; waiting for it"]
    lease.give_back()
    there.dispose()


def test_a_database_in_memory_is_nobody_elses() -> None:
    lease = lease_on(open_engine("sqlite://"))
    assert lease.take()
    assert lease.held()


async def test_a_second_bot_on_the_database_waits_and_then_goes_on(house: Any) -> None:
    person = house.sandbox.person("张三")
    second = house.make_bot()
    async with house.running():
        await person.start()
        await house.settled()
        standing_by = asyncio.create_task(second.run())
        await person.send("甲")
        await house.settled()
        assert second.hire().dispatcher.handled == 0
    await person.send("乙")
    await house.settled()
    second.stop()
    await standing_by
    assert second.hire().dispatcher.handled == 1
    assert [message.text for message in person.from_bot] == ["收到"] * 3
