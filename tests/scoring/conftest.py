"""A zone with a rule book in force, and people who may act in it."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from fractions import Fraction

import pytest
from sqlmodel import Session

from scoring.loading import load
from scoring.points import UNIT
from scoring.rulebook import RuleBook
from scoring.standings import put_in_force
from scoring.survey_tables import BallotBox, Survey
from store.commands import Act
from store.people import Department, Person, Role, appoint
from store.times import CHINA

NOW = datetime(2021, 4, 6, 10, tzinfo=CHINA)


@pytest.fixture(scope="session")
def rulebook() -> RuleBook:
    return load("jilin-2021")


@pytest.fixture
def zone(session: Session, rulebook: RuleBook) -> Session:
    """2021 is in force; 财政局, 商务局 and 政务服务局 (the office) are assessed."""
    put_in_force(session, rulebook, 2021, datetime(2021, 1, 1, tzinfo=CHINA))
    session.add_all(
        [
            Department(code="fin", name="财政局", kind="bureau"),
            Department(code="com", name="商务局", kind="bureau"),
            Department(code="gov", name="政务服务局", kind="bureau", aliases="营商办", office=True),
        ]
    )
    session.flush()
    return session


@pytest.fixture
def fin(zone: Session) -> Department:
    return zone.get_one(Department, 1)


@pytest.fixture
def com(zone: Session) -> Department:
    return zone.get_one(Department, 2)


@pytest.fixture
def gov(zone: Session) -> Department:
    return zone.get_one(Department, 3)


class Cast:
    """The people of a play, entered when they are first called for."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.count = 0

    def person(self, name: str, role: Role, department: Department | None = None) -> Person:
        self.count += 1
        person = Person(telegram_id=1000 + self.count, name=name, started_at=NOW)
        self.session.add(person)
        self.session.flush()
        appoint(self.session, person, role, NOW, department.id if department else None)
        return person

    def act(self, person: Person, via: str = "chat", now: datetime = NOW) -> Act:
        return Act(self.session, now, person, via)


@pytest.fixture
def cast(zone: Session) -> Cast:
    return Cast(zone)


def rated(
    session: Session,
    panel: str,
    given: Iterable[tuple[Department, Iterable[str]]],
    *,
    year: int = 2021,
    abstained: int = 0,
) -> Survey:
    """A panel's rating that is over: for each department its marks, in points, each a ballot."""
    boxes = list(given)
    clerk = Person(name=f"{panel}登记")
    session.add(clerk)
    session.flush()
    survey = Survey(
        year=year, panel=panel, departments=[one.id for one, _ in boxes], opened_at=NOW, opened_by=clerk.id,
        closes_at=NOW, closed_at=NOW,
    )  # fmt: skip
    session.add(survey)
    session.flush()
    for department, marks in boxes:
        counts = Counter(str(Fraction(mark) * UNIT) for mark in marks)
        row = BallotBox(
            survey_id=survey.id, department_id=department.id, marks=dict(sorted(counts.items())), abstained=abstained
        )
        session.add(row)
    session.flush()
    return survey


MARKS = {
    "leaders": ("28.5", "27", "30"),
    "departments": ("9", "8.25", "10"),
    "enterprises": ("9.5", "7", "8"),
    "supervisors": ("10", "9", "8.5"),
}
"""Three ballots a panel: a mean with a third in it, and others without."""


@pytest.fixture
def counted(zone: Session, fin: Department, com: Department, gov: Department) -> Session:
    """The zone once all four ratings are over, each department with three ballots a panel."""
    for panel, marks in MARKS.items():
        rated(zone, panel, [(fin, marks), (com, marks[:2] + marks[1:2]), (gov, marks[1:] + marks[2:])], abstained=1)
    return zone
