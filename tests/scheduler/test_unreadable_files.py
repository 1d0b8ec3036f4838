"""No file that is sent, however bad, brings anything down: what cannot be read is said to be so."""

import io
import subprocess
import sys
import zipfile
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler import cells
from scheduler.spreadsheets import read
from tests.scheduler.ledgers import PERMIT, examine, workbook


def packed(**parts: bytes) -> bytes:
    """A workbook of two cells in which some parts were replaced: ``sheet1``, ``sharedStrings``, ``workbook``."""
    source = zipfile.ZipFile(io.BytesIO(workbook(above=0)))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(name, parts.get(Path(name).stem, source.read(name)))
    return out.getvalue()


NAMESPACE = b'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
HEAD = b'<?xml version="1.0"?><worksheet ' + NAMESPACE + b"><sheetData>"
TAIL = b"</sheetData></worksheet>"


def cell_at(row: int, column: str) -> bytes:
    return b'<row r="%d"><c r="%s%d"><v>1</v></c></row>' % (row, column.encode(), row)


def one_string_for_all() -> bytes:
    """Four hundred thousand cells that each hold the same text of thirty megabytes: 12 TB when taken at its word."""
    text = b"<sst " + NAMESPACE + b"><si><t>" + b"A" * 30_000_000 + b"</t></si></sst>"
    rows = b"".join(b'<row r="%d"><c t="s"><v>0</v></c></row>' % row for row in range(1, 40_000))
    return packed(sheet1=HEAD + rows + TAIL, sharedStrings=text)


def entity_bomb() -> bytes:
    levels = b"".join(b'<!ENTITY a%d "%s">' % (n + 1, b"&a%d;" % n * 10) for n in range(12))
    return packed(
        sheet1=b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a0 "ha">' + levels + b"]>" + HEAD[21:] + b"&a12;" + TAIL
    )


def lying_about_its_size() -> bytes:
    """The directory says a few bytes where there are two hundred megabytes."""
    honest = packed(sheet1=HEAD + b" " * 200_000_000 + TAIL)
    return honest.replace((200_000_000 + len(HEAD) + len(TAIL)).to_bytes(4, "little"), (2_000).to_bytes(4, "little"))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param(lambda: b"", "empty", id="nothing"),
        pytest.param(lambda: b"\0" * 5_000, "empty", id="zeros"),
        pytest.param(lambda: b"%PDF-1.7\n" + b"\x80stamp" * 900, "not_a_spreadsheet", id="stamped scan"),
        pytest.param(lambda: b"\x89PNG\r\n\x1a\n" + b"\0" * 900, "not_a_spreadsheet", id="photo"),
        pytest.param(lambda: b"<html><table><tr><td>1", "not_a_spreadsheet", id="web page called xls"),
        pytest.param(lambda: bytes(range(256)) * 40, "not_a_spreadsheet", id="noise"),
        pytest.param(lambda: b"\x01\x02\x03" * 40, "not_a_spreadsheet", id="control characters"),
        pytest.param(lambda: b"x" * (25 * 1024 * 1024), "too_large", id="25 MB"),
        pytest.param(lambda: workbook(PERMIT)[:4_000], "damaged", id="cut off"),
        pytest.param(lambda: workbook(PERMIT).replace(b"\x50\x4b\x01\x02", b"\x50\x4b\x09\x09"), "damaged", id="bent"),
        pytest.param(lambda: packed(sheet1=b"<worksheet><oops"), "damaged", id="bad XML"),
        pytest.param(lambda: packed(workbook=b""), "damaged", id="no workbook"),
        pytest.param(lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 4_000, "damaged", id="broken xls"),
        pytest.param(
            lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
            "password",
            id="password",
        ),
        pytest.param(lambda: packed(sheet1=HEAD + b" " * 150_000_000 + TAIL), "bomb", id="150 MB of blanks"),
        pytest.param(lying_about_its_size, "damaged", id="lies about its size"),
        pytest.param(one_string_for_all, "bomb", id="one string for all"),
        pytest.param(entity_bomb, "damaged", id="a billion laughs"),
        pytest.param(
            lambda: packed(sheet1=HEAD + cell_at(1, "A") + cell_at(1_048_576, "A") + TAIL),
            "too_many_rows",
            id="last row",
        ),
        pytest.param(lambda: packed(sheet1=HEAD + cell_at(1, "XFD") + TAIL), "too_many_columns", id="last column"),
        pytest.param(
            lambda: packed(sheet1=HEAD + cell_at(1, "A") + cell_at(49_999, "SA") + TAIL),
            "too_many_cells",
            id="far corner",
        ),
        pytest.param(lambda: b"a,b\n" * 60_000, "too_many_rows", id="endless csv"),
        pytest.param(lambda: b"," * 1_000_000, "too_many_columns", id="wide csv"),
        pytest.param(lambda: b'"' + b"a" * 1_000_000, "damaged", id="quote left open"),
        pytest.param(lambda: "部门,得分\n财政局,40".encode(), "layout_unknown", id="another table"),
    ],
)
def test_what_cannot_be_read_waits_for_an_administrator(content, why: str) -> None:  # type: ignore[no-untyped-def]
    result = examine(content())
    assert (result.kind, result.why, result.findings) == ("unreadable", why, ())


def test_a_sheet_formatted_down_to_the_last_row_is_read_all_the_same() -> None:
    styled = b"".join(b'<row r="%d"><c r="A%d" s="1"/></row>' % (row, row) for row in range(60_000, 62_000))
    content = packed(sheet1=HEAD + cell_at(1, "A") + styled + TAIL)
    (sheet,) = read(content)
    assert len(sheet.rows) == 1


def test_reading_a_bomb_costs_this_process_no_memory() -> None:
    code = (
        "import resource, sys; from scheduler.spreadsheets import Unreadable, read\n"
        "content = sys.stdin.buffer.read(); before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try: read(content)\n"
        "except Unreadable: pass\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    done = subprocess.run([sys.executable, "-c", code], input=one_string_for_all(), capture_output=True, check=True)
    assert int(done.stdout) < 20_000  # kilobytes


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(["", "PK\x03\x04", "%PDF", "\xef\xbb\xbf", "a,b\n"]))
def test_no_bytes_at_all_raise(tail: bytes, head: str) -> None:
    result = examine(head.encode("latin-1") + tail)
    assert result.kind in ("readable", "unreadable")


@settings(max_examples=200)
@given(
    st.one_of(st.text(max_size=30), st.floats(), st.integers(), st.dates(), st.datetimes(), st.booleans(), st.none())
)
def test_no_value_of_a_cell_raises(value: cells.Cell) -> None:
    assert isinstance(cells.day(value), date | str)
    assert cells.credit_code_fault(value) is None or isinstance(cells.credit_code_fault(value), str)
    cells.person_code_fault(value)
    cells.amount(value)
    assert len(cells.excerpt(value)) <= 30
