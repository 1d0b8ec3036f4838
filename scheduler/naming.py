"""Naming an obligation, a duty, a task and the like in chat and on the command line."""

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from sqlmodel import Session, col, select

from scheduler.deadlines import said_period
from scheduler.duties import obligation_for
from scheduler.facts import departments_by_id, told_of
from scheduler.frame import Frame
from scheduler.hand_ins import Channel
from scheduler.obligations import Decision, outstanding
from scheduler.tables import HandIn, HandInState, Obligation, Outcome, Settlement, Task
from scheduler.tasks import obligation_of, tasks
from scoring.items import find_item
from scoring.rulebook import Duty, Item
from scoring.standings import current_year, in_force
from store.commands import Act, Choice, converter
from store.departments import find_department
from store.errors import Refusal
from store.people import Department, Role, departments, roles_of, speaks_for
from store.words import numbered, one_of, plain, whole_number

Open = Annotated[Obligation, "open"]
"""An obligation; offered are those that are still owed."""

HandedIn = Annotated[Obligation, "handed in"]
"""An obligation; offered are those for which something came in lately."""

Held = Annotated[Obligation, "held"]
"""An obligation that waits for a decision."""

OpenTask = Annotated[Task, "open task"]
"""A task, by its number."""

AnyTask = Annotated[Task, "task"]
"""A task, by its number; offered are those that are done as well."""

TaskItem = Annotated[Item, "task"]
"""An item under which tasks are owed."""

Cycle = Annotated[str, "cycle"]
"""How often something is owed, as a rule book writes it."""

HoldDecision = Annotated[Decision, "decision"]
"""What becomes of a hold: deduct or exempt."""

Received = Annotated[Literal["oa", "paper", "wechat", "other"], "channel"]
"""How something reached the office."""

MOST_OFFERED = 60

_TASK = re.compile(r"(?:任务|task)\s*[#＃]?\s*(\d{1,9})(\s.*)?")

_DECISIONS: dict[str, Decision] = {
    "deduct": "deduct",
    "扣分": "deduct",
    "exempt": "exempt",
    "免报": "exempt",
    "免扣": "exempt",
}
_CYCLES = {
    "week": "week", "每周": "week", "month": "month", "每月": "month",
    "quarter": "quarter", "每季度": "quarter", "每季": "quarter",
    "half_year": "half_year", "每半年": "half_year", "year": "year", "每年": "year",
}  # fmt: skip
_CHANNELS: dict[str, Channel] = {
    "oa": "oa", "公文": "oa", "paper": "paper", "纸质": "paper", "书面": "paper",
    "wechat": "wechat", "微信": "wechat", "other": "other", "其他": "other", "其它": "other",
}  # fmt: skip


def find_obligation(act: Act, said: str) -> Obligation:
    """「#12」, or department, duty and period: 「财政局 工作动态 3月」; without a period, the only one that is owed. A
    task by its own number: 「任务3」.

    Raises Refusal obligation_unknown, task_unknown, duty_unknown, duty_ambiguous, period_unknown, not_owed, or one
    about the department.
    """
    number = whole_number(said.partition(":")[0])
    if number is not None:
        found = act.session.get(Obligation, number)
        if found is None:
            raise Refusal("obligation_unknown", text=said)
        return found
    if match := _TASK.fullmatch(plain(said)):
        task = act.session.get(Task, int(match[1])) if not match[2] else None
        if task is None:
            raise Refusal("task_unknown", text=said)
        return obligation_of(act.session, task)
    words = plain(said).split()
    if len(words) < 2 or whole_number(words[0]) is not None:
        raise Refusal("obligation_unknown", text=said)
    department = find_department(act.session, words[0])
    frame = Frame.of(act.session)
    duty = find_duty(act, words[1], frame)
    if len(words) == 2:
        owed = [one for one in outstanding(act.session, department.id) if one.duty == duty.code]
        if len(owed) != 1:
            raise Refusal("period_needed", department=department.name, duty=duty.title)
        return owed[0]
    try:
        covered = said_period(duty.period, "".join(words[2:]), current_year(act.session, act.now))
    except ValueError:
        raise Refusal("period_unknown", text=" ".join(words[2:])) from None
    return obligation_for(frame, department, duty.code, covered.code, act.now)


def find_duty(act: Act, said: str, frame: Frame | None = None) -> Duty:
    """A duty by its code, title, or a part of either. Raises Refusal duty_unknown or duty_ambiguous."""
    frame = frame or Frame.of(act.session)
    year = current_year(act.session, act.now)
    known = [frame.duty(year, code) for code in [*frame.rulebook(year).duties, *frame.data_sets]]
    duties = [one for one in known if one is not None]
    wanted = plain(said).casefold()
    called = {one.code: [name.casefold() for name in (one.code, one.title, one.short)] for one in duties}
    exact = [one for one in duties if wanted in called[one.code]]
    part = [one for one in duties if any(wanted in name or name in wanted for name in called[one.code])]
    for found in (exact, part):
        if len(found) == 1:
            return found[0]
        if found:
            raise Refusal("duty_ambiguous", text=said, like=[one.title for one in found])
    raise Refusal("duty_unknown", text=said, like=[one.title for one in duties])


def _choices(act: Act, obligations: Iterable[Obligation]) -> list[Choice]:
    frame, names = Frame.of(act.session), departments_by_id(act.session)
    offered = []
    for one in list(obligations)[:MOST_OFFERED]:
        told = told_of(frame, one)
        label = " ".join(filter(None, (names[one.department_id].name, told["period"], told["short"])))
        offered.append(Choice(f"#{one.id}", label))
    return offered


def _owed(act: Act, given: Mapping[str, Any]) -> list[Choice]:
    units = [given["department"]] if isinstance(given.get("department"), Department) else departments(act.session)
    owed = [one for unit in units for one in outstanding(act.session, unit.id)]
    return _choices(act, sorted(owed, key=lambda one: (one.due_at, one.id)))


def _came_in(act: Act, _given: Mapping[str, Any]) -> list[Choice]:
    latest = select(HandIn.obligation_id).where(HandIn.state == HandInState.COUNTED).order_by(col(HandIn.id).desc())
    ids = [one for one in act.session.exec(latest.limit(MOST_OFFERED)) if one is not None]
    found = {one.id: one for one in act.session.exec(select(Obligation).where(col(Obligation.id).in_(ids)))}
    return _choices(act, [found[one] for one in dict.fromkeys(ids)])


def held_obligations(session: Session) -> list[tuple[Obligation, Settlement]]:
    """What waits for a decision, the earliest deadline first."""
    query = (
        select(Obligation, Settlement)
        .join(Settlement, col(Settlement.obligation_id) == col(Obligation.id))
        .where(Settlement.outcome == Outcome.HELD, col(Settlement.ended_at).is_(None))
        .order_by(col(Settlement.due_at), col(Obligation.department_id), col(Settlement.id))
    )
    return [(obligation, settlement) for obligation, settlement in session.exec(query)]


def _to_decide(act: Act, _given: Mapping[str, Any]) -> list[Choice]:
    return _choices(act, (obligation for obligation, _ in held_obligations(act.session)))


def _written(one: Obligation) -> str:
    """The number reads back; the rest is for whoever reads the audit trail."""
    return f"#{one.id}:{one.duty}:{one.period}" if one.duty else f"#{one.id}"


converter(Obligation, Open, write=_written, choices=_owed, words=4)(find_obligation)
converter(HandedIn, write=_written, choices=_came_in, words=4)(find_obligation)
converter(Held, write=_written, choices=_to_decide, words=4)(find_obligation)


def _duties(act: Act, _given: Mapping[str, Any]) -> list[Choice]:
    frame, year = Frame.of(act.session), current_year(act.session, act.now)
    codes = [*frame.rulebook(year).duties, *frame.data_sets]
    return [Choice(code, duty.title) for code in codes if (duty := frame.duty(year, code)) is not None]


@converter(Duty, write=lambda duty: duty.code, choices=_duties)
def _duty(act: Act, text: str) -> Duty:
    return find_duty(act, text)


def _open_tasks(act: Act, _given: Mapping[str, Any]) -> list[Choice]:
    return _task_choices(act, [pair for pair in tasks(act.session) if pair[1].handed_in_at is None])


def _all_tasks(act: Act, _given: Mapping[str, Any]) -> list[Choice]:
    everyone = bool({Role.ADMINISTRATOR, Role.LEADING_GROUP} & roles_of(act.session, act.actor))
    own = {one.id for one in speaks_for(act.session, act.actor)}
    return _task_choices(act, [pair for pair in tasks(act.session) if everyone or pair[0].department_id in own])


def _task_choices(act: Act, found: Iterable[tuple[Task, Obligation]]) -> list[Choice]:
    names = departments_by_id(act.session)
    return [
        Choice(f"#{task.id}", f"{names[task.department_id].name} {task.title}")
        for task, obligation in found
        if obligation.exempted_at is None
    ]


@converter(OpenTask, Task, write=lambda task: f"#{task.id}", choices=_open_tasks)
@converter(AnyTask, write=lambda task: f"#{task.id}", choices=_all_tasks)
def _task(act: Act, text: str) -> Task:
    return numbered(act, Task, text, "task_unknown")


def _task_items(act: Act, _given: Mapping[str, Any]) -> list[Choice]:
    rulebook = in_force(act.session, current_year(act.session, act.now))
    return [Choice(one.code, one.title) for one in rulebook.items.values() if one.owed == "task"]


@converter(TaskItem, write=lambda item: item.code, choices=_task_items)
def _task_item(act: Act, text: str) -> Item:
    item = find_item(in_force(act.session, current_year(act.session, act.now)), text)
    if item.owed != "task":
        raise Refusal("item_not_owed", text=item.title)
    return item


@converter(Cycle, choices=lambda _act, _given: [Choice(one, "") for one in ("week", "month", "quarter")])
def _cycle(_act: Act, text: str) -> str:
    """「每周」, 「每月」, 「每季度」, 「每10天」, or as a rule book writes it: week, days:10."""
    said = plain(text).casefold().replace(" ", "")
    days = re.fullmatch(r"(?:每|days:)([1-9]\d{0,2})(?:天|日)?", said)
    if days:
        return f"days:{days[1]}"
    if said not in _CYCLES:
        raise Refusal("cycle_unknown", text=text)
    return _CYCLES[said]


@converter(HoldDecision, choices=lambda _act, _given: [Choice("deduct", ""), Choice("exempt", "")])
def _decision(_act: Act, text: str) -> Decision:
    return one_of(_DECISIONS, text, "decision_unknown")


@converter(Received, choices=lambda _act, _given: [Choice(one, "") for one in ("oa", "paper", "wechat", "other")])
def _channel(_act: Act, text: str) -> Channel:
    return one_of(_CHANNELS, text, "channel_unknown")
