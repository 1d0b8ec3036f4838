"""The workbooks as other programs read them: every figure, every sum worked out again, nothing taken for a formula."""

import io
import random
import re
import shutil
import subprocess
import zipfile
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from handlers.workbooks import LedgerRow, ScoreRow, Standing, ledger_workbook, listing, scores_workbook
from scoring.points import UNIT, shown
from store.times import CHINA

AT = datetime(2021, 4, 7, 9, tzinfo=CHINA)
STANDING = Standing(2021, AT)
PANELS = ("领导评议", "部门评议", "企业评议", "监督员评议")
HOSTILE = (
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    '=HYPERLINK("http://x","点我")',
    "<b>&amp;局</b>🏭",
    "\x01\x0b",
    "字" * 40_000,
    "\ud800坏",
)


def entry(number: int, **changes: Any) -> LedgerRow:
    row: dict[str, Any] = {
        "number": number, "department": ("财政局", "税务局", "*局")[number % 3], "title": "季度总结未按时上报",
        "clause": "1(8)", "clause_text": "每季度前2个工作日报送", "count": 1, "points": -UNIT,
        "happened_at": AT - timedelta(days=number),
        "recorded_at": AT, "recorded_by": "机器人", "source": "auto", "period": "2021Q1",
    }  # fmt: skip
    return LedgerRow(**row | changes)


def score(**changes: Any) -> ScoreRow:
    row: dict[str, Any] = {
        "rank": 1, "department": "财政局", "daily": 39 * UNIT,
        "panels": (Fraction(85 * UNIT, 3), 9 * UNIT, Fraction(17 * UNIT, 2), 10 * UNIT),
        "bonus": UNIT // 2, "grade": "达标",
    } | changes  # fmt: skip
    known = [panel for panel in row["panels"] if panel is not None]
    row.setdefault("annual", sum(known) if len(known) == len(PANELS) else None)
    row.setdefault("total", None if row["annual"] is None else row["daily"] + row["annual"] + row["bonus"])
    return ScoreRow(**row)


def opened(content: bytes, *, values: bool = True) -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(content), data_only=values)


def table(sheet: Worksheet) -> list[dict[str, Any]]:
    """The rows under the titles, by title, down to the sums."""
    titles = [cell.value for cell in sheet[4]]
    rows = [dict(zip(titles, (cell.value for cell in row), strict=True)) for row in sheet.iter_rows(min_row=5)]
    return [row for row in rows if any(value is not None for value in row.values())]


def test_the_ledger_has_every_entry_and_its_sums_agree() -> None:
    rows = [
        entry(1),
        entry(
            2,
            points=-30_000,
            count=1,
            source="admin",
            reason="窗口无人",
            evidence="照片",
            confirmed_by="乙",
            reversed_by=3,
        ),
        entry(3, points=30_000, source="appeal", reverses=2, department="*局"),
        entry(4, points=5_000, title="区级宣传报道", clause="3(3)", period=None),
        entry(5, points=1, period="2021-03"),
    ]
    book = opened(ledger_workbook(STANDING, rows))
    assert book.sheetnames == ["扣加分台账", "按单位汇总"]
    *entries, total = table(book["扣加分台账"])
    assert [row["分值"] for row in entries] == [-1, -3, 3, 0.5, 0.0001]
    assert [row["来源"] for row in entries] == ["自动", "人工", "复核", "自动", "自动"]
    assert [row["所属期"] for row in entries] == [
        "2021年第一季度",
        "2021年第一季度",
        "2021年第一季度",
        None,
        "2021年3月",
    ]
    assert entries[0]["发生时间"] == datetime(2021, 4, 6, 9)  # noqa: DTZ001
    assert total["分值"] == pytest.approx(sum(row["分值"] for row in entries))
    *sums, overall = table(book["按单位汇总"])
    assert sums == [
        {"单位": "税务局", "记录数": 2, "扣分": -1, "加分": 0.5},
        {"单位": "*局", "记录数": 3, "扣分": -3, "加分": 3.0001},
    ]
    assert overall["记录数"] == len(entries)


def test_scores_are_formulas_whose_values_are_the_figures_of_the_scheme() -> None:
    rows = [
        score(),
        score(department="税务局", rank=2, panels=(None, UNIT, UNIT, UNIT), grade=None),
        score(vetoes=("甲", "乙"), rank=None),
    ]
    content = scores_workbook(STANDING, PANELS, rows, [entry(1)])
    values = table(opened(content)["得分汇总"])
    formulas = table(opened(content, values=False)["得分汇总"])
    assert values[0]["综合得分"] == float(shown(rows[0].total) or 0) == 95.33
    assert formulas[0]["综合得分"] == "=ROUND(SUM(C5,H5,I5),2)"
    assert values[0]["年终评议"] == pytest.approx(55.8333333333)
    assert formulas[0]["年终评议"] == "=SUM(D5:G5)"
    assert (values[1]["领导评议"], values[1]["综合得分"], values[1]["档次"], values[1]["名次"]) == (
        "待定",
        "待定",
        "待定",
        2,
    )
    assert (values[2]["一票否决"], values[2]["名次"]) == ("甲；乙", None)
    assert "四舍五入" in values[-1]["名次"]


def test_a_grade_is_open_while_entries_are_under_review() -> None:
    book = opened(scores_workbook(STANDING, PANELS, [score(grade=None, disputed=2), score(grade=None)], []))
    assert [row["档次"] for row in table(book.worksheets[0])[:2]] == ["待定（2项复核中）", "待定"]


def test_a_figure_that_is_no_plain_sum_is_written_as_it_is() -> None:
    capped = score(total=90 * UNIT, annual=50 * UNIT)
    sheet = opened(scores_workbook(STANDING, PANELS, [capped]), values=False)["得分汇总"]
    assert (table(sheet)[0]["年终评议"], table(sheet)[0]["综合得分"]) == (50, 90)


def test_the_deductions_are_those_that_stand_with_clause_due_actual_and_evidence() -> None:
    due = datetime(2021, 4, 3, tzinfo=CHINA)
    rows = [
        entry(1, due=due, actual=due + timedelta(hours=9), evidence="回执12号"),
        entry(2, reversed_by=3),
        entry(3, points=UNIT, reverses=2),
        entry(4, points=UNIT),
    ]
    *listed, total = table(opened(scores_workbook(STANDING, PANELS, [score()], rows))["扣分明细"])
    assert [row["台账序号"] for row in listed] == [1]
    assert listed[0]["截止时间"] == datetime(2021, 4, 3)  # noqa: DTZ001
    assert listed[0]["实际报送"] == datetime(2021, 4, 3, 9)  # noqa: DTZ001
    assert (listed[0]["条款原文"], listed[0]["佐证"], listed[0]["记录人"]) == (
        "每季度前2个工作日报送",
        "回执12号",
        "机器人",
    )
    assert total["分值"] == -1


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_what_people_typed_stays_text(text: str) -> None:
    rows = [entry(1, department=text, reason=text, evidence=text, recorded_by=text)]
    for content in (
        ledger_workbook(STANDING, rows),
        scores_workbook(STANDING, (text,), [score(department=text, panels=(None,), vetoes=(text,))], rows),
        listing(text, [{"department": text, "text": text}], AT),
    ):
        book = opened(content, values=False)
        typed = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
        assert all(re.match(r"=(SUBTOTAL|SUMPRODUCT|SUM|ROUND)\(", str(cell.value)) for cell in typed)
    first = opened(ledger_workbook(STANDING, rows), values=False)["扣加分台账"]["J5"]
    assert first.data_type == "s"
    assert first.quotePrefix == text.startswith(("=", "+", "-", "@"))


def test_titles_stay_in_sight_and_the_standing_of_the_figures_is_told() -> None:
    sheet = opened(ledger_workbook(STANDING, [entry(1)]))["扣加分台账"]
    assert sheet.freeze_panes == "A5"
    assert sheet.auto_filter.ref == "A4:P5"
    assert sheet["A1"].value == "2021年度营商环境考评扣加分台账"
    assert sheet["A2"].value == "过程数据，以领导小组审定为准　截至2021年4月7日09:00"
    approved = opened(ledger_workbook(Standing(2021, AT, approved=True), []))["扣加分台账"]
    assert approved["A2"].value.startswith("经领导小组审定")


def test_the_same_rows_give_the_same_bytes() -> None:
    rows = [entry(number) for number in range(1, 30)]
    assert ledger_workbook(STANDING, rows) == ledger_workbook(STANDING, rows)


def without_values(content: bytes) -> bytes:
    """The workbook with its formulas but not their values, which so have to be worked out."""
    source, out = zipfile.ZipFile(io.BytesIO(content)), io.BytesIO()
    with zipfile.ZipFile(out, "w") as target:
        for name in source.namelist():
            target.writestr(name, re.sub(rb"</f><v>[^<]*</v>", b"</f>", source.read(name)))
    return out.getvalue()


def test_another_program_works_out_the_same_sums(tmp_path: Path) -> None:
    office = shutil.which("soffice")
    if not office:
        pytest.skip("LibreOffice, which works the formulas out again, is not installed")
    chance = random.Random(7)  # noqa: S311
    entries = [entry(n, points=chance.randint(-30_000, 30_000)) for n in range(1, 60)]
    rows = [
        score(panels=tuple(Fraction(chance.randint(0, 999_999), chance.randint(1, 13)) for _ in PANELS))
        for _ in range(40)
    ]
    books = {"ledger": ledger_workbook(STANDING, entries), "scores": scores_workbook(STANDING, PANELS, rows, entries)}
    for name, content in books.items():
        (tmp_path / f"{name}.xlsx").write_bytes(without_values(content))
    profile = f"-env:UserInstallation=file://{tmp_path}/profile"
    convert = [office, profile, "--headless", "--convert-to", "ods", *(f"{name}.xlsx" for name in books)]
    subprocess.run(convert, cwd=tmp_path, check=True, capture_output=True, timeout=300)
    back = [
        office,
        profile,
        "--headless",
        "--convert-to",
        "xlsx",
        "--outdir",
        "again",
        *(f"{name}.ods" for name in books),
    ]
    subprocess.run(back, cwd=tmp_path, check=True, capture_output=True, timeout=300)
    for name, content in books.items():
        ours, theirs = opened(content), opened((tmp_path / "again" / f"{name}.xlsx").read_bytes())
        for sheet in ours:
            for row in sheet.iter_rows():
                for cell in row:
                    if isinstance(cell.value, int | float):
                        assert theirs[sheet.title][cell.coordinate].value == pytest.approx(cell.value), cell
