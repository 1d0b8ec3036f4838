"""Reading updates: offsets, waiting, one poller, 24 hours."""

import asyncio

from sandbox.acts import Upload
from sandbox.client import RawClient
from sandbox.facade import Sandbox


async def test_offsets_confirm_and_limits_hold(http: RawClient, sandbox: Sandbox) -> None:
    person = sandbox.person("张三")
    for index in range(5):
        await person.send(f"第{index}条")
    first = await http.result("getUpdates", limit=2)
    assert [each["message"]["text"] for each in first] == ["第0条", "第1条"]
    assert await http.result("getUpdates", limit=2) == first
    rest = await http.result("getUpdates", offset=first[-1]["update_id"] + 1)
    assert [each["message"]["text"] for each in rest] == ["第2条", "第3条", "第4条"]
    assert sandbox.unread == 3
    (last,) = await http.result("getUpdates", offset=-1)
    assert last["message"]["text"] == "第4条"
    assert sandbox.unread == 1
    assert await http.result("getUpdates", offset=last["update_id"] + 1) == []


async def test_a_waiting_poll_gets_what_comes(http: RawClient, sandbox: Sandbox) -> None:
    poll = asyncio.create_task(http.result("getUpdates", timeout=30))
    await sandbox.idle()
    await sandbox.person("张三").start("abc")
    (update,) = await poll
    assert update["message"]["text"] == "/start abc"


async def test_a_move_of_the_clock_ends_the_wait_with_nothing(http: RawClient, sandbox: Sandbox) -> None:
    poll = asyncio.create_task(http.call("getUpdates", timeout=50))
    await sandbox.idle()
    sandbox.advance(hours=20)
    answer = await asyncio.wait_for(poll, 5)
    assert answer.body["result"] == []
    assert answer.date == "Sat, 03 Apr 2021 00:00:00 GMT"


async def test_a_move_between_two_polls_is_told_by_the_next(http: RawClient, sandbox: Sandbox) -> None:
    await http.result("getUpdates", timeout=0)
    sandbox.advance(hours=1)
    assert await asyncio.wait_for(http.result("getUpdates", timeout=50), 20) == []
    poll = asyncio.create_task(http.result("getUpdates", timeout=50))
    await sandbox.until(lambda: sandbox.world.updates.polled)
    assert not poll.done()
    sandbox.advance(hours=1)
    assert await poll == []


async def test_a_second_poller_ends_the_first_with_409(http: RawClient, sandbox: Sandbox) -> None:
    first = asyncio.create_task(http.call("getUpdates", timeout=50))
    await sandbox.idle()
    second = asyncio.create_task(http.result("getUpdates", timeout=50))
    refused = await asyncio.wait_for(first, 5)
    assert refused.status == refused.body["error_code"] == 409
    assert refused.description.startswith("Conflict: terminated by other getUpdates request")
    await sandbox.idle()
    await sandbox.person("张三").start()
    assert len(await second) == 1


async def test_updates_are_forgotten_after_24_hours(http: RawClient, sandbox: Sandbox) -> None:
    person = sandbox.person("张三")
    await person.send("早")
    sandbox.advance(hours=1)
    await person.send("晚")
    sandbox.advance(hours=22, minutes=59, seconds=59)
    assert len(await http.result("getUpdates")) == 2
    sandbox.advance(seconds=1)
    (left,) = await http.result("getUpdates")
    assert left["message"]["text"] == "晚"
    assert (await http.result("getWebhookInfo"))["pending_update_count"] == 1
    sandbox.advance(hours=1)
    assert await http.result("getUpdates") == []
    assert sandbox.world.updates.forgotten == 2


async def test_only_allowed_kinds_are_queued(http: RawClient, sandbox: Sandbox) -> None:
    await http.result("getUpdates", allowed_updates=["message"])
    person = sandbox.person("张三")
    await person.start()
    await person.block()
    (only,) = await http.result("getUpdates")
    assert "message" in only
    await http.result("getUpdates", allowed_updates=[])
    await person.unblock()
    *_, last = await http.result("getUpdates")
    assert last["my_chat_member"]["new_chat_member"]["status"] == "member"


async def test_pending_updates_can_be_dropped(http: RawClient, sandbox: Sandbox) -> None:
    await sandbox.person("张三").start()
    assert await http.result("deleteWebhook", drop_pending_updates=True) is True
    assert await http.result("getUpdates") == []


async def test_edits_and_albums_of_people_arrive(http: RawClient, sandbox: Sandbox) -> None:
    person = sandbox.person("张三")
    said = await person.send("原话")
    sandbox.advance(minutes=1)
    await person.edit(said, "改话")
    await person.send_album([Upload("一.pdf", b"1"), Upload("二.pdf", b"2")], caption="三月")
    _, edit, one, two = await http.result("getUpdates")
    edited = edit["edited_message"]
    assert (edited["text"], edited["edit_date"] - edited["date"]) == ("改话", 60)
    assert one["message"]["media_group_id"] == two["message"]["media_group_id"]
    assert one["message"]["caption"] == "三月"
    assert "caption" not in two["message"]
    assert one["message"]["document"]["mime_type"] == "application/pdf"
