"""Deadlines that passed become deductions or holds; what turns up, is moved or exempted afterwards undoes them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlmodel import Session, col, insert, select

from scheduler.duties import plan
from scheduler.facts import deliveries, rules_for, told_of, was_told
from scheduler.frame import Frame
from scheduler.judgement import Case, Hold, Met, Reason, Verdict, charge_now, judge, lies_in_long_outage
from scheduler.ladder import announcing
from scheduler.tables import Correction, Obligation, Outcome, Reminder, Settlement
from scoring import appeals, ledger
from scoring.lateness import Charge, Wait
from scoring.tables import LedgerEntry
from store import vitals
from store.notices import Audience, Notice
from store.people import Department
from store.times import iso_china

_WAITED: Reason = "provisional"
"""Why a hold may be judged again: its calendar has been announced."""


def settle(frame: Frame, now: datetime, *, closing: bool = False) -> list[Notice]:
    """Judge every deadline that is past its grace, once everything sent before it has been read. Returns what is to be
    said of reviews that have become pointless by it.

    ``closing``: the end of a simulation. What was due by ``now`` is settled there and then, grace and a running
    outage aside, and what would have to wait for a later hand-in is charged as though it came now.
    """
    if closing:
        query = select(Obligation).where(col(Obligation.settle_at).is_not(None), col(Obligation.due_at) <= now)
        limit = now
    else:
        through = vitals.read_through(frame.session)
        if through is None:
            return []
        limit = min(now, through)
        query = select(Obligation).where(col(Obligation.settle_at) <= limit)
    order = (col(Obligation.due_at), col(Obligation.department_id), col(Obligation.item), col(Obligation.id))
    waiting = frame.session.exec(query.order_by(*order)).all()
    notices: list[Notice] = []
    if waiting:
        court = _Court.over(frame, waiting)
        judged = [(one, court.judge(one, now, closing=closing)) for one in waiting]
        entries = court.charge([(one, what) for one, what in judged if isinstance(what, Charge)], now)
        court.write_down(judged, entries, now)
        frame.session.flush()
        notices = court.notices
    _settle_corrections(frame, limit, now)
    return notices


@dataclass
class _Court:
    """What judging a batch of obligations needs, read at once."""

    frame: Frame
    delivered: Mapping[int, list[Reminder]]
    settled: dict[tuple[int, datetime], Settlement]
    outages: list[tuple[datetime, datetime]]
    notices: list[Notice] = field(default_factory=list)

    @classmethod
    def over(cls, frame: Frame, obligations: Iterable[Obligation]) -> "_Court":
        batch = list(obligations)
        ids = [one.id for one in batch]
        before_all = min(one.due_at for one in batch) - timedelta(microseconds=1)
        return cls(
            frame=frame,
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
            outages=[(one.began, one.ended) for one in vitals.outages(frame.session, before_all)],
        )

    def judge(self, obligation: Obligation, now: datetime, *, closing: bool) -> Verdict:
        """The verdict on one obligation; Met also when its deadline has been settled and nothing is to be changed."""
        existing = self.settled.get((obligation.id, obligation.due_at))
        deducted = existing is not None and existing.outcome == Outcome.DEDUCTED
        standing = _standing(self.frame.session, existing) if existing is not None else None
        if existing is not None and standing is None and (deducted or existing.ended_at or existing.why != _WAITED):
            return Met()
        case = case_of(
            self.frame,
            obligation,
            self.frame.session.get_one(Department, obligation.department_id),
            told=was_told(obligation, self.delivered.get(obligation.id, ())),
            deaf=lies_in_long_outage(obligation.due_at, self.outages),
        )
        verdict = judge(case, now, self.frame.calendar.is_working_day)
        if isinstance(verdict, Wait) and closing:
            verdict = charge_now(case, now, self.frame.calendar.is_working_day)
        if standing is not None and not (isinstance(verdict, Charge) and verdict.points != standing.points):
            return Met()
        return verdict

    def charge(self, charged: Iterable[tuple[Obligation, Charge]], now: datetime) -> dict[int, LedgerEntry]:
        """Enter charges, by obligation; one that came out otherwise before, for want of an earlier late hand-in, is
        reversed.
        """
        postings = {}
        for obligation, charge in charged:
            existing = self.settled.get((obligation.id, obligation.due_at))
            standing = _standing(self.frame.session, existing) if existing is not None else None
            if standing is not None:
                ledger.reverse(self.frame.session, standing, now=now, source="auto")
                self.notices += appeals.settled_otherwise(self.frame.session, standing, now)
            # Late, and the rule charges nothing for it: no entry.
            if charge.points:
                delivered = self.delivered.get(obligation.id, ())
                postings[obligation.id] = lateness_posting(
                    obligation, obligation.due_at, charge, now=now, delivered=delivered
                )
        return dict(zip(postings, ledger.post_all(self.frame.session, postings.values()), strict=True))

    def write_down(
        self, judged: Iterable[tuple[Obligation, Verdict]], entries: Mapping[int, LedgerEntry], now: datetime
    ) -> None:
        """Keep what was decided: at most one settlement per deadline, and when to look again."""
        settled_now = []
        for obligation, verdict in judged:
            obligation.settle_at = None
            if isinstance(verdict, Wait):
                obligation.settle_at = verdict.until + self.frame.grace(obligation.year)
            elif not isinstance(verdict, Met):
                reminders = self.frame.rulebook(obligation.year).reminders
                outcome = {
                    "outcome": Outcome.HELD if isinstance(verdict, Hold) else Outcome.DEDUCTED,
                    "why": verdict.why if isinstance(verdict, Hold) else None,
                    "entry_id": entries[obligation.id].id if obligation.id in entries else None,
                    "announce_at": announcing(now, reminders, self.frame.calendar),
                }
                existing = self.settled.get((obligation.id, obligation.due_at))
                if existing is None:
                    deadline = {"obligation_id": obligation.id, "due_at": obligation.due_at, "settled_at": now}
                    settled_now.append(deadline | outcome)
                else:
                    for name, value in outcome.items():
                        setattr(existing, name, value)
        if settled_now:
            self.frame.session.execute(insert(Settlement), settled_now)


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


def lateness_posting(
    obligation: Obligation, due_at: datetime, charge: Charge, *, now: datetime, delivered: Iterable[Reminder] = ()
) -> ledger.Posting:
    """The entry for what a lateness costs, dated at the deadline."""
    handed_in = obligation.handed_in_at
    return {
        "department_id": obligation.department_id,
        "year": obligation.year,
        "item": obligation.item,
        "count": charge.count,
        "points": charge.points,
        "happened_at": due_at,
        "recorded_at": now,
        "source": "auto",
        "period": obligation.period,
        "evidence": {
            "obligation": obligation.id,
            "due": iso_china(due_at),
            "handed_in": iso_china(handed_in) if handed_in else None,
            "reminded": [iso_china(one.delivered_at) for one in delivered if one.delivered_at],
        },
    }


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
    notices: list[Notice] = []
    for row in settlements_of(frame.session, obligation):
        if row.of == "correction" and not corrections:
            continue
        entry = _standing(frame.session, row)
        if entry is not None:
            ledger.reverse(frame.session, entry, now=now, source="auto", by=by, reason="")
            notices += appeals.settled_otherwise(frame.session, entry, now)
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


def announce(frame: Frame, now: datetime) -> list[Settlement]:
    """What is to be told now, in office hours, of what was settled before; each once, the earliest deadline first."""
    query = select(Settlement).where(col(Settlement.announce_at) <= now)
    rows = frame.session.exec(query.order_by(col(Settlement.due_at), col(Settlement.id))).all()
    for row in rows:
        row.announce_at, row.announced_at = None, now
    return list(rows)


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
