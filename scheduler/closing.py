"""The end of a year: what is not settled yet, by which calendar it was counted, and what voids a frozen result."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlmodel import Session, col, select

from scheduler.duties import owed_slots
from scheduler.facts import departments_by_id, told_of
from scheduler.frame import Frame
from scheduler.naming import held_obligations
from scheduler.tables import Correction, DutyAssignment, Obligation
from scoring import appeals, approval, claims, results, surveys
from scoring.result_tables import ResultSet
from scoring.results import Obstacle
from scoring.standings import current_year, in_force, years
from scoring.tables import LedgerEntry
from store.commands import VERBS
from store.notices import Audience, Notice
from store.proposals import open_proposals
from store.times import china

_DAY = timedelta(days=1)
NAMED = 30
"""So many of the things that stand in the way are named; all of them are counted."""


def year_to_close(session: Session, now: datetime) -> int:
    """The year whose result is due: the latest that is over and has not been published, else the one that runs.

    Raises Refusal year_not_in_force if there is none.
    """
    over = [year for year in years(session) if year < china(now).year and results.published(session, year) is None]
    return over[-1] if over else current_year(session, now)


def calendar_version(frame: Frame, year: int) -> str:
    """The working days by which the deadlines of a year were counted, in one line that changes when one of them does:
    those of the year and of the January after it.
    """
    first, last = date(year, 1, 1), date(year + 1, 1, 31)
    days = (first + _DAY * number for number in range((last - first).days + 1))
    worked = "".join("1" if frame.calendar.is_working_day(day) else "0" for day in days)
    return f"{first.isoformat()}/{last.isoformat()} {sha256(worked.encode()).hexdigest()}"


def changes(frame: Frame, result: ResultSet) -> list[str]:
    """What a result rests on and is otherwise now, as ``results.changes`` says it."""
    return results.changes(frame.session, result, calendar_version(frame, result.year))


def obstacles(frame: Frame, year: int, now: datetime) -> list[Obstacle]:
    """Everything of a year that is not settled: periods to come, holds, appeals, what waits for a second person, bonus
    claims, ratings that run, panels without a figure.
    """
    session, names = frame.session, departments_by_id(frame.session)

    def called(obligation: Obligation) -> str:
        told = told_of(frame, obligation)
        return " ".join(filter(None, (names[obligation.department_id].name, told["period"], told["short"])))

    held = [called(one) for one, _ in held_obligations(session) if one.year == year]
    proposed = [
        one for one in open_proposals(session) if one.department_id is not None and VERBS[one.verb].group == "ledger"
    ]
    reviewed = [f"{names[one.department_id].name} #{one.entry_id}" for one in appeals.open_appeals(session, year)]
    claimed = [one for one in claims.open_claims(session) if one.year == year]
    running = [one for one in surveys.running(session) if one.year == year and not one.rehearsal]
    panels = in_force(session, year).panels
    found = [
        _obstacle("periods", _to_come(frame, year, now)),
        _obstacle("unsettled", [called(one) for one in _unsettled(session, year, now)]),
        _obstacle("holds", held),
        _obstacle("appeals", reviewed),
        _obstacle("proposals", [f"{names[one.department_id or 0].name} #{one.id}" for one in proposed]),
        _obstacle("claims", [f"{names[one.department_id].name} #{one.id}" for one in claimed]),
        _obstacle("surveys", [panels[one.panel].title for one in running]),
    ]
    return [one for one in found if one.count] + results.open_panels(session, year)


def _obstacle(code: str, names: Iterable[str]) -> Obstacle:
    every = list(names)
    return Obstacle(code, len(every), tuple(dict.fromkeys(every))[:NAMED])


def _to_come(frame: Frame, year: int, now: datetime) -> list[str]:
    """The periods of duties that are not due yet, one for each department that owes it and has none of its own yet."""
    known = select(Obligation.department_id, Obligation.duty, Obligation.period).where(Obligation.year == year)
    made = set(frame.session.exec(known).all())
    found = []
    for one in frame.session.exec(select(DutyAssignment).order_by(col(DutyAssignment.id))):
        duty = frame.duty(year, one.duty)
        for slot in owed_slots(frame, one) if duty else ():
            key = (one.department_id, one.duty, slot.covered.code)
            if slot.year == year and slot.due_at > now and key not in made:
                found.append(f"{slot.covered.title} {duty.short}" if duty else "")
    return found


def _unsettled(session: Session, year: int, now: datetime) -> list[Obligation]:
    """Obligations whose deadline is to come or has not been settled, or that were returned for a correction to come."""
    correcting = select(Correction.obligation_id).where(col(Correction.settle_at).is_not(None))
    query = select(Obligation).where(
        Obligation.year == year,
        col(Obligation.exempted_at).is_(None),
        col(Obligation.settle_at).is_not(None) | (col(Obligation.due_at) > now) | col(Obligation.id).in_(correcting),
    )
    return list(session.exec(query.order_by(col(Obligation.due_at), col(Obligation.id))))


def uncovered(result: ResultSet, standing: Iterable[Obstacle]) -> list[Obstacle]:
    """Of what stands in the way of publication, what the overrides of the freeze do not name."""
    allowed = {(one["what"], name) for one in result.overrides for name in one["names"]}
    counts = {one["what"]: one["count"] for one in result.overrides}
    return [
        one
        for one in standing
        if one.count > counts.get(one.code, 0) or any((one.code, name) not in allowed for name in one.names)
    ]


def watch(frame: Frame) -> list[Notice]:
    """Voids a frozen result as soon as anything it rests on has changed; the office and the leading group hear why."""
    notices: list[Notice] = []
    waiting = select(ResultSet).where(ResultSet.state == "frozen").order_by(col(ResultSet.id))
    for result in frame.session.exec(waiting).all():
        why = changes(frame, result)
        if not why:
            continue
        agreed = approval.consent(frame.session, result).agreed
        facts = {"year": result.year, "hash": result.hash, "agreed": agreed, "why": reasons(frame.session, why)}
        results.void(frame.session, result, why)
        notices.append(Notice("result_void", Audience("administrators"), facts))
        notices.append(Notice("result_void", Audience("leading_group"), facts))
    return notices


def reasons(session: Session, why: Iterable[str]) -> list[dict[str, Any]]:
    """What has changed, ready to be said: a code, and for the ledger its entries, for departments their names."""
    told = []
    for one in why:
        code, _, detail = one.partition(":")
        of = [part for part in detail.split(",") if part]
        told.append({"code": code, "of": [_entry(session, int(part)) for part in of] if code == "ledger" else of})
    return told


def _entry(session: Session, number: int) -> str:
    entry = session.get_one(LedgerEntry, number)
    unit = departments_by_id(session)[entry.department_id].name
    item = in_force(session, entry.year).items.get(entry.item)
    return f"#{number} {unit} {item.title if item else entry.item}"
