"""The verbs about tasks: the register of key tasks, supervised matters and inspection feedback, what became of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from sqlmodel import Session, col, select

from scheduler import hand_ins, progress
from scheduler.deadlines import due_day_of
from scheduler.facts import correction_due, departments_by_id, told_of
from scheduler.frame import Frame
from scheduler.naming import AnyTask, OpenTask, TaskItem
from scheduler.obligations import hand_ins_of
from scheduler.settlement import open_hold
from scheduler.tables import Correction, Extension, HandIn, Obligation, Task
from scheduler.tasks import add_task, obligation_of, tasks
from scoring.standings import current_year
from store.commands import Act, Choice, Rest, command, converter
from store.errors import Refusal
from store.notices import Audience
from store.people import Department, Person, Role, roles_of, speaks_for
from store.times import china
from store.words import Deadline, Instant, one_of

_SEES_ALL = frozenset({Role.ADMINISTRATOR, Role.LEADING_GROUP})
_SPEAKS = frozenset({Role.LIAISON, Role.HEAD})

OPEN = frozenset({"open", "missing", "returned"})
"""States of a task on which something is still to be done."""

TaskField = Literal["responsible", "measures", "title"]
Amended = Annotated[TaskField, "what of a task"]
"""What of a task may be put right; its date is moved by ``extend``."""

_FIELDS: dict[str, TaskField] = {
    "responsible": "responsible", "责任人": "responsible", "measures": "measures", "措施": "measures",
    "工作措施": "measures", "title": "title", "名称": "title", "任务名称": "title",
}  # fmt: skip


@dataclass(frozen=True)
class Progress:
    """进展 as it was sent: ``text`` is what was written, or the names of the files."""

    number: int
    at: datetime
    text: str
    by: str


@dataclass(frozen=True)
class TaskRow:
    """A task. ``state``: "open", "missing" (未办结, its date has passed), "returned" (退回补正, until
    ``correction_due``), "late", "done" or "exempt".

    ``days_left``: working days after today to the date that counts, None once it has passed; ``days_over``: calendar
    days since then, 0 before. Both only of what is still to be done. ``progress``: the last that was reported.
    """

    number: int
    code: str
    department: str
    year: int
    item: str
    item_title: str
    title: str
    responsible: str
    measures: str
    due: datetime
    state: str
    held: bool
    done_at: datetime | None
    correction_due: datetime | None
    days_left: int | None
    days_over: int
    progress: Progress | None
    told: dict[str, Any]


@dataclass(frozen=True)
class TaskList:
    tasks: tuple[TaskRow, ...]


@dataclass(frozen=True)
class CameIn:
    """Something sent for a task. ``kind``: "progress", "first" (the hand-in that settles it) or "more"."""

    number: int
    kind: str
    at: datetime
    by: str
    text: str
    files: tuple[str, ...]
    on_time: bool


@dataclass(frozen=True)
class DateMoved:
    before: datetime
    until: datetime
    at: datetime
    reason: str


@dataclass(frozen=True)
class SentBack:
    """A completion that was returned as inadequate. ``met``: something came in answer."""

    at: datetime
    reason: str
    due: datetime
    met: bool


@dataclass(frozen=True)
class TaskHistory:
    """A task with all that was said and done about it, each list in order of time."""

    task: TaskRow
    created: datetime
    came: tuple[CameIn, ...]
    moved: tuple[DateMoved, ...]
    returned: tuple[SentBack, ...]


@dataclass(frozen=True)
class DepartmentTasks:
    """The open tasks of a department under an item, the earliest date first."""

    code: str
    department: str
    tasks: tuple[TaskRow, ...]


@dataclass(frozen=True)
class ItemTasks:
    item: str
    title: str
    clause: str
    departments: tuple[DepartmentTasks, ...]


@dataclass(frozen=True)
class TaskCount:
    """How many tasks a department has open, and how many of these are overdue or returned; ``done``: of this year."""

    code: str
    department: str
    open: int
    overdue: int
    returned: int
    done: int


@dataclass(frozen=True)
class TaskBoard:
    """What is open, by item and department, and how much of it there is, overall and by department."""

    at: datetime
    overall: TaskCount
    departments: tuple[TaskCount, ...]
    items: tuple[ItemTasks, ...]


@dataclass(frozen=True)
class TaskAmended:
    """``before`` and ``after``: how ``what`` of the task read and reads."""

    what: TaskField
    before: str
    after: str
    task: TaskRow


@converter(Amended, choices=lambda _act, _given: [Choice(one, "") for one in ("responsible", "measures", "title")])
def _field(_act: Act, text: str) -> TaskField:
    return one_of(_FIELDS, text, "task_field_unknown")


@command("task", words=("任务", "任务清单", "tasks"), roles=_SEES_ALL | _SPEAKS, group="tasks")
def task_list(act: Act, department: Department | None = None) -> TaskList:
    """Supervised matters and key tasks, with dates and last progress. Departments see their own."""
    return TaskList(tuple(register(act, department)))


@command("task board", words=("看板", "任务看板", "重点任务", "督办事项"), roles=_SEES_ALL, group="tasks")
def task_board(act: Act, department: Department | None = None) -> TaskBoard:
    """What is open, overdue and returned, by item and by department, with date, responsible person and progress."""
    rows = register(act, department)
    open_rows = [one for one in rows if one.state in OPEN]
    known = dict.fromkeys((one.code, one.department) for one in sorted(rows, key=lambda one: one.code))
    year = current_year(act.session, act.now)
    counts = [_count(code, name, [one for one in rows if one.code == code], year) for code, name in known]
    frame = Frame.of(act.session)
    order = {code: place for year in frame.years for place, code in enumerate(frame.rulebook(year).items)}
    items = []
    for item in sorted({one.item for one in open_rows}, key=lambda code: order[code]):
        mine = [one for one in open_rows if one.item == item]
        units = dict.fromkeys((one.code, one.department) for one in mine)
        departments = tuple(
            DepartmentTasks(code, name, tuple(one for one in mine if one.code == code)) for code, name in units
        )
        items.append(ItemTasks(item, mine[0].item_title, mine[0].told["clause"], departments))
    ranked = sorted(counts, key=lambda one: (-one.overdue, -one.open, one.code))
    return TaskBoard(act.now, _count("", "", rows, year), tuple(ranked), tuple(items))


@command("task show", words=("查看任务", "任务详情"), roles=_SEES_ALL | _SPEAKS, group="tasks")
def task_show(act: Act, task: AnyTask) -> TaskHistory:
    """One task with all its progress, hand-ins, dates moved and returns. Departments see their own."""
    session, frame = act.session, Frame.of(act.session)
    everyone, own = _seen(act)
    department = session.get_one(Department, task.department_id)
    if not everyone and department.id not in own:
        # Nobody learns by numbers what others have to do.
        raise Refusal("task_unknown", text=f"#{task.id}")
    obligation = obligation_of(session, task)
    reported = progress.of_tasks(session, [obligation.id]).get(obligation.id, [])
    counted = hand_ins_of(session, obligation)
    moved = session.exec(select(Extension).where(Extension.obligation_id == obligation.id).order_by(col(Extension.id)))
    returned = session.exec(
        select(Correction).where(Correction.obligation_id == obligation.id).order_by(col(Correction.id))
    )
    came = [_came(session, one, "progress", obligation) for one in reported]
    came += [_came(session, one, "more" if number else "first", obligation) for number, one in enumerate(counted)]
    row = _task_row(frame, task, obligation, department, act.now, reported)
    return TaskHistory(
        task=row,
        created=task.created_at,
        came=tuple(sorted(came, key=lambda one: (one.at, one.number))),
        moved=tuple(DateMoved(one.before, one.until, one.granted_at, one.reason) for one in moved),
        returned=tuple(SentBack(one.returned_at, one.reason, one.due_at, one.met_by is not None) for one in returned),
    )


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


@command("task amend", words=("更正任务",), changes=True, weighs_on_department=True, group="tasks")
def task_amend(act: Act, task: OpenTask, what: Amended, text: Rest) -> TaskAmended:
    """Put right who is responsible, the measures or the title of a task; its date is moved by ``extend``."""
    if not text and what != "measures":
        raise Refusal("title_needed")
    before = getattr(task, what)
    setattr(task, what, text)
    act.session.add(task)
    act.session.flush()
    department = act.session.get_one(Department, task.department_id)
    row = _task_row(Frame.of(act.session), task, obligation_of(act.session, task), department, act.now)
    result = TaskAmended(what, before, text, row)
    act.tell(Audience("department", department.id), "task_amended", result)
    return result


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


def _seen(act: Act) -> tuple[bool, set[int]]:
    """Whether the actor sees every department's tasks, and the departments he speaks for."""
    return bool(_SEES_ALL & roles_of(act.session, act.actor)), {one.id for one in speaks_for(act.session, act.actor)}


def register(act: Act, department: Department | None) -> list[TaskRow]:
    """The tasks that the actor sees, the earliest date first. Raises Refusal not_your_department."""
    everyone, own = _seen(act)
    if department is not None and not everyone and department.id not in own:
        raise Refusal("not_your_department", department=department.name)
    frame, names = Frame.of(act.session), departments_by_id(act.session)
    found = [pair for pair in tasks(act.session, department) if everyone or pair[0].department_id in own]
    reported = progress.of_tasks(act.session, [obligation.id for _, obligation in found])
    return [
        _task_row(frame, task, one, names[task.department_id], act.now, reported.get(one.id, ())) for task, one in found
    ]


def _task_row(
    frame: Frame,
    task: Task,
    one: Obligation,
    department: Department,
    now: datetime,
    reported: Iterable[HandIn] = (),
) -> TaskRow:
    returned = correction_due(frame.session, one)
    if one.exempted_at is not None:
        state = "exempt"
    elif returned is not None:
        state = "returned"
    elif one.handed_in_at is not None:
        state = "done" if one.on_time else "late"
    else:
        state = "open" if one.due_at > now else "missing"
    told = told_of(frame, one, now)
    until, last = returned or one.due_at, list(reported)[-1:]
    over = max(0, (china(now).date() - due_day_of(until)).days)
    return TaskRow(
        number=task.id,
        code=department.code,
        department=department.name,
        year=one.year,
        item=task.item,
        item_title=frame.rulebook(one.year).items[task.item].title,
        title=task.title,
        responsible=task.responsible,
        measures=task.measures,
        due=one.due_at,
        state=state,
        held=one.due_at <= now and open_hold(frame.session, one) is not None,
        done_at=one.handed_in_at,
        correction_due=returned,
        days_left=told["days_left"] if state in OPEN and until > now else None,
        days_over=over if state in OPEN and until <= now else 0,
        progress=_progress(frame.session, last[0]) if last else None,
        told=told,
    )


def _progress(session: Session, one: HandIn) -> Progress:
    names = "、".join(file.name for file in hand_ins.files_of(session, one))
    return Progress(one.id, one.sent_at, one.text or names, _sender(session, one))


def _came(session: Session, one: HandIn, kind: str, obligation: Obligation) -> CameIn:
    files = tuple(file.name for file in hand_ins.files_of(session, one))
    on_time = one.sent_at < obligation.accept_until
    return CameIn(one.id, kind, one.sent_at, _sender(session, one), one.text or one.evidence or "", files, on_time)


def _sender(session: Session, one: HandIn) -> str:
    person = session.get(Person, one.person_id) if one.person_id is not None else None
    return person.name if person else ""


def _count(code: str, name: str, rows: Iterable[TaskRow], year: int) -> TaskCount:
    found = list(rows)
    still = [one for one in found if one.state in OPEN]
    return TaskCount(
        code=code,
        department=name,
        open=len(still),
        overdue=sum(one.days_left is None for one in still),
        returned=sum(one.state == "returned" for one in still),
        done=sum(one.state in ("done", "late") and one.year == year for one in found),
    )
