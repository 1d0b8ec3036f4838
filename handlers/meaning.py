"""What a message is for: its own words, the message it replies to, what its sender has just chosen, in this order."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from sqlmodel import Session
from telegram import Message

from handlers import naming
from handlers.context import Context
from handlers.owed import Owed, also, named_outright, open_now, owed
from scheduler.reminders import TOPIC as REMINDER
from scheduler.reminders import batch_obligations
from scheduler.tables import HandIn, Obligation
from store import drafts, outbox
from store.people import Department, Person

CHOSEN = "hand_in"
"""Kind of the draft that remembers what somebody said he is about to hand in."""
CHOSEN_FOR = timedelta(minutes=30)
"""How long after it was said it still holds."""

HAND_IN = "hand_in:"
"""Topic of a message about one hand-in; the rest is its number."""
OBLIGATION = "obligation:"
"""Topic of a message that asks for one obligation's papers; the rest is its id."""

MOST = 8
"""Buttons under one question."""


@dataclass
class Meaning:
    """What a message is for: ``clear``, or one of those ``offered``."""

    clear: Owed | None = None
    offered: list[Owed] = field(default_factory=list)


def meaning_of(
    context: Context, message: Message, person: Person, departments: list[Department], words: str | None
) -> Meaning:
    """What a message is for: words that name one thing decide, then the message replied to, then what was chosen."""
    session, now = context.session, context.now
    if words and message.reply_to_message is None:
        outright = named_outright(session, departments, words, now)
        if outright is not None:
            return Meaning(outright)
    current = open_now(session, departments, now)
    replied = _replied_to(context, message, departments)
    others: list[Owed] | None = None
    named: list[Owed] = []
    if words:
        named = _named(words, replied) or _named(words, current)
        if len(named) != 1:
            others = also(session, departments, now)
            named = named or _named(words, others)
        if len(named) == 1:
            return Meaning(named[0])
    if len(replied) == 1:
        return Meaning(replied[0])
    if replied or named:
        return Meaning(None, (named or replied)[:MOST])
    if (chosen := _chosen(context, person, message, departments)) is not None:
        return Meaning(chosen)
    others = also(session, departments, now) if others is None else others
    return Meaning(None, [*current, *others][:MOST])


def answers_papers(session: Session, message: Message) -> bool:
    """Whether a message answers one of those that ask for papers, or speak of what was handed in."""
    quoted = message.reply_to_message
    topic = outbox.topic_of(session, message.chat.id, quoted.message_id) if quoted is not None else None
    return topic is not None and topic.startswith((REMINDER, OBLIGATION, HAND_IN))


def _named(words: str, things: Sequence[Owed]) -> list[Owed]:
    by_id = {one.obligation.id: one for one in things}
    return [by_id[option.obligation_id] for option in naming.meant(words, [one.option for one in by_id.values()])]


def _replied_to(context: Context, message: Message, departments: list[Department]) -> list[Owed]:
    """The obligations that the message replied to is about."""
    quoted = message.reply_to_message
    if quoted is None or quoted.from_user is None or quoted.from_user.id != context.bot.id:
        return []
    session = context.session
    topic = outbox.topic_of(session, message.chat.id, quoted.message_id) or ""
    found: list[Obligation | None] = []
    if topic.startswith(REMINDER):
        found += batch_obligations(session, topic.removeprefix(REMINDER))
    elif topic.startswith(OBLIGATION):
        found.append(session.get(Obligation, int(topic.removeprefix(OBLIGATION))))
    elif topic.startswith(HAND_IN) and (earlier := session.get(HandIn, int(topic.removeprefix(HAND_IN)))) is not None:
        found.append(session.get(Obligation, earlier.obligation_id) if earlier.obligation_id else None)
    by_id = {one.id: one for one in departments}
    return [
        owed(session, one, by_id[one.department_id], context.now)
        for one in found
        if one is not None and one.department_id in by_id and one.exempted_at is None
    ]


def _chosen(context: Context, person: Person, message: Message, departments: list[Department]) -> Owed | None:
    """What the sender said, not long before, that he is about to hand in."""
    session = context.session
    for draft in drafts.under_way(session, person_id=person.id, chat_id=message.chat.id, kinds=(CHOSEN,)):
        obligation = session.get(Obligation, draft.data["obligation"])
        units = [one for one in departments if obligation is not None and one.id == obligation.department_id]
        stale = message.date - draft.opened_at > CHOSEN_FOR
        if obligation is None or stale or not units or obligation.exempted_at is not None:
            drafts.finished(session, draft)
            continue
        return owed(session, obligation, units[0], context.now)
    return None
