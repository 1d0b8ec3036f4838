"""What somebody may be handing in: what his departments owe now, then what they owed before and will owe next."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlmodel import Session, col, select

import templates
from handlers.naming import Option
from scheduler.duties import assignments, obligation_for, owed_slots
from scheduler.facts import told_of
from scheduler.frame import Frame
from scheduler.obligations import outstanding
from scheduler.tables import Obligation
from store.people import Department
from store.times import china

LATEST = 3
"""How many of the latest obligations that were met are offered for a supplement."""

_FRAME = "frame"

Standing = Literal["open", "overdue", "met", "early"]


@dataclass(frozen=True)
class Owed:
    """An obligation with its department, its facts (``told_of``), and how it stands."""

    obligation: Obligation
    department: Department
    told: dict[str, Any]
    standing: Standing

    @property
    def option(self) -> Option:
        """What the words of a caption are compared with."""
        names = (self.told["what"], self.told["short"])
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
    told = told_of(frame_of(session), obligation)
    return Owed(obligation, department, told, _standing(obligation, now))


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


def _standing(obligation: Obligation, now: datetime) -> Standing:
    if obligation.handed_in_at is not None:
        return "met"
    if obligation.opened_at is None:
        return "early"
    return "overdue" if obligation.due_at <= now else "open"


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
