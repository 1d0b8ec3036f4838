"""What is owed, what came in, what was said about it and what became of it.

Three columns say when time has to look at a row again (``next_open_at``, ``remind_at``, ``settle_at``, and
``announce_at`` of a settlement). Each follows from the rest of the row; they are kept so that a tick with nothing to
do costs a few looks into an index. None: not before something happens to the row.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from store.blobs import Blob
from store.partial import partial
from store.times import UtcDateTime


class DutyAssignment(SQLModel, table=True):
    """A department owes a duty for every period whose last day lies in ``since`` … ``until``."""

    __tablename__ = "duty_assignment"
    __table_args__ = (
        UniqueConstraint("department_id", "duty", "since"),
        partial("duty_assignment_next", "next_open_at", where="next_open_at IS NOT NULL"),
    )

    id: int = Field(default=None, primary_key=True)
    department_id: int = Field(foreign_key="department.id")
    duty: str
    since: date
    until: date | None = None
    next_open_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """When the next period that has no obligation yet opens."""


class DataSet(SQLModel, table=True):
    """Shared data that a department uploads on a cycle of its own: a duty that the rule book cannot list.

    ``code`` is used like that of a duty. ``period`` as in a rule book ("days:10", "week", "month" …).
    """

    __tablename__ = "data_set"

    code: str = Field(primary_key=True)
    title: str
    item: str
    period: str
    due_working_day: int = 1


class Task(SQLModel, table=True):
    """Something owed once (督办事项, 重点任务): with item, responsible person, measures and date."""

    __tablename__ = "task"

    id: int = Field(default=None, primary_key=True)
    department_id: int = Field(foreign_key="department.id", index=True)
    item: str
    title: str
    responsible: str = ""
    measures: str = ""
    created_at: datetime = Field(sa_type=UtcDateTime)
    created_by: int | None = Field(default=None, foreign_key="person.id")


class Obligation(SQLModel, table=True):
    """Department × duty × period, or department × task.

    ``due_at`` is the deadline in force: 00:00 that ends the due day, unless an administrator named another instant.
    What is sent before ``accept_until`` is on time; the two differ where an extension was granted that had passed
    already when it was granted, and saved nobody. ``handed_in_at`` is when the earliest hand-in that counts was sent.
    Only reminders from ``told_from`` on count as told (None: all).
    """

    __tablename__ = "obligation"
    __table_args__ = (
        UniqueConstraint("department_id", "duty", "period"),
        partial("obligation_remind", "remind_at", where="remind_at IS NOT NULL"),
        partial("obligation_settle", "settle_at", where="settle_at IS NOT NULL"),
        partial("obligation_provisional", "id", where="provisional"),
        Index("obligation_year_due", "year", "due_at"),
    )

    id: int = Field(default=None, primary_key=True)
    department_id: int = Field(foreign_key="department.id")
    duty: str | None = None
    period: str | None = None
    task_id: int | None = Field(default=None, foreign_key="task.id", unique=True)
    year: int
    """The assessment year a lateness belongs to."""
    item: str
    original_due_at: datetime = Field(sa_type=UtcDateTime)
    due_at: datetime = Field(sa_type=UtcDateTime)
    accept_until: datetime = Field(sa_type=UtcDateTime)
    provisional: bool = False
    """The date rests on a year whose holidays are not announced yet (暂定)."""
    opened_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    told_from: datetime | None = Field(default=None, sa_type=UtcDateTime)
    seen_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    handed_in_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    exempted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    exempted_by: int | None = Field(default=None, foreign_key="person.id")
    exempt_reason: str | None = None
    remind_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    settle_at: datetime | None = Field(default=None, sa_type=UtcDateTime)

    @property
    def on_time(self) -> bool:
        """Whether something was handed in, in time."""
        return self.handed_in_at is not None and self.handed_in_at < self.accept_until

    @property
    def extended(self) -> bool:
        return self.accept_until != self.original_due_at


class HandInState(StrEnum):
    COUNTED = "counted"
    WAITING = "waiting"
    """It is not known yet what it is for, or its sender has not confirmed that it is one."""
    WITHDRAWN = "withdrawn"
    DROPPED = "dropped"
    """Its sender said that it is no hand-in."""
    PROGRESS = "progress"
    """进展 of a task: kept and shown, but no hand-in."""


class HandIn(SQLModel, table=True):
    """Something that came in; ``id`` is the number on its receipt. ``sent_at`` is the instant that counts."""

    __tablename__ = "hand_in"
    __table_args__ = (
        partial("hand_in_waiting", "person_id", where="state = 'waiting'"),
        Index("hand_in_message", "chat_id", "message_id"),
        partial("hand_in_album", "album", where="album IS NOT NULL"),
    )

    id: int = Field(default=None, primary_key=True)
    obligation_id: int | None = Field(default=None, foreign_key="obligation.id", index=True)
    department_id: int | None = Field(default=None, foreign_key="department.id")
    state: str = HandInState.COUNTED
    kind: str
    """file, text, nil (零报告) or received (代收)."""
    channel: str
    """telegram; or how it reached the office: oa, paper, wechat, other."""
    person_id: int | None = Field(default=None, foreign_key="person.id")
    """Who sent it; for what the office received, the administrator who registered it."""
    sent_at: datetime = Field(sa_type=UtcDateTime)
    recorded_at: datetime = Field(sa_type=UtcDateTime)
    withdrawn_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    text: str | None = None
    evidence: str | None = None
    chat_id: int | None = Field(default=None, sa_type=BigInteger)
    message_id: int | None = Field(default=None, sa_type=BigInteger)
    album: str | None = None
    """Telegram's media_group_id: files sent together are one hand-in."""


class FileCheck(StrEnum):
    PASSED = "passed"
    FINDINGS = "findings"
    UNREADABLE = "unreadable"
    """待核实: an administrator has to look at it."""


class HandInFile(SQLModel, table=True):
    """One file of a hand-in. It counts at once; its bytes and its check follow."""

    __tablename__ = "hand_in_file"
    __table_args__ = (
        partial("hand_in_file_to_fetch", "id", where="blob IS NULL AND fetch_error IS NULL AND file_id IS NOT NULL"),
        partial("hand_in_file_unreadable", "id", where="verdict = 'unreadable'"),
    )

    id: int = Field(default=None, primary_key=True)
    hand_in_id: int = Field(foreign_key="hand_in.id", index=True)
    file_id: str | None = None
    unique_id: str | None = None
    name: str
    size: int | None = Field(default=None, sa_type=BigInteger)
    mime: str | None = None
    blob: str | None = Field(default=None, foreign_key=f"{Blob.__tablename__}.sha256")
    fetch_attempts: int = 0
    fetch_not_before: datetime | None = Field(default=None, sa_type=UtcDateTime)
    fetch_error: str | None = None
    """Why the bytes will not come: too large for a bot (20 MB), gone."""
    verdict: str | None = None
    """A FileCheck; None: not checked yet, or nothing to check."""
    findings: list[dict[str, Any]] | None = Field(default=None, sa_type=JSON)
    checked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Extension(SQLModel, table=True):
    """延期: a deadline moved by an administrator. The history; what is in force stands in the obligation."""

    __tablename__ = "extension"

    id: int = Field(default=None, primary_key=True)
    obligation_id: int = Field(foreign_key="obligation.id", index=True)
    before: datetime = Field(sa_type=UtcDateTime)
    until: datetime = Field(sa_type=UtcDateTime)
    granted_at: datetime = Field(sa_type=UtcDateTime)
    granted_by: int | None = Field(default=None, foreign_key="person.id")
    reason: str = ""


class Reminder(SQLModel, table=True):
    """An obligation was named in a message to its department. ``delivered_at`` stays empty when nothing arrived.

    ``due_at`` is the deadline of which it reminds; ``batch`` is shared by what one message lists.
    """

    __tablename__ = "reminder"
    __table_args__ = (UniqueConstraint("obligation_id", "due_at", "rung"), Index("reminder_batch", "batch"))

    id: int = Field(default=None, primary_key=True)
    obligation_id: int = Field(foreign_key="obligation.id")
    due_at: datetime = Field(sa_type=UtcDateTime)
    rung: str
    batch: str
    sent_at: datetime = Field(sa_type=UtcDateTime)
    delivered_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Outcome(StrEnum):
    DEDUCTED = "deducted"
    HELD = "held"


CLAIM = "claim"
"""Of a hold, what it is of and why: something that was sent in time, and said long afterwards to be for this."""


class Settlement(SQLModel, table=True):
    """What became of a deadline that passed without a hand-in in time. One per obligation and deadline, in the
    database.

    A hold is open until it is ``ended_at``: decided by an administrator (``decision``), or ended by itself
    (``ended_why``: a hand-in in time turned up, an extension, an exemption, a calendar that moved the deadline).
    """

    __tablename__ = "settlement"
    __table_args__ = (
        UniqueConstraint("obligation_id", "due_at", "of"),
        partial("settlement_held", "obligation_id", where="outcome = 'held' AND ended_at IS NULL"),
        partial("settlement_announce", "announce_at", where="announce_at IS NOT NULL"),
        Index("settlement_entry", "entry_id"),
    )

    id: int = Field(default=None, primary_key=True)
    obligation_id: int = Field(foreign_key="obligation.id")
    due_at: datetime = Field(sa_type=UtcDateTime)
    of: str = "deadline"
    """deadline; correction: the date set when something was returned; or claim."""
    settled_at: datetime = Field(sa_type=UtcDateTime)
    outcome: str
    why: str | None = None
    """Of a hold: not_told, outage, provisional, judgement, correction or claim."""
    entry_id: int | None = Field(default=None, foreign_key="ledger_entry.id")
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ended_why: str | None = None
    """decided, handed_in, extended, exempted, calendar, withdrawn or claimed."""
    decision: str | None = None
    decided_by: int | None = Field(default=None, foreign_key="person.id")
    reason: str = ""
    announce_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """When the department, or for a hold the office, is to be told."""
    announced_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Correction(SQLModel, table=True):
    """A hand-in was returned as inadequate, to be corrected before ``due_at``. Its timeliness stands."""

    __tablename__ = "correction"
    __table_args__ = (partial("correction_settle", "settle_at", where="settle_at IS NOT NULL"),)

    id: int = Field(default=None, primary_key=True)
    obligation_id: int = Field(foreign_key="obligation.id", index=True)
    hand_in_id: int = Field(foreign_key="hand_in.id")
    returned_at: datetime = Field(sa_type=UtcDateTime)
    returned_by: int | None = Field(default=None, foreign_key="person.id")
    reason: str
    due_at: datetime = Field(sa_type=UtcDateTime)
    met_by: int | None = Field(default=None, foreign_key="hand_in.id")
    settle_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class CalendarNotice(SQLModel, table=True):
    """The holiday notice of a year as an operator loaded it; it goes before what the package knows."""

    __tablename__ = "calendar_notice"

    year: int = Field(primary_key=True)
    text: str
    """The file's own words (JSON)."""
    digest: str
    loaded_at: datetime = Field(sa_type=UtcDateTime)
    loaded_by: int | None = Field(default=None, foreign_key="person.id")


class SummaryPost(SQLModel, table=True):
    """The summary of a month was posted: once."""

    __tablename__ = "summary_post"

    month: str = Field(primary_key=True)
    """Like 2021-03."""
    posted_at: datetime = Field(sa_type=UtcDateTime)
    daily: dict[str, str] = Field(default_factory=dict, sa_type=JSON)
    """Daily scores by department code as they were posted: what the next summary compares with."""
