"""Acts that wait for a second person: 确认 and 驳回 under the proposal, the reason of a refusal, what is still open."""

import re
from datetime import datetime

from sqlmodel import Session
from telegram import Message, Update
from telegram.ext import CallbackQueryHandler

import templates
from handlers import departments, keyboards, labels, screens
from handlers.callers import caller, registered
from handlers.context import Context, KaopingApplication, Work
from handlers.fitting import FittingMessages
from handlers.guided import TIMEOUT
from handlers.notices import deliver
from handlers.owed import forget_frame
from handlers.parsing import spotted
from handlers.places import summary_chat
from store import acting, drafts, proposals
from store.commands import VERBS, Act
from store.drafts import Draft
from store.people import Person
from store.proposals import Proposal
from store.words import plain

KIND = "refusal"
"""A refusal whose reason has not been said yet."""
LISTS = "proposals"
"""The verb whose result has the buttons of each proposal under it."""

DECIDING = frozenset({"confirm", "refuse"})
"""The verbs that say the same as the buttons."""

_BUTTON = re.compile(rf"(confirm|refuse|unrefuse):({keyboards.NUMBER})")


class WhileReasonAwaited(FittingMessages):
    """Takes a text of somebody who has been asked why he refuses: the reason, or a command that comes instead."""

    def __init__(self, application: KaopingApplication, *, commands: bool) -> None:
        super().__init__(application, interrupted if commands else spoken)
        self._commands = commands

    def may_be(self, message: Message) -> bool:
        text = message.text
        return text is not None and _is_command(text, self.application.bot.username) is self._commands

    def fits(self, work: Work, person: Person | None, message: Message) -> bool:
        return person is not None and _unreasoned(work.session, person, message.chat.id, work.now) is not None


def register(application: KaopingApplication) -> None:
    """Adds what this file answers to. Before the verbs: a reason may begin with any word.

    A command that comes instead of the reason is done all the same, so what is said of it has a group of its own.
    """
    application.add_handler(WhileReasonAwaited(application, commands=True), group=-1)
    application.add_handler(WhileReasonAwaited(application, commands=False))
    application.add_handler(CallbackQueryHandler(tapped, pattern=r"^(?:confirm|refuse|unrefuse):"))


def _is_command(text: str, username: str) -> bool:
    """Whether a text is a command rather than a reason: with a slash, one that decides, or only a command's word."""
    line = spotted(text, username=username)
    decides = line is not None and (not line.rest or line.verb.name in DECIDING)
    return text.startswith("/") or decides or plain(text) in departments.WORDS


async def interrupted(update: Update, context: Context) -> None:
    """A command where the reason was awaited: nothing is refused, and how it can be is said; then it is done."""
    message = update.message
    person = registered(context)
    draft = _unreasoned(context.session, person, context.chat_id, context.now)
    if message is None or message.text is None or draft is None:
        return
    forget(context, person)
    line = spotted(message.text, username=context.bot.username)
    if line is None or line.verb.name not in DECIDING:
        context.reply(templates.render("admins/not_refused", number=draft.data["proposal"]))


async def tapped(update: Update, context: Context) -> None:
    """确认, 驳回, or 返回 from the question for a reason."""
    query = update.callback_query
    match = _BUTTON.fullmatch(query.data or "") if query is not None else None
    person = caller(context)
    proposal = context.session.get(Proposal, int(match[2])) if match else None
    if match is None or person is None or proposal is None:
        context.answer(templates.plain(templates.refusal("button_outdated", {})), alert=True)
        return
    if match[1] == "confirm":
        decide(context, person, proposal, None)
    elif match[1] == "refuse":
        _ask_why(context, person, proposal)
    else:
        acting.decidable(Act(context.session, context.now, person, "chat"), proposal)
        forget(context, person)
        context.answer()
        context.edit(shown(context, person, proposal), markup=_buttons(proposal))


def _ask_why(context: Context, person: Person, proposal: Proposal) -> None:
    act = Act(context.session, context.now, person, "chat")
    acting.decidable(act, proposal)
    context.answer()
    forget(context, person)
    drafts.opened(
        context.session, person_id=person.id, chat_id=context.chat_id, kind=KIND, data={"proposal": proposal.id},
        now=context.now,
    )  # fmt: skip
    back = keyboards.button(templates.word("button_back"), "unrefuse", proposal.id)
    context.edit(
        shown(context, person, proposal) + "\n\n" + templates.render("admins/why_refused"),
        markup=keyboards.inline([back]),
    )


def forget(context: Context, person: Person) -> None:
    """No reason is waited for any longer."""
    for draft in drafts.under_way(context.session, person_id=person.id, chat_id=context.chat_id, kinds=(KIND,)):
        drafts.finished(context.session, draft)


def _unreasoned(session: Session, person: Person, chat_id: int, now: datetime) -> Draft | None:
    """The refusal whose reason this person has been asked for, not too long ago."""
    found = drafts.under_way(session, person_id=person.id, chat_id=chat_id, kinds=(KIND,))
    return found[0] if found and now - found[0].opened_at <= TIMEOUT else None


async def spoken(update: Update, context: Context) -> None:
    """The reason of a refusal."""
    message = update.message
    person = registered(context)
    draft = _unreasoned(context.session, person, context.chat_id, context.now)
    if message is None or message.text is None or draft is None:
        return
    proposal = context.session.get_one(Proposal, draft.data["proposal"])
    forget(context, person)
    decide(context, person, proposal, message.text)


def decide(context: Context, person: Person, proposal: Proposal, reason: str | None) -> None:
    """Confirms, or refuses with a reason. Raises what ``store.acting`` raises; then nothing has changed."""
    act = Act(context.session, context.now, person, "chat")
    decided = acting.confirm(act, proposal) if reason is None else acting.refuse(act, proposal, reason)
    forget_frame(context.session)
    context.answer()
    deliver(context.session, act.notices, context.now, summary_chat=summary_chat(context))
    text = (
        shown(context, person, proposal)
        + "\n\n"
        + screens.told(act, VERBS[proposal.verb], decided, bot=context.bot.username)
    )
    context.edit(text, markup=keyboards.inline())


def offer(context: Context, person: Person) -> None:
    """Every open proposal on which this person may decide, each with its buttons."""
    for proposal in proposals.awaiting(context.session, person, context.now):
        context.reply(shown(context, person, proposal), markup=_buttons(proposal))


def shown(context: Context, person: Person, proposal: Proposal) -> str:
    """A proposal in words: who wants what, and why it needs a second person."""
    act = Act(context.session, context.now, person, "chat")
    verb, by = VERBS[proposal.verb], proposal.proposed_by
    return templates.render(
        "admins/proposal",
        title=labels.title(verb),
        number=proposal.id,
        proposer=context.session.get_one(Person, by).name if by is not None else "",
        proposed_at=proposal.proposed_at,
        why=proposal.why,
        known=screens.arguments(act, verb, proposal.arguments),
    )


def _buttons(proposal: Proposal) -> keyboards.Keyboard:
    return keyboards.worded([("confirm", str(proposal.id)), ("refuse", str(proposal.id))]) or keyboards.inline()
