"""The verbs about what departments owe: duties assigned from a date on, and tasks owed once."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from scheduler import hand_ins
from scheduler.data_sets import define_data_set
from scheduler.duties import assign_duty, assignments, end_duty
from scheduler.facts import departments_by_id, told_of
from scheduler.frame import Frame
from scheduler.naming import Cycle, OpenTask, TaskItem
from scheduler.settlement import open_hold
from scheduler.tables import DutyAssignment, Obligation, Task
from scheduler.tasks import add_task, obligation_of, tasks
from scoring.rulebook import Duty
from scoring.standings import current_year
from store.commands import Act, Rest, command
from store.errors import Refusal
from store.notices import Audience
from store.people import Department, Role, departments, roles_of, speaks_for
from store.times import china
from store.words import Count, Day, Deadline, Instant

_SEES_ALL = frozenset({Role.ADMINISTRATOR, Role.LEADING_GROUP})
_SPEAKS = frozenset({Role.LIAISON, Role.HEAD})


@dataclass(frozen=True)
class DutyRow:
    """A duty that a department owes for the periods that end from ``since`` to ``until`` (None: on and on)."""

    code: str
    department: str
    duty: str
    title: str
    since: date
    until: date | None


@dataclass(frozen=True)
class DutyList:
    duties: tuple[DutyRow, ...]


@dataclass(frozen=True)
class DataSetRow:
    """Shared data that can be assigned like a duty of the rule book."""

    code: str
    title: str
    item: str
    cycle: str
    due_working_day: int


@dataclass(frozen=True)
class TaskRow:
    """A task. ``state``: "open", "missing" (未办结, its date has passed), "late", "done" or "exempt"."""

    number: int
    code: str
    department: str
    item: str
    title: str
    responsible: str
    measures: str
    due: datetime
    state: str
    held: bool
    done_at: datetime | None
    told: dict[str, Any]


@dataclass(frozen=True)
class TaskList:
    tasks: tuple[TaskRow, ...]


@command("duty", words=("报送任务",), roles=_SEES_ALL, group="duties")
def duty_list(act: Act, department: Department | None = None) -> DutyList:
    """Which duties departments owe, and from when."""
    frame = Frame.of(act.session)
    units = [department] if department is not None else departments(act.session)
    return DutyList(
        tuple(_duty_row(act, frame, unit, one) for unit in units for one in assignments(act.session, unit.id))
    )


@command("duty assign", words=("分配报送",), changes=True, weighs_on_department=True, group="duties")
def duty_assign(act: Act, department: Department, duty: Duty, since: Day | None = None) -> DutyRow:
    """Have a department owe a duty for the periods that end on a day or later (default: today)."""
    frame = Frame.of(act.session)
    assignment = assign_duty(frame, department, duty.code, since=since or china(act.now).date(), now=act.now)
    return _duty_row(act, frame, department, assignment)


@command("duty define", words=("设定共享数据",), changes=True, group="duties")
def duty_define(act: Act, code: str, cycle: Cycle, title: Rest, *, due: Count = 1) -> DataSetRow:
    """Define shared data with a cycle of its own, due so many working days after each (default: 1); then assign it."""
    if not title:
        raise Refusal("title_needed")
    frame = Frame.of(act.session)
    items = frame.rulebook(current_year(act.session, act.now)).items.values()
    item = next((one.code for one in items if one.owed == "data_set"), "")
    made = define_data_set(frame, code=code, title=title, item=item, period=cycle, due_working_day=due)
    return DataSetRow(made.code, made.title, made.item, made.period, made.due_working_day)


@command("duty end", words=("取消报送",), changes=True, weighs_on_department=True, group="duties")
def duty_end(act: Act, department: Department, duty: Duty, until: Day | None = None) -> DutyRow:
    """Have a department owe a duty no longer for periods that end after a day (default: today)."""
    frame = Frame.of(act.session)
    running = [one for one in assignments(act.session, department.id) if one.duty == duty.code and one.until is None]
    if not running:
        raise Refusal("not_owed", department=department.name, duty=duty.title, period="")
    end_duty(frame, running[-1], until=until or china(act.now).date())
    return _duty_row(act, frame, department, running[-1])


def _duty_row(act: Act, frame: Frame, department: Department, one: DutyAssignment) -> DutyRow:
    duty = frame.duty(current_year(act.session, act.now), one.duty)
    return DutyRow(department.code, department.name, one.duty, duty.title if duty else one.duty, one.since, one.until)


@command("task", words=("任务", "任务清单"), roles=_SEES_ALL | _SPEAKS, group="tasks")
def task_list(act: Act, department: Department | None = None) -> TaskList:
    """Supervised matters and key tasks, with their dates. Departments see their own."""
    everyone = bool(_SEES_ALL & roles_of(act.session, act.actor))
    own = {one.id for one in speaks_for(act.session, act.actor)}
    if department is not None and not everyone and department.id not in own:
        raise Refusal("not_your_department", department=department.name)
    frame, names = Frame.of(act.session), departments_by_id(act.session)
    found = [
        _task_row(frame, task, obligation, names[task.department_id], act.now)
        for task, obligation in tasks(act.session, department)
        if everyone or task.department_id in own
    ]
    return TaskList(tuple(found))


@command("task add", words=("新增任务", "督办"), changes=True, weighs_on_department=True, group="tasks")
def task_add(
    act: Act,
    department: Department,
    item: TaskItem,
    until: Deadline,
    title: Rest,
    *,
    responsible: str | None = None,
    measures: str | None = None,
) -> TaskRow:
    """Have a department owe something once, with its date, the person responsible and the measures."""
    if not title:
        raise Refusal("title_needed")
    frame = Frame.of(act.session)
    obligation = add_task(
        frame,
        department,
        item,
        title=title,
        due_at=until,
        now=act.now,
        by=act.actor.id,
        responsible=responsible or "",
        measures=measures or "",
    )
    task = act.session.get_one(Task, obligation.task_id)
    row = _task_row(frame, task, obligation, department, act.now)
    act.tell(Audience("department", department.id), "task", row)
    return row


@command("task close", words=("办结",), changes=True, weighs_on_department=True, group="tasks")
def task_close(act: Act, task: OpenTask, at: Instant | None = None, evidence: Rest = "") -> TaskRow:
    """Register that a task was done, at its real time (default: now), with evidence."""
    frame = Frame.of(act.session)
    obligation = obligation_of(act.session, task)
    done = hand_ins.hand_in(
        frame,
        obligation,
        department_id=task.department_id,
        sent_at=at or act.now,
        recorded_at=act.now,
        person_id=act.actor.id,
        kind="received",
        channel="other",
        evidence=evidence or None,
    )
    for notice in done.notices:
        act.notify(notice)
    row = _task_row(frame, task, obligation, act.session.get_one(Department, task.department_id), act.now)
    act.tell(Audience("department", task.department_id), "task_closed", row)
    return row


def _task_row(frame: Frame, task: Task, one: Obligation, department: Department, now: datetime) -> TaskRow:
    if one.exempted_at is not None:
        state = "exempt"
    elif one.handed_in_at is not None:
        state = "done" if one.on_time else "late"
    else:
        state = "open" if one.due_at > now else "missing"
    return TaskRow(
        number=task.id,
        code=department.code,
        department=department.name,
        item=task.item,
        title=task.title,
        responsible=task.responsible,
        measures=task.measures,
        due=one.due_at,
        state=state,
        held=one.due_at <= now and open_hold(frame.session, one) is not None,
        done_at=one.handed_in_at,
        told=told_of(frame, one, now),
    )
