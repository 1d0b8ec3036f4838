"""What the ballot boxes of a year hold, once their ratings are over."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from scoring.ballots import ABSTAIN, Ballot, Mark
from scoring.points import Points
from scoring.rulebook import RuleBook
from scoring.survey_tables import BallotBox, Survey


@dataclass(frozen=True)
class Count:
    """What is in the boxes of one department: by panel, the ballots that count and those that abstain."""

    marks: Mapping[str, tuple[Ballot, ...]] = field(default_factory=dict)

    @property
    def ballots(self) -> list[Ballot]:
        return [ballot for ballots in self.marks.values() for ballot in ballots]

    @property
    def counts(self) -> dict[str, int]:
        """By panel, how many ballots count: abstentions do not."""
        return {panel: sum(one.scores != ABSTAIN for one in ballots) for panel, ballots in self.marks.items()}


# Statements that every score asks, built once: building one takes longer than asking it.
_OVER = (
    Survey.year == bindparam("year"),
    col(Survey.closed_at).is_not(None),
    col(Survey.rehearsal).is_(False),
)
_PANELS_OVER = select(Survey.panel).where(*_OVER)
_BOXES = select(BallotBox, Survey.panel).join(Survey, col(BallotBox.survey_id) == col(Survey.id)).where(*_OVER)
_BOXES_OF_ONE = _BOXES.where(BallotBox.department_id == bindparam("department"))


def counted(session: Session, year: int, department_id: int | None = None) -> dict[int, Count]:
    """What has been counted in a year, by department: of one, or of all."""
    query = _BOXES if department_id is None else _BOXES_OF_ONE
    found: dict[int, dict[str, tuple[Ballot, ...]]] = {}
    for box, panel in session.exec(query, params={"year": year, "department": department_id}):
        found.setdefault(box.department_id, {})[panel] = tuple(_unpacked(panel, box))
    return {key: Count(marks) for key, marks in found.items()}


def uncounted(session: Session, rulebook: RuleBook, year: int) -> frozenset[str]:
    """The panels of a year whose rating is not over."""
    over: set[str] = set(session.exec(_PANELS_OVER, params={"year": year}))
    return frozenset(rulebook.panels) - over


def _unpacked(panel: str, box: BallotBox) -> Iterable[Ballot]:
    for text, count in box.marks.items():
        mark = Fraction(text)
        points: Points = mark.numerator if mark.denominator == 1 else mark
        yield from [Ballot(panel, Mark(points))] * count
    yield from [Ballot(panel, ABSTAIN)] * box.abstained
