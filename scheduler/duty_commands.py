"""The verbs about duties: assigned to departments from a date on, and shared data with cycles of their own."""

from dataclasses import dataclass
from datetime import date

from scheduler.data_sets import define_data_set
from scheduler.duties import assign_duty, assignments, end_duty
from scheduler.frame import Frame
from scheduler.naming import Cycle
from scheduler.tables import DutyAssignment
from scoring.rulebook import Duty
from scoring.standings import current_year
from store.commands import Act, Rest, command
from store.errors import Refusal
from store.people import Department, Role, departments
from store.times import china
from store.words import Count, Day

LONGEST_CODE = 32
"""Characters. The code stands in an index, in buttons and in sentences."""

_SEES_ALL = frozenset({Role.ADMINISTRATOR, Role.LEADING_GROUP})


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
    if len(code) > LONGEST_CODE:
        raise Refusal("code_too_long", most=LONGEST_CODE)
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
