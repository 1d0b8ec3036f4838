"""Review of entries (申请复核): raised by the department in good time, decided once, with a reason that stays."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlmodel import Session, col, select, update

from scoring import ledger
from scoring.appeal_tables import Appeal, AppealPost, EntryNotice
from scoring.entries import entry_shown
from scoring.rulebook import RuleBook
from scoring.standings import in_force
from scoring.tables import LedgerEntry
from store.commands import to_json
from store.errors import Refusal
from store.notices import Audience, Notice
from store.people import Person
from store.times import CHINA, china, iso_china

WorkingDayAfter = Callable[[date, int], date]
"""``(day, n)``: the n-th working day after a day."""


TOPIC = "entry:"
"""Topic of a message that tells a department of entries; the rest is their numbers."""
LISTED = 20
"""Entries or appeals in one list; an earlier one is named by its number."""


@dataclass(frozen=True)
class Reviewable:
    """An entry of which its department may still ask review, ``until`` an instant; None: nobody has been told of it."""

    entry: LedgerEntry
    until: datetime | None


@dataclass(frozen=True)
class Piece:
    """One thing that a department says or shows: words, or a file by Telegram's id. ``file_kind``: "document", "photo"
    or another of the Bot API's names.
    """

    text: str = ""
    file_kind: str | None = None
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


def arrived(session: Session, topic: str, at: datetime) -> None:
    """A message with this topic has reached the department; if it is the notice of entries, their time begins."""
    if topic.startswith(TOPIC):
        for number in topic.removeprefix(TOPIC).split(","):
            told(session, int(number), at)


def topic_of(entry_ids: Iterable[int]) -> str:
    """The topic of a message that tells a department of these entries."""
    return TOPIC + ",".join(map(str, entry_ids))


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
    proposed_by: Person | None = None,
    now: datetime,
) -> LedgerEntry | None:
    """Decides: accepted, the entry is taken back (the reversal is returned). ``by`` is whose word it is,
    ``proposed_by`` who proposed it to him. Raises Refusal appeal_closed, or reason_needed.
    """
    if appeal.state != "open":
        raise Refusal("appeal_closed", appeal=appeal.id, state=appeal.state)
    if not reason.strip():
        raise Refusal("reason_needed")
    _close(session, appeal, "accepted" if accept else "refused", now, by=by, proposed_by=proposed_by, reason=reason)
    if not accept:
        return None
    reversal = ledger.reverse(
        session,
        session.get_one(LedgerEntry, appeal.entry_id),
        now=now,
        source="appeal",
        by=(proposed_by or by).id,
        confirmed_by=by.id if proposed_by else None,
        reason=reason.strip(),
        evidence={"appeal": appeal.id},
    )
    appeal.reversal_id = reversal.id
    session.add(appeal)
    session.flush()
    return reversal


def withdraw(session: Session, appeal: Appeal, by: Person, now: datetime) -> None:
    """The department takes its request back; within the time it may ask again. Raises Refusal appeal_closed."""
    _close(session, appeal, "withdrawn", now, by=by)


def settled_otherwise(session: Session, entry: LedgerEntry, now: datetime) -> list[Notice]:
    """The entry has been taken back for another reason: its open appeal has got what it asked for. What the department
    is told of that.
    """
    notices = []
    for appeal in appeals_of(session, entry):
        if appeal.state == "open":
            _close(session, appeal, "accepted", now)
            reversal = ledger.reversal_of(session, entry)
            appeal.reversal_id = reversal.id if reversal else None
            session.add(appeal)
            session.flush()
            facts = {"appeal": appeal.id, "entry": to_json(entry_shown(session, entry))}
            notices.append(Notice("appeal_settled", Audience("department", appeal.department_id), facts))
    return notices


def _close(
    session: Session,
    appeal: Appeal,
    state: str,
    now: datetime,
    *,
    by: Person | None = None,
    proposed_by: Person | None = None,
    reason: str = "",
) -> None:
    """Compare and set: of two who decide at the same instant, one finds it closed. Raises Refusal appeal_closed."""
    closed = session.connection().execute(
        update(Appeal)
        .where(col(Appeal.id) == appeal.id, col(Appeal.state) == "open")
        .values(
            state=state,
            decided_by=by.id if by else None,
            proposed_by=proposed_by.id if proposed_by else None,
            decided_at=now,
            reason=reason.strip(),
        )
    )
    session.refresh(appeal)
    if closed.rowcount != 1:
        raise Refusal("appeal_closed", appeal=appeal.id, state=appeal.state)


def judged_by_hand(entry: LedgerEntry) -> frozenset[int]:
    """Who entered it, or confirmed that it was entered: they do not decide on its review."""
    return frozenset(one for one in (entry.recorded_by, entry.confirmed_by) if one is not None)


def appeal_numbered(session: Session, number: int) -> Appeal:
    """Raises Refusal appeal_unknown."""
    appeal = session.get(Appeal, number)
    if appeal is None:
        raise Refusal("appeal_unknown", text=str(number))
    return appeal


def reviewable(session: Session, department_id: int, now: datetime, after: WorkingDayAfter) -> list[Reviewable]:
    """The entries of a department that it may still ask to have reviewed, the latest first, up to ``LISTED``."""
    taken_back = select(LedgerEntry.reverses_id).where(col(LedgerEntry.reverses_id).is_not(None))
    asked = select(Appeal.entry_id).where(Appeal.state != "withdrawn")
    query = select(LedgerEntry).where(
        LedgerEntry.department_id == department_id,
        col(LedgerEntry.reverses_id).is_(None),
        col(LedgerEntry.points) <= 0,
        col(LedgerEntry.id).not_in(taken_back),
        col(LedgerEntry.id).not_in(asked),
    )
    found: list[Reviewable] = []
    for entry in session.exec(query.order_by(col(LedgerEntry.id).desc())):
        ends = until(session, entry, after) if contestable(in_force(session, entry.year), entry) else now
        if ends is None or ends > now:
            found.append(Reviewable(entry, ends))
        if len(found) == LISTED:
            break
    return found


def of_department(session: Session, department_id: int) -> list[Appeal]:
    """What a department has asked for, the latest first, up to ``LISTED``."""
    query = select(Appeal).where(Appeal.department_id == department_id).order_by(col(Appeal.id).desc())
    return list(session.exec(query.limit(LISTED)))


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
