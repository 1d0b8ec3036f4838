"""What a rater sees: the list of departments, the card of one, the review before submission. Screens out of a draft.

Every button says which place, card, department and score it is for, so that a late tap can hit nothing else.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from zlib import crc32

import templates
from handlers import keyboards
from handlers.keyboards import Keyboard, inline
from scoring.points import UNIT
from scoring.rating import Given, RatingSheet, steps
from scoring.survey_tables import RatingDraft, Seat, Survey
from store.people import Department

ACTION = "b"
"""Callback data of a card: ``b:<survey>:<seat>:<card>:<what>:…``"""
FORM_ACTION = "bf"
"""The same as a spreadsheet: ``bf:<survey>:<seat>``"""
PAGE = 16
"""Departments on one page of the list."""
ABREAST = 2
SCORES = 7
"""Score buttons in a row: with the label there are eight, which is what a telephone shows."""
REVIEW = 0
"""``RatingDraft.at`` while the review is open."""
MOST_LISTED = 80
"""Departments that the review lists one by one: more would not fit into a message."""


_BUTTON = f'"callback_data":"{ACTION}:'


def shown_in(payload: str) -> bool:
    """Whether an update, raw, has a card in it: it is a tap on one, or an answer that quotes it."""
    return _BUTTON in payload


@dataclass(frozen=True)
class Rating:
    """One place in a survey, with what has been given from it so far. ``assists``: somebody else's place."""

    survey: Survey
    seat: Seat
    draft: RatingDraft
    sheet: RatingSheet
    assists: bool = False

    @property
    def unit(self) -> Department | None:
        """The department whose card is open."""
        return next((unit for unit in self.sheet.departments if unit.id == self.draft.at), None)

    @property
    def digest(self) -> str:
        """Of all that has been given: what was reviewed is what is submitted."""
        return f"{crc32(repr(sorted(self.draft.scores.items())).encode()):08x}"


@dataclass(frozen=True)
class Card:
    """A message with its buttons."""

    text: str
    markup: Keyboard


def present(rating: Rating) -> Card:
    """What the draft says is open."""
    unit = rating.unit
    if unit is not None:
        return card(rating, unit)
    return review(rating) if rating.draft.at == REVIEW else listing(rating)


def with_word(shown: Card, word: str) -> Card:
    """The same under a line about what has just been typed."""
    return replace(shown, text=f"{word}\n\n{shown.text}")


def last_page(rating: Rating) -> int:
    return max(0, (len(rating.sheet.departments) - 1) // PAGE)


def page_of(rating: Rating, unit_id: int | None) -> int:
    """The page of the list on which a department stands."""
    ids = [unit.id for unit in rating.sheet.departments]
    return ids.index(unit_id) // PAGE if unit_id in ids else min(rating.draft.page, last_page(rating))


def listing(rating: Rating) -> Card:
    """All departments with their marks, a page of them as buttons."""
    sheet, draft = rating.sheet, rating.draft
    page = min(draft.page, last_page(rating))
    units = sheet.departments[page * PAGE : (page + 1) * PAGE]
    buttons = [
        _button(rating, templates.word("rating_unit", mark=_state(sheet.given[unit.id]), name=unit.name), "o", unit.id)
        for unit in units
    ]
    rows = [buttons[start : start + ABREAST] for start in range(0, len(buttons), ABREAST)]
    turns = []
    if page > 0:
        turns.append(_button(rating, templates.word("button_page_before"), "p", page - 1))
    if page < last_page(rating):
        turns.append(_button(rating, templates.word("button_page_after"), "p", page + 1))
    following = sheet.next_missing(None)
    go_on = []
    if following is not None:
        begun = any(one.begun for one in sheet.given.values())
        words = templates.word("button_rate_on", begun=begun, name=following.name)
        go_on.append(_button(rating, words, "o", following.id))
    last = [
        keyboards.button(templates.word("button_rate_form"), FORM_ACTION, rating.survey.id, rating.seat.id),
        _button(rating, templates.word("button_rate_review"), "r"),
    ]
    text = templates.render("raters/list", pages=last_page(rating) + 1, page=page + 1, **_facts(rating))
    return Card(text, inline(go_on, *rows, turns, last))


def card(rating: Rating, unit: Department) -> Card:
    """One department: what each aspect has got, and the buttons to give it."""
    sheet, given = rating.sheet, rating.sheet.given[unit.id]
    ids = [one.id for one in sheet.departments]
    place = ids.index(unit.id)
    lines = [
        {
            "title": aspect.title,
            "given": answer_text(sheet, answer),
            "most": None if sheet.panel.tiers else _points(most),
        }
        for aspect, answer, most in zip(sheet.rulebook.aspects, _answers(sheet, given), sheet.maxima(unit), strict=True)
    ]
    text = templates.render(
        "raters/card",
        name=unit.name,
        place=place + 1,
        lines=lines,
        abstained=given.abstained,
        total=sum_text(sheet, given),
        as_total=given.total is not None,
        full=None if sheet.panel.tiers else _points(sum(sheet.maxima(unit))),
        example=example(sheet, unit),
        **_facts(rating),
    )
    ways = []
    if place > 0:
        ways.append(_button(rating, templates.word("button_rate_before"), "o", ids[place - 1]))
    ways.append(_button(rating, templates.word("button_rate_list"), "l"))
    if place + 1 < len(ids):
        ways.append(_button(rating, templates.word("button_rate_after"), "o", ids[place + 1]))
    rows = _tier_rows(rating, unit, given) if sheet.panel.tiers else _score_rows(rating, unit, given)
    abstain = _button(rating, templates.word("button_rate_abstain", chosen=given.abstained), "u", unit.id)
    return Card(text, inline(*rows, [*_half(rating, unit), abstain], ways))


def review(rating: Rating, *, sure: bool = False) -> Card:
    """All that was given, what is missing, and that there is no way back. ``sure``: 提交 was tapped once."""
    sheet = rating.sheet
    lines = [
        {"name": unit.name, "state": _state(given), "sum": sum_text(sheet, given), "left": _left(sheet, given)}
        for unit, given in ((unit, sheet.given[unit.id]) for unit in sheet.departments)
    ]
    text = templates.render(
        "raters/review",
        lines=lines[:MOST_LISTED],
        more=len(lines) - len(lines[:MOST_LISTED]),
        missing=[unit.name for unit in sheet.missing],
        sure=sure,
        **_facts(rating),
    )
    if sure:
        rows = [
            [_button(rating, templates.word("button_rate_submit_for_good"), "f", rating.digest)],
            [_button(rating, templates.word("button_rate_return"), "r")],
        ]
        return Card(text, inline(*rows))
    following = sheet.next_missing(None)
    go_on = [] if following is None else [_button(rating, templates.word("button_rate_missing"), "o", following.id)]
    submit = _button(rating, templates.word("button_rate_submit"), "y")
    return Card(text, inline(go_on, [_button(rating, templates.word("button_rate_list"), "l"), submit]))


def answer_text(sheet: RatingSheet, answer: Decimal | str | None) -> str:
    """A score or a tier as a person reads it; "" where none has been given."""
    if isinstance(answer, Decimal):
        return f"{answer.normalize():f}"
    return next((tier.title for tier in sheet.panel.tiers if tier.code == answer), "")


def sum_text(sheet: RatingSheet, given: Given) -> str:
    """What a department has got in all: a sum, or its tiers in order; "" for nothing, or for a part."""
    if not given.done or given.abstained:
        return ""
    if not sheet.panel.tiers:
        return answer_text(sheet, given.sum)
    if given.total is not None:
        return answer_text(sheet, given.total)
    return " ".join(answer_text(sheet, one) for one in given.aspects)


def offered(most: int, step: int) -> list[Decimal]:
    """The scores on the buttons of an aspect, highest first: so many as two halves hold. Finer ones are typed."""
    found = steps(most, step)
    while len(found) > 2 * SCORES:
        step *= 2
        found = steps(most, step)
    return found


def _score_rows(rating: Rating, unit: Department, given: Given) -> Iterator[list[dict[str, str]]]:
    sheet, maxima = rating.sheet, rating.sheet.maxima(unit)
    step, answers = sheet.rulebook.rating.step, _answers(sheet, given)
    alike = answers[0] if len(set(answers)) == 1 else None
    label = templates.word("rating_all", count=len(maxima))
    row = [_button(rating, label, "c", unit.id)]
    everywhere = _shown(rating, offered(min(maxima), step))
    yield [*row, *(_score(rating, score, score == alike, "a", unit.id, score) for score in everywhere)]
    for place, (aspect, most) in enumerate(zip(sheet.rulebook.aspects, maxima, strict=True)):
        row = [_button(rating, aspect.short or aspect.title[:2], "c", unit.id, place)]
        scores = _shown(rating, offered(most, step))
        yield [*row, *(_score(rating, one, one == answers[place], "s", unit.id, place, one) for one in scores)]


def _tier_rows(rating: Rating, unit: Department, given: Given) -> Iterator[list[dict[str, str]]]:
    sheet, answers = rating.sheet, _answers(rating.sheet, given)
    alike = answers[0] if len(set(answers)) == 1 else given.total
    tiers = list(enumerate(sheet.panel.tiers))[:SCORES]
    label = templates.word("rating_all", count=len(answers))
    row = [_button(rating, label, "c", unit.id)]
    for number, tier in tiers:
        words = templates.word("rating_score", score=tier.title, chosen=tier.code == alike)
        row.append(_button(rating, words, "a", unit.id, number))
    yield row
    for place, aspect in enumerate(sheet.rulebook.aspects):
        row = [_button(rating, aspect.short or aspect.title[:2], "c", unit.id, place)]
        for number, tier in tiers:
            words = templates.word("rating_score", score=tier.title, chosen=tier.code == answers[place])
            row.append(_button(rating, words, "s", unit.id, place, number))
        yield row


def _half(rating: Rating, unit: Department) -> list[dict[str, str]]:
    """The button to the other half of the scores, where there are more than a row holds."""
    sheet = rating.sheet
    if sheet.panel.tiers or max(map(len, _all_offered(sheet, unit))) <= SCORES:
        return []
    low = rating.draft.low
    other = [score for scores in _all_offered(sheet, unit) for score in (scores[:SCORES] if low else scores[SCORES:])]
    words = templates.word("button_rate_half", low=not low, most=_plain(max(other)), least=_plain(min(other)))
    return [_button(rating, words, "w", unit.id, 0 if low else 1)]


def _all_offered(sheet: RatingSheet, unit: Department) -> list[list[Decimal]]:
    return [offered(most, sheet.rulebook.rating.step) for most in sheet.maxima(unit)]


def _shown(rating: Rating, scores: Sequence[Decimal]) -> Sequence[Decimal]:
    if len(scores) <= SCORES:
        return scores
    return scores[SCORES:] if rating.draft.low else scores[:SCORES]


def _score(rating: Rating, score: Decimal, chosen: bool, what: str, *arguments: object) -> dict[str, str]:
    words = templates.word("rating_score", score=_plain(score), chosen=chosen)
    return _button(rating, words, what, *(_plain(one) if isinstance(one, Decimal) else one for one in arguments))


def _button(rating: Rating, words: str, what: str, *arguments: object) -> dict[str, str]:
    draft = rating.draft
    return keyboards.button(words, ACTION, draft.survey_id, draft.seat_id, draft.card, what, *arguments)


def _answers(sheet: RatingSheet, given: Given) -> list[Decimal | str | None]:
    return list(given.aspects) or [None] * len(sheet.rulebook.aspects)


def _state(given: Given) -> str:
    if given.abstained:
        return "abstained"
    return "done" if given.done else "begun" if given.begun else "open"


def _left(sheet: RatingSheet, given: Given) -> int:
    """How many aspects are missing."""
    return 0 if given.done else sum(one is None for one in _answers(sheet, given))


def _facts(rating: Rating) -> dict[str, object]:
    sheet = rating.sheet
    return {
        "panel": sheet.panel.title,
        "seat": rating.seat.name,
        "assists": rating.assists,
        "until": rating.survey.closes_at,
        "rehearsal": rating.survey.rehearsal,
        "done": len(sheet.departments) - len(sheet.missing),
        "all": len(sheet.departments),
        "begun": sum(one.begun and not one.done for one in sheet.given.values()),
    }


def example(sheet: RatingSheet, unit: Department) -> str:
    """What could be typed for this department."""
    if sheet.panel.tiers:
        titles = [tier.title for tier in sheet.panel.tiers]
        return " ".join([titles[0], titles[min(1, len(titles) - 1)], *[titles[0]] * (len(sheet.rulebook.aspects) - 2)])
    scores = [offered(most, sheet.rulebook.rating.step) for most in sheet.maxima(unit)]
    return " ".join(_plain(one[min(place % 2, len(one) - 1)]) for place, one in enumerate(scores))


def _points(units: int) -> str:
    return _plain(Decimal(units) / UNIT)


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"
