"""Raters of the sandbox: they rate from the cards that the bot shows them, and remember what they gave."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from sandbox.facade import PersonView, Sandbox, Tap
from sandbox.views import MessageView
from scoring import seats, surveys
from scoring.loading import load
from scoring.standings import put_in_force, years
from scoring.survey_tables import BallotBox, Survey
from store import people
from store.db import transaction
from store.people import Department, Role

UNIT = 10_000
"""What a point counts in a box's marks."""
Boxes = dict[int, tuple[dict[str, int], int]]
"""By department: the marks and how often each, and the abstentions."""


def furnish(
    session: Session, raters: Sequence[PersonView], departments: int, *, panel: str, now: datetime, closes_at: datetime
) -> int:
    """A zone whose departments these people are to rate in one panel from now on; the survey's number."""
    if now.year not in years(session):
        put_in_force(session, load("jilin-2021"), now.year, now)
    session.add_all(Department(code=f"d{n}", name=f"第{n}局", kind="bureau") for n in range(1, departments + 1))
    session.flush()
    by = None
    for view in raters:
        person = people.met(session, view.id, name=view.name, username=None, now=now)
        by = by or person
        people.appoint(session, person, Role.RATER, now)
        seat, _ = seats.enter(session, year=now.year, panel=panel, name=view.name)
        seats.taken(session, seat.id, person, assists=False)
    assert by is not None
    survey = surveys.open_survey(session, year=now.year, panel=panel, closes_at=closes_at, by=by, now=now)
    survey.announce, survey.remind_at = "", None
    session.add(survey)
    session.flush()
    return survey.id


def boxes(engine: Any, survey_id: int) -> Boxes:
    """What the boxes of a survey hold, in the order of their rows."""
    with transaction(engine) as session:
        query = select(BallotBox).where(BallotBox.survey_id == survey_id).order_by(col(BallotBox.department_id))
        return {box.department_id: (dict(box.marks), box.abstained) for box in session.exec(query)}


def rated(engine: Any, survey_id: int) -> list[int]:
    """The departments that a survey rates."""
    with transaction(engine) as session:
        return list(session.get_one(Survey, survey_id).departments)


class Rater:
    """Somebody with a card before him. ``given``: by the department's id, his answers in tenths of a point."""

    def __init__(self, view: PersonView) -> None:
        self.view = view
        self.card: MessageView | None = None
        self.given: dict[int, list[int]] = {}
        self.changed = asyncio.Event()

    async def shows(self, fits: Callable[[MessageView], bool], patience: float = 120.0) -> MessageView:
        """The card, once it looks like that. AssertionError with the chat if it does not in time."""
        try:
            async with asyncio.timeout(patience):
                while self.card is None or not fits(self.card):
                    self.changed.clear()
                    await self.changed.wait()
        except TimeoutError:
            raise AssertionError(f"in vain:\n{self.view.transcript()}") from None
        return self.card

    async def begin(self) -> MessageView:
        """Asks for a card, and opens the first department on it."""
        before = self.card.id if self.card else 0
        await self.view.send("/rate")
        await self.shows(lambda card: card.id > before)
        await self.tap(_data(self.shown, "o"))
        return await self.shows(lambda card: bool(_data(card, "s") or _data(card, "a")))

    @property
    def shown(self) -> MessageView:
        assert self.card is not None
        return self.card

    @property
    def prefix(self) -> str:
        """What the data of all buttons of the present card begin with."""
        first = next(one.data for one in self.shown.buttons if one.data and one.data.startswith("b:"))
        return ":".join(first.split(":")[:4])

    async def tap(self, data: str) -> Tap:
        """Taps what the card shows, or has just shown."""
        return await self.view.forge(self.shown, data)

    async def give(self, unit: int, aspect: int, tenths: int) -> Tap:
        """One aspect of a department."""
        self.given.setdefault(unit, [0] * 5)[aspect] = tenths
        return await self.tap(f"{self.prefix}:s:{unit}:{aspect}:{plain(tenths)}")

    async def give_all(self, unit: int, tenths: int) -> Tap:
        """The same for all aspects."""
        self.given[unit] = [tenths] * 5
        return await self.tap(f"{self.prefix}:a:{unit}:{plain(tenths)}")

    async def submit(self) -> None:
        """Reviews what was given, and submits it."""
        await self.tap(f"{self.prefix}:r")
        review = await self.shows(lambda card: bool(_data(card, "y")))
        await self.view.tap(review, _data(review, "y"))
        sure = await self.shows(lambda card: bool(_data(card, "f")))
        await self.view.tap(sure, _data(sure, "f"))
        await self.shows(lambda card: "已提交" in card.text)


def plain(tenths: int) -> str:
    """A score as a button has it."""
    return f"{tenths / 10:g}"


def _data(card: MessageView, what: str) -> str:
    """The data of the card's first button of a kind; "" where there is none."""
    return next((one.data for one in card.buttons if one.data and one.data.split(":")[4:5] == [what]), "")


class Crowd(dict[int, Rater]):
    """Raters by their chat, who see their cards change."""

    def __init__(self, sandbox: Sandbox, views: Iterable[PersonView]) -> None:
        super().__init__((view.id, Rater(view)) for view in views)
        sandbox.world.listeners.append(self._heard)

    def _heard(self, event: dict[str, Any]) -> None:
        rater = self.get(event.get("chat", 0))
        if rater is None or event["event"] != "message":
            return
        message = MessageView(event["message"])
        own = rater.card is not None and message.id == rater.card.id
        if message.by_bot and (own or any((one.data or "").startswith("b:") for one in message.buttons)):
            rater.card = message
            rater.changed.set()

    def expected(self, departments: Iterable[int]) -> Boxes:
        """What the boxes hold once all have submitted what they gave."""
        found: Boxes = {}
        for unit in departments:
            marks = [sum(one.given[unit]) * UNIT // 10 for one in self.values() if unit in one.given]
            count = Counter(map(str, marks))
            found[unit] = (dict(sorted(count.items())), len(self) - len(marks))
        return found
