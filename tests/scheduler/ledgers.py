"""双公示 ledgers as departments send them, and the check of one."""

import dataclasses
import io
import json
from datetime import date, timedelta

import xlsxwriter

import templates
from scheduler import cells, layouts
from scheduler.publicity import CheckResult, check

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
