"""Official papers as .docx after GB/T 9704-2012: words laid out in lines of 28 characters, 22 lines a page.

A paper's words come from a template under ``templates/papers``, each line of it ``element| text``, the element by its
Chinese name (``ELEMENTS``); ``表格| name`` stands for a table. The parts of the file are XML in
``templates/papers/docx``. They are written as they are, since a document grid, page numbers to either side and names of
fonts to use instead are beyond what libraries for .docx can set; and without the hour, so that the same result makes
the same bytes.
"""

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from typing import Any
from unicodedata import category

from templates import plain, render

ELEMENTS = {
    "文号": "Number", "标题": "Title", "主送": "Addressee", "正文": "Body", "末段": "BodyLast", "空行": "Blank",
    "一级": "Level1", "二级": "Level2", "三级": "Level3", "附件说明": "Attached", "附件续": "AttachedMore",
    "署名": "Issuer", "日期": "Date", "附件": "Attachment", "附件标题": "AttachmentTitle", "附件注": "Note",
}  # fmt: skip
"""What a line of a paper can be, and the style it gets."""

TABLE = "表格"

_STYLES = {"left": "Cell", "center": "CellMiddle"}


def _twips(millimetres: float) -> int:
    return round(millimetres / 25.4 * 1440)


@dataclass(frozen=True)
class Layout:
    """A page after GB/T 9704-2012, 5.2: A4, 37 mm above, 28 mm left; 156 by 225 mm of 22 lines with 28 characters of
    size 3 (16 points). In twips (1/20 point).
    """

    page_width: int = _twips(210)
    page_height: int = _twips(297)
    top: int = _twips(37)
    bottom: int = _twips(35)
    left: int = _twips(28)
    right: int = _twips(26)
    footer: int = _twips(25)
    """The page number's lower edge; its dash is then 7 mm below the text."""

    @property
    def text_width(self) -> int:
        return self.page_width - self.left - self.right

    @property
    def line_pitch(self) -> int:
        """From line to line, so that 22 fit."""
        return (self.page_height - self.top - self.bottom) // 22

    @property
    def char_pitch(self) -> int:
        """From character to character, so that 28 fit."""
        return self.text_width // 28

    @property
    def spacing(self) -> int:
        """What is taken from the width of a character of size 3, so that it takes up less than one pitch."""
        return self.char_pitch - 1 - 320

    @property
    def char_space(self) -> int:
        """What the pitch is more than the size of the font, in 1/4096 point as a document grid has it."""
        return (self.text_width * 4096 // 28 - 320 * 4096) // 20


LAYOUT = Layout()


@dataclass(frozen=True)
class Column:
    """``part``: of the width of all columns together. ``align``: "left" or "center"."""

    title: str
    part: int
    align: str = "center"


@dataclass(frozen=True)
class Table:
    """Rows of texts under titles that come again on each page."""

    columns: tuple[Column, ...]
    rows: Sequence[Sequence[str]]


class PaperFault(Exception):
    """A template of a paper with a line that is no element, or a table that there is not. ``str()`` says which."""


def paper(template: str, made_at: datetime, tables: Mapping[str, Table] | None = None, /, **facts: Any) -> bytes:
    """The paper that ``templates/papers/<template>.j2`` makes of ``facts``; ``made_at`` is what the file says.

    Raises PaperFault, or what ``templates.render`` raises.
    """
    # One line of a template is one paragraph, whatever somebody has typed into a reason.
    text = plain(render(f"papers/{template}", **_flat(facts)))
    blocks: list[dict[str, Any]] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        element, bar, words = (part.strip() for part in line.partition("|"))
        if bar and element == TABLE and words in (tables or {}):
            blocks.append(_table((tables or {})[words]))
        elif bar and element in ELEMENTS:
            blocks.append({"style": ELEMENTS[element], "text": words})
        else:
            raise PaperFault(f"templates/papers/{template}.j2: {line[:60]}")
    if blocks and "columns" in blocks[-1]:
        # A table must not stand last.
        blocks.append({"style": "Note", "text": ""})
    title = "".join(block["text"] for block in blocks if block.get("style") == "Title")
    return _packed(blocks, title, made_at)


def _flat(value: Any) -> Any:
    """The facts with every text on one line, of characters that XML can hold."""
    match value:
        case str():
            text = value.encode("utf-8", "replace").decode("utf-8")
            return "".join(" " if one in "\ufffe\uffff" or category(one) in ("Cc", "Zl", "Zp") else one for one in text)
        case dict():
            return {key: _flat(one) for key, one in value.items()}
        case list() | tuple():
            return [_flat(one) for one in value]
        case _:
            return value


def _table(table: Table) -> dict[str, Any]:
    parts = sum(column.part for column in table.columns)
    columns = [
        {"title": one.title, "width": LAYOUT.text_width * one.part // parts, "style": _STYLES[one.align]}
        for one in table.columns
    ]
    return {"columns": columns, "rows": _flat([list(row) for row in table.rows])}


def _packed(blocks: Sequence[Mapping[str, Any]], title: str, made_at: datetime) -> bytes:
    instant = made_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    parts: dict[str, tuple[str, dict[str, Any]]] = {
        "[Content_Types].xml": ("content_types", {}),
        "_rels/.rels": ("package", {}),
        "docProps/core.xml": ("core", {"title": title, "made_at": instant}),
        "word/document.xml": ("document", {"blocks": blocks, "layout": LAYOUT}),
        "word/_rels/document.xml.rels": ("relations", {}),
        "word/styles.xml": ("styles", {"layout": LAYOUT}),
        "word/settings.xml": ("settings", {}),
        "word/fontTable.xml": ("fontTable", {}),
        "word/footer1.xml": ("footer", {"style": "PageOdd"}),
        "word/footer2.xml": ("footer", {"style": "PageEven"}),
    }
    out = BytesIO()
    # Stored, not deflated: no two versions of a compressor make the same bytes.
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as file:
        for name, (template, facts) in parts.items():
            about = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            about.create_system, about.external_attr = 0, 0
            file.writestr(about, render(f"papers/docx/{template}", **facts).encode())
    return out.getvalue()
