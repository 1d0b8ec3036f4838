"""Workbooks to hand out: the ledger, the scores with their deductions, the list of what came in. Rows in, .xlsx out.

What a person typed stays text: a cell that begins with =, +, - or @ is written as a string and marked as one, so that
it is no formula when the file is opened, nor when the cell is edited. Sums are formulas, with their values beside them
for readers that do not calculate. Titles, columns and notes are in ``templates/workbooks.toml``.
"""

import io
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from math import ceil
from typing import Any
from unicodedata import east_asian_width

from scoring.points import UNIT, Points, shown
from store.times import china
from templates import FOLDER
from templates.wording import instant, period

_LONGEST = 32_767  # Characters in one cell, by the file format.
_LINE, _TALLEST = 16, 409  # Points: a line of text, and the most that a row can be high.
_ROWS = 1_048_576  # In one sheet, by the file format.
HEAD = 3
"""The row of the columns' titles, from 0: under title, standing and a blank line."""

_GRID = {"border": 1, "border_color": "#D3DBE3"}
_ALIGN = {"score": "right", "points": "right", "count": "center", "instant": "center"}
_FORMATS = {"points": "General", "score": "0.00", "count": "0", "instant": "yyyy-mm-dd hh:mm"}


@dataclass(frozen=True)
class LedgerRow:
    """One entry. ``points`` is its whole effect in units; ``due`` and ``actual`` are those of a lateness."""

    number: int
    department: str
    title: str
    clause: str
    clause_text: str
    count: int
    points: int
    happened_at: datetime
    recorded_at: datetime
    recorded_by: str
    source: str
    reason: str = ""
    evidence: str = ""
    period: str | None = None
    due: datetime | None = None
    actual: datetime | None = None
    confirmed_by: str = ""
    reverses: int | None = None
    reversed_by: int | None = None


@dataclass(frozen=True)
class ScoreRow:
    """One department's exact figures in units, None while open; ``panels`` in the order of their titles.

    ``few``: a panel rests on too few ballots, so that none is shown by itself. ``disputed``: so many entries are under
    review, and the grade is open meanwhile.
    """

    rank: int | None
    department: str
    daily: Points
    panels: tuple[Points | None, ...]
    annual: Points | None
    bonus: Points
    total: Points | None
    grade: str | None
    vetoes: tuple[str, ...] = ()
    few: bool = False
    disputed: int = 0


@dataclass(frozen=True)
class Standing:
    """What the figures are: of which year, as of when, and whether the leading group has approved them."""

    year: int
    at: datetime
    approved: bool = False


@dataclass(frozen=True)
class Formula:
    """A formula and its value, a number."""

    text: str
    value: float


def ledger_workbook(standing: Standing, rows: Sequence[LedgerRow]) -> bytes:
    """Every entry, reversals too, and the sums of each department over them."""
    book = Book(standing.at)
    ledger = book.table("ledger", standing, [entry_cells(row) for row in rows])
    departments = dict.fromkeys(row.department for row in rows)
    sums = [_sums(ledger, rows, name, number) for number, name in enumerate(departments, start=HEAD + 2)]
    book.table("sums", standing, sums)
    return book.close()


def scores_workbook(
    standing: Standing, panels: Sequence[str], rows: Sequence[ScoreRow], entries: Iterable[LedgerRow] = ()
) -> bytes:
    """The score table (``panels``: their titles), and the deductions that stand, each with clause and evidence."""
    book = Book(standing.at)
    scores_sheet(book, standing, panels, rows)
    deductions = [row for row in entries if row.points < 0 and row.reverses is None and row.reversed_by is None]
    book.table("deductions", standing, [entry_cells(row) for row in deductions])
    return book.close()


def scores_sheet(book: "Book", standing: Standing, panels: Sequence[str], rows: Sequence[ScoreRow]) -> None:
    """The score table, a sheet of a workbook."""
    columns = _score_columns(panels)
    letters = {column["key"]: letters_of(place) for place, column in enumerate(columns)}
    cells = [_score_cells(row, letters, HEAD + 2 + number) for number, row in enumerate(rows)]
    book.table("scores", standing, cells, columns=columns, note=words()["rounding"])


def listing(title: str, rows: Sequence[Mapping[str, Any]], at: datetime) -> bytes:
    """The list that lies in an archive of hand-ins; ``handlers.archive`` says what its rows are."""
    book = Book(at)
    book.table("hand_ins", None, rows, title=title)
    return book.close()


def rater_links(links: Mapping[str, Any], bot: str, at: datetime) -> bytes:
    """A panel's personal links, to be sent around one by one: ``links`` is a ``RaterLinks`` as JSON."""
    said = words()["links"]
    shared = {"panel": links["title"], "expires_at": datetime.fromisoformat(links["expires_at"])}
    rows = [
        {**shared, "name": one["name"], "unit": one["unit"], "link": f"https://t.me/{bot}?start={one['token']}"}
        for one in links["links"]
    ]
    book = Book(at)
    book.table("links", None, rows, title=said["heading"].format(year=links["year"], panel=links["title"]),
               note=said["note"])  # fmt: skip
    return book.close()


@cache
def words() -> dict[str, Any]:
    """Titles, columns and notes."""
    return tomllib.loads((FOLDER / "workbooks.toml").read_text("utf-8"))


def entry_cells(row: LedgerRow) -> dict[str, Any]:
    """An entry as the cells of a row, by the keys of columns."""
    cells = {key: getattr(row, key) for key in LedgerRow.__dataclass_fields__}
    cells["source"] = words()["sources"].get(row.source, row.source)
    cells["period"] = period(row.period) if row.period else None
    return cells


def _sums(ledger: "Table", rows: Sequence[LedgerRow], department: str, number: int) -> dict[str, Any]:
    """A department's sums as formulas over the ledger's sheet, for the row of that number."""
    own = [row.points for row in rows if row.department == department]
    # SUMIF would take * and ? in a name for a pattern.
    same, points = f"{ledger.reference('department')}=$A{number}", ledger.reference("points")
    return {
        "department": department,
        "entries": Formula(f"=SUMPRODUCT(--({same}))", len(own)),
        "deducted": Formula(f"=SUMPRODUCT(--({same}),--({points}<0),{points})", sum(p for p in own if p < 0) / UNIT),
        "added": Formula(f"=SUMPRODUCT(--({same}),--({points}>0),{points})", sum(p for p in own if p > 0) / UNIT),
    }


def _score_columns(panels: Sequence[str]) -> list[dict[str, Any]]:
    """The columns of the score table, with one for each panel in the place of ``panels``."""
    columns: list[dict[str, Any]] = []
    for column in words()["scores"]["column"]:
        if column["key"] == "panels":
            columns += [column | {"key": f"panel{number}", "title": title} for number, title in enumerate(panels)]
        else:
            columns.append(column)
    return columns


def _score_cells(row: ScoreRow, letters: Mapping[str, str], number: int) -> dict[str, Any]:
    """Figures are kept exact and shown with two places; sums are formulas where the scheme's figure is their sum."""
    cells: dict[str, Any] = {f"panel{place}": _open(figure, row) for place, figure in enumerate(row.panels)}
    cells |= {"rank": row.rank, "department": row.department, "daily": row.daily, "bonus": row.bonus}
    standing = words()["disputed"].format(count=row.disputed) if row.disputed else words()["pending"]
    cells |= {"grade": row.grade or standing, "vetoes": "；".join(row.vetoes)}
    cells["annual"], cells["total"] = _open(row.annual, row), _open(row.total, row)
    known = [figure for figure in row.panels if figure is not None]
    if row.annual is not None and known and len(known) == len(row.panels) and sum(known) == row.annual:
        first, last = letters["panel0"], letters[f"panel{len(known) - 1}"]
        cells["annual"] = Formula(f"=SUM({first}{number}:{last}{number})", float(row.annual / UNIT))
    if row.total is not None and row.annual is not None and row.daily + row.annual + row.bonus == row.total:
        terms = ",".join(f"{letters[key]}{number}" for key in ("daily", "annual", "bonus"))
        cells["total"] = Formula(f"=ROUND(SUM({terms}),2)", float(shown(row.total) or 0))
    return cells


def _open(figure: Points | None, row: ScoreRow) -> Points | str:
    return str(words()["not_apart" if row.few else "pending"]) if figure is None else figure


def letters_of(place: int) -> str:
    """The letters of a column, from 0."""
    from xlsxwriter.utility import xl_col_to_name

    return str(xl_col_to_name(place))


@dataclass(frozen=True)
class Table:
    """Where a table has come to stand: its sheet, its columns, and its first and last row of data (from 1)."""

    sheet: str
    columns: tuple[str, ...]
    first: int
    last: int

    def reference(self, key: str) -> str:
        """A column's cells, as seen from another sheet."""
        letters = letters_of(self.columns.index(key))
        return f"'{self.sheet}'!${letters}${self.first}:${letters}${self.last}"


class Book:
    """A workbook in the making, in memory."""

    def __init__(self, at: datetime) -> None:
        """``at`` is when it says that it was made; nothing else in it changes with the hour."""
        import xlsxwriter  # Only who asks for a workbook waits for it.

        self._out = io.BytesIO()
        self._book = xlsxwriter.Workbook(self._out, {"in_memory": True})
        self._book.set_properties({"created": at.astimezone(UTC).replace(tzinfo=None)})
        self._styles: dict[tuple[tuple[str, Any], ...], Any] = {}

    def close(self) -> bytes:
        """The file, ready."""
        self._book.close()
        return self._out.getvalue()

    def table(
        self,
        kind: str | Mapping[str, Any],
        standing: Standing | None,
        rows: Sequence[Mapping[str, Any]],
        *,
        columns: Sequence[Mapping[str, Any]] = (),
        title: str = "",
        note: str = "",
    ) -> Table:
        """A sheet with one table: title, standing, columns' titles that stay in sight, rows, and the sums.

        ``kind``: the table's words, or their name in workbooks.toml. Raises ValueError for more rows than a sheet has.
        """
        told = words()[kind] if isinstance(kind, str) else kind
        columns = columns or told["column"]
        if HEAD + 1 + len(rows) >= _ROWS:
            raise ValueError(f"{len(rows)} rows do not go into one sheet")
        page = self._book.add_worksheet(told["sheet"])
        facts = {"year": standing.year} if standing else {"title": title}
        self._text(page, 0, 0, told["title"].format(**facts), bold=True, font_size=16)
        if standing:
            word = words()["approved" if standing.approved else "provisional"]
            as_of = words()["as_of"].format(instant=instant(standing.at))
            self._text(page, 1, 0, f"{word}　{as_of}", font_color="#66727F")
        for place, column in enumerate(columns):
            page.set_column(place, place, column.get("width", 14))
            self._text(
                page,
                HEAD,
                place,
                column["title"],
                bold=True,
                bg_color="#E8EEF4",
                align="center",
                text_wrap=True,
                **_GRID,
            )
        for number, row in enumerate(rows, start=HEAD + 1):
            for place, column in enumerate(columns):
                self._cell(page, number, place, column, row.get(column["key"]))
            lines = max(_lines(row.get(column["key"]), column.get("width", 14)) for column in columns)
            if lines > 1:
                # Not every program makes room for text that wraps.
                page.set_row(number, min(_TALLEST, lines * _LINE))
        first, last = HEAD + 2, HEAD + 1 + len(rows)
        if rows:
            self._totals(page, columns, rows, first, last)
            page.autofilter(HEAD, 0, last - 1, len(columns) - 1)
        if note:
            self._text(page, last + 2, 0, note, font_color="#66727F")
        page.freeze_panes(HEAD + 1, 0)
        page.set_row(0, 26)
        page.set_row(HEAD, 30)
        page.set_landscape()
        page.set_paper(9)
        page.fit_to_pages(1, 0)
        page.repeat_rows(HEAD)
        page.set_footer(words()["pages"])
        return Table(told["sheet"], tuple(column["key"] for column in columns), first, max(first, last))

    def _totals(
        self, page: Any, columns: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]], first: int, last: int
    ) -> None:
        added = [place for place, column in enumerate(columns) if column.get("total") == "sum"]
        if not added:
            return
        for place, column in enumerate(columns):
            kind = column.get("kind", "text")
            look = {**_GRID, "bold": True, "bg_color": "#F4F6F8", "align": _ALIGN.get(kind, "left")}
            style = self._style(num_format=_FORMATS.get(kind, "General"), **look)
            if place in added:
                value = sum(_number(column, row.get(column["key"])) for row in rows)
                # 9 adds up what a filter leaves in sight.
                formula = f"=SUBTOTAL(9,{letters_of(place)}{first}:{letters_of(place)}{last})"
                page.write_formula(last, place, formula, style, round(value, 4))
            elif place == 0:
                page.write_string(last, place, words()["total"], style)
            else:
                page.write_blank(last, place, None, style)

    def _cell(self, page: Any, row: int, place: int, column: Mapping[str, Any], value: Any) -> None:
        kind = column.get("kind", "text")
        look: dict[str, Any] = {**_GRID, "align": _ALIGN.get(kind, "left")}
        if isinstance(value, str) and value:
            self._text(page, row, place, value, text_wrap=True, **look)
            return
        style = self._style(num_format=_FORMATS.get(kind, "General"), **look)
        match value:
            case None | "":
                page.write_blank(row, place, None, style)
            case datetime():
                page.write_datetime(row, place, china(value).replace(tzinfo=None), style)
            case Formula():
                page.write_formula(row, place, value.text, style, value.value)
            case _:
                page.write_number(row, place, _number(column, value), style)

    def _text(self, page: Any, row: int, place: int, text: str, **properties: Any) -> None:
        # Surrogates would break the file only when it is written, at the very end.
        text = text.encode("utf-8", "replace").decode("utf-8")[:_LONGEST]
        if text.startswith(("=", "+", "-", "@")):
            properties["quote_prefix"] = True
        page.write_string(row, place, text, self._style(**properties))

    def _style(self, **properties: Any) -> Any:
        key = tuple(sorted(properties.items()))
        if key not in self._styles:
            self._styles[key] = self._book.add_format({"valign": "vcenter", "font_size": 11, **properties})
        return self._styles[key]


def _lines(value: Any, width: int) -> int:
    """How many lines a text takes up in a column of that width; 1 for everything else."""
    if not isinstance(value, str):
        return 1
    # A Chinese character is a little wider than two digits, by which widths are measured.
    halves = sum(1.1 + (east_asian_width(one) in "WF") for one in value[:_LONGEST])
    return max(1, ceil(halves / width) + value.count("\n"))


def _number(column: Mapping[str, Any], value: Any) -> float:
    """A cell's number: points and scores come in units."""
    match value:
        case None | str():
            return 0.0
        case Formula():
            return value.value
        case _:
            return float(value / UNIT) if column.get("kind") in ("points", "score") else float(value)
