"""A zone in which time passes: departments with their liaisons, duties from the first day, and ticks that deliver."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

import pytest
from sqlmodel import Session, col, select

from scheduler import hand_ins, obligations
from scheduler.duties import assign_duty, obligation_for
from scheduler.frame import Frame
from scheduler.naming import held_obligations
from scheduler.reminders import delivered
from scheduler.tables import Obligation
from scheduler.tick import tick
from scoring import ledger
from scoring.loading import load
from scoring.points import plain
from scoring.rulebook import RuleBook
from scoring.standings import put_in_force
from scoring.tables import LedgerEntry
from store import vitals
from store.commands import Act
from store.notices import Notice
from store.people import Department, Person, Role, appoint
from store.times import CHINA, iso_china

ALL = ("monthly_update", "quarterly_summary", "publicity_ledger")


def at(text: str) -> datetime:
    """An instant on a clock in China: ``at("04-02 23:59")`` is of 2021."""
    day, _, clock = text.partition(" ")
    year = "" if len(day) > 5 else "2021-"
    return datetime.fromisoformat(f"{year}{day}T{clock or '00:00'}").replace(tzinfo=CHINA)


@dataclass
class Zone:
    """What a test does to a zone. ``tick`` reads everything there is and delivers what it can at once."""

    session: Session

    @property
    def frame(self) -> Frame:
        return Frame.of(self.session)

    def department(
        self,
        code: str,
        name: str,
        *,
        duties: Iterable[str] = ("monthly_update",),
        reachable: bool = True,
        kind: str = "bureau",
        since: datetime | None = None,
    ) -> Department:
        since = since or at("01-01")
        department = Department(code=code, name=name, kind=kind)
        self.session.add(department)
        self.session.flush()
        if reachable:
            self.person(f"{name}联络员", Role.LIAISON, department)
        for duty in duties:
            assign_duty(self.frame, department, duty, since=date(2021, 1, 1), now=since)
        return department

    def person(self, name: str, role: Role, department: Department | None = None) -> Person:
        count = len(self.session.exec(select(Person.id)).all())
        person = Person(telegram_id=1000 + count, name=name, started_at=at("01-01"))
        self.session.add(person)
        self.session.flush()
        appoint(self.session, person, role, at("01-01"), department.id if department else None)
        return person

    def act(self, person: Person, now: datetime) -> Act:
        return Act(self.session, now, person, "chat")

    def owes(self, department: Department, period: str, duty: str = "monthly_update") -> Obligation:
        return obligation_for(self.frame, department, duty, period, at("01-01"))

    def read(self, now: datetime) -> None:
        """Everything that Telegram had up to now has been read and handled."""
        row = vitals.vitals(self.session)
        row.last_contact = row.drained_at = row.handled_through = now
        self.session.add(row)
        self.session.flush()

    def tick(self, now: datetime, *, deliver: bool = True, read: bool = True) -> list[Notice]:
        if read:
            self.read(now)
        notices = tick(self.session, now)
        if deliver:
            delivered(self.session, [one.topic for one in notices if one.topic], now)
            self.session.expire_all()
        return notices

    def live(self, *instants: str, summaries: bool = False) -> list[Notice]:
        """Tick at each of these; everything that was said, the monthly summaries only if asked for."""
        told = [notice for one in instants for notice in self.tick(at(one))]
        return [one for one in told if summaries or one.kind != "summary"]

    def hand_in(
        self, obligation: Obligation, sent: str, read: str | None = None, kind: hand_ins.Kind = "file"
    ) -> hand_ins.HandedIn:
        return hand_ins.hand_in(
            self.frame,
            obligation,
            department_id=obligation.department_id,
            sent_at=at(sent),
            recorded_at=at(read or sent),
            person_id=None,
            kind=kind,
        )

    def extend(self, obligation: Obligation, until: str, now: str) -> obligations.Moved:
        return obligations.extend(self.frame, obligation, at(until), now=at(now))

    def entries(self, department: Department | None = None) -> list[tuple[str, str | None, str, str, bool]]:
        """(item, period, points, when, stands) of every entry that is no reversal, as they happened."""
        query = select(LedgerEntry).where(col(LedgerEntry.reverses_id).is_(None))
        if department is not None:
            query = query.where(LedgerEntry.department_id == department.id)
        rows = self.session.exec(query.order_by(col(LedgerEntry.happened_at), col(LedgerEntry.id))).all()
        return [
            (one.item, one.period, plain(one.points), iso_china(one.happened_at)[:16], ledger.stands(self.session, one))
            for one in rows
        ]

    def held(self) -> list[tuple[int, str | None, str | None]]:
        return [(one.department_id, one.period, row.why) for one, row in held_obligations(self.session)]


@pytest.fixture(scope="session")
def rulebook() -> RuleBook:
    return load("jilin-2021")


@pytest.fixture
def zone(session: Session, rulebook: RuleBook) -> Zone:
    """The assessment year 2021, live from its first instant."""
    put_in_force(session, rulebook, 2021, at("01-01"))
    return Zone(session)


@pytest.fixture
def fin(zone: Zone) -> Department:
    return zone.department("fin", "财政局")


@pytest.fixture
def march(zone: Zone, fin: Department) -> Obligation:
    """财政局's monthly update of March, due on 2 April (Friday), 24:00. January and February are met."""
    for period in ("2021-01", "2021-02"):
        zone.hand_in(zone.owes(fin, period), "01-15 10:00")
    return zone.owes(fin, "2021-03")
