"""The departments' side of the chat: what a message is taken for, in private and in a group that speaks for one."""

import re
from collections.abc import Callable

from sqlmodel import select
from telegram import Message, MessageEntity, Update
from telegram.ext import CallbackQueryHandler, CommandHandler, MessageHandler, filters

import templates
from handlers import choices, groups, hand_in, helping, keyboards
from handlers.attachments import file_in
from handlers.callers import caller, in_private, registered, speaker
from handlers.context import Context, KaopingApplication
from handlers.meaning import MOST
from handlers.naming import normal
from handlers.owed import also, open_now, titles
from scheduler.obligations import hand_ins_of
from scheduler.tables import HandIn
from store import people
from store.errors import Refusal

FILES = filters.Document.ALL | filters.PHOTO | filters.VIDEO | filters.AUDIO | filters.VOICE

NIL = re.compile(r"(?:零|0)\s*报告[\s:，,。.!]*(.*)|(.{1,20}?)[\s:，,]*(?:零|0)\s*报告[\s。.!]*", re.DOTALL)
"""「零报告：台账」, 「台账零报告」: what it is for is in one group or the other."""
ACKNOWLEDGED = re.compile(
    r"(?:(?:已?收到|好[的滴嘞]?|行|可以|知道了?|已?知悉|明白了?|了解|谢谢|多谢|辛苦了|嗯+|是的?|ok(?:ay)?|1|👌|👍|🙏|确认|同意|没问题"
    r"|(?:我们?)?(?:马上|尽快|抓紧|稍后|今天|下午|明天)就?(?:报送?|上报|提交|交|发|办理?|落实|准备|处理|整理))[!。.~,\s]*)+"
)
"""What people answer to a reminder without handing anything in."""
LEAST_TEXT = 4
"""A text of fewer characters is no report."""


def register(application: KaopingApplication) -> None:
    """Adds what this file answers to, except for what nobody else has taken (``register_rest``)."""
    message = filters.UpdateType.MESSAGE
    application.add_handler(MessageHandler(FILES & message, file))
    application.add_handler(CommandHandler("submit", submit_command, message))
    application.add_handler(CommandHandler("help", help_command, message))
    choices.register(application)


def register_rest(application: KaopingApplication) -> None:
    """Adds what answers to whatever is left: after all others have had their say."""
    message = filters.UpdateType.MESSAGE
    application.add_handler(MessageHandler(filters.TEXT & message, text))
    application.add_handler(MessageHandler(filters.ChatType.PRIVATE & ~filters.StatusUpdate.ALL & message, other))
    application.add_handler(MessageHandler(filters.UpdateType.EDITED_MESSAGE, edited))
    application.add_handler(CallbackQueryHandler(unknown_button))


async def file(update: Update, context: Context) -> None:
    """A file: in a group only one that is meant for the bot."""
    message = update.message
    if message is not None and (in_private(context) or addressed(context, message)):
        hand_in.take_file(context, message)


async def text(update: Update, context: Context) -> None:
    """A text that is no administrator's command."""
    message = update.message
    if message is None or message.text is None or not (in_private(context) or addressed(context, message)):
        return
    said = _without_mention(message.text, context.bot.username)
    word = normal(said).removeprefix("/")
    if word in WORDS:
        WORDS[word](context)
        return
    if message.text.startswith("/"):
        if in_private(context):
            raise Refusal("command_unknown", text=said.split()[0])
        return
    if match := re.fullmatch(r"(?:绑定|bind)\s*(.*)", word):
        groups.bind(context, match[1])
        return
    _say(context, message, said)


def _say(context: Context, message: Message, said: str) -> None:
    """A text of somebody who may be handing something in by it."""
    person = caller(context)
    private = in_private(context)
    if person is None and private:
        raise Refusal("not_registered")
    if private and person is not None and not people.speaks_for(context.session, person):
        registered(context)
        context.reply(templates.render("departments/not_understood", contact=False))
        return
    person, departments = speaker(context)
    word = normal(said)
    if match := NIL.fullmatch(word):
        hand_in.take_nil(context, message, person, departments, match[1] or match[2] or "")
    elif ACKNOWLEDGED.fullmatch(word):
        context.reply(templates.render("departments/acknowledged"), quote=not private)
    elif len(word) < LEAST_TEXT:
        context.reply(templates.render("departments/not_understood", contact=True), quote=not private)
    else:
        hand_in.take_text(context, message, person, departments, said)


async def other(update: Update, context: Context) -> None:
    """A sticker, a place, a contact: nothing that can be handed in."""
    if update.message is not None and file_in(update.message) is None:
        registered(context)
        raise Refusal("not_a_file")


async def edited(update: Update, context: Context) -> None:
    """A message was changed after it was sent. What was handed in by it stays as it came."""
    message = update.edited_message
    if message is None:
        return
    query = select(HandIn.id).where(HandIn.chat_id == message.chat.id, HandIn.message_id == message.message_id)
    number = context.session.exec(query).first()
    if number is not None:
        context.reply(templates.render("departments/edited", number=number), quote=True)


async def unknown_button(_update: Update, _context: Context) -> None:
    """A button that nothing knows any more."""
    raise Refusal("button_outdated")


async def submit_command(_update: Update, context: Context) -> None:
    """/submit."""
    submit(context)


async def help_command(_update: Update, context: Context) -> None:
    """/help."""
    explain(context)


def submit(context: Context) -> None:
    """Lists what is to be handed in, each with its button; a single one is asked for at once."""
    person, departments = speaker(context)
    things = open_now(context.session, departments, context.now)
    if len(things) == 1:
        hand_in.choose(context, person, things[0])
        return
    offered = (things or also(context.session, departments, context.now))[:MOST]
    labels = [
        templates.word("button_title", title=title, standing=one.standing)
        for title, one in zip(titles(offered), offered, strict=True)
    ]
    rows = [[keyboards.button(label, "hand_in", one.obligation.id)] for label, one in zip(labels, offered, strict=True)]
    context.reply(templates.render("departments/submit", open=len(things)), markup=keyboards.inline(*rows))


def status(context: Context) -> None:
    """What has been handed in and what has not: for whoever says 已交."""
    _person, departments = speaker(context)
    session, now = context.session, context.now
    units = []
    for unit in departments:
        facts = {
            "name": unit.name,
            "open": [{**one.told, "standing": one.standing} for one in open_now(session, [unit], now)],
            "latest": [
                {**one.told, "number": first.id, "sent_at": first.sent_at, "on_time": one.obligation.on_time}
                for one in also(session, [unit], now)
                for first in hand_ins_of(session, one.obligation)[:1]
            ],
        }
        units.append(facts)
    context.reply(templates.render("departments/status", units=units))


def explain(context: Context) -> None:
    """Where somebody stands and what he can do; in a group what the bot is there for."""
    if not in_private(context):
        groups.entered(context)
        return
    person = registered(context)
    context.reply(helping.text(context, person))


def understood(text: str) -> bool:
    """Whether a text means something here by itself, whatever verb it is a word of for others."""
    word = normal(text)
    return word in WORDS or ACKNOWLEDGED.fullmatch(word) is not None


def addressed(context: Context, message: Message) -> bool:
    """Whether a message in a group is meant for the bot: it answers the bot, or names it."""
    quoted = message.reply_to_message
    if quoted is not None and quoted.from_user is not None and quoted.from_user.id == context.bot.id:
        return True
    me = f"@{context.bot.username}".lower()
    kinds: list[str | None] = [MessageEntity.MENTION, MessageEntity.TEXT_MENTION, MessageEntity.BOT_COMMAND]
    entities = message.parse_entities(kinds) or message.parse_caption_entities(kinds)
    return any(
        words.lower().endswith(me) or (entity.user is not None and entity.user.id == context.bot.id)
        for entity, words in entities.items()
    )


def _without_mention(said: str, username: str) -> str:
    return re.sub(rf"@{re.escape(username)}\b", "", said, flags=re.IGNORECASE).strip()


WORDS: dict[str, Callable[[Context], None]] = {
    **dict.fromkeys(["报送", "现在报送", "我要报送", "上报", "报送材料", "submit"], submit),
    **dict.fromkeys(["帮助", "使用说明", "说明", "菜单", "开始", "你好", "您好", "help", "?"], explain),
    **dict.fromkeys(["已交", "已报", "已报送", "已经交了", "已经报了", "交了", "报了", "我的报送", "报送记录"], status),
    **dict.fromkeys(["已发", "已发送", "发了", "已经发了", "已提交", "提交了"], status),
    **dict.fromkeys(["解绑", "解除绑定", "unbind"], groups.unbind),
}
"""Chinese words that work like commands."""
