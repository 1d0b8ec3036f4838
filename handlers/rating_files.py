"""打分表 in the chat: the spreadsheet goes out with what has been given so far, and comes back as a draft to review.

What comes back is never cast by itself, and never a hand-in: what a file is says its 表号, which is known only once it
has been fetched; so it is first known by its name, its caption, or the message that it answers. Its bytes are read in
passing and kept nowhere; the form that goes out is written when it is sent.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from sqlmodel import Session
from telegram import Message, Update
from telegram.constants import ChatType
from telegram.ext import CallbackQueryHandler, MessageHandler, filters

import templates
from handlers import hand_in, keyboards, raters, rating_cards, rating_messages, waiting_files
from handlers.callers import caller, in_private, registered
from handlers.context import Context, KaopingApplication, Unasked, Work
from handlers.fetched import Wanted
from handlers.fitting import FittingMessages
from handlers.naming import normal
from handlers.rating_cards import FORM_ACTION, REVIEW
from scheduler import publicity, spreadsheets
from scheduler.hand_ins import LARGEST_FETCH
from scheduler.publicity import CheckResult
from scheduler.rating_form import form, number_of
from scheduler.rating_naming import label
from scheduler.rating_reading import number_in, read
from scheduler.spreadsheets import Sheet
from scoring import casting, seats, surveys
from scoring.standings import in_force
from scoring.survey_tables import SUBMITTED, Seat, Survey
from store import drafts, outbox, people
from store.drafts import Draft
from store.errors import Refusal
from store.people import Person

KIND = "rating_form"
"""Kind of the draft that stands for a file until it has been read."""
ASKED = "asked"
"""Its key once it has turned out to be no form, and its sender may still say that it is to be handed in."""
MADE = "rating_form"
TOPIC = "rating_form:"
"""Of the form that was sent: what answers it is the form filled in."""
HAND_IN_ACTION = "bh"
"""What was taken for a form is to be handed in: ``bh:<draft>``"""
WORD = "打分表"
MOST_LISTED = 40
"""Faults that are named in one message."""

_N = keyboards.NUMBER
_ASKED = re.compile(rf"{FORM_ACTION}:({_N}):({_N})")
_HAND_IN = re.compile(rf"{HAND_IN_ACTION}:({_N})")


class SentForm(FittingMessages):
    """Takes a document that is a form of scores by all that can be seen of it."""

    def may_be(self, message: Message) -> bool:
        return message.document is not None and message.chat.type == ChatType.PRIVATE

    def fits(self, work: Work, person: Person | None, message: Message) -> bool:
        return person is not None and _is_form(work.session, person, message)


class _Asked(filters.MessageFilter):
    def filter(self, message: Message) -> bool:
        return normal(message.text or "") == WORD


def register(application: KaopingApplication) -> None:
    """Adds what this file answers to. Before the departments: to them every file is a hand-in."""
    application.add_handler(SentForm(application, sent))
    application.add_handler(CallbackQueryHandler(asked, pattern=rf"^{FORM_ACTION}:"))
    application.add_handler(CallbackQueryHandler(handed_in, pattern=rf"^{HAND_IN_ACTION}:"))
    application.add_handler(
        MessageHandler(filters.ChatType.PRIVATE & filters.UpdateType.MESSAGE & filters.TEXT & _Asked(), asked_for)
    )


async def asked(update: Update, context: Context) -> None:
    """The button 打分表."""
    query = update.callback_query
    match = _ASKED.fullmatch((query.data if query else None) or "")
    if match is None or not in_private(context):
        raise Refusal("button_outdated")
    person = registered(context)
    survey, seat = raters.place_of(context.session, person, int(match[1]), int(match[2]))
    casting.accepts(context.session, survey, seat, None, context.now)
    _send(context, person, survey, seat)
    context.answer(templates.word("rating_form_coming"))


async def asked_for(_update: Update, context: Context) -> None:
    """打分表, written: one for each place that can still submit. Raises Refusal as /rate does."""
    person = registered(context)
    places = raters.places(context.session, person)
    waiting = [place for place in places if surveys.state_of(context.session, *place) != SUBMITTED]
    if not places:
        raise Refusal("rating_none" if seats.seats_for(context.session, person) else "rating_not_invited")
    if not waiting:
        raise Refusal("rating_submitted")
    too_late: list[Refusal] = []
    for survey, seat in waiting:
        try:
            casting.accepts(context.session, survey, seat, None, context.now)
        except Refusal as refusal:
            too_late.append(refusal)
        else:
            _send(context, person, survey, seat)
    if len(too_late) == len(waiting):
        raise too_late[0]


def _send(context: Context, person: Person, survey: Survey, seat: Seat) -> None:
    panel = in_force(context.session, survey.year).panels[survey.panel]
    name = templates.word("rating_form_file", panel=panel.title, name=seat.name)
    data = {"survey": survey.id, "seat": seat.id, "person": person.id}
    context.send_file(
        f"{re.sub(r'[^-_（）()0-9A-Za-z一-鿿]', '', name)}.xlsx",
        made={"kind": MADE, "data": data},
        caption=templates.render("raters/form", until=survey.closes_at, rehearsal=survey.rehearsal),
        topic=f"{TOPIC}{survey.id}:{seat.id}",
        sensitive=True,
    )


def gathered(session: Session, data: dict[str, Any]) -> Callable[[], bytes]:
    """What writes a place's form as things stand now: with the scores of whoever asked for it, and of nobody else.

    Raises LookupError for a rehearsal that is over.
    """
    survey, seat = session.get(Survey, data["survey"]), session.get(Seat, data["seat"])
    if survey is None or seat is None:
        raise LookupError("there is no such rating any more")
    found = casting.draft_of(session, survey, seat)
    draft = found if found is not None and found.person_id == data["person"] else None
    sheet = casting.sheet_of_draft(session, survey, seat, draft)
    return lambda: form(sheet.rulebook, survey, seat.id, label(seat), sheet.departments, sheet.given)


def _is_form(session: Session, person: Person, message: Message) -> bool:
    """Whether a document is to be read as a form. Somebody who hands in files for a department is not disturbed: his
    are hand-ins unless they say that they are forms.
    """
    named = message.document is not None and WORD in (message.document.file_name or "")
    hands_in = bool(people.speaks_for(session, person))
    says_so = WORD in (message.caption or "") or _answers_form(session, message)
    silent = not message.caption and message.reply_to_message is None
    if hands_in and not says_so and not (named and silent):
        return False
    return bool(seats.seats_for(session, person))


def _answers_form(session: Session, message: Message) -> bool:
    quoted = message.reply_to_message
    if quoted is None:
        return False
    return (outbox.topic_of(session, message.chat.id, quoted.message_id) or "").startswith(TOPIC)


async def sent(update: Update, context: Context) -> None:
    """A form: remembered, to be fetched once this update is done. Nothing else of it stays."""
    context.forget_update()
    message = update.message
    if message is None or message.document is None:
        return
    person, document = registered(context), message.document
    name = document.file_name or WORD
    if (document.file_size or 0) > LARGEST_FETCH:
        most = LARGEST_FETCH // 1024 // 1024
        context.reply(templates.refusal("upload_too_large", {"name": name, "most": most}), quote=True)
        return
    data = waiting_files.awaited(document.file_id, name, message=message.to_dict())
    drafts.opened(context.session, person_id=person.id, chat_id=context.chat_id, kind=KIND, data=data, now=context.now)
    context.reply(templates.render("admins/reading", name=name))


def wanted(session: Session, now: datetime, limit: int) -> list[Wanted]:
    """The forms to fetch next, oldest first."""
    return [Wanted(one.id, one.data["file"], _sheets) for one in waiting_files.due(session, KIND, now, limit)]


def _sheets(content: bytes) -> Sequence[Sheet] | CheckResult:
    """Opened outside any transaction, so that a malicious file holds up nobody."""
    try:
        return spreadsheets.read(content)
    except spreadsheets.Unreadable as fault:
        return publicity.unreadable(fault.code, **fault.facts)


def arrived(
    session: Session, draft_id: int, _content: bytes, result: Sequence[Sheet] | CheckResult, now: datetime
) -> None:
    """The bytes are here and have been opened: what the form gives becomes the draft of its place, to be reviewed."""
    file = drafts.find(session, draft_id)
    if file is None:
        return
    say, person = Unasked(session, now, file.chat_id), session.get_one(Person, file.person_id)
    if isinstance(result, CheckResult):
        _no_form(
            say, person, file, _faults(file, [{"sheet": "", "cell": "", "code": result.why, "facts": result.facts}])
        )
        return
    try:
        _take(say, person, file, result)
    except Refusal as refusal:
        sentence = templates.refusal(refusal.code, refusal.facts)
        if refusal.code == "rating_form_unnumbered":
            _no_form(say, person, file, sentence)
            return
        say.reply(sentence, to=_number(file))
    drafts.finished(session, file)


def delayed(session: Session, draft_id: int, now: datetime) -> None:
    """It could not be had this time. In the end its sender is asked for it again."""
    if not waiting_files.put_off(session, draft_id, now):
        lost(session, draft_id, "unreachable", now)


def lost(session: Session, draft_id: int, _why: str, now: datetime) -> None:
    """Its bytes will not come."""
    file = drafts.find(session, draft_id)
    if file is not None:
        person, say = session.get_one(Person, file.person_id), Unasked(session, now, file.chat_id)
        _no_form(say, person, file, templates.refusal("upload_lost", {"name": file.data["name"]}))


def forget(session: Session, person_id: int, chat_id: int) -> None:
    """Of what somebody sent as a form nothing is left, read or not: he has submitted for every place he has."""
    for file in drafts.under_way(session, person_id=person_id, chat_id=chat_id, kinds=(KIND,)):
        drafts.finished(session, file)


def _take(say: Unasked, person: Person, file: Draft, sheets: Sequence[Sheet]) -> None:
    """Into the draft of the place that the 表号 names. What the form leaves empty stays as it was.

    Raises Refusal rating_form_unnumbered, rating_form_foreign, rating_form_of_another, rating_form_blank, or what
    ``casting.accepts`` does.
    """
    session, now = say.session, say.now
    survey, seat = _place(session, person, file, sheets)
    sent_at = datetime.fromtimestamp(file.data["message"]["date"], UTC)
    casting.accepts(session, survey, seat, sent_at, now)
    casting.accepts(session, survey, seat, None, now)  # What cannot be submitted any more need not be read.
    before = casting.draft_of(session, survey, seat)
    if before is not None and before.person_id != person.id:
        other = session.get_one(Person, before.person_id)
        if before.scores and _may(session, other, survey, seat):
            button = keyboards.button(templates.word("button_rate_anew"), "rate", survey.id, seat.id, "anew")
            text = templates.render("raters/begun_by_another", name=other.name, given=len(before.scores))
            say.reply(text, markup=keyboards.inline([button]), to=_number(file))
            return
        rating_messages.void(session, before, "taken_over", now)
        before = None
    sheet = casting.sheet_of_draft(session, survey, seat, before)
    found = read(sheets, sheet.rulebook, survey.panel, sheet.departments)
    if found.faults:
        told = [asdict(fault) | {"facts": dict(fault.facts)} for fault in found.faults]
        say.reply(_faults(file, told), to=_number(file), sensitive=True)
        return
    if not found.given:
        raise Refusal("rating_form_blank", name=file.data["name"])
    draft = casting.take_up(session, survey, seat, person, file.chat_id)
    sheet.take_over(found.given)
    casting.keep(session, draft, sheet)
    draft.at, draft.low = REVIEW, False
    rating_messages.renew(say, draft)
    rating = raters.rating_of(session, person, draft)
    word = templates.render("raters/form_read", name=file.data["name"], count=len(found.given))
    shown = rating_cards.with_word(rating_cards.present(rating), word)
    rating_messages.send(say, draft, shown.text, shown.markup)


def _place(session: Session, person: Person, file: Draft, sheets: Sequence[Sheet]) -> tuple[Survey, Seat]:
    number = number_in(sheets)
    if number is None:
        raise Refusal("rating_form_unnumbered", name=file.data["name"])
    survey, seat = session.get(Survey, number.survey), session.get(Seat, number.seat)
    if survey is None or seat is None or number_of(survey, seat.id) != number.text:
        raise Refusal("rating_form_foreign", name=file.data["name"], year=number.year)
    if not _may(session, person, survey, seat):
        raise Refusal("rating_form_of_another", name=file.data["name"])
    return survey, seat


def _may(session: Session, person: Person, survey: Survey, seat: Seat) -> bool:
    try:
        raters.place_of(session, person, survey.id, seat.id)
    except Refusal:
        return False
    return True


def _no_form(say: Unasked, person: Person, file: Draft, sentence: str) -> None:
    """It turns out to be no form, or cannot be read: whoever hands in files may have meant to hand it in."""
    if not people.speaks_for(say.session, person):
        say.reply(sentence, to=_number(file))
        drafts.finished(say.session, file)
        return
    file.key = ASKED
    say.session.add(file)
    button = keyboards.button(templates.word("button_form_hand_in"), HAND_IN_ACTION, file.id)
    text = f"{sentence}\n\n{templates.render('raters/form_or_hand_in', sent_at=file.opened_at)}"
    say.reply(text, markup=keyboards.inline([button]), to=_number(file))


async def handed_in(update: Update, context: Context) -> None:
    """What was taken for a form is handed in, as of the instant at which it was sent."""
    query = update.callback_query
    match = _HAND_IN.fullmatch((query.data if query else None) or "")
    file, person = drafts.find(context.session, int(match[1])) if match else None, caller(context)
    if file is None or file.kind != KIND or file.key != ASKED or person is None:
        raise Refusal("button_outdated")
    if file.person_id != person.id:
        raise Refusal("button_of_another")
    message = Message.de_json(file.data["message"], context.bot)
    drafts.finished(context.session, file)
    context.answer()
    context.take_buttons_away()
    hand_in.take_file(context, message)


def _faults(file: Draft, faults: Sequence[Mapping[str, Any]]) -> str:
    return templates.render("raters/form_faulty", name=file.data["name"], faults=faults, most=MOST_LISTED)


def _number(file: Draft) -> int:
    return int(file.data["message"]["message_id"])
