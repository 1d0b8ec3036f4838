"""The verbs about review (申请复核): what may still be asked, the queue, the thread, the decision."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from scheduler.frame import Frame
from scoring import appeals
from scoring.appeal_tables import Appeal
from scoring.cards import figures_of
from scoring.entries import EntryShown, entry_shown
from scoring.standings import in_force
from scoring.tables import LedgerEntry
from store.acting import Figures
from store.commands import Act, Choice, Rest, command, converter, to_json
from store.errors import Refusal
from store.notices import Audience
from store.people import Department, Person, Role, roles_of, speaks_for
from store.words import one_of, whole_number

_SEES_ALL = frozenset({Role.ADMINISTRATOR, Role.LEADING_GROUP})
_SPEAKS = frozenset({Role.LIAISON, Role.HEAD})

Verdict = Literal["accept", "reject"]
AppealVerdict = Annotated[Verdict, "verdict on an appeal"]
"""What becomes of an entry under review: taken back, or kept."""

_VERDICTS: dict[str, Verdict] = {
    "accept": "accept", "同意": "accept", "采纳": "accept", "撤销": "accept", "成立": "accept", "支持": "accept",
    "reject": "reject", "不同意": "reject", "维持": "reject", "不采纳": "reject", "驳回": "reject", "不成立": "reject",
    "不予支持": "reject",
}  # fmt: skip


@dataclass(frozen=True)
class Contribution:
    """One piece of a thread: words, or a file that was sent."""

    by: str
    at: datetime
    text: str
    file_name: str | None


@dataclass(frozen=True)
class AppealRow:
    """A request for review. ``state``: "open", "accepted", "refused" or "withdrawn". ``files``: how many it has."""

    number: int
    state: str
    entry: EntryShown
    raised_by: str
    raised_at: datetime
    files: int


@dataclass(frozen=True)
class MayAsk:
    """An entry that may still be reviewed, until an instant; None: no notice of it has arrived yet."""

    entry: EntryShown
    until: datetime | None


@dataclass(frozen=True)
class AppealList:
    """The queue of open appeals (``everyone``), or what a department has asked; and what somebody may still ask for the
    departments for which he speaks, within ``days`` working days of each notice.
    """

    everyone: bool
    appeals: tuple[AppealRow, ...]
    may_ask: tuple[MayAsk, ...]
    days: int


@dataclass(frozen=True)
class AppealShown:
    """One request for review with all that was said. ``yours``: whoever looks speaks for the department; ``decides``:
    he may decide it, or propose how. An accepted one without ``decided_by`` ended when its entry was taken back for
    another reason.
    """

    number: int
    year: int
    state: str
    entry: EntryShown
    raised_by: str
    raised_at: datetime
    thread: tuple[Contribution, ...]
    decided_by: str | None
    proposed_by: str | None
    decided_at: datetime | None
    reason: str
    reversal: int | None
    yours: bool
    decides: bool


@dataclass(frozen=True)
class AppealDecided:
    """A request that was decided. ``reversal``: the entry that took the one under review back."""

    number: int
    year: int
    code: str
    department: str
    entry: EntryShown
    decision: str
    reason: str
    reversal: int | None
    decided_by: str
    proposed_by: str | None
    before: Figures | None
    after: Figures | None


def visible(act: Act, appeal: Appeal) -> bool:
    """Whether somebody may read an appeal: the office, the leading group, and the department whose it is."""
    if _SEES_ALL & roles_of(act.session, act.actor):
        return True
    return appeal.department_id in {one.id for one in speaks_for(act.session, act.actor)}


def _label(act: Act, appeal: Appeal) -> str:
    entry = entry_shown(act.session, act.session.get_one(LedgerEntry, appeal.entry_id))
    said = entry.reason or entry.title
    return f"#{appeal.id} {entry.department} {entry.points + ' ' if entry.points != '0' else ''}{said}"[:48]


def _offered(act: Act, given: Mapping[str, Any]) -> list[Choice]:
    found = appeals.open_appeals(act.session)
    if not _SEES_ALL & roles_of(act.session, act.actor):
        own = speaks_for(act.session, act.actor)
        found = [appeal for unit in own for appeal in appeals.of_department(act.session, unit.id)]
    return [Choice(f"#{one.id}", _label(act, one)) for one in found]


@converter(Appeal, write=lambda appeal: f"#{appeal.id}", choices=_offered)
def _appeal(act: Act, text: str) -> Appeal:
    number = whole_number(text)
    if number is None:
        raise Refusal("appeal_unknown", text=text)
    appeal = appeals.appeal_numbered(act.session, number)
    if not visible(act, appeal):
        # Others' numbers tell nothing, not even whether there is such a one.
        raise Refusal("appeal_unknown", text=text)
    return appeal


@converter(AppealVerdict, choices=lambda _act, _given: [Choice("accept", ""), Choice("reject", "")])
def _verdict(_act: Act, text: str) -> Verdict:
    return one_of(_VERDICTS, text, "verdict_unknown")


@command("appeal", words=("复核", "申请复核", "复核申请"), roles=_SEES_ALL | _SPEAKS, group="appeals")
def list_appeals(act: Act) -> AppealList:
    """Requests for review that are open. Departments see their own, and what they may still ask to have reviewed."""
    session = act.session
    own = speaks_for(session, act.actor)
    calendar = Frame.of(session).calendar
    found = [one for unit in own for one in appeals.reviewable(session, unit.id, act.now, calendar.after)]
    everyone = bool(_SEES_ALL & roles_of(session, act.actor))
    asked = [one for unit in own for one in appeals.of_department(session, unit.id)]
    return AppealList(
        everyone=everyone,
        appeals=tuple(_row(act, one) for one in (appeals.open_appeals(session) if everyone else asked)),
        may_ask=tuple(MayAsk(entry_shown(session, one.entry), one.until) for one in found),
        days=in_force(session, found[0].entry.year).appeal_working_days if found else 0,
    )


def _row(act: Act, appeal: Appeal) -> AppealRow:
    return AppealRow(
        number=appeal.id,
        state=appeal.state,
        entry=entry_shown(act.session, act.session.get_one(LedgerEntry, appeal.entry_id)),
        raised_by=act.session.get_one(Person, appeal.raised_by).name,
        raised_at=appeal.raised_at,
        files=sum(post.file_id is not None for post in appeals.thread_of(act.session, appeal)),
    )


@command("appeal show", words=("查看复核",), roles=_SEES_ALL | _SPEAKS, group="appeals")
def show_appeal(act: Act, appeal: Appeal) -> AppealShown:
    """One request for review: the entry, what was said and sent, and what became of it. It stays readable."""
    session = act.session
    roles = roles_of(session, act.actor)

    def name(person_id: int | None) -> str | None:
        return session.get_one(Person, person_id).name if person_id is not None else None

    return AppealShown(
        number=appeal.id,
        year=appeal.year,
        state=appeal.state,
        entry=entry_shown(session, session.get_one(LedgerEntry, appeal.entry_id)),
        raised_by=name(appeal.raised_by) or "",
        raised_at=appeal.raised_at,
        thread=tuple(
            Contribution(name(one.person_id) or "", one.at, one.text, one.file_name)
            for one in appeals.thread_of(session, appeal)
        ),
        decided_by=name(appeal.decided_by),
        proposed_by=name(appeal.proposed_by),
        decided_at=appeal.decided_at,
        reason=appeal.reason,
        reversal=appeal.reversal_id,
        yours=appeal.department_id in {one.id for one in speaks_for(session, act.actor)},
        decides=Role.ADMINISTRATOR in roles and appeal.state == "open",
    )


def _judged_by_hand(act: Act, given: Mapping[str, Any]) -> frozenset[int]:
    return appeals.judged_by_hand(act.session.get_one(LedgerEntry, given["appeal"].entry_id))


def _takes_back_a_veto(act: Act, given: Mapping[str, Any]) -> bool:
    entry = act.session.get_one(LedgerEntry, given["appeal"].entry_id)
    return given["decision"] == "accept" and in_force(act.session, entry.year).items[entry.item].kind == "veto"


@command(
    "appeal decide",
    words=("复核决定", "受理复核"),
    changes=True,
    weighs_on_department=True,
    second_person=_takes_back_a_veto,
    barred=_judged_by_hand,
    chat_only=True,
    group="appeals",
)
def decide_appeal(act: Act, appeal: Appeal, decision: AppealVerdict, reason: Rest) -> AppealDecided:
    """Decide a review: the entry is taken back, or kept; never by who recorded it. What took two takes two again."""
    session = act.session
    department = session.get_one(Department, appeal.department_id)
    entry = entry_shown(session, session.get_one(LedgerEntry, appeal.entry_id))
    before = figures_of(session, department, appeal.year, act.now)
    by, proposed_by = (act.confirmed_by, act.actor) if act.confirmed_by else (act.actor, None)
    reversal = appeals.decide(
        session, appeal, accept=decision == "accept", reason=reason, by=by, proposed_by=proposed_by, now=act.now
    )
    result = AppealDecided(
        number=appeal.id,
        year=appeal.year,
        code=department.code,
        department=department.name,
        entry=entry,
        decision=decision,
        reason=reason,
        reversal=reversal.id if reversal else None,
        decided_by=by.name,
        proposed_by=proposed_by.name if proposed_by else None,
        before=before,
        after=figures_of(session, department, appeal.year, act.now),
    )
    act.tell(Audience("department", department.id), "appeal_decided", result)
    act.tell(Audience("administrators"), "appeal_decided", result)
    return result


def told_of(act: Act, appeal: Appeal) -> dict[str, Any]:
    """An appeal as its notices have it."""
    return dict(to_json(show_appeal(act, appeal)))
