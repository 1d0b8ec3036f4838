"""The import's spreadsheet: the blank form, what is read from a filled one, and every fault by sheet and cell."""

import io
from collections.abc import Mapping, Sequence
from datetime import date

import openpyxl
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

import templates
from scheduler.import_form import SHEETS, Vocabulary, blank, form
from scheduler.importing import ContactRow, DepartmentRow, Parsed, RaterRow, TaskRow, parse
from scoring.loading import load
from store.people import Role

TODAY = date(2021, 1, 4)
WORDS = Vocabulary.of(load("jilin-2021"), {"old": ("老城街道办事处", "老城办")})
FORM = form(WORDS)

DEPARTMENTS: list[dict[str, object]] = [
    {
        "部门代码": "fin",
        "部门名称": "财政局",
        "单位类别": "局室公司",
        "别名": "财政、经开财政",
        "月度工作动态信息起始日期": "2021/1/1",
    },
    {
        "部门代码": "tax",
        "部门名称": "税务局",
        "单位类别": "双管单位",
        "垂直管理": "是",
        "上级主管部门": "吉林市税务局",
        "“双公示”台账起始日期": date(2021, 3, 1),
    },
    {"部门代码": "gov", "部门名称": "政务服务局", "单位类别": "局室公司", "牵头单位": "√", "垂直管理": "否"},
]
CONTACTS: list[dict[str, object]] = [
    {"部门": "财政局", "姓名": "张三", "身份": "联络员", "电话": "0432-6000 0000"},
    {"部门": "经开财政", "姓名": "李<b>&四🌸", "身份": "负责人", "备注": "=1+1"},
    {"部门": "", "姓名": "王五", "身份": "领导小组"},
    {"部门": "老城办", "姓名": "赵六", "身份": "联络员", "电话": 13800000000},
]
RATERS: list[dict[str, object]] = [
    {"评议主体": "领导评议", "姓名": "钱七", "可评部门": "财政局、tax"},
    {"评议主体": "部门评议", "姓名": "孙八", "单位": "税务局"},
    {"评议主体": "企业评议", "姓名": "周九", "单位": "吉林某某有限公司"},
]
TASKS: list[dict[str, object]] = [
    {
        "责任部门": "tax",
        "考核项目": "daily.1",
        "任务": "压减办税时间",
        "责任人": "吴十",
        "工作措施": "一窗办理",
        "完成时限": "2021年6月30日",
    },
    {"责任部门": "财政局", "考核项目": "三级书记", "任务": "走访企业", "完成时限": date(2021, 9, 30)},
]


def filled(
    changes: Mapping[str, Sequence[Mapping[str, object]]] | None = None, **sheets: Sequence[Mapping[str, object]]
) -> bytes:
    """A form as somebody fills it in: rows by the printed titles, below the titles."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"default_date_format": "yyyy/mm/dd"})
    for kind in SHEETS:
        if kind not in sheets:
            continue
        page = book.add_worksheet(FORM.names[kind])
        titles = [column.title for column in FORM.columns[kind]]
        titles += sorted({title for row in sheets[kind] for title in row} - set(titles))
        for place, title in enumerate(titles):
            page.write_string(0, place, title)
            for number, row in enumerate(sheets[kind], start=1):
                value = row.get(title)
                if isinstance(value, str):
                    page.write_string(number, place, value)
                elif value is not None:
                    page.write(number, place, value)
    for name, rows in (changes or {}).items():
        page = book.add_worksheet(name)
        for number, row in enumerate(rows):
            page.write_row(number, 0, list(row.values()))
    book.close()
    return out.getvalue()


def read(content: bytes) -> Parsed:
    parsed = parse(content, WORDS, today=TODAY)
    for fault in parsed.faults:
        assert templates.render("faults", code=fault.code, **fault.facts)
    return parsed


def faults(**sheets: Sequence[Mapping[str, object]]) -> list[tuple[str, str, str]]:
    """Sheet, cell and code of what is wrong; and nothing is taken."""
    parsed = read(filled(**sheets))
    assert parsed == Parsed(faults=parsed.faults)
    return [(fault.sheet, fault.cell, fault.code) for fault in parsed.faults]


def test_a_filled_form_becomes_rows() -> None:
    parsed = read(filled(departments=DEPARTMENTS, contacts=CONTACTS, raters=RATERS, tasks=TASKS))
    assert parsed.faults == ()
    assert parsed.departments == (
        DepartmentRow(
            2,
            "fin",
            "财政局",
            "bureau",
            False,
            "",
            False,
            ("财政", "经开财政"),
            (("monthly_update", date(2021, 1, 1)),),
        ),
        DepartmentRow(
            3, "tax", "税务局", "dual", True, "吉林市税务局", False, (), (("publicity_ledger", date(2021, 3, 1)),)
        ),
        DepartmentRow(4, "gov", "政务服务局", "bureau", False, "", True, (), ()),
    )
    assert parsed.contacts == (
        ContactRow(2, "fin", "张三", Role.LIAISON, "0432-6000 0000", ""),
        ContactRow(3, "fin", "李<b>&四🌸", Role.HEAD, "", "=1+1"),
        ContactRow(4, None, "王五", Role.LEADING_GROUP, "", ""),
        ContactRow(5, "old", "赵六", Role.LIAISON, "13800000000", ""),
    )
    assert parsed.raters == (
        RaterRow(2, "leaders", "钱七", "", None, ("fin", "tax")),
        RaterRow(3, "departments", "孙八", "税务局", "tax", ()),
        RaterRow(4, "enterprises", "周九", "吉林某某有限公司", None, ()),
    )
    assert parsed.tasks == (
        TaskRow(2, "tax", "daily.1", "压减办税时间", "吴十", "一窗办理", date(2021, 6, 30)),
        TaskRow(3, "fin", "daily.2", "走访企业", "", "", date(2021, 9, 30)),
    )


def test_sheets_that_are_not_needed_may_be_left_out() -> None:
    assert len(read(filled(tasks=[TASKS[0] | {"责任部门": "老城办"}])).tasks) == 1


def test_the_blank_form_is_recognised_and_its_examples_are_not_taken() -> None:
    parsed = read(blank(WORDS))
    assert [fault.code for fault in parsed.faults] == ["nothing_to_import"]


def test_the_blank_form_has_frozen_titles_lists_to_choose_from_and_no_formulas() -> None:
    book = openpyxl.load_workbook(io.BytesIO(blank(WORDS)))
    assert book.sheetnames == ["说明", "部门", "联系人", "评议人", "任务"]
    departments = book["部门"]
    assert departments.freeze_panes == "A2"
    assert departments["A1"].value == "部门代码*"
    assert departments["A1"].comment is not None
    assert [cell.value for cell in departments[1]][-3:] == [
        "月度工作动态信息起始日期",
        "季度营商环境建设工作总结起始日期",
        "“双公示”台账起始日期",
    ]
    lists = {str(rule.sqref): rule.formula1 for rule in departments.data_validations.dataValidation}
    assert lists["C2:C2001"] == '"局室公司,基层单位,双管单位"'
    items = {str(rule.sqref): rule.formula1 for rule in book["任务"].data_validations.dataValidation}["B2:B2001"]
    hidden = book["说明"][items.removeprefix("'说明'!").replace("$", "")]
    assert [cell.value for (cell,) in hidden] == list(FORM.choices["items"])
    assert not [cell for page in book for row in page.iter_rows() for cell in row if cell.data_type == "f"]


def test_a_blank_form_that_was_filled_in_is_read() -> None:
    book = openpyxl.load_workbook(io.BytesIO(blank(WORDS)))
    page = book["部门"]
    for place, value in enumerate(["fin", "财政局", "局室公司", "否", "", "否", "", date(2021, 1, 1)], start=1):
        page.cell(3, place, value)
    book["任务"].append(["fin", FORM.choices["items"][1], "走访企业", "", "", date(2021, 9, 30)])
    out = io.BytesIO()
    book.save(out)
    parsed = read(out.getvalue())
    assert parsed.faults == ()
    assert (parsed.departments[0].row, parsed.departments[0].duties) == (3, (("monthly_update", date(2021, 1, 1)),))
    assert [(task.row, task.item) for task in parsed.tasks] == [(3, "daily.2")]


@pytest.mark.parametrize(
    ("kind", "change", "cell", "code"),
    [
        ("departments", {"部门代码": "Fin 1"}, "A2", "department_code"),
        ("departments", {"部门代码": ""}, "A2", "required"),
        ("departments", {"部门名称": ""}, "B2", "required"),
        ("departments", {"部门名称": "政" * 201}, "B2", "too_long"),
        ("departments", {"部门名称": "老城办"}, "B2", "name_taken"),
        ("departments", {"别名": "财政、老城街道办事处"}, "G2", "name_taken"),
        ("departments", {"单位类别": "公司"}, None, None),
        ("departments", {"单位类别": "事业单位"}, "C2", "kind_unknown"),
        ("departments", {"垂直管理": "也许"}, "D2", "yes_or_no"),
        ("departments", {"月度工作动态信息起始日期": "2021-02-30"}, "H2", "date_impossible"),
        ("departments", {"“双公示”台账起始日期": "年初"}, "J2", "date_unclear"),
        ("contacts", {"部门": "财务局"}, "A2", "department_unknown"),
        ("contacts", {"部门": ""}, "A2", "department_needed"),
        ("contacts", {"姓名": " "}, "B2", "required"),
        ("contacts", {"身份": "科员"}, "C2", "role_unknown"),
        ("contacts", {"电话": "打我微信"}, "D2", "phone_unclear"),
        ("raters", {"评议主体": "群众"}, "A2", "panel_unknown"),
        ("raters", {"可评部门": "财政局、没有局"}, "D2", "department_unknown"),
        ("raters", {"评议主体": "部门评议", "单位": ""}, "C2", "required"),
        ("raters", {"评议主体": "部门评议", "单位": "财政局", "可评部门": "fin"}, "D2", "rates_itself"),
        ("tasks", {"责任部门": ""}, "A2", "required"),
        ("tasks", {"考核项目": "daily.8.monthly"}, "B2", "item_unknown"),
        ("tasks", {"任务": ""}, "C2", "required"),
        ("tasks", {"工作措施": "办" * 2001}, "E2", "too_long"),
        ("tasks", {"完成时限": ""}, "F2", "required"),
        ("tasks", {"完成时限": "2020/12/31"}, "F2", "due_past"),
        ("tasks", {"完成时限": "2021-06-31"}, "F2", "date_impossible"),
        ("tasks", {"完成时限": "9999-12-31"}, "F2", "date_impossible"),
    ],
)
def test_each_fault_is_named_by_its_cell(
    kind: str, change: dict[str, object], cell: str | None, code: str | None
) -> None:
    first = {"departments": DEPARTMENTS, "contacts": CONTACTS, "raters": RATERS, "tasks": TASKS}[kind][0] | change
    if cell is None:
        assert read(filled(departments=[first])).faults == ()
        return
    sheets = {"departments": [first]} if kind == "departments" else {"departments": DEPARTMENTS, kind: [first]}
    assert faults(**sheets) == [(FORM.names[kind], cell, code)]


def test_what_may_stand_once_is_named_where_it_stands_again() -> None:
    assert faults(departments=[*DEPARTMENTS, {"部门代码": "fin", "部门名称": "审计局", "单位类别": "基层单位"}])[
        :1
    ] == [("部门", "A5", "twice")]
    assert faults(departments=[DEPARTMENTS[2], DEPARTMENTS[0] | {"牵头单位": "是"}]) == [("部门", "F3", "office_twice")]
    named_alike = [DEPARTMENTS[0], DEPARTMENTS[1] | {"别名": "财政"}]
    assert faults(departments=named_alike) == [("部门", "G2", "name_taken"), ("部门", "G3", "name_taken")]
    twice = [("联系人", "B3", "twice")]
    assert faults(departments=DEPARTMENTS, contacts=[CONTACTS[0], CONTACTS[0] | {"部门": "fin"}]) == twice
    assert faults(departments=DEPARTMENTS, tasks=[TASKS[0], TASKS[0]]) == [("任务", "C3", "twice")]
    assert faults(departments=DEPARTMENTS, raters=[RATERS[1], RATERS[1] | {"姓名": "另一人"}]) == [
        ("评议人", "C3", "twice")
    ]


def test_all_faults_are_listed_and_nothing_is_taken() -> None:
    found = faults(
        departments=[DEPARTMENTS[0] | {"单位类别": "?", "垂直管理": "?"}, DEPARTMENTS[1] | {"部门代码": ""}],
        contacts=[{"部门": "无此局", "姓名": "", "身份": ""}],
    )
    assert [(sheet, cell) for sheet, cell, _ in found] == [
        ("部门", "C2"), ("部门", "D2"), ("部门", "A3"), ("联系人", "B2"), ("联系人", "C2"), ("联系人", "A2"),
    ]  # fmt: skip


def test_a_department_kept_already_may_be_brought_again_under_a_new_name() -> None:
    parsed = read(filled(departments=[{"部门代码": "old", "部门名称": "新城街道办事处", "单位类别": "基层单位"}]))
    assert parsed.faults == ()


def test_misspelt_sheets_and_columns_are_named_and_not_dropped() -> None:
    stray = read(filled({"联系人名单": [{"a": "张三"}], "Sheet2": []}, departments=DEPARTMENTS))
    assert [(fault.sheet, fault.code) for fault in stray.faults] == [("联系人名单", "sheet_unknown")]
    assert faults(departments=[DEPARTMENTS[0] | {"部门负责人": "甲"}]) == [("部门", "K1", "column_unknown")]
    lines = "部门代码,单位类别\nfin,局室公司".encode()
    assert [fault.code for fault in read(lines).faults] == ["sheet_unknown", "layout_unknown"]


@pytest.mark.parametrize(
    ("content", "code"), [(b"", "empty"), (b"%PDF-1.4", "not_a_spreadsheet"), (blank(WORDS)[:5000], "damaged")]
)
def test_a_file_that_cannot_be_read_is_one_fault(content: bytes, code: str) -> None:
    assert [(fault.sheet, fault.cell, fault.code) for fault in read(content).faults] == [("", "", code)]


CELL = st.one_of(
    st.text(max_size=12), st.floats(allow_nan=False, allow_infinity=False), st.dates(), st.booleans(), st.none()
)


@settings(max_examples=15, deadline=None)
@given(st.fixed_dictionaries({kind: st.lists(st.lists(CELL, max_size=9), max_size=3) for kind in SHEETS}))
def test_whatever_stands_in_the_cells_is_rows_or_faults(sheets: dict[str, list[list[object]]]) -> None:
    rows = {
        kind: [{c.title: v for c, v in zip(FORM.columns[kind], values, strict=False)} for values in lines]
        for kind, lines in sheets.items()
    }
    parsed = read(filled(**rows))
    assert not (parsed.faults and (parsed.departments or parsed.contacts or parsed.raters or parsed.tasks))
