"""What happens to an update: once, in order, all of it or nothing."""

import asyncio
import contextlib
from datetime import datetime
from typing import Any

import pytest
import structlog
from sqlalchemy import text
from sqlmodel import Session, select
from telegram import Update
from telegram.error import TelegramError
from telegram.ext import Application, ApplicationHandlerStop, MessageHandler, filters

from bot import dispatch
from bot.workers import Workers
from handlers.context import Context
from store import blobs, db, inbox
from store.errors import Refusal
from store.inbox import InboxState, InboxUpdate
from store.outbox import OutboxMessage, OutboxState
from tests.bot.conftest import kept


def keep(context: Context) -> None:
    """An effect and its answer."""
    message = context.incoming.effective_message
    assert message is not None
    words = message.text or ""
    blobs.put(context.session, words.encode(), context.now)
    context.reply(f"记下了{words}")


async def say(house: Any, name: str, *words: str) -> Any:
    person = house.sandbox.person(name)
    for each in words:
        await person.send(each)
    return person


async def test_an_update_has_its_effect_once_and_its_answer_once(house: Any) -> None:
    house.on_text = keep
    person = house.sandbox.person("张三")
    async with house.running():
        await person.start()
        await say(house, "张三", "一", "二")
        await house.settled()
    async with house.running():
        await house.settled()
    assert house.read(kept) == ["/start", "一", "二"]
    assert [message.text for message in person.from_bot] == ["记下了/start", "记下了一", "记下了二"]


async def test_the_handler_sees_when_the_message_was_sent_and_what_time_it_is(house: Any) -> None:
    seen: list[tuple[datetime, datetime]] = []
    house.on_text = lambda context: seen.append((context.sent_at, context.now))
    person = house.sandbox.person("张三")
    await person.start()
    sent = house.sandbox.clock.now()
    house.advance(hours=9)
    async with house.running():
        await house.settled()
    assert seen == [(sent, house.sandbox.clock.now())]


async def test_a_backlog_is_handled_in_order(house: Any) -> None:
    order: list[str] = []
    house.on_text = lambda context: order.append(context.incoming.effective_message.text)
    person = house.sandbox.person("张三")
    await person.start()
    await say(house, "张三", *(str(number) for number in range(250)))
    async with house.running():
        await house.settled()
    assert order == ["/start", *(str(number) for number in range(250))]


async def test_a_failure_takes_its_effects_back_and_nobody_elses(house: Any) -> None:
    tries: list[str] = []

    def picky(context: Context) -> None:
        keep(context)
        words = context.incoming.effective_message.text  # type: ignore[union-attr]
        tries.append(words or "")
        if words == "坏":
            raise RuntimeError("broken")

    house.on_text = picky
    anna, boris = house.sandbox.person("张三"), house.sandbox.person("李四")
    await anna.start()
    await boris.start()
    await say(house, "张三", "甲", "坏", "乙")
    await say(house, "李四", "丙")
    async with house.running():
        await house.settled()
    assert house.read(kept) == ["/start", "丙", "乙", "甲"]
    assert tries.count("坏") == 1 + dispatch.TRIES
    said = [message.text for message in anna.from_bot]
    [row] = house.read(inbox.dead)
    assert said[:2] == ["记下了/start", "记下了甲"]
    assert str(row.update_id) in said[2]
    assert said[3:] == ["记下了乙"]
    assert row.error == "RuntimeError: broken"
    assert [message.text for message in boris.from_bot] == ["记下了/start", "记下了丙"]


async def test_the_log_names_the_update_that_failed(house: Any) -> None:
    def broken(_context: Context) -> None:
        raise RuntimeError("broken")

    house.on_text = broken
    await house.sandbox.person("张三").start()
    with structlog.testing.capture_logs() as lines:
        async with house.running():
            await house.settled()
    [row] = house.read(inbox.dead)
    assert {"update": row.update_id, "event": "an update is dead"}.items() <= lines[-2].items()


async def test_an_update_that_cannot_even_be_read_is_put_aside(house: Any) -> None:
    with db.transaction(house.engine) as session:
        broken = {"update_id": 3, "message": {"chat": {"id": 7}, "date": "yesterday"}}
        inbox.receive(session, [broken], house.sandbox.clock.now())
    person = house.sandbox.person("张三")
    await person.start()
    async with house.running():
        await house.settled()
    assert [row.update_id for row in house.read(inbox.dead)] == [3]
    assert [message.text for message in person.from_bot] == ["收到"]


async def test_a_refusal_is_rolled_back_said_and_done_with(house: Any) -> None:
    calls: list[str] = []

    def refuse(context: Context) -> None:
        calls.append("")
        keep(context)
        raise Refusal("department_unknown", text="财政", like=["财政局"])

    house.on_text = refuse
    person = house.sandbox.person("张三")
    await person.start()
    async with house.running():
        await house.settled()
    assert house.read(kept) == []
    assert house.read(inbox.dead) == []
    [said] = person.from_bot
    assert "财政局" in said.text
    assert len(calls) == 2  # in its group, and by itself


async def test_nothing_is_sent_from_inside_a_transaction(house: Any) -> None:
    def send_at_once(context: Context) -> None:
        keep(context)
        coroutine = context.bot.send_message(context.chat_id, "在事务里")
        with contextlib.suppress(TelegramError):  # a handler that swallows the failure has failed all the same
            coroutine.send(None)

    house.on_text = send_at_once
    person = house.sandbox.person("张三")
    await person.start()
    async with house.running():
        await house.settled()
    [row] = house.read(inbox.dead)
    assert "sendMessage was called inside a transaction" in row.error
    assert house.read(kept) == []
    assert "在事务里" not in person.transcript()


@pytest.mark.parametrize("what", ["wait", "block"])
async def test_a_handler_that_waits_or_escapes_is_an_error(house: Any, what: str) -> None:
    async def handler(_update: Update, context: Context) -> None:
        keep(context)
        await asyncio.sleep(0)

    def register(application: Application[Any, Any, Any, Any, Any, Any]) -> None:
        application.add_handler(MessageHandler(filters.ALL, handler, block=what == "wait"))

    house.register = register
    await house.sandbox.person("张三").start()
    async with house.running():
        await house.settled()
    assert len(house.read(inbox.dead)) == 1
    assert house.read(kept) == []


async def test_no_later_group_runs_after_a_failure(house: Any) -> None:
    ran: list[str] = []

    def register(application: Application[Any, Any, Any, Any, Any, Any]) -> None:
        async def first(_update: Update, _context: Context) -> None:
            raise RuntimeError("broken")

        async def second(_update: Update, _context: Context) -> None:
            ran.append("second")

        application.add_handler(MessageHandler(filters.ALL, first), group=0)
        application.add_handler(MessageHandler(filters.ALL, second), group=1)

    house.register = register
    await house.sandbox.person("张三").start()
    async with house.running():
        await house.settled()
    assert ran == []


async def test_a_handler_may_stop_the_groups_behind_it(house: Any) -> None:
    def stop(context: Context) -> None:
        keep(context)
        raise ApplicationHandlerStop

    house.on_text = stop
    await house.sandbox.person("张三").start()
    async with house.running():
        await house.settled()
    assert house.read(kept) == ["/start"]


async def test_a_tap_is_answered_without_a_row(house: Any) -> None:
    house.on_command["buttons"] = lambda context: context.reply(
        "选", markup={"inline_keyboard": [[{"text": "好", "callback_data": "ok"}]]}
    )
    house.on_tap = lambda context: (context.answer("知道了"), context.edit("选好了"))
    person = house.sandbox.person("张三")
    async with house.running():
        await person.start()
        await person.send("/buttons")
        menu = await person.hear("选")
        tap = await person.tap(menu, "好")
        assert await tap.answered() == "知道了"
        await house.settled()
    assert person.message(menu.id).text == "选好了"
    methods = house.read(lambda session: [row.method for row in session.exec(select(OutboxMessage))])
    assert "answerCallbackQuery" not in methods


def waiting_and_failed(session: Session) -> tuple[int, int]:
    return inbox.count_waiting(session), len(inbox.dead(session))


async def test_a_full_disk_loses_nothing_and_nobody_is_told_off(house_on: Any, sqlite_url: str) -> None:
    house = house_on(sqlite_url)
    engine = house.engine
    house.on_text = lambda context: (blobs.put(context.session, b"x" * 4_000_000, context.now), context.reply("收到"))
    with engine.connect() as connection:
        pages = connection.scalar(text("PRAGMA page_count"))
    full = True

    def shrink(connection: Any, *_: Any) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages + 200 if full else 1_000_000}")

    db.event.listen(engine, "checkout", shrink)
    person = house.sandbox.person("张三")
    await person.start()
    with structlog.testing.capture_logs() as lines:
        async with house.running():
            await house.until(lambda _: any("does not take it" in line["event"] for line in lines))
            assert house.read(waiting_and_failed) == (1, 0)
            full = False
            await house.settled()
    assert [message.text for message in person.from_bot] == ["收到"]
    assert house.read(lambda session: session.exec(select(InboxUpdate)).one().attempts) == 0


async def test_a_locked_database_is_waited_for(house_on: Any, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db, "BUSY_TIMEOUT_SECONDS", 0.05)
    house = house_on(sqlite_url)
    other = db.open_engine(sqlite_url)
    house.on_text = keep
    person = house.sandbox.person("张三")
    with structlog.testing.capture_logs() as lines:
        async with house.running():
            await house.settled()
            with other.begin():
                await person.start()
                async with asyncio.timeout(10):
                    while not any("does not take it" in line["event"] for line in lines):  # noqa: ASYNC110
                        await asyncio.sleep(0.01)
                assert house.sandbox.unread == 1  # not confirmed before it is kept
            await house.settled()
    assert house.read(kept) == ["/start"]
    other.dispose()


async def test_a_lost_connection_is_made_anew(house_on: Any, postgres_url: str) -> None:
    house = house_on(postgres_url)
    house.on_text = keep
    person = house.sandbox.person("张三")
    cut = True

    def cut_off(session: Session, _now: datetime) -> None:
        nonlocal cut
        if cut:
            cut = False
            session.connection().execute(text("SELECT pg_terminate_backend(pg_backend_pid()), pg_sleep(1)"))

    house.on_tick = cut_off
    async with house.running():
        await person.start()
        await house.settled()
    assert not cut
    assert house.read(kept) == ["/start"]


async def test_two_dispatchers_handle_an_update_once(house_on: Any, postgres_url: str) -> None:
    """Two processes that both believe they lead, for a moment: the rows' locks keep them apart."""
    house, other = house_on(postgres_url), house_on(postgres_url)
    house.on_text = other.on_text = keep
    with db.transaction(house.engine) as session:
        chat = {"id": 7, "type": "private", "first_name": "张三"}
        payloads = [
            {
                "update_id": number,
                "message": {
                    "message_id": number,
                    "date": 1,
                    "chat": chat,
                    "from": {**chat, "is_bot": False},
                    "text": str(number),
                },
            }
            for number in range(1, 151)
        ]
        inbox.receive(session, payloads, house.sandbox.clock.now())
    both = [each.make_bot().hire() for each in (house, other)]
    for workers in both:
        await workers.introduce()
    await asyncio.gather(*(_handle_all(workers) for workers in both))
    rows = house.read(lambda session: session.exec(select(InboxUpdate.state)).all())
    assert rows == [InboxState.DONE] * 150
    queued = house.read(
        lambda session: session.exec(select(OutboxMessage).where(OutboxMessage.state == OutboxState.QUEUED)).all()
    )
    assert len(queued) == 150
    for workers in both:
        await workers.library.shutdown()


async def _handle_all(workers: Workers) -> None:
    task = asyncio.create_task(workers.dispatcher.run())
    await workers.dispatcher.caught_up(20)
    workers.dispatcher.close()
    await task


async def test_what_is_not_to_be_kept_of_an_update_is_erased_when_it_is_done(house: Any) -> None:
    def secretly(context: Any) -> None:
        if context.incoming.message.text == "6 5 6 6 5":
            context.forget_update()
            context.reply("记下了：6 5 6 6 5", sensitive=True)
            context.leave_no_trace()

    house.on_text = secretly
    person = house.sandbox.person("张三")
    async with house.running():
        await person.start()
        await person.send("6 5 6 6 5")
        await person.hear("记下了")
        await house.settled()
    rows = house.read(lambda session: session.exec(select(InboxUpdate).order_by(InboxUpdate.update_id)).all())
    assert ["/start" in rows[0].payload, rows[1].payload] == [True, inbox.ERASED]
    assert rows[1].state == InboxState.DONE
    [sent] = house.read(lambda session: session.exec(select(OutboxMessage)).all())
    assert "6 5" not in sent.payload


async def test_a_link_is_not_kept_whatever_came_of_it(house: Any) -> None:
    def refuse(_context: Any) -> None:
        raise Refusal("invitation_revoked")

    house.on_text = refuse
    async with house.running():
        await house.sandbox.person("张三").start("A-_" * 7 + "A")
        await house.settled()
    [row] = house.read(lambda session: session.exec(select(InboxUpdate)).all())
    assert row.payload == inbox.ERASED
