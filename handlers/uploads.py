"""Files that a verb asks for: a document sent to it is fetched afterwards, and then the verb goes on.

What is fetched and what became of it are steps in the database, as for hand-ins (``handlers.fetched``).
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlmodel import Session
from telegram import Message, Update

import templates
from handlers import flow, keyboards, screens, waiting_files
from handlers.admins import act_of, forget
from handlers.attachments import file_in
from handlers.callers import in_private, registered
from handlers.context import Context, KaopingApplication, Work
from handlers.fetched import Wanted
from handlers.fitting import FittingMessages
from handlers.guided import KIND as VERB_KIND
from handlers.guided import Guide, fits
from handlers.parsing import spotted, taken
from handlers.screens import Screen
from scheduler import publicity, spreadsheets
from scheduler.hand_ins import LARGEST_FETCH
from scheduler.publicity import CheckResult
from store import acting, blobs, drafts, outbox, people
from store.commands import Act
from store.drafts import Draft
from store.errors import Refusal
from store.outbox import Lane
from store.people import Person

KIND = "upload"
FILE = "file"
"""A parameter of this name takes a document."""
AS_THEY_COME = frozenset({"approve paper", "claim add", "rules diff", "verify"})
"""Verbs that take any file; the others want a spreadsheet, or the JSON of a holiday notice."""


class SentFile(FittingMessages):
    """Takes a document that a verb under way has asked for, or whose caption names a verb that takes one."""

    def may_be(self, message: Message) -> bool:
        return file_in(message) is not None

    def fits(self, work: Work, person: Person | None, message: Message) -> bool:
        return person is not None and _meant(work.session, person, message) is not None


def register(application: KaopingApplication) -> None:
    """Adds what this file answers to. Before the departments: to them every file is a hand-in."""
    application.add_handler(SentFile(application, sent))


def _meant(session: Session, person: Person, message: Message) -> Guide | None:
    """The verb that a document is for, or a picture where the verb takes any file."""
    line = spotted(message.caption or "")
    if line is not None and any(param.name == FILE for param in line.verb.params):
        found = Guide.begin(line.verb, {})
    else:
        begun = drafts.under_way(session, person_id=person.id, chat_id=message.chat.id, kinds=(VERB_KIND,))
        if not begun or not fits(begun[0]):
            return None
        found = Guide.of(begun[0])
        if found.asking is None or found.asking.name != FILE:
            return None
    if message.document is None and found.verb.name not in AS_THEY_COME:
        return None
    return found if found.verb.roles & people.roles_of(session, person) else None


async def sent(update: Update, context: Context) -> None:
    """A document for a verb: remembered, to be fetched once this update is done."""
    message = update.message
    person = registered(context)
    guide = _meant(context.session, person, message) if message is not None else None
    document = file_in(message) if message is not None else None
    if message is None or document is None or guide is None:
        return
    if not in_private(context):
        raise Refusal("not_in_groups", verb=guide.verb.name, bot=context.bot.username)
    name = document.name
    if (document.size or 0) > LARGEST_FETCH:
        raise Refusal("upload_too_large", name=name, most=LARGEST_FETCH // 1024 // 1024)
    forget(context, person)
    act = act_of(context, person)
    line = spotted(message.caption or "")
    if line is not None and len(line.verb.params) > 1:
        # The caption says the rest as well: 录入现场票 企业
        guide = Guide.begin(line.verb, taken(act, line))
    if FILE not in guide.steps and guide.at == len(guide.steps):
        # It may be left out, and here it is.
        guide.steps.append(FILE)
    if guide.asking is None or guide.asking.name != FILE:
        raise Refusal("argument_missing", verb=guide.verb.name, argument=guide.asking.name if guide.asking else FILE)
    draft = flow.opened(act, context.chat_id, guide)
    data = waiting_files.awaited(document.file_id or "", name, guide=draft.id)
    drafts.opened(context.session, person_id=person.id, chat_id=context.chat_id, kind=KIND, data=data, now=context.now)
    context.reply(templates.render("admins/reading", name=name))


def wanted(session: Session, now: datetime, limit: int) -> list[Wanted]:
    """The documents to fetch next, oldest first."""
    due = waiting_files.due(session, KIND, now, limit)
    return [Wanted(one.id, one.data["file"], _any if _as_it_comes(session, one) else _readable) for one in due]


def _as_it_comes(session: Session, upload: Draft) -> bool:
    draft = drafts.find(session, upload.data["guide"])
    return draft is not None and draft.data.get("verb") in AS_THEY_COME


def _any(_content: bytes) -> CheckResult | None:
    return None


def _readable(content: bytes) -> CheckResult | None:
    """Looks into the file outside any transaction, so that a malicious one holds up nobody."""
    if content.lstrip()[:1] == b"{":
        return None
    try:
        spreadsheets.read(content)
    except spreadsheets.Unreadable as fault:
        return publicity.unreadable(fault.code, **fault.facts)
    return None


def arrived(session: Session, draft_id: int, content: bytes, result: CheckResult | None, now: datetime) -> None:
    """The bytes are here: the verb goes on with its preview, or says what is wrong with the file."""

    def given(act: Act, guide: Guide, upload: Draft) -> None:
        if result is not None:
            faults = [{"sheet": "", "cell": "", "code": result.why, "facts": dict(result.facts)}]
            raise Refusal("import_faulty", name=upload.data["name"], faults=faults)
        said = f"blob:{blobs.put(session, content, now)}"
        named = guide.asking is not None and guide.asking.converter.words > 1
        guide.take(act, f"{said} {upload.data['name']}" if named else said)

    _go_on(session, draft_id, now, given)


def delayed(session: Session, draft_id: int, now: datetime) -> None:
    """It could not be had this time. In the end the verb asks for the file again."""
    if not waiting_files.put_off(session, draft_id, now):
        lost(session, draft_id, "unreachable", now)


def lost(session: Session, draft_id: int, _why: str, now: datetime) -> None:
    """Its bytes will not come."""

    def given(_act: Act, _guide: Guide, upload: Draft) -> None:
        raise Refusal("upload_lost", name=upload.data["name"])

    _go_on(session, draft_id, now, given)


def _go_on(session: Session, draft_id: int, now: datetime, give: Callable[[Act, Guide, Draft], Any]) -> None:
    upload = drafts.find(session, draft_id)
    draft = drafts.find(session, upload.data["guide"]) if upload is not None else None
    if upload is None:
        return
    drafts.finished(session, upload)
    if draft is None or not fits(draft):
        # Cancelled meanwhile, or another verb has taken its place.
        return
    act = Act(session, now, session.get_one(Person, upload.person_id), "chat")
    guide = Guide.of(draft)
    try:
        give(act, guide, upload)
        if guide.asking is None and not guide.verb.changes:
            screen = Screen(screens.told(act, guide.verb, acting.run(act, guide.verb, **guide.given(act))))
            drafts.finished(session, draft)
        else:
            screen = flow.shown(act, guide, draft)
    except Refusal as refusal:
        screen = flow.shown(act, Guide.of(draft), draft, fault=refusal)
    _say(session, upload.chat_id, screen, now)


def _say(session: Session, chat_id: int, screen: Screen, now: datetime) -> None:
    parts = templates.split(screen.text)
    for number, part in enumerate(parts, 1):
        payload: dict[str, Any] = {"text": part, "parse_mode": "HTML", "link_preview_options": {"is_disabled": True}}
        if number == len(parts):
            payload["reply_markup"] = screen.markup or keyboards.inline()
        outbox.enqueue(session, chat_id=chat_id, method="sendMessage", payload=payload, lane=Lane.REPLY, now=now)
