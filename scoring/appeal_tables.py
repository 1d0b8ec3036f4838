"""Requests for review (申请复核) and what was said about them; and since when a department knows of an entry."""

from datetime import datetime

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from store.partial import partial
from store.times import UtcDateTime


class EntryNotice(SQLModel, table=True):
    """The department has been told of an entry: the days in which it may ask for review run from here."""

    __tablename__ = "entry_notice"

    entry_id: int = Field(foreign_key="ledger_entry.id", primary_key=True)
    told_at: datetime = Field(sa_type=UtcDateTime)


class Appeal(SQLModel, table=True):
    """A department asks for review of one entry. ``state``: "open", "accepted", "refused" or "withdrawn".

    Accepted with nobody in ``decided_by``: the entry was taken back for another reason meanwhile. ``proposed_by``: who
    proposed the decision, where it took a second person.
    """

    __tablename__ = "appeal"
    __table_args__ = (partial("appeal_one_open", "entry_id", unique=True, where="state = 'open'"),)

    id: int = Field(default=None, primary_key=True)
    entry_id: int = Field(foreign_key="ledger_entry.id", index=True)
    year: int
    department_id: int = Field(foreign_key="department.id", index=True)
    raised_by: int = Field(foreign_key="person.id")
    raised_at: datetime = Field(sa_type=UtcDateTime)
    state: str = "open"
    decided_by: int | None = Field(default=None, foreign_key="person.id")
    proposed_by: int | None = Field(default=None, foreign_key="person.id")
    decided_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    reason: str = ""
    reversal_id: int | None = Field(default=None, foreign_key="ledger_entry.id")


class AppealPost(SQLModel, table=True):
    """One contribution to the thread of an appeal: words, or a file. Rows are only added, so that it stays readable.

    ``file_kind``: the Bot API's name of what sort of file it is, e.g. "document" or "photo".
    """

    __tablename__ = "appeal_post"

    id: int = Field(default=None, primary_key=True)
    appeal_id: int = Field(foreign_key="appeal.id", index=True)
    person_id: int = Field(foreign_key="person.id")
    at: datetime = Field(sa_type=UtcDateTime)
    text: str = ""
    file_kind: str | None = None
    file_name: str | None = None
    file_id: str | None = None
    file_size: int | None = Field(default=None, sa_type=BigInteger)
    chat_id: int | None = Field(default=None, sa_type=BigInteger)
    message_id: int | None = Field(default=None, sa_type=BigInteger)
