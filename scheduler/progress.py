"""进展: what a department reports of a task on its way. Kept and shown with the task; ladder and deadline go on."""

from collections.abc import Collection, Mapping

from sqlmodel import Session, col, select

from scheduler.hand_ins import claims_of
from scheduler.tables import HandIn, HandInState, Obligation
from store.errors import Refusal


def report(session: Session, one: HandIn, obligation: Obligation) -> HandIn:
    """What was sent is progress of a task, and no hand-in. Whoever says it twice changes nothing.

    Raises Refusal progress_of_tasks where the obligation is none, hand_in_counts where it has come to count,
    hand_in_gone when it was withdrawn, dropped or said to be of another task, hand_in_claimed when it is held.
    """
    if obligation.task_id is None:
        raise Refusal("progress_of_tasks")
    if one.state == HandInState.COUNTED:
        raise Refusal("hand_in_counts", number=one.id)
    known = one.state == HandInState.PROGRESS and one.obligation_id == obligation.id
    if one.state != HandInState.WAITING and not known:
        raise Refusal("hand_in_gone", number=one.id)
    if claims_of(session, one.obligation_id):
        raise Refusal("hand_in_claimed", number=one.id)
    one.state, one.obligation_id, one.department_id = HandInState.PROGRESS, obligation.id, obligation.department_id
    session.add(one)
    session.flush()
    return one


def of_tasks(session: Session, obligations: Collection[int]) -> Mapping[int, list[HandIn]]:
    """The progress reported of each of these obligations, in the order in which it was sent."""
    found: dict[int, list[HandIn]] = {}
    wanted = list(obligations)
    for start in range(0, len(wanted), 500):
        query = select(HandIn).where(
            col(HandIn.obligation_id).in_(wanted[start : start + 500]), HandIn.state == HandInState.PROGRESS
        )
        for one in session.exec(query.order_by(col(HandIn.sent_at), col(HandIn.id))):
            found.setdefault(one.obligation_id or 0, []).append(one)
    return found
