"""Playing a scenario: the real duties, reminders, settlement and ledger on a virtual clock, in a database of its own.

Time jumps from one instant at which something can happen to the next: the events, the ends of outages, and what the
tables themselves say has to be looked at (``tick.looks``). A test holds this against ticks each minute.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlmodel import Session, SQLModel, col, select

from scheduler.duties import assign_duty, obligation_for
from scheduler.frame import Frame
from scheduler.hand_ins import count
from scheduler.judgement import TELEGRAM_KEEPS
from scheduler.obligations import decide_hold, exempt, extend
from scheduler.reminders import TOPIC, delivered
from scheduler.scenario import ScenarioError, read_scenario
from scheduler.script import (
    Appeal,
    Decide,
    Down,
    Event,
    Exempt,
    Extend,
    Owed,
    Record,
    Reverse,
    Scenario,
    Submit,
    SubmitAll,
    Vote,
)
from scheduler.settlement import settle, standing_deduction
from scheduler.tables import HandIn, Obligation, Outcome, Settlement
from scheduler.tick import NEVER, advance, looks
from scoring import ledger
from scoring.ballots import Ballot
from scoring.points import plain, shown
from scoring.ranking import rank
from scoring.sheet import LedgerLine, ScoreSheet, score_sheet
from scoring.standings import By, put_in_force
from scoring.tables import LedgerEntry
from store import vitals
from store.db import open_engine, transaction
from store.errors import Refusal
from store.people import Department, Person, Role, appoint
from store.times import iso_china


def simulate(path: str | Path, by: By = "total") -> dict[str, Any]:
    """Play the scenario in a file: the figures of SPEC 12 as plain data, ranked ``by`` total or daily score.

    Raises ScenarioError, one line that names the file, the event and the fault. Nothing is written anywhere.
    """
    scenario = read_scenario(path)
    engine = open_engine("sqlite://")
    try:
        SQLModel.metadata.create_all(engine)
        with transaction(engine) as session:
            return _Play(scenario, session).run(by)
    finally:
        engine.dispose()


class _Play:
    """One run. The bot is up except in outages; what it says arrives at once where there is somebody to read it."""

    def __init__(self, scenario: Scenario, session: Session) -> None:
        self.scenario = scenario
        self.session = session
        self.entries: dict[str, LedgerEntry] = {}
        self.voted: set[tuple[str, str]] = set()
        self.ballots: dict[str, list[Ballot]] = {code: [] for code in scenario.units}
        downs = [(event.at, event.deed.until) for event in scenario.events if isinstance(event.deed, Down)]
        self.outages = _merged(downs)
        self.unread = self._unread()
        self.agenda = self._agenda()
        self.departments = self._set_up()
        self.pulse = vitals.vitals(session)
        self.obligations: dict[Owed, Obligation] = {}
        self.look = NEVER
        self.look_is_known = False
        self.codes = {department.id: code for code, department in self.departments.items()}
        self.frame = Frame.of(session)
        for unit in scenario.units.values():
            for duty in unit.owed:
                # All of the year's periods, and no daily look for another year's rule book, which never comes.
                since, until = date(scenario.year - 1, 1, 1), date(scenario.year + 1, 1, 31)
                assign_duty(self.frame, self.departments[unit.code], duty, since=since, until=until, now=scenario.start)

    def _set_up(self) -> dict[str, Department]:
        """The zone as the scenario has it: a liaison for each department that can be reached."""
        put_in_force(self.session, self.scenario.rulebook, self.scenario.year, self.scenario.start)
        found = {}
        for number, unit in enumerate(self.scenario.units.values(), start=1):
            department = Department(code=unit.code, name=unit.name, kind=unit.kind, vertical=unit.vertical)
            self.session.add(department)
            self.session.flush()
            found[unit.code] = department
            if unit.reachable:
                liaison = Person(telegram_id=number, name=unit.name, started_at=self.scenario.start)
                self.session.add(liaison)
                self.session.flush()
                appoint(self.session, liaison, Role.LIAISON, self.scenario.start, department.id)
        for began, ended in self.outages:
            self.session.add(vitals.Outage(began=began, ended=ended))
        return found

    def _sends(self) -> Iterator[tuple[datetime, int, Owed]]:
        """Everything that is handed in: when, by which event, what."""
        for event in self.scenario.events:
            if isinstance(event.deed, Submit):
                yield event.at, event.number, event.deed.owed
            elif isinstance(event.deed, SubmitAll):
                for sent_at, owed in event.deed.sends:
                    yield sent_at, event.number, owed

    def _unread(self) -> dict[datetime, list[tuple[datetime, int, Owed]]]:
        """What is sent during each outage, by its end, without what Telegram has forgotten by then."""
        found: dict[datetime, list[tuple[datetime, int, Owed]]] = {}
        for send in self._sends():
            ended = self._down(send[0])
            if ended is not None and ended - send[0] <= TELEGRAM_KEEPS:
                found.setdefault(ended, []).append(send)
        return {ended: sorted(sends, key=lambda one: one[:2]) for ended, sends in found.items()}

    def _agenda(self) -> list[tuple[datetime, int, Event | Owed]]:
        """What happens when, in the order in which it is played; outages have been seen to beforehand."""
        played: list[tuple[datetime, int, Event | Owed]] = [
            (event.at, event.number, event)
            for event in self.scenario.events
            if not isinstance(event.deed, Submit | SubmitAll | Down)
        ]
        played += [send for send in self._sends() if self._down(send[0]) is None]
        return sorted(played, key=lambda one: one[:2])

    def _down(self, at: datetime) -> datetime | None:
        """When the outage ends that lies over an instant; None while the bot is up."""
        return next((ended for began, ended in self.outages if began <= at < ended), None)

    def run(self, by: By) -> dict[str, Any]:
        """Play from start to end, then settle what is due, and report."""
        agenda = deque(self.agenda)
        now: datetime | None = self.scenario.start
        while now is not None:
            self._live(now)
            if agenda and agenda[0][0] <= now:
                while agenda and agenda[0][0] <= now:
                    self._happen(agenda.popleft())
                self._live(now)
            now = self._next(now, agenda[0][0] if agenda else None)
        end = self.scenario.end
        running = self._down(end)
        if running is not None:
            self._read(self.unread.pop(running, []), end)
        settle(self.frame, end, closing=True)
        return self._report(by)

    def _next(self, now: datetime, event: datetime | None) -> datetime | None:
        """The next instant at which something can happen; None when the scenario is over."""
        coming = [event, *(ended for _, ended in self.outages if ended > now)]
        look = self._look()
        if look > now:
            # While the bot is down, time does nothing.
            coming.append(self._down(look) or look)
        soonest = min((at for at in coming if at is not None), default=None)
        return soonest if soonest is not None and soonest <= self.scenario.end else None

    def _live(self, now: datetime) -> None:
        """What the bot does at an instant, if it is up: read what waits, tick, and deliver what that has to say."""
        if self._down(now) is not None:
            return
        self._read(self.unread.pop(now, []), now)
        if self._look() <= now:
            self.pulse.last_contact = self.pulse.drained_at = now
            done = advance(self.frame, now)
            delivered(self.session, [TOPIC + one.batch for one in done.reminded if one.reached], now)
            self.obligations |= {
                Owed(self.codes[one.department_id], one.duty or "", one.period or ""): one for one in done.opened
            }
            self.look_is_known = False

    def _look(self) -> datetime:
        """When time will have something to do; after hand-ins perhaps only that something has to be looked at."""
        if not self.look_is_known:
            self.look, self.look_is_known = looks(self.session).earliest, True
        return self.look

    def _read(self, sends: list[tuple[datetime, int, Owed]], now: datetime) -> None:
        for sent_at, _, owed in sends:
            self._hand_in(owed, sent_at, now)

    def _happen(self, one: tuple[datetime, int, Event | Owed]) -> None:
        at, number, what = one
        if isinstance(what, Owed):
            self._hand_in(what, at, at)
            return
        self.look_is_known = False
        try:
            self._do(what)
        except Refusal as refusal:
            raise ScenarioError(self.scenario.file, _FAULTS.get(refusal.code, str(refusal)), number) from None
        except _Impossible as fault:
            raise ScenarioError(self.scenario.file, str(fault), number) from None

    def _do(self, event: Event) -> None:
        now = event.at
        match event.deed:
            case Record() as deed:
                self._record(deed, now)
            case Reverse(name):
                ledger.reverse(self.session, self._entry(name), now=now, source="admin")
            case Extend(owed, until):
                extend(self.frame, self._obligation(owed, now), until, now=now)
            case Exempt(owed):
                exempt(self.frame, self._obligation(owed, now), now=now)
            case Decide(owed, decision):
                decide_hold(self.frame, self._obligation(owed, now), decision, now=now)
            case Vote() as vote:
                self._vote(vote)
            case Appeal(of, accept):
                entry = self._entry(of) if isinstance(of, str) else self._deduction(of, now)
                if not ledger.stands(self.session, entry):
                    raise _Impossible("the entry does not stand any more")
                if accept:
                    ledger.reverse(self.session, entry, now=now, source="appeal")

    def _hand_in(self, owed: Owed, sent_at: datetime, now: datetime) -> None:
        obligation = self._obligation(owed, now)
        one = HandIn(
            department_id=obligation.department_id, kind="file", channel="telegram", sent_at=sent_at, recorded_at=now
        )
        count(self.frame, one, obligation, now=now)
        self.look = min(self.look, obligation.remind_at or NEVER, obligation.settle_at or NEVER)

    def _record(self, deed: Record, now: datetime) -> None:
        entry = ledger.post(
            self.session,
            department_id=self.departments[deed.department].id,
            year=self.scenario.year,
            item=deed.item,
            count=deed.count,
            happened_at=now,
            recorded_at=now,
            source="admin",
            reason=deed.reason,
        )
        if deed.id is not None:
            self.entries[deed.id] = entry

    def _vote(self, vote: Vote) -> None:
        if (vote.panel, vote.rater) in self.voted:
            raise _Impossible(f'"{vote.rater}" has voted in the panel {vote.panel} already')
        self.voted.add((vote.panel, vote.rater))
        for code, ballot in vote.ballots.items():
            self.ballots[code].append(ballot)

    def _obligation(self, owed: Owed, now: datetime) -> Obligation:
        if owed not in self.obligations:
            department = self.departments[owed.department]
            self.obligations[owed] = obligation_for(self.frame, department, owed.duty, owed.period, now)
        return self.obligations[owed]

    def _entry(self, name: str) -> LedgerEntry:
        if name not in self.entries:
            raise _Impossible(f'"{name}" has not been recorded by then')
        return self.entries[name]

    def _deduction(self, owed: Owed, now: datetime) -> LedgerEntry:
        entry = standing_deduction(self.session, self._obligation(owed, now))
        if entry is None:
            raise _Impossible("there is no deduction that stands")
        return entry

    def _report(self, by: By) -> dict[str, Any]:
        rulebook, year = self.scenario.rulebook, self.scenario.year
        query = select(LedgerEntry).where(LedgerEntry.year == year)
        entries: dict[int, list[LedgerEntry]] = {one.id: [] for one in self.departments.values()}
        for entry in self.session.exec(query.order_by(col(LedgerEntry.happened_at), col(LedgerEntry.id))):
            entries[entry.department_id].append(entry)
        held = self._held()
        sheets: dict[str, ScoreSheet] = {}
        for code, department in self.departments.items():
            lines = [LedgerLine(one.item, one.count, one.points, one.event) for one in entries[department.id]]
            sheets[code] = score_sheet(rulebook, lines, self.ballots[code], department.kind)
        ranks = rank(sheets, by)
        return {
            "rulebook": self.scenario.named,
            "year": year,
            "departments": [
                {
                    "code": code,
                    **self._figures(sheets[code]),
                    "rank": ranks[code],
                    "vetoes": list(sheets[code].vetoes),
                    "entries": _entries(entries[department.id]),
                    "held": held.get(department.id, []),
                }
                for code, department in self.departments.items()
            ],
        }

    def _figures(self, sheet: ScoreSheet) -> dict[str, Any]:
        places = self.scenario.rulebook.readings.places
        return {
            "daily": shown(sheet.daily, places),
            "panels": {code: shown(figure, places) for code, figure in sheet.panels.items()},
            "annual": shown(sheet.annual, places),
            "bonus": shown(sheet.bonus, places),
            "total": shown(sheet.total, places),
            "grade": sheet.grade,
        }

    def _held(self) -> dict[int, list[dict[str, str | None]]]:
        """The open holds by department, by duty and period."""
        query = (
            select(Obligation)
            .join(Settlement, col(Settlement.obligation_id) == col(Obligation.id))
            .where(Settlement.outcome == Outcome.HELD, col(Settlement.ended_at).is_(None))
            .order_by(col(Obligation.duty), col(Obligation.period))
        )
        found: dict[int, list[dict[str, str | None]]] = {}
        for one in self.session.exec(query):
            found.setdefault(one.department_id, []).append({"duty": one.duty, "period": one.period})
        return found


def _merged(outages: Iterable[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """Outages (began, ended) as stretches in one piece: what overlaps or touches belongs together."""
    whole: list[tuple[datetime, datetime]] = []
    for began, ended in sorted(outages):
        if whole and began <= whole[-1][1]:
            whole[-1] = (whole[-1][0], max(whole[-1][1], ended))
        else:
            whole.append((began, ended))
    return whole


class _Impossible(Exception):
    """An event that cannot be at the time it is played."""


_FAULTS = {
    "already_reversed": "the entry has been reversed already",
    "extension_not_later": "until is not later than the deadline in force",
    "no_hold": "there is no open hold",
}
"""What a refusal says to somebody who writes scenarios."""


def _entries(entries: list[LedgerEntry]) -> list[dict[str, Any]]:
    """As they are listed: reversals are not, what they reverse is marked."""
    undone = {one.reverses_id for one in entries}
    own = [one for one in entries if one.reverses_id is None]
    return [
        {
            "item": one.item,
            "count": one.count,
            "points": plain(one.points),
            "period": one.period,
            "happened": iso_china(one.happened_at),
            "source": "auto" if one.source == "auto" else "admin",
            "reversed": one.id in undone,
        }
        for one in sorted(own, key=lambda one: (one.happened_at, one.item, one.id))
    ]
