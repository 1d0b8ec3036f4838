"""What the score rests on: the ledger, the rule books that were ever in force, and which year has which."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Index, Integer, SmallInteger
from sqlmodel import Field, SQLModel

from store.immutable import append_only
from store.times import UtcDateTime


class LedgerEntry(SQLModel, table=True):
    """One entry. Rows are only added: the database refuses UPDATE and DELETE.

    ``id`` is the entry's number, from 1 without a gap. ``points`` is its whole effect in signed units of 1/10,000
    point; a reversal carries the negative count and points of what it reverses. ``source`` is "auto", "admin" or
    "appeal". ``recorded_by`` is None for what the bot did by itself. ``event`` ties entries to one event, where the
    rule book counts the highest only. ``form`` is the version of the canonical form under the hash (scoring.chain).
    """

    __tablename__ = "ledger_entry"
    __table_args__ = (
        # Covers the sums behind the rank list: they are read from the index alone.
        Index("ledger_entry_sums", "year", "department_id", "item", "points", "count"),
    )

    id: int = Field(default=None, sa_column=Column(Integer, primary_key=True, autoincrement=False))
    form: int = Field(default=1, sa_type=SmallInteger)
    year: int
    department_id: int = Field(foreign_key="department.id")
    item: str
    count: int
    points: int = Field(sa_type=BigInteger)
    happened_at: datetime = Field(sa_type=UtcDateTime)
    recorded_at: datetime = Field(sa_type=UtcDateTime)
    recorded_by: int | None = Field(default=None, foreign_key="person.id")
    confirmed_by: int | None = Field(default=None, foreign_key="person.id")
    source: str
    reason: str = ""
    evidence: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    period: str | None = None
    event: str | None = None
    reverses_id: int | None = Field(default=None, foreign_key="ledger_entry.id", unique=True)
    previous_hash: str
    hash: str


append_only(SQLModel.metadata.tables["ledger_entry"])


class LedgerHead(SQLModel, table=True):
    """The last entry's number and hash, in one row: whoever appends locks it, and a cut-off tail shows against it."""

    __tablename__ = "ledger_head"

    id: int = Field(default=1, primary_key=True)
    number: int = 0
    hash: str


class RuleBookVersion(SQLModel, table=True):
    """The text of a rule book that was in force, word for word, by its SHA-256. Rows are only added."""

    __tablename__ = "rule_book_version"

    digest: str = Field(primary_key=True)
    name: str
    text: str


append_only(SQLModel.metadata.tables["rule_book_version"])


class AssessmentYear(SQLModel, table=True):
    """An assessment year, its rule book, and since when the zone is live: nothing due before that exists."""

    __tablename__ = "assessment_year"

    year: int = Field(primary_key=True)
    digest: str = Field(foreign_key="rule_book_version.digest")
    live_from: datetime = Field(sa_type=UtcDateTime)
