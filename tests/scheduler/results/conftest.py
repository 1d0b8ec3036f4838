"""A zone at the end of its year, and what is done with its result."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import pytest
from sqlmodel import select

from scheduler.closing import obstacles
from scheduler.frame import Frame
from scoring import ledger, results
from scoring.points import UNIT
from scoring.result_tables import ResultSet
from scoring.survey_tables import BallotBox, Survey
from scoring.tables import LedgerEntry
from store import acting
from store.acting import Decided
from store.commands import VERBS, Act, parse_line
from store.errors import Refusal
from store.notices import Notice
from store.people import Department, Person, Role, appoint
from store.proposals import open_proposals
from tests.scheduler.conftest import Zone, at

END = at("2022-01-20 10:00")
"""Everything of 2021 is settled."""
MARKS = {"leaders": "27", "departments": "9", "enterprises": "8", "supervisors": "9.5"}


class Play:
    """A zone at the end of its year, with an office of two, a leading group of three and two departments."""

    def __init__(self, zone: Zone) -> None:
        self.zone, self.session = zone, zone.session
        self.fin = zone.department("fin", "财政局", duties=())
        self.com = zone.department("com", "商务局", duties=())
        self.clerk, self.second = (self._person(name, Role.ADMINISTRATOR) for name in ("甲", "乙"))
        self.members = [self._person(f"成员{number}", Role.LEADING_GROUP) for number in range(3)]

    def _person(self, name: str, role: Role) -> Person:
        person = Person(
            name=name, telegram_id=9000 + len(self.session.exec(select(Person)).all()), started_at=at("01-01")
        )
        self.session.add(person)
        self.session.flush()
        appoint(self.session, person, role, at("01-01"), None)
        return person

    def rate(self, *, only: Iterable[str] = MARKS) -> None:
        for panel in only:
            survey = Survey(
                year=2021, panel=panel, departments=[self.fin.id, self.com.id], opened_at=at("12-01"),
                opened_by=self.clerk.id, closes_at=at("12-20"), closed_at=at("12-20 01:00"),
            )  # fmt: skip
            self.session.add(survey)
            self.session.flush()
            mark = str(int(float(MARKS[panel]) * UNIT))
            for unit in (self.fin, self.com):
                self.session.add(BallotBox(survey_id=survey.id, department_id=unit.id, marks={mark: 3}))
        self.session.flush()

    def deduct(
        self, unit: Department, item: str = "daily.7", count: int = 1, when: datetime | None = None
    ) -> LedgerEntry:
        return ledger.post(
            self.session, department_id=unit.id, year=2021, item=item, count=count, happened_at=at("06-01"),
            recorded_at=when or at("06-01"), source="admin", reason="窗口无人",
        )  # fmt: skip

    def does(self, who: Person, line: str, now: datetime = END, via: Any = "chat") -> tuple[Any, list[Notice]]:
        """What a line does, and who is told what."""
        act = Act(self.session, now, who, via)
        name = next(name for name in sorted(VERBS, key=len, reverse=True) if f"{line} ".startswith(f"{name} "))
        verb = VERBS[name]
        done = acting.run(act, verb, **parse_line(act, verb, line[len(name) :].strip()))
        return done, act.notices

    def confirm(self, who: Person, now: datetime = END) -> Decided:
        [proposal] = open_proposals(self.session)
        return acting.confirm(Act(self.session, now, who, "chat"), proposal)

    def freeze(self, line: str = "freeze 2021") -> ResultSet:
        self.does(self.clerk, line)
        return results.standing_result(self.session, 2021)

    def publish(self) -> ResultSet:
        result = self.freeze()
        for one in self.members[:2]:
            self.does(one, f"approve {result.hash}")
        self.does(self.clerk, "publish 2021")
        return result

    def obstacles(self, now: datetime = END) -> dict[str, tuple[int, tuple[str, ...]]]:
        return {one.code: (one.count, one.names) for one in obstacles(Frame.of(self.session), 2021, now)}


@pytest.fixture
def play(zone: Zone) -> Play:
    return Play(zone)


@pytest.fixture
def rated(play: Play) -> Play:
    play.rate()
    play.deduct(play.fin, count=2)
    return play


def refused(code: str) -> "pytest.RaisesExc[Refusal]":
    return pytest.raises(Refusal, match=code)


def told(notices: Iterable[Notice]) -> list[tuple[str, str]]:
    return [(one.kind, one.to.kind) for one in notices]
