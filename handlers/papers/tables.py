"""The tables of a published result as .xlsx: scores, entries, panels. From them every figure can be worked out anew.

A figure that no decimal is equal to stands as a fraction, a formula that says it exactly.
"""

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from handlers.papers.data import PanelResult, Published, Unit
from handlers.papers.wording import table_words
from handlers.workbooks import (
    HEAD,
    Book,
    Formula,
    LedgerRow,
    ScoreRow,
    Standing,
    Table,
    entry_cells,
    scores_sheet,
    words,
)
from scoring.points import UNIT, Points

_DIGITS = 15
"""Of a decimal that every program reads back as it was written."""


def score_table(result: Published) -> bytes:
    """Ranks, figures and grades; those with a veto last, without a rank. Totals are formulas over their parts."""
    book, standing = _book(result)
    titles = [panel.title for panel in result.rulebook.panels.values()]
    rows = [_score_row(result, one) for one in result.units]
    scores_sheet(book, standing, titles, rows)
    return book.close()


def entry_table(result: Published) -> bytes:
    """Deductions, what was added, and vetoes, each entry with its clause, its evidence and who recorded it; what was
    reversed stands beside its reversal. And the sums of each department, as formulas.
    """
    book, standing = _book(result)
    told = table_words()
    columns = told["entries"]["column"]
    tables = {}
    for kind in ("deductions", "gains", "veto_entries"):
        rows = [_entry_cells(row) for one in result.units for row in getattr(one, kind)]
        tables[kind] = book.table(told[kind], standing, rows, columns=columns, note=told["entries"]["note"])
    sums = [_sums(tables, one, number) for number, one in enumerate(result.units, start=HEAD + 2)]
    book.table(told["sums"], standing, sums)
    return book.close()


def panel_table(result: Published) -> bytes:
    """What each panel gave each department: ballots, the sum of those used, and their mean, a formula. Where no panel
    may be shown by itself, the sum of all of them alone.
    """
    book, standing = _book(result)
    told = table_words()["panels"]
    rows: list[Mapping[str, Any]] = []
    for one in result.units:
        rows += _panel_rows(result, one, HEAD + 2 + len(rows))
    book.table(told, standing, rows, note=told["note"])
    return book.close()


def _book(result: Published) -> tuple[Book, Standing]:
    return Book(result.made_at), Standing(result.year, result.frozen_at, approved=True)


def _score_row(result: Published, unit: Unit) -> ScoreRow:
    figures = {panel.code: panel.figure for panel in unit.panels}
    return ScoreRow(
        rank=unit.rank,
        department=unit.name,
        daily=unit.daily,
        panels=tuple(figures.get(code) for code in result.rulebook.panels),
        annual=unit.annual,
        bonus=unit.bonus,
        total=unit.total,
        grade=unit.grade_title,
        vetoes=tuple(f"{veto.title}（{veto.clause}）" for veto in unit.vetoes),
        few=unit.few,
        disputed=unit.disputed,
    )


def _entry_cells(row: LedgerRow) -> dict[str, Any]:
    told = table_words()["entries"]
    state = told["reversal"] if row.reverses else told["reversed"] if row.reversed_by else ""
    return entry_cells(row) | {"state": state}


def _sums(tables: Mapping[str, Table], unit: Unit, number: int) -> dict[str, Any]:
    """A department's sums over the sheets of its entries, for the row of that number."""
    cells: dict[str, Any] = {"department": unit.name, "daily": unit.daily, "bonus": unit.bonus}
    for key, kind, rows in (("deducted", "deductions", unit.deductions), ("added", "gains", unit.gains)):
        # SUMIF would take * and ? in a name for a pattern.
        same, points = f"{tables[kind].reference('department')}=$A{number}", tables[kind].reference("points")
        cells[f"{key}_entries"] = Formula(f"=SUMPRODUCT(--({same}))", len(rows))
        net = sum(row.points for row in rows)
        cells[key] = Formula(f"=SUMPRODUCT(--({same}),{points})", net / UNIT)
    return cells


def _panel_rows(result: Published, unit: Unit, first: int) -> Iterator[dict[str, Any]]:
    told = table_words()["panels"]
    if unit.few:
        total = words()["pending"] if unit.annual is None else _exact(unit.annual)
        yield {"department": unit.name, "panel": told["together"], "figure": total}
        return
    for number, one in enumerate(unit.panels, start=first):
        weight = result.rulebook.panels[one.code].weight_for(unit.kind_code)
        cells: dict[str, Any] = {"department": unit.name, "panel": one.title, "weight": weight}
        yield cells | _panel_cells(one, told["column"], number)


def _panel_cells(one: PanelResult, columns: Sequence[Mapping[str, Any]], number: int) -> dict[str, Any]:
    if one.sum is None or one.figure is None:
        return {"sum": words()["pending"], "figure": words()["pending"]}
    place = {column["key"]: chr(ord("A") + at) for at, column in enumerate(columns)}
    cells: dict[str, Any] = {"count": one.count, "used": one.used, "sum": _exact(one.sum)}
    if one.used and one.figure * one.used == one.sum:
        formula = f"={place['sum']}{number}/{place['used']}{number}"
        return cells | {"figure": Formula(formula, float(one.figure / UNIT))}
    # Below its quorum, and the rule book says what it then counts.
    return cells | {"figure": _exact(one.figure)}


def _exact(points: Points) -> Points | Formula:
    """A figure as it is if a decimal can say it, or as a fraction."""
    exact = Fraction(points) / UNIT
    if Fraction(repr(float(exact))) == exact and len(repr(float(exact))) <= _DIGITS:
        return points
    return Formula(f"={exact.numerator}/{exact.denominator}", float(exact))
