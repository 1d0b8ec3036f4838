"""What a played year came to: the figures behind ``templates/demo.j2``."""

from collections import Counter
from dataclasses import dataclass, field

from sqlmodel import Session, col, func, select

from scheduler.frame import Frame
from scheduler.rating import standing
from scheduler.tables import Obligation, Outcome, Reminder, Settlement
from scoring import surveys
from scoring.appeal_tables import Appeal
from scoring.cards import RankList, rank_list
from scoring.tables import LedgerEntry
from store.people import Department


@dataclass
class DutyLine:
    """One duty of one period over all departments. Counts of departments, but ``reminded``: messages that arrived."""

    title: str
    owed: int = 0
    on_time: int = 0
    late: int = 0
    missing: int = 0
    exempt: list[str] = field(default_factory=list)
    reminded: int = 0
    deducted: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class ByHand:
    """An entry that a person recorded."""

    department: str
    title: str
    points: int
    reason: str


@dataclass(frozen=True)
class AppealLine:
    """A request for review and what became of it."""

    department: str
    title: str
    accepted: bool
    reason: str


@dataclass(frozen=True)
class RatingLine:
    """How many of a panel's raters submitted."""

    title: str
    invited: int
    submitted: int


@dataclass(frozen=True)
class Played:
    """All of it."""

    duties: list[DutyLine]
    by_hand: list[ByHand]
    appeals: list[AppealLine]
    ratings: list[RatingLine]
    ranking: RankList


def played(session: Session, year: int) -> Played:
    """What stands in the database after the play."""
    frame = Frame.of(session)
    rulebook = frame.rulebook(year)
    names = {one.id: one.name for one in session.exec(select(Department))}
    lines: dict[tuple[str, str], DutyLine] = {}
    reminded = _reminded(session)
    settled = _settled(session)
    query = select(Obligation).where(col(Obligation.duty).is_not(None)).order_by(col(Obligation.due_at), "duty")
    for one in session.exec(query):
        known = one.id in settled or one.handed_in_at is not None or one.exempted_at is not None
        if one.duty is None or one.period is None or not known:
            continue
        slot = frame.slot(one.duty, one.period)
        title = f"{slot.covered.title}{rulebook.duties[one.duty].short}"
        line = lines.setdefault((one.duty, one.period), DutyLine(title))
        line.owed += 1
        line.reminded += reminded[one.id]
        if one.exempted_at is not None:
            line.exempt.append(names[one.department_id])
        elif one.on_time:
            line.on_time += 1
        elif one.handed_in_at is not None:
            line.late += 1
        else:
            line.missing += 1
        if one.id in settled:
            (line.deducted if settled[one.id] == Outcome.DEDUCTED else line.held).append(names[one.department_id])
    by_hand = [
        ByHand(names[one.department_id], rulebook.items[one.item].title, one.points, one.reason)
        for one in session.exec(select(LedgerEntry).where(LedgerEntry.source == "admin").order_by(col(LedgerEntry.id)))
    ]
    ratings = []
    for survey in surveys.surveys(session, year):
        came = standing(session, survey)
        ratings.append(RatingLine(rulebook.panels[survey.panel].title, came.invited, came.submitted))
    decided = []
    for appeal in session.exec(select(Appeal).where(col(Appeal.decided_at).is_not(None)).order_by(col(Appeal.id))):
        item = rulebook.items[session.get_one(LedgerEntry, appeal.entry_id).item]
        unit = names[appeal.department_id]
        decided.append(AppealLine(unit, item.title, appeal.state == "accepted", appeal.reason))
    return Played(list(lines.values()), by_hand, decided, ratings, rank_list(session, year, "total"))


def _reminded(session: Session) -> Counter[int]:
    """How many messages that arrived named an obligation."""
    query = select(Reminder.obligation_id, func.count()).where(col(Reminder.delivered_at).is_not(None))
    return Counter(dict(session.exec(query.group_by(col(Reminder.obligation_id))).all()))


def _settled(session: Session) -> dict[int, str]:
    """What stands of deadlines that passed: a deduction that was not reversed, or an open hold."""
    undone = select(LedgerEntry.reverses_id).where(col(LedgerEntry.reverses_id).is_not(None))
    query = select(Settlement.obligation_id, Settlement.outcome).where(
        col(Settlement.ended_at).is_(None),
        col(Settlement.entry_id).is_(None) | col(Settlement.entry_id).not_in(undone),
    )
    return dict(session.exec(query).all())
