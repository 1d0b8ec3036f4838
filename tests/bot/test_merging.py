"""Edits of one message that wait are merged: only the last goes out, and never one that is under way is overtaken."""

import json
from typing import Any

from bot.lanes import PACES, LaneQueue
from sandbox.faults import Fault
from store import outbox
from store.db import transaction
from store.outbox import ERASED, Lane, Queued
from tests.bot.test_sending import met, rows, states


def edit(house: Any, chat_id: int, message_id: int, *texts: str, merge: str | None = "card:1") -> None:
    """Edits that wait in the outbox."""
    with transaction(house.engine) as session:
        for words in texts:
            outbox.enqueue(
                session,
                chat_id=chat_id,
                method="editMessageText",
                payload={"message_id": message_id, "text": words},
                lane=Lane.REPLY,
                now=house.sandbox.clock.now(),
                merge=merge,
            )


def said(house: Any, method: str = "editMessageText") -> list[str]:
    return [str(call.text) for call in house.sandbox.calls if call.method == method]


async def test_of_edits_that_wait_only_the_last_goes_out(house: Any) -> None:
    person, other = await met(house, "张三"), await met(house, "李四")
    async with house.running():
        with transaction(house.engine) as session:
            for one in (person, other):
                outbox.enqueue(
                    session, chat_id=one.id, method="sendMessage", payload={"text": "卡片"}, lane=Lane.REPLY,
                    now=house.sandbox.clock.now(),
                )  # fmt: skip
        card, theirs = await person.hear("卡片"), await other.hear("卡片")
        await house.settled()
    edit(house, person.id, card.id, "一", "二")
    edit(house, other.id, theirs.id, "另一人")
    edit(house, person.id, card.id, "另一张", merge="card:2")
    edit(house, person.id, card.id, "不合并", merge=None)
    edit(house, person.id, card.id, "三")
    async with house.running():
        await house.settled()
    assert sorted(said(house)) == sorted(["另一人", "另一张", "不合并", "三"])
    assert person.message(card.id).text == "三"
    assert set(states(house)) == {1}


async def test_what_is_under_way_is_not_overtaken(house: Any) -> None:
    person = await met(house, "张三")
    async with house.running():
        with transaction(house.engine) as session:
            outbox.enqueue(
                session, chat_id=person.id, method="sendMessage", payload={"text": "卡片"}, lane=Lane.REPLY,
                now=house.sandbox.clock.now(),
            )  # fmt: skip
        card = await person.hear("卡片")
        slow = house.sandbox.fault(Fault("slow", "editMessageText", delay=0.3))
        edit(house, person.id, card.id, "一")
        await house.sandbox.until(lambda: slow.hits)
        edit(house, person.id, card.id, "二", "三")
        await house.settled()
    assert said(house) == ["一", "三"]


def queued(key: int, merge: str | None) -> Queued:
    return Queued(key, 7, "editMessageText", json.dumps({"text": str(key)}), None, None, merge, 0)


async def test_a_lane_passes_over_what_waits_and_nothing_else() -> None:
    queue = LaneQueue(Lane.REPLY, PACES[Lane.REPLY])
    queue.add(queued(1, "a"))
    queue.chats[7][0].under_way = True
    for key, merge in ((2, "a"), (3, None), (4, "b"), (5, "a"), (6, None)):
        queue.add(queued(key, merge))
    assert [errand.row.id for errand in queue.chats[7] if errand.superseded] == [2]


def test_what_waits_to_be_said_anew_can_be_dropped_with_its_words(house: Any) -> None:
    edit(house, 7, 1, "一", "二")
    edit(house, 7, 1, "别的", merge="card:2")
    edit(house, 8, 1, "别人")
    with transaction(house.engine) as session:
        outbox.drop_queued(session, 7, "card:1", house.sandbox.clock.now())
    kept = house.read(rows)
    assert [(row.state, row.payload == ERASED) for row in kept] == [(1, True), (1, True), (0, False), (0, False)]
