"""What follows from a published result for each department (结果运用清单), after the clauses of the rule book."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from handlers.papers.data import Published, Unit
from handlers.papers.wording import table_words
from handlers.workbooks import Book, Standing
from scoring.past import failed_twice

Running = Literal["yes", "no", "unknown"]
"""Whether a department has the lowest grade two years running; without last year's result it cannot be said."""


@dataclass(frozen=True)
class Consequence:
    """One thing that follows. ``certain``: false where it depends on last year's result, which is not known."""

    unit: Unit
    title: str
    clause: str
    certain: bool


def running(result: Published, unit: Unit) -> Running:
    """Whether a department has the lowest grade for the second year, vetoes included."""
    twice = failed_twice(result.rulebook, unit.grade, unit.last)
    if twice is None:
        return "unknown"
    return "yes" if twice else "no"


def consequences(result: Published) -> Iterator[Consequence]:
    """All that follows, department by department in the order of the result, then as the rule book has it."""
    for unit in result.units:
        for rule in result.rulebook.consequences.values():
            if (rule.vertical and not unit.vertical) or (rule.grade is not None and rule.grade != unit.grade):
                continue
            if rule.years == 1 or unit.last in (rule.grade, None):
                yield Consequence(unit, rule.title, rule.clause, rule.years == 1 or unit.last is not None)


def consequence_list(result: Published) -> bytes:
    """The list as .xlsx, with a column to tick off what has been done."""
    told = table_words()["consequences"]
    rows = [
        {
            "number": number,
            "department": one.unit.name,
            "kind": one.unit.kind,
            "total": one.unit.total,
            "grade": one.unit.grade_title,
            "running": told["running"][running(result, one.unit)],
            "title": one.title if one.certain else told["uncertain"].format(title=one.title),
            "clause": one.clause,
            "superior": one.unit.superior if one.unit.vertical else "",
        }
        for number, one in enumerate(consequences(result), start=1)
    ]
    book = Book(result.made_at)
    book.table(told, Standing(result.year, result.frozen_at, approved=True), rows, note=told["note"])
    return book.close()
