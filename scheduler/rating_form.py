"""The spreadsheet in which a rater gives his scores (打分表), and the one into which paper ballots are copied (现场票).

Written here; ``scheduler.rating_reading`` reads them back. What a spreadsheet offers (lists, limits, locked cells) only
helps whoever fills it in: all of it is checked again when it comes back. Pure; the words are in
``layouts/rating.toml``.
"""

import hashlib
import io
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from scheduler import layouts
from scheduler.spreadsheets import letters
from scoring.ballots import aspect_maxima
from scoring.points import UNIT, plain
from scoring.rating import Given
from scoring.rulebook import RuleBook
from scoring.survey_tables import Survey
from store.people import Department
from store.times import china, iso_china

MOST_BALLOTS = 200
"""Sheets in one workbook of paper ballots."""
PAPER = "XC"
"""Before the panel's code in the 表号 of a paper ballot, which belongs to no survey and to nobody."""

_NUMBER = re.compile(r"PY(\d{4})-(\d{1,9})-(\d{1,9})-([0-9A-F]{4})")
_HEAD = 4
"""The row of the columns' titles, from 0: under title, panel, 表号 and the explanation."""
_LIST_LENGTH = 255
"""Characters that a list inside a validation may have."""
_GRID = {"border": 1, "border_color": "#D3DBE3"}
_ABOVE: Mapping[int, Mapping[str, Any]] = {
    0: {"bold": True, "font_size": 16, "align": "center"},
    1: {},
    3: {"text_wrap": True, "valign": "top", "font_color": "#66727F", "font_size": 10},
}


@dataclass(frozen=True)
class FormNumber:
    """What a 表号 says, and ``text``, the whole of it: it is right if ``number_of`` its survey and seat is the same."""

    year: int
    survey: int
    seat: int
    text: str


@dataclass(frozen=True)
class Column:
    """A column of a form. ``key``: row, code, department, full, sum, total, unknown, or ``aspect0`` and so on."""

    key: str
    title: str
    width: int


@cache
def words() -> dict[str, Any]:
    """The words of both forms."""
    return tomllib.loads(layouts.text("rating"))


def number_of(survey: Survey, seat_id: int) -> str:
    """The 表号 of a seat's form. The letters behind the ids tell a wrong figure, and another zone."""
    said = f"{survey.year}-{survey.id}-{seat_id}"
    whole = f"{said}-{survey.panel}-{iso_china(survey.opened_at)}"
    return f"PY{said}-{hashlib.sha256(whole.encode()).hexdigest()[:4].upper()}"


def parsed_number(text: str) -> FormNumber | None:
    """The 表号 in the text of a cell; None where there is none."""
    found = _NUMBER.search(text.upper())
    return FormNumber(int(found[1]), int(found[2]), int(found[3]), found[0]) if found else None


def columns_of(rulebook: RuleBook, panel: str, departments: Sequence[Department]) -> list[Column]:
    """The columns of a form, left to right. Where classes have limits of their own, 满分 stands in each row."""
    said, tiers = words(), bool(rulebook.panels[panel].tiers)
    maxima = {aspect_maxima(rulebook, panel, unit.kind) for unit in departments}
    alike = next(iter(maxima)) if len(maxima) == 1 and not tiers else None
    widths = {"row": 6, "code": 9, "department": 30}
    columns = [Column(key, said[key], width) for key, width in widths.items()]
    if alike is None and not tiers:
        columns.append(Column("full", said["full"], 7))
    for place, aspect in enumerate(rulebook.aspects):
        title = said["aspect"].format(title=aspect.title, most=plain(alike[place])) if alike else aspect.title
        columns.append(Column(f"aspect{place}", title, 13))
    if tiers:
        columns.append(Column("total", said["tier_total"], 10))
    else:
        whole = said["total_most"].format(most=plain(sum(alike))) if alike else said["total"]
        columns += [Column("sum", said["sum"], 8), Column("total", whole, 12)]
    return [*columns, Column("unknown", said["unknown"], 9)]


def form(
    rulebook: RuleBook,
    survey: Survey,
    seat_id: int,
    rater: str,
    departments: Sequence[Department],
    given: Mapping[int, Given],
) -> bytes:
    """A seat's 打分表 as an .xlsx, with what has been given already, by the department's id. ``rater``: his name."""
    said, panel = words(), rulebook.panels[survey.panel]
    about = said["about"].format(panel=panel.title, rater=rater, until=_until(survey.closes_at))
    head = _Head(
        said["title"].format(year=survey.year),
        about,
        number_of(survey, seat_id),
        said["how_tiers" if panel.tiers else "how"],
    )
    book = _Book(rulebook, survey.panel, departments)
    book.sheet(said["sheet"], head, given)
    return book.close(head.title)


def paper_form(rulebook: RuleBook, panel: str, departments: Sequence[Department], count: int) -> bytes:
    """Blank sheets for that many paper ballots, without a name: 1 to MOST_BALLOTS, or ValueError is raised."""
    if not 1 <= count <= MOST_BALLOTS:
        raise ValueError(f"{count} ballots: from 1 to {MOST_BALLOTS} can be had")
    said, panel_of = words(), rulebook.panels[panel]
    about = said["paper_about"].format(panel=panel_of.title)
    how = said["paper_how_tiers" if panel_of.tiers else "paper_how"]
    head = _Head(said["paper_title"], about, f"{PAPER}-{panel}", how)
    book = _Book(rulebook, panel, departments)
    for number in range(1, count + 1):
        book.sheet(said["ballot"].format(number=number), head, {})
    return book.close(head.title)


@dataclass(frozen=True)
class _Head:
    """What stands above the table."""

    title: str
    about: str
    number: str
    how: str


class _Book:
    """The workbook in the making, in memory."""

    def __init__(self, rulebook: RuleBook, panel: str, departments: Sequence[Department]) -> None:
        import xlsxwriter  # A noticeable moment, and only who asks for the form needs it.

        self.rulebook = rulebook
        self.panel = rulebook.panels[panel]
        self.departments = departments
        self.columns = columns_of(rulebook, panel, departments)
        self.place = {column.key: place for place, column in enumerate(self.columns)}
        self._out = io.BytesIO()
        # No kind of text becomes anything else: not a formula, not a link, not a number.
        options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
        self._book = xlsxwriter.Workbook(self._out, {"in_memory": True, **options})
        self._styles: dict[tuple[tuple[str, Any], ...], Any] = {}

    def close(self, title: str) -> bytes:
        self._book.set_properties({"title": title})
        self._book.close()
        return self._out.getvalue()

    def sheet(self, name: str, head: _Head, given: Mapping[int, Given]) -> None:
        page, last = self._book.add_worksheet(name), len(self.columns) - 1
        self._above(page, head, last)
        for place, column in enumerate(self.columns):
            page.set_column(place, place, column.width)
            look = {"bold": True, "bg_color": "#E8EEF4", "align": "center", "text_wrap": True}
            self._text(page, _HEAD, place, column.title, **_GRID, **look)
        for number, unit in enumerate(self.departments, 1):
            self._row(page, _HEAD + number, number, unit, given.get(unit.id) or Given())
        self._offer(page)
        page.freeze_panes(_HEAD + 1, self.place["department"] + 1)
        page.protect("", {"format_columns": True, "format_rows": True, "format_cells": True})
        page.set_landscape()
        page.set_paper(9)
        page.fit_to_pages(1, 0)
        page.repeat_rows(_HEAD)
        page.center_horizontally()
        page.set_footer(words()["pages"])

    def _above(self, page: Any, head: _Head, last: int) -> None:
        page.set_row(0, 30)
        page.set_row(3, 50)
        page.set_row(_HEAD, 34)
        for row in (0, 1, 3):
            page.merge_range(row, 0, row, last, "", self._style(**_ABOVE[row]))
        self._text(page, 0, 0, head.title, **_ABOVE[0])
        self._text(page, 1, 0, head.about, **_ABOVE[1])
        self._text(page, 2, 0, words()["number"], font_color="#66727F")
        self._text(page, 2, 1, head.number, font_color="#66727F")
        self._text(page, 3, 0, head.how, **_ABOVE[3])

    def _row(self, page: Any, row: int, number: int, unit: Department, one: Given) -> None:
        answers: dict[str, Decimal | str | None] = {f"aspect{at}": given for at, given in enumerate(one.aspects)}
        answers |= {"total": one.total, "unknown": words()["yes"] if one.abstained else None}
        page.set_row(row, 20)
        for place, column in enumerate(self.columns):
            match column.key:
                case "row":
                    page.write_number(row, place, number, self._style(align="center", **_GRID))
                case "code":
                    self._text(page, row, place, unit.code, font_color="#8A94A0", font_size=9, **_GRID)
                case "department":
                    self._text(page, row, place, unit.name, text_wrap=True, **_GRID)
                case "full":
                    self._number(page, row, place, self.panel.weight_for(unit.kind), align="center", **_GRID)
                case "sum":
                    self._sum(page, row, place, one)
                case key:
                    self._answer(page, row, place, answers.get(key))

    def _sum(self, page: Any, row: int, place: int, one: Given) -> None:
        first, last = self.place["aspect0"], self.place["sum"] - 1
        cells = f"{letters(first + 1)}{row + 1}:{letters(last + 1)}{row + 1}"
        # All of them or nothing: a sum over half of the aspects would look like a score.
        formula = f'=IF(COUNT({cells})={last - first + 1},SUM({cells}),"")'
        shown = one.sum if one.total is None else None
        style = self._style(align="center", bg_color="#F4F6F8", num_format="0.##;-0.##;0", **_GRID)
        page.write_formula(row, place, formula, style, "" if shown is None else float(shown))

    def _answer(self, page: Any, row: int, place: int, answer: Decimal | str | None) -> None:
        look = {"align": "center", "locked": False, "bg_color": "#FFFBEA", **_GRID}
        if answer is None:
            page.write_blank(row, place, None, self._style(**look))
        elif isinstance(answer, Decimal):
            page.write_number(row, place, float(answer), self._style(**look))
        else:
            titles = {tier.code: tier.title for tier in self.panel.tiers}
            self._text(page, row, place, titles.get(answer, answer), **look)

    def _offer(self, page: Any) -> None:
        """Lists and limits, by the columns of equal rows."""
        if not self.departments:
            return
        first, last = _HEAD + 1, _HEAD + len(self.departments)
        rows = [(first, last, self.departments[0])]
        if "full" in self.place:
            rows = [(at, at, unit) for at, unit in enumerate(self.departments, first)]
        for top, bottom, unit in rows:
            maxima = aspect_maxima(self.rulebook, self.panel.code, unit.kind)
            for at, most in enumerate([*maxima, self.panel.weight_for(unit.kind)]):
                place = self.place[f"aspect{at}" if at < len(maxima) else "total"]
                if rule := self._limit(most):
                    page.data_validation(top, place, bottom, place, rule)
        page.data_validation(
            first, self.place["unknown"], last, self.place["unknown"], {"validate": "list", "source": [words()["yes"]]}
        )

    def _limit(self, most: int) -> dict[str, Any] | None:
        said = words()
        if not self.panel.tiers:
            told = {"error_title": said["limit_title"], "error_message": said["limit_words"].format(most=plain(most))}
            return {"validate": "decimal", "criteria": "between", "minimum": 0, "maximum": most / UNIT, **told}
        titles = [tier.title for tier in self.panel.tiers]
        if any("," in title for title in titles) or len(",".join(titles)) > _LIST_LENGTH:
            return None  # Cannot be offered; what is typed is read all the same.
        told = {"error_title": said["tier_title"], "error_message": said["tier_words"]}
        return {"validate": "list", "source": titles, **told}

    def _number(self, page: Any, row: int, place: int, units: int, **look: Any) -> None:
        page.write_number(row, place, units / UNIT, self._style(**look))

    def _text(self, page: Any, row: int, place: int, text: str, **look: Any) -> None:
        text = text.encode("utf-8", "replace").decode("utf-8")
        if text.startswith(("=", "+", "-", "@")):
            look["quote_prefix"] = True  # Text it stays, also when the cell is edited.
        page.write_string(row, place, text, self._style(**look))

    def _style(self, **look: Any) -> Any:
        key = tuple(sorted(look.items()))
        if key not in self._styles:
            self._styles[key] = self._book.add_format({"valign": "vcenter", "font_size": 11, **look})
        return self._styles[key]


def _until(instant: datetime) -> str:
    """2021年12月20日24:00: the midnight that ends a day belongs to the day that it ends."""
    at = china(instant)
    midnight = at.hour == at.minute == 0
    day = at.date() - timedelta(days=1) if midnight else at.date()
    return f"{day.year}年{day.month}月{day.day}日{'24:00' if midnight else f'{at:%H:%M}'}"
