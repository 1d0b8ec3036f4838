"""Reads the import's spreadsheet into typed rows, or into the full list of its faults by sheet and cell. Pure.

Nothing is taken from a file that has a fault: ``Parsed.rows`` are there only when ``Parsed.faults`` are not. What the
file says is checked against itself and against the vocabulary; what it means for the database is the caller's.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from typing import Generic, TypeVar

from scheduler import cells, layouts
from scheduler.import_form import SHEETS, Form, FormColumn, Vocabulary, form
from scheduler.spreadsheets import Cell, Sheet, Unreadable, letters, read
from store import names
from store.people import Role
from store.words import YEARS

LONGEST = 200
"""Characters in one cell, measures of a task aside."""
LONGEST_MEASURES = 2_000

_CODE = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_PHONE = re.compile(r"\+?[\d\- ()/]{5,40}")
_SEPARATORS = re.compile(r"[、,;/\s]+")


@dataclass(frozen=True)
class Fault:
    """What is wrong with one cell ("B7"), one sheet (cell ""), or the file (sheet "" too).

    ``code`` and ``facts`` pick and fill the sentence in ``templates/faults.j2``.
    """

    sheet: str
    cell: str
    code: str
    facts: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True)
class DepartmentRow:
    """``row`` is where it stands in its sheet, here and below. ``superior``: None where the file has no such column.
    ``duties``: duty code and from-date.
    """

    row: int
    code: str
    name: str
    kind: str
    vertical: bool
    superior: str | None
    office: bool
    aliases: tuple[str, ...]
    duties: tuple[tuple[str, date], ...]


@dataclass(frozen=True)
class ContactRow:
    """``department`` is a code, or None for one of the leading group who belongs to none."""

    row: int
    department: str | None
    name: str
    role: Role
    phone: str
    note: str


@dataclass(frozen=True)
class RaterRow:
    """``department`` is a code where departments rate. ``may_rate``: department codes, empty for all of them."""

    row: int
    panel: str
    name: str
    unit: str
    department: str | None
    may_rate: tuple[str, ...]


@dataclass(frozen=True)
class TaskRow:
    """``due`` is the last day, which counts in full."""

    row: int
    department: str
    item: str
    title: str
    responsible: str
    measures: str
    due: date


@dataclass(frozen=True)
class Parsed:
    """What a file holds. With faults there are no rows at all."""

    departments: tuple[DepartmentRow, ...] = ()
    contacts: tuple[ContactRow, ...] = ()
    raters: tuple[RaterRow, ...] = ()
    tasks: tuple[TaskRow, ...] = ()
    faults: tuple[Fault, ...] = ()


def parse(content: bytes, vocabulary: Vocabulary, *, today: date) -> Parsed:
    """The rows of a filled-in form, or all of its faults. ``today``: no task may have been due before it."""
    try:
        sheets = read(content)
    except Unreadable as fault:
        return Parsed(faults=(Fault("", "", fault.code, fault.facts),))
    return _Reader(vocabulary, today).parsed(sheets)


Row = TypeVar("Row")


@dataclass
class _Rows(Generic[Row]):
    """The rows of one kind as they are collected, and where each stands that may stand only once."""

    rows: list[Row] = field(default_factory=list)
    seen: dict[tuple[str, ...], str] = field(default_factory=dict)


class _Line:
    """One filled row of a sheet. Asking it for a value notes the fault where there is none that will do."""

    def __init__(self, sheet: str, row: int, values: Mapping[str, Cell], places: Mapping[str, int]) -> None:
        self.sheet = sheet
        self.row = row
        self.faults: list[Fault] = []
        self._values = values
        self._places = places

    def cell(self, key: str) -> str:
        return f"{letters(self._places[key] + 1)}{self.row}" if key in self._places else f"A{self.row}"

    def has(self, key: str) -> bool:
        return key in self._places

    def fault(self, key: str, code: str, **facts: str | int) -> None:
        self.faults.append(Fault(self.sheet, self.cell(key), code, facts))

    def text(self, column: FormColumn | str, *, most: int = LONGEST, required: bool = False) -> str:
        key = column if isinstance(column, str) else column.key
        said = "\n".join(names.clean(line) for line in cells.text(self._values.get(key)).splitlines())
        if not said and required:
            self.fault(key, "required")
        if len(said) > most:
            self.fault(key, "too_long", most=most)
        return said

    def list(self, key: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(part for part in _SEPARATORS.split(self.text(key, most=2_000)) if part))

    def day(self, key: str, *, required: bool = False) -> date | None:
        if not self.text(key, required=required):
            return None
        found = cells.day(self._values.get(key))
        if isinstance(found, date) and found.year not in YEARS:
            found = "date_impossible"
        if isinstance(found, str):
            self.fault(key, found)
            return None
        return found

    def among(self, key: str, names: Mapping[str, str], code: str) -> str | None:
        """A code out of codes and titles: either of them, or the list's "code title"; required."""
        said = self.text(key, required=True)
        if not said:
            return None
        wanted = layouts.key(said)
        for known, title in names.items():
            if wanted in {layouts.key(known), layouts.key(title), layouts.key(known + title)}:
                return known
        parts = [known for known, title in names.items() if len(wanted) > 1 and wanted in layouts.key(title)]
        if len(parts) == 1:
            return parts[0]
        self.fault(key, code, said=cells.excerpt(said), known="、".join(names.values()))
        return None


class _Reader:
    def __init__(self, vocabulary: Vocabulary, today: date) -> None:
        self.vocabulary = vocabulary
        self.today = today
        self.form: Form = form(vocabulary)
        self.faults: list[Fault] = []
        self.names: dict[str, set[str]] = {}
        """What a department may be called, to the codes of those who are called so."""
        self.department_lines: list[tuple[_Line, DepartmentRow]] = []
        self.offices: list[str] = []

    def parsed(self, sheets: Sequence[Sheet]) -> Parsed:
        by_name = self._by_name(sheets)
        if not by_name:
            return Parsed(faults=(*self.faults, Fault("", "", "layout_unknown", {"layout": self.form.title})))
        departments = self._collect(by_name, "departments", self._department)
        self._name_departments(departments)
        contacts = self._collect(by_name, "contacts", self._contact)
        raters = self._collect(by_name, "raters", self._rater)
        tasks = self._collect(by_name, "tasks", self._task)
        if not self.faults and not (departments or contacts or raters or tasks):
            self.faults.append(Fault("", "", "nothing_to_import"))
        if self.faults:
            return Parsed(faults=tuple(self.faults))
        return Parsed(tuple(departments), tuple(contacts), tuple(raters), tuple(tasks))

    def _by_name(self, sheets: Sequence[Sheet]) -> dict[str, Sheet]:
        known = {layouts.key(name): sheet for sheet, name in self.form.names.items()}
        found: dict[str, Sheet] = {}
        for sheet in sheets:
            key = layouts.key(sheet.name)
            if key in known:
                found[known[key]] = sheet
            elif key != layouts.key(self.form.guide_sheet) and any(any(map(cells.text, row)) for row in sheet.rows):
                # A misspelt name would otherwise drop a whole sheet without a word.
                known_names = "、".join(self.form.names[name] for name in SHEETS)
                self.faults.append(Fault(sheet.name, "", "sheet_unknown", {"known": known_names}))
        return found

    def _collect(
        self, sheets: Mapping[str, Sheet], kind: str, make: Callable[[_Line, _Rows[Row]], Row | None]
    ) -> list[Row]:
        collected: _Rows[Row] = _Rows()
        if kind in sheets:
            for line in self._lines(sheets[kind], kind):
                row = make(line, collected)
                self.faults += line.faults
                if row is not None:
                    collected.rows.append(row)
        return collected.rows

    def _lines(self, sheet: Sheet, kind: str) -> Iterator[_Line]:
        columns = self.form.columns[kind]
        by_title = {layouts.key(column.title): column for column in columns}
        places: dict[str, int] = {}
        for place, value in enumerate(sheet.rows[0] if sheet.rows else ()):
            title = cells.text(value)
            column = by_title.get(layouts.key(title))
            if not title:
                continue
            if column is None or column.key in places:
                code = "column_unknown" if column is None else "column_twice"
                self.faults.append(Fault(sheet.name, f"{letters(place + 1)}1", code, {"title": title[:30]}))
            else:
                places[column.key] = place
        filled = [number for number, row in enumerate(sheet.rows) if number and any(map(cells.text, row))]
        if not filled:
            return
        missing = [column for column in columns if column.required and column.key not in places]
        for column in missing:
            self.faults.append(
                Fault(sheet.name, "", "column_missing", {"title": column.title, "columns": len(columns)})
            )
        if missing:
            return
        for number in filled:
            row = sheet.rows[number]
            first = next(text for text in map(cells.text, row) if text)
            if not first.startswith(self.form.example):
                values = {key: row[place] if place < len(row) else None for key, place in places.items()}
                yield _Line(sheet.name, number + 1, values, places)

    def _once(self, line: _Line, key: str, rows: _Rows[Row], *what: str) -> None:
        if all(what) and (first := rows.seen.setdefault(what, line.cell(key))) != line.cell(key):
            line.fault(key, "twice", first=first)

    def _yes(self, line: _Line, key: str) -> bool:
        said = line.text(key).casefold()
        if said and said not in self.form.yes | self.form.no:
            line.fault(key, "yes_or_no", said=cells.excerpt(said))
        return said in self.form.yes

    def _department(self, line: _Line, rows: _Rows[DepartmentRow]) -> DepartmentRow | None:
        code = line.text("code", required=True)
        if code and not _CODE.fullmatch(code):
            line.fault("code", "department_code", said=cells.excerpt(code))
        self._once(line, "code", rows, "code", code)
        name = line.text("name", required=True)
        kind = line.among("kind", self.vocabulary.kinds, "kind_unknown")
        office = self._yes(line, "office")
        if office:
            self.offices.append(line.cell("office"))
            if len(self.offices) > 1:
                line.fault("office", "office_twice", first=self.offices[0])
        row = DepartmentRow(
            row=line.row,
            code=code,
            name=name,
            kind=kind or "",
            vertical=self._yes(line, "vertical"),
            superior=line.text("superior") if line.has("superior") else None,
            office=office,
            aliases=line.list("aliases"),
            duties=tuple((duty, day) for duty in self.vocabulary.duties if (day := line.day(f"duty:{duty}"))),
        )
        self.department_lines.append((line, row))
        return row

    def _name_departments(self, rows: Sequence[DepartmentRow]) -> None:
        """Who is called what. No two may be called the same, in the file or kept already: reminders would go astray."""
        in_file = {row.code: (row.name, *row.aliases) for row in rows}
        for code, called in {**self.vocabulary.departments, **in_file}.items():
            for name in (code, *called):
                self.names.setdefault(layouts.key(name), set()).add(code)
        for line, row in self.department_lines:
            for key, called in (("name", (row.name,)), ("aliases", row.aliases)):
                for name in called:
                    others = self.names.get(layouts.key(name), set()) - {row.code}
                    if name and others:
                        other = min(others)
                        fault = Fault(line.sheet, line.cell(key), "name_taken", {"said": name[:30], "other": other})
                        self.faults.append(fault)

    def _find(self, line: _Line, key: str, said: str) -> str | None:
        codes = self.names.get(layouts.key(said), set())
        if len(codes) == 1:
            return next(iter(codes))
        like = "、".join(get_close_matches(layouts.key(said), self.names, n=3, cutoff=0.4))
        code = "department_ambiguous" if codes else "department_unknown"
        line.fault(key, code, said=cells.excerpt(said), like=like)
        return None

    def _contact(self, line: _Line, rows: _Rows[ContactRow]) -> ContactRow | None:
        name = line.text("name", required=True)
        role = line.among("role", self.form.roles, "role_unknown")
        said = line.text("department")
        department = self._find(line, "department", said) if said else None
        if not said and role not in (None, Role.LEADING_GROUP):
            line.fault("department", "department_needed")
        self._once(line, "name", rows, department or "-", name, role or "")
        phone = line.text("phone")
        if phone and not _PHONE.fullmatch(phone):
            line.fault("phone", "phone_unclear")
        note = line.text("note")
        return ContactRow(line.row, department, name, Role(role), phone, note) if role else None

    def _rater(self, line: _Line, rows: _Rows[RaterRow]) -> RaterRow | None:
        panel = line.among("panel", self.vocabulary.panels, "panel_unknown")
        name = line.text("name", required=True)
        by_department = panel in self.vocabulary.department_panels
        unit = line.text("unit", required=by_department)
        department = self._find(line, "unit", unit) if by_department and unit else None
        found = [self._find(line, "may_rate", said) for said in line.list("may_rate")]
        if department is not None and department in found:
            line.fault("may_rate", "rates_itself")
        self._once(line, "unit" if by_department else "name", rows, panel or "", department or f"{name}/{unit}")
        if panel is None:
            return None
        return RaterRow(line.row, panel, name, unit, department, tuple(code for code in found if code))

    def _task(self, line: _Line, rows: _Rows[TaskRow]) -> TaskRow | None:
        said = line.text("department", required=True)
        department = self._find(line, "department", said) if said else None
        item = line.among("item", self.vocabulary.items, "item_unknown")
        title = line.text("title", required=True)
        responsible = line.text("responsible")
        measures = line.text("measures", most=LONGEST_MEASURES)
        due = line.day("due", required=True)
        if due is not None and due < self.today:
            line.fault("due", "due_past", today=str(self.today))
        self._once(line, "title", rows, department or "", item or "", title)
        if department is None or item is None or due is None:
            return None
        return TaskRow(line.row, department, item, title, responsible, measures, due)
