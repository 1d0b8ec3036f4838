"""What becomes of a file's bytes: kept, checked where its duty has a layout, or not to be had. Each a database step.

A file has counted since it was sent. Nothing here changes that: the check tells the sender what to put right, and what
cannot be read is 待核实 for an administrator.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlmodel import Session, col, or_, select, text

import templates
from handlers.meaning import HAND_IN
from handlers.notices import deliver
from handlers.owed import frame_of
from scheduler import layouts, publicity
from scheduler.facts import told_of
from scheduler.hand_ins import LARGEST_FETCH
from scheduler.publicity import CheckResult
from scheduler.tables import FileCheck, HandIn, HandInFile, HandInState, Obligation
from store import blobs, outbox
from store.notices import Audience, Notice
from store.outbox import Lane
from store.people import Department, Person
from store.times import china

TRIES = 12
"""How often a file is asked for before it is given up; the waits between double from a quarter of a minute."""
_FIRST_WAIT = timedelta(seconds=15)
_LONGEST_WAIT = timedelta(hours=2)

_MEGABYTE = 1024 * 1024

Check = Callable[[bytes], CheckResult | None]


@dataclass(frozen=True)
class Wanted:
    """A file to fetch. ``check`` reads its bytes, without a database; None: nothing is read before they are there."""

    id: int
    file_id: str
    check: Callable[[bytes], object] | None


def wanted(session: Session, now: datetime, limit: int) -> list[Wanted]:
    """The files to fetch next, oldest first: those of hand-ins that count, and of progress."""
    query = (
        select(HandInFile, HandIn)
        .join(HandIn, col(HandInFile.hand_in_id) == col(HandIn.id))
        .where(
            text("hand_in_file.blob IS NULL AND hand_in_file.fetch_error IS NULL AND hand_in_file.file_id IS NOT NULL"),
            or_(col(HandInFile.fetch_not_before).is_(None), col(HandInFile.fetch_not_before) <= now),
            col(HandIn.state).in_([HandInState.COUNTED, HandInState.PROGRESS]),
        )
        .order_by(col(HandInFile.id))
        .limit(limit)
    )
    return [Wanted(file.id, file.file_id or "", _check_for(session, file, one)) for file, one in session.exec(query)]


def arrived(session: Session, file_id: int, content: bytes, result: CheckResult | None, now: datetime) -> None:
    """The bytes are here: kept, and what the check found told to the sender. A second arrival changes nothing."""
    file = session.get_one(HandInFile, file_id)
    if file.blob is not None:
        return
    file.blob = blobs.put(session, content, now)
    file.size = len(content)
    session.add(file)
    if result is not None:
        examined(session, file, result, now)


def delayed(session: Session, file_id: int, now: datetime) -> None:
    """It could not be had this time. After TRIES it is given up, and an administrator told."""
    file = session.get_one(HandInFile, file_id)
    file.fetch_attempts += 1
    if file.fetch_attempts >= TRIES:
        lost(session, file_id, "unreachable", now)
        return
    file.fetch_not_before = now + min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** (file.fetch_attempts - 1))
    session.add(file)


def lost(session: Session, file_id: int, why: str, now: datetime) -> None:
    """Its bytes will not come. ``why``: too_large, gone or unreachable. It counts all the same."""
    file = session.get_one(HandInFile, file_id)
    file.fetch_error = why
    session.add(file)
    examined(session, file, unfetched(file), now)


def too_large(session: Session, one: HandIn, now: datetime) -> None:
    """Files of a hand-in that no bot can fetch, known by their size: 待核实 where they should have been checked."""
    query = select(HandInFile).where(
        HandInFile.hand_in_id == one.id,
        HandInFile.fetch_error == "too_large",
        col(HandInFile.checked_at).is_(None),
    )
    for file in session.exec(query).all():
        examined(session, file, unfetched(file), now)


def unfetched(file: HandInFile) -> CheckResult:
    """The result for a file whose bytes are not to be had."""
    if file.fetch_error == "too_large":
        most = LARGEST_FETCH // _MEGABYTE
        return publicity.unreadable("too_large", megabytes=-(-(file.size or LARGEST_FETCH + 1) // _MEGABYTE), most=most)
    return publicity.unreadable("gone")


def examined(session: Session, file: HandInFile, result: CheckResult, now: datetime) -> None:
    """Writes down what was found, answers the sender, and lists to the administrators what nobody could read."""
    one = session.get_one(HandIn, file.hand_in_id)
    obligation = session.get(Obligation, one.obligation_id) if one.obligation_id else None
    department = session.get(Department, one.department_id) if one.department_id else None
    unreadable = result.kind == "unreadable"
    file.verdict = FileCheck.UNREADABLE if unreadable else FileCheck.FINDINGS if result.count else FileCheck.PASSED
    file.findings = [{"code": result.why, "facts": dict(result.facts)}] if unreadable else _listed(result)
    file.checked_at = now
    session.add(file)
    facts: dict[str, Any] = {
        "number": one.id,
        "file": file.name,
        "department": department.name if department else "",
        "one": told_of(frame_of(session), obligation) if obligation else None,
        "findings": file.findings,
        "count": result.count,
        "rows": result.rows,
        "tables": [asdict(table) for table in result.tables],
    }
    if one.chat_id is not None:
        _answer(session, one, templates.render("departments/checked", verdict=str(file.verdict), **facts), now)
    if unreadable:
        sender = session.get(Person, one.person_id) if one.person_id else None
        facts["sender"] = sender.name if sender else ""
        deliver(session, [Notice("unreadable", Audience("administrators"), facts)], now)


def _listed(result: CheckResult) -> list[dict[str, Any]]:
    return [asdict(finding) | {"facts": dict(finding.facts)} for finding in result.findings]


def _answer(session: Session, one: HandIn, words: str, now: datetime) -> None:
    """Answers the message that the file came with."""
    for number, part in enumerate(templates.split(words)):
        payload: dict[str, Any] = {"text": part, "parse_mode": "HTML", "link_preview_options": {"is_disabled": True}}
        if number == 0 and one.message_id is not None:
            payload["reply_parameters"] = {"message_id": one.message_id, "allow_sending_without_reply": True}
        outbox.enqueue(
            session,
            chat_id=one.chat_id or 0,
            method="sendMessage",
            payload=payload,
            lane=Lane.REPLY,
            now=now,
            topic=f"{HAND_IN}{one.id}",
        )


def _check_for(session: Session, file: HandInFile, one: HandIn) -> Check | None:
    """The check of the duty a file was handed in for; it needs no database, so that it can run elsewhere."""
    frame = frame_of(session)
    obligation = session.get(Obligation, one.obligation_id) if one.obligation_id else None
    duty = frame.duty(obligation.year, obligation.duty) if obligation and obligation.duty else None
    if duty is None or duty.check is None:
        return None
    layout, calendar, name, today = duty.check, frame.calendar, file.name, china(one.sent_at).date()

    def working_day_after(day: date, number: int) -> date:
        return calendar.after(day, number)

    def check(content: bytes) -> CheckResult:
        return publicity.check(name, content, layouts.load(layout), working_day_after=working_day_after, today=today)

    return check
