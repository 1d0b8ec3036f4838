"""The verbs of this room about obligations: who owes what, reminding, receiving, moving, letting go, deciding."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import col, select

import scheduler.calendar_commands
import scheduler.duty_commands
import scheduler.task_commands  # noqa: F401 - the rest of this room's verbs
from scheduler import hand_ins, obligations
from scheduler.facts import correction_due, departments_by_id, told_of
from scheduler.frame import Frame
from scheduler.naming import HandedIn, Held, HoldDecision, Open, Received, held_obligations
from scheduler.reminders import remind_now
from scheduler.settlement import open_hold, standing_deduction
from scheduler.tables import CLAIM, Obligation
from scheduler.telling import tell_reminders
from scoring.cards import figures_of
from scoring.points import plain as plain_points
from scoring.tables import LedgerEntry
from store.acting import Figures
from store.commands import Act, Rest, command
from store.errors import Refusal
from store.notices import Audience, Notice
from store.people import Department, Role, departments, reachable_departments, roles_of, speaks_for
from store.times import iso_china
from store.words import Deadline, Instant

_SEES_ALL = frozenset({Role.ADMINISTRATOR, Role.LEADING_GROUP})
_SPEAKS = frozenset({Role.LIAISON, Role.HEAD})

LATE_SHOWN = timedelta(days=31)
"""For how long after its deadline something handed in late stays on the list."""


@dataclass(frozen=True)
class OwedRow:
    """One obligation of a department. ``told`` as in ``scheduler.facts``.

    ``state``: "open" (待报), "missing" (未报: the deadline has passed), "late" (逾期: it came after it), "returned" (to
    be corrected by ``correction_due``), "exempt" or "on_time". ``held``: it waits for a decision.
    """

    number: int
    told: dict[str, Any]
    state: str
    held: bool
    handed_in: datetime | None
    correction_due: datetime | None


@dataclass(frozen=True)
class OwingDepartment:
    """A department and what it owes. ``reachable``: somebody reads what the bot says to it."""

    code: str
    department: str
    reachable: bool
    owed: tuple[OwedRow, ...]


@dataclass(frozen=True)
class Pending:
    """Who owes what; ``everyone`` is False for a department's own list."""

    at: datetime
    everyone: bool
    departments: tuple[OwingDepartment, ...]


@dataclass(frozen=True)
class RemindedNow:
    """Who has been reminded of how many obligations, and who could not be."""

    departments: tuple[str, ...]
    count: int
    unreachable: tuple[str, ...]


@dataclass(frozen=True)
class Taken:
    """Something the office received for a department. ``on_time`` is how the obligation now stands."""

    number: int
    year: int
    code: str
    department: str
    told: dict[str, Any]
    received: datetime
    channel: str
    evidence: str
    on_time: bool
    supplements: bool
    before: Figures | None
    after: Figures | None


@dataclass(frozen=True)
class Changed:
    """What became of an obligation: returned, extended or exempted.

    ``until``: the date set, where there is one. ``relieved``: a deduction was reversed, or a hold ended.
    """

    year: int
    code: str
    department: str
    told: dict[str, Any]
    due_before: datetime
    until: datetime | None
    reason: str
    relieved: bool
    by: str
    before: Figures | None
    after: Figures | None


@dataclass(frozen=True)
class HeldRow:
    """A hold: why ("not_told", "outage", "provisional", "judgement", "correction") and of which deadline."""

    number: int
    code: str
    department: str
    told: dict[str, Any]
    due: datetime
    why: str
    handed_in: datetime | None


@dataclass(frozen=True)
class HeldList:
    holds: tuple[HeldRow, ...]


@dataclass(frozen=True)
class DecidedHold:
    """A hold that was decided. ``entry`` and ``points`` are those of the deduction, if there is one."""

    year: int
    code: str
    department: str
    told: dict[str, Any]
    due: datetime
    decision: str
    reason: str
    entry: int | None
    points: str | None
    by: str
    confirmed_by: str | None
    before: Figures | None
    after: Figures | None


@command("pending", words=("待报", "待报清单"), roles=_SEES_ALL | _SPEAKS, group="obligations")
def pending(act: Act, department: Department | None = None) -> Pending:
    """Who has not handed in what, and who cannot be reached. Departments see their own."""
    everyone = bool(_SEES_ALL & roles_of(act.session, act.actor))
    own = speaks_for(act.session, act.actor)
    if department is not None:
        if not everyone and department.id not in {one.id for one in own}:
            raise Refusal("not_your_department", department=department.name)
        units = [department]
    else:
        units = departments(act.session) if everyone else own
    frame = Frame.of(act.session)
    reached = reachable_departments(act.session)
    rows = [OwingDepartment(one.code, one.name, one.id in reached, tuple(_rows(frame, one, act.now))) for one in units]
    shown = [row for row in rows if row.owed or not row.reachable or not everyone or department is not None]
    return Pending(act.now, everyone, tuple(shown))


def _rows(frame: Frame, department: Department, now: datetime) -> list[OwedRow]:
    late = select(Obligation).where(
        Obligation.department_id == department.id,
        col(Obligation.handed_in_at) >= col(Obligation.accept_until),
        col(Obligation.due_at) > now - LATE_SHOWN,
        col(Obligation.exempted_at).is_(None),
    )
    found = {one.id: one for one in obligations.outstanding(frame.session, department.id)}
    found |= {one.id: one for one in frame.session.exec(late)}
    return [_row(frame, one, now) for one in sorted(found.values(), key=lambda one: (one.due_at, one.id))]


def _row(frame: Frame, one: Obligation, now: datetime) -> OwedRow:
    returned = correction_due(frame.session, one)
    if one.exempted_at is not None:
        state = "exempt"
    elif returned is not None:
        state = "returned"
    elif one.handed_in_at is not None:
        state = "on_time" if one.on_time else "late"
    else:
        state = "open" if one.due_at > now else "missing"
    held = one.due_at <= now and open_hold(frame.session, one) is not None
    return OwedRow(one.id, told_of(frame, one, now), state, held, one.handed_in_at, returned)


@command("remind", words=("催报", "提醒"), changes=True, group="obligations")
def remind(act: Act, department: Department | None = None) -> RemindedNow:
    """Remind a department now of all it owes; without a name, every department that owes something."""
    frame = Frame.of(act.session)
    units = [department] if department is not None else departments(act.session)
    owed = {unit.id: obligations.outstanding(act.session, unit.id) for unit in units}
    owing = [unit for unit in units if owed[unit.id]]
    if not owing:
        raise Refusal("nothing_owed", department=department.name if department else None)
    reached = reachable_departments(act.session)
    missed = [unit.name for unit in owing if unit.id not in reached]
    if department is not None and missed:
        raise Refusal("unreachable", departments=missed)
    due = [one for unit in owing if unit.id in reached for one in owed[unit.id]]
    for notice in tell_reminders(frame, remind_now(frame, due, act.now, act.actor), act.now):
        act.notify(notice)
    names = [unit.name for unit in owing if unit.id in reached]
    return RemindedNow(tuple(names), len(due), tuple(missed))


@command("receive", words=("代收", "代收登记"), changes=True, weighs_on_department=True, group="obligations")
def receive(act: Act, obligation: Open, at: Instant, channel: Received, evidence: Rest) -> Taken:
    """Register what reached the office by OA, on paper or by WeChat, at its real time, with evidence."""
    if not evidence:
        raise Refusal("evidence_needed")
    department = act.session.get_one(Department, obligation.department_id)
    before = figures_of(act.session, department, obligation.year, act.now)
    frame = Frame.of(act.session)
    if not hand_ins.could_be_meant(frame, obligation, at):
        raise Refusal("before_its_period", at=at, told=told_of(frame, obligation))
    done = hand_ins.hand_in(
        frame,
        obligation,
        department_id=department.id,
        sent_at=at,
        recorded_at=act.now,
        person_id=act.actor.id,
        kind="received",
        channel=channel,
        evidence=evidence,
    )
    for notice in done.notices:
        act.notify(notice)
    result = Taken(
        number=done.hand_in.id,
        year=obligation.year,
        code=department.code,
        department=department.name,
        told=told_of(frame, obligation),
        received=at,
        channel=channel,
        evidence=evidence,
        on_time=bool(done.on_time),
        supplements=not done.first,
        before=before,
        after=figures_of(act.session, department, obligation.year, act.now),
    )
    act.tell(Audience("department", department.id), "received", result)
    return result


@command("return", words=("退回", "退回补正"), changes=True, weighs_on_department=True, group="obligations")
def send_back(act: Act, obligation: HandedIn, until: Deadline, reason: Rest) -> Changed:
    """Return what was handed in as inadequate, to be corrected by a date; its timeliness stands."""
    if not reason:
        raise Refusal("reason_needed")
    frame = Frame.of(act.session)
    department = act.session.get_one(Department, obligation.department_id)
    before = figures_of(act.session, department, obligation.year, act.now)
    due_before = obligation.due_at
    hand_ins.send_back(frame, obligation, reason=reason, due_at=until, now=act.now, by=act.actor.id)
    result = _changed(act, frame, obligation, department, before, due_before, until, reason, relieved=False)
    act.tell(Audience("department", department.id), "returned", result)
    return result


@command("extend", words=("延期",), changes=True, weighs_on_department=True, group="obligations")
def extend(act: Act, obligation: Open, until: Deadline, reason: Rest = "") -> Changed:
    """Move a deadline; what a passed one brought is taken back if the new one is met or still to come."""
    frame = Frame.of(act.session)
    department = act.session.get_one(Department, obligation.department_id)
    before = figures_of(act.session, department, obligation.year, act.now)
    moved = obligations.extend(frame, obligation, until, now=act.now, by=act.actor.id, reason=reason)
    result = _changed(act, frame, obligation, department, before, moved.before, until, reason, relieved=moved.relieved)
    act.tell(Audience("department", department.id), "extended", result)
    _tell_what_it_ended(act, moved.notices)
    return result


@command("exempt", words=("免报",), changes=True, weighs_on_department=True, group="obligations")
def exempt(act: Act, obligation: Open, reason: Rest = "") -> Changed:
    """Let a department off an obligation: a deduction for it is reversed, a hold ends."""
    frame = Frame.of(act.session)
    department = act.session.get_one(Department, obligation.department_id)
    before = figures_of(act.session, department, obligation.year, act.now)
    charged = standing_deduction(act.session, obligation) is not None
    relieved = charged or open_hold(act.session, obligation) is not None
    notices = obligations.exempt(frame, obligation, now=act.now, by=act.actor.id, reason=reason)
    result = _changed(act, frame, obligation, department, before, obligation.due_at, None, reason, relieved=relieved)
    act.tell(Audience("department", department.id), "exempted", result)
    _tell_what_it_ended(act, notices)
    return result


def _tell_what_it_ended(act: Act, notices: Iterable[Notice]) -> None:
    """What came of it besides: that a deduction is taken back is said in the verb's own notice."""
    for notice in notices:
        if notice.kind != "reversed":
            act.notify(notice)


def _changed(
    act: Act,
    frame: Frame,
    obligation: Obligation,
    department: Department,
    before: Figures | None,
    due_before: datetime,
    until: datetime | None,
    reason: str,
    *,
    relieved: bool,
) -> Changed:
    return Changed(
        year=obligation.year,
        code=department.code,
        department=department.name,
        told=told_of(frame, obligation),
        due_before=due_before,
        until=until,
        reason=reason,
        relieved=relieved,
        by=act.actor.name,
        before=before,
        after=figures_of(act.session, department, obligation.year, act.now),
    )


@command("held", words=("待核定", "待定"), roles=_SEES_ALL, group="obligations")
def held(act: Act, department: Department | None = None) -> HeldList:
    """What waits for a decision, and why."""
    frame, names = Frame.of(act.session), departments_by_id(act.session)
    rows = []
    for obligation, settlement in held_obligations(act.session):
        if department is not None and obligation.department_id != department.id:
            continue
        unit = names[obligation.department_id]
        told = told_of(frame, obligation) | {"due": iso_china(settlement.due_at)}
        rows.append(
            HeldRow(
                number=obligation.id,
                code=unit.code,
                department=unit.name,
                told=told,
                due=settlement.due_at,
                why=settlement.why or "",
                handed_in=obligation.handed_in_at,
            )
        )
    return HeldList(tuple(rows))


@command("held decide", words=("核定",), changes=True, weighs_on_department=True, group="obligations")
def decide(act: Act, obligation: Held, decision: HoldDecision, reason: Rest = "") -> DecidedHold:
    """Decide a hold: enter the deduction, dated at the deadline, or exempt the obligation."""
    frame = Frame.of(act.session)
    department = act.session.get_one(Department, obligation.department_id)
    before = figures_of(act.session, department, obligation.year, act.now)
    hold, notices = obligations.decide_hold(
        frame,
        obligation,
        decision,
        now=act.now,
        by=act.actor.id,
        confirmed_by=act.confirmed_by.id if act.confirmed_by else None,
        reason=reason,
    )
    for notice in notices:
        act.notify(notice)
    entry = act.session.get_one(LedgerEntry, hold.entry_id) if hold.entry_id is not None else None
    result = DecidedHold(
        year=obligation.year,
        code=department.code,
        department=department.name,
        told=told_of(frame, obligation) | {"due": iso_china(hold.due_at)},
        due=hold.due_at,
        decision=decision,
        reason=reason,
        entry=entry.id if entry else None,
        points=plain_points(entry.points) if entry else None,
        by=act.actor.name,
        confirmed_by=act.confirmed_by.name if act.confirmed_by else None,
        before=before,
        after=figures_of(act.session, department, obligation.year, act.now),
    )
    if decision == "exempt" or (hold.of == CLAIM and entry is None):
        act.tell(Audience("department", department.id), "let_off", result, claim=hold.of == CLAIM)
    return result
