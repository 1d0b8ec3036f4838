"""The verb ``merge``: a department goes into another. What it owed ends; its line goes on under the other's name."""

from dataclasses import dataclass

from sqlmodel import col, select

from scheduler.duties import assignments, end_duty
from scheduler.frame import Frame
from scheduler.obligations import exempt
from scheduler.tables import Correction, Obligation
from scoring import seats
from scoring.survey_tables import Seat
from store.commands import Act, command
from store.errors import Refusal
from store.notices import Audience
from store.people import Department
from store.times import china


@dataclass(frozen=True)
class Merged:
    """``duties``: how many it no longer owes; ``let_off``: how many obligations to come it was let off."""

    code: str
    department: str
    into_code: str
    into: str
    duties: int
    let_off: int


@command("merge", words=("并入",), changes=True, weighs_on_department=True, second_person=True, group="people")
def merge(act: Act, department: Department, into: Department) -> Merged:
    """Let a department go into another: it owes nothing more and is not ranked; its history stays, and is theirs.

    Two persons, since it takes a department out of the assessment.
    """
    if department.id == into.id:
        raise Refusal("merges_into_itself", department=department.name)
    if department.office:
        raise Refusal("merges_the_office", department=department.name)
    frame = Frame.of(act.session)
    ended = [one for one in assignments(act.session, department.id) if one.until is None]
    for one in ended:
        end_duty(frame, one, until=china(act.now).date())
    coming = act.session.exec(
        select(Obligation).where(
            Obligation.department_id == department.id,
            Obligation.due_at > act.now,
            col(Obligation.exempted_at).is_(None),
            col(Obligation.handed_in_at).is_(None),
        )
    ).all()
    for obligation in coming:
        for notice in exempt(frame, obligation, now=act.now, by=act.actor.id, reason=into.name):
            act.notify(notice)
    # What was sent back stands as it came in: nobody is left to correct it, or to decide that it was not.
    returned = select(Correction).join(Obligation, col(Correction.obligation_id) == col(Obligation.id))
    returned = returned.where(Obligation.department_id == department.id, col(Correction.settle_at).is_not(None))
    for correction in act.session.exec(returned).all():
        correction.settle_at, correction.met_by = None, correction.met_by or correction.hand_in_id
        act.session.add(correction)
    places = select(Seat).where(Seat.department_id == department.id, col(Seat.ended_at).is_(None))
    for seat in act.session.exec(places).all():
        seats.end(act.session, seat, act.now)
    department.active, department.successor_id = False, into.id
    # Who still says the old name means the new one.
    known = into.aliases.split()
    called = [department.name.replace(" ", ""), *department.aliases.split()]
    into.aliases = " ".join([*known, *(name for name in called if name not in known)])
    act.session.add_all([department, into])
    act.session.flush()
    result = Merged(department.code, department.name, into.code, into.name, len(ended), len(coming))
    for unit in (department, into):
        act.tell(Audience("department", unit.id), "merged", result)
    return result
