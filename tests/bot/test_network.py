"""Requests to Telegram, against a server that misbehaves on purpose."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from telegram.error import BadRequest, Forbidden, NetworkError, RetryAfter, TimedOut

from bot.network import Api, Network, NetworkInTransaction, Upload, no_network, seconds_to_wait


@pytest.fixture
async def server() -> AsyncIterator[TestServer]:
    async def answer(request: web.Request) -> web.Response:
        match request.match_info["method"]:
            case "slow":
                await asyncio.sleep(5)
            case "blocked":
                return web.json_response({"ok": False, "description": "Forbidden: bot was blocked"}, status=403)
            case "wrong":
                return web.json_response({"ok": False, "description": "Bad Request: chat not found"}, status=400)
            case "flood":
                told = {"ok": False, "description": "Too Many Requests", "parameters": {"retry_after": 7}}
                return web.json_response(told, status=429)
            case "nonsense":
                return web.Response(text="<html>502", status=502)
            case "sendDocument":
                form = await request.post()
                file = form["document"]
                assert isinstance(file, web.FileField)
                return web.json_response(
                    {"ok": True, "result": [file.filename, file.file.read().decode(), form["caption"]]}
                )
        return web.json_response(
            {"ok": True, "result": await request.json()}, headers={"Date": "Fri, 02 Apr 2021 08:00:00 GMT"}
        )

    app = web.Application()
    app.router.add_post("/bot{token}/{method}", answer)
    async with TestServer(app) as running:
        yield running


@pytest.fixture
async def api(server: TestServer) -> AsyncIterator[Api]:
    network = Network()
    await network.initialize()
    yield Api(network, str(server.make_url("")).rstrip("/"), "1:x")
    await network.shutdown()


async def test_parameters_go_as_json_and_keep_their_shape(api: Api) -> None:
    sent = {"chat_id": -100, "text": "好 <b>&amp;</b>", "reply_markup": {"inline_keyboard": [[{"text": "是"}]]}}
    assert await api.call("echo", sent) == sent


async def test_files_go_as_a_form(api: Api) -> None:
    upload = Upload("document", "双公示台账.csv", "台账".encode())
    assert await api.call("sendDocument", {"caption": "三月"}, upload=upload) == ["双公示台账.csv", "台账", "三月"]


@pytest.mark.parametrize(
    ("method", "error"),
    [("blocked", Forbidden), ("wrong", BadRequest), ("flood", RetryAfter), ("nonsense", NetworkError)],
)
async def test_a_refusal_is_the_librarys_error(api: Api, method: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        await api.call(method, {})


async def test_telegram_says_how_long_to_wait(api: Api) -> None:
    with pytest.raises(RetryAfter) as caught:
        await api.call("flood", {})
    assert seconds_to_wait(caught.value) == 7.0


async def test_an_answer_that_does_not_come_is_a_time_out(api: Api) -> None:
    with pytest.raises(TimedOut):
        await api.call("slow", {}, read_timeout=0.05)
    assert await api.call("echo", {"a": 1}) == {"a": 1}


async def test_nobody_there_is_a_network_error(server: TestServer, api: Api) -> None:
    await server.close()
    with pytest.raises(NetworkError):
        await api.call("echo", {})


async def test_each_answers_date_is_told(server: TestServer) -> None:
    dates: list[str | None] = []
    network = Network(on_date=dates.append)
    await network.initialize()
    await Api(network, str(server.make_url("")).rstrip("/"), "1:x").call("echo", {})
    await network.shutdown()
    assert dates == ["Fri, 02 Apr 2021 08:00:00 GMT"]


async def test_inside_a_transaction_nothing_is_sent_and_the_try_is_remembered(api: Api) -> None:
    with no_network() as tried, pytest.raises(NetworkError) as caught:
        await api.call("echo", {})
    assert tried == ["echo"]
    assert isinstance(caught.value.__cause__, NetworkInTransaction)
