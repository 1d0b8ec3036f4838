"""The raters' side of the chat: where somebody may rate, and the card in which he does.

His taps are in ``rating_taps``, what he types in ``typed_scores``.
"""

import re
from collections.abc import Callable
from contextlib import suppress

from sqlmodel import Session
from telegram import Update
from telegram.ext import CallbackQueryHandler, CommandHandler, MessageHandler, filters

import templates
from handlers import guided, keyboards, rating_cards, rating_messages
from handlers.callers import in_private, registered
from handlers.context import Context, KaopingApplication
from handlers.naming import normal
from handlers.rating_cards import Card, Rating
from scoring import casting, seats, surveys
from scoring.standings import in_force
from scoring.survey_tables import SUBMITTED, RatingDraft, Seat, Survey
from store import drafts, people
from store.errors import Refusal
from store.people import Person, Role

WORDS = frozenset({"评议打分", "打分", "我要打分", "现在打分", "开始打分", "继续打分", "rate"})
"""What people write instead of /rate."""

_N = keyboards.NUMBER
_OPEN = re.compile(rf"rate:({_N}):({_N})(:anew)?")


def register(application: KaopingApplication) -> None:
    """Adds what this file answers to."""
    message = filters.UpdateType.MESSAGE
    application.add_handler(CommandHandler("rate", rate, message))
    application.add_handler(MessageHandler(filters.ChatType.PRIVATE & filters.TEXT & _Said() & message, rate))
    application.add_handler(CallbackQueryHandler(opened, pattern=r"^rate:"))


class _Said(filters.MessageFilter):
    """One of the words that mean /rate."""

    def filter(self, message: object) -> bool:
        return normal(getattr(message, "text", None) or "") in WORDS


Place = tuple[Survey, Seat]


def places(session: Session, person: Person) -> list[Place]:
    """Where this person may rate now, submitted or not: his own places before those he assists."""
    running = surveys.running(session)
    if not running:
        return []
    mine = [seat for seat in seats.seats_for(session, person) if is_his(session, person, seat)]
    return [
        (survey, seat)
        for survey in running
        for seat in mine
        if (survey.year, survey.panel) == (seat.year, seat.panel)
        and seats.rated_by(session, in_force(session, survey.year), seat, survey.departments)
    ]


def is_his(session: Session, person: Person, seat: Seat) -> bool:
    """Whether somebody may rate from a place: whoever is no rater any more may not, though his name stands there."""
    if seat.department_id is None and Role.RATER not in people.roles_of(session, person):
        return False
    return person.id in {one.id for one in seats.voters(session, seat)}


async def rate(_update: Update, context: Context) -> None:
    """/rate: the card of the one place there is, or a choice among several."""
    begin(context, registered(context))


def begin(context: Context, person: Person) -> None:
    """Opens what this person is to rate. Raises Refusal rate_in_private, rating_not_invited, rating_none, or
    rating_submitted.
    """
    if not in_private(context):
        raise Refusal("rate_in_private", bot=context.bot.username)
    found = places(context.session, person)
    if not found:
        invited = bool(seats.seats_for(context.session, person))
        raise Refusal("rating_none" if invited else "rating_not_invited")
    waiting = [place for place in found if surveys.state_of(context.session, *place) != SUBMITTED]
    if not waiting:
        raise Refusal("rating_submitted")
    if len(waiting) == 1:
        open_card(context, person, *waiting[0])
        return
    lines = [told(context.session, person, *place) for place in waiting]
    actions = [("rate", f"{survey.id}:{seat.id}") for survey, seat in waiting]
    context.reply(templates.render("raters/places", lines=lines), markup=keyboards.ratings(lines, actions))


def told(session: Session, person: Person, survey: Survey, seat: Seat) -> dict[str, object]:
    draft = casting.draft_of(session, survey, seat)
    sheet = casting.sheet_of_draft(session, survey, seat, draft)
    return {
        "panel": sheet.panel.title,
        "rehearsal": survey.rehearsal,
        "assists": _assists(person, seat),
        "department": seat.department_id is not None,
        "name": seat.name,
        "until": survey.closes_at,
        "done": len(sheet.departments) - len(sheet.missing),
        "all": len(sheet.departments),
    }


def _assists(person: Person, seat: Seat) -> bool:
    return person.id == seat.assistant_id and person.id != seat.person_id


async def opened(update: Update, context: Context) -> None:
    """The button under a notice, or of a choice among places."""
    query = update.callback_query
    match = _OPEN.fullmatch((query.data if query else None) or "")
    if match is None or not in_private(context):
        raise Refusal("button_outdated")
    person = registered(context)
    survey, seat = place_of(context.session, person, int(match[1]), int(match[2]))
    open_card(context, person, survey, seat, anew=bool(match[3]))
    context.answer()


def place_of(session: Session, person: Person, survey_id: int, seat_id: int) -> Place:
    """Raises Refusal button_of_another, or rating_gone for a rehearsal that is over."""
    survey, seat = session.get(Survey, survey_id), session.get(Seat, seat_id)
    if seat is None:
        raise Refusal("button_outdated")
    if not is_his(session, person, seat):
        raise Refusal("button_of_another")
    if survey is None:
        raise Refusal("rating_gone")
    if (survey.year, survey.panel) != (seat.year, seat.panel):
        raise Refusal("button_outdated")
    return survey, seat


def open_card(context: Context, person: Person, survey: Survey, seat: Seat, *, anew: bool = False) -> None:
    """Sends a card of its own; the one before is void. What somebody else has begun at the same place is not erased
    unless that is said (``anew``). Raises what ``casting.accepts`` does.
    """
    session = context.session
    casting.accepts(session, survey, seat, None, context.now)
    _put_aside(context, person)
    before = casting.draft_of(session, survey, seat)
    if before is not None and before.person_id != person.id:
        other = session.get_one(Person, before.person_id)
        if before.scores and not anew and is_his(session, other, seat):
            button = keyboards.button(templates.word("button_rate_anew"), "rate", survey.id, seat.id, "anew")
            text = templates.render("raters/begun_by_another", name=other.name, given=len(before.scores))
            context.reply(text, markup=keyboards.inline([button]))
            return
        rating_messages.void(session, before, "taken_over", context.now)
    draft = casting.take_up(session, survey, seat, person, context.chat_id)
    draft.at, draft.page, draft.low = None, 0, False
    rating_messages.renew(context, draft)
    shown = rating_cards.present(rating_of(session, person, draft))
    rating_messages.send(context, draft, shown.text, shown.markup)


def open_first(context: Context, person: Person, seat: Seat) -> None:
    """The card of a place that has just been taken, if it is time to rate."""
    for survey, place in places(context.session, person):
        if place.id != seat.id:
            continue
        with suppress(Refusal):  # too late: then there is nothing to open
            open_card(context, person, survey, place)


def _put_aside(context: Context, person: Person) -> None:
    """A verb that was left half-way waits for text: what is typed from now on is for the card."""
    for draft in drafts.under_way(context.session, person_id=person.id, chat_id=context.chat_id, kinds=(guided.KIND,)):
        drafts.finished(context.session, draft)


def rating_of(session: Session, person: Person, draft: RatingDraft) -> Rating:
    """All there is to a draft."""
    survey, seat = session.get_one(Survey, draft.survey_id), session.get_one(Seat, draft.seat_id)
    sheet = casting.sheet_of_draft(session, survey, seat, draft)
    return Rating(survey, seat, draft, sheet, _assists(person, seat))


def show(context: Context, rating: Rating) -> None:
    """The card as the draft now is."""
    say(context, rating, lambda: rating_cards.present(rating))


def say(context: Context, rating: Rating, screen: Callable[[], Card]) -> None:
    """Puts a screen into the card, or into a new one where nobody knows yet under which number the card stands."""
    draft, query = rating.draft, context.incoming.callback_query
    if draft.message_id is None and query is not None and query.message is not None:
        draft.message_id = query.message.message_id
    if draft.message_id is None:
        rating_messages.renew(context, draft)
        shown = screen()
        rating_messages.send(context, draft, shown.text, shown.markup)
    else:
        shown = screen()
        rating_messages.edit(context, draft, shown.text, shown.markup)
