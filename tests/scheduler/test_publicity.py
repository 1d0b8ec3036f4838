"""The 双公示 ledger check: what is found, and where."""

import dataclasses
import io
import json
import subprocess
from datetime import date
from pathlib import Path

import pytest
import xlsxwriter

from scheduler import cells, layouts
from scheduler.spreadsheets import letters
from tests.scheduler.ledgers import (
    GOOD_CODE,
    LAYOUT,
    OFFICE_CODE,
    PENALTIES,
    PENALTY,
    PERMIT,
    PERMITS,
    csv,
    examine,
    only,
    with_check_digit,
    workbook,
)


def test_the_national_layout_has_28_columns_for_permits_and_30_for_penalties() -> None:
    assert [(table.code, len(table.columns)) for table in LAYOUT.tables] == [("permits", 28), ("penalties", 30)]


@pytest.mark.parametrize(("table", "row"), [(PERMITS, PERMIT), (PENALTIES, PENALTY)])
def test_a_ledger_that_is_right_has_no_findings(table: layouts.Table, row: dict[str, object]) -> None:
    result = examine(workbook(row, table=table, sheet="Sheet1"))
    assert result.kind == "readable"
    assert result.findings == ()
    assert [(read.code, read.rows) for read in result.tables] == [(table.code, 1)]


def test_both_tables_in_one_workbook_are_told_apart_though_they_share_sixteen_columns() -> None:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out)
    for name, table, row in (("表一", PERMITS, PERMIT), ("表二", PENALTIES, PENALTY), ("Sheet3", None, {})):
        page = book.add_worksheet(name)
        for place, column in enumerate(table.columns if table else ()):
            page.write(0, place, column.title)
            page.write(1, place, row.get(column.title, ""))
    book.close()
    result = examine(out.getvalue())
    assert [(read.sheet, read.code) for read in result.tables] == [("表一", "permits"), ("表二", "penalties")]
    assert result.rows == 2
    assert result.findings == ()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_a_csv_is_read_in_the_encodings_that_are_met(encoding: str) -> None:
    result = examine(csv(PERMIT | {"许可内容": ""}).encode(encoding), "许可.csv")
    assert result.kind == "readable"
    assert only(result) == (2, "S", "required")
    assert result.findings[0].sheet == "许可.csv"


def test_a_csv_keeps_the_digits_that_excel_would_drop() -> None:
    text = csv(PERMIT).replace(GOOD_CODE, f'"=""{GOOD_CODE}"""').replace(OFFICE_CODE, "\t" + OFFICE_CODE)
    assert examine(text.encode("gb18030"), "a.csv").findings == ()


def test_an_old_xls_is_read(tmp_path: Path) -> None:
    office = pytest.importorskip("shutil").which("soffice")
    if not office:
        pytest.skip("LibreOffice, which makes the .xls, is not installed")
    (tmp_path / "a.xlsx").write_bytes(workbook(PERMIT | {"许可机关": ""}))
    subprocess.run(
        [office, f"-env:UserInstallation=file://{tmp_path}/profile", "--headless", "--convert-to", "xls", "a.xlsx"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        timeout=120,
    )
    result = examine((tmp_path / "a.xls").read_bytes(), "a.xls")
    assert only(result) == (3, "W", "required")


def test_findings_name_sheet_row_column_title_and_what_stands_there() -> None:
    result = examine(workbook(PERMIT, PERMIT | {"许可决定日期": "2021-02-30", "许可编号": "2"}, above=3))
    (finding,) = result.findings
    assert (finding.sheet, finding.row, finding.column, finding.title) == ("行政许可", 6, "T", "许可决定日期")
    assert (finding.code, finding.value) == ("date_impossible", "2021-02-30")


@pytest.mark.parametrize(
    ("title", "value", "code"),
    [
        ("行政相对人名称", "  ", "required"),
        ("行政相对人代码_1(统一社会信用代码)", "", "required_here"),
        ("行政相对人代码_1(统一社会信用代码)", "9111000060003734", "code_length"),
        ("行政相对人代码_1(统一社会信用代码)", "91110000600037341M", "code_check_digit"),
        ("行政相对人代码_1(统一社会信用代码)", "911100006000373O1L", "code_letters"),
        ("行政相对人代码_1(统一社会信用代码)", with_check_digit("N2220202MF1234567"), "code_prefix"),
        ("行政相对人代码_1(统一社会信用代码)", "9.11E+17", "code_lost_digits"),
        ("行政相对人代码_1(统一社会信用代码)", 912200001234567890.0, "code_lost_digits"),
        ("法定代表人证件号码", "110105194912310021", "person_code"),
        ("法定代表人证件号码", "11010519490230002X", "person_code"),
        ("许可类别", "普通的", "choice_unknown"),
        ("许可决定日期", "三月一日", "date_unclear"),
        ("许可决定日期", "2021-13-01", "date_impossible"),
        ("许可决定日期", "2021/04/03", "decided_in_future"),
        ("有效期至", "2021/03/29", "ends_before_start"),
    ],
)
def test_each_fault_of_a_permit_is_found_where_it_is(title: str, value: object, code: str) -> None:
    result = examine(workbook(PERMIT | {title: value}))
    place = [column.title for column in PERMITS.columns].index(title)
    assert only(result) == (3, letters(place + 1), code)


@pytest.mark.parametrize(
    ("title", "value", "code"),
    [
        ("罚款金额(万元)", "", "required_here"),
        ("罚款金额(万元)", "两千元", "amount_unclear"),
        ("罚款金额(万元)", "-1", "amount_negative"),
        ("罚款金额(万元)", "NaN", "amount_unclear"),
        ("证件号码", "", "required_here"),
        ("证件号码", "999999194912310022", "person_code"),
        ("公示截止期", "2021年2月29日", "date_impossible"),
    ],
)
def test_each_fault_of_a_penalty_is_found_where_it_is(title: str, value: object, code: str) -> None:
    result = examine(workbook(PENALTY | {title: value}, table=PENALTIES))
    place = [column.title for column in PENALTIES.columns].index(title)
    assert only(result) == (3, letters(place + 1), code)


@pytest.mark.parametrize(
    "value", ["00000000000000000X", "９１１１００００６０００３７３４１Ｌ", " 91110000 60003734 1L"]
)
def test_codes_as_they_are_typed_are_accepted(value: str) -> None:
    assert examine(workbook(PERMIT | {"行政相对人代码_1(统一社会信用代码)": value})).findings == ()


@pytest.mark.parametrize(
    "value",
    [
        "2021-3-1",
        "2021/03/01",
        "2021.3.1",
        "2021年3月1日",
        "２０２１年３月１日",
        "20210301",
        20210301,
        "2021-03-01 08:30:00",
        44256,
        date(2021, 3, 1),
    ],
)
def test_a_day_is_read_however_it_is_spelt(value: cells.Cell) -> None:
    assert cells.day(value) == date(2021, 3, 1)


def test_a_personal_number_is_never_repeated_whole() -> None:
    result = examine(workbook(PERMIT | {"法定代表人证件号码": "110105194912310021"}))
    assert result.findings[0].value == "110…21"
    assert "194912" not in json.dumps(dataclasses.asdict(result))


def test_publication_is_judged_by_working_days_where_a_zone_has_a_column_for_it() -> None:
    rows = [
        PERMIT | {"许可编号": str(n), "许可决定日期": "2021-03-05", "公示日期": day}
        for n, day in enumerate(["2021-03-16", "2021-03-17", "", "2021-03-04", "2021-02-30"])
    ]
    result = examine(workbook(*rows, extra=("公示日期",)))
    assert [(finding.row, finding.column, finding.code) for finding in result.findings] == [
        (4, "AC", "published_late"),
        (5, "AC", "not_published"),
        (6, "AC", "published_before_decision"),
        (7, "AC", "date_impossible"),
    ]
    assert result.findings[0].facts == {"decided": "2021-03-05", "due": "2021-03-16", "days": 7}


def test_without_such_a_column_one_finding_asks_about_all_that_must_have_been_published() -> None:
    decided = ["2021-03-02", "2021-03-10", "2021-03-24", "2021-03-25"]
    rows = [PERMIT | {"许可编号": str(n), "许可决定日期": day} for n, day in enumerate(decided)]
    result = examine(workbook(*rows))
    assert only(result) == (2, "", "publication_unknown")
    assert result.findings[0].facts == {"rows": 2, "days": 7}


def test_missing_and_doubled_columns_are_findings_not_refusals() -> None:
    thinner = dataclasses.replace(PERMITS, columns=PERMITS.columns[:18] + PERMITS.columns[19:])
    result = examine(workbook(PERMIT, table=thinner, extra=("行政相对人名称",)))
    assert [(finding.code, finding.row, finding.column, finding.facts["title"]) for finding in result.findings] == [
        ("column_missing", 2, "", "许可内容"),
        ("column_twice", 2, "AB", "行政相对人名称"),
    ]


def test_titles_may_be_wide_noted_starred_or_under_a_merged_heading() -> None:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out)
    page = book.add_worksheet()
    for place, column in enumerate(PERMITS.columns):
        if "代码_" in column.title:
            page.write(0, place, "行政相对人代码" if column.title.startswith("行政相对人代码_1") else "")
            page.write(1, place, column.aliases[-1])
        else:
            page.write(0, place, "*" + column.title.replace("(", "（").replace(")", "）") + "（必填）")
        page.write(2, place, place + 1)
        page.write(3, place, PERMIT.get(column.title, ""))
    page.write(5, 0, "填表人：王五")
    book.close()
    result = examine(out.getvalue())
    assert result.findings == ()
    assert result.rows == 1


def test_the_same_document_for_the_same_party_twice_is_pointed_out() -> None:
    result = examine(workbook(PERMIT, PERMIT))
    assert only(result) == (4, "O", "row_twice")
    assert result.findings[0].facts == {"first": 3}


def test_a_ledger_without_rows_is_told_of_the_nil_report() -> None:
    assert only(examine(workbook())) == (2, "", "no_rows")


def test_permits_and_no_penalties_make_an_ordinary_month() -> None:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        for table, row in ((PERMITS, PERMIT), (PENALTIES, {})):
            page = book.add_worksheet(table.title)
            for place, column in enumerate(table.columns):
                page.write(0, place, column.title)
                page.write(1, place, row.get(column.title, ""))
    result = examine(out.getvalue())
    assert [(table.title, table.rows) for table in result.tables] == [("行政许可", 1), ("行政处罚", 0)]
    assert result.findings == ()


def test_only_the_first_findings_are_listed_and_all_are_counted() -> None:
    rows = [PERMIT | {"许可内容": "", "许可编号": str(n)} for n in range(200)]
    result = examine(workbook(*rows), most=5)
    assert (len(result.findings), result.count, result.tally) == (5, 200, {"required": 200})


def test_formulas_are_read_by_their_values_and_never_run() -> None:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out)
    page = book.add_worksheet()
    for place, column in enumerate(PERMITS.columns):
        page.write(0, place, column.title)
        page.write_formula(1, place, f'="{PERMIT.get(column.title, "")}"', value=PERMIT.get(column.title, ""))
    book.close()
    assert examine(out.getvalue()).findings == ()
    injected = examine(workbook(PERMIT | {"许可类别": '=HYPERLINK("http://x")'}))
    assert injected.findings[0].value == '=HYPERLINK("http://x")'
