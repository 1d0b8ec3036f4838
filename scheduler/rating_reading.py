"""Reads forms of scores back: the 打分表 of one rater, and the 现场票 into which paper ballots were copied. Pure.

They come as Excel and WPS save them: numbers as text or in full width, rows moved, deleted or added, columns moved. The
titles of the columns say what stands where, and the codes of the departments whose row it is. What does not come out
clear is a fault that names its cell; nothing is guessed.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TypeAlias

from scheduler import cells, layouts
from scheduler.importing import Fault
from scheduler.rating_form import PAPER, FormNumber, columns_of, parsed_number, words
from scheduler.spreadsheets import Cell, Sheet, Unreadable, letters
from scheduler.spreadsheets import read as read_spreadsheet
from scoring.ballots import ABSTAIN, Ballot, BallotError
from scoring.points import plain, units
from scoring.rating import Given, RatingSheet, to_cast
from scoring.rulebook import RuleBook
from store.errors import Refusal
from store.people import Department

_HEADER_WITHIN = 30
_PARENTHESES = re.compile(r"\([^()]*\)")
_MARKED = frozenset({"√", "✓", "✔", "☑", "v", "是", "对", "有", "1", "y", "yes", "true", "不了解", "弃权"})
_NOT_MARKED = frozenset({"", "否", "不是", "0", "n", "no", "false"})

Answer: TypeAlias = Decimal | str | None
"""A score, a tier's code, ABSTAIN, or None for an empty cell."""


@dataclass(frozen=True)
class FormRead:
    """What a form gives, by the department's id: those it says something about. With faults it gives nothing."""

    given: Mapping[int, Given]
    faults: tuple[Fault, ...]


@dataclass(frozen=True)
class PaperRead:
    """One ballot for each sheet that is filled in, by the department's id, and how many sheets are empty. With faults
    there are no ballots.
    """

    sheets: tuple[Mapping[int, Ballot], ...]
    empty: int
    faults: tuple[Fault, ...]


def number_in(sheets: Sequence[Sheet]) -> FormNumber | None:
    """The 表号 that a workbook carries: the first one."""
    return next((found for sheet in sheets if (found := parsed_number(_numbered(sheet)))), None)


def read(sheets: Sequence[Sheet], rulebook: RuleBook, panel: str, departments: Sequence[Department]) -> FormRead:
    """What a rater's form gives. Whose it is says its 表号 (``number_in``), which the caller has looked at."""
    tables = [_Table(sheet, RatingSheet(rulebook, panel, departments, {})) for sheet in sheets]
    found = [table for table in tables if table.header is not None]
    if not found:
        return FormRead({}, (Fault("", "", "layout_unknown", {"layout": words()["sheet"]}),))
    if len(found) > 1:
        return FormRead({}, (Fault(found[1].sheet.name, "", "rating_sheet_twice", {"first": found[0].sheet.name}),))
    given = found[0].read(whole=False)
    return FormRead({} if found[0].faults else given, tuple(found[0].faults))


def read_paper(content: bytes, rulebook: RuleBook, panel: str, departments: Sequence[Department]) -> PaperRead:
    """The ballots of a session on site. What a sheet leaves out is an abstention; a row that is half filled in is a
    fault, since nobody can be asked.
    """
    try:
        sheets = read_spreadsheet(content)
    except Unreadable as fault:
        return PaperRead((), 0, (Fault("", "", fault.code, fault.facts),))
    ballots: list[Mapping[int, Ballot]] = []
    faults: list[Fault] = []
    empty = 0
    for sheet in sheets:
        if not any(any(map(cells.text, row)) for row in sheet.rows):
            continue
        table = _Table(sheet, RatingSheet(rulebook, panel, departments, {}))
        given = table.read(whole=True) if table.is_paper_of(panel) else {}
        faults += table.faults
        if given:
            ballots.append(dict(to_cast(panel, table.scores.given.items())))
        elif not table.faults:
            empty += 1
    if not ballots and not faults:
        faults.append(Fault("", "", "paper_empty", {}))
    return PaperRead(() if faults else tuple(ballots), empty, tuple(faults))


def _numbered(sheet: Sheet) -> str:
    """What stands above the table, with the 表号 in it."""
    above = [cells.text(value) for row in sheet.rows[:_HEADER_WITHIN] for value in row]
    return "\n".join(text for text in above if len(text) <= 100)


def _key(title: str) -> str:
    """A title without its limit: 服务态度（6分） is 服务态度."""
    return layouts.key(_PARENTHESES.sub("", cells.text(title)))


class _Table:
    """One sheet's table of scores: where its columns stand, and its rows as they are read."""

    def __init__(self, sheet: Sheet, scores: RatingSheet) -> None:
        self.sheet = sheet
        self.scores = scores
        self.faults: list[Fault] = []
        self.places: dict[str, int] = {}
        self.columns = columns_of(scores.rulebook, scores.panel.code, scores.departments)
        self.aspects = [column.key for column in self.columns if column.key.startswith("aspect")]
        self.header = self._find_header()

    def is_paper_of(self, panel: str) -> bool:
        """Whether this is a sheet for a paper ballot of the panel; what it is instead is a fault."""
        above = _numbered(self.sheet)
        said = re.search(rf"\b{PAPER}-([a-z0-9_-]+)", above)
        if said is not None and said[1] == panel and self.header is not None:
            return True
        titles = {code: one.title for code, one in self.scores.rulebook.panels.items()}
        if parsed_number(above) is not None:
            self._sheet_fault("paper_of_a_person")
        elif said is not None and said[1] != panel:
            self._sheet_fault("paper_of_another", said=titles.get(said[1], said[1]), wanted=titles[panel])
        else:
            self._sheet_fault("layout_unknown", layout=words()["paper_title"])
        return False

    def read(self, *, whole: bool) -> dict[int, Given]:
        """What the rows give. ``whole``: one that is half filled in is a fault."""
        if self.header is None or not self._columns_do():
            return {}
        names = self._names()
        seen: dict[int, str] = {}
        for number, row in enumerate(self.sheet.rows[self.header + 1 :], start=self.header + 2):
            line = _Line(self, number, row)
            unit = line.department(names) if line.says_something else None
            if unit is None:
                continue
            cell = line.cell("department")
            if (first := seen.setdefault(unit.id, cell)) != cell:
                self.fault(cell, "twice", first=first)
            else:
                line.take(unit, whole=whole)
        return {key: one for key, one in self.scores.given.items() if one.begun}

    def fault(self, cell: str, code: str, **facts: str | int) -> None:
        self.faults.append(Fault(self.sheet.name, cell, code, facts))

    def _sheet_fault(self, code: str, **facts: str | int) -> None:
        self.faults.append(Fault(self.sheet.name, "", code, facts))

    def _find_header(self) -> int | None:
        keys = {_key(column.title): column.key for column in self.columns}
        for number, row in enumerate(self.sheet.rows[:_HEADER_WITHIN]):
            titles = [keys.get(_key(cells.text(value))) for value in row]
            if not {"code", "department"}.isdisjoint(titles) and not {"total", *self.aspects}.isdisjoint(titles):
                for place, key in enumerate(titles):
                    if key is not None and key in self.places:
                        at = f"{letters(place + 1)}{number + 1}"
                        self.fault(at, "column_twice", title=cells.excerpt(row[place]))
                    elif key is not None:
                        self.places[key] = place
                return number
        return None

    def _columns_do(self) -> bool:
        """Who gives totals only may have taken the aspects out; but no single one may lack."""
        missing = [key for key in self.aspects if key not in self.places]
        if missing and (len(missing) < len(self.aspects) or "total" not in self.places):
            for column in self.columns:
                if column.key in missing:
                    self._sheet_fault("column_missing", title=column.title, columns=len(self.columns))
        return not self.faults

    def _names(self) -> dict[str, Department]:
        """Departments by name and alias; what means several is left out."""
        found: dict[str, list[Department]] = {}
        for unit in self.scores.departments:
            for name in {layouts.key(name) for name in (unit.name, *unit.aliases.split())}:
                found.setdefault(name, []).append(unit)
        return {name: units[0] for name, units in found.items() if len(units) == 1}


class _Line:
    """One row of the table."""

    def __init__(self, table: _Table, number: int, row: Sequence[Cell]) -> None:
        self.table = table
        self.number = number
        self.values = {key: row[place] for key, place in table.places.items() if place < len(row)}

    @property
    def says_something(self) -> bool:
        """Whether anything but its department stands in it. The sum does not count: it is a formula's."""
        return any(self._text(key) for key in (*self.table.aspects, "total", "unknown")) or self._sum() not in (None, 0)

    def cell(self, key: str) -> str:
        place = self.table.places.get(key, self.table.places.get("code", 0))
        return f"{letters(place + 1)}{self.number}"

    def department(self, names: Mapping[str, Department]) -> Department | None:
        """Whose row it is: by its code, else by its name. Both of them, and not agreeing, are a fault: sorting a part
        of the columns would give everybody another's scores.
        """
        code, name = self._text("code"), self._text("department")
        units_by_code = {unit.code.casefold(): unit for unit in self.table.scores.departments}
        by_code, by_name = units_by_code.get(code.casefold()), names.get(layouts.key(name))
        if by_code is not None and by_name is not None and by_code.id != by_name.id:
            self._fault("department", "rating_row_mixed", said=cells.excerpt(name), other=by_code.name)
            return None
        found = by_code or by_name
        if found is None:
            self._fault(
                "department",
                "rating_department_unknown" if code or name else "rating_department_needed",
                said=cells.excerpt(name or code),
            )
        return found

    def take(self, unit: Department, *, whole: bool) -> None:
        """Puts what the row gives into the sheet of scores, or notes what is wrong with it."""
        before = len(self.table.faults)
        answers = {key: self._answer(key) for key in (*self.table.aspects, "total")}
        marked = self._marked()
        if len(self.table.faults) > before:
            self._check_ranges(unit, answers)  # What else is wrong is told at once.
            return
        aspects = [answers[key] for key in self.table.aspects]
        given = [key for key, one in answers.items() if one not in (None, ABSTAIN)]
        abstains = [key for key, one in answers.items() if one == ABSTAIN]
        if marked or abstains:
            if given:
                self._fault("unknown" if marked else abstains[0], "rating_and_unknown")
            else:
                self.table.scores.set(unit, ABSTAIN)
        elif answers["total"] is None:
            self._take_aspects(unit, aspects, whole=whole)
        elif not any(one is not None for one in aspects):
            self._check(unit, "total", answers["total"])
        elif None in aspects:
            self._fault("total", "rating_half")
        elif self._agree(aspects, answers["total"]):
            self._take_aspects(unit, aspects, whole=whole)

    def _check_ranges(self, unit: Department, answers: Mapping[str, Answer]) -> None:
        for key, answer in answers.items():
            if answer not in (None, ABSTAIN):
                self._check(unit, key, answer)

    def _take_aspects(self, unit: Department, aspects: Sequence[Answer], *, whole: bool) -> None:
        before, total = len(self.table.faults), self._sum()
        given = [one for one in aspects if one is not None]
        for key, answer in zip(self.table.aspects, aspects, strict=True):
            if answer is not None:
                self._check(unit, key, answer)
            elif whole and given:
                self._fault(key, "required")
        if not given and total:
            self._fault("sum", "rating_sum_only")
        elif len(given) == len(aspects) and total is not None and len(self.table.faults) == before:
            added = sum((one for one in given if isinstance(one, Decimal)), Decimal(0))
            if added != total:
                self._fault("sum", "rating_sum_differs", sum=_shown(added), said=_shown(total))

    def _agree(self, aspects: Sequence[Answer], total: Answer) -> bool:
        """Whether a total says the same as the aspects; else it is a fault."""
        if isinstance(total, Decimal):
            added = sum((one for one in aspects if isinstance(one, Decimal)), Decimal(0))
            if added != total:
                self._fault("total", "rating_sum_differs", sum=_shown(added), said=_shown(total))
            return added == total
        if set(aspects) != {total}:
            self._fault("total", "rating_tiers_differ")
        return set(aspects) == {total}

    def _check(self, unit: Department, key: str, answer: Answer) -> None:
        """One answer into the sheet of scores; one out of range is a fault."""
        if answer is None:
            return
        try:
            if key in self.table.aspects:
                self.table.scores.set_aspect(unit, self.table.aspects.index(key), answer)
            else:
                self.table.scores.set(unit, answer)
        except BallotError as error:
            most = plain(units(error.most)) if error.most is not None else ""
            self._fault(key, "rating_out_of_range", said=cells.excerpt(self.values.get(key)), most=most)

    def _answer(self, key: str) -> Answer:
        """What a cell gives; what it cannot mean is a fault."""
        value, panel = self.values.get(key), self.table.scores.panel
        text = self._text(key).lstrip("'").replace("。", ".").strip()
        if not text:
            return None
        if isinstance(value, date):  # And datetime with it: 5-6 and 5.5 become days where a cell is left to itself.
            self._fault(key, "rating_is_a_day")
            return None
        for tier in panel.tiers:
            if text in (tier.title, tier.code):
                return tier.code
        if isinstance(value, float):
            text = f"{Decimal(repr(round(value, 9))):f}"  # 0.1+0.2 is what somebody computed, not what he meant.
        try:
            found = self.table.scores.read(text)
        except Refusal as refusal:
            self._refused(key, refusal.code, text)
            return None
        if isinstance(found, Decimal) or found == ABSTAIN or (isinstance(found, str) and panel.tiers):
            return found
        self._refused(key, "", text)
        return None

    def _refused(self, key: str, why: str, text: str) -> None:
        tiers = "、".join(tier.title for tier in self.table.scores.panel.tiers)
        if tiers:
            self._fault(key, "rating_tier_unknown", said=cells.excerpt(text), known=tiers)
        else:
            fine = why == "rating_too_fine"
            self._fault(key, "rating_cell_too_fine" if fine else "rating_cell_unclear", said=cells.excerpt(text))

    def _marked(self) -> bool:
        said = self._text("unknown").casefold()
        if said not in _MARKED | _NOT_MARKED:
            self._fault("unknown", "rating_mark_unclear", said=cells.excerpt(said))
        return said in _MARKED

    def _sum(self) -> Decimal | None:
        """What the column of sums shows, if it shows a number. A program that does not calculate leaves it empty."""
        value = self.values.get("sum")
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return Decimal(repr(round(value, 6)) if isinstance(value, float) else value).normalize()

    def _text(self, key: str) -> str:
        return cells.text(self.values.get(key))

    def _fault(self, key: str, code: str, **facts: str | int) -> None:
        self.table.fault(self.cell(key), code, **facts)


def _shown(number: Decimal) -> str:
    return cells.excerpt(f"{number.normalize():f}")
