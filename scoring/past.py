"""Results of the years before: published here or entered. Two lowest grades in a row are flagged (连续两年不达标)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from scoring.result_tables import PastResult
from scoring.rulebook import RuleBook
from scoring.sheet import PENDING
from store.people import Department


def keep(
    session: Session,
    rulebook: RuleBook,
    year: int,
    department_id: int,
    figures: Mapping[str, Any],
    source: str,
    now: datetime,
) -> None:
    """A department's result of a year, for the years after it; a grade that was open is not kept.

    ``rulebook`` is that by which it was graded, ``figures`` as a frozen file has them.
    """
    row = session.get(PastResult, (year, department_id))
    if figures["grade"] == PENDING:
        if row is not None:
            session.delete(row)
        return
    grade = figures["grade"]
    row = row or PastResult(
        year=year, department_id=department_id, grade="", grade_title="", failed=False, source="", recorded_at=now
    )
    row.total, row.grade, row.rank = figures.get("total"), grade, figures.get("rank")
    row.grade_title, row.failed = rulebook.grade_title(grade), grade == rulebook.grades[-1].code
    row.source, row.recorded_at = source, now
    session.add(row)
    session.flush()


def results_of(session: Session, department_id: int) -> list[PastResult]:
    """A department's results, latest year first."""
    query = select(PastResult).where(PastResult.department_id == department_id)
    return list(session.exec(query.order_by(col(PastResult.year).desc())))


def grades_of(session: Session, rulebook: RuleBook, year: int) -> dict[int, str]:
    """By department, the code of its grade of a year that is over. The lowest grade is called as ``rulebook``, a later
    year's, calls it, whatever its name was then.

    A department that had no result of its own has that of those which have gone into it; where one of them failed and
    another did not, nobody can say what its was, and it has none.
    """
    lowest = rulebook.grades[-1].code
    query = select(PastResult.department_id, PastResult.grade, PastResult.failed).where(PastResult.year == year)
    own = {key: lowest if failed else grade for key, grade, failed in session.exec(query)}
    inherited: dict[int, set[str]] = {}
    heirs = dict(session.exec(select(Department.id, Department.successor_id)).all())
    for key, grade in own.items():
        heir, gone_through = heirs.get(key), {key}
        while heir is not None and heir not in gone_through:
            inherited.setdefault(heir, set()).add(grade)
            gone_through.add(heir)
            heir = heirs.get(heir)
    agreed = {key: grades.pop() for key, grades in inherited.items() if len(grades) == 1}
    agreed |= {key: min(grades) for key, grades in inherited.items() if len(grades) > 1 and lowest not in grades}
    return agreed | own


def failed_twice(rulebook: RuleBook, grade: str, last: str | None) -> bool | None:
    """Whether a department has the lowest grade this year and had it the year before; None where that cannot be said
    (无法判定). ``last``: its grade then, None where it is not known.
    """
    lowest = rulebook.grades[-1].code
    if grade not in (lowest, PENDING) or last not in (lowest, None):
        return False
    return True if grade == lowest and last == lowest else None
