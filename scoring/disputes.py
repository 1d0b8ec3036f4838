"""Which departments wait for the review of an entry: their grade is 待定 meanwhile, whatever the figures say."""

from dataclasses import replace

from sqlalchemy import func
from sqlmodel import Session, col, select

from scoring.appeal_tables import Appeal
from scoring.sheet import PENDING, ScoreSheet


def disputed(session: Session, year: int, department_id: int | None = None) -> dict[int, int]:
    """By department, how many entries of a year are under review: its grade is 待定 meanwhile."""
    query = select(Appeal.department_id, func.count()).where(Appeal.year == year, Appeal.state == "open")
    if department_id is not None:
        query = query.where(Appeal.department_id == department_id)
    return dict(session.exec(query.group_by(col(Appeal.department_id))).all())


def under_review(sheet: ScoreSheet, entries: int) -> ScoreSheet:
    """The sheet of a department with so many entries under review."""
    return replace(sheet, grade=PENDING, disputed=entries) if entries else sheet
