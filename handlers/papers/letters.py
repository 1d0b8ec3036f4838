"""Letters that report the results of vertically managed departments to the bodies above them."""

from collections.abc import Iterator
from dataclasses import dataclass

from handlers.papers.data import Published, Unit
from handlers.papers.docx import Column, Table, paper
from handlers.papers.facts import facts_of, facts_of_unit
from handlers.papers.wording import table_words
from scoring.points import plain
from templates.wording import day, period


@dataclass(frozen=True)
class Letter:
    """``superior``: empty where nobody has entered it; the office then fills it in by hand."""

    code: str
    department: str
    superior: str
    content: bytes


def letters(result: Published) -> Iterator[Letter]:
    """One letter as .docx for each vertically managed department, in the order of the result."""
    rules = [one for one in result.rulebook.consequences.values() if one.vertical]
    rule = {"clause": rules[0].clause, "title": rules[0].title} if rules else None
    for unit in result.units:
        if unit.vertical:
            facts = facts_of(result) | {"unit": facts_of_unit(result, unit), "rule": rule}
            content = paper("letter", result.made_at, {"deductions": _deductions(unit)}, **facts)
            yield Letter(unit.code, unit.name, unit.superior, content)


def _deductions(unit: Unit) -> Table:
    told = table_words()["summary"]
    columns = (
        Column(told["number"], 3),
        Column(told["item_title"], 9, "left"),
        Column(told["clause"], 4),
        Column(told["when"], 6),
        Column(told["points"], 3),
        Column(told["reason"], 9, "left"),
    )
    rows = [
        [
            str(number),
            row.title,
            row.clause,
            period(row.period) if row.period else day(row.happened_at),
            plain(-row.points),
            row.reason or (told["late"] if row.actual else told["missing"] if row.due else ""),
        ]
        for number, row in enumerate(unit.charged, start=1)
    ]
    return Table(columns, rows)
