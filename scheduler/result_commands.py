"""The verbs from scores to a published result: freeze, approve, publish; and the results of earlier years."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlmodel import Session, col, select

from scheduler import closing
from scheduler.frame import Frame
from scheduler.result_naming import PastGrade, Scan, Total, WaitingResult
from scoring import approval, past, results
from scoring.approval import Consent
from scoring.cards import RankList, RankRow, frozen_list
from scoring.frozen import Checked
from scoring.past import failed_twice
from scoring.published import Publication
from scoring.result_tables import Approval, RecordedApproval, ResultSet
from scoring.results import Obstacle
from scoring.sheet import PENDING
from scoring.standings import current_year, in_force
from store.commands import Act, Rest, command, to_json
from store.errors import Refusal
from store.notices import Audience, Notice
from store.people import Department, Person, Role, departments
from store.times import iso_china
from store.words import Day, Year

_SEES = (Role.ADMINISTRATOR, Role.LEADING_GROUP)
ENDS = 3
"""So many departments of either end of the list are named where the whole is too long."""


@dataclass(frozen=True)
class Override:
    """Something that was not settled, and why it went on nevertheless."""

    what: str
    count: int
    names: tuple[str, ...]
    reason: str
    by: str
    at: str


@dataclass(frozen=True)
class Outline:
    """A result in outline. ``grades``: (title, how many), best first; ``open``: whose grade is pending; ``vetoed``: the
    names of those; ``twice``: with the lowest grade for the second year running; ``unknown``: of whom that cannot be
    said (无法判定), since last year's is not known. ``ledger``: the number of the ledger's head, with its hash.
    """

    year: int
    scheme: str
    hash: str
    departments: int
    entries: int
    top: tuple[RankRow, ...]
    bottom: tuple[RankRow, ...]
    grades: tuple[tuple[str, int], ...]
    open: tuple[str, ...]
    vetoed: tuple[str, ...]
    twice: tuple[str, ...]
    unknown: tuple[str, ...]
    overrides: tuple[Override, ...]
    ledger: int
    ledger_hash: str
    frozen_at: str


@dataclass(frozen=True)
class Frozen:
    """A year that has been frozen; ``members`` of the leading group are asked, ``needed`` have to agree."""

    outline: Outline
    members: int
    needed: int


@dataclass(frozen=True)
class Agreed:
    """An approval: by ``name``, or on ``paper`` of the day ``dated``; and how far the result is approved."""

    year: int
    hash: str
    name: str
    paper: str | None
    dated: date | None
    scan: str | None
    consent: Consent


@dataclass(frozen=True)
class PublishedNow:
    """A year that has been published; ``overrides`` are those of the publication alone."""

    outline: Outline
    consent: Consent
    overrides: tuple[Override, ...]


@dataclass(frozen=True)
class SetRow:
    """A result and what became of it. ``why``: what voided it, or, while it stands, what has changed since; ``papers``
    are numbers with their dates.
    """

    hash: str
    state: str
    frozen_at: datetime
    frozen_by: str
    published_at: datetime | None
    why: tuple[Mapping[str, Any], ...]
    overrides: tuple[Override, ...]
    agreed: tuple[str, ...]
    papers: tuple[tuple[str, date], ...]
    consent: Consent


@dataclass(frozen=True)
class Results:
    """The results of a year, latest first; ``obstacles``: what is not settled now."""

    year: int
    sets: tuple[SetRow, ...]
    obstacles: tuple[Obstacle, ...]


@dataclass(frozen=True)
class ResultShown:
    """A frozen result from its own file, department by department."""

    outline: Outline
    state: str
    ranking: RankList


@dataclass(frozen=True)
class PastEntered:
    """A result of an earlier year that was entered."""

    year: int
    code: str
    department: str
    grade: str
    grade_title: str
    total: str | None
    replaced: bool


def _overrides(told: Iterable[Mapping[str, Any]]) -> tuple[Override, ...]:
    return tuple(
        Override(one["what"], one["count"], tuple(one["names"]), one["reason"], one["by"], one["at"]) for one in told
    )


def outline(session: Session, result: ResultSet) -> Outline:
    """A result in outline, from its file."""
    checked = results.read(session, result)
    rulebook, header = checked.rulebook, checked.header
    rows = frozen_list(checked).rows
    ranked = [one for one in rows if one.rank is not None]
    grades = [(one.title, sum(row.grade == one.code for row in rows)) for one in rulebook.grades]
    twice = {one["name"]: failed_twice(rulebook, one["figures"]["grade"], one["last"]) for one in checked.departments}
    return Outline(
        year=result.year,
        scheme=rulebook.title,
        hash=result.hash,
        departments=len(rows),
        entries=checked.entries,
        top=tuple(ranked[:ENDS]),
        bottom=tuple(ranked[ENDS:][-ENDS:]),
        grades=tuple(grades),
        open=tuple(one.department for one in rows if one.grade == PENDING),
        vetoed=tuple(one.department for one in rows if one.vetoes),
        twice=tuple(name for name, known in twice.items() if known),
        unknown=tuple(name for name, known in twice.items() if known is None),
        overrides=_overrides(result.overrides),
        ledger=header["ledger"]["number"],
        ledger_hash=header["ledger"]["sha256"],
        frozen_at=header["frozen_at"],
    )


@command("freeze", words=("冻结",), changes=True, group="results")
def freeze(act: Act, year: Year | None = None, override: Rest = "") -> Frozen:
    """Freeze a year's result for approval; what is not settled stands in the way, unless a reason is given."""
    year = year or closing.year_to_close(act.session, act.now)
    in_force(act.session, year)
    frame = Frame.of(act.session)
    result = results.freeze(
        act.session,
        year,
        by=act.actor,
        now=act.now,
        calendar=closing.calendar_version(frame, year),
        obstacles=closing.obstacles(frame, year, act.now),
        override=override,
    )
    agreed = approval.consent(act.session, result)
    if not agreed.members:
        act.caution("nobody_approves")
    done = Frozen(outline(act.session, result), agreed.members, agreed.needed)
    act.notify(
        Notice(
            "result_frozen",
            Audience("leading_group"),
            to_json(done),
            picture=_picture(results.read(act.session, result), act.now, None),
            buttons=(("agree", str(result.id)), ("detail", str(result.id))),
        )
    )
    return done


def _picture(checked: Checked, now: datetime, below: Publication | None) -> dict[str, Any]:
    return {"kind": "rank", "data": to_json(frozen_list(checked, below=below)) | {"at": iso_china(now)}}


def _unchanged(act: Act, result: ResultSet) -> None:
    """Raises Refusal result_changed: the next tick voids it and says so to all."""
    if result.state == "frozen" and (why := closing.changes(Frame.of(act.session), result)):
        raise Refusal("result_changed", year=result.year, why=closing.reasons(act.session, why))


@command("approve", words=("审定",), roles=(Role.LEADING_GROUP,), changes=True, chat_only=True, group="results")
def approve(act: Act, result: WaitingResult) -> Agreed:
    """Agree, as a member of the leading group, to the result with this hash."""
    _unchanged(act, result)
    approval.approve(act.session, result, act.actor, act.now)
    return _agreed(act, result, act.actor.name, None)


@command("approve paper", words=("登记审定",), changes=True, second_person=True, group="results")
def approve_paper(act: Act, result: WaitingResult, paper: str, dated: Day, file: Scan | None = None) -> Agreed:
    """Record the leading group's approval from its minutes or a signed sheet: number, date, scan. A second confirms."""
    if dated > act.now.date():
        raise Refusal("not_yet", instant=f"{dated.isoformat()}T00:00:00+08:00")
    _unchanged(act, result)
    recorded = approval.record_approval(
        act.session,
        result,
        paper=paper,
        dated=dated,
        scan=file.sha256 if file else None,
        by=act.actor,
        confirmed_by=act.confirmed_by,
        now=act.now,
    )
    return _agreed(act, result, act.actor.name, recorded, file.name if file else None)


def _agreed(
    act: Act, result: ResultSet, name: str, recorded: RecordedApproval | None, scan: str | None = None
) -> Agreed:
    done = Agreed(
        year=result.year,
        hash=result.hash,
        name=name,
        paper=recorded.paper if recorded else None,
        dated=recorded.dated if recorded else None,
        scan=scan,
        consent=approval.consent(act.session, result),
    )
    act.tell(Audience("administrators"), "result_agreed", done)
    return done


@command("publish", words=("公布",), changes=True, group="results")
def publish(act: Act, year: Year | None = None, override: Rest = "") -> PublishedNow:
    """Publish the approved result of a year; the same obstacles stand in the way as before the freeze."""
    year = year or _standing_year(act.session) or closing.year_to_close(act.session, act.now)
    result = results.standing_result(act.session, year)
    _unchanged(act, result)
    standing = closing.uncovered(result, closing.obstacles(Frame.of(act.session), year, act.now))
    allowed = results.overriding(standing, override, year=year, by=act.actor, now=act.now)
    consent = approval.consent(act.session, result)
    checked = results.publish(act.session, result, act.actor, act.now)
    result.overrides = [*result.overrides, *allowed]
    act.session.add(result)
    act.session.flush()
    done = PublishedNow(outline(act.session, result), consent, _overrides(allowed))
    _announce(act, result, checked, done)
    return done


def _standing_year(session: Session) -> int | None:
    query = select(ResultSet.year).where(ResultSet.state == "frozen").order_by(col(ResultSet.id).desc())
    return session.exec(query).first()


def _announce(act: Act, result: ResultSet, checked: Checked, done: PublishedNow) -> None:
    """The departments hear of their own result, the summary chat and the leading group of all."""
    head = checked.header["ledger"]
    below = Publication(result.hash, head["number"], head["sha256"], act.now, ())
    picture = _picture(checked, act.now, below)
    facts = to_json(done)
    for to in (Audience("summary_chat"), Audience("leading_group")):
        act.notify(Notice("results_published", to, facts, picture=picture))
    ids = {one.code: one.id for one in departments(act.session)}
    rows = {one.code: one for one in frozen_list(checked, below=below).rows}
    ranked = sum(one.rank is not None for one in rows.values())
    for told in checked.departments:
        if told["code"] not in ids:
            continue
        row = rows[told["code"]]
        last = failed_twice(checked.rulebook, row.grade, told["last"])
        own = to_json(row) | {"year": result.year, "ranked": ranked, "hash": result.hash, "twice": last}
        own["appeal_days"] = checked.rulebook.appeal_working_days
        for kind in (Audience("department", ids[row.code]), Audience("heads", ids[row.code])):
            act.notify(Notice("result_published", kind, own))


@command("results", words=("结果",), roles=_SEES, group="results")
def show(act: Act, year: Year | None = None) -> Results:
    """How far a year's result has come: frozen, approved by whom, published, or void and why; what is in the way."""
    year = year or _standing_year(act.session) or closing.year_to_close(act.session, act.now)
    in_force(act.session, year)
    frame = Frame.of(act.session)
    rows = tuple(_row(frame, one) for one in results.results_of(act.session, year))
    return Results(year, rows, tuple(closing.obstacles(frame, year, act.now)))


def _row(frame: Frame, result: ResultSet) -> SetRow:
    session = frame.session
    names = {one.id: one.name for one in session.exec(select(Person))}
    by = session.exec(select(Approval).where(Approval.result_set_id == result.id).order_by(col(Approval.id))).all()
    recorded = select(RecordedApproval).where(RecordedApproval.result_set_id == result.id)
    papers = session.exec(recorded.order_by(col(RecordedApproval.id))).all()
    why = result.why if result.state == "void" else []
    if result.state in ("frozen", "published"):
        why = closing.changes(frame, result)
        if result.state == "published":
            why = [one for one in why if one.partition(":")[0] in results.FACTS]
    return SetRow(
        hash=result.hash,
        state=result.state,
        frozen_at=result.frozen_at,
        frozen_by=names[result.frozen_by],
        published_at=result.published_at,
        why=tuple(closing.reasons(session, why)),
        overrides=_overrides(result.overrides),
        agreed=tuple(names[one.person_id] for one in by),
        papers=tuple((one.paper, one.dated) for one in papers),
        consent=approval.consent(session, result),
    )


@command("results show", words=("结果明细",), roles=_SEES, group="results")
def show_one(act: Act, result: ResultSet) -> ResultShown:
    """A frozen result in full, from its own file: every department with its figures, vetoes and rank."""
    return ResultShown(outline(act.session, result), result.state, frozen_list(results.read(act.session, result)))


@command("results past", words=("往年结果",), changes=True, weighs_on_department=True, group="results")
def enter_past(
    act: Act, department: Department, year: Year, grade: PastGrade, total: Total | None = None
) -> PastEntered:
    """Enter a department's result of a year before the first that was published here."""
    this_year = current_year(act.session, act.now)
    if year >= this_year or results.published(act.session, year) is not None:
        raise Refusal("past_not_to_enter", year=year, this_year=this_year)
    rulebook = in_force(act.session, this_year)
    known = any(one.year == year for one in past.results_of(act.session, department.id))
    past.keep(
        act.session, rulebook, year, department.id, {"grade": grade, "total": total}, "entered", act.now
    )  # fmt: skip
    return PastEntered(year, department.code, department.name, grade, rulebook.grade_title(grade), total, known)
