"""申请复核 in chat: words and files are gathered, shown back and handed in; added to while open, or taken back.

The date that counts is that of the first message: what was written in time is in time, whenever the bot reads it and
whenever 确认提交 is tapped. What is gathered is a draft, forgotten after a while like any other.
"""

import re
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session
from telegram import Message, Update
from telegram.constants import ChatType
from telegram.ext import CallbackQueryHandler

import templates
from handlers import departments, flow, keyboards, places, proposals, review_buttons, screens
from handlers.admins import act_of, forget
from handlers.attachments import file_in, kind_in, sending
from handlers.callers import in_private, registered, speaker
from handlers.context import Context, KaopingApplication, Work
from handlers.fitting import FittingMessages
from handlers.guided import KIND as VERB_KIND
from handlers.guided import TIMEOUT, Guide
from handlers.meaning import CHOSEN, answers_papers
from handlers.naming import normal
from handlers.notices import deliver
from handlers.owed import frame_of
from handlers.parsing import Line, spotted, taken
from scheduler import appeal_commands
from scoring import appeals
from scoring.appeal_tables import Appeal
from scoring.appeals import Piece
from scoring.entries import entry_shown
from scoring.ledger import entry_numbered
from scoring.tables import LedgerEntry
from store import acting, drafts, people, vitals
from store.commands import VERBS, to_json
from store.drafts import Draft
from store.errors import Refusal
from store.notices import Audience, Notice
from store.people import Person

KIND = "appeal"
MOST = 30
"""Messages gathered in one draft."""

_WORDS = {"取消": "cancel", "确认提交": "submit", "提交": "submit", "确认": "submit"}
"""What people type instead of pressing it."""
_BUTTON = re.compile(rf"(appeal(?:_[a-z]+)?):({keyboards.NUMBER})(?::({keyboards.NUMBER}))?")


class AppealMessage(FittingMessages):
    """Takes what somebody writes or sends after he has pressed 申请复核."""

    def may_be(self, message: Message) -> bool:
        return message.chat.type == ChatType.PRIVATE

    def fits(self, work: Work, person: Person | None, message: Message) -> bool:
        return person is not None and _meant(work.session, person, message, work.now) is not None


def register(application: KaopingApplication) -> None:
    """Adds what this file answers to. Before the departments: to them every file is a hand-in."""
    application.add_handler(AppealMessage(application, said))
    application.add_handler(CallbackQueryHandler(tapped, pattern=r"^appeal(?:_[a-z]+)?:"))


def _meant(session: Session, person: Person, message: Message, now: datetime) -> Draft | None:
    """The draft that a message is for; None for what is plainly meant otherwise."""
    kinds = (KIND, CHOSEN, VERB_KIND, proposals.KIND)
    found = drafts.under_way(session, person_id=person.id, chat_id=message.chat.id, kinds=kinds)
    # Whatever was begun last is what the next message is for.
    if not found or found[0].kind != KIND or now - datetime.fromisoformat(found[0].data["touched"]) > TIMEOUT:
        return None
    if message.text is None:
        return found[0] if file_in(message) is not None and not answers_papers(session, message) else None
    word, line = normal(message.text), spotted(message.text)
    another = message.text.startswith("/") or word.startswith("零报告") or word in departments.WORDS
    if line is not None and not line.rest:
        # A reason may begin with any word; a command of one word is a command.
        another = another or bool(line.verb.roles & people.roles_of(session, person))
    return None if another or answers_papers(session, message) else found[0]


async def said(update: Update, context: Context) -> None:
    """A reason, a file, or the word of a button."""
    message, person = update.message, registered(context)
    draft = _meant(context.session, person, message, context.now) if message is not None else None
    if message is None or draft is None:
        return
    word = _WORDS.get(normal(message.text or ""))
    if word == "cancel":
        _cancel(context, draft)
    elif word == "submit" and draft.data["pieces"]:
        _submit(context, person, draft)
    else:
        _gather(context, draft, message)


def _gather(context: Context, draft: Draft, message: Message) -> None:
    data, pieces = draft.data, list(draft.data["pieces"])
    if not pieces and data["appeal"] is None:
        try:
            _check(context, entry_numbered(context.session, data["entry"]), message.date)
        except Refusal as refusal:
            # Said, not raised: a refusal would roll the draft's end back, and it would swallow the next text as well.
            drafts.finished(context.session, draft)
            context.reply(templates.refusal(refusal.code, refusal.facts), quote=True)
            return
    if len(pieces) >= MOST:
        raise Refusal("appeal_too_much", most=MOST)
    album = message.media_group_id
    joined = album is not None and bool(pieces) and pieces[-1]["album"] == album
    piece = vars(_piece(message)) | {"at": message.date.isoformat(), "album": album}
    data = data | {"pieces": [*pieces, piece], "touched": context.now.isoformat()}
    data["mark"] += not joined
    drafts.amended(context.session, draft, data)
    if not joined:
        _show(context, draft)


def _piece(message: Message) -> Piece:
    file, chat_id, number = file_in(message), message.chat.id, message.message_id
    if file is None:
        return Piece(text=message.text or "", chat_id=chat_id, message_id=number)
    return Piece(message.caption or "", kind_in(message), file.name, file.file_id, file.size, chat_id, number)


def _show(context: Context, draft: Draft, *, stale: bool = False) -> None:
    """What has been gathered, with 确认提交 and 取消."""
    data = draft.data
    entry = entry_shown(context.session, entry_numbered(context.session, data["entry"]))
    text = templates.render(
        "departments/appeal_draft", entry=entry, more=data["appeal"], pieces=data["pieces"], stale=stale
    )
    submit = keyboards.button(templates.word("button_appeal_submit"), "appeal_submit", draft.id, data["mark"])
    cancel = keyboards.button(templates.word("button_cancel"), "appeal_cancel", draft.id)
    markup = keyboards.inline([submit, cancel])
    if context.incoming.callback_query is not None:
        context.edit(text, markup=markup)
    else:
        context.reply(text, markup=markup, quote=True)


async def tapped(update: Update, context: Context) -> None:
    """A button: under a notice, under what has been gathered, under a receipt, or under a thread."""
    query = update.callback_query
    match = _BUTTON.fullmatch(query.data or "") if query is not None else None
    if match is None:
        raise Refusal("button_outdated")
    action, number = match[1], int(match[2])
    person = registered(context)
    if not in_private(context):
        raise Refusal("appeal_in_private", bot=context.bot.username)
    if action == "appeal":
        _begin(context, person, number)
    elif action in {"appeal_submit", "appeal_cancel"}:
        draft = drafts.find(context.session, number)
        if draft is None or draft.kind != KIND or draft.person_id != person.id:
            raise Refusal("button_outdated")
        if action == "appeal_cancel":
            _cancel(context, draft)
        elif match[3] != str(draft.data["mark"]):
            _show(context, draft, stale=True)
        else:
            _submit(context, person, draft)
    elif action in _ON_OWN:
        _ON_OWN[action](context, person, _own(context, number))
    elif action in _VERBS:
        _verb(context, person, action, number)
    elif action == "appeal_files":
        _send_files(context, person, number)
    else:
        raise Refusal("button_outdated")
    context.answer()


def _begin(context: Context, person: Person, number: int) -> None:
    """申请复核 of one entry: its reason and papers are asked for."""
    entry = entry_numbered(context.session, number)
    ends = appeals.until(context.session, entry, frame_of(context.session).calendar.after)
    through, at = vitals.read_through(context.session), context.now
    if ends is not None and at >= ends and (through is None or through < ends):
        # A tap has no date. As long as not all that was sent in time has been read, this one may have been, too.
        at = ends - timedelta(microseconds=1)
    _check(context, entry, at)
    _ask(context, person, entry, None)


def _check(context: Context, entry: LedgerEntry, sent_at: datetime) -> None:
    _person, units = speaker(context)
    own = entry.department_id if entry.department_id in {one.id for one in units} else units[0].id
    appeals.check(context.session, entry, own, sent_at, frame_of(context.session).calendar.after)


def _ask(context: Context, person: Person, entry: LedgerEntry, appeal: Appeal | None) -> None:
    """Opens the draft in which the next messages are gathered."""
    forget(context, person)
    for old in drafts.under_way(context.session, person_id=person.id, chat_id=context.chat_id, kinds=(KIND,)):
        drafts.finished(context.session, old)
    data: dict[str, Any] = {
        "entry": entry.id, "appeal": appeal.id if appeal else None, "pieces": [], "mark": 0,
        "touched": context.now.isoformat(),
    }  # fmt: skip
    draft = drafts.opened(
        context.session, person_id=person.id, chat_id=context.chat_id, kind=KIND, data=data, now=context.now
    )
    ends = appeals.until(context.session, entry, frame_of(context.session).calendar.after)
    shown = entry_shown(context.session, entry)
    text = templates.render(
        "departments/appeal_ask", entry=shown, appeal=appeal.id if appeal else None, until=None if appeal else ends
    )
    cancel = keyboards.button(templates.word("button_cancel"), "appeal_cancel", draft.id)
    context.reply(text, markup=keyboards.inline([cancel]))


def _cancel(context: Context, draft: Draft) -> None:
    drafts.finished(context.session, draft)
    context.edit(templates.render("departments/appeal_cancelled", more=draft.data["appeal"]), markup=keyboards.inline())


def _submit(context: Context, person: Person, draft: Draft) -> None:
    """确认提交: the review is opened, or its thread goes on; the administrators get words and files."""
    session, data = context.session, draft.data
    entry = entry_numbered(session, data["entry"])
    pieces = [(_of_draft(one), datetime.fromisoformat(one["at"])) for one in data["pieces"]]
    try:
        appeal = _target(context, person, data, pieces[0][1])
    except Refusal as refusal:
        drafts.finished(session, draft)
        context.edit(templates.refusal(refusal.code, refusal.facts), markup=keyboards.inline())
        return
    for piece, at in pieces:
        appeals.say(session, appeal, person, piece, at=at)
    drafts.finished(session, draft)
    kind = "appeal_raised" if data["appeal"] is None else "appeal_added"
    _tell_the_office(context, person, appeal, kind, [piece for piece, _ in pieces])
    files = [piece.file_name for piece, _ in pieces if piece.file_name]
    text = templates.render(
        "departments/appeal_receipt", number=appeal.id, more=data["appeal"] is not None, files=files,
        entry=entry_shown(session, entry), sent_at=pieces[0][1],
    )  # fmt: skip
    context.edit(text, markup=review_buttons.of_own(appeal.id))


def _target(context: Context, person: Person, data: dict[str, Any], first: datetime) -> Appeal:
    """The review that the gathered is for: a new one, or one that is still open."""
    if data["appeal"] is not None:
        return _open(_own(context, data["appeal"]))
    entry = entry_numbered(context.session, data["entry"])
    _check(context, entry, first)
    return appeals.raise_appeal(context.session, entry, person, (), sent_at=first)


def _open(appeal: Appeal) -> Appeal:
    if appeal.state != "open":
        raise Refusal("appeal_closed", appeal=appeal.id, state=appeal.state)
    return appeal


def _of_draft(kept: dict[str, Any]) -> Piece:
    return Piece(**{name: kept[name] for name in Piece.__dataclass_fields__})


def _tell_the_office(context: Context, person: Person, appeal: Appeal, kind: str, pieces: list[Piece]) -> None:
    act = act_of(context, person)
    said = [{"text": one.text, "file_name": one.file_name} for one in pieces]
    facts = appeal_commands.told_of(act, appeal) | {"said": said, "by": person.name}
    files = tuple((one.file_kind, one.file_id) for one in pieces if one.file_kind and one.file_id)
    number = str(appeal.id)
    buttons = (("appeal_accept", number), ("appeal_reject", number), ("appeal_show", number))
    notice = Notice(kind, Audience("administrators"), to_json(facts), buttons=buttons, files=files)
    deliver(context.session, [notice], context.now, summary_chat=places.summary_chat(context))


def _own(context: Context, number: int) -> Appeal:
    """An appeal of one of the departments for which the person speaks. Raises Refusal appeal_not_yours."""
    _person, units = speaker(context)
    appeal = appeals.appeal_numbered(context.session, number)
    if appeal.department_id not in {one.id for one in units}:
        raise Refusal("appeal_not_yours", entry=appeal.entry_id)
    return appeal


def _more(context: Context, person: Person, appeal: Appeal) -> None:
    _open(appeal)
    _ask(context, person, entry_numbered(context.session, appeal.entry_id), appeal)


def _back(context: Context, _person: Person, appeal: Appeal) -> None:
    _open(appeal)
    number = str(appeal.id)
    text = templates.render("departments/appeal_back", number=appeal.id)
    context.reply(text, markup=keyboards.worded([("appeal_backforgood", number), ("appeal_keep", number)]))


def _back_for_good(context: Context, person: Person, appeal: Appeal) -> None:
    appeals.withdraw(context.session, appeal, person, context.now)
    facts = appeal_commands.told_of(act_of(context, person), appeal)
    deliver(context.session, [Notice("appeal_withdrawn", Audience("administrators"), facts)], context.now)
    text = templates.render("departments/appeal_withdrawn", number=appeal.id)
    context.edit(text, markup=keyboards.worded([("appeal", str(appeal.entry_id))]))


def _keep(context: Context, _person: Person, appeal: Appeal) -> None:
    context.edit(templates.render("departments/appeal_kept", number=appeal.id), markup=keyboards.inline())


_ON_OWN = {"appeal_more": _more, "appeal_back": _back, "appeal_backforgood": _back_for_good, "appeal_keep": _keep}

_VERBS = {
    "appeal_accept": ("appeal decide", " accept"),
    "appeal_reject": ("appeal decide", " reject"),
    "appeal_show": ("appeal show", ""),
}
"""Buttons that begin a verb with what they name."""


def _verb(context: Context, person: Person, action: str, number: int) -> None:
    """A verb about the appeal begins below: what the button stands under stays to be read."""
    name, rest = _VERBS[action]
    begin_below(context, person, Line(VERBS[name], f"#{number}{rest}", slash=True))


def begin_below(context: Context, person: Person, line: Line) -> None:
    """Starts a verb in a new message. Raises Refusal not_allowed before anything else is looked at."""
    if not line.verb.roles & people.roles_of(context.session, person):
        raise Refusal("not_allowed", verb=line.verb.name)
    forget(context, person)
    act = act_of(context, person)
    if not line.verb.changes:
        result = acting.run(act, line.verb, **taken(act, line))
        text = screens.told(act, line.verb, result, bot=context.bot.username)
        context.reply(text, markup=keyboards.inline(*review_buttons.under(result)))
        return
    guide = Guide.begin(line.verb, taken(act, line))
    screen = flow.shown(act, guide, flow.opened(act, context.chat_id, guide))
    context.reply(screen.text, markup=screen.markup)


def _send_files(context: Context, person: Person, number: int) -> None:
    """The files of a thread, to whoever may read it."""
    appeal = appeals.appeal_numbered(context.session, number)
    if not appeal_commands.visible(act_of(context, person), appeal):
        raise Refusal("appeal_unknown", text=str(number))
    for post in appeals.thread_of(context.session, appeal):
        if post.file_kind and post.file_id:
            method, payload = sending(post.file_kind, post.file_id)
            context.call(method, payload)
