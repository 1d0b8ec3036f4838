"""A rater's taps: scores, pages, and submission.

A tap names place, card, department and score; whatever is forged, outdated, too late or somebody else's is answered
and changes nothing. Nothing of what is tapped is kept once it is done: see ``Context.forget_update``.
"""

import re
from collections.abc import Callable
from decimal import Decimal

from sqlmodel import Session
from telegram import Update
from telegram.ext import CallbackQueryHandler

import templates
from handlers import keyboards, rating_cards, rating_files, rating_messages
from handlers.callers import in_private, registered
from handlers.context import Context, KaopingApplication
from handlers.raters import Place, is_his, place_of, places, rating_of, say, show, told
from handlers.rating_cards import ACTION, REVIEW, Rating
from scoring import casting, surveys
from scoring.ballots import ABSTAIN, BallotError
from scoring.survey_tables import SUBMITTED, RatingDraft, Seat
from store import inbox
from store.errors import Refusal
from store.people import Department, Person

OVER = {"rating_over": "over", "rating_gone": "over", "rating_seat_ended": "ended", "rating_card_old": "moved"}
"""Refusals after which a card is of no more use, and what it says then: its scores and buttons leave the chat."""

_N = keyboards.NUMBER
_TAP = re.compile(rf"{ACTION}:({_N}):({_N}):({_N}):([a-z])(?::(.*))?")
_SCORE = re.compile(r"[0-9]{1,4}(\.[0-9]{1,2})?")


def register(application: KaopingApplication) -> None:
    """Adds what this file answers to."""
    application.add_handler(CallbackQueryHandler(tapped, pattern=rf"^{ACTION}:"))


async def tapped(update: Update, context: Context) -> None:
    """A button of a card."""
    context.forget_update()
    query = update.callback_query
    match = _TAP.fullmatch((query.data if query else None) or "")
    try:
        if match is None or query is None or query.message is None or not in_private(context):
            raise Refusal("button_outdated")
        person = registered(context)
        survey, seat = _place(context.session, person, int(match[1]), int(match[2]))
        casting.accepts(context.session, survey, seat, None, context.now)
        draft = casting.draft_of(context.session, survey, seat)
        if draft is None or draft.person_id != person.id or draft.card != int(match[3]):
            raise Refusal("rating_card_old")
        number = query.message.message_id
        if draft.message_id not in (None, number):
            raise Refusal("rating_card_old")
        rating = rating_of(context.session, person, draft)
        word = _ACTIONS[match[4]](context, rating, (match[5] or "").split(":")) if match[4] in _ACTIONS else None
        if word is None:
            raise Refusal("button_outdated")
    except Refusal as refusal:
        # Said here: raised, it would roll back the taps of others and stand in the log.
        context.answer(templates.plain(templates.refusal(refusal.code, refusal.facts)), alert=True)
        if refusal.code == "rating_submitted" or refusal.code in OVER:
            context.leave_no_trace()  # this tap came with what the card said before
        if refusal.code in OVER:
            context.edit(templates.render("raters/void", why=OVER[refusal.code]), markup=keyboards.inline())
        return
    context.answer(word or None)


def _place(session: Session, person: Person, survey_id: int, seat_id: int) -> Place:
    """As ``place_of``; whose place it was when he began reads that it is his no more, and not that it never was."""
    draft = session.get(RatingDraft, (survey_id, seat_id))
    seat = session.get(Seat, seat_id)
    if draft is not None and seat is not None and draft.person_id == person.id and not is_his(session, person, seat):
        raise Refusal("rating_seat_ended")
    return place_of(session, person, survey_id, seat_id)


def take(context: Context, rating: Rating, unit: Department, give: Callable[[], None], *, whole: bool = False) -> None:
    """Writes down what ``give`` sets for a department and goes on from its card if that is done now; ``whole``: by this
    very act. A card that is not open stays as it is: two taps in the same instant turn one page.
    """
    draft, sheet = rating.draft, rating.sheet
    was_done, before = sheet.given[unit.id].done, draft.scores
    give()
    casting.keep(context.session, draft, sheet)
    if draft.at == unit.id:
        if sheet.given[unit.id].done and (whole or not was_done):
            following = sheet.next_missing(unit.id)
            draft.at, draft.low = (following.id if following else REVIEW), False
        elif draft.scores == before:
            return
    elif rating.unit is not None or draft.scores == before:
        return
    show(context, rating)


def _unit(rating: Rating, said: str) -> Department:
    found = [unit for unit in rating.sheet.departments if str(unit.id) == said]
    if not found:
        raise Refusal("button_outdated")
    return found[0]


def _aspect(rating: Rating, said: str) -> int:
    if not (said.isascii() and said.isdigit() and len(said) < 3 and int(said) < len(rating.sheet.rulebook.aspects)):
        raise Refusal("button_outdated")
    return int(said)


def _answer(rating: Rating, said: str) -> Decimal | str:
    tiers = rating.sheet.panel.tiers
    if _SCORE.fullmatch(said) is None:
        raise Refusal("button_outdated")
    if not tiers:
        return Decimal(said)
    if not said.isdigit() or int(said) >= len(tiers):
        raise Refusal("button_outdated")
    return tiers[int(said)].code


def _set_all(context: Context, rating: Rating, arguments: list[str]) -> str | None:
    if len(arguments) != 2:
        return None
    unit, answer = _unit(rating, arguments[0]), _answer(rating, arguments[1])

    def give() -> None:
        rating.sheet.set_all(unit, answer)

    _try(lambda: take(context, rating, unit, give, whole=True))
    return templates.word("rated_all", name=unit.name, score=rating_cards.answer_text(rating.sheet, answer))


def _set_one(context: Context, rating: Rating, arguments: list[str]) -> str | None:
    if len(arguments) != 3:
        return None
    unit, place = _unit(rating, arguments[0]), _aspect(rating, arguments[1])
    answer = _answer(rating, arguments[2])

    def give() -> None:
        rating.sheet.set_aspect(unit, place, answer)

    _try(lambda: take(context, rating, unit, give))
    aspect = rating.sheet.rulebook.aspects[place].title
    return templates.word(
        "rated_aspect", name=unit.name, aspect=aspect, score=rating_cards.answer_text(rating.sheet, answer)
    )


def _try(give: Callable[[], None]) -> None:
    try:
        give()
    except BallotError:
        # No button of ours offers what is out of range.
        raise Refusal("button_outdated") from None


def _clear(context: Context, rating: Rating, arguments: list[str]) -> str | None:
    if len(arguments) not in (1, 2):
        return None
    unit = _unit(rating, arguments[0])
    place = _aspect(rating, arguments[1]) if len(arguments) == 2 else None

    def give() -> None:
        rating.sheet.clear(unit, place)

    take(context, rating, unit, give)
    aspect = "" if place is None else rating.sheet.rulebook.aspects[place].title
    return templates.word("rated_cleared", name=unit.name, aspect=aspect)


def _abstain(context: Context, rating: Rating, arguments: list[str]) -> str | None:
    unit = _unit(rating, arguments[0])
    take(context, rating, unit, lambda: rating.sheet.set(unit, ABSTAIN), whole=True)
    return templates.word("rated_abstained", name=unit.name)


def _open(context: Context, rating: Rating, arguments: list[str]) -> str | None:
    rating.draft.at, rating.draft.low = _unit(rating, arguments[0]).id, False
    return _shown(context, rating)


def _half(context: Context, rating: Rating, arguments: list[str]) -> str | None:
    if len(arguments) != 2 or arguments[1] not in ("0", "1"):
        return None
    unit = _unit(rating, arguments[0])
    if rating.draft.at == unit.id:
        rating.draft.low = arguments[1] == "1"
        return _shown(context, rating)
    return ""


def _page(context: Context, rating: Rating, arguments: list[str]) -> str | None:
    if not (arguments[0].isascii() and arguments[0].isdigit() and len(arguments[0]) < 4):
        return None
    rating.draft.at, rating.draft.page = None, min(int(arguments[0]), rating_cards.last_page(rating))
    return _shown(context, rating)


def _list(context: Context, rating: Rating, _arguments: list[str]) -> str:
    rating.draft.page = rating_cards.page_of(rating, rating.draft.at)
    rating.draft.at = None
    return _shown(context, rating)


def _review(context: Context, rating: Rating, _arguments: list[str]) -> str:
    rating.draft.at = REVIEW
    return _shown(context, rating)


def _shown(context: Context, rating: Rating) -> str:
    context.session.add(rating.draft)
    context.session.flush()
    show(context, rating)
    return ""


def _ask(context: Context, rating: Rating, _arguments: list[str]) -> str:
    rating.draft.at = REVIEW
    say(context, rating, lambda: rating_cards.review(rating, sure=True))
    return ""


def _submit(context: Context, rating: Rating, arguments: list[str]) -> str:
    """确认提交: what was reviewed is cast, and everything that still tells what it was is erased."""
    if arguments != [rating.digest]:
        rating.draft.at = REVIEW
        say(context, rating, lambda: rating_cards.review(rating))
        return templates.word("rated_changed")
    session, draft, query = context.session, rating.draft, context.incoming.callback_query
    person = session.get_one(Person, draft.person_id)
    casting.submit(session, rating.survey, rating.seat, draft)
    inbox.erase_dead(session, draft.chat_id)
    draft.message_id = query.message.message_id if query is not None and query.message is not None else None
    others = [
        templates.word("button_rate_of", one=told(session, person, *place))
        for place in places(session, person)
        if surveys.state_of(session, *place) != SUBMITTED
    ]
    if not others:
        rating_files.forget(session, draft.person_id, draft.chat_id)
    text = templates.render(
        "raters/submitted",
        panel=rating.sheet.panel.title,
        seat=rating.seat.name,
        assists=rating.assists,
        rehearsal=rating.survey.rehearsal,
        all=len(rating.sheet.departments),
        others=others,
    )
    rating_messages.finish(context, draft, text)
    context.leave_no_trace()
    return ""


_ACTIONS: dict[str, Callable[[Context, Rating, list[str]], str | None]] = {
    "a": _set_all,
    "s": _set_one,
    "c": _clear,
    "u": _abstain,
    "o": _open,
    "w": _half,
    "p": _page,
    "l": _list,
    "r": _review,
    "y": _ask,
    "f": _submit,
}
"""By the letter in the callback data: does it, and returns what to say over the button; None for what it cannot be."""
