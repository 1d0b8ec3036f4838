"""The verbs of this room: what an official may ask of the score, and enter into the ledger."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from sqlmodel import col, select

import scoring.verifying  # noqa: F401 - the rest of this room's verbs
from scoring import appeals, claims, ledger
from scoring.cards import RankList, ScoreCard, card_of, figures_of, rank_list
from scoring.items import Bonus, Deduction, Veto
from scoring.points import plain as plain_points
from scoring.rulebook import Item, RuleBook
from scoring.standings import By, current_year, in_force
from scoring.tables import LedgerEntry
from store.acting import Figures
from store.commands import Act, Choice, Rest, command, converter, to_json
from store.errors import Refusal
from store.notices import Audience, Notice
from store.people import Department, Role, roles_of, speaks_for
from store.times import iso_china
from store.words import Count, Instant, Year, one_of, plain

RankBy = Annotated[By, "rank by"]
"""What a rank list is ordered by."""

_RANK_BY: dict[str, By] = {
    "total": "total", "daily": "daily", "总分": "total", "综合得分": "total", "日常": "daily", "日常考评": "daily",
}  # fmt: skip

_SEES_ALL = frozenset({Role.ADMINISTRATOR, Role.LEADING_GROUP})
_SPEAKS = frozenset({Role.LIAISON, Role.HEAD})


@dataclass(frozen=True)
class Posted:
    """An entry that has been made. ``points`` is its whole effect; ``before`` and ``after`` are the department's
    figures, in which a cap or floor may have swallowed it.
    """

    number: int
    year: int
    code: str
    department: str
    item: str
    title: str
    clause: str
    clause_text: str
    per: str
    count: int
    points: str
    happened_at: datetime
    recorded_at: datetime
    recorded_by: str
    confirmed_by: str | None
    reason: str
    evidence: str | None
    before: Figures | None
    after: Figures | None


@dataclass(frozen=True)
class Reversed:
    """An entry (``entry``) that has been taken back by another (``number``)."""

    number: int
    entry: int
    year: int
    code: str
    department: str
    item: str
    title: str
    clause: str
    count: int
    points: str
    happened_at: datetime
    entry_reason: str
    reason: str
    recorded_by: str
    confirmed_by: str | None
    before: Figures | None
    after: Figures | None


@converter(RankBy, choices=lambda _act, _given: [Choice("total", ""), Choice("daily", "")])
def _rank_by(_act: Act, text: str) -> By:
    return one_of(_RANK_BY, text, "rank_by_unknown")


@command("score", words=("得分", "分数"), roles=_SEES_ALL | _SPEAKS, group="score")
def score(act: Act, department: Department | None = None, year: Year | None = None) -> ScoreCard:
    """Score of a department, with every line behind it.

    Departments see their own only; without a name, the one they belong to.
    """
    own = speaks_for(act.session, act.actor)
    if department is None:
        if len(own) != 1:
            raise Refusal("department_needed", like=[one.name for one in own])
        department = own[0]
    if not _SEES_ALL & roles_of(act.session, act.actor) and department.id not in {one.id for one in own}:
        raise Refusal("not_your_department", department=department.name)
    return card_of(act.session, department, year or current_year(act.session, act.now))


@command("rank", words=("排名",), roles=_SEES_ALL, group="score")
def rank(act: Act, by: RankBy = "total", year: Year | None = None) -> RankList:
    """Departments in order of their total or daily score."""
    return rank_list(act.session, year or current_year(act.session, act.now), by)


@command(
    "deduct",
    words=("扣分",),
    roles=(Role.ADMINISTRATOR, Role.MEMBER_UNIT),
    changes=True,
    weighs_on_department=True,
    group="ledger",
)
def deduct(
    act: Act,
    department: Department,
    item: Deduction,
    count: Count = 1,
    reason: Rest = "",
    *,
    happened: Instant | None = None,
    evidence: str | None = None,
    event: str | None = None,
) -> Posted:
    """Enter a deduction. Member units propose it; an administrator confirms."""
    return post_entry(act, department, item, count, reason, happened, evidence, event)


@command("bonus", words=("加分",), changes=True, weighs_on_department=True, group="ledger")
def bonus(
    act: Act,
    department: Department,
    item: Bonus,
    count: Count = 1,
    reason: Rest = "",
    *,
    happened: Instant | None = None,
    evidence: str | None = None,
    event: str | None = None,
) -> Posted:
    """Enter a bonus. For a media report the reason is its title: the same title twice is asked about."""
    return post_entry(act, department, item, count, reason, happened, evidence, event)


@command(
    "veto",
    words=("一票否决",),
    changes=True,
    weighs_on_department=True,
    second_person=True,
    group="ledger",
)
def veto(
    act: Act,
    department: Department,
    item: Veto,
    reason: Rest = "",
    *,
    happened: Instant | None = None,
    evidence: str | None = None,
) -> Posted:
    """Fail a department for the year. Takes two administrators: one proposes, another confirms."""
    return post_entry(act, department, item, 1, reason, happened, evidence, None)


def _takes_back_a_veto(act: Act, given: Mapping[str, Any]) -> bool:
    entry: LedgerEntry = given["entry"]
    return in_force(act.session, entry.year).items[entry.item].kind == "veto"


@command(
    "reverse",
    words=("冲销", "撤销扣分"),
    changes=True,
    weighs_on_department=True,
    second_person=_takes_back_a_veto,
    group="ledger",
)
def reverse(act: Act, entry: LedgerEntry, reason: Rest = "") -> Reversed:
    """Take an entry back by a linked reversal. What took two administrators takes two again."""
    department = act.session.get_one(Department, entry.department_id)
    item = in_force(act.session, entry.year).items[entry.item]
    before = figures_of(act.session, department, entry.year, act.now)
    reversal = ledger.reverse(
        act.session,
        entry,
        now=act.now,
        source="admin",
        by=act.actor.id,
        confirmed_by=act.confirmed_by.id if act.confirmed_by else None,
        reason=reason,
    )
    result = Reversed(
        number=reversal.id,
        entry=entry.id,
        year=entry.year,
        code=department.code,
        department=department.name,
        item=item.code,
        title=item.title,
        clause=item.clause,
        count=entry.count,
        points=plain_points(reversal.points),
        happened_at=entry.happened_at,
        entry_reason=entry.reason,
        reason=reason,
        recorded_by=act.actor.name,
        confirmed_by=act.confirmed_by.name if act.confirmed_by else None,
        before=before,
        after=figures_of(act.session, department, entry.year, act.now),
    )
    act.tell(Audience("department", department.id), "taken_back", result)
    for notice in appeals.settled_otherwise(act.session, entry, act.now):
        act.notify(notice)
    return result


def post_entry(
    act: Act,
    department: Department,
    item: Item,
    count: int,
    reason: str,
    happened: datetime | None,
    evidence: str | None,
    event: str | None,
) -> Posted:
    """Enter what somebody has decided, and tell the department. Raises Refusal not_yet or year_not_in_force."""
    happened = happened or act.now
    if happened > act.now:
        raise Refusal("not_yet", instant=iso_china(happened))
    year = current_year(act.session, happened)
    rulebook = in_force(act.session, year)
    look_out(act, rulebook, year, department, item, reason)
    before = figures_of(act.session, department, year, act.now)
    entry = ledger.post(
        act.session,
        department_id=department.id,
        year=year,
        item=item.code,
        count=count,
        happened_at=happened,
        recorded_at=act.now,
        recorded_by=act.actor.id,
        confirmed_by=act.confirmed_by.id if act.confirmed_by else None,
        source="admin",
        reason=reason,
        event=event,
        evidence={"note": evidence} if evidence else None,
    )
    result = Posted(
        number=entry.id,
        year=year,
        code=department.code,
        department=department.name,
        item=item.code,
        title=item.title,
        clause=item.clause,
        clause_text=item.clause_text,
        per=item.per,
        count=count,
        points=plain_points(entry.points),
        happened_at=happened,
        recorded_at=act.now,
        recorded_by=act.actor.name,
        confirmed_by=act.confirmed_by.name if act.confirmed_by else None,
        reason=reason,
        evidence=evidence,
        before=before,
        after=figures_of(act.session, department, year, act.now),
    )
    _tell_the_department(act, rulebook, entry, result)
    if item.kind == "veto":
        act.tell(Audience("administrators"), "vetoed", result)
        act.tell(Audience("leading_group"), "vetoed", result)
    return result


def _tell_the_department(act: Act, rulebook: RuleBook, entry: LedgerEntry, result: Posted) -> None:
    """The notice of an entry; from its arrival on the days run in which the department may ask for review."""
    facts = to_json(result) | {"appeal_days": rulebook.appeal_working_days}
    buttons = (("appeal", str(entry.id)),) if appeals.contestable(rulebook, entry) else ()
    to, topic = Audience("department", entry.department_id), appeals.topic_of([entry.id])
    act.notify(Notice("posted", to, facts, topic, buttons=buttons))


def look_out(act: Act, rulebook: RuleBook, year: int, department: Department, item: Item, reason: str) -> None:
    """Cautions: the same title again, a veto that stands already, a cap that is reached."""
    for title, full in claims.caps_reached(act.session, rulebook, year, department, item):
        act.caution("cap_reached", title=title, full=full)
    if item.kind == "veto" and (standing := _standing(act, year, department, {item.code})):
        act.caution("vetoed_already", entry=standing[0].id, title=item.title)
    if not item.ask_same_title:
        return
    title = title_key(reason)
    if not title:
        act.caution("title_missing", item=item.title)
        return
    # A report that several media carry is one report, whichever of their items it was entered under.
    asked = {code for code, one in rulebook.items.items() if one.ask_same_title}
    for earlier in _standing(act, year, department, asked):
        if title_key(earlier.reason) == title:
            act.caution("same_title", entry=earlier.id, item=rulebook.items[earlier.item].title, title=earlier.reason)


def _standing(act: Act, year: int, department: Department, items: set[str]) -> list[LedgerEntry]:
    query = select(LedgerEntry).where(
        LedgerEntry.year == year, LedgerEntry.department_id == department.id, col(LedgerEntry.item).in_(items)
    )
    entries = act.session.exec(query.order_by(col(LedgerEntry.id))).all()
    taken_back = {one.reverses_id for one in entries}
    return [one for one in entries if one.reverses_id is None and one.id not in taken_back]


def title_key(text: str) -> str:
    """A title as it is compared: 《新闻标题》 and “新闻标题” are one."""
    return "".join(character for character in plain(text).casefold() if character.isalnum())
