"""The verb ``export``: what came in as zip; the ledger, the scores and the tasks as workbooks."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any, Literal, get_args

from sqlmodel import Session, col, select

import templates
from handlers import archive, workbooks
from handlers.papers.bundle import bundle
from handlers.task_sheet import tasks_workbook
from handlers.workbooks import LedgerRow, ScoreRow, Standing
from scheduler.deadlines import said_period
from scheduler.facts import departments_by_id, told_of
from scheduler.frame import Frame
from scheduler.tables import HandIn, HandInFile, HandInState, Obligation, Settlement
from scheduler.task_commands import register
from scoring import results
from scoring.result_tables import PublishedPapers
from scoring.standings import current_year, in_force, standings, years
from scoring.tables import LedgerEntry
from store import blobs
from store.commands import Act, Choice, command, converter
from store.errors import Refusal
from store.people import Department, Person
from store.words import Year, plain

What = Literal["handins", "ledger", "scores", "tasks", "result"]
ExportWhat = Annotated[What, "what to export"]
"""What can be had as files."""

PeriodCode = Annotated[str, "period code"]
"""A period of any kind by its code: 2021-03, 2021Q1."""

_WHAT: dict[str, What] = {
    "handins": "handins", "材料": "handins", "报送材料": "handins", "ledger": "ledger", "台账": "ledger",
    "扣加分": "ledger", "scores": "scores", "得分": "scores", "成绩": "scores", "得分表": "scores",
    "tasks": "tasks", "任务": "tasks", "任务清单": "tasks", "result": "result", "结果": "result",
}  # fmt: skip
_EXPORTED = (HandInState.COUNTED, HandInState.WITHDRAWN, HandInState.PROGRESS)
_KINDS = ("month", "quarter", "half_year", "week")


@dataclass(frozen=True)
class ExportedFile:
    """One file: in the chat it is sent, on the command line it is written. ``size`` in bytes."""

    name: str
    size: int
    content: bytes = field(repr=False, metadata={"json": False})


@dataclass(frozen=True)
class Exported:
    """``rows`` is how many hand-ins, entries, tasks or departments the files list."""

    what: str
    year: int
    rows: int
    files: tuple[ExportedFile, ...]


@converter(ExportWhat, choices=lambda _act, _given: [Choice(one, "") for one in get_args(What)])
def _what(_act: Act, text: str) -> What:
    try:
        return _WHAT[plain(text).lower()]
    except KeyError:
        raise Refusal("export_unknown", text=text) from None


@converter(PeriodCode)
def _period(act: Act, text: str) -> str:
    year = current_year(act.session, act.now)
    for kind in _KINDS:
        with suppress(ValueError):
            return said_period(kind, text, year).code
    raise Refusal("period_unknown", text=text)


@command("export", words=("导出",), group="files")
def export(
    act: Act,
    what: ExportWhat,
    period: PeriodCode | None = None,
    *,
    department: Department | None = None,
    year: Year | None = None,
) -> Exported:
    """Files: hand-ins as zip (of a period), ledger, scores or tasks as xlsx, a published result with all papers."""
    if what == "result":
        return _result(act, year)
    year = year or (int(period[:4]) if period else current_year(act.session, act.now))
    if what == "handins":
        return _hand_ins(act, year, period, department)
    if what == "tasks":
        found = [one for one in register(act, department) if one.year == year]
        return _exported(what, year, len(found), "tasks_file", tasks_workbook(year, found, act.now))
    standing = Standing(year, act.now)
    rows = list(_entries(act.session, year, department))
    if what == "ledger":
        return _exported(what, year, len(rows), "ledger_file", workbooks.ledger_workbook(standing, rows))
    rulebook = in_force(act.session, year)
    scores = [
        ScoreRow(
            rank=one.rank,
            department=one.department.name,
            daily=one.sheet.daily,
            panels=tuple(one.sheet.panels.get(code) for code in rulebook.panels),
            annual=one.sheet.annual,
            bonus=one.sheet.bonus,
            total=one.sheet.total,
            grade=rulebook.grade_title(one.sheet.grade) if one.sheet.grade != "pending" else None,
            vetoes=tuple(rulebook.items[code].title for code in one.sheet.vetoes),
            few=one.sheet.withheld == "few",
            disputed=one.sheet.disputed,
        )
        for one in standings(act.session, year)
        if department is None or one.department.id == department.id
    ]
    titles = [panel.title for panel in rulebook.panels.values()]
    content = workbooks.scores_workbook(standing, titles, scores, rows)
    return _exported(what, year, len(scores), "scores_file", content)


def _result(act: Act, year: int | None) -> Exported:
    """The published result of a year, the latest if none is named, with all its papers."""
    wanted = [year] if year else years(act.session)[::-1]
    found = next((one for each in wanted if (one := results.published(act.session, each)) is not None), None)
    if found is None or found.published_at is None:
        raise Refusal("nothing_published", year=year)
    kept = act.session.get(PublishedPapers, found.id)
    if kept is None:
        content = bundle(results.lines_of(act.session, found), found.published_at)
        kept = PublishedPapers(result_set_id=found.id, content=content)
        act.session.add(kept)
    name = archive.safe(f"{templates.word('result_file', year=found.year)}.zip")
    count = len(results.read(act.session, found).departments)
    return Exported("result", found.year, count, (ExportedFile(name, len(kept.content), kept.content),))


def _exported(what: str, year: int, rows: int, name: str, content: bytes) -> Exported:
    file = ExportedFile(archive.safe(f"{templates.word(name, year=year)}.xlsx"), len(content), content)
    return Exported(what, year, rows, (file,))


def _hand_ins(act: Act, year: int, period: str | None, department: Department | None) -> Exported:
    entries = list(_came_in(act.session, year, period, department))
    if not entries:
        raise Refusal("nothing_to_export")
    title = templates.word("hand_ins_file", year=year, period=period, department=department.name if department else "")
    files = tuple(
        ExportedFile(part.name, len(part.content), part.content) for part in archive.parts(title, entries, act.now)
    )
    return Exported("handins", year, len({one.number for one in entries}), files)


def _came_in(session: Session, year: int, period: str | None, department: Department | None) -> Iterator[archive.Entry]:
    """The hand-ins of a year, or of a period of it, each file an entry; by department, then as they came."""
    query = (
        select(HandIn, Obligation)
        .join(Obligation, col(HandIn.obligation_id) == col(Obligation.id))
        .where(Obligation.year == year, col(HandIn.state).in_(_EXPORTED))
        .order_by(col(Obligation.department_id), col(Obligation.due_at), col(HandIn.sent_at), col(HandIn.id))
    )
    if period is not None:
        query = query.where(Obligation.period == period)
    if department is not None:
        query = query.where(Obligation.department_id == department.id)
    frame, names = Frame.of(session), departments_by_id(session)
    senders = {one.id: one.name for one in session.exec(select(Person))}
    for one, obligation in session.exec(query).all():
        about = partial(
            archive.Entry,
            number=one.id,
            department=names[obligation.department_id].name,
            what=told_of(frame, obligation)["what"],
            period=obligation.period,
            sent_at=one.sent_at,
            state=templates.word(_state(one, obligation)),
            sender=senders.get(one.person_id or 0, ""),
        )
        files = session.exec(select(HandInFile).where(HandInFile.hand_in_id == one.id).order_by(col(HandInFile.id)))
        whole = [about(name=file.name, size=file.size or 0, content=_opener(session, file)) for file in files.all()]
        yield from whole or [about(text=one.text or "", note=one.evidence or "")]


def _state(one: HandIn, obligation: Obligation) -> str:
    if one.state == HandInState.WITHDRAWN:
        return "state_withdrawn"
    if one.state == HandInState.PROGRESS:
        return "state_progress"
    if one.kind == "nil":
        return "state_nil"
    return "state_on_time" if one.sent_at < obligation.accept_until else "state_late"


def _opener(session: Session, file: HandInFile) -> Callable[[], bytes] | None:
    return partial(blobs.get, session, file.blob) if file.blob else None


def _entries(session: Session, year: int, department: Department | None) -> Iterator[LedgerRow]:
    """The ledger of a year, in the order in which it was written."""
    rulebook, names = in_force(session, year), departments_by_id(session)
    persons = {one.id: one.name for one in session.exec(select(Person))}
    query = select(LedgerEntry).where(LedgerEntry.year == year).order_by(col(LedgerEntry.id))
    if department is not None:
        query = query.where(LedgerEntry.department_id == department.id)
    entries = session.exec(query).all()
    reversed_by = {one.reverses_id: one.id for one in entries if one.reverses_id is not None}
    lateness = _lateness(session, year)
    for one in entries:
        item = rulebook.items[one.item]
        obligation = lateness.get(one.id)
        yield LedgerRow(
            number=one.id,
            department=names[one.department_id].name,
            title=item.title,
            clause=item.clause,
            clause_text=item.clause_text,
            count=one.count,
            points=one.points,
            happened_at=one.happened_at,
            recorded_at=one.recorded_at,
            recorded_by=persons.get(one.recorded_by or 0, ""),
            source=one.source,
            reason=one.reason,
            evidence=_evidence(one.evidence),
            period=one.period,
            due=one.happened_at if obligation else None,
            actual=obligation.handed_in_at if obligation else None,
            confirmed_by=persons.get(one.confirmed_by or 0, ""),
            reverses=one.reverses_id,
            reversed_by=reversed_by.get(one.id),
        )


def _lateness(session: Session, year: int) -> Mapping[int, Obligation]:
    """The obligations behind automatic deductions, by entry."""
    query = (
        select(Settlement.entry_id, Obligation)
        .join(Obligation, col(Settlement.obligation_id) == col(Obligation.id))
        .where(Obligation.year == year, col(Settlement.entry_id).is_not(None))
    )
    return {entry_id: obligation for entry_id, obligation in session.exec(query) if entry_id is not None}


def _evidence(evidence: dict[str, Any] | None) -> str:
    return str(evidence.get("note", "")) if evidence else ""
