"""How the sample zone's raters rate: by taps on their cards, by typed lines, by the spreadsheet; many at a time."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from sqlmodel import Session, select

import templates
from bot.demo.zone import Rater
from handlers.rating_cards import ACTION, offered
from sandbox.facade import PersonView
from sandbox.views import Button, MessageView
from scheduler.rating_form import form
from scheduler.rating_naming import label
from scoring import casting, surveys
from scoring.survey_tables import Seat
from store.db import transaction
from store.people import departments

if TYPE_CHECKING:
    from bot.demo.player import Play

_MOST_ROUNDS = 100


async def rate(play: "Play", raters: Sequence[Rater]) -> None:
    """All of them open their card and give scores department by department; then they submit."""
    for rater in raters:
        person = play.people[rater.hand]
        if rater.way == "form":
            await person.send("打分表")
        else:
            await play.tap(person, templates.word("button_rate"))
    await play.settled()
    for rater in raters:
        if rater.way == "form":
            await play.people[rater.hand].send_document("打分表.xlsx", _filled_in(play, rater))
    await play.settled()
    with transaction(play.reader) as session:
        esteem = _esteem(play, session)
    for _ in range(_MOST_ROUNDS):
        given = [await _give(play.people[rater.hand], rater, esteem) for rater in raters]
        await play.settled()
        if not any(given):
            break
    for button in (templates.word("button_rate_submit"), templates.word("button_rate_submit_for_good")):
        for rater in raters:
            await play.tap(play.people[rater.hand], button)
        await play.settled()


def _esteem(play: "Play", session: Session) -> Mapping[int, int]:
    by_code = {unit.code: unit.esteem for unit in play.zone.units}
    return {one.id: by_code[one.code] for one in departments(session)}


async def _give(person: PersonView, rater: Rater, esteem: Mapping[int, int]) -> bool:
    """What the card that is open gets; False once all have theirs, and the review is open."""
    card = next(one for one in reversed(person.from_bot) if any(map(_what, one.buttons)))
    scores = _buttons(card, "a")
    if not scores:
        following = _buttons(card, "o")
        if following and not _buttons(card, "y"):
            await person.tap(card, following[0].data or "")
            return True
        return False
    below = esteem[int(_arguments(scores[0])[0])] + rater.strict
    match rater.way:
        case "uneven":
            for place, row in enumerate(_by_aspect(card)):
                await person.tap(card, _nth(row, below + place % 2).data or "")
        case "type":
            said = [_nth(scores, below + (place == 2)).text.strip("[]") for place in range(5)]
            await person.send(" ".join(said))
        case _:
            await person.tap(card, _nth(scores, below).data or "")
    return True


def _nth(row: Sequence[Button], number: int) -> Button:
    return row[min(number, len(row) - 1)]


def _by_aspect(card: MessageView) -> Iterable[list[Button]]:
    rows = ([one for one in row if _what(one) == "s"] for row in card.rows)
    return (row for row in rows if row)


def _what(button: Button) -> str:
    """The letter that says what a card's button does; "" for other buttons."""
    parts = (button.data or "").split(":")
    return parts[4] if parts[0] == ACTION else ""


def _arguments(button: Button) -> list[str]:
    return (button.data or "").split(":")[5:]


def _buttons(card: MessageView, what: str) -> list[Button]:
    return [one for one in card.buttons if _what(one) == what]


def _filled_in(play: "Play", rater: Rater) -> bytes:
    """His form with all scores in it."""
    with transaction(play.reader) as session:
        seat = session.exec(select(Seat).where(Seat.panel == rater.panel, Seat.name == rater.name)).one()
        survey = next(one for one in surveys.running(session) if one.panel == rater.panel)
        sheet = casting.sheet_of_draft(session, survey, seat, None)
        esteem = _esteem(play, session)
        for unit in sheet.departments:
            scores = offered(min(sheet.maxima(unit)), sheet.rulebook.rating.step)
            sheet.set_all(unit, scores[min(esteem[unit.id] + rater.strict, len(scores) - 1)])
        return form(sheet.rulebook, survey, seat.id, label(seat), sheet.departments, sheet.given)
