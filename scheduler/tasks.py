"""Tasks: what is owed once (督办事项, 重点任务), with responsible person, measures and date."""

from datetime import datetime

from sqlmodel import Session, col, select

from scheduler.deadlines import due_day_of
from scheduler.duties import plan
from scheduler.frame import Frame
from scheduler.tables import Obligation, Task
from scoring.rulebook import Item
from store.errors import Refusal
from store.people import Department


def add_task(
    frame: Frame,
    department: Department,
    item: Item,
    *,
    title: str,
    due_at: datetime,
    now: datetime,
    by: int | None = None,
    responsible: str = "",
    measures: str = "",
) -> Obligation:
    """Have a department owe something once, from now on; it belongs to the assessment year of its due day.

    Raises Refusal item_not_owed, date_passed or year_not_in_force.
    """
    year = due_day_of(due_at).year
    rules = frame.rulebook(year).items.get(item.code)
    if rules is None or rules.owed != "task":
        raise Refusal("item_not_owed", text=item.title)
    if due_at <= now:
        raise Refusal("date_passed", until=due_at)
    task = Task(
        department_id=department.id,
        item=item.code,
        title=title,
        responsible=responsible,
        measures=measures,
        created_at=now,
        created_by=by,
    )
    frame.session.add(task)
    frame.session.flush()
    obligation = Obligation(
        department_id=department.id,
        task_id=task.id,
        year=year,
        item=item.code,
        original_due_at=due_at,
        due_at=due_at,
        accept_until=due_at,
        opened_at=now,
    )
    plan(frame, obligation, now)
    frame.session.add(obligation)
    frame.session.flush()
    return obligation


def obligation_of(session: Session, task: Task) -> Obligation:
    """The obligation that a task is."""
    return session.exec(select(Obligation).where(Obligation.task_id == task.id)).one()


def tasks(session: Session, department: Department | None = None) -> list[tuple[Task, Obligation]]:
    """All tasks, or those of a department, the earliest deadline first."""
    query = select(Task, Obligation).join(Obligation, col(Obligation.task_id) == col(Task.id))
    if department is not None:
        query = query.where(Task.department_id == department.id)
    found = session.exec(query.order_by(col(Obligation.due_at), col(Task.id)))
    return [(task, obligation) for task, obligation in found]
