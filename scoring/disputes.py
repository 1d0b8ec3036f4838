"""Which departments wait for the review of an entry: their grade is 待定 meanwhile, whatever the figures say."""

from dataclasses import replace

from sqlalchemy import bindparam, func
from sqlmodel import Session, col, select

from scoring.appeal_tables import Appeal
from scoring.sheet import PENDING, ScoreSheet

_OPEN = (
    select(Appeal.department_id, func.count())
    .where(Appeal.year == bindparam("year"), Appeal.state == "open")
    .group_by(col(Appeal.department_id))
)
_OPEN_OF_ONE = _OPEN.where(Appeal.department_id == bindparam("department"))


def disputed(session: Session, year: int, department_id: int | None = None) -> dict[int, int]:
    """By department, how many entries of a year are under review: its grade is 待定 meanwhile."""
    query = _OPEN if department_id is None else _OPEN_OF_ONE
    return dict(session.exec(query, params={"year": year, "department": department_id}).all())


def under_review(sheet: ScoreSheet, entries: int) -> ScoreSheet:
    """The sheet of a department with so many entries under review."""
    return replace(sheet, grade=PENDING, disputed=entries) if entries else sheet
