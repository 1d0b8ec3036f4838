"""What comes in: handed in by a department in chat, or received by the office (代收). When it was sent counts."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import bindparam
from sqlmodel import Session, SQLModel, col, func, select

from scheduler.deadlines import period
from scheduler.frame import Frame
from scheduler.ladder import announcing
from scheduler.settlement import open_hold, reconsider, settlements_of, standing_deduction
from scheduler.tables import CLAIM, Correction, HandIn, HandInFile, HandInState, Obligation, Outcome, Settlement
from store import ahead, rows
from store.errors import Refusal
from store.notices import Notice
from store.times import china

Kind = Literal["file", "text", "nil", "received"]
Channel = Literal["telegram", "oa", "paper", "wechat", "other"]

CLAIM_AFTER = timedelta(days=7)
"""What somebody says so long after sending undoes nothing by itself. A file may lie for weeks until its sender finds
what it could be good for: its date still counts, but a person looks at it first."""

LARGEST_FETCH = 20 * 1024 * 1024
"""Octets: bots can fetch files up to this size. A larger one counts, but nobody has its bytes."""


@dataclass(frozen=True)
class FileSent:
    """A file as Telegram names it, or one whose bytes are kept already (``blob``: its SHA-256)."""

    name: str
    file_id: str | None = None
    unique_id: str | None = None
    size: int | None = None
    mime: str | None = None
    blob: str | None = None


@dataclass(frozen=True)
class HandedIn:
    """What a hand-in did. ``obligation`` is None while it is not known what it is for.

    ``first``: nothing had come in before; else it supplements. ``on_time``: the obligation's timeliness as it now
    stands (按时/逾期), which a supplement never worsens; ``late``: this one came after the deadline. ``corrects``:
    it answers a return. ``claimed``: it waits for an administrator, since its sender said too late what it is for.
    """

    hand_in: HandIn
    obligation: Obligation | None
    first: bool = False
    on_time: bool | None = None
    late: bool = False
    corrects: bool = False
    notices: tuple[Notice, ...] = ()
    claimed: bool = False


def hand_in(
    frame: Frame,
    obligation: Obligation | None,
    *,
    department_id: int | None,
    sent_at: datetime,
    recorded_at: datetime,
    person_id: int | None,
    kind: Kind,
    channel: Channel = "telegram",
    text: str | None = None,
    evidence: str | None = None,
    files: Sequence[FileSent] = (),
    chat_id: int | None = None,
    message_id: int | None = None,
    album: str | None = None,
    confirmed: bool = True,
) -> HandedIn:
    """Take something in.

    It counts at once when ``obligation`` is given and ``confirmed``; else it waits for ``assign`` (a file without
    context, text whose sender has not said yet that it is a hand-in), with the date of its message. Files of an
    ``album`` that is known are added to the hand-in they came with. Raises Refusal nil_not_allowed or sent_in_future.
    """
    if sent_at > recorded_at:
        raise Refusal("sent_in_future", at=sent_at)
    if kind == "nil" and obligation is not None:
        _check_nil(frame, obligation)
    if album is not None and (earlier := _of_album(frame.session, album, chat_id)) is not None:
        add_files(frame.session, earlier, files)
        if text and not earlier.text:
            earlier.text = text  # any of an album's messages may carry the caption
            frame.session.add(earlier)
        return _as_it_stands(frame, earlier)
    counts = obligation is not None and confirmed
    one = rows.written(
        frame.session,
        HandIn,
        department_id=obligation.department_id if obligation is not None and confirmed else department_id,
        state=HandInState.COUNTED if counts else HandInState.WAITING,
        kind=kind,
        channel=channel,
        person_id=person_id,
        sent_at=sent_at,
        recorded_at=recorded_at,
        text=text,
        evidence=evidence,
        chat_id=chat_id,
        message_id=message_id,
        album=album,
        obligation_id=obligation.id if obligation else None,
    )
    add_files(frame.session, one, files)
    if obligation is None or not confirmed:
        return HandedIn(one, obligation)
    done = _follow(frame, one, obligation, recorded_at)
    frame.session.flush()
    return done


def could_be_meant(frame: Frame, obligation: Obligation, sent_at: datetime) -> bool:
    """Whether the period had begun when something was sent; nothing can have been handed in for it before."""
    duty = frame.duty(obligation.year, obligation.duty) if obligation.duty and obligation.period else None
    return duty is None or period(duty.period, obligation.period or "").first <= china(sent_at).date()


def assign(frame: Frame, one: HandIn, obligation: Obligation, *, now: datetime) -> HandedIn:
    """Let a hand-in count for an obligation: the sender has said so. Whoever says it twice changes nothing.

    Where he says it ``CLAIM_AFTER`` it was sent, and it would undo a deduction or end a hold, it is held (待核定)
    instead. Raises Refusal hand_in_elsewhere when it counts for another one, hand_in_gone when it was withdrawn or
    dropped, hand_in_claimed when it is held, nil_not_allowed.
    """
    if one.state == HandInState.COUNTED:
        if one.obligation_id != obligation.id:
            raise Refusal("hand_in_elsewhere", number=one.id)
        return _as_it_stands(frame, one)
    if one.state != HandInState.WAITING:
        raise Refusal("hand_in_gone", number=one.id)
    if one.kind == "nil":
        _check_nil(frame, obligation)
    if claims_of(frame.session, one.obligation_id):
        raise Refusal("hand_in_claimed", number=one.id)
    if now - one.sent_at > CLAIM_AFTER and _would_undo(frame.session, one, obligation, now):
        _claim(frame, one, obligation, now)
        return HandedIn(one, obligation, claimed=True)
    done = count(frame, one, obligation, now=now)
    frame.session.flush()
    return done


def _would_undo(session: Session, one: HandIn, obligation: Obligation, now: datetime) -> bool:
    in_time = one.sent_at < obligation.accept_until and not obligation.on_time
    if not in_time or obligation.due_at > now:
        return False
    return standing_deduction(session, obligation) is not None or open_hold(session, obligation) is not None


def _claim(frame: Frame, one: HandIn, obligation: Obligation, now: datetime) -> None:
    """Has an administrator decide whether this was sent for that; what was held for want of it is held for this."""
    session = frame.session
    if any(row.of == CLAIM and row.due_at == obligation.due_at for row in settlements_of(session, obligation)):
        raise Refusal("claim_decided")
    while (hold := open_hold(session, obligation)) is not None:
        hold.ended_at, hold.ended_why, hold.announce_at = now, "claimed", None
        session.add(hold)
        session.flush()
    one.obligation_id, one.department_id = obligation.id, obligation.department_id
    reminders = frame.rulebook(obligation.year).reminders
    claim = Settlement(
        obligation_id=obligation.id, due_at=obligation.due_at, of=CLAIM, settled_at=now, outcome=Outcome.HELD,
        why=CLAIM, announce_at=announcing(now, reminders, frame.calendar),
    )  # fmt: skip
    session.add_all([one, claim])
    session.flush()


def claims_of(session: Session, obligation_id: int | None) -> list[HandIn]:
    """What waits for an administrator to say whether it counts for this obligation."""
    if obligation_id is None:
        return []
    held = select(Settlement.id).where(
        Settlement.obligation_id == obligation_id, Settlement.of == CLAIM, col(Settlement.ended_at).is_(None)
    )
    query = select(HandIn).where(HandIn.obligation_id == obligation_id, HandIn.state == HandInState.WAITING)
    return list(session.exec(query.order_by(col(HandIn.sent_at)))) if session.exec(held).first() else []


def decide_claim(frame: Frame, obligation: Obligation, *, counts: bool, now: datetime) -> list[Notice]:
    """What was claimed counts from when it was sent, which takes back what the deadline brought; or it is dropped."""
    notices: list[Notice] = []
    for one in claims_of(frame.session, obligation.id):
        if counts:
            notices += count(frame, one, obligation, now=now).notices
        else:
            one.state = HandInState.DROPPED
            frame.session.add(one)
    frame.session.flush()
    return notices


def count(frame: Frame, one: HandIn, obligation: Obligation, *, now: datetime) -> HandedIn:
    """Let a hand-in count that may: the earliest decides, and what was charged or held for want of it is taken back.

    Whoever calls this flushes, once for many.
    """
    one.state, one.obligation_id, one.department_id = HandInState.COUNTED, obligation.id, obligation.department_id
    frame.session.add(one)
    return _follow(frame, one, obligation, now)


def _follow(frame: Frame, one: HandIn, obligation: Obligation, now: datetime) -> HandedIn:
    """What follows for an obligation from a hand-in that counts for it."""
    first = obligation.handed_in_at is None
    if obligation.handed_in_at is None or one.sent_at < obligation.handed_in_at:
        obligation.handed_in_at = one.sent_at
        frame.session.add(obligation)
        notices = reconsider(frame, obligation, now)
    else:
        notices = []
    corrects = not first and _correct(frame.session, one, obligation, now)
    late = one.sent_at >= obligation.accept_until
    return HandedIn(one, obligation, first, obligation.on_time, late, corrects, tuple(notices))


def drop(session: Session, one: HandIn) -> None:
    """Its sender says that it is no hand-in. Only one that waits can be dropped (Refusal hand_in_counts or
    hand_in_claimed).
    """
    if one.state == HandInState.COUNTED:
        raise Refusal("hand_in_counts", number=one.id)
    if claims_of(session, one.obligation_id):
        raise Refusal("hand_in_claimed", number=one.id)
    one.state = HandInState.DROPPED
    session.add(one)
    session.flush()


def withdraw(frame: Frame, one: HandIn, *, now: datetime) -> Obligation:
    """Take a hand-in or progress back, which its department can do until the deadline. The obligation is owed again.

    Raises Refusal withdraw_too_late, or hand_in_gone when it does not count (any more).
    """
    if one.state not in (HandInState.COUNTED, HandInState.PROGRESS) or one.obligation_id is None:
        raise Refusal("hand_in_gone", number=one.id)
    obligation = frame.session.get_one(Obligation, one.obligation_id)
    if now >= obligation.due_at:
        raise Refusal("withdraw_too_late", number=one.id, due=obligation.due_at)
    one.state, one.withdrawn_at = HandInState.WITHDRAWN, now
    frame.session.add(one)
    frame.session.flush()
    left = select(func.min(HandIn.sent_at)).where(
        HandIn.obligation_id == obligation.id, HandIn.state == HandInState.COUNTED
    )
    obligation.handed_in_at = frame.session.exec(left).one()
    reconsider(frame, obligation, now)
    frame.session.add(obligation)
    frame.session.flush()
    return obligation


def send_back(
    frame: Frame, obligation: Obligation, *, reason: str, due_at: datetime, now: datetime, by: int | None
) -> Correction:
    """退回: what came in last is inadequate and has to be corrected before ``due_at``; its timeliness stands.

    Raises Refusal nothing_handed_in, or date_passed for a date that is not to come.
    """
    query = select(HandIn).where(HandIn.obligation_id == obligation.id, HandIn.state == HandInState.COUNTED)
    last = frame.session.exec(query.order_by(col(HandIn.sent_at).desc(), col(HandIn.id).desc())).first()
    if last is None:
        raise Refusal("nothing_handed_in")
    if due_at <= now:
        raise Refusal("date_passed", until=due_at)
    for earlier in _corrections(frame.session, obligation):
        # A second return sets the date anew.
        earlier.settle_at = None
        earlier.met_by = earlier.met_by or last.id
        frame.session.add(earlier)
    correction = Correction(
        obligation_id=obligation.id,
        hand_in_id=last.id,
        returned_at=now,
        returned_by=by,
        reason=reason,
        due_at=due_at,
        settle_at=due_at + frame.grace(obligation.year),
    )
    frame.session.add(correction)
    frame.session.flush()
    return correction


_FILES = SQLModel.metadata.tables["hand_in_file"]


def add_files(session: Session, one: HandIn, files: Iterable[FileSent]) -> None:
    """Add files to a hand-in; their bytes are fetched afterwards. What a bot cannot fetch is marked so at once."""
    for file in files:
        too_large = file.blob is None and file.size is not None and file.size > LARGEST_FETCH
        row = {
            "hand_in_id": one.id,
            "file_id": file.file_id,
            "unique_id": file.unique_id,
            "name": file.name,
            "size": file.size,
            "mime": file.mime,
            "blob": file.blob,
            "fetch_error": "too_large" if too_large else None,
        }
        rows.later(session, _FILES, row)


def files_of(session: Session, one: HandIn) -> list[HandInFile]:
    return list(session.exec(select(HandInFile).where(HandInFile.hand_in_id == one.id).order_by(col(HandInFile.id))))


def _check_nil(frame: Frame, obligation: Obligation) -> None:
    duty = frame.duty(obligation.year, obligation.duty) if obligation.duty else None
    if duty is None or not duty.nil_report:
        raise Refusal("nil_not_allowed", what=duty.title if duty else obligation.item)


def _of_album(session: Session, album: str, chat_id: int | None) -> HandIn | None:
    known = select(HandIn).where(HandIn.album == album, HandIn.chat_id == chat_id)
    taken = [HandInState.COUNTED, HandInState.WAITING, HandInState.PROGRESS]
    return session.exec(known.where(col(HandIn.state).in_(taken))).first()


def _as_it_stands(frame: Frame, one: HandIn) -> HandedIn:
    if one.state != HandInState.COUNTED or one.obligation_id is None:
        return HandedIn(one, None)
    obligation = frame.session.get_one(Obligation, one.obligation_id)
    late = one.sent_at >= obligation.accept_until
    return HandedIn(one, obligation, first=False, on_time=obligation.on_time, late=late)


_RETURNED = (
    select(Correction)
    .where(col(Correction.obligation_id).in_(bindparam("obligations", expanding=True)))
    .execution_options(autoflush=False)
)


def foresee(session: Session, obligation_ids: Collection[int]) -> None:
    """Reads ahead which of these obligations were returned for correction."""
    found: dict[int, list[Correction]] = {obligation_id: [] for obligation_id in obligation_ids}
    for correction in session.exec(_RETURNED, params={"obligations": obligation_ids}):
        found[correction.obligation_id].append(correction)
    ahead.keep(session, "corrections", found, of=(Correction,))


def _corrections(session: Session, obligation: Obligation) -> list[Correction]:
    known: list[Correction] | None = ahead.known(session, "corrections").get(obligation.id)
    if known is None:
        known = list(session.exec(_RETURNED, params={"obligations": [obligation.id]}))
    return known


def _correct(session: Session, one: HandIn, obligation: Obligation, now: datetime) -> bool:
    """Whether this is a correction that was asked for and came in time; a hold for its missing ends.

    One that comes too late answers the return as well, but leaves the hold to an administrator.
    """
    in_time = False
    returned = _corrections(session, obligation)
    if returned:
        session.flush()
    for correction in returned:
        if one.sent_at < correction.returned_at:
            continue
        correction.met_by = correction.met_by or one.id
        if one.sent_at < correction.due_at:
            in_time = True
            correction.settle_at = None
            held = select(Settlement).where(
                Settlement.obligation_id == obligation.id,
                Settlement.of == "correction",
                Settlement.due_at == correction.due_at,
                col(Settlement.ended_at).is_(None),
            )
            for hold in session.exec(held):
                hold.ended_at, hold.ended_why, hold.announce_at = now, "handed_in", None
                session.add(hold)
        session.add(correction)
    return in_time
