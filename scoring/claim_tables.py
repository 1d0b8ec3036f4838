"""Bonus claims (加分申报): what departments say that they have earned, and what became of it."""

from datetime import datetime

from sqlalchemy import JSON
from sqlmodel import Field, SQLModel

from store.partial import partial
from store.times import UtcDateTime


class BonusClaim(SQLModel, table=True):
    """A department claims a bonus. ``state``: "open", "granted" or "refused".

    ``found``: which of the clause's keywords stand in the title, the words and the file; None where the clause asks
    for none. ``item`` is what was claimed; what was granted stands in the entry.
    """

    __tablename__ = "bonus_claim"
    __table_args__ = (partial("bonus_claim_open", "id", where="state = 'open'"),)

    id: int = Field(default=None, primary_key=True)
    year: int
    department_id: int = Field(foreign_key="department.id", index=True)
    item: str
    title: str
    happened_at: datetime = Field(sa_type=UtcDateTime)
    link: str | None = None
    file_name: str | None = None
    file: str | None = Field(default=None, foreign_key="blob.sha256")
    found: list[str] | None = Field(default=None, sa_type=JSON)
    raised_by: int = Field(foreign_key="person.id")
    raised_at: datetime = Field(sa_type=UtcDateTime)
    state: str = "open"
    decided_by: int | None = Field(default=None, foreign_key="person.id")
    proposed_by: int | None = Field(default=None, foreign_key="person.id")
    decided_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    reason: str = ""
    entry_id: int | None = Field(default=None, foreign_key="ledger_entry.id")
