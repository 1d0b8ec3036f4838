"""What a rating rests on: who may rate, who has taken part, and, apart from that and tied to nobody, what was cast."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Index, SmallInteger
from sqlmodel import Field, SQLModel

from store.partial import partial
from store.times import UtcDateTime

INVITED, STARTED, SUBMITTED = "invited", "started", "submitted"
"""How far a rater has come in a survey."""


class Seat(SQLModel, table=True):
    """A place among those who rate in one panel, in one year (评议名册).

    ``department_id``: the department whose head casts its one ballot, where departments rate. ``may_rate``: ids of the
    departments that the rater dealt with; None for all. ``person_id`` has come in by the seat's own link, or is nobody
    yet; ``assistant_id`` fetches the form and hands in the paper of a rater who will not use a bot.
    """

    __tablename__ = "seat"
    __table_args__ = (Index("seat_of_panel", "year", "panel"),)

    id: int = Field(default=None, primary_key=True)
    year: int
    panel: str
    name: str
    unit: str = ""
    department_id: int | None = Field(default=None, foreign_key="department.id")
    may_rate: list[int] | None = Field(default=None, sa_type=JSON)
    person_id: int | None = Field(default=None, foreign_key="person.id", index=True)
    assistant_id: int | None = Field(default=None, foreign_key="person.id", index=True)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Survey(SQLModel, table=True):
    """One rating of all departments by one panel.

    ``closes_at``: what is submitted before that instant counts. ``closed_at``: since when it has been counted, once
    everything sent before has been read. ``departments``: ids of those that are rated. ``paper``: how many ballots were
    entered from paper. ``rehearsal``: for practice; nothing of it is kept once it is over.
    """

    __tablename__ = "survey"
    __table_args__ = (
        partial("survey_open", "id", where="closed_at IS NULL"),
        # A button of a rehearsal that has been wiped out must not mean the rating that came after it.
        {"sqlite_autoincrement": True},
    )

    id: int = Field(default=None, primary_key=True)
    year: int = Field(index=True)
    panel: str
    departments: list[int] = Field(sa_type=JSON)
    rehearsal: bool = False
    opened_at: datetime = Field(sa_type=UtcDateTime)
    opened_by: int = Field(foreign_key="person.id")
    closes_at: datetime = Field(sa_type=UtcDateTime)
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    remind_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """When to look next whether those who have not submitted are told something; None: not any more."""
    announce: str = "opened"
    """What they are told first, whatever the ladder says: "opened", "moved" (another deadline), or "" once they are."""
    reminded: str = ""
    """The ladder's latest rung that went."""
    paper: int = 0


class Turn(SQLModel, table=True):
    """That a rater has begun, or submitted: no instant, nothing of what was given."""

    __tablename__ = "turn"

    survey_id: int = Field(foreign_key="survey.id", primary_key=True)
    seat_id: int = Field(foreign_key="seat.id", primary_key=True)
    state: str = INVITED


class RatingDraft(SQLModel, table=True):
    """What a rater has given so far, until it is submitted; backups leave it out.

    ``scores``: by the department's id one answer per aspect (None: still open), one total as ``{"total": "28.5"}``, or
    "abstain". ``at``: the department whose card is open, 0 for the review, None for the list, ``page`` of it. ``low``:
    the card shows the lower half of the scores. ``card``: how often a message for it was opened; only the latest is
    good. ``message_id``: that message, which is edited; None until it has been sent.
    """

    __tablename__ = "rating_draft"

    survey_id: int = Field(foreign_key="survey.id", primary_key=True)
    seat_id: int = Field(foreign_key="seat.id", primary_key=True)
    person_id: int = Field(foreign_key="person.id", index=True)
    chat_id: int = Field(sa_type=BigInteger)
    card: int = 0
    message_id: int | None = Field(default=None, sa_type=BigInteger)
    scores: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    at: int | None = None
    page: int = Field(default=0, sa_type=SmallInteger)
    low: bool = False


class BallotBox(SQLModel, table=True):
    """All ballots about one department in one survey, as one row: which marks there are, and how often each.

    A ballot has no row, hence no number, no order, no time and nothing in common with what the same rater gave others.
    ``marks``: by mark, in units (``"285000"``, ``"854999/3"``) in the order of their texts, how many; ``abstained``
    beside it. The marks alone are kept: a rater who types totals, or halves, would be known by that among all boxes.
    """

    __tablename__ = "ballot_box"

    survey_id: int = Field(foreign_key="survey.id", primary_key=True)
    department_id: int = Field(foreign_key="department.id", primary_key=True)
    marks: dict[str, int] = Field(default_factory=dict, sa_type=JSON)
    abstained: int = 0
