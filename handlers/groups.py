"""Groups that speak for a department: taking the bot in, binding, parting, growing into a supergroup."""

from telegram import Update
from telegram.constants import ChatType
from telegram.ext import CommandHandler, MessageHandler, filters

import templates
from handlers.callers import in_private, registered
from handlers.context import Context, KaopingApplication
from store import audit, outbox, people
from store.departments import find_department
from store.errors import Refusal
from store.people import Department, Person, Role

MIGRATION = filters.StatusUpdate.MIGRATE


def register(application: KaopingApplication) -> None:
    """Adds what this file answers to."""
    message = filters.UpdateType.MESSAGE
    application.add_handler(CommandHandler("bind", bind_command, message))
    application.add_handler(CommandHandler("unbind", unbind_command, message))
    application.add_handler(CommandHandler("start", explained, filters.ChatType.GROUPS & message))
    application.add_handler(MessageHandler(MIGRATION & message, migrated))


def entered(context: Context) -> None:
    """The bot has been taken into a group: it says what it is there for."""
    chat = context.incoming.effective_chat
    if chat is not None and chat.type in {ChatType.GROUP, ChatType.SUPERGROUP}:
        bound = people.department_of_group(context.session, chat.id)
        context.reply(templates.render("groups/entered", department=bound.name if bound else None))


def left(context: Context) -> None:
    """The bot has been put out of a group: the group speaks for nobody any more."""
    people.unbind_group(context.session, context.chat_id, context.now)


async def explained(_update: Update, context: Context) -> None:
    """/start in a group."""
    entered(context)


async def bind_command(_update: Update, context: Context) -> None:
    """/bind, with or without a department."""
    bind(context, " ".join(context.args or []))


async def unbind_command(_update: Update, context: Context) -> None:
    """/unbind."""
    unbind(context)


def bind(context: Context, said: str) -> None:
    """Lets this group speak for a department: its liaison or head says so, or an administrator.

    Raises Refusal bind_in_group, bind_which, bind_not_yours or group_bound_elsewhere.
    """
    if in_private(context):
        raise Refusal("bind_in_group")
    person = registered(context)
    own = people.speaks_for(context.session, person)
    administrator = _administers(context, person)
    department = _meant(context, said, own, administrator=administrator)
    mine = {one.id for one in own}
    if department.id not in mine and not administrator:
        raise Refusal("bind_not_yours", department=department.name)
    bound = people.department_of_group(context.session, context.chat_id)
    if bound is not None and bound.id != department.id and bound.id not in mine and not administrator:
        raise Refusal("group_bound_elsewhere", department=bound.name)
    people.bind_group(context.session, context.chat_id, department, person, context.now)
    _record(context, person, "bind", department)
    context.reply(templates.render("groups/bound", department=department.name, by=person.name))


def unbind(context: Context) -> None:
    """Ends what ``bind`` began. Raises Refusal bind_in_group, not_bound or bind_not_yours."""
    if in_private(context):
        raise Refusal("bind_in_group")
    person = registered(context)
    bound = people.department_of_group(context.session, context.chat_id)
    if bound is None:
        raise Refusal("not_bound")
    mine = {one.id for one in people.speaks_for(context.session, person)}
    if bound.id not in mine and not _administers(context, person):
        raise Refusal("bind_not_yours", department=bound.name)
    people.unbind_group(context.session, context.chat_id, context.now)
    _record(context, person, "unbind", bound)
    context.reply(templates.render("groups/unbound", department=bound.name, by=person.name))


async def migrated(update: Update, context: Context) -> None:
    """The group has become a supergroup with an id of its own: what it stood for, and what it is owed, move along."""
    message = update.effective_message
    if message is None:
        return
    old, new = message.migrate_from_chat_id, message.migrate_to_chat_id
    if new is not None:
        old = message.chat.id
    elif old is not None:
        new = message.chat.id
    if old is not None and new is not None:
        people.migrate_group(context.session, old, new, context.now)
        outbox.move_chat(context.session, old, new)


def _meant(context: Context, said: str, own: list[Department], *, administrator: bool) -> Department:
    if said:
        return find_department(context.session, said)
    if len(own) == 1:
        return own[0]
    if own or administrator:
        raise Refusal("bind_which", like=[one.name for one in own])
    raise Refusal("not_a_contact")


def _administers(context: Context, person: Person) -> bool:
    return Role.ADMINISTRATOR in people.roles_of(context.session, person)


def _record(context: Context, person: Person, verb: str, department: Department) -> None:
    audit.record(
        context.session,
        at=context.now,
        actor=person,
        via="chat",
        verb=verb,
        arguments={"chat": str(context.chat_id), "department": department.code},
        outcome="done",
        department_id=department.id,
    )
