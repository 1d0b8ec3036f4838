"""Reads a spreadsheet somebody sent (xlsx, xls, csv) into rows. One that cannot be read is an answer, not a crash.

What a file is, its content says; names lie (scans called .xlsx, web pages called .xls). Workbooks are opened in a child
process with limits of memory and time (``spreadsheet_worker``), because native code that aborts would take the bot
along with it, and again after every restart. Call this outside any transaction: it takes about a tenth of a second.
"""

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from scheduler.spreadsheet_worker import CELLS, COLUMNS, MEGABYTE, ROWS

LARGEST = 20 * MEGABYTE
"""Bytes. Bots can fetch no more from Telegram."""
SECONDS = 60.0
"""How long reading one workbook may take by the clock on the wall before it is given up."""

Cell = str | int | float | bool | date | datetime | None
"""A cell as it was kept. Dates and times are without a zone, as spreadsheets have none."""

_WORKER = Path(__file__).with_name("spreadsheet_worker.py")
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_KNOWN = (
    (b"%PDF", "scan"),
    (b"\x89PNG", "picture"),
    (b"\xff\xd8\xff", "picture"),
    (b"GIF8", "picture"),
    (b"II*\0", "picture"),
    (b"MM\0*", "picture"),
    (b"Rar!", "zip"),
    (b"7z\xbc\xaf", "zip"),
    (b"\x1f\x8b", "zip"),
    (b"{\\rtf", "word"),
)
_MARKUP = (b"<html", b"<!doctype", b"<table", b"<?xml", b"<meta", b"<head", b"mime-version")


class Unreadable(Exception):
    """Nothing could be read. ``code`` and ``facts`` pick and fill the sentence in ``templates/faults.j2``.

    Codes: empty, too_large, not_a_spreadsheet, password, damaged, bomb, too_many_rows, too_many_columns,
    too_many_cells, slow, no_reader.
    """

    def __init__(self, code: str, **facts: str | int) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts


@dataclass(frozen=True)
class Sheet:
    """One worksheet. ``rows[0]`` is row 1 and ``rows[0][0]`` is cell A1, also when what comes first is empty."""

    name: str
    rows: tuple[tuple[Cell, ...], ...]


def read(content: bytes) -> tuple[Sheet, ...]:
    """All worksheets in their order; a csv file is one sheet without a name. Raises Unreadable and nothing else."""
    if len(content) > LARGEST:
        raise Unreadable("too_large", megabytes=-(-len(content) // MEGABYTE), most=LARGEST // MEGABYTE)
    if not content.strip(b"\0 \t\r\n"):
        raise Unreadable("empty")
    for start, seen in _KNOWN:
        if content.startswith(start):
            raise Unreadable("not_a_spreadsheet", seen=seen)
    if content.startswith((b"PK", _OLE)):
        return _workbook(content)
    if content.lstrip(b"\xef\xbb\xbf \t\r\n")[:20].lower().startswith(_MARKUP):
        raise Unreadable("not_a_spreadsheet", seen="web_page")
    return (Sheet("", tuple(_csv_rows(_decode(content)))),)


def letters(column: int) -> str:
    """The letters over a column: 1 is A, 28 is AB. Raises ValueError below 1."""
    if column < 1:
        raise ValueError(f"there is no column {column}")
    text = ""
    while column:
        column, letter = divmod(column - 1, 26)
        text = chr(65 + letter) + text
    return text


def shown(value: Cell) -> str:
    """A cell as a person would read it: 3.0 is 3, a date is 2021-03-01, nothing is the empty text."""
    match value:
        case None:
            return ""
        case bool():
            return "TRUE" if value else "FALSE"
        case float() if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        case datetime() if not (value.hour or value.minute or value.second):
            return value.date().isoformat()
        case datetime():
            return value.isoformat(" ", "seconds")
        case date():
            return value.isoformat()
        case _:
            return str(value)


def _workbook(content: bytes) -> tuple[Sheet, ...]:
    if content.startswith(_OLE) and "EncryptedPackage".encode("utf-16-le") in content:
        raise Unreadable("password")
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}  # Not the token.
    try:
        child = subprocess.run(  # noqa: S603
            [sys.executable, "-I", "-X", "utf8", str(_WORKER)],
            input=content,
            capture_output=True,
            timeout=SECONDS,
            env=kept,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Unreadable("slow", seconds=int(SECONDS)) from None
    except OSError as error:
        raise Unreadable("no_reader") from error
    if child.returncode < 0:  # Killed for memory or time, or aborted in native code.
        raise Unreadable("bomb")
    if child.returncode:  # The reader itself is at fault, not the file.
        raise Unreadable("no_reader")
    told: dict[str, Any] = json.loads(child.stdout)
    if "unreadable" in told:
        raise Unreadable(told["unreadable"], **told["facts"])
    return tuple(
        Sheet(sheet["name"], tuple(tuple(map(_cell, row)) for row in sheet["rows"])) for sheet in told["sheets"]
    )


def _cell(value: Any) -> Cell:
    if isinstance(value, dict):
        at: str = value["at"]
        return datetime.fromisoformat(at) if "T" in at else date.fromisoformat(at)
    kept: Cell = value
    return kept


def _decode(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings: Sequence[str] = ("utf-16",)
    elif b"\0" in content:
        raise Unreadable("not_a_spreadsheet", seen="unknown")
    else:
        encodings = ("utf-8-sig", "gb18030")
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        # Nearly any bytes are some GB18030 text: what holds control characters was never text.
        if any(ord(letter) < 32 and letter not in "\t\r\n\x0b\x0c" for letter in text[:20_000]):
            break
        return text
    raise Unreadable("not_a_spreadsheet", seen="unknown")


def _csv_rows(text: str) -> Iterator[tuple[Cell, ...]]:
    beginning = "".join(text.splitlines(keepends=True)[:5]) if len(text) < 100_000 else text[:10_000]
    separator = max(",\t;，", key=beginning.count)
    cells = 0
    try:
        for number, row in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=separator), start=1):
            cells += len(row)
            if number > ROWS:
                raise Unreadable("too_many_rows", most=ROWS)
            if len(row) > COLUMNS:
                raise Unreadable("too_many_columns", most=COLUMNS)
            if cells > CELLS:
                raise Unreadable("too_many_cells", most=CELLS)
            yield tuple(_csv_cell(value) for value in row)
    except csv.Error:
        raise Unreadable("damaged") from None


def _csv_cell(value: str) -> Cell:
    """Programs that must keep 18 digits write them to csv as ="…", or with a tab or an apostrophe in front."""
    value = value.strip()
    if len(value) > 3 and value.startswith('="') and value.endswith('"'):
        value = value[2:-1]
    return value.lstrip("'").strip() or None
