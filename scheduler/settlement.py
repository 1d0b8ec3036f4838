"""Deadlines that passed become deductions or holds; what turns up, is moved or exempted afterwards undoes them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from scheduler.duties import plan
from scheduler.facts import deliveries, departments_by_id, rules_for, told_of, was_told
from scheduler.frame import Frame
from scheduler.judgement import Case, Hold, Met, charge_now, judge, lies_in_long_outage, merged
from scheduler.ladder import announcing
from scheduler.tables import Correction, Obligation, Outcome, Reminder, Settlement
from scoring import ledger
from scoring.lateness import Charge, Wait
from scoring.tables import LedgerEntry
from store import vitals
from store.notices import Audience, Notice
from store.people import Department
from store.times import iso_china


def settle(frame: Frame, now: datetime, *, closing: bool = False) -> None:
    """Judge every deadline that is past its grace, once everything sent before it has been read.

    ``closing``: the end of a simulation. What was due by ``now`` is settled there and then, grace and a running
    outage aside, and what would have to wait for a later hand-in is charged as though it came now.
    """
    if closing:
        query = select(Obligation).where(col(Obligation.settle_at).is_not(None), col(Obligation.due_at) <= now)
        limit = now
    else:
        through = vitals.read_through(frame.session)
        if through is None:
            return
        limit = min(now, through)
        query = select(Obligation).where(col(Obligation.settle_at) <= limit)
    order = (col(Obligation.due_at), col(Obligation.department_id), col(Obligation.item), col(Obligation.id))
    waiting = frame.session.exec(query.order_by(*order)).all()
    if waiting:
        court = _Court.over(frame, waiting)
        for obligation in waiting:
            court.decide(obligation, now, closing=closing)
        frame.session.flush()
    _settle_corrections(frame, limit, now)


@dataclass
class _Court:
    """What judging a batch of obligations needs, read at once."""

    frame: Frame
    departments: dict[int, Department]
    delivered: Any
    settled: dict[tuple[int, datetime], Settlement]
    outages: list[tuple[datetime, datetime]]

    @classmethod
    def over(cls, frame: Frame, obligations: Iterable[Obligation]) -> "_Court":
        batch = list(obligations)
        ids = [one.id for one in batch]
        earliest = min(one.due_at for one in batch)
        return cls(
            frame=frame,
            departments=departments_by_id(frame.session),
            delivered=deliveries(frame.session, ids),
            settled={
                (one.obligation_id, one.due_at): one
                for start in range(0, len(ids), 500)
                for one in frame.session.exec(
                    select(Settlement).where(
                        col(Settlement.obligation_id).in_(ids[start : start + 500]), Settlement.of == "deadline"
                    )
                )
            },
            outages=merged((one.began, one.ended) for one in vitals.outages(frame.session, earliest)),
        )

    def decide(self, obligation: Obligation, now: datetime, *, closing: bool) -> None:
        """Judge one obligation and write down what comes of it; at most one settlement per deadline."""
        existing = self.settled.get((obligation.id, obligation.due_at))
        if existing is not None and not self._may_change(existing):
            obligation.settle_at = None
            return
        delivered = self.delivered.get(obligation.id, [])
        case = case_of(
            self.frame,
            obligation,
            self.departments[obligation.department_id],
            told=was_told(obligation, delivered),
            deaf=lies_in_long_outage(obligation.due_at, self.outages),
        )
        verdict = judge(case, now, self.frame.calendar.is_working_day)
        if existing is not None and existing.outcome == Outcome.DEDUCTED and not isinstance(verdict, Charge):
            obligation.settle_at = None
            return
        if isinstance(verdict, Wait):
            if not closing:
                obligation.settle_at = verdict.until + self.frame.grace(obligation.year)
                return
            verdict = charge_now(case, now, self.frame.calendar.is_working_day)
        obligation.settle_at = None
        if isinstance(verdict, Met):
            return
        row = existing or Settlement(
            obligation_id=obligation.id, due_at=obligation.due_at, settled_at=now, outcome=Outcome.HELD
        )
        if isinstance(verdict, Hold):
            row.why = verdict.why
        elif not self._charge(row, obligation, verdict, delivered, now):
            return
        row.announce_at = announcing(now, self.frame.rulebook(obligation.year).reminders, self.frame.calendar)
        self.frame.session.add(row)

    def _may_change(self, row: Settlement) -> bool:
        """A hold that waited for its calendar is judged again; a deduction that stands is, when it came out wrong."""
        if row.outcome == Outcome.HELD:
            return row.ended_at is None and row.why == "provisional"
        return row.entry_id is not None and _standing(self.frame.session, row) is not None

    def _charge(
        self, row: Settlement, obligation: Obligation, charge: Charge, delivered: list[Reminder], now: datetime
    ) -> bool:
        """Enter the charge. False: it has been entered already."""
        standing = _standing(self.frame.session, row)
        if standing is not None:
            if standing.points == charge.points:
                return False
            # An earlier hand-in turned up, late as well, under a rule that charges by the day.
            ledger.reverse(self.frame.session, standing, now=now, source="auto")
        row.outcome, row.why = Outcome.DEDUCTED, None
        entry = post_lateness(self.frame, obligation, row.due_at, charge, now=now, delivered=delivered)
        row.entry_id = entry.id if entry else None
        return True


def case_of(frame: Frame, obligation: Obligation, department: Department, *, told: bool, deaf: bool) -> Case:
    settles, lateness, _ = rules_for(frame, obligation)
    return Case(
        due_at=obligation.due_at,
        accept_until=obligation.accept_until,
        handed_in_at=obligation.handed_in_at,
        exempted=obligation.exempted_at is not None,
        told=told,
        deaf=deaf,
        provisional=obligation.provisional,
        settle=settles,
        lateness=lateness,
        weight=frame.rulebook(obligation.year).weight(obligation.item, 1, department.kind),
    )


def post_lateness(
    frame: Frame,
    obligation: Obligation,
    due_at: datetime,
    charge: Charge,
    *,
    now: datetime,
    delivered: Iterable[Reminder] = (),
    by: int | None = None,
    confirmed_by: int | None = None,
    reason: str = "",
) -> LedgerEntry | None:
    """Enter what a lateness costs, dated at the deadline; None when the rule charges nothing for it."""
    if not charge.points:
        return None
    handed_in = obligation.handed_in_at
    return ledger.post(
        frame.session,
        department_id=obligation.department_id,
        year=obligation.year,
        item=obligation.item,
        count=charge.count,
        points=charge.points,
        happened_at=due_at,
        recorded_at=now,
        recorded_by=by,
        confirmed_by=confirmed_by,
        source="auto",
        reason=reason,
        period=obligation.period,
        evidence={
            "obligation": obligation.id,
            "due": iso_china(due_at),
            "handed_in": iso_china(handed_in) if handed_in else None,
            "reminded": [iso_china(one.delivered_at) for one in delivered if one.delivered_at],
        },
    )


def _standing(session: Session, row: Settlement) -> LedgerEntry | None:
    """The deduction of a settlement, as long as it counts."""
    if row.entry_id is None:
        return None
    entry = session.get_one(LedgerEntry, row.entry_id)
    return entry if ledger.stands(session, entry) else None


def settlements_of(session: Session, obligation: Obligation) -> list[Settlement]:
    """All settlements of an obligation, in the order in which they came about."""
    query = select(Settlement).where(Settlement.obligation_id == obligation.id)
    return list(session.exec(query.order_by(col(Settlement.id))))


def open_hold(session: Session, obligation: Obligation) -> Settlement | None:
    """The hold of an obligation that waits for a decision."""
    held = (one for one in settlements_of(session, obligation) if one.outcome == Outcome.HELD)
    return next((one for one in held if one.ended_at is None), None)


def standing_deduction(session: Session, obligation: Obligation) -> LedgerEntry | None:
    """The deduction for an obligation that counts; there is never more than one."""
    found = (_standing(session, one) for one in settlements_of(session, obligation))
    return next((entry for entry in found if entry is not None), None)


def relieve(
    frame: Frame, obligation: Obligation, now: datetime, *, why: str, by: int | None = None, corrections: bool = False
) -> list[Notice]:
    """Take back what the obligation's deadline brought: a deduction that stands is reversed, an open hold ends.

    ``why``: handed_in, extended, exempted or calendar. ``corrections``: what a missed correction brought as well.
    Departments are told of the reversal of what they were told.
    """
    notices = []
    for row in settlements_of(frame.session, obligation):
        if row.of == "correction" and not corrections:
            continue
        entry = _standing(frame.session, row)
        if entry is not None:
            ledger.reverse(frame.session, entry, now=now, source="auto", by=by, reason="")
            if row.announced_at is not None:
                facts = {**told_of(frame, obligation), "points": entry.points, "entry": entry.id, "why": why}
                facts["due"] = iso_china(row.due_at)
                notices.append(Notice("reversed", Audience("department", obligation.department_id), facts))
            row.announce_at = None
        elif row.outcome == Outcome.HELD and row.ended_at is None:
            row.ended_at, row.ended_why, row.announce_at = now, why, None
        frame.session.add(row)
    return notices


def _settle_corrections(frame: Frame, limit: datetime, now: datetime) -> None:
    """A correction that did not come by its date is held, never deducted by itself."""
    query = select(Correction).where(col(Correction.settle_at) <= limit).order_by(col(Correction.id))
    for correction in frame.session.exec(query).all():
        correction.settle_at = None
        frame.session.add(correction)
        obligation = frame.session.get_one(Obligation, correction.obligation_id)
        if obligation.exempted_at is not None:
            continue
        reminders = frame.rulebook(obligation.year).reminders
        frame.session.add(
            Settlement(
                obligation_id=obligation.id,
                due_at=correction.due_at,
                of="correction",
                settled_at=now,
                outcome=Outcome.HELD,
                why="correction",
                announce_at=announcing(now, reminders, frame.calendar),
            )
        )
    frame.session.flush()


def announce(frame: Frame, now: datetime) -> list[Notice]:
    """Tell, in office hours, what was settled: departments their deductions, administrators what is held."""
    query = select(Settlement).where(col(Settlement.announce_at) <= now)
    rows = frame.session.exec(query.order_by(col(Settlement.due_at), col(Settlement.id))).all()
    if not rows:
        return []
    delivered = deliveries(frame.session, {one.obligation_id for one in rows})
    departments = departments_by_id(frame.session)
    deducted: dict[int, list[dict[str, Any]]] = {}
    held = []
    for row in rows:
        row.announce_at, row.announced_at = None, now
        frame.session.add(row)
        obligation = frame.session.get_one(Obligation, row.obligation_id)
        facts = told_of(frame, obligation)
        facts["due"] = iso_china(row.due_at)
        facts["handed_in"] = iso_china(obligation.handed_in_at) if obligation.handed_in_at else None
        reminders = delivered.get(row.obligation_id, [])
        facts["reminded"] = [iso_china(one.delivered_at) for one in reminders if one.delivered_at]
        if row.entry_id is not None:
            entry = frame.session.get_one(LedgerEntry, row.entry_id)
            facts |= {"points": entry.points, "entry": entry.id}
            facts["appeal_working_days"] = frame.rulebook(obligation.year).appeal_working_days
            deducted.setdefault(obligation.department_id, []).append(facts)
        elif row.outcome == Outcome.HELD:
            facts |= {"department": departments[obligation.department_id].name, "why": row.why}
            held.append(facts)
    notices = [Notice("deducted", Audience("department", to), {"lines": lines}) for to, lines in deducted.items()]
    if held:
        notices.append(Notice("held", Audience("administrators"), {"lines": held}))
    return notices


def reconsider(frame: Frame, obligation: Obligation, now: datetime) -> list[Notice]:
    """After a hand-in has come to count, or counts no longer: undo or look again, as its instant demands."""
    session = frame.session
    if obligation.on_time:
        notices = relieve(frame, obligation, now, why="handed_in") if obligation.original_due_at <= now else []
        plan(frame, obligation, now)
        return notices
    if obligation.due_at > now:
        plan(frame, obligation, now)
    elif obligation.handed_in_at is not None:
        obligation.remind_at = None
        deducted = standing_deduction(session, obligation)
        if obligation.settle_at is not None or deducted is not None:
            # What it costs may depend on when it came, and something sent earlier may still turn up.
            later = max(obligation.handed_in_at, obligation.due_at) + frame.grace(obligation.year)
            obligation.settle_at = later
    session.add(obligation)
    return []
