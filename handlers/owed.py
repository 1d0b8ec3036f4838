"""What somebody may be handing in: what his departments owe now, then what they owed before and will owe next."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any, Literal

from sqlalchemy import bindparam
from sqlmodel import Session, col, select

import templates
from handlers.naming import Option, meant, names_a_period, normal
from scheduler import hand_ins
from scheduler.deadlines import periods_of
from scheduler.duties import assignments, obligation_for, owed_slots
from scheduler.facts import told_of
from scheduler.frame import Frame
from scheduler.obligations import outstanding
from scheduler.tables import Obligation
from scoring.rulebook import RuleBook
from store import ahead, foresight
from store.people import Department
from store.times import china, iso_china

LATEST = 3
"""How many of the latest obligations that were met are offered for a supplement."""

_FRAME = "frame"

Standing = Literal["open", "overdue", "met", "early"]


@dataclass(frozen=True)
class Owed:
    """An obligation with its department, as it stands at ``now``."""

    obligation: Obligation
    department: Department
    frame: Frame = field(repr=False, compare=False)
    now: datetime

    @cached_property
    def told(self) -> dict[str, Any]:
        """Its facts (``told_of``)."""
        return told_of(self.frame, self.obligation)

    @property
    def brief(self) -> Mapping[str, Any]:
        """Of its facts what a receipt shows, without another look into the tables."""
        one = self.obligation
        duty = self.frame.duty(one.year, one.duty) if one.duty else None
        if duty is None:
            return self.told
        due = iso_china(one.due_at)
        return {"short": duty.short, "period": one.period, "due": due, "check": duty.check, "clause": duty.clause}

    @property
    def standing(self) -> Standing:
        if self.obligation.handed_in_at is not None:
            return "met"
        if self.obligation.opened_at is None:
            return "early"
        return "overdue" if self.obligation.due_at <= self.now else "open"

    @property
    def option(self) -> Option:
        """What the words of a caption are compared with."""
        duty = self.frame.duty(self.obligation.year, self.obligation.duty) if self.obligation.duty else None
        names = (duty.title, duty.short) if duty else (self.told["what"], self.told["short"])
        return Option(self.obligation.id, names, self.obligation.period, self.department.name)


def frame_of(session: Session) -> Frame:
    """The rules in force, read once per transaction."""
    frame: Frame | None = session.info.get(_FRAME)
    if frame is None:
        frame = session.info[_FRAME] = Frame.of(session)
    return frame


def forget_frame(session: Session) -> None:
    """To be called after something that changes calendar or rules: what follows in this transaction reads them anew."""
    session.info.pop(_FRAME, None)


def owed(session: Session, obligation: Obligation, department: Department, now: datetime) -> Owed:
    """An obligation as it stands now."""
    return Owed(obligation, department, frame_of(session), now)


_OF_PERIOD = (
    select(Obligation)
    .where(
        col(Obligation.department_id).in_(bindparam("departments", expanding=True)),
        Obligation.duty == bindparam("duty"),
        Obligation.period == bindparam("period"),
    )
    .execution_options(autoflush=False)
)


def named_outright(session: Session, departments: Sequence[Department], words: str, now: datetime) -> Owed | None:
    """What words name beyond doubt, duty and period, as captions do that say 3月工作动态: one look is enough then."""
    named = [one for one in departments if len(departments) == 1 or normal(one.name) in normal(words)]
    frame = frame_of(session)
    found = [slot for year in frame.years for slot in _duty_and_period(words, frame.rulebook(year), year)]
    if len(named) != 1 or len(found) != 1:
        return None
    duty, period = found[0]
    obligation = _of_period(session, named[0], duty, period)
    if obligation is None or obligation.exempted_at is not None:
        return None
    return owed(session, obligation, named[0], now)


def _of_period(session: Session, department: Department, duty: str, period: str) -> Obligation | None:
    """What a department owes of a period; asked for all who are speaking now, since others will name the same one."""
    question = f"owed of {period}: {duty}"
    known = ahead.known(session, question)
    if department.id not in known:
        units = {department.id} if known else {department.id, *foresight.departments(session)}
        found = session.exec(_OF_PERIOD, params={"departments": units, "duty": duty, "period": period}).all()
        hand_ins.foresee(session, [one.id for one in found])
        known = ahead.keep(session, question, {one.department_id: one for one in found}, of=())
    obligation: Obligation | None = known.get(department.id)
    return obligation


@lru_cache(maxsize=4096)
def _duty_and_period(words: str, rulebook: RuleBook, year: int) -> tuple[tuple[str, str], ...]:
    """The duty and the period that words name; empty unless they name one of each."""
    if not names_a_period(words):
        return ()
    known = [
        (code, covered.code) for code, duty in rulebook.duties.items() for covered in periods_of(duty.period, year)
    ]
    titles = {code: (duty.title, duty.short) for code, duty in rulebook.duties.items()}
    options = [Option(number, titles[duty], period, "") for number, (duty, period) in enumerate(known)]
    found = meant(words, options)
    return (known[found[0].obligation_id],) if len(found) == 1 else ()


def open_now(session: Session, departments: Iterable[Department], now: datetime) -> list[Owed]:
    """What these departments have still to hand in, the earliest first."""
    return [owed(session, one, unit, now) for unit in departments for one in outstanding(session, unit.id)]


def also(session: Session, departments: Iterable[Department], now: datetime) -> list[Owed]:
    """What a hand-in may be for besides: the latest that were met (it supplements), and the next that will open."""
    found = []
    for unit in departments:
        coming = [owed(session, one, unit, now) for one in _coming(session, unit, now)]
        found += [owed(session, one, unit, now) for one in _met(session, unit)]
        found += [one for one in coming if one.obligation.handed_in_at is None]
    return found


def titles(things: list[Owed]) -> list[str]:
    """What each is called on a button; with its department where there are several."""
    several = len({one.department.id for one in things}) > 1
    return [templates.word("title", told=one.told, department=one.department.name if several else "") for one in things]


def _met(session: Session, unit: Department) -> list[Obligation]:
    query = select(Obligation).where(
        Obligation.department_id == unit.id,
        col(Obligation.handed_in_at).is_not(None),
        col(Obligation.exempted_at).is_(None),
    )
    return list(session.exec(query.order_by(col(Obligation.due_at).desc(), col(Obligation.id)).limit(LATEST)))


def _coming(session: Session, unit: Department, now: datetime) -> list[Obligation]:
    """The obligations of the periods under way that have not opened yet: made now, so that they can be named."""
    frame, today = frame_of(session), china(now).date()
    found = []
    for assignment in assignments(session, unit.id):
        for slot in owed_slots(frame, assignment):
            if slot.due_at > now and slot.opens_at > now:
                if slot.covered.first <= today:
                    found.append(obligation_for(frame, unit, assignment.duty, slot.covered.code, now))
                break
    found.sort(key=lambda one: (one.due_at, one.id))
    return [one for one in found if one.exempted_at is None]
