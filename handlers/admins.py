"""The administrator's side of the chat: verbs in one line, in Chinese words, or guided by buttons.

Whoever has the role may use a verb, so this serves the member units and the leading group as well. A verb that changes
something is shown first, with 确认 and 取消; only 确认 commits. Permission is checked in ``store.acting``, at each act.
"""

import re
from typing import Any

from telegram import Message, Update
from telegram.constants import ChatType
from telegram.ext import CallbackQueryHandler

import templates
from handlers import departments, flow, keyboards, labels, places, results, screens, task_reports
from handlers.callers import caller, in_private, registered
from handlers.context import Context, KaopingApplication, Work
from handlers.fitting import FittingMessages
from handlers.forms import FORMS, file_name, offered
from handlers.guided import KIND, Guide, fits
from handlers.notices import deliver
from handlers.owed import forget_frame
from handlers.parsing import Line, spotted, taken
from handlers.screens import ACTION, Screen
from store import acting, blobs, drafts, people
from store.commands import Act, Verb
from store.drafts import Draft
from store.errors import Refusal
from store.people import Person
from store.words import plain

WORDS_KIND = "ambiguous"
"""A line in which one word means several departments, until somebody has said which."""

BUTTONS = {"取消": "x", "确认": "y", "上一步": "b", "不填": "s"}
"""What people type instead of pressing it, and the button that it stands for."""

_BUTTON = re.compile(rf"{ACTION}:({keyboards.NUMBER}):([a-z])(?::(.*))?", re.DOTALL)


class SpokenVerb(FittingMessages):
    """Takes messages that begin with a verb, or answer what a verb under way has asked."""

    def fits(self, work: Work, person: Person | None, message: Message) -> bool:
        return _meaning(work.session, person, message, self.application.bot.username) is not None


def register(application: KaopingApplication) -> None:
    """Adds what this file answers to."""
    application.add_handler(SpokenVerb(application, spoken))
    application.add_handler(CallbackQueryHandler(tapped, pattern=rf"^{ACTION}:"))
    application.add_handler(CallbackQueryHandler(continued, pattern=rf"^{results.NEXT_ACTION}:"))
    results.register(application)


def _meaning(session: Any, person: Person | None, message: Message, username: str) -> Line | Draft | None:
    """A verb, the draft that a text answers, or None for what is nobody's command."""
    text = said_to_bot(message, username)
    if text is None:
        return None
    line = spotted(text, username=username)
    if line is not None and line.slash:
        return line
    draft = _under_way(session, person, message.chat.id)
    if draft is not None and _answers(draft, text, line):
        return draft
    if line is None:
        return None
    # A Chinese word is a command only from somebody whose command it is: the others may mean something of their own.
    roles = people.roles_of(session, person) if person is not None else frozenset()
    if line.verb.roles & roles and not task_reports.begins(session, line, roles):
        return line
    return line if text.strip() in line.verb.words and not departments.understood(text) else None


def said_to_bot(message: Message, username: str) -> str | None:
    """A text that is meant for the bot, without its name: in a group a command, an answer to it, or one that names it.

    People talk about 扣分 and 排名 among themselves.
    """
    text = message.text
    if text is None or message.chat.type == ChatType.PRIVATE or text.startswith("/"):
        return text
    without = re.sub(rf"@{re.escape(username)}\b", "", text, flags=re.IGNORECASE)
    quoted = message.reply_to_message
    answers = quoted is not None and quoted.from_user is not None and quoted.from_user.username == username
    return without.strip() if without != text or answers else None


def _under_way(session: Any, person: Person | None, chat_id: int) -> Draft | None:
    """The verb somebody is in the middle of, unless he has lost the role for it since."""
    if person is None:
        return None
    found = drafts.under_way(session, person_id=person.id, chat_id=chat_id, kinds=(KIND,))
    if not found or not fits(found[0]):
        return None
    return found[0] if Guide.of(found[0]).verb.roles & people.roles_of(session, person) else None


def _answers(draft: Draft, text: str, line: Line | None) -> bool:
    """Whether a text is for the verb under way: the word of a button, or an answer to what is asked."""
    asked, word = Guide.of(draft).asking, plain(text)
    if asked is None:
        return BUTTONS.get(word) in {"x", "y"}
    if asked.rest or asked.annotation is str:
        return True
    return BUTTONS.get(word) in {"x", "b", "s"} or (line is None and word not in departments.WORDS)


async def spoken(update: Update, context: Context) -> None:
    """A verb, or the answer to a question, said as text."""
    message = update.message
    if message is None or message.text is None:
        return
    person = registered(context)
    meaning = _meaning(context.session, person, message, context.bot.username)
    if isinstance(meaning, Draft):
        _answered(context, person, meaning, message.text)
    elif meaning is not None:
        begin(context, person, meaning)


def act_of(context: Context, person: Person) -> Act:
    return Act(context.session, context.now, person, "chat")


def begin(context: Context, person: Person, line: Line) -> None:
    """Starts a verb: at its preview or its result if the line says enough, else at the first question.

    Raises Refusal not_allowed before anything else is looked at, so that nobody learns by asking.
    """
    verb = line.verb
    if not verb.roles & people.roles_of(context.session, person):
        raise Refusal("not_allowed", verb=verb.name)
    places.refuse_in_groups(context, verb)
    forget(context, person)
    act = act_of(context, person)
    try:
        guide = Guide.begin(verb, taken(act, line))
    except Refusal as refusal:
        _which_one(context, person, line, refusal)
        return
    if guide.asking is not None and not in_private(context):
        raise Refusal("say_it_in_one_line", verb=verb.name)
    _go_on(context, person, guide, None)


def forget(context: Context, person: Person) -> None:
    """A new verb takes the place of one that was left half-way."""
    for draft in drafts.under_way(
        context.session, person_id=person.id, chat_id=context.chat_id, kinds=(KIND, WORDS_KIND)
    ):
        _finished(context, draft)


def _which_one(context: Context, person: Person, line: Line, refusal: Refusal) -> None:
    """A word that means several departments becomes buttons; any other refusal is said as it is."""
    like = refusal.facts.get("like")
    if refusal.code not in {"department_ambiguous", "department_unknown"} or not like or not in_private(context):
        raise refusal
    data = {"verb": line.verb.name, "rest": line.rest, "word": refusal.facts["text"], "like": list(like)}  # type: ignore[call-overload]
    draft = drafts.opened(
        context.session, person_id=person.id, chat_id=context.chat_id, kind=WORDS_KIND, data=data, now=context.now
    )
    buttons = [[keyboards.button(name, ACTION, draft.id, "w", number)] for number, name in enumerate(data["like"])]
    cancel = keyboards.button(templates.word("button_cancel"), ACTION, draft.id, "x")
    context.reply(templates.refusal(refusal.code, refusal.facts), markup=keyboards.inline(*buttons, [cancel]))


def _go_on(
    context: Context, person: Person, guide: Guide, draft: Draft | None, *, fault: Refusal | None = None
) -> None:
    """Shows what comes next: a question, the preview, or the result of a verb that changes nothing."""
    act = act_of(context, person)
    if guide.asking is None and not guide.verb.changes:
        if draft is not None:
            drafts.finished(context.session, draft)
        _found(context, act, guide)
        return
    draft = draft or flow.opened(act, context.chat_id, guide)
    say(context, flow.shown(act, guide, draft, fault=fault))


def _found(context: Context, act: Act, guide: Guide) -> None:
    """The result of a verb that changes nothing; the department is asked for where it cannot do without."""
    try:
        results.show(context, act, guide.verb, guide.given(act))
    except Refusal as refusal:
        if refusal.code != "department_needed" or guide.steps or not in_private(context):
            raise
        guide.steps = ["department"]
        say(context, flow.shown(act, guide, flow.opened(act, context.chat_id, guide)))


def say(context: Context, screen: Screen) -> None:
    """In place of the message that was tapped, or as a new one."""
    context.edit(screen.text, markup=screen.markup or keyboards.inline())


def _answered(context: Context, person: Person, draft: Draft, text: str) -> None:
    """What somebody typed to a question: a value, or a few letters to look one up by."""
    guide = Guide.of(draft)
    if guide.expired(context.now):
        _expired(context, guide, draft)
        return
    act, param, word = act_of(context, person), guide.asking, BUTTONS.get(plain(text))
    if word == "x":
        _cancelled(context, draft)
        return
    if param is None:
        _confirmed(context, act, guide, draft)
        return
    try:
        if word in {"b", "s"}:
            _moved(act, guide, word, "")
        else:
            guide.take(act, text)
    except Refusal as refusal:
        searched = Guide.of(draft)
        searched.search, searched.page = text.strip(), 0
        if param is not None and param.converter.choices and searched.offered(act):
            _go_on(context, person, searched, draft)
        else:
            _go_on(context, person, guide, draft, fault=refusal)
        return
    _checked(context, person, guide, draft, Guide.of(draft))


def _checked(context: Context, person: Person, guide: Guide, draft: Draft, before: Guide) -> None:
    """Goes on after an answer; what the verb refuses is said beside the question that it answered."""
    try:
        _go_on(context, person, guide, draft)
    except Refusal as refusal:
        if before.asking is None or refusal.code == "not_allowed":
            raise
        _go_on(context, person, before, draft, fault=refusal)


async def continued(update: Update, context: Context) -> None:
    """The button that begins what one mostly does next."""
    query = update.callback_query
    line = spotted("/" + (query.data or "").partition(":")[2]) if query is not None else None
    if line is None or line.rest:
        raise Refusal("button_outdated")
    begin(context, registered(context), line)
    context.answer()


async def tapped(update: Update, context: Context) -> None:
    """A button of a verb under way."""
    query = update.callback_query
    match = _BUTTON.fullmatch(query.data or "") if query is not None else None
    person = caller(context)
    draft = drafts.find(context.session, int(match[1])) if match else None
    if match is None or person is None or draft is None or not (draft.kind == WORDS_KIND or _goes_on(draft)):
        context.answer(templates.plain(templates.refusal("button_outdated", {})), alert=True)
        if person is not None and in_private(context):
            context.take_buttons_away()
        return
    if draft.person_id != person.id or draft.chat_id != context.chat_id:
        context.answer(templates.plain(templates.refusal("button_of_another", {})), alert=True)
        return
    context.answer()
    what, arguments = match[2], (match[3] or "").split(":")
    if what == "x":
        _cancelled(context, draft)
    elif draft.kind == WORDS_KIND:
        _chosen_word(context, person, draft, arguments[0])
    else:
        _step(context, person, draft, what, arguments)


def _finished(context: Context, draft: Draft) -> None:
    """The end of a draft that came to nothing: a file that is not to be kept goes with it."""
    if _goes_on(draft) and _verb(draft).forgets_files:
        for text in Guide.of(draft).texts.values():
            blobs.drop(context.session, text)
    drafts.finished(context.session, draft)


def _cancelled(context: Context, draft: Draft) -> None:
    _finished(context, draft)
    say(context, Screen(templates.render("admins/cancelled", title=labels.title(_verb(draft)))))


def _expired(context: Context, guide: Guide, draft: Draft) -> None:
    # Said, not raised: a refusal would roll the draft's end back, and it would swallow the next text as well.
    _finished(context, draft)
    say(context, Screen(templates.refusal("draft_expired", {"verb": guide.verb.name})))


def _goes_on(draft: Draft) -> bool:
    return draft.kind == KIND and fits(draft)


def _verb(draft: Draft) -> Verb:
    return Guide.of(draft).verb if draft.kind == KIND else _line(draft).verb


def _line(draft: Draft, name: str = "") -> Line:
    found = spotted("/" + draft.data["verb"].replace(" ", "_"))
    if found is None:
        raise Refusal("button_outdated")
    rest = draft.data["rest"]
    return Line(found.verb, rest.replace(draft.data["word"], name, 1) if name else rest, slash=True)


def _chosen_word(context: Context, person: Person, draft: Draft, number: str) -> None:
    like = draft.data["like"]
    if not number.isdecimal() or int(number) >= len(like):
        raise Refusal("button_outdated")
    line = _line(draft, like[int(number)])
    drafts.finished(context.session, draft)
    begin(context, person, line)


def _step(context: Context, person: Person, draft: Draft, what: str, arguments: list[str]) -> None:
    """One tap: choose, turn a page, skip, back, amend, confirm. A tap on an earlier question shows the present one."""
    guide, before = Guide.of(draft), Guide.of(draft)
    if guide.expired(context.now):
        _expired(context, guide, draft)
        return
    # The choices alone tell what is none of his business to whoever has lost the role since.
    acting.permit(act := act_of(context, person), guide.verb)
    if what == "t" and offered(guide.verb.name, guide.asking):
        blank = blobs.put(context.session, FORMS[guide.verb.name](act, guide.given(act)), context.now)
        context.send_file(file_name(guide.verb.name), blob=blank)
        return
    if what == "y":
        if guide.asking is None:
            _confirmed(context, act, guide, draft)
            return
    elif what == "e" and guide.asking is None and arguments[0].isdecimal():
        if int(arguments[0]) < len(guide.verb.params):
            guide.amend(guide.verb.params[int(arguments[0])].name)
    elif arguments[0] == guide.mark:
        try:
            _moved(act, guide, what, arguments[1] if len(arguments) > 1 else "")
        except Refusal as refusal:
            _go_on(context, person, before, draft, fault=refusal)
            return
    _checked(context, person, guide, draft, before)


def _moved(act: Act, guide: Guide, what: str, argument: str) -> None:
    if what == "b":
        before = dict(guide.texts)
        guide.back()
        for name in before.keys() - guide.texts.keys() if guide.verb.forgets_files else ():
            blobs.drop(act.session, before[name])
    elif what == "s":
        guide.skip()
    elif what == "p" and argument.isdecimal():
        guide.page = min(int(argument), 9999)
    elif what == "c":
        offered = guide.offered(act)
        by_value = {choice.value for choice in offered}
        if argument.startswith("=") and argument[1:] in by_value:
            guide.take(act, argument[1:])
        elif argument.isdecimal() and int(argument) < len(offered):
            guide.take(act, offered[int(argument)].value)
        else:
            raise Refusal("button_outdated")


def _confirmed(context: Context, act: Act, guide: Guide, draft: Draft) -> None:
    """确认: what was shown is done, if it is still what would be done; else it is shown anew."""
    given = guide.given(act)
    now_seen = acting.preview(act, guide.verb, **given)
    if guide.seen != flow.figures(now_seen):
        guide.seen, guide.touched = flow.figures(now_seen), context.now.isoformat()
        drafts.amended(context.session, draft, guide.data())
        say(context, screens.preview(act, guide, draft.id, now_seen, stale=True))
        return
    result = acting.run(act, guide.verb, **given)
    forget_frame(context.session)
    drafts.finished(context.session, draft)
    deliver(context.session, act.notices, context.now, summary_chat=places.summary_chat(context))
    results.tell(context, act, guide.verb, given, result)
