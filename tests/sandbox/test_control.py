"""The people's side over HTTP, the state on disk, and the sandbox as a process."""

import asyncio
import contextlib
import json
import signal
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from tornado.httpclient import HTTPRequest
from tornado.simple_httpclient import SimpleAsyncHTTPClient

from sandbox.client import RawClient
from sandbox.clock import VirtualClock
from sandbox.facade import Sandbox
from sandbox.images import picture_size
from sandbox.limits import Limits


async def order(http: RawClient, path: str, body: Any) -> Any:
    """A control request that has to succeed."""
    response = await http.post(f"/sandbox/{path}", json.dumps(body).encode(), "application/json")
    assert response.code == 200, response.body
    return json.loads(response.body)


async def refused(http: RawClient, path: str, body: Any) -> str:
    """The error of a control request that cannot be."""
    response = await http.post(f"/sandbox/{path}", json.dumps(body).encode(), "application/json")
    assert response.code == 422
    return str(json.loads(response.body)["error"])


async def test_a_program_without_python_can_play_people(http: RawClient, sandbox: Sandbox) -> None:
    person = await order(http, "people", {"name": "张三", "username": "zhangsan", "note": "财政局"})
    await order(
        http, "act", [{"as": "张三", "do": "start", "payload": "abc"}, {"as": person["id"], "do": "send", "text": "好"}]
    )
    keys = {"inline_keyboard": [[{"text": "已知悉", "callback_data": "k"}]]}
    sent = await http.result("sendMessage", chat_id=person["id"], text="一", reply_markup=keys)
    tap = await order(http, "act", {"as": "张三", "do": "tap", "message": sent["message_id"], "button": "已知悉"})
    assert (tap["data"], tap["answered"]) == ("k", False)
    texts = [each["message"]["text"] for each in (await http.result("getUpdates"))[:2]]
    assert texts == ["/start abc", "好"]
    group = await order(http, "groups", {"title": "群", "members": ["张三"], "bot": True})
    moved = await order(http, "act", {"as": "张三", "do": "migrate", "chat": group["id"]})
    assert sandbox.world.chats[group["id"]].migrated_to == moved["chat"]
    uploaded = await http.post(f"/sandbox/upload?as={person['id']}&caption=x", *form("表.csv", b"1"))
    (message,) = json.loads(uploaded.body)
    assert message["document"]["file_name"] == "表.csv"
    file = await http.get(f"/sandbox/files/{message['document']['file_id']}")
    assert file.body == b"1"
    assert "attachment" in file.headers["Content-Disposition"]
    assert (await http.get("/sandbox/files/none")).code == 404


def form(name: str, data: bytes) -> tuple[bytes, str]:
    """A multipart body with one file, and its content type."""
    head = f'--x\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode()
    return head + data + b"\r\n--x--\r\n", "multipart/form-data; boundary=x"


async def test_what_cannot_be_is_refused_with_its_reason(http: RawClient, sandbox: Sandbox) -> None:
    assert "nobody called" in await refused(http, "act", {"as": "无名", "do": "start"})
    sandbox.person("张三")
    assert "nobody can do" in await refused(http, "act", {"as": "张三", "do": "fly"})
    assert "missing 'text'" in await refused(http, "act", {"as": "张三", "do": "send"})
    assert "somebody like that" in await refused(http, "people", {"name": "李四", "id": sandbox.person("张三").id})
    assert "only moves forward" in await refused(http, "clock", {"advance": -1})
    assert (await http.post("/sandbox/act", b"{", "application/json")).code == 400


async def test_clock_limits_and_faults_are_set_from_outside(http: RawClient, sandbox: Sandbox) -> None:
    moved = await order(http, "clock", {"to": "2021-04-03T09:00:00+08:00"})
    assert moved == {"now": "2021-04-03T01:00:00+00:00", "frozen": True}
    assert (await order(http, "clock", {"advance": 60}))["now"] == "2021-04-03T01:01:00+00:00"
    assert (await order(http, "clock", {"running": True}))["frozen"] is False
    assert await order(http, "limits", {"on": True}) == {"on": True}
    assert sandbox.limits.on
    rule = await order(http, "faults", {"kind": "server_error", "method": "getMe", "times": 1})
    assert rule["hits"] == 0
    assert (await http.call("getMe")).status == 502
    assert json.loads((await http.get("/sandbox/faults")).body)[0]["hits"] == 1


async def test_calls_are_listed_and_waited_for(http: RawClient, sandbox: Sandbox) -> None:
    person = sandbox.person("张三")
    await person.start()
    waiting = asyncio.create_task(http.get("/sandbox/wait?method=sendMessage&count=2&timeout=10"))
    await http.result("sendMessage", chat_id=person.id, text="一")
    await http.call("sendMessage", chat_id=1, text="无")
    await http.result("sendMessage", chat_id=person.id, text="一")
    answer = json.loads((await waiting).body)
    assert answer["counts"]["sendMessage"] == 2
    assert answer["counts"]["sendMessage: Bad Request: chat not found"] == 1
    calls = json.loads((await http.get("/sandbox/calls?after=1")).body)
    assert [(each["number"], each["text"], each["error"]) for each in calls] == [
        (2, "无", "Bad Request: chat not found"),
        (3, "一", None),
    ]
    assert [call.text for call in person.sent] == ["一", "一"]
    late = await http.get("/sandbox/wait?method=sendMessage&count=3&timeout=0")
    assert late.code == 408


async def test_the_event_stream_begins_with_the_state(sandbox: Sandbox) -> None:
    person = sandbox.person("张三")
    await person.start()
    events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    rest = b""

    def heard(chunk: bytes) -> None:
        nonlocal rest
        *whole, rest = (rest + chunk).split(b"\n\n")
        for each in whole:
            events.put_nowait(json.loads(each.removeprefix(b"data: ")))

    client = SimpleAsyncHTTPClient(force_instance=True)
    request = HTTPRequest(f"{sandbox.url}/sandbox/events", streaming_callback=heard, request_timeout=60)
    stream = asyncio.ensure_future(client.fetch(request, raise_error=False))
    state = await events.get()
    assert state["event"] == "state"
    assert [each["name"] for each in state["people"]] == ["张三"]
    assert [each["text"] for each in state["messages"][str(person.id)]] == ["/start"]
    await person.send("好")
    assert (await events.get())["message"]["text"] == "好"
    sandbox.person("李四")
    structure = await events.get()
    assert (structure["event"], len(structure["people"])) == ("structure", 2)
    sandbox.advance(hours=1)
    assert (await events.get())["now"] == "2021-04-02T05:00:00+00:00"
    assert len(sandbox.world.listeners) == 1
    client.close()
    stream.cancel()
    with contextlib.suppress(BaseException):
        await stream


async def test_a_state_is_kept_and_goes_on(tmp_path: Path, sandbox: Sandbox) -> None:
    noon = datetime.fromisoformat("2021-04-02T12:00:00+08:00")
    folder = tmp_path / "state"
    async with Sandbox(clock=VirtualClock(noon, frozen=True), limits=Limits(on=False), state=folder) as first:
        person = first.person("张三", username="zhangsan")
        group = first.group("群", [person])
        await group.add_bot()
        await person.send_document("表.csv", b"1,2")
        http = RawClient(first.url, first.token)
        board = {"keyboard": [["零报告"]]}
        sent = await http.result("sendMessage", chat_id=person.id, text="键盘", reply_markup=board)
        await http.result("setMyCommands", commands=[{"command": "score", "description": "得分"}])
        first.advance(hours=5)
        http.close()
    async with Sandbox(clock=VirtualClock(noon, frozen=True), limits=Limits(on=False), state=folder) as second:
        http = RawClient(second.url, second.token)
        again = second.person("张三")
        assert (again.id, again.keys, again.menu) == (person.id, ["零报告"], ["score"])
        assert [message.text for message in again.messages] == [message.text for message in person.messages]
        assert second.file(again.messages[0].file_id or "") == b"1,2"
        assert second.clock.now() == first.clock.now()
        assert second.unread == first.unread == 3
        fresh = await http.result("sendMessage", chat_id=again.id, text="续")
        assert fresh["message_id"] > sent["message_id"]
        assert second.group("群").id == group.id
        http.close()


def test_a_folder_with_something_else_is_not_taken_for_a_state(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text('{"format": 99}')

    async def begin() -> None:
        async with Sandbox(state=tmp_path):
            pass

    with pytest.raises(ValueError, match="not a state"):
        asyncio.run(begin())


async def test_it_runs_as_a_process_and_keeps_its_state(tmp_path: Path) -> None:
    arguments = [
        "-m",
        "sandbox",
        "--port",
        "0",
        "--frozen",
        "--start",
        "2021-01-04T09:00:00+08:00",
        "--state",
        str(tmp_path),
    ]
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=asyncio.subprocess.PIPE)
    assert process.stdout
    url, _, token = (await process.stdout.readline()).decode().split()
    http = RawClient(url, token)
    answer = await http.call("getMe")
    assert (answer.status, answer.date) == (200, "Mon, 04 Jan 2021 01:00:00 GMT")
    await order(http, "people", {"name": "张三"})
    process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0
    assert "张三" in (tmp_path / "state.json").read_text(encoding="utf-8")
    http.close()


@pytest.mark.parametrize(
    ("head", "size"),
    [
        (b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + bytes([0, 0, 4, 0, 0, 0, 3, 0]), (1024, 768)),
        (b"GIF89a" + bytes([0, 4, 0, 3]), (1024, 768)),
        (b"\xff\xd8\xff\xe0\0\x04ab\xff\xc0\0\x11\x08" + bytes([3, 0, 4, 0]) + bytes(8), (1024, 768)),
        (b"RIFF....WEBPVP8X" + bytes(8) + bytes([255, 3, 0, 255, 2, 0]), (1024, 768)),
        (b"RIFF....WEBPVP8 " + bytes(10) + bytes([0, 4, 0, 3]), (1024, 768)),
        (b"%PDF-1.7", None),
        (b"", None),
        (b"\xff\xd8", None),
    ],
)
def test_the_size_of_a_picture(head: bytes, size: tuple[int, int] | None) -> None:
    assert picture_size(head) == size
