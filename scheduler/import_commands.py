"""The verb ``import``: departments with duties, contacts, raters and tasks out of one spreadsheet, all or nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, time, timedelta
from typing import Annotated

from sqlmodel import Session, col, select

import store.verbs  # noqa: F401 - the verb that invites
from scheduler import layouts
from scheduler.duties import assign_duty, assignments
from scheduler.frame import Frame
from scheduler.import_form import Vocabulary
from scheduler.importing import ContactRow, DepartmentRow, Parsed, RaterRow, TaskRow, parse
from scheduler.tables import Obligation, Task
from scheduler.tasks import add_task, tasks
from scoring import seats
from scoring.rulebook import RuleBook
from scoring.standings import current_year, in_force
from store import acting, invitations, uploads
from store.acting import Proposed
from store.commands import Act, command, converter
from store.departments import called
from store.errors import Refusal
from store.invitations import Invitation
from store.people import POWERFUL_ROLES, Appointment, Department, Person, Role, departments
from store.proposals import open_proposals
from store.times import CHINA, china
from store.uploads import Upload

Form = Annotated[Upload, "import form"]
"""The import's spreadsheet: in the chat a document that was sent, on the command line a path."""


@dataclass(frozen=True)
class NewDepartment:
    """A department that was entered or changed; ``duties`` are titles of what it owes from now on."""

    code: str
    department: str
    new: bool
    duties: tuple[str, ...]


@dataclass(frozen=True)
class NewContact:
    """A person who was invited. ``token`` goes into the link and is kept nowhere.

    One who is to decide (administrator, leading group) is proposed: then ``proposal`` is the proposal's number, and
    the link is made when it is confirmed; ``number`` is 0 until then.
    """

    number: int
    department: str | None
    role: str
    name: str
    token: str
    proposal: int | None = None


@dataclass(frozen=True)
class NewTask:
    """A task that was entered, or one that the file says something else of than the register does.

    ``amended``: responsible person or measures were put right. ``other_date``: the date in the file, where it is not
    ``due``; dates are not moved by a file but by ``extend``, with what follows from that.
    """

    number: int
    department: str
    title: str
    due: datetime
    new: bool = True
    amended: bool = False
    other_date: datetime | None = None


@dataclass(frozen=True)
class NewRater:
    """A place among those who rate in ``panel`` (its title), entered or changed in what it may rate. ``rates``: how
    many departments, None for all.
    """

    panel: str
    name: str
    unit: str
    rates: int | None


@dataclass(frozen=True)
class Imported:
    """What a file brought. ``same``: rows that say what is known already."""

    file: str
    departments: tuple[NewDepartment, ...]
    contacts: tuple[NewContact, ...]
    tasks: tuple[NewTask, ...]
    raters: tuple[NewRater, ...]
    same: int
    expires_at: datetime


@converter(Form, write=uploads.written, words=2)
def _form(act: Act, text: str) -> Upload:
    return uploads.given(act, text)


def vocabulary(session: Session, rulebook: RuleBook) -> Vocabulary:
    """The words that may stand in the form's cells now."""
    known = {one.code: (one.name, *one.aliases.split()) for one in departments(session)}
    return Vocabulary.of(rulebook, known)


@command("import", words=("导入", "批量导入"), changes=True, group="people")
def import_form(act: Act, file: Form) -> Imported:
    """Departments with duties, contacts, raters and tasks from the filled-in form; with a fault, nothing is taken."""
    rulebook = in_force(act.session, current_year(act.session, act.now))
    parsed = parse(file.content, vocabulary(act.session, rulebook), today=china(act.now).date())
    if parsed.faults:
        raise Refusal(
            "import_faulty", name=file.name, faults=[asdict(one) | {"facts": dict(one.facts)} for one in parsed.faults]
        )
    result = _Import(act, rulebook).take(file.name, parsed)
    if not (result.departments or result.contacts or result.tasks or result.raters):
        raise Refusal("import_nothing_new")
    return result


class _Import:
    """One file being entered, in one transaction."""

    def __init__(self, act: Act, rulebook: RuleBook) -> None:
        self.act = act
        self.session = act.session
        self.rulebook = rulebook
        self.frame = Frame.of(act.session)
        self.same = 0

    def take(self, name: str, parsed: Parsed) -> Imported:
        units = list(self._departments(parsed.departments))
        contacts = list(self._contacts(parsed.contacts))
        raters = list(self._raters(parsed.raters))
        tasks = list(self._tasks(parsed.tasks))
        expires_at = self.act.now + timedelta(days=invitations.DEFAULT_DAYS)
        return Imported(name, tuple(units), tuple(contacts), tuple(tasks), tuple(raters), self.same, expires_at)

    def _departments(self, rows: Sequence[DepartmentRow]) -> Iterable[NewDepartment]:
        known = {one.code: one for one in self.session.exec(select(Department))}
        heirs = {one.id: one for one in known.values()}
        names = {one.code: called(one) for one in known.values() if one.active}
        names |= {row.code: [row.name, *row.aliases] for row in rows}
        own = {layouts.key(name) for each in names.values() for name in each}
        for row in rows:
            unit = known.get(row.code)
            new = unit is None
            unit = unit or Department(code=row.code, name=row.name, kind=row.kind)
            before = unit.model_copy()
            unit.name, unit.kind, unit.vertical = row.name, row.kind, row.vertical
            if unit.successor_id is not None:
                # It took two persons to let it go; a file is one's.
                raise Refusal("import_merged", department=unit.name, into=heirs[unit.successor_id].name)
            unit.active = True
            # Who still says the name of a department that has gone into this one means this one, unless another has it.
            gone_in = [] if new else [one for one in heirs.values() if one.successor_id == unit.id]
            taken_over = [name for one in gone_in for name in called(one) if layouts.key(name) not in own]
            unit.aliases = " ".join(dict.fromkeys([*row.aliases, *taken_over]))
            if row.superior is not None:
                unit.superior = row.superior
            if row.office:
                self._make_office(known.values(), unit)
            changed = unit != before
            self.session.add(unit)
            self.session.flush()
            duties = list(self._duties(unit, row))
            if new or changed or duties:
                yield NewDepartment(unit.code, unit.name, new, tuple(duties))
            else:
                self.same += 1

    def _make_office(self, units: Iterable[Department], office: Department) -> None:
        for unit in units:
            if unit.office and unit is not office:
                # Moving it takes two persons; a file is one's.
                raise Refusal("office_stands", department=unit.name)
        office.office = True

    def _duties(self, unit: Department, row: DepartmentRow) -> Iterable[str]:
        owed = {one.duty for one in assignments(self.session, unit.id) if one.until is None}
        for duty, since in row.duties:
            if duty not in owed:
                assign_duty(self.frame, unit, duty, since=since, now=self.act.now)
                yield self.rulebook.duties[duty].title

    def _contacts(self, rows: Iterable[ContactRow]) -> Iterable[NewContact]:
        by_code = {one.code: one for one in departments(self.session)}
        known = self._known_contacts()
        for row in rows:
            unit = by_code[row.department] if row.department else None
            if (row.role, unit.id if unit else None, row.name) in known:
                self.same += 1
                continue
            unit_name = unit.name if unit else None
            if Role(row.role) in POWERFUL_ROLES:
                # Takes two, as it does when it is said in one line.
                done = acting.run(self.act, "invite", role=Role(row.role), department=unit, name=row.name)
                proposal = done.number if isinstance(done, Proposed) else None
                token, number = ("", 0) if isinstance(done, Proposed) else (done.token, done.number)
                yield NewContact(number, unit_name, row.role, row.name, token, proposal)
                continue
            token, invitation = invitations.invite(
                self.session, role=Role(row.role), department=unit, name=row.name, by=self.act.actor, now=self.act.now
            )
            yield NewContact(invitation.id, unit_name, row.role, row.name, token)

    def _known_contacts(self) -> set[tuple[str, int | None, str]]:
        """Who is in office, invited or proposed already: asking them twice would only confuse them."""
        query = select(Appointment.role, Appointment.department_id, Person.name).join(Person)
        in_office = self.session.exec(query.where(col(Appointment.until).is_(None)))
        invited: list[Invitation] = invitations.waiting(self.session, self.act.now)
        known = {(role, unit, name) for role, unit, name in in_office}
        known |= {(one.role, one.department_id, one.name) for one in invited}
        proposed = [one for one in open_proposals(self.session) if one.verb == "invite"]
        return known | {(one.arguments["role"], one.department_id, one.arguments.get("name", "")) for one in proposed}

    def _raters(self, rows: Iterable[RaterRow]) -> Iterable[NewRater]:
        by_code = {one.code: one for one in departments(self.session)}
        year = current_year(self.session, self.act.now)
        for row in rows:
            unit = by_code[row.department] if row.department else None
            seat, new = seats.enter(
                self.session,
                year=year,
                panel=row.panel,
                name=unit.name if unit else row.name,
                unit="" if unit else row.unit,
                department=unit,
                may_rate=[by_code[code].id for code in row.may_rate],
            )
            if new:
                title = self.rulebook.panels[row.panel].title
                yield NewRater(title, seat.name, seat.unit, len(row.may_rate) or None)
            else:
                self.same += 1

    def _tasks(self, rows: Iterable[TaskRow]) -> Iterable[NewTask]:
        by_code = {one.code: one for one in departments(self.session)}
        known = {(task.department_id, task.item, task.title): (task, owed) for task, owed in tasks(self.session)}
        for row in rows:
            unit = by_code[row.department]
            # The last day counts in full.
            due_at = datetime.combine(row.due + timedelta(days=1), time(), CHINA)
            if (unit.id, row.item, row.title) in known:
                yield from self._known_task(unit, row, due_at, *known[unit.id, row.item, row.title])
                continue
            obligation = add_task(
                self.frame,
                unit,
                self.rulebook.items[row.item],
                title=row.title,
                due_at=due_at,
                now=self.act.now,
                by=self.act.actor.id,
                responsible=row.responsible,
                measures=row.measures,
            )
            yield NewTask(obligation.task_id or 0, unit.name, row.title, due_at)

    def _known_task(
        self, unit: Department, row: TaskRow, due_at: datetime, task: Task, owed: Obligation
    ) -> Iterable[NewTask]:
        """What a row says anew of a task in the register; an empty cell says nothing."""
        before = task.responsible, task.measures
        task.responsible, task.measures = row.responsible or task.responsible, row.measures or task.measures
        self.session.add(task)
        amended, other = before != (task.responsible, task.measures), due_at if due_at != owed.due_at else None
        if amended or other is not None:
            yield NewTask(task.id, unit.name, task.title, owed.due_at, new=False, amended=amended, other_date=other)
        else:
            self.same += 1
