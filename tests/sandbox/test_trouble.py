"""Flood limits and faults to order."""

import asyncio

import pytest

from sandbox.client import RawClient
from sandbox.errors import ApiError
from sandbox.facade import PersonView, Sandbox
from sandbox.faults import Fault
from sandbox.limits import Limits


class Timer:
    """Real time, turned by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def taken(limits: Limits, chat: int, *, group: bool = False) -> int:
    """0 for a grant, or the seconds to wait."""
    try:
        limits.take(chat, group=group)
    except ApiError as refused:
        return refused.parameters["retry_after"]
    return 0


def test_a_chat_takes_a_burst_and_then_one_a_second() -> None:
    timer = Timer()
    limits = Limits(timer=timer)
    assert [taken(limits, 1) for _ in range(6)] == [0, 0, 0, 0, 0, 1]
    assert taken(limits, 2) == 0
    timer.now = 1.0
    assert [taken(limits, 1), taken(limits, 1)] == [0, 1]
    timer.now = 60.0
    assert [taken(limits, 1) for _ in range(6)] == [0, 0, 0, 0, 0, 1]


def test_a_group_takes_20_a_minute() -> None:
    timer = Timer()
    limits = Limits(timer=timer)
    for _ in range(20):
        assert taken(limits, -1, group=True) == 0
    assert taken(limits, -1, group=True) == 60
    timer.now = 59.5
    assert taken(limits, -1, group=True) == 1
    timer.now = 60.0
    assert taken(limits, -1, group=True) == 0


def test_all_chats_together_take_30_in_any_second() -> None:
    timer = Timer()
    limits = Limits(timer=timer)
    assert {taken(limits, chat) for chat in range(30)} == {0}
    timer.now = 0.99
    assert taken(limits, 100) == 1
    timer.now = 1.0
    assert [taken(limits, 100 + chat) for chat in range(31)] == [0] * 30 + [1]
    assert limits.refused == 2
    assert taken(Limits(on=False), 1) == 0


@pytest.fixture
async def li(sandbox: Sandbox) -> PersonView:
    person = sandbox.person("李四")
    await person.start()
    return person


async def test_the_server_says_how_long_to_wait(http: RawClient, sandbox: Sandbox, li: PersonView) -> None:
    sandbox.limits.on = True
    answers = [await http.call("sendMessage", chat_id=li.id, text=f"{index}") for index in range(8)]
    refused = [answer for answer in answers if answer.status == 429]
    assert refused
    assert all(answer.description == "Too Many Requests: retry after 1" for answer in refused)
    assert all(answer.body["parameters"] == {"retry_after": 1} for answer in refused)
    assert len(li.from_bot) == 8 - len(refused)
    assert await http.result("sendChatAction", chat_id=li.id, action="typing")


@pytest.mark.parametrize(("kind", "arrives"), [("drop_before", 0), ("drop_after", 1)])
async def test_a_connection_ends_before_or_after_the_effect(
    http: RawClient, sandbox: Sandbox, li: PersonView, kind: str, arrives: int
) -> None:
    sandbox.fault(Fault(kind, "send*"))  # type: ignore[arg-type]
    with pytest.raises(Exception, match="closed"):
        await http.call("sendMessage", chat_id=li.id, text="一")
    assert len(li.from_bot) == arrives
    await http.result("sendMessage", chat_id=li.id, text="一")
    assert len(li.sent) == arrives + 1


async def test_errors_leave_no_effect_and_end_after_their_times(
    http: RawClient, sandbox: Sandbox, li: PersonView
) -> None:
    sandbox.fault(Fault("server_error", "sendmessage", times=2, skip=1, status=500))
    statuses = [(await http.call("sendMessage", chat_id=li.id, text="一")).status for _ in range(4)]
    assert statuses == [200, 500, 500, 200]
    assert len(li.from_bot) == 2
    sandbox.fault(Fault("too_many_requests", chat_id=li.id, retry_after=3))
    assert await http.result("getMe")
    refused = await http.call("sendMessage", chat_id=li.id, text="一")
    assert refused.body["parameters"] == {"retry_after": 3}


async def test_chance_is_drawn_with_a_seed(http: RawClient, sandbox: Sandbox) -> None:
    drawn = []
    for _ in range(2):
        sandbox.faults.clear()
        sandbox.fault(Fault("server_error", "getMe", times=None, probability=0.5, seed=7))
        drawn.append([(await http.call("getMe")).status for _ in range(20)])
    assert drawn[0] == drawn[1]
    assert set(drawn[0]) == {200, 502}
    with pytest.raises(ValueError, match="probability"):
        Fault("slow", probability=2)


async def test_a_slow_answer_comes_after_its_effect(http: RawClient, sandbox: Sandbox, li: PersonView) -> None:
    held = sandbox.fault(Fault("slow", "sendMessage", delay=None))
    sending = asyncio.create_task(http.result("sendMessage", chat_id=li.id, text="一"))
    await li.hear("一")
    assert not sending.done()
    held.release()
    assert (await sending)["text"] == "一"


async def test_polls_and_downloads_fail_too(http: RawClient, sandbox: Sandbox, li: PersonView) -> None:
    sandbox.fault(Fault("server_error", "getUpdates"))
    assert (await http.call("getUpdates")).status == 502
    assert len(await http.result("getUpdates")) == 1
    stored = sandbox.world.store("a.txt", "text/plain", b"abc", "documents")
    sandbox.fault(Fault("server_error", "file", status=503))
    path = f"/file/bot{sandbox.token}/{stored.path}"
    assert [(await http.get(path)).code for _ in range(2)] == [503, 200]
