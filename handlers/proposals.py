"""Acts that wait for a second person: 确认 and 驳回 under the proposal, the reason of a refusal, what is still open."""

import re

from telegram import Message, Update
from telegram.ext import BaseHandler, CallbackQueryHandler

import templates
from handlers import keyboards, labels, results, screens
from handlers.callers import caller, registered
from handlers.context import Context, KaopingApplication
from handlers.notices import deliver
from store import acting, drafts, people, proposals
from store.commands import VERBS, Act
from store.drafts import Draft
from store.errors import Refusal
from store.people import Person
from store.proposals import Proposal

KIND = "refusal"
"""A refusal whose reason has not been said yet."""
AWAITING = frozenset({"待确认", "/proposals"})

_BUTTON = re.compile(r"(confirm|refuse|unrefuse):(\d{1,18})")


class RefusalReason(BaseHandler[Update, Context, None]):
    """Takes the text that says why a proposal is refused, and the question what waits for one's confirmation."""

    def __init__(self, application: KaopingApplication) -> None:
        super().__init__(spoken)
        self._application = application

    def check_update(self, update: object) -> object | None:
        """Whether the message is ours; what it was found to be is looked up again when it is handled."""
        if not isinstance(update, Update) or update.message is None or update.effective_user is None:
            return None
        text = update.message.text
        if text is None:
            return None
        if text.strip() in AWAITING:
            return True
        session = self._application.work.session  # type: ignore[attr-defined]
        person = people.person_of(session, update.effective_user.id)
        if person is None or text.startswith("/"):
            return None
        return drafts.under_way(session, person_id=person.id, chat_id=update.message.chat.id, kinds=(KIND,)) or None


def register(application: KaopingApplication) -> None:
    """Adds what this file answers to. Before the verbs: a reason may begin with any word."""
    application.add_handler(RefusalReason(application))
    application.add_handler(CallbackQueryHandler(tapped, pattern=r"^(?:confirm|refuse|unrefuse):"))


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


async def spoken(update: Update, context: Context) -> None:
    """The reason of a refusal; or 「待确认」."""
    message = update.message
    if message is None or message.text is None:
        return
    person = registered(context)
    if message.text.strip() in AWAITING:
        _list(context, person)
        return
    found = drafts.under_way(context.session, person_id=person.id, chat_id=message.chat.id, kinds=(KIND,))
    if found:
        _reasoned(context, person, found[0], message)


def _reasoned(context: Context, person: Person, draft: Draft, message: Message) -> None:
    proposal = context.session.get_one(Proposal, draft.data["proposal"])
    forget(context, person)
    decide(context, person, proposal, message.text or "")


def decide(context: Context, person: Person, proposal: Proposal, reason: str | None) -> None:
    """Confirms, or refuses with a reason. Raises what ``store.acting`` raises; then nothing has changed."""
    act = Act(context.session, context.now, person, "chat")
    decided = acting.confirm(act, proposal) if reason is None else acting.refuse(act, proposal, reason)
    context.answer()
    deliver(context.session, act.notices, context.now, summary_chat=results.summary_chat(context))
    text = shown(context, person, proposal) + "\n\n" + screens.told(VERBS[proposal.verb], decided)
    context.edit(text, markup=keyboards.inline())


def _list(context: Context, person: Person) -> None:
    """Every open proposal on which this person may decide, each with its buttons."""
    if not people.roles_of(context.session, person) & {people.Role.ADMINISTRATOR, people.Role.LEADING_GROUP}:
        raise Refusal("not_allowed", verb="confirm")
    waiting = proposals.awaiting(context.session, person)
    if not waiting:
        context.reply(templates.render("admins/nothing_awaiting"))
    for proposal in waiting:
        context.reply(shown(context, person, proposal), markup=_buttons(proposal))


def shown(context: Context, person: Person, proposal: Proposal) -> str:
    """A proposal in words: who wants what, and why it needs a second person."""
    act = Act(context.session, context.now, person, "chat")
    verb = VERBS[proposal.verb]
    return templates.render(
        "admins/proposal",
        title=labels.title(verb),
        number=proposal.id,
        proposer=context.session.get_one(Person, proposal.proposed_by).name,
        proposed_at=proposal.proposed_at,
        why=proposal.why,
        known=screens.arguments(act, verb, proposal.arguments),
    )


def _buttons(proposal: Proposal) -> keyboards.Keyboard:
    return keyboards.worded([("confirm", str(proposal.id)), ("refuse", str(proposal.id))]) or keyboards.inline()
