"""The same conversation through two independent clients: what one cannot parse, Telegram would not send."""

import asyncio
import io
from collections.abc import AsyncIterator

import aiogram
import pytest
import telegram
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import (
    TelegramBadRequest,
    TelegramConflictError,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)
from aiogram.methods import GetUpdates
from aiogram.types import (
    BotCommand,
    BotCommandScopeChat,
    BufferedInputFile,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaDocument,
    KeyboardButton,
    ReplyKeyboardMarkup,
)
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TimedOut,
)

from sandbox.acts import Upload
from sandbox.facade import Sandbox
from sandbox.faults import Fault

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\rIHDR" + (600).to_bytes(4, "big") + (400).to_bytes(4, "big") + bytes(64)


@pytest.fixture
async def ptb(sandbox: Sandbox) -> AsyncIterator[telegram.Bot]:
    bot = telegram.Bot(sandbox.token, base_url=sandbox.base_url, base_file_url=sandbox.base_file_url)
    async with bot:
        yield bot


@pytest.fixture
async def gram(sandbox: Sandbox) -> AsyncIterator[aiogram.Bot]:
    server = TelegramAPIServer(f"{sandbox.url}/bot{{token}}/{{method}}", f"{sandbox.url}/file/bot{{token}}/{{path}}")
    async with aiogram.Bot(sandbox.token, session=AiohttpSession(api=server)) as bot:
        yield bot


async def test_python_telegram_bot_speaks_with_it(sandbox: Sandbox, ptb: telegram.Bot) -> None:
    person = sandbox.person("张三", username="zhangsan")
    await person.start("token_128")
    (first,) = await ptb.get_updates()
    assert first.message
    assert first.message.parse_entities() == {first.message.entities[0]: "/start"}
    keys = telegram.InlineKeyboardMarkup.from_button(telegram.InlineKeyboardButton("已知悉", callback_data="k:1"))
    sent = await ptb.send_message(person.id, "<b>财政局</b> 😀 &lt;2", parse_mode="HTML", reply_markup=keys)
    assert (sent.text, sent.text_html) == ("财政局 😀 <2", "<b>财政局</b> 😀 &lt;2")
    assert sent.reply_markup == keys
    edited = await ptb.edit_message_text("改", person.id, sent.message_id, reply_markup=keys)
    assert isinstance(edited, telegram.Message)
    assert edited.edit_date

    tap = await person.tap(person.message(sent.message_id), "已知悉")
    updates = await ptb.get_updates(offset=first.update_id + 1)
    query = updates[0].callback_query
    assert query
    assert query.data == "k:1"
    await query.answer("好", show_alert=True)
    assert await tap.answered() == "好"

    board = telegram.ReplyKeyboardMarkup([["零报告"]], resize_keyboard=True, one_time_keyboard=True)
    document = await ptb.send_document(
        person.id, io.BytesIO(b"1,2"), filename="三月 “表”.csv", caption="见附件", reply_markup=board
    )
    assert document.document
    assert (document.document.file_name, document.document.mime_type) == ("三月 “表”.csv", "text/csv")
    assert person.keys == ["零报告"]
    photo = await ptb.send_photo(person.id, PNG, caption="图")
    assert (photo.photo[-1].width, photo.photo[-1].height) == (600, 400)
    album = await ptb.send_media_group(
        person.id,
        [telegram.InputMediaDocument(b"1", filename="一.txt", caption="一"), telegram.InputMediaDocument(b"2")],
    )
    assert len({message.media_group_id for message in album}) == 1

    handed_in = await person.send_document("台账.xlsx", b"PK..", caption="三月")
    (update,) = await ptb.get_updates(offset=updates[-1].update_id + 1)
    assert update.message
    assert update.message.document
    assert update.message.date == handed_in.sent_at
    file = await update.message.document.get_file()
    assert bytes(await file.download_as_bytearray()) == b"PK.."

    commands = [telegram.BotCommand("score", "得分")]
    await ptb.set_my_commands(commands, scope=telegram.BotCommandScopeChat(person.id))
    assert list(await ptb.get_my_commands(scope=telegram.BotCommandScopeChat(person.id))) == commands
    await ptb.send_chat_action(person.id, "typing")
    chat = await ptb.get_chat(person.id)
    assert (chat.first_name, chat.username) == ("张三", "zhangsan")
    assert (await ptb.get_webhook_info()).url == ""
    assert await ptb.delete_message(person.id, sent.message_id)


async def test_aiogram_speaks_with_it(sandbox: Sandbox, gram: aiogram.Bot) -> None:
    assert (await gram.me()).username == "kaoping_bot"
    person = sandbox.person("张三", username="zhangsan")
    await person.start("token_128")
    (first,) = await gram.get_updates()
    assert first.message
    assert first.message.entities
    assert first.message.entities[0].extract_from("/start token_128") == "/start"
    keys = InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="已知悉", callback_data="k:1")]])
    sent = await gram.send_message(person.id, "<b>财政局</b> 😀 &lt;2", parse_mode="HTML", reply_markup=keys)
    assert (sent.text, sent.html_text) == ("财政局 😀 <2", "<b>财政局</b> 😀 &lt;2")
    assert sent.reply_markup
    assert sent.reply_markup.model_dump() == keys.model_dump()
    await sent.edit_text("改", reply_markup=keys)

    tap = await person.tap(person.message(sent.message_id), "已知悉")
    (update,) = await gram.get_updates(offset=first.update_id + 1)
    assert update.callback_query
    await update.callback_query.answer("好", show_alert=True)
    assert await tap.answered() == "好"

    board = ReplyKeyboardMarkup(keyboard=[[KeyboardButton(text="零报告")]], one_time_keyboard=True)
    file = BufferedInputFile(b"1,2", "三月 “表”.csv")
    document = await gram.send_document(person.id, file, caption="见附件", reply_markup=board)
    assert document.document
    assert document.document.file_name == "三月 “表”.csv"
    assert person.keys == ["零报告"]
    photo = await gram.send_photo(person.id, BufferedInputFile(PNG, "图.png"))
    assert photo.photo
    assert photo.photo[-1].width == 600
    media = [
        InputMediaDocument(media=BufferedInputFile(b"1", "一.txt")),
        InputMediaDocument(media=document.document.file_id),
    ]
    album = await gram.send_media_group(person.id, media)  # type: ignore[arg-type]
    assert len({message.media_group_id for message in album}) == 1

    await person.send_album([Upload("台账.xlsx", b"PK.."), Upload("二.xlsx", b"PK")], caption="三月")
    one, two = await gram.get_updates(offset=update.update_id + 1)
    assert one.message
    assert two.message
    assert one.message.media_group_id == two.message.media_group_id
    assert one.message.document
    fetched = await gram.download(one.message.document)
    assert fetched
    assert fetched.read() == b"PK.."

    await gram.set_my_commands(
        [BotCommand(command="score", description="得分")], BotCommandScopeChat(chat_id=person.id)
    )
    assert [each.command for each in await gram.get_my_commands(BotCommandScopeChat(chat_id=person.id))] == ["score"]
    assert (await gram.get_chat(person.id)).first_name == "张三"
    assert (await gram.get_webhook_info()).url == ""
    await gram.send_chat_action(person.id, "typing")
    assert await gram.delete_message(person.id, sent.message_id)


async def test_both_tell_the_refusals_apart(sandbox: Sandbox, ptb: telegram.Bot, gram: aiogram.Bot) -> None:
    person = sandbox.person("张三")
    group = sandbox.group("群", [person])
    await group.add_bot()
    new = await group.migrate()
    for send, bad, migrated in (
        (ptb.send_message, BadRequest, ChatMigrated),
        (gram.send_message, TelegramBadRequest, TelegramMigrateToChat),
    ):
        with pytest.raises(bad, match="hat not found"):
            await send(5, "x")
        with pytest.raises(migrated) as moved:
            await send(group.id, "x")
        assert str(new.id) in f"{moved.value} {vars(moved.value)}"
    for send, forbidden in ((ptb.send_message, Forbidden), (gram.send_message, TelegramForbiddenError)):
        with pytest.raises(forbidden, match="can't initiate"):
            await send(person.id, "x")
    sandbox.fault(Fault("too_many_requests", times=2, retry_after=7))
    with pytest.raises(RetryAfter) as slow:
        await ptb.get_me()
    assert slow.value._retry_after.total_seconds() == 7
    with pytest.raises(TelegramRetryAfter) as slower:
        await gram.get_me()
    assert slower.value.retry_after == 7
    sandbox.fault(Fault("server_error", times=2, status=502))
    with pytest.raises(NetworkError, match="Bad Gateway"):
        await ptb.get_me()
    with pytest.raises(TelegramServerError):
        await gram.get_me()


async def test_both_see_a_bad_token_and_a_conflict(sandbox: Sandbox, ptb: telegram.Bot, gram: aiogram.Bot) -> None:
    with pytest.raises(InvalidToken):
        await telegram.Bot("7000000001:wrong", base_url=sandbox.base_url).initialize()
    server = TelegramAPIServer(f"{sandbox.url}/bot{{token}}/{{method}}", f"{sandbox.url}/file/bot{{token}}/{{path}}")
    async with aiogram.Bot("7000000001:wrong", session=AiohttpSession(api=server)) as other:
        with pytest.raises(TelegramUnauthorizedError):
            await other.get_me()
    first = asyncio.create_task(ptb.get_updates(timeout=30))
    await sandbox.idle()
    second = asyncio.create_task(gram(GetUpdates(timeout=30), request_timeout=40))
    with pytest.raises(Conflict):
        await first
    await sandbox.idle()
    third = asyncio.create_task(ptb.get_updates(timeout=30))
    with pytest.raises(TelegramConflictError):
        await second
    await sandbox.idle()
    sandbox.advance(hours=1)
    assert await third == ()


async def test_a_held_answer_is_a_time_out_whose_message_has_gone_out(sandbox: Sandbox, ptb: telegram.Bot) -> None:
    person = sandbox.person("张三")
    await person.start()
    held = sandbox.fault(Fault("slow", "sendMessage", delay=None))
    with pytest.raises(TimedOut):
        await ptb.send_message(person.id, "一次", read_timeout=0.2)
    held.release()
    assert [message.text for message in person.from_bot] == ["一次"]
