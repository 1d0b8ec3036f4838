"""How updates come in: kept before they are confirmed, whatever the network does."""

import asyncio
from typing import Any

import pytest
import structlog
from aiohttp import web
from aiohttp.test_utils import TestServer
from sqlmodel import Session, select

from bot import receiving, workers
from bot.application import TokenRefused
from bot.clock import SystemClock
from bot.database import Database
from bot.network import Api, Network
from bot.receiving import Receiver
from sandbox.facade import Sandbox
from sandbox.faults import Fault
from store import inbox, vitals
from store.inbox import InboxUpdate


@pytest.fixture(autouse=True)
def _impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FIRST_WAIT_SECONDS", "CONFLICT_WAIT_SECONDS", "LONG_CONFLICT_WAIT_SECONDS"):
        monkeypatch.setattr(receiving, name, 0.02)
    monkeypatch.setattr(workers, "FIRST_WAIT_SECONDS", 0.02)


def raw(session: Session) -> list[InboxUpdate]:
    return list(session.exec(select(InboxUpdate).order_by(InboxUpdate.update_id)))


def alone(house: Any) -> tuple[Receiver, Network]:
    """A receiver with nobody behind it."""
    settings = house.make_settings()
    network, clock = Network(), SystemClock()

    async def heard(*_: Any) -> None:
        return

    api = Api(network, settings.api_base, settings.required_token)
    return Receiver(Database(house.engine), api, clock, heard=heard), network


def events(lines: list[Any], name: str) -> list[str]:
    return [line["event"] for line in lines if name in line["event"]]


@pytest.mark.parametrize("kind", ["server_error", "drop_before", "drop_after", "too_many_requests"])
async def test_trouble_while_polling_loses_nothing_and_is_said_once(house: Any, kind: Any) -> None:
    house.sandbox.fault(Fault(kind, "getUpdates", times=3, retry_after=1 if kind == "too_many_requests" else 0))
    person = house.sandbox.person("张三")
    await person.start()
    await person.send("甲")
    with structlog.testing.capture_logs() as lines:
        async with house.running():
            await house.settled()
    assert [message.text for message in person.from_bot] == ["收到", "收到"]
    assert len([line for line in lines if line["log_level"] == "warning"]) <= 2
    assert len(events(lines, "hearing from Telegram again")) == 1


async def test_what_came_twice_is_handled_once(house: Any) -> None:
    """The answer was written down, and the bot died before it could confirm it."""
    person = house.sandbox.person("张三")
    await person.start()
    bot = house.make_bot()
    await bot.hire().introduce()
    polling = asyncio.create_task(bot.receiver.run())
    await house.until(inbox.count_waiting)
    polling.cancel()
    await asyncio.gather(polling, return_exceptions=True)
    await bot.hire().library.shutdown()
    async with house.running():
        await house.settled()
    assert len(house.read(raw)) == 1
    assert len(person.from_bot) == 1


async def test_nothing_is_confirmed_before_it_is_kept(house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    await house.sandbox.person("张三").start()
    gate = asyncio.Event()
    receiver, network = alone(house)
    insist = receiver._database.insist

    async def held(work: Any, what: str) -> Any:
        await gate.wait()
        return await insist(work, what)

    monkeypatch.setattr(receiver._database, "insist", held)
    await network.initialize()
    polling = asyncio.create_task(receiver.run())
    await house.sandbox.until(lambda: house.sandbox.world.updates.polls)
    for _ in range(20):
        await asyncio.sleep(0)
    assert house.sandbox.unread == 1
    gate.set()
    await house.sandbox.until(lambda: house.sandbox.unread == 0)
    assert len(house.read(raw)) == 1
    polling.cancel()
    await asyncio.gather(polling, return_exceptions=True)
    await network.shutdown()


async def test_more_than_one_answer_can_hold_is_read_to_its_end(house: Any) -> None:
    person = house.sandbox.person("张三")
    await person.start()
    for number in range(230):
        await person.send(str(number))
    house.on_text = lambda _context: None
    async with house.running():
        await house.settled()
        assert house.read(vitals.read_through) == house.sandbox.clock.now()
    assert len(house.read(raw)) == 231


async def test_a_second_poller_is_borne_with(house: Any) -> None:
    with structlog.testing.capture_logs() as lines:
        async with house.running():
            await house.settled()
            other = house.make_bot()
            await other.hire().introduce()
            for _ in range(3):
                await other.receiver._api.call("getUpdates", {"timeout": 0})
            person = house.sandbox.person("张三")
            await person.start()
            await house.settled()
            await other.hire().library.shutdown()
    assert events(lines, "another program polls with this token")
    assert [message.text for message in person.from_bot] == ["收到"]


async def test_a_webhook_that_was_left_is_removed(house: Any) -> None:
    """A server that answers as Telegram does while a webhook is set; the sandbox knows none."""
    removed: list[bool] = []
    said = (
        "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
    )

    async def answer(request: web.Request) -> web.Response:
        if request.path.endswith("/deleteWebhook"):
            removed.append((await request.json())["drop_pending_updates"])
        elif not removed:
            return web.json_response({"ok": False, "error_code": 409, "description": said}, status=409)
        return web.json_response({"ok": True, "result": []})

    app = web.Application()
    app.router.add_post("/{path:.*}", answer)
    async with TestServer(app) as server:
        house.settings["api_base"] = str(server.make_url("")).rstrip("/")
        receiver, network = alone(house)
        await network.initialize()
        polling = asyncio.create_task(receiver.run())
        await house.until(vitals.last_contact)
        polling.cancel()
        await asyncio.gather(polling, return_exceptions=True)
        await network.shutdown()
    assert removed == [False]


async def test_a_token_that_is_refused_ends_the_bot_in_one_line(house: Any) -> None:
    house.settings["token"] = "123456789:AAHk1-a-token-that-nobody-knows-here"
    with pytest.raises(TokenRefused, match="KAOPING_TOKEN") as caught:
        await house.make_bot().run()
    assert "nobody-knows" not in str(caught.value)


async def test_a_start_without_a_network_waits_for_it(house: Any) -> None:
    house.sandbox.fault(Fault("drop_before", "getMe", times=1))
    house.sandbox.fault(Fault("server_error", "getMe", times=2))
    await house.sandbox.person("张三").start()
    async with house.running():
        await house.settled()
    assert len(house.read(raw)) == 1


async def test_an_outage_is_on_record_and_a_jump_of_the_clock_is_none(house: Any) -> None:
    async with house.running():
        await house.settled()
        house.advance(days=3)
        await house.settled()
        assert house.read(vitals.outages) == []
    stopped = house.sandbox.clock.now()
    house.advance(hours=20)
    async with house.running():
        await house.settled()
    [outage] = house.read(vitals.outages)
    assert (outage.began, outage.ended) == (stopped, house.sandbox.clock.now())


async def test_time_does_its_work_at_each_jump_after_what_came_before_it(house: Any) -> None:
    seen: list[tuple[int, Any]] = []
    house.on_tick = lambda session, _now: seen.append((len(raw(session)), vitals.read_through(session)))
    person = house.sandbox.person("张三")
    async with house.running():
        await house.settled()
        await person.start()
        house.advance(hours=8)
        await house.settled()
    start, end = house.ticks[0], house.ticks[-1]
    assert (end - start).total_seconds() == 8 * 3600
    assert seen[-1] == (1, end)


async def test_after_a_week_of_silence_numbers_may_begin_anew(house: Any) -> None:
    person = house.sandbox.person("张三")
    async with house.running():
        await person.start()
        await house.settled()
        house.advance(days=8)
        await house.settled()
        house.sandbox.world.updates.next_id = 1000
        await person.send("又来了")
        await house.settled()
    assert len(person.from_bot) == 2
    assert house.read(raw)[0].update_id == 1000


async def test_only_what_the_bot_uses_is_asked_for(telegram: Sandbox, house: Any) -> None:
    async with house.running():
        await house.settled()
    assert set(telegram.world.updates.allowed) == {"message", "edited_message", "callback_query", "my_chat_member"}
