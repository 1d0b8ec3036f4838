"""The check of a 双公示 ledger as it arrives: columns, required cells, codes, dates, publication in time.

A file counts by its time whatever is found in it: findings go back to the department, and what cannot be read is 待核实
for an administrator. Nothing here raises for a bad file. Call it outside any transaction, as reading takes a moment.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal

from scheduler import cells, layouts
from scheduler.layouts import Column, Layout, Need, Table
from scheduler.spreadsheets import Cell, Sheet, Unreadable, letters, read

WorkingDayAfter = Callable[[date, int], date]
"""The n-th working day after a day; n is 1 or more."""

_HEADER_WITHIN = 20
_LIKE_ENOUGH = 0.5
_JUDGED_DAYS = 3 * 366  # Older decisions are a slip of the pen or a correction of the archive: no calendar is asked.


@dataclass(frozen=True)
class Finding:
    """One thing to look at. ``column`` is its letter, or "" where a whole table is meant; ``row`` counts from 1."""

    sheet: str
    row: int
    column: str
    title: str
    code: str
    value: str = ""
    facts: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True)
class TableRead:
    """A table that was recognised, and how many rows of data it has."""

    sheet: str
    code: str
    title: str
    rows: int


@dataclass(frozen=True)
class CheckResult:
    """``dataclasses.asdict`` of it is JSON-able. ``why`` and ``facts`` say what made a file unreadable.

    ``findings`` are the first ones only, ``count`` counts all of them, ``tally`` by their codes.
    """

    kind: Literal["readable", "unreadable"]
    why: str | None = None
    facts: Mapping[str, str | int] = field(default_factory=dict)
    tables: tuple[TableRead, ...] = ()
    rows: int = 0
    findings: tuple[Finding, ...] = ()
    count: int = 0
    tally: Mapping[str, int] = field(default_factory=dict)


def unreadable(why: str, **facts: str | int) -> CheckResult:
    """The result for a file that was not even fetched, such as ``too_large`` (megabytes=25, most=20)."""
    return CheckResult("unreadable", why, facts)


def check(
    file_name: str,
    content: bytes,
    layout: Layout,
    *,
    working_day_after: WorkingDayAfter,
    today: date,
    most: int = 20,
) -> CheckResult:
    """Reads and checks one ledger. ``today`` is the day in China when it was sent; ``most`` findings are listed."""
    try:
        sheets = read(content)
    except Unreadable as fault:
        return unreadable(fault.code, **fault.facts)
    found: list[_Recognised] = []
    for sheet in sheets:
        recognised = _recognise(sheet if sheet.name else Sheet(file_name, sheet.rows), layout)
        if recognised:
            found.append(recognised)
    if not found:
        if not any(cell is not None for sheet in sheets for row in sheet.rows for cell in row):
            return unreadable("empty")
        return unreadable("layout_unknown", layout=layout.title)

    tally: Counter[str] = Counter()
    listed: list[Finding] = []
    tables: list[TableRead] = []

    def note(finding: Finding) -> None:
        tally[finding.code] += 1
        if len(listed) < most:
            listed.append(finding)

    for table in found:
        examination = _Examination(table, layout, working_day_after, today)
        for finding in examination.findings():
            note(finding)
        tables.append(TableRead(table.sheet.name, table.table.code, table.table.title, examination.rows))
    # A month with permits and no penalties is an ordinary month; one with neither is a nil report.
    if not any(table.rows for table in tables):
        note(Finding(found[0].sheet.name, found[0].header + 1, "", "", "no_rows", "", {}))
    return CheckResult(
        "readable",
        tables=tuple(tables),
        rows=sum(table.rows for table in tables),
        findings=tuple(listed),
        count=tally.total(),
        tally=dict(tally),
    )


@dataclass(frozen=True)
class _Recognised:
    """A sheet that is a table of the layout. ``places`` are columns of titles and ``header`` a row, both from 0."""

    sheet: Sheet
    table: Table
    header: int
    places: Mapping[str, int]
    published: int | None
    twice: tuple[int, ...]


def _recognise(sheet: Sheet, layout: Layout) -> _Recognised | None:
    """The table whose titles the sheet carries best, in one row or in two that belong together (merged headings)."""
    best: _Recognised | None = None
    best_share = 0.0
    for header in range(min(_HEADER_WITHIN, len(sheet.rows))):
        above = sheet.rows[header - 1] if header else ()
        for row in (sheet.rows[header], _joined(above, sheet.rows[header])):
            keys = [layouts.key(cells.text(value)) for value in row]
            for table in layout.tables:
                candidate = _match(sheet, table, header, keys)
                share = len(candidate.places) / len(table.columns)
                if share >= _LIKE_ENOUGH and share > best_share:
                    best, best_share = candidate, share
    return best


def _joined(above: Sequence[Cell], below: Sequence[Cell]) -> list[Cell]:
    width = max(len(above), len(below))
    padded = [(list(row) + [None] * width)[:width] for row in (above, below)]
    return [low if low is not None else high for high, low in zip(*padded, strict=True)]


def _match(sheet: Sheet, table: Table, header: int, keys: Sequence[str]) -> _Recognised:
    spellings = table.spellings()
    publishing = {layouts.key(title) for title in table.published}
    places: dict[str, int] = {}
    published: int | None = None
    twice: list[int] = []
    for place, spelling in enumerate(keys):
        title = spellings.get(spelling)
        if title is None:
            if published is None and spelling in publishing:
                published = place
        elif title in places:
            twice.append(place)
        else:
            places[title] = place
    return _Recognised(sheet, table, header, places, published, tuple(twice))


class _Examination:
    """One pass over the rows of one table."""

    def __init__(
        self, recognised: _Recognised, layout: Layout, working_day_after: WorkingDayAfter, today: date
    ) -> None:
        self.at = recognised
        self.layout = layout
        self.today = today
        self.rows = 0
        self._working_day_after = working_day_after
        self._due: dict[date, date] = {}
        self._seen: dict[tuple[str, ...], int] = {}
        self._past_due = 0

    def findings(self) -> Iterator[Finding]:
        at = self.at
        yield from self._header()
        for number in range(at.header + 1, len(at.sheet.rows)):
            row = at.sheet.rows[number]
            if self._is_data(row, number):
                self.rows += 1
                yield from self._row(row, number)
        if self._past_due and at.published is None:
            days = self.layout.publish_within or 0
            yield self._finding(at.header, None, "", "publication_unknown", rows=self._past_due, days=days)

    def _header(self) -> Iterator[Finding]:
        at = self.at
        for column in at.table.columns:
            if column.title not in at.places:
                yield self._about_column(None, column.title, "column_missing")
        for place in at.twice:
            yield self._about_column(place, cells.text(at.sheet.rows[at.header][place]), "column_twice")

    def _about_column(self, place: int | None, named: str, code: str) -> Finding:
        """A column as a whole: its sentence names it, so that no title stands before it."""
        facts: dict[str, str | int] = {"title": named[:30], "columns": len(self.at.table.columns)}
        column = "" if place is None else letters(place + 1)
        return Finding(self.at.sheet.name, self.at.header + 1, column, "", code, "", facts)

    def _is_data(self, row: Sequence[Cell], number: int) -> bool:
        filled = [cells.text(value) for value in row if value is not None and cells.text(value)]
        if not filled:
            return False
        if len(filled) <= 4 and filled[0].startswith(self.layout.ignored_rows):
            return False
        # A row of column numbers (1, 2, 3 …) is often printed right under the titles.
        numbered = len(filled) > 2 and filled == [str(n) for n in range(1, len(filled) + 1)]
        return not (number == self.at.header + 1 and numbered)

    def _row(self, row: Sequence[Cell], number: int) -> Iterator[Finding]:
        said = {title: row[place] if place < len(row) else None for title, place in self.at.places.items()}
        words = {title: cells.text(value) for title, value in said.items()}
        dates: dict[str, date] = {}
        for column in self.at.table.columns:
            if column.title not in said:
                continue
            value, word = said[column.title], words[column.title]
            place = self.at.places[column.title]
            if not word:
                because = _missing(column, words)
                if because is not None:
                    yield self._finding(number, place, column.title, because[0], "", **because[1])
                continue
            fault = self._fault(column, value, word, dates)
            if fault:
                shown = cells.excerpt(value, personal=column.personal)
                yield self._finding(number, place, column.title, fault, shown)
        yield from self._between(number, dates, row)
        yield from self._twice(number, words)

    def _fault(self, column: Column, value: Cell, word: str, dates: dict[str, date]) -> str | None:
        match column.check:
            case "credit_code":
                return None if word == self.layout.no_code else cells.credit_code_fault(value)
            case "person_code":
                return cells.person_code_fault(value)
            case "amount":
                amount = cells.amount(value)
                return None if isinstance(amount, Decimal) else amount
            case "code":
                return None if _chosen(column, word) else "choice_unknown"
            case "date":
                day = cells.day(value)
                if isinstance(day, str):
                    return day
                dates[column.title] = day
        return None

    def _between(self, number: int, dates: Mapping[str, date], row: Sequence[Cell]) -> Iterator[Finding]:
        """What two dates of a row say about each other, and the decision about its publication."""
        table = self.at.table
        if table.valid:
            start, end = (dates.get(title) for title in table.valid)
            if start and end and end < start:
                place = self.at.places[table.valid[1]]
                yield self._finding(number, place, table.valid[1], "ends_before_start", str(end), start=str(start))
        decided = dates.get(table.decided or "")
        if not decided or not table.decided:
            return
        if decided > self.today:
            place = self.at.places[table.decided]
            yield self._finding(number, place, table.decided, "decided_in_future", str(decided), today=str(self.today))
        elif self.layout.publish_within and (self.today - decided).days <= _JUDGED_DAYS:
            yield from self._publication(number, decided, self._due_day(decided, self.layout.publish_within), row)

    def _publication(self, number: int, decided: date, due: date, row: Sequence[Cell]) -> Iterator[Finding]:
        place = self.at.published
        if place is None:
            self._past_due += self.today > due
            return
        value = row[place] if place < len(row) else None
        title = cells.text(self.at.sheet.rows[self.at.header][place])
        facts: dict[str, str | int] = {
            "decided": str(decided),
            "due": str(due),
            "days": self.layout.publish_within or 0,
        }
        published = cells.day(value) if cells.text(value) else None
        if published is None:
            if self.today > due:
                yield self._finding(number, place, title, "not_published", "", **facts)
        elif isinstance(published, str):
            yield self._finding(number, place, title, published, cells.excerpt(value))
        elif published < decided:
            yield self._finding(number, place, title, "published_before_decision", str(published), **facts)
        elif published > due:
            yield self._finding(number, place, title, "published_late", str(published), **facts)

    def _due_day(self, decided: date, days: int) -> date:
        if decided not in self._due:
            self._due[decided] = self._working_day_after(decided, days)
        return self._due[decided]

    def _twice(self, number: int, words: Mapping[str, str]) -> Iterator[Finding]:
        same = tuple(words.get(title, "") for title in self.at.table.same)
        if not any(same[:1]):
            return
        first = self._seen.setdefault(same, number)
        if first != number:
            title = self.at.table.same[0]
            yield self._finding(number, self.at.places[title], title, "row_twice", same[0][:30], first=first + 1)

    def _finding(
        self, row: int, place: int | None, title: str, code: str, value: str = "", **facts: str | int
    ) -> Finding:
        column = "" if place is None else letters(place + 1)
        return Finding(self.at.sheet.name, row + 1, column, title, code, value, facts)


def _missing(column: Column, words: Mapping[str, str]) -> tuple[str, dict[str, str | int]] | None:
    match column.required:
        case True:
            return "required", {}
        case Need(column=other) as need if need.holds(words.get(other, "")):
            return "required_here", {"other": other, "said": words[other][:30]}
    return None


def _chosen(column: Column, word: str) -> bool:
    if word in column.choices:
        return True
    parts = re.split("[;、,]", word) if column.several else [word]
    spelled_out = column.open or "\0"
    return all(part.strip() in ("", *column.choices) or part.strip().startswith(spelled_out) for part in parts)
