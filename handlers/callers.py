"""Who is speaking to the bot: every permission of what a department does starts from here."""

from telegram.constants import ChatType

from handlers.context import Context
from store import people
from store.errors import Refusal
from store.people import Department, Person


def in_private(context: Context) -> bool:
    """Whether the chat is between one person and the bot."""
    chat = context.incoming.effective_chat
    return chat is None or chat.type == ChatType.PRIVATE


def caller(context: Context) -> Person | None:
    """The person behind this update, if the office knows him."""
    user = context.incoming.effective_user
    return people.person_of(context.session, user.id) if user is not None else None


def registered(context: Context) -> Person:
    """The person behind this update. Raises Refusal not_registered, or anonymous for whoever writes as a group."""
    message = context.incoming.effective_message
    if context.incoming.callback_query is None and message is not None and message.sender_chat is not None:
        raise Refusal("anonymous")
    person = caller(context)
    if person is None:
        raise Refusal("not_registered")
    if in_private(context) and (person.started_at is None or person.blocked_at is not None):
        # Whoever writes in private can be written to.
        person.started_at = person.started_at or context.now
        person.blocked_at = None
        context.session.add(person)
    return person


def speaker(context: Context) -> tuple[Person, list[Department]]:
    """The person behind this update and the departments he hands in for.

    In a group that speaks for a department only that one is meant. Raises Refusal not_registered, not_a_contact, or
    not_bound in a group of no department.
    """
    person = registered(context)
    departments = people.speaks_for(context.session, person)
    if not in_private(context):
        bound = people.department_of_group(context.session, context.chat_id)
        if bound is None:
            raise Refusal("not_bound")
        departments = [one for one in departments if one.id == bound.id]
        if not departments:
            raise Refusal("not_a_contact_here", department=bound.name)
    if not departments:
        raise Refusal("not_a_contact")
    return person, departments
