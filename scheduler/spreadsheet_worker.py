"""The child process that opens a spreadsheet somebody sent: bytes in on stdin, one JSON object out on stdout.

A spreadsheet is a compressed container read by native code. A hostile or merely broken one can ask for more memory
than the machine has or abort the process that reads it, so it is read here, under hard limits, and never in the bot
itself. This file is run by its path and imports nothing of ours; ``scheduler.spreadsheets`` is the only caller.

Out comes either ``{"sheets": [{"name": …, "rows": [[cell, …], …]}, …]}``, a cell being null, text, a number, true,
false or ``{"at": ISO date or date and time}``; or ``{"unreadable": code, "facts": {…}}``.
"""

import io
import json
import sys
import zipfile
from datetime import date, datetime, time, timedelta
from typing import Any
from xml.parsers import expat

MEGABYTE = 1024 * 1024
MEMORY = 1024 * MEGABYTE
CPU_SECONDS = 40

ENTRIES = 2_000
UNPACKED = 120 * MEGABYTE
RATIO = 150
RATIO_FROM = 10 * MEGABYTE  # Small files compress as they like: an empty template easily reaches 1:200.
ROWS = 50_000
COLUMNS = 512
CELLS = 2_000_000
TEXT = 64 * MEGABYTE
SEEN = {"word/document.xml": "word", "OFD.xml": "scan"}


class Refused(Exception):
    """The file is not read, with the reason as a code."""

    def __init__(self, code: str, **facts: int | str) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts


def limit_this_process() -> None:
    """Hard limits of memory and processor time, where the system has them (Linux, BSD, macOS in part; not Windows)."""
    try:
        import resource
    except ImportError:
        return
    for kind, most in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CPU, CPU_SECONDS), (resource.RLIMIT_CORE, 0)):
        try:
            resource.setrlimit(kind, (most, most))
        except (ValueError, OSError):
            continue  # A stricter limit is in force already.


class Extent:
    """How far the filled cells of one worksheet reach, read from the stream without keeping any of it."""

    def __init__(self) -> None:
        self.rows = self.columns = self.filled = 0
        self._row = self._column = 0
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._start
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._root = True
        self.is_worksheet = False

    def feed(self, part: bytes, final: bool) -> None:
        self._parser.Parse(part, final)

    def _doctype(self, *_: object) -> None:
        raise Refused("damaged")  # No spreadsheet program writes one; entity bombs do.

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]
        if self._root:
            self._root = False
            self.is_worksheet = name == "worksheet"
            if not self.is_worksheet:
                self._parser.StartElementHandler = None
        elif name == "row":
            self._row = self._number(attributes.get("r"), self._row + 1)
            self._column = 0
        elif name == "c":
            self._place(attributes.get("r"))
        elif name in ("v", "is", "f"):
            self._reach()

    @staticmethod
    def _number(text: str | None, otherwise: int) -> int:
        return int(text) if text and text.isdecimal() else otherwise

    def _place(self, reference: str | None) -> None:
        self._column += 1
        if not reference:
            return
        letters = reference.rstrip("0123456789")
        column = 0
        for letter in letters.upper():
            column = column * 26 + ord(letter) - 64
        self._column = column or self._column
        self._row = self._number(reference[len(letters) :], self._row)

    def _reach(self) -> None:
        """Empty cells that only carry a format (whole columns are often formatted) reach nowhere."""
        self.filled += 1
        self.rows = max(self.rows, self._row)
        self.columns = max(self.columns, self._column)
        if self.rows > ROWS:
            raise Refused("too_many_rows", most=ROWS)
        if self.columns > COLUMNS:
            raise Refused("too_many_columns", most=COLUMNS)
        if self.rows * self.columns > CELLS or self.filled > 2 * CELLS:
            raise Refused("too_many_cells", most=CELLS)


def inspect(content: bytes) -> None:
    """Refuses an .xlsx that unpacks, or reaches, beyond the limits, in memory that no claim of the file can raise."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = archive.infolist()
        names = {entry.filename for entry in entries}
        if any(entry.flag_bits & 1 for entry in entries):
            raise Refused("password")
        if "xl/workbook.xml" not in names:
            raise Refused("not_a_spreadsheet", seen=SEEN.get(min(names & SEEN.keys(), default=""), "zip"))
        if len(entries) > ENTRIES:
            raise Refused("bomb")
        left = UNPACKED
        for entry in entries:
            left = unpack(archive, entry, left)
        if UNPACKED - left > max(RATIO_FROM, RATIO * len(content)):
            raise Refused("bomb")


def unpack(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, left: int) -> int:
    """Runs one entry through, a piece at a time, and returns what is left of the allowance."""
    if entry.file_size > left:
        raise Refused("bomb")
    extent = Extent() if entry.filename.lower().endswith(".xml") else None
    with archive.open(entry) as stream:
        while part := stream.read(64 * 1024):
            left -= len(part)
            if left < 0:
                raise Refused("bomb")
            if extent:
                extent.feed(part, final=False)
    if extent:
        extent.feed(b"", final=True)
    return left


def cell(value: Any) -> Any:
    if value == "":
        return None
    if isinstance(value, datetime | date):
        return {"at": value.isoformat()}
    if isinstance(value, time | timedelta):
        return str(value)
    return value


def sheets(content: bytes) -> list[dict[str, Any]]:
    import python_calamine

    found: list[dict[str, Any]] = []
    characters = cells = 0
    with python_calamine.load_workbook(io.BytesIO(content)) as book:
        for about in book.sheets_metadata:
            if about.typ != python_calamine.SheetTypeEnum.WorkSheet:
                continue
            sheet = book.get_sheet_by_name(about.name)
            if sheet.total_height > ROWS:
                raise Refused("too_many_rows", most=ROWS)
            if sheet.total_width > COLUMNS:
                raise Refused("too_many_columns", most=COLUMNS)
            cells += sheet.total_height * sheet.total_width
            if cells > CELLS:
                raise Refused("too_many_cells", most=CELLS)
            rows = [[cell(value) for value in row] for row in sheet.to_python(skip_empty_area=False)]
            characters += sum(len(value) for row in rows for value in row if isinstance(value, str))
            if characters > TEXT:
                raise Refused("bomb")
            found.append({"name": about.name, "rows": rows})
    return found


def answer(content: bytes) -> bytes:
    """What goes out, as JSON."""
    # Everything is caught on purpose: native code raises what it likes (panics come as BaseException), and a file that
    # cannot be read is a finding. Being killed is understood by the caller as well.
    try:
        if content.startswith(b"PK"):
            inspect(content)
        return as_json({"sheets": sheets(content)})
    except Refused as refused:
        return as_json({"unreadable": refused.code, "facts": refused.facts})
    except MemoryError:
        return as_json({"unreadable": "bomb", "facts": {}})
    except BaseException as error:  # noqa: BLE001
        password = type(error).__name__ == "PasswordError"
        return as_json({"unreadable": "password" if password else "damaged", "facts": {}})


def as_json(told: dict[str, Any]) -> bytes:
    return json.dumps(told, ensure_ascii=False).encode("utf-8", "replace")


def main() -> None:
    limit_this_process()
    sys.stdout.buffer.write(answer(sys.stdin.buffer.read()))


if __name__ == "__main__":
    main()
