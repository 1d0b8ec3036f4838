"""Review of entries (申请复核): raised by the department in good time, decided once, with a reason that stays."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlmodel import Session, col, select

from scoring import ledger
from scoring.appeal_tables import Appeal, AppealPost, EntryNotice
from scoring.rulebook import RuleBook
from scoring.standings import in_force
from scoring.tables import LedgerEntry
from store.errors import Refusal
from store.people import Person
from store.times import CHINA, china, iso_china

WorkingDayAfter = Callable[[date, int], date]
"""``(day, n)``: the n-th working day after a day."""


@dataclass(frozen=True)
class Piece:
    """One thing that a department says or shows: words, or a file by Telegram's id."""

    text: str = ""
    file_name: str | None = None
    file_id: str | None = None
    file_size: int | None = None
    chat_id: int | None = None
    message_id: int | None = None


def told(session: Session, entry_id: int, at: datetime) -> None:
    """The notice of an entry has reached the department; the first time counts."""
    if session.get(EntryNotice, entry_id) is None:
        session.add(EntryNotice(entry_id=entry_id, told_at=at))
        session.flush()


def told_at(session: Session, entry: LedgerEntry) -> datetime | None:
    """When the department was first told of an entry; None: it has not been reached yet."""
    notice = session.get(EntryNotice, entry.id)
    return notice.told_at if notice else None


def until(session: Session, entry: LedgerEntry, working_day_after: WorkingDayAfter) -> datetime | None:
    """The instant that ends the time for asking: the end of the last of the rule book's working days after the day of
    the notice. None: the time has not begun, since nobody was reached.
    """
    begun = told_at(session, entry)
    if begun is None:
        return None
    days = in_force(session, entry.year).appeal_working_days
    last = working_day_after(china(begun).date(), days)
    return datetime.combine(last + timedelta(days=1), time(), CHINA)


def check(
    session: Session, entry: LedgerEntry, department_id: int, sent_at: datetime, working_day_after: WorkingDayAfter
) -> None:
    """Whether a department may ask for review of an entry. Raises Refusal appeal_not_yours, appeal_not_standing,
    appeal_nothing_lost (a bonus), appeal_open_already, appeal_decided or appeal_too_late.
    """
    rulebook = in_force(session, entry.year)
    if entry.department_id != department_id:
        raise Refusal("appeal_not_yours", entry=entry.id)
    if not ledger.stands(session, entry):
        raise Refusal("appeal_not_standing", entry=entry.id)
    if not contestable(rulebook, entry):
        raise Refusal("appeal_nothing_lost", entry=entry.id)
    earlier = [one for one in appeals_of(session, entry) if one.state != "withdrawn"]
    if any(one.state == "open" for one in earlier):
        raise Refusal("appeal_open_already", entry=entry.id, appeal=earlier[-1].id)
    if earlier:
        raise Refusal("appeal_decided", entry=entry.id, appeal=earlier[-1].id)
    ends = until(session, entry, working_day_after)
    if ends is not None and sent_at >= ends:
        raise Refusal("appeal_too_late", entry=entry.id, until=iso_china(ends), days=rulebook.appeal_working_days)


def contestable(rulebook: RuleBook, entry: LedgerEntry) -> bool:
    """Whether an entry is one that a department would want reviewed: it costs points, or fails it."""
    return entry.reverses_id is None and (entry.points < 0 or rulebook.items[entry.item].kind == "veto")


def raise_appeal(
    session: Session, entry: LedgerEntry, person: Person, pieces: Iterable[Piece], *, sent_at: datetime
) -> Appeal:
    """Opens the review of an entry. ``check`` comes before."""
    appeal = Appeal(
        entry_id=entry.id, year=entry.year, department_id=entry.department_id, raised_by=person.id, raised_at=sent_at
    )
    session.add(appeal)
    session.flush()
    for piece in pieces:
        say(session, appeal, person, piece, at=sent_at)
    return appeal


def say(session: Session, appeal: Appeal, person: Person, piece: Piece, *, at: datetime) -> AppealPost:
    """Adds to the thread."""
    post = AppealPost(appeal_id=appeal.id, person_id=person.id, at=at, **vars(piece))
    session.add(post)
    session.flush()
    return post


def decide(
    session: Session,
    appeal: Appeal,
    *,
    accept: bool,
    reason: str,
    by: Person,
    confirmed_by: Person | None,
    now: datetime,
) -> LedgerEntry | None:
    """Decides: accepted, the entry is taken back (the reversal is returned). Raises Refusal appeal_closed, or
    reason_needed.
    """
    if appeal.state != "open":
        raise Refusal("appeal_closed", appeal=appeal.id, state=appeal.state)
    if not reason.strip():
        raise Refusal("reason_needed")
    reversal = None
    if accept:
        reversal = ledger.reverse(
            session,
            session.get_one(LedgerEntry, appeal.entry_id),
            now=now,
            source="appeal",
            by=by.id,
            confirmed_by=confirmed_by.id if confirmed_by else None,
            reason=reason,
            evidence={"appeal": appeal.id},
        )
        appeal.reversal_id = reversal.id
    _close(session, appeal, "accepted" if accept else "refused", by, now, reason)
    appeal.confirmed_by = confirmed_by.id if confirmed_by else None
    session.flush()
    return reversal


def withdraw(session: Session, appeal: Appeal, by: Person, now: datetime) -> None:
    """The department takes its request back; within the time it may ask again. Raises Refusal appeal_closed."""
    if appeal.state != "open":
        raise Refusal("appeal_closed", appeal=appeal.id, state=appeal.state)
    _close(session, appeal, "withdrawn", by, now, "")


def settled_otherwise(session: Session, entry: LedgerEntry, now: datetime) -> Appeal | None:
    """The entry has been taken back for another reason: its open appeal has got what it asked for."""
    found = [one for one in appeals_of(session, entry) if one.state == "open"]
    if not found:
        return None
    appeal = found[0]
    reversal = ledger.reversal_of(session, entry)
    appeal.state, appeal.decided_at, appeal.reversal_id = "accepted", now, reversal.id if reversal else None
    session.add(appeal)
    session.flush()
    return appeal


def _close(session: Session, appeal: Appeal, state: str, by: Person, now: datetime, reason: str) -> None:
    appeal.state, appeal.decided_by, appeal.decided_at, appeal.reason = state, by.id, now, reason.strip()
    session.add(appeal)
    session.flush()


def appeal_numbered(session: Session, number: int) -> Appeal:
    """Raises Refusal appeal_unknown."""
    appeal = session.get(Appeal, number)
    if appeal is None:
        raise Refusal("appeal_unknown", text=str(number))
    return appeal


def appeals_of(session: Session, entry: LedgerEntry) -> list[Appeal]:
    """All appeals against an entry, earliest first."""
    return list(session.exec(select(Appeal).where(Appeal.entry_id == entry.id).order_by(col(Appeal.id))))


def open_appeals(session: Session, year: int | None = None) -> list[Appeal]:
    """The queue, oldest first: of a year, or of all."""
    query = select(Appeal).where(Appeal.state == "open")
    if year is not None:
        query = query.where(Appeal.year == year)
    return list(session.exec(query.order_by(col(Appeal.id))))


def thread_of(session: Session, appeal: Appeal) -> list[AppealPost]:
    """What was said, in order."""
    return list(session.exec(select(AppealPost).where(AppealPost.appeal_id == appeal.id).order_by(col(AppealPost.id))))
