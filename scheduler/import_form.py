"""The import's spreadsheet: how it is laid out (``layouts/import.toml``), and a blank one to fill in."""

import io
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Any

from scheduler import layouts
from scoring.rulebook import RuleBook

SHEETS = ("departments", "contacts", "raters", "tasks")

_ROWS = 2_000  # As far down as lists and date checks are offered.
_LIST_LENGTH = 120  # Excel takes up to 255 characters inside a validation; longer lists stand on the guide sheet.


@dataclass(frozen=True)
class FormColumn:
    """One column of the form. ``choices`` is the name of a list of ``Form.choices``."""

    key: str
    title: str
    note: str
    example: str
    required: bool = False
    choices: str | None = None
    date: bool = False
    text: bool = False
    width: int = 16


@dataclass(frozen=True)
class Vocabulary:
    """What may stand in cells: codes to titles. ``departments`` are those already kept, code to names and aliases."""

    kinds: Mapping[str, str]
    duties: Mapping[str, str]
    panels: Mapping[str, str]
    department_panels: frozenset[str]
    items: Mapping[str, str]
    departments: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, rulebook: RuleBook, departments: Mapping[str, tuple[str, ...]] | None = None) -> "Vocabulary":
        """The words of a rule book; tasks can be entered under the items that are owed as tasks."""
        return cls(
            kinds={code: one.title for code, one in rulebook.classes.items()},
            duties={code: duty.title for code, duty in rulebook.duties.items()},
            panels={code: panel.title for code, panel in rulebook.panels.items()},
            department_panels=frozenset(c for c, panel in rulebook.panels.items() if panel.raters == "department"),
            items={code: item.title for code, item in rulebook.items.items() if item.owed == "task"},
            departments=departments or {},
        )


@dataclass(frozen=True)
class Form:
    """The form for one vocabulary: sheets by their names here, each with its printed name and its columns."""

    title: str
    guide_sheet: str
    guide: tuple[str, ...]
    example: str
    yes: frozenset[str]
    no: frozenset[str]
    roles: Mapping[str, str]
    names: Mapping[str, str]
    columns: Mapping[str, tuple[FormColumn, ...]]
    choices: Mapping[str, tuple[str, ...]]


@cache
def _source() -> dict[str, Any]:
    return tomllib.loads(layouts.text("import"))


def form(vocabulary: Vocabulary) -> Form:
    """The form with a column for each duty: in its cell stands the day from which the department owes it."""
    data = _source()
    columns = {sheet: tuple(FormColumn(**column) for column in data[sheet]["column"]) for sheet in SHEETS}
    columns["departments"] += tuple(
        FormColumn(
            key=f"duty:{code}",
            title=data["duty_title"].format(duty=title),
            note=data["duty_note"].format(duty=title),
            example=data["duty_example"],
            date=True,
            width=18,
        )
        for code, title in vocabulary.duties.items()
    )
    return Form(
        title=data["title"],
        guide_sheet=data["guide_sheet"],
        guide=tuple(data["guide"]),
        example=data["example"],
        yes=frozenset(data["yes"]),
        no=frozenset(data["no"]),
        roles=data["roles"],
        names={sheet: data[sheet]["sheet"] for sheet in SHEETS},
        columns=columns,
        choices={
            "yes_no": (data["yes"][0], data["no"][0]),
            "kinds": tuple(vocabulary.kinds.values()),
            "roles": tuple(data["roles"].values()),
            "panels": tuple(vocabulary.panels.values()),
            "items": tuple(f"{code} {title}" for code, title in vocabulary.items.items()),
        },
    )


def blank(vocabulary: Vocabulary) -> bytes:
    """The form as an .xlsx to be filled in. What it offers is checked again when it comes back."""
    import xlsxwriter  # A noticeable moment, and only who asks for the form needs it.

    layout = form(vocabulary)
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"title": layout.title})
    styles = {
        "title": book.add_format({"bold": True, "font_size": 16}),
        "guide": book.add_format({"text_wrap": True, "valign": "top"}),
        "head": book.add_format(
            {
                "bold": True,
                "bg_color": "#E8EEF4",
                "border": 1,
                "border_color": "#B8C4D0",
                "text_wrap": True,
                "valign": "vcenter",
            }
        ),
        "example": book.add_format({"italic": True, "font_color": "#8A94A0", "num_format": "@"}),
        "text": book.add_format({"num_format": "@"}),
        "date": book.add_format({"num_format": "yyyy/mm/dd"}),
        "plain": book.add_format({}),
    }
    _guide(book, layout, styles)
    for sheet in SHEETS:
        _sheet(book, layout, sheet, styles)
    book.close()
    return out.getvalue()


def _guide(book: Any, layout: Form, styles: Mapping[str, Any]) -> None:
    page = book.add_worksheet(layout.guide_sheet)
    page.hide_gridlines(2)
    page.set_column(0, 0, 100)
    page.fit_to_pages(1, 1)
    page.write_string(0, 0, layout.title, styles["title"])
    for number, line in enumerate(layout.guide, start=2):
        page.write_string(number, 0, line, styles["guide"])
        page.set_row(number, 36)
    # Lists that are too long to stand inside a validation; kept out of sight to the right.
    for place, choices in enumerate(layout.choices.values()):
        page.write_column(0, 10 + place, choices)
    page.set_column(10, 10 + len(layout.choices), None, None, {"hidden": True})


def _sheet(book: Any, layout: Form, sheet: str, styles: Mapping[str, Any]) -> None:
    page = book.add_worksheet(layout.names[sheet])
    page.freeze_panes(1, 0)
    page.set_landscape()
    page.set_paper(9)
    page.fit_to_pages(1, 0)
    page.set_row(0, 34)
    for place, column in enumerate(layout.columns[sheet]):
        style = styles["text" if column.text else "date" if column.date else "plain"]
        page.set_column(place, place, column.width, style)
        page.write_string(0, place, column.title + ("*" if column.required else ""), styles["head"])
        page.write_comment(0, place, column.note, {"x_scale": 2, "font_size": 10})
        page.write_string(1, place, column.example, styles["example"])
        if column.choices and layout.choices[column.choices]:
            page.data_validation(1, place, _ROWS, place, _listed(layout, column.choices))
        elif column.date:
            page.data_validation(
                1,
                place,
                _ROWS,
                place,
                {
                    "validate": "date",
                    "criteria": "between",
                    "minimum": date(2000, 1, 1),
                    "maximum": date(2099, 12, 31),
                    "error_type": "warning",
                    "input_message": column.note[:255],
                },
            )


def _listed(layout: Form, choices: str) -> dict[str, Any]:
    words = layout.choices[choices]
    if len(",".join(words)) <= _LIST_LENGTH and not any("," in word for word in words):
        source: object = list(words)
    else:
        from xlsxwriter.utility import xl_col_to_name

        letter = xl_col_to_name(10 + list(layout.choices).index(choices))
        source = f"='{layout.guide_sheet}'!${letter}$1:${letter}${len(words)}"
    return {"validate": "list", "source": source, "error_type": "warning"}
