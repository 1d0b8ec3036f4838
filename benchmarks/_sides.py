"""The two sides of a comparison, each in a process of its own: ``python -m benchmarks._sides SIDE URL DATABASE COUNT``.

A side says "ready", works until its standard input is closed, and then prints the seconds of CPU it took meanwhile.
"""

import asyncio
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, delete
from telegram import Update

from benchmarks._peer import FIRST_CHAT, SENT_AT, TOKEN
from handlers.context import Context, KaopingApplication

NOW = datetime.fromtimestamp(SENT_AT, UTC)


class StandingClock:
    """Always the same instant: the one at which the benchmark's messages are sent."""

    def now(self) -> datetime:
        return NOW


async def until_closed() -> None:
    await asyncio.to_thread(sys.stdin.read)


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def echo(url: str) -> None:
    """python-telegram-bot by itself, with nothing kept: answers each message with its own words."""
    from telegram.ext import ApplicationBuilder, ContextTypes, MessageHandler, filters

    async def answer(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.message is not None
        await update.message.reply_text(update.message.caption or "")

    application = ApplicationBuilder().token(TOKEN).base_url(f"{url}/bot").build()
    application.add_handler(MessageHandler(filters.ALL, answer))
    async with application:
        await application.start()
        assert application.updater is not None
        began = time.process_time()
        say("ready")
        await application.updater.start_polling(poll_interval=0)
        await until_closed()
        await application.updater.stop()
        await application.stop()
    say(str(time.process_time() - began))


async def send(url: str, count: int, per_second: float | None = None) -> None:
    """python-telegram-bot by itself: so many messages, one after another, at a pace or as fast as it can."""
    from telegram import Bot

    async with Bot(TOKEN, base_url=f"{url}/bot") as bot:
        say("ready")
        began, first = time.process_time(), time.monotonic()
        for number in range(count):
            if per_second is not None:
                await asyncio.sleep(first + number / per_second - time.monotonic())
            await bot.send_message(FIRST_CHAT + number, NOTICE, parse_mode="HTML")
        spent = time.process_time() - began
        await until_closed()
    say(str(spent))


NOTICE = "<b>财政局</b>：2021年3月工作动态请于4月2日24:00前报送，逾期每期扣1分（日常考核第8项）。"


async def kaoping(
    url: str, database: str, prepared: Callable[[Session], None], *, limits: bool, register: Any = None
) -> None:
    """The whole bot on a zone of sixty departments; with ``register`` those handlers in place of its own."""
    from bot import garbage
    from bot.application import Bot
    from bot.assembly import assemble
    from bot.settings import Settings
    from bot.workers import Workers
    from store.db import open_engine, prepare, transaction

    engine = open_engine(database)
    prepare(engine)
    with transaction(engine) as session:
        prepared(session)
    settings = Settings(_env_file=None, token=TOKEN, api_base=url, database_url=database, limits=limits)
    if register is None:
        bot = assemble(settings, engine, StandingClock())
    else:

        def hire(*means: Any) -> Workers:
            return Workers(*means, register=register, tick=lambda _session, _now: None)

        bot = Bot(settings, engine, StandingClock(), hire=hire)
    bot.hire()
    garbage.settle()  # as at every start
    say("ready")
    async with bot.running():
        # What a start costs is not what a message costs: the other side's is not counted either.
        while not bot.hire().sender.sent and not bot.receiver.received:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        began = time.process_time()
        await until_closed()
    say(str(time.process_time() - began))
    engine.dispose()


def least(application: KaopingApplication) -> None:
    """The least that a hand-in can be: who sent it, a row for it, and the receipt that the whole bot gives."""
    from telegram.ext import MessageHandler, filters

    import templates

    people, hand_ins = (SQLModel.metadata.tables[name] for name in ("person", "hand_in"))
    sender = sa.select(people.c.id).where(people.c.telegram_id == sa.bindparam("account"))
    entry = sa.insert(hand_ins)
    owed = {"what": "工作动态信息", "short": "工作动态", "period": "2021-03", "due": NOW.isoformat(), "check": None}

    async def take(update: Update, context: Context) -> None:
        message = update.message
        assert message is not None
        assert message.document is not None
        connection = context.session.connection()
        person = connection.scalar(sender, {"account": message.chat.id})
        kept = connection.execute(
            entry,
            {
                "state": "counted",
                "kind": "file",
                "channel": "telegram",
                "person_id": person,
                "sent_at": message.date,
                "recorded_at": context.now,
                "chat_id": message.chat.id,
                "message_id": message.message_id,
            },
        )
        key: Sequence[Any] = kept.inserted_primary_key or ()
        receipt = templates.render(
            "departments/receipt",
            one=owed,
            department="财政局",
            kind="file",
            number=key[0],
            sent_at=message.date,
            first=True,
            on_time=True,
            late=False,
            corrects=False,
            files=[{"name": message.document.file_name, "size": message.document.file_size}],
            album=False,
            too_large=False,
            standing=None,
        )
        context.reply(receipt, quote=True)

    application.add_handler(MessageHandler(filters.Document.ALL, take))


async def edit(url: str) -> None:
    """python-telegram-bot by itself, with nothing kept: a tap changes the words of its message."""
    from telegram.ext import ApplicationBuilder, CallbackQueryHandler, ContextTypes, MessageHandler, filters

    from sandbox.world import TOKEN as SANDBOXS

    async def answer(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.message is not None
        await update.message.reply_text("打分")

    async def tapped(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.callback_query is not None
        await update.callback_query.answer()
        await update.callback_query.edit_message_text(f"打分 {update.callback_query.data}")

    application = ApplicationBuilder().token(SANDBOXS).base_url(f"{url}/bot").build()
    application.add_handlers([CallbackQueryHandler(tapped), MessageHandler(filters.ALL, answer)])
    async with application:
        await application.start()
        assert application.updater is not None
        say("ready")
        await application.updater.start_polling(poll_interval=0)
        await until_closed()
        await application.updater.stop()
        await application.stop()


async def ratings(url: str, database: str) -> None:
    """The whole bot on a database that has been furnished, with limits, against the sandbox."""
    from bot.assembly import assemble
    from bot.clock import ServerClock
    from bot.settings import Settings
    from sandbox.world import TOKEN as SANDBOXS
    from store.db import open_engine

    engine = open_engine(database)
    settings = Settings(_env_file=None, token=SANDBOXS, api_base=url, database_url=database)
    bot = assemble(settings, engine, ServerClock())
    say("ready")
    async with bot.running():
        await until_closed()
    engine.dispose()


def zone(session: Session, people_count: int) -> None:
    """Sixty departments that owe March's papers, and so many liaisons who may hand them in."""
    from bot import verbs
    from scheduler import tick
    from scheduler.duties import assign_duty
    from scheduler.frame import Frame
    from scoring.loading import load
    from scoring.standings import put_in_force
    from store import people
    from store.outbox import OutboxMessage
    from store.people import Department, Role

    verbs.load()
    opened = NOW - timedelta(days=60)
    rulebook = load("jilin-2021")
    put_in_force(session, rulebook, 2021, opened)
    departments = [Department(code=f"d{number}", name=f"单位{number}", kind="bureau") for number in range(60)]
    session.add_all(departments)
    session.flush()
    frame = Frame.of(session)
    for department in departments:
        for duty in rulebook.duties:
            assign_duty(frame, department, duty, since=opened.date(), now=opened)
    for number in range(people_count):
        chat_id = FIRST_CHAT + number
        person = people.met(session, chat_id, name=f"联络员{chat_id}", username=None, now=opened)
        people.appoint(session, person, Role.LIAISON, opened, departments[number % 60].id)
    tick.tick(session, NOW)
    session.exec(delete(OutboxMessage))


def bulk(session: Session, count: int) -> None:
    """So many notices, queued."""
    from store import outbox
    from store.outbox import Lane

    payload = {"text": NOTICE, "parse_mode": "HTML"}
    for number in range(count):
        outbox.enqueue(
            session, chat_id=FIRST_CHAT + number, method="sendMessage", payload=payload, lane=Lane.NOTICE, now=NOW
        )


def main() -> None:
    side, url, database, count = sys.argv[1:5]
    match side:
        case "echo":
            asyncio.run(echo(url))
        case "send":
            asyncio.run(send(url, int(count)))
        case "send-at-our-pace":
            from bot.limiter import NOTICES_PER_SECOND

            asyncio.run(send(url, int(count), NOTICES_PER_SECOND))
        case "hand-ins":
            asyncio.run(kaoping(url, database, lambda session: zone(session, int(count)), limits=False))
        case "least":
            asyncio.run(kaoping(url, database, lambda session: zone(session, int(count)), limits=False, register=least))
        case "edit":
            asyncio.run(edit(url))
        case "ratings":
            asyncio.run(ratings(url, database))
        case "notices":

            def prepared(session: Session) -> None:
                zone(session, int(count) + 100)
                bulk(session, int(count))

            asyncio.run(kaoping(url, database, prepared, limits=True))


if __name__ == "__main__":
    main()
