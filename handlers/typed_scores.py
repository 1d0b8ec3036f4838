"""Scores that a rater types instead of tapping: 「6 5.5 6 6 5」, a total, tiers, 不了解; also 「财政局 6 …」.

Only what looks like scores is taken, and only from somebody who has a card open: a rater who is a liaison or an
administrator as well goes on with his other business. What was typed is taken out of the chat, so that the card stays
at its end and no scores stay behind.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session
from telegram import Message, Update
from telegram.constants import ChatType

import templates
from handlers import guided, rating_cards
from handlers.callers import registered
from handlers.context import Aside, Context, KaopingApplication, Work
from handlers.fitting import FittingMessages
from handlers.meaning import answers_papers
from handlers.raters import begin, is_his, places, rating_of, say
from handlers.rating_cards import REVIEW, Rating
from scoring import casting
from scoring.ballots import BallotError
from scoring.rating import RatingSheet
from scoring.survey_tables import RatingDraft
from store import drafts, people
from store.departments import called
from store.errors import Refusal
from store.people import Department, Person
from store.words import plain

MOST = 80
"""Characters of a message that may be scores: longer ones are something else."""

_NUMBERS = re.compile(r"(.*?)[\s:,、;]*((?:\d+(?:\.\d+)?分?[\s,、;/|]+)+\d+(?:\.\d+)?分?)[。.]?", re.DOTALL)
"""At least two numbers, with or without something in front."""
_BETWEEN = " \t:,、;=-—"


@dataclass(frozen=True)
class Said:
    """Scores that were typed, for a department that was named, or for the one whose card is open."""

    draft: RatingDraft
    unit: Department | None
    scores: str


class TypedScores(FittingMessages):
    """Takes messages that are scores for a card that is open, or that would be if it still were."""

    edited = True

    def may_be(self, message: Message) -> bool:
        text = message.text
        private = message.chat.type == ChatType.PRIVATE
        return text is not None and private and len(text) <= MOST and not text.startswith("/")

    def fits(self, work: Work, person: Person | None, message: Message) -> bool:
        # An answer to a reminder, or to the question of a verb, is about that; to anything else, scores are scores.
        if person is None or _awaited(work, person, message) or answers_papers(work.session, message):
            return False
        return _meant(work.session, person, message) is not None or _too_late(work.session, person, message)


def register(application: KaopingApplication) -> None:
    """Adds what this file answers to. Before the verbs, which take anything that answers a question of theirs."""
    application.add_handler(TypedScores(application, typed))


def _awaited(work: Work, person: Person, message: Message) -> bool:
    """Whether a verb under way has asked for something: then what is typed answers that."""
    found = drafts.under_way(work.session, person_id=person.id, chat_id=message.chat.id, kinds=(guided.KIND,))
    if not found or not guided.fits(found[0]):
        return False
    guide = guided.Guide.of(found[0])
    return guide.asking is not None and not guide.expired(work.now)


def _meant(session: Session, person: Person, message: Message) -> Said | None:
    """What a text gives to which department of which card: of several open ones the latest is meant."""
    text = plain(message.text or "")
    open_cards = [draft for draft in casting.drafts_of(session, person) if draft.card]
    open_cards.sort(key=lambda draft: (draft.message_id is None, draft.message_id), reverse=True)
    for draft in open_cards:
        rating = rating_of(session, person, draft)
        if (unit := rating.unit) is not None and rating.sheet.looks_like_scores(text):
            return Said(draft, unit, text)
        if (found := _named(rating.sheet, text)) is not None:
            return Said(draft, *found)
    for draft in open_cards:
        sheet = rating_of(session, person, draft).sheet
        # A single figure may be anything as long as no card is open.
        if (sheet.looks_like_scores(text) and not re.fullmatch(r"[\d.\-—+]+分?", text)) or _of_other(session, text):
            return Said(draft, None, text)
    return None


def _of_other(session: Session, text: str) -> Department | None:
    """The department in front of scores, where it is one that this rater does not rate."""
    match = _NUMBERS.fullmatch(text)
    if match is None or not match[1]:
        return None
    known = {plain(name): unit for unit in people.departments(session) for name in called(unit)}
    return known.get(match[1].strip(_BETWEEN))


def _named(sheet: RatingSheet, text: str) -> tuple[Department, str] | None:
    """「财政局 6 6 5.5 6 6」: the department in front, by any of its names, and the rest."""
    names = [(name, unit) for unit in sheet.departments for name in (*called(unit), unit.code)]
    fitting = [(name, unit) for name, unit in names if text.casefold().startswith(plain(name).casefold())]
    if not fitting:
        return None
    name, unit = max(fitting, key=lambda pair: len(pair[0]))
    rest = text[len(plain(name)) :].lstrip(_BETWEEN)
    return (unit, rest) if rest and sheet.looks_like_scores(rest) else None


def _too_late(session: Session, person: Person, message: Message) -> bool:
    """Whether these are scores of somebody who has submitted, or has not opened a card yet."""
    match = _NUMBERS.fullmatch(plain(message.text or ""))
    return match is not None and not match[1] and bool(places(session, person))


async def typed(update: Update, context: Context) -> None:
    """Scores, typed."""
    context.forget_update()
    message = update.message or update.edited_message
    person = registered(context)
    if message is None:
        return
    said = _meant(context.session, person, message)
    try:
        if update.edited_message is not None:
            raise Refusal("rating_edited")
        if said is None:
            _refuse(context, person)
            return
        _take(context, person, said, message)
    except Refusal as refusal:
        # Said here: raised, it would stand in the log with what was typed.
        sentence = templates.refusal(refusal.code, refusal.facts)
        context.reply(sentence, sensitive=True)
        return
    context.work.asides.append(Aside("deleteMessage", {"chat_id": message.chat.id, "message_id": message.message_id}))


def _refuse(context: Context, person: Person) -> None:
    """Why scores are not taken of somebody without a card. Raises a Refusal, if only that he has to open one."""
    begin(context, person)


def _take(context: Context, person: Person, said: Said, message: Message) -> None:
    """Writes down what was typed, or says beside the card what is wrong with it."""
    session, rating = context.session, rating_of(context.session, person, said.draft)
    if not is_his(session, person, rating.seat):
        # Whoever has been replaced since he opened his card.
        raise Refusal("rating_seat_ended")
    casting.accepts(session, rating.survey, rating.seat, message.date, context.now)
    draft, sheet = rating.draft, rating.sheet
    try:
        unit = said.unit or _nobody(session, rating, said.scores)
        give(sheet, unit, said.scores)
    except Refusal as refusal:
        fault = templates.render(
            "raters/fault", sentence=templates.plain(templates.refusal(refusal.code, refusal.facts))
        )
        say(context, rating, lambda: rating_cards.with_word(rating_cards.present(rating), fault))
        return
    casting.keep(session, draft, sheet)
    if draft.at == unit.id:
        following = sheet.next_missing(unit.id)
        draft.at, draft.low = (following.id if following else REVIEW), False
    session.add(draft)
    session.flush()
    given = sheet.given[unit.id]
    word = templates.render(
        "raters/taken", name=unit.name, abstained=given.abstained, sum=rating_cards.sum_text(sheet, given),
        answers=[rating_cards.answer_text(sheet, one) for one in given.aspects],
    )  # fmt: skip
    say(context, rating, lambda: rating_cards.with_word(rating_cards.present(rating), word))


def give(sheet: RatingSheet, unit: Department, text: str) -> None:
    """Gives a department what a line says. Raises Refusal rating_not_understood, rating_count, rating_too_fine or
    rating_out_of_range, which names the aspect and its range; then nothing has changed.
    """
    try:
        sheet.set(unit, sheet.read(text))
    except BallotError as fault:
        if fault.most is None:
            raise Refusal("rating_not_understood", text=text, tiers=_titles(sheet)) from None
        aspects = {aspect.code: aspect.title for aspect in sheet.rulebook.aspects}
        raise Refusal(
            "rating_out_of_range",
            department=unit.name,
            aspect=aspects.get(fault.aspect or "", ""),
            least=_figure(fault.least),
            most=_figure(fault.most),
            value=_figure(fault.value),
        ) from None


def _titles(sheet: RatingSheet) -> Sequence[str]:
    return [tier.title for tier in sheet.panel.tiers]


def _figure(number: Any) -> str:
    return f"{number.normalize():f}"


def _nobody(session: Session, rating: Rating, scores: str) -> Department:
    """Scores for no department. Raises Refusal rating_which or rating_not_yours."""
    if (other := _of_other(session, scores)) is not None:
        raise Refusal("rating_not_yours", department=other.name)
    first = rating.sheet.departments[0]
    raise Refusal("rating_which", department=first.name, scores=rating_cards.example(rating.sheet, first))
