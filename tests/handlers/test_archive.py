"""Archives of hand-ins: safe names, a whole list in each part, no part larger than a bot may send."""

import io
import os
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.archive import LARGEST, LONGEST_NAME, Entry, Part, parts, safe
from store.times import CHINA

AT = datetime(2021, 4, 7, 9, tzinfo=CHINA)
MEGABYTE = 1024 * 1024


def entry(number: int, content: bytes | None = b"table", **changes: Any) -> Entry:
    facts: dict[str, Any] = {
        "number": number, "department": "财政局", "what": "“双公示”台账", "period": "2021-03", "state": "按时",
        "sender": "张三", "sent_at": AT - timedelta(hours=number), "name": "台账.xlsx", "size": len(content or b""),
        "content": None if content is None else lambda: content,
    }  # fmt: skip
    return Entry(**facts | changes)


def packed(entries: Sequence[Entry], **options: Any) -> list[Part]:
    return list(parts("2021年3月“双公示”台账", entries, AT, **options))


def names(part: Part) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(part.content)) as archive:
        assert archive.testzip() is None
        return archive.namelist()


def listed(part: Part) -> list[dict[str, Any]]:
    with zipfile.ZipFile(io.BytesIO(part.content)) as archive:
        sheet = openpyxl.load_workbook(io.BytesIO(archive.read("清单.xlsx")), data_only=True).worksheets[0]
    titles = [cell.value for cell in sheet[4]]
    rows = [dict(zip(titles, (cell.value for cell in row), strict=True)) for row in sheet.iter_rows(min_row=5)]
    return [row for row in rows if row["回执号"] not in (None, "合计")]


def test_the_files_lie_by_department_with_a_list_of_what_came_in() -> None:
    (part,) = packed(
        [
            entry(7),
            entry(8, department="税务局", name="", text="工作动态：=1+1", state="逾期"),
            entry(9, None, name="", note="零报告"),
        ]
    )
    assert part.name == "2021年3月“双公示”台账.zip"
    assert names(part) == ["清单.xlsx", "财政局/7_台账.xlsx", "税务局/8_报送文字.txt"]
    with zipfile.ZipFile(io.BytesIO(part.content)) as archive:
        assert archive.read("财政局/7_台账.xlsx") == b"table"
        assert archive.read("税务局/8_报送文字.txt").decode("utf-8-sig") == "工作动态：=1+1"
        about = archive.getinfo("财政局/7_台账.xlsx")
        assert about.flag_bits & 0x800, "the name says that it is UTF-8"
        assert about.date_time == (2021, 4, 7, 2, 0, 0)
    rows = listed(part)
    assert [(row["回执号"], row["单位"], row["是否按时"], row["备注"]) for row in rows] == [
        (7, "财政局", "按时", None),
        (8, "税务局", "逾期", None),
        (9, "财政局", "按时", "零报告"),
    ]
    assert (rows[0]["所属期"], rows[0]["所在部分"], rows[0]["压缩包内位置"]) == ("2021年3月", 1, "财政局/7_台账.xlsx")
    assert rows[0]["报送时间"] == datetime(2021, 4, 7, 2)  # noqa: DTZ001


def test_nothing_came_in_is_an_answer_too() -> None:
    (part,) = packed([])
    assert names(part) == ["清单.xlsx"]
    assert listed(part) == []


def test_what_is_not_here_is_in_the_list_with_the_reason() -> None:
    (part,) = packed([entry(1, None, name="大.pdf", size=30 * MEGABYTE), entry(2, size=60 * MEGABYTE)])
    assert names(part) == ["清单.xlsx"]
    assert [(row["原文件名"], row["备注"], row["所在部分"]) for row in listed(part)] == [
        ("大.pdf", "文件未取回", None),
        ("台账.xlsx", "文件过大，未收入", None),
    ]


def test_no_part_is_larger_than_a_bot_may_send_even_when_nothing_compresses() -> None:
    noise = os.urandom(18 * MEGABYTE // 10)
    found = packed([entry(number, noise) for number in range(1, 8)], largest=LARGEST // 10)
    assert [part.name for part in found] == [f"2021年3月“双公示”台账（第{n}部分，共4部分）.zip" for n in range(1, 5)]
    assert all(len(part.content) <= LARGEST // 10 for part in found)
    inside = [name for part in found for name in names(part) if name != "清单.xlsx"]
    assert inside == [f"财政局/{number}_台账.xlsx" for number in range(1, 8)]
    for number, part in enumerate(found, start=1):
        rows = listed(part)
        assert len(rows) == 7
        assert {row["压缩包内位置"] for row in rows if row["所在部分"] == number} == set(names(part)) - {"清单.xlsx"}


@pytest.mark.parametrize("largest", [200_000, 300_000])
def test_many_small_files_and_long_texts_keep_within_the_limit(largest: int) -> None:
    entries = [entry(n, os.urandom(3_000), name=f"{'长' * 300}{n}.pdf") for n in range(60)]
    entries += [entry(n, None, name="", text=os.urandom(600).hex()) for n in range(60, 80)]
    found = packed(entries, largest=largest)
    assert len(found) > 1
    assert all(len(part.content) <= largest for part in found)
    assert sum(len(names(part)) - 1 for part in found) == 80


def test_files_are_opened_one_part_at_a_time() -> None:
    opened: list[int] = []

    def content(number: int) -> bytes:
        opened.append(number)
        return b"x" * 100_000

    entries = [replace(entry(n), size=100_000, content=partial(content, n)) for n in range(6)]
    stream = parts("台账", entries, AT, largest=330_000)
    assert opened == []
    next(stream)
    first = list(opened)
    assert 0 < len(first) < 6
    next(stream)
    assert opened == list(range(len(opened)))
    assert len(opened) > len(first)


def test_one_name_comes_once() -> None:
    twice = [entry(1), entry(1), entry(1, name="台账.XLSX"), entry(1, name="没有扩展名"), entry(1, name="没有扩展名")]
    (part,) = packed(twice)
    assert names(part)[1:] == [
        "财政局/1_台账.xlsx",
        "财政局/1_台账(2).xlsx",
        "财政局/1_台账(3).XLSX",
        "财政局/1_没有扩展名",
        "财政局/1_没有扩展名(2)",
    ]


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "_.._etc_passwd"),
        ("C:\\a\\b.xlsx", "C__a_b.xlsx"),
        ("..", "_"),
        ("", "_"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("表\u202egnp.exe", "表_gnp.exe"),
        ("a\x00b\n.pdf", "a_b_.pdf"),
        (" 台账 . ", "台账"),
        ("😀<&>.xlsx", "😀_&_.xlsx"),
        ("\ud800.pdf", "_.pdf"),
    ],
)
def test_names_are_made_safe(name: str, kept: str) -> None:
    assert safe(name) == kept


@given(st.text(max_size=300), st.text(max_size=300))
def test_no_name_leads_out_of_the_archive_or_breaks_it(name: str, department: str) -> None:
    (part,) = packed(
        [entry(1, name=name or "x", department=department), entry(1, name=name or "x", department=department)]
    )
    inside = names(part)[1:]
    assert len({one.casefold() for one in inside}) == 2
    for one in inside:
        path = PurePosixPath(one)
        assert len(path.parts) == 2
        assert not {"..", ".", "/"} & set(path.parts)
        assert all(0 < len(step.encode()) <= LONGEST_NAME + 20 for step in path.parts)


def test_it_unpacks_where_it_should(tmp_path: Path) -> None:
    (part,) = packed([entry(1, name="../../out.txt", department="../上级")])
    with zipfile.ZipFile(io.BytesIO(part.content)) as archive:
        archive.extractall(tmp_path)
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.txt")) == ["_上级/1_.._.._out.txt"]
