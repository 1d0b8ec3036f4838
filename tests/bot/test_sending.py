"""How messages go out: each once, in order, within the limits, and marked."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
import structlog
from sqlmodel import Session, select

from bot import sending, workers
from bot.deliveries import Arrival, Hooks
from sandbox.faults import Fault
from store import blobs, outbox
from store.db import transaction
from store.outbox import Lane, OutboxMessage, OutboxState


@pytest.fixture(autouse=True)
def _impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "FIRST_RETRY_SECONDS", 0.02)


def enqueue(house: Any, chat_id: int, *texts: str, lane: Lane = Lane.NOTICE, **more: Any) -> None:
    with transaction(house.engine) as session:
        for words in texts:
            say(session, house, chat_id, words, lane=lane, **more)


def say(session: Session, house: Any, chat_id: int, words: str, *, lane: Lane = Lane.NOTICE, **more: Any) -> None:
    asked: dict[str, Any] = {"method": "sendMessage", "payload": {"text": words, "parse_mode": "HTML"}} | more
    outbox.enqueue(session, chat_id=chat_id, lane=lane, now=house.sandbox.clock.now(), **asked)


def rows(session: Session) -> list[OutboxMessage]:
    return list(session.exec(select(OutboxMessage).order_by(OutboxMessage.id)))


def states(house: Any) -> list[int]:
    return [row.state for row in house.read(rows)]


async def met(house: Any, name: str) -> Any:
    """A person who has pressed start before the bot ran."""
    person = house.sandbox.person(name)
    await person.start()
    house.sandbox.world.updates.waiting.clear()
    return person


async def test_a_chat_hears_its_messages_in_order_once_and_they_are_marked(house: Any) -> None:
    house.settings["limits"] = False
    people = [await met(house, f"人{number}") for number in range(5)]
    with transaction(house.engine) as session:
        for number in range(200):
            say(session, house, people[number % 5].id, str(number), lane=Lane.REPLY if number % 3 else Lane.NOTICE)
    async with house.running():
        await house.settled()
    for index, person in enumerate(people):
        heard = [int(message.text) for message in person.from_bot]
        assert sorted(heard) == list(range(index, 200, 5))
        for is_notice in (True, False):
            lane = [number for number in heard if (number % 3 == 0) == is_notice]
            assert lane == sorted(lane)
    for row in house.read(rows):
        assert (row.state, row.sent_at) == (OutboxState.SENT, house.sandbox.clock.now())
        where = (row.chat_id, row.message_id)
        [call] = [each for each in house.sandbox.calls if (each.chat_id, each.message_id) == where]
        assert json.loads(row.payload)["text"] == call.text


async def test_another_process_may_write_too(house: Any) -> None:
    person = await met(house, "张三")
    async with house.running():
        await house.settled()
        enqueue(house, person.id, "命令行说")
        await person.hear("命令行说")


@pytest.mark.parametrize("kind", ["server_error", "drop_before", "slow"])
async def test_trouble_on_the_way_is_tried_again_in_order(
    house: Any, kind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.network.READ_SECONDS", 0.1)
    house.sandbox.fault(Fault(kind, "sendMessage", times=3, delay=0.3))
    person = await met(house, "张三")
    enqueue(house, person.id, "一", "二", "三")
    with structlog.testing.capture_logs() as lines:
        async with house.running():
            await house.settled()
    heard = list(dict.fromkeys(message.text for message in person.from_bot))
    assert heard == ["一", "二", "三"]
    if kind != "slow":  # a time-out is ambiguous: the message may have gone out
        assert len(person.from_bot) == 3
        said = [line["event"] for line in lines if line["event"].startswith("sending")]
        assert said == ["sending fails, trying again", "sending works again"]
    assert states(house) == [OutboxState.SENT] * 3


async def test_telegram_is_waited_for_as_long_as_it_asks(house: Any) -> None:
    first, second = await met(house, "张三"), await met(house, "李四")
    house.sandbox.fault(Fault("too_many_requests", "sendMessage", chat_id=first.id, retry_after=1))
    enqueue(house, first.id, "甲", "乙")
    enqueue(house, second.id, "丙")
    loop = asyncio.get_running_loop()
    async with house.running():
        began = loop.time()
        await second.hear("丙")
        assert loop.time() - began < 0.9
        await first.hear("乙")
        assert loop.time() - began >= 1.0
        await house.settled()
    assert [message.text for message in first.from_bot] == ["甲", "乙"]


async def test_a_wait_asked_of_two_chats_holds_for_all(house: Any) -> None:
    people = [await met(house, f"人{number}") for number in range(3)]
    for person in people[:2]:
        house.sandbox.fault(Fault("too_many_requests", "sendMessage", chat_id=person.id, retry_after=1))
        enqueue(house, person.id, "通知")
    loop = asyncio.get_running_loop()
    async with house.running():
        began = loop.time()
        await house.sandbox.until(
            lambda: sum(call.error is not None for call in house.sandbox.calls) or _hits(house) == 2
        )
        enqueue(house, people[2].id, "通知")
        await people[2].hear("通知")
        assert loop.time() - began >= 1.0
        await house.settled()
    assert states(house) == [OutboxState.SENT] * 3


def _hits(house: Any) -> int:
    return sum(rule.hits for rule in house.sandbox.faults.rules)


async def test_a_chat_that_is_shut_is_given_up_and_told_of(house: Any) -> None:
    told: list[tuple[int, str]] = []
    house.hooks = Hooks(unreachable=lambda _session, chat_id, error: told.append((chat_id, error)))
    person = await met(house, "张三")
    await person.block()
    house.sandbox.world.updates.waiting.clear()
    stranger = house.sandbox.person("生人")
    enqueue(house, person.id, "通知")
    enqueue(house, stranger.id, "通知")
    enqueue(house, 999_999, "通知")
    async with house.running():
        await house.settled()
    assert states(house) == [OutboxState.FAILED] * 3
    assert {chat_id for chat_id, _ in told} == {person.id, stranger.id, 999_999}
    assert all(error for _, error in told)
    assert len(house.read(outbox.failures)) == 3


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ({"text": "长" * 5000}, "too long"),
        ({"text": "<b>没有关", "parse_mode": "HTML"}, "parse"),
        ({"text": "好", "reply_markup": {"inline_keyboard": [[{"text": "好", "callback_data": "x" * 65}]]}}, "DATA"),
    ],
)
async def test_what_telegram_does_not_take_is_given_up_visibly_and_holds_nobody_up(
    house: Any, payload: dict[str, Any], said: str
) -> None:
    told: list[int] = []
    house.hooks = Hooks(unreachable=lambda _session, chat_id, _error: told.append(chat_id))
    person = await met(house, "张三")
    enqueue(house, person.id, "", payload=payload)
    enqueue(house, person.id, "后面的")
    async with house.running():
        await house.settled()
    assert states(house) == [OutboxState.FAILED, OutboxState.SENT]
    [failed] = house.read(outbox.failures)
    assert said.lower() in (failed.error or "").lower()
    assert told == []


async def test_an_edit_that_changes_nothing_counts_as_done(house: Any) -> None:
    person = await met(house, "张三")
    async with house.running():
        enqueue(house, person.id, "卡片")
        card = await person.hear("卡片")
        for _ in range(2):
            enqueue(house, person.id, "", method="editMessageText", payload={"message_id": card.id, "text": "新卡片"})
        await house.settled()
    assert states(house) == [OutboxState.SENT] * 3
    assert person.message(card.id).text == "新卡片"


async def test_a_group_that_moved_gets_its_messages_in_its_new_place(house: Any) -> None:
    moved: list[tuple[int, int]] = []
    house.hooks = Hooks(migrated=lambda _session, old, new: moved.append((old, new)))
    person = await met(house, "张三")
    group = house.sandbox.group("财政局考评群", [person])
    await group.add_bot()
    new = await group.migrate()
    house.sandbox.world.updates.waiting.clear()
    enqueue(house, group.id, "一", "二", "三")
    async with house.running():
        await house.settled()
    assert [message.text for message in new.from_bot] == ["一", "二", "三"]
    assert moved == [(group.id, new.id)]
    assert {(row.chat_id, row.state) for row in house.read(rows)} == {(new.id, OutboxState.SENT)}


async def test_whoever_minted_a_topic_is_told_in_the_marking_transaction(house: Any) -> None:
    def told(session: Session, arrival: Arrival) -> None:
        row = session.exec(select(OutboxMessage).where(OutboxMessage.topic == arrival.topic)).one()
        assert (row.state, row.message_id, row.chat_id) == (OutboxState.SENT, arrival.message_id, arrival.chat_id)
        blobs.put(session, f"{arrival.topic} {arrival.at:%H:%M}".encode(), arrival.at)

    house.hooks = Hooks(sent=told)
    person = await met(house, "张三")
    enqueue(house, person.id, "提醒", topic="reminder:7")
    enqueue(house, person.id, "闲话")
    async with house.running():
        await house.settled()
    assert house.read(lambda session: [blob.content for blob in session.exec(select(blobs.Blob))]) == [
        b"reminder:7 08:00"
    ]


async def test_a_hook_that_fails_does_not_make_a_message_come_twice(house: Any) -> None:
    def broken(_session: Session, _arrival: Arrival) -> None:
        raise RuntimeError("broken")

    house.hooks = Hooks(sent=broken)
    person = await met(house, "张三")
    enqueue(house, person.id, "提醒", topic="reminder:7")
    for _ in range(2):
        async with house.running():
            await house.settled()
    assert len(person.from_bot) == 1


async def test_files_and_pictures_are_made_when_they_are_sent(house: Any) -> None:
    drawn: list[tuple[str, dict[str, Any]]] = []
    png = bytes.fromhex(
        "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000a49444154789c63000100000500010d0a2db4"
        "0000000049454e44ae426082"
    )

    def draw(kind: str, data: dict[str, Any]) -> bytes:
        drawn.append((kind, data))
        return png

    house.draw = draw
    person = await met(house, "张三")
    with transaction(house.engine) as session:
        sha = blobs.put(session, "台账".encode(), house.sandbox.clock.now())
        document = {"field": "document", "filename": "双公示台账.csv", "blob": sha}
        photo = {"field": "photo", "filename": "排名.png", "picture": {"kind": "rank", "data": {"year": 2021}}}
        say(session, house, person.id, "", method="sendDocument", payload={"caption": "台账"}, attachment=document)
        say(session, house, person.id, "", method="sendPhoto", payload={}, attachment=photo)
    async with house.running():
        await house.settled()
    file, picture = person.from_bot
    assert (file.file_name, house.sandbox.file(file.file_id)) == ("双公示台账.csv", "台账".encode())
    assert picture.is_photo
    assert drawn == [("rank", {"year": 2021})]
    assert states(house) == [OutboxState.SENT] * 2


async def test_a_picture_that_cannot_be_drawn_holds_nobody_up(house: Any) -> None:
    def broken(_kind: str, _data: dict[str, Any]) -> bytes:
        raise RuntimeError("no such kind")

    house.draw = broken
    person = await met(house, "张三")
    photo = {"field": "photo", "filename": "x.png", "picture": {"kind": "?", "data": {}}}
    enqueue(house, person.id, "", method="sendPhoto", payload={}, attachment=photo)
    enqueue(
        house,
        person.id,
        "",
        method="sendDocument",
        payload={},
        attachment={"field": "document", "filename": "x", "blob": "0"},
    )
    enqueue(house, person.id, "后面的")
    async with house.running():
        await house.settled()
    assert states(house) == [OutboxState.FAILED, OutboxState.FAILED, OutboxState.SENT]
    assert [row.error for row in house.read(outbox.failures)] == [
        "attachment: RuntimeError: no such kind",
        "attachment: KeyError: '0'",
    ]


async def test_a_message_is_given_up_when_it_alone_keeps_failing(house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "MOST_TRIES", 3)
    poor, others = await met(house, "张三"), await met(house, "李四")
    house.sandbox.fault(Fault("server_error", "sendMessage", times=None, chat_id=poor.id))
    enqueue(house, poor.id, "通知")
    async with house.running():
        for number in range(50):
            enqueue(house, others.id, str(number))
            await others.hear(str(number))
            if house.read(outbox.failures):
                break
    [failed] = house.read(outbox.failures)
    assert "given up after 3 tries" in (failed.error or "")


async def test_no_message_is_given_up_while_the_line_is_down(house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "MOST_TRIES", 3)
    monkeypatch.setattr(sending, "LONGEST_RETRY_SECONDS", 0.02)
    house.settings["limits"] = False
    person = await met(house, "张三")
    down = house.sandbox.fault(Fault("drop_before", "sendMessage", times=None))
    enqueue(house, person.id, "通知")
    async with house.running():
        await house.until(lambda _: down.hits >= 12)
        assert house.read(outbox.failures) == []
        house.sandbox.faults.clear()
        await person.hear("通知")
        await house.settled()


async def test_what_is_sent_and_not_marked_stays_within_the_slots(house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    people = [await met(house, f"人{number}") for number in range(40)]
    for person in people:
        enqueue(house, person.id, "答", lane=Lane.REPLY)
        enqueue(house, person.id, "通知", lane=Lane.NOTICE)
    bot = house.make_bot()
    gate = asyncio.Event()
    marking(bot, monkeypatch, gate.wait)
    slots = sum(pace.slots for pace in sending.PACES.values())
    async with bot.running():
        await house.sandbox.until(lambda: house.sandbox.counts.get("sendMessage", 0) >= slots)
        for _ in range(50):
            await asyncio.sleep(0.001)
        assert house.sandbox.counts["sendMessage"] == slots
        gate.set()
        await house.settled()
    assert house.sandbox.counts["sendMessage"] == 80
    assert states(house) == [OutboxState.SENT] * 80


async def test_a_stop_finishes_and_marks_what_is_under_way(house: Any) -> None:
    house.sandbox.fault(Fault("slow", "sendMessage", times=None, delay=0.2))
    person = await met(house, "张三")
    enqueue(house, person.id, "一", "二", "三", "四")
    async with house.running():
        await person.hear("一")
    house.sandbox.faults.clear()
    marked = sum(state == OutboxState.SENT for state in states(house))
    assert marked == len(person.from_bot) >= 1
    async with house.running():
        await house.settled()
    assert [message.text for message in person.from_bot] == ["一", "二", "三", "四"]


async def test_a_stop_does_not_wait_for_ever_for_a_database_that_takes_nothing(
    house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "DRAIN_SECONDS", 0.1)
    person = await met(house, "张三")
    enqueue(house, person.id, "一")
    bot = house.make_bot()
    marking(bot, monkeypatch, asyncio.Event().wait)
    with structlog.testing.capture_logs() as lines:
        async with bot.running():
            await person.hear("一")
    assert "messages could not be marked as sent; they will come twice" in [line["event"] for line in lines]
    assert states(house) == [OutboxState.QUEUED]


async def test_what_fails_at_the_very_end_is_told(house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    person = await met(house, "张三")
    enqueue(house, person.id, "一")
    bot = house.make_bot()
    tries = 0

    async def broken() -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            await asyncio.Event().wait()
        raise RuntimeError("a defect")

    marking(bot, monkeypatch, broken)
    running = asyncio.create_task(bot.run())
    await person.hear("一")
    await house.until(lambda _: tries)
    bot.stop()
    with pytest.raises(RuntimeError, match="a defect"):
        await running


def marking(bot: Any, monkeypatch: pytest.MonkeyPatch, comes: Callable[[], Any]) -> None:
    """What comes before each mark that is written."""
    sender = bot.hire().sender
    insist = sender._database.insist

    async def held(work: Callable[[Session], Any], what: str) -> Any:
        if what == "marking what was sent":
            await comes()
        return await insist(work, what)

    monkeypatch.setattr(sender._database, "insist", held)


async def test_a_menu_is_set_in_turn_and_needs_no_chat(house: Any) -> None:
    person = await met(house, "张三")
    scope = {"type": "chat", "chat_id": person.id}
    payload = {"commands": [{"command": "score", "description": "得分"}], "scope": scope}
    enqueue(house, person.id, "", method="setMyCommands", payload=payload)
    async with house.running():
        await house.settled()
    assert states(house) == [OutboxState.SENT]
    assert person.menu == ["score"]


async def test_everybody_is_answered_once_the_last_reply_is_out(house: Any) -> None:
    house.settings["limits"] = False
    person = await met(house, "张三")
    async with house.running() as bot:
        sender = bot.hire().sender
        assert await sender.answered(10)
        enqueue(house, person.id, "一", "二", "三", lane=Lane.REPLY)
        house.sandbox.fault(Fault("slow", "sendMessage", times=1, delay=0.3))
        sender.wake()
        assert not await sender.answered(0.05)
        assert await sender.answered(10)
        assert [message.text for message in person.from_bot] == ["一", "二", "三"]
