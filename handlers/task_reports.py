"""What departments send for a task: 进展, kept beside it, or 办结, the hand-in. Words say which, else the sender."""

import re
from typing import Literal

from sqlmodel import Session

import templates
from handlers import keyboards
from handlers.context import Context
from handlers.meaning import HAND_IN
from handlers.owed import Owed
from handlers.parsing import Line
from scheduler import hand_ins, progress
from scheduler.tables import HandIn
from store.departments import find_department
from store.errors import Refusal
from store.people import Role

Meant = Literal["progress", "done"]

_PROGRESS = re.compile(r"进展|进度|推进情况|阶段性")
_DONE = re.compile(r"^办结|(?:已|已经|全部|均)办结|办结(?:报告|材料|证明)|整改到位")
_NOT_DONE = re.compile(r"(?:未|没有|没|尚待|预计|计划|力争|争取)[^，。；,;]{0,12}(?:办结|到位)")


def begins(session: Session, line: Line, roles: frozenset[Role]) -> bool:
    """Whether words only begin like a department's verb 「任务」, and report: 任务进展：完成一半. The verb names a
    department and nothing else.
    """
    if line.verb.name != "task" or not line.rest or roles & {Role.ADMINISTRATOR, Role.LEADING_GROUP}:
        return False
    try:
        find_department(session, line.rest)
    except Refusal:
        return True
    return False


def meant(target: Owed, words: str | None) -> Meant | None:
    """Whether what is sent for ``target`` is progress or the hand-in; None: only its sender can say.

    A duty is handed in and nothing else; what comes for a task that is done supplements, unless it says otherwise.
    """
    if target.obligation.task_id is None:
        return "done"
    # A title may speak of progress itself.
    how = said((words or "").replace(target.told["what"], ""))
    finished = target.obligation.handed_in_at is not None and target.told["correction_due"] is None
    return how or ("done" if finished else None)


def said(words: str) -> Meant | None:
    """What words say of themselves: 进展：…, 已办结; None where they say neither, or both."""
    words = words.strip(" ：:，,。\n")
    not_done = bool(_NOT_DONE.search(words))
    under_way, done = bool(_PROGRESS.search(words)) or not_done, bool(_DONE.search(words)) and not not_done
    if under_way == done:
        return None
    return "progress" if under_way else "done"


def ask(context: Context, one: HandIn, target: Owed, *, edit: bool = False) -> None:
    """Asks whether it is progress or the completion. Until that is answered it waits, with the date it was sent."""
    named = (one.id, target.obligation.id)
    markup = keyboards.inline(
        [keyboards.button(templates.word(f"button_{what}"), what, *named) for what in ("progress", "done")],
        [keyboards.button(templates.word("button_drop"), "drop", one.id)],
    )
    text = templates.render(
        "departments/progress_or_done",
        one=target.told,
        department=target.department.name,
        kind=one.kind,
        sent_at=one.sent_at,
        files=hand_ins.files_of(context.session, one),
    )
    _say(context, one, text, markup, edit=edit)


def report(context: Context, one: HandIn, target: Owed, *, edit: bool = False) -> None:
    """Keeps it as progress, with a receipt that says that the task goes on."""
    progress.report(context.session, one, target.obligation)
    files = hand_ins.files_of(context.session, one)
    text = templates.render(
        "departments/progress",
        one=target.told,
        department=target.department.name,
        number=one.id,
        sent_at=one.sent_at,
        files=files,
        album=one.album is not None,
        too_large=any((file.size or 0) > hand_ins.LARGEST_FETCH for file in files),
        overdue=target.obligation.due_at <= context.now,
        done=target.obligation.handed_in_at is not None,
    )
    in_time = context.now < target.obligation.due_at
    _say(context, one, text, keyboards.worded([("undo", str(one.id))] if in_time else []), edit=edit)


def _say(context: Context, one: HandIn, text: str, markup: keyboards.Keyboard | None, *, edit: bool) -> None:
    """As an answer that what is replied to it belongs to, or in place of the question that was tapped."""
    if edit:
        context.edit(text, markup=markup or keyboards.inline())
    else:
        context.reply(text, markup=markup, quote=True, topic=f"{HAND_IN}{one.id}")
