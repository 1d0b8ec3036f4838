"""The 双公示 ledger check: what is found, where, and that no file, however bad, brings anything down."""

import dataclasses
import io
import json
import subprocess
import sys
import zipfile
from datetime import date, timedelta
from pathlib import Path

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

import templates
from scheduler import cells, layouts
from scheduler.publicity import CheckResult, check
from scheduler.spreadsheets import letters, read

LAYOUT = layouts.load("publicity-2018")
PERMITS, PENALTIES = LAYOUT.tables
TODAY = date(2021, 4, 2)
GOOD_CODE = "91110000600037341L"
OFFICE = "11220200MB1234567"  # The check digit is appended below.


def with_check_digit(code: str) -> str:
    return code + cells.uscc.calc_check_digit(code)


OFFICE_CODE = with_check_digit(OFFICE)

PERMIT = {
    "行政相对人名称": "吉林市<甲>&乙商贸有限公司🏭",
    "行政相对人类别": "法人及非法人组织",
    "行政相对人代码_1(统一社会信用代码)": GOOD_CODE,
    "法定代表人": "张三",
    "行政许可决定文书名称": "准予许可决定书",
    "行政许可决定文书号": "吉经许〔2021〕1号",
    "许可类别": "普通",
    "许可内容": "食品经营",
    "许可决定日期": "2021/03/30",
    "有效期自": "2021年3月30日",
    "有效期至": "2099/12/31",
    "许可机关": "吉林经济技术开发区市场监督管理局",
    "许可机关统一社会信用代码": OFFICE_CODE,
    "当前状态": "1",
    "数据来源单位": "吉林经济技术开发区市场监督管理局",
    "数据来源单位统一社会信用代码": OFFICE_CODE,
}
PENALTY = {
    "行政相对人名称": "李四",
    "行政相对人类别": "自然人",
    "证件类型": "身份证",
    "证件号码": "11010519491231002X",
    "行政处罚决定书文号": "吉经罚〔2021〕7号",
    "违法行为类型": "无照经营",
    "违法事实": "略",
    "处罚依据": "略",
    "处罚类别": "警告、罚款",
    "处罚内容": "罚款2000元",
    "罚款金额(万元)": "0.2",
    "处罚决定日期": "2021-03-29",
    "处罚有效期": "2021-09-29",
    "处罚机关": "吉林经济技术开发区市场监督管理局",
    "处罚机关统一社会信用代码": OFFICE_CODE,
    "数据来源单位": "吉林经济技术开发区市场监督管理局",
    "数据来源单位统一社会信用代码": OFFICE_CODE,
}


def working_day_after(day: date, n: int) -> date:
    """Mondays to Fridays are enough of a calendar here; the real one has tests of its own."""
    while n:
        day += timedelta(days=1)
        n -= day.weekday() < 5
    return day


def workbook(
    *rows: dict[str, object],
    table: layouts.Table = PERMITS,
    extra: tuple[str, ...] = (),
    above: int = 1,
    sheet: str = "行政许可",
) -> bytes:
    """A workbook in the layout, ``above`` lines of heading over the titles, which so stand in row above + 1."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out)
    page = book.add_worksheet(sheet)
    titles = [column.title for column in table.columns] + list(extra)
    for line in range(above):
        page.write_string(line, 0, "吉林经开区“双公示”台账")
    for place, title in enumerate(titles):
        page.write_string(above, place, title)
        for number, row in enumerate(rows):
            value = row.get(title, "")
            if isinstance(value, str):
                page.write_string(above + 1 + number, place, value)
            else:
                page.write(above + 1 + number, place, value)
    book.close()
    return out.getvalue()


def csv(*rows: dict[str, object], table: layouts.Table = PERMITS) -> str:
    lines = [[column.title for column in table.columns]]
    lines += [[str(row.get(column.title, "")) for column in table.columns] for row in rows]
    return "\r\n".join(",".join(line) for line in lines)


def examine(content: bytes, name: str = "台账.xlsx", *, today: date = TODAY, most: int = 20) -> CheckResult:
    result = check(name, content, LAYOUT, working_day_after=working_day_after, today=today, most=most)
    for finding in result.findings:
        assert templates.render("faults", code=finding.code, **finding.facts)
    assert result.why is None or templates.render("faults", code=result.why, **result.facts)
    assert json.loads(json.dumps(dataclasses.asdict(result)))["count"] == result.count
    return result


def told(result: CheckResult) -> set[tuple[str, str]]:
    return {(finding.title, finding.code) for finding in result.findings}


def only(result: CheckResult) -> tuple[int, str, str]:
    """Row, column and code of the one finding there is."""
    (finding,) = result.findings
    assert result.count == 1
    return finding.row, finding.column, finding.code


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


# Files that cannot be read.


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


# Layout files.


def test_a_zone_replaces_the_layout_by_a_file_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "ours.toml"
    path.write_text(
        'name = "ours"\ntitle = "本区台账"\n[[table]]\ncode = "all"\ntitle = "公示"\n'
        '[[table.column]]\ntitle = "名称"\nrequired = true\n[[table.column]]\ntitle = "日期"\ncheck = "date"\n',
        "utf-8",
    )
    layout = layouts.load(str(path))
    result = check("a.csv", "名称,日期\n,昨天".encode(), layout, working_day_after=working_day_after, today=TODAY)
    assert told(result) == {("名称", "required"), ("日期", "date_unclear")}


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (('check = "date"', 'check = "dates"'), "table[1].column[20].check"),
        (("required = true", "requierd = true"), "table[1].column[1].requierd"),
        (('decided = "许可决定日期"', 'decided = "决定日"'), "table[1].decided"),
        (("publish_within_working_days = 7", 'publish_within_working_days = "7"'), "publish_within_working_days"),
        (('title = "许可编号"', 'title = "许可证书名称"'), "table[1].column"),
        (('column = "行政相对人类别", in', 'column = "类别", in'), "table[1].required"),
        (("name = ", "name "), "file"),
    ],
)
def test_a_bad_layout_is_refused_by_its_key(change: tuple[str, str], key: str) -> None:
    source = layouts.text("publicity-2018").replace(*change)
    with pytest.raises(layouts.LayoutError) as refused:
        layouts.parse(source, "here.toml")
    assert refused.value.key == key
    assert "\n" not in str(refused.value)
    with pytest.raises(layouts.LayoutError):
        layouts.load("no-such-layout")
