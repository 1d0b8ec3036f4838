"""Results as they were frozen, who approved them, and those of earlier years."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel

from store.blobs import Blob
from store.immutable import append_only
from store.partial import partial
from store.times import UtcDateTime


class ResultSet(SQLModel, table=True):
    """The result of a year as it stood at one instant.

    ``hash`` is what is approved and published. ``rests_on``: by name what it was made from, each by a hash, so that a
    change shows. ``overrides``: what was not settled and why it went on nevertheless, at the freeze and at publication.
    ``state``: "frozen", "void" (something changed: ``why``), "published", or "replaced" (a later one has been
    published).
    """

    __tablename__ = "result_set"
    __table_args__ = (partial("result_set_frozen", "id", where="state = 'frozen'"),)

    id: int = Field(default=None, primary_key=True)
    year: int = Field(index=True)
    hash: str
    size: int
    """Bytes of the file as it is written out."""
    rests_on: dict[str, str] = Field(sa_type=JSON)
    overrides: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON)
    frozen_at: datetime = Field(sa_type=UtcDateTime)
    frozen_by: int = Field(foreign_key="person.id")
    state: str = "frozen"
    why: list[str] = Field(default_factory=list, sa_type=JSON)
    """What it rested on and is otherwise: a name, after a colon what of it ("ledger:123,124")."""
    published_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    published_by: int | None = Field(default=None, foreign_key="person.id")


class FrozenFile(SQLModel, table=True):
    """The file of a result (``scoring.frozen``), byte for byte, deflated (zlib). Rows are only added."""

    __tablename__ = "frozen_file"

    result_set_id: int = Field(foreign_key="result_set.id", primary_key=True)
    content: bytes = Field(sa_type=LargeBinary)


append_only(SQLModel.metadata.tables["frozen_file"])


class PublishedPapers(SQLModel, table=True):
    """The papers of a published result as they were first handed out: a later program would set them otherwise. Rows
    are only added.
    """

    __tablename__ = "published_papers"

    result_set_id: int = Field(foreign_key="result_set.id", primary_key=True)
    content: bytes = Field(sa_type=LargeBinary)


append_only(SQLModel.metadata.tables["published_papers"])


class Approval(SQLModel, table=True):
    """One member of the leading group agrees to a result set, by its hash."""

    __tablename__ = "approval"
    __table_args__ = (UniqueConstraint("result_set_id", "person_id"),)

    id: int = Field(default=None, primary_key=True)
    result_set_id: int = Field(foreign_key="result_set.id", index=True)
    person_id: int = Field(foreign_key="person.id")
    approved_at: datetime = Field(sa_type=UtcDateTime)


class RecordedApproval(SQLModel, table=True):
    """The leading group has agreed on paper: its minutes or a signed sheet, with number and date, entered by one
    administrator and confirmed by another.
    """

    __tablename__ = "recorded_approval"

    id: int = Field(default=None, primary_key=True)
    result_set_id: int = Field(foreign_key="result_set.id", index=True)
    paper: str
    dated: date
    scan: str | None = Field(default=None, foreign_key=f"{Blob.__tablename__}.sha256")
    recorded_by: int = Field(foreign_key="person.id")
    confirmed_by: int | None = Field(default=None, foreign_key="person.id")
    recorded_at: datetime = Field(sa_type=UtcDateTime)


class PastResult(SQLModel, table=True):
    """A department's result of a year that is over: published here, or entered. ``failed``: with the lowest grade."""

    __tablename__ = "past_result"

    year: int = Field(primary_key=True)
    department_id: int = Field(foreign_key="department.id", primary_key=True)
    total: str | None = None
    grade: str
    grade_title: str
    failed: bool
    rank: int | None = None
    source: str
    """"published" or "entered"."""
    recorded_at: datetime = Field(sa_type=UtcDateTime)
