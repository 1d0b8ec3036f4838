"""Coming in and going: the start button, invitation links, handovers, people who block the bot."""

from telegram import ChatMember, Update, User
from telegram.ext import ChatMemberHandler, CommandHandler, filters

import templates
from handlers import groups, menus, raters
from handlers.callers import caller, in_private
from handlers.context import Context, KaopingApplication
from handlers.notices import deliver
from scoring import seats
from scoring.survey_tables import Seat
from store import invitations, people
from store.errors import Refusal
from store.people import Appointment, Department, Person

GONE = frozenset({ChatMember.LEFT, ChatMember.BANNED})


def register(application: KaopingApplication) -> None:
    """Adds what this file answers to."""
    application.add_handler(CommandHandler("start", start, filters.ChatType.PRIVATE & filters.UpdateType.MESSAGE))
    application.add_handler(ChatMemberHandler(membership, ChatMemberHandler.MY_CHAT_MEMBER))


async def start(update: Update, context: Context) -> None:
    """The start button: with an invitation's token somebody comes in, without one he is told where he stands."""
    user = update.effective_user
    if user is None:
        return
    if context.args:
        _come_in(context, user, context.args[0])
        return
    person = caller(context)
    if person is None:
        context.reply(templates.render("registration/stranger", telegram_id=user.id))
        return
    # The start button is what allows the bot to write: also to an administrator named in the settings.
    people.met(context.session, user.id, name=user.full_name, username=user.username, now=context.now)
    context.reply(home(context, person))
    menus.show(context, person)


def _come_in(context: Context, user: User, token: str) -> None:
    """By an invitation; to a rater the place that it is for is opened at once, also when he follows it again."""
    try:
        joined = invitations.accept(
            context.session,
            token,
            telegram_id=user.id,
            name=user.full_name,
            username=user.username,
            now=context.now,
        )
    except Refusal as refusal:
        person = caller(context)
        if refusal.facts.get("yours") and person is not None and raters.places(context.session, person):
            raters.begin(context, person)
            return
        raise
    seat = None
    if joined.seat_id is not None:
        seat = seats.taken(context.session, joined.seat_id, joined.person, assists=joined.assists)
    deliver(context.session, joined.notices, context.now)
    welcome(context, joined, seat)
    if seat is not None:
        raters.open_first(context, joined.person, seat)


def welcome(context: Context, joined: invitations.Joined, seat: Seat | None = None) -> None:
    """Greets somebody who has just come in by an invitation; ``seat``: the place that he will rate from."""
    greeting = templates.render(
        "registration/welcome",
        name=joined.person.name,
        office=_office(context, joined.appointment),
        roles=[joined.appointment.role],
        replaced=joined.replaced,
        seat=seat.name if seat else "",
        assists=joined.assists,
    )
    context.reply(greeting)
    menus.show(context, joined.person)


def home(context: Context, person: Person) -> str:
    """Where a person stands: his offices and what he can do."""
    held = people.appointments_of(context.session, person)
    offices = [_office(context, one) for one in held]
    return templates.render("registration/home", name=person.name, offices=offices, roles=[one.role for one in held])


def _office(context: Context, appointment: Appointment) -> dict[str, str | None]:
    department = context.session.get(Department, appointment.department_id) if appointment.department_id else None
    return {"role": appointment.role, "department": department.name if department else None}


async def membership(update: Update, context: Context) -> None:
    """The bot's own standing in a chat has changed: blocked, unblocked, taken into a group, put out of it."""
    change = update.my_chat_member
    if change is None:
        return
    gone = change.new_chat_member.status in GONE
    if not in_private(context):
        was_gone = change.old_chat_member.status in GONE
        if gone != was_gone:
            groups.left(context) if gone else groups.entered(context)
        return
    if gone:
        people.blocked(context.session, change.from_user.id, context.now)
    elif (person := caller(context)) is not None:
        person.blocked_at = None
        context.session.add(person)
