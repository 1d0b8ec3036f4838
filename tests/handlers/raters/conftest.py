"""A rating under way: the leaders' panel and the departments', with who rates in them, as the bot shows it."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from sqlmodel import Session, select

from bot import assembly
from bot.clock import ServerClock
from bot.lease import lease_on, wait_for_lead
from bot.settings import Settings
from sandbox.facade import PersonView, Tap
from sandbox.views import MessageView
from scoring import casting, seats, surveys
from scoring.rating import Given
from scoring.survey_tables import BallotBox, RatingDraft, Seat, Survey, Turn
from store import people
from store.db import transaction
from store.people import Department, Person, Role

if TYPE_CHECKING:
    from tests.handlers.conftest import Office

DAYS = timedelta(days=5)


@dataclass
class Round:
    """A rating by one panel in the office: who is in it, and what the database shows of it."""

    office: "Office"
    panel: str
    survey_id: int = 0
    tokens: dict[str, str] = field(default_factory=dict)

    def read(self, look: Callable[[Session], object]) -> object:
        return self.office.read(look)

    @property
    def closes_at(self) -> datetime:
        return self.office.read(lambda session: session.get_one(Survey, self.survey_id).closes_at)

    def seat(self, name: str) -> Seat:
        query = select(Seat).where(Seat.name == name, Seat.panel == self.panel)
        return self.office.read(lambda session: session.exec(query).one())

    def draft(self, name: str) -> RatingDraft | None:
        key = (self.survey_id, self.seat(name).id)
        return self.office.read(lambda session: session.get(RatingDraft, key))

    def state(self, name: str) -> str:
        key = (self.survey_id, self.seat(name).id)
        turn = self.office.read(lambda session: session.get(Turn, key))
        return turn.state if turn else "invited"

    def given(self, name: str) -> dict[str, Given]:
        """What a place has been given so far, by the department's name."""

        seat = self.seat(name)

        def look(session: Session) -> dict[str, Given]:
            survey = session.get_one(Survey, self.survey_id)
            sheet = casting.sheet_of_draft(session, survey, seat, casting.draft_of(session, survey, seat))
            return {unit.name: sheet.given[unit.id] for unit in sheet.departments}

        return self.office.read(look)

    def scores(self, name: str) -> dict[str, list[str] | str | None]:
        """The same in plain words: figures, 「弃权」, the total, or None."""
        return {unit: _plain(one) for unit, one in self.given(name).items()}

    def boxes(self) -> dict[str, tuple[dict[str, int], int]]:
        """By department: the marks and how often each, and the abstentions."""

        def look(session: Session) -> dict[str, tuple[dict[str, int], int]]:
            found = session.exec(select(BallotBox).where(BallotBox.survey_id == self.survey_id))
            return {
                session.get_one(Department, box.department_id).name: (dict(box.marks), box.abstained) for box in found
            }

        return self.office.read(look)

    async def invite(self, name: str, *, assistant_of: str = "") -> PersonView:
        """Somebody who follows the link of his place, or of the place that he assists."""
        with transaction(self.office.engine) as session:
            by = people.person_of(session, self.office.admin.id)
            assert by is not None
            year = 2021
            seat = session.exec(
                select(Seat).where(Seat.name == (assistant_of or name), Seat.panel == self.panel)
            ).first()
            if seat is None:
                seat, _ = seats.enter(session, year=year, panel=self.panel, name=assistant_of or name)
            now = self.office.sandbox.clock.now()
            link = seats.link(session, seat, by=by, now=now, assistant=name if assistant_of else "")
        self.tokens[name] = link.token
        person = self.office.sandbox.person(name)
        await person.start(link.token)
        return person


def _plain(given: Given) -> list[str] | str | None:
    if given.abstained:
        return "弃权"
    if given.total is not None:
        return _figure(given.total)
    return [_figure(one) if one is not None else "" for one in given.aspects] or None


def _figure(answer: Decimal | str) -> str:
    return f"{answer.normalize():f}" if isinstance(answer, Decimal) else answer


def open_round(office: "Office", panel: str, *, rehearsal: bool = False, days: timedelta = DAYS) -> Round:
    """A rating that runs from now on."""
    with transaction(office.engine) as session:
        by = people.person_of(session, office.admin.id)
        assert by is not None
        now = office.sandbox.clock.now()
        survey = surveys.open_survey(
            session, year=2021, panel=panel, closes_at=now + days, by=by, now=now, rehearsal=rehearsal
        )
        survey.announce, survey.remind_at = "", None
        session.add(survey)
        return Round(office, panel, survey.id)


@pytest.fixture
async def departments(office: "Office") -> Round:
    """The departments rate each other; 李局长 for 财政局, who rates 商务局 and 政务服务局."""
    return open_round(office, "departments")


@pytest.fixture
async def leaders(office: "Office") -> Round:
    """Leaders rate; 王主任 has a place."""
    with transaction(office.engine) as session:
        seats.enter(session, year=2021, panel="leaders", name="王主任")
    return open_round(office, "leaders")


async def stopped(office: "Office") -> None:
    """Stops the bot, and waits until it has."""
    office.bot.stop()
    lease = lease_on(office.engine)
    await wait_for_lead(lease)
    lease.give_back()


@asynccontextmanager
async def restarted(office: "Office") -> AsyncIterator[None]:
    """The bot is stopped, and another one begins on the same database."""
    await stopped(office)
    settings = Settings(_env_file=None, token=office.sandbox.token, api_base=office.sandbox.url, limits=False)  # type: ignore[call-arg]
    async with assembly.assemble(settings, office.engine, ServerClock()).running():
        yield


async def card(person: PersonView, *holding: str) -> MessageView:
    """The latest message with buttons of a card, once its text and buttons hold these words."""

    def fits(message: MessageView) -> bool:
        said = "\n".join([message.text, *message.labels])
        return message.by_bot and _is_card(message) and all(word in said for word in holding)

    await person._sandbox.until(lambda: [one for one in person.messages if fits(one)])
    return [one for one in person.messages if fits(one)][-1]


def _is_card(message: MessageView) -> bool:
    return any(re.match(r"b:", button.data or "") for button in message.buttons)


def row(message: MessageView, label: str) -> list[str]:
    """The words on the row of buttons that begins with this label."""
    [found] = [[button.text for button in line] for line in message.rows if line[0].text == label]
    return found[1:]


def data(message: MessageView, label: str, score: str) -> str:
    """The callback data of a score in the row that begins with a label."""
    [line] = [line for line in message.rows if line[0].text == label]
    [found] = [button.data for button in line if button.text.strip("[]") == score]
    assert found is not None
    return found


async def give(person: PersonView, message: MessageView, label: str, score: str) -> Tap:
    """Taps a score."""
    return await person.tap(message, data(message, label, score))


def another(office: "Office", name: str, role: Role, department: str) -> Person:
    """Appoints somebody who has met the bot."""
    with transaction(office.engine) as session:
        unit = session.exec(select(Department).where(Department.code == department)).one()
        person = office.sandbox.person(name)
        known = people.met(session, person.id, name=name, username=None, now=office.sandbox.clock.now())
        people.appoint(session, known, role, office.sandbox.clock.now(), unit.id)
        return known
