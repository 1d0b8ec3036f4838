"""The tables as other programs read them: from them alone, every published figure can be worked out anew."""

import io
from collections.abc import Iterable
from datetime import datetime
from fractions import Fraction
from typing import Any

import openpyxl
import pytest

from handlers.papers.consequences import consequence_list, consequences, running
from handlers.papers.data import Published, published
from handlers.papers.tables import entry_table, panel_table, score_table
from tests.handlers.papers.conftest import HIGH, HOSTILE, JILIN, PUBLISHED_ON, ZONE, frozen_lines

ALL = (score_table, entry_table, panel_table, consequence_list)


def rows_of(content: bytes, sheet: str, *, values: bool = True) -> list[dict[str, Any]]:
    """The rows of a sheet by their titles, without the sums under them."""
    page = openpyxl.load_workbook(io.BytesIO(content), data_only=values)[sheet]
    titles = [cell.value for cell in page[4]]
    rows = [dict(zip(titles, (cell.value for cell in row), strict=True)) for row in page.iter_rows(min_row=5)]
    return [row for row in rows if row[titles[1]] is not None and row[titles[0]] != "合计"]


def exact(cell: float | str) -> Fraction:
    """A number as it stands there; of a formula, one that is a fraction."""
    return Fraction(cell.removeprefix("=")) if isinstance(cell, str) else Fraction(repr(cell))


def half_up(figure: Fraction) -> str:
    """Two places, a half away from zero, by long division."""
    hundredths = abs(figure) * 100
    whole = hundredths.numerator // hundredths.denominator
    whole += hundredths - whole >= Fraction(1, 2)
    return f"{'-' if figure < 0 and whole else ''}{whole // 100}.{whole % 100:02d}"


class Scheme:
    """The scheme of 2021 worked out from the exported tables, with nothing of kaoping but the tables."""

    def __init__(self, result: Published) -> None:
        entries = entry_table(result)
        self.deductions = rows_of(entries, "扣分明细")
        self.gains = rows_of(entries, "加分明细")
        self.vetoes = rows_of(entries, "一票否决")
        # Cells that are formulas come as their text: a fraction is read exactly.
        self.panels = rows_of(panel_table(result), "评议得分", values=False)

    def figures(self, department: str) -> dict[str, Any]:
        def own(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
            return [row for row in rows if row["单位"] == department]

        daily = max(Fraction(0), 40 + sum(exact(row["分值"]) for row in own(self.deductions)))
        district = sum(exact(row["分值"]) for row in own(self.gains) if row["考核项目"].startswith("区级媒体"))
        others = sum(exact(row["分值"]) for row in own(self.gains) if not row["考核项目"].startswith("区级媒体"))
        bonus = min(Fraction(10), min(Fraction(3), Fraction(district)) + others)
        annual = Fraction(0)
        for row in own(self.panels):
            annual += exact(row["计入分数之和"]) / row["计入票数"] if row["计入票数"] else exact(row["平均得分"])
        total = half_up(daily + annual + bonus)
        vetoed = sum(row["数量"] for row in own(self.vetoes)) > 0
        grade = "不达标" if vetoed or Fraction(total) < 70 else "达标" if Fraction(total) < 90 else "优秀"
        shown = [half_up(figure) for figure in (daily, annual, bonus)]
        return dict(zip(("日常考评", "年终评议", "加分项目"), shown, strict=True)) | {"综合得分": total, "档次": grade}


def test_every_figure_follows_from_the_tables_to_the_last_digit(result: Published) -> None:
    scheme = Scheme(result)
    scores = rows_of(score_table(result), "得分汇总")
    assert len(scores) == len(ZONE)
    for row in scores:
        told = {"档次": row["档次"]}
        told |= {key: half_up(exact(float(row[key]))) for key in ("日常考评", "年终评议", "加分项目", "综合得分")}
        assert told == scheme.figures(row["单位"])
    ranked = [row for row in scores if not row["一票否决"]]
    totals = [Fraction(scheme.figures(row["单位"])["综合得分"]) for row in ranked]
    assert [row["名次"] for row in ranked] == [1 + sum(other > total for other in totals) for total in totals]
    assert (scores[-1]["单位"], scores[-1]["名次"]) == ("虹园街道", None)
    # The same figures as the frozen file has.
    assert scheme.figures("生态环境分局")["综合得分"] == "95.33"


def test_totals_are_formulas_that_agree_with_their_values(result: Published) -> None:
    content = score_table(result)
    formulas = rows_of(content, "得分汇总", values=False)
    assert formulas[0]["综合得分"] == "=ROUND(SUM(C5,H5,I5),2)"
    assert formulas[0]["年终评议"] == "=SUM(D5:G5)"
    page = openpyxl.load_workbook(io.BytesIO(content))["得分汇总"]
    assert any("四舍五入" in str(cell.value) for row in page.iter_rows() for cell in row)
    panels, means = (rows_of(panel_table(result), "评议得分", values=values) for values in (False, True))
    for number, (formula, value) in enumerate(zip(panels, means, strict=True), start=5):
        assert formula["平均得分"] == f"=F{number}/E{number}"
        assert value["平均得分"] == pytest.approx(float(exact(formula["计入分数之和"]) / value["计入票数"]))
    [third] = [row for row in panels if row["单位"] == "生态环境分局" and row["评议主体"] == "领导评议"]
    assert (third["有效票数"], third["计入票数"], third["满分"], exact(third["计入分数之和"])) == (3, 3, 30, 85)


def test_sums_of_the_entries_are_formulas_over_their_sheets(result: Published) -> None:
    content = entry_table(result)
    values, formulas = (rows_of(content, "按单位汇总", values=values) for values in (True, False))
    for row in values:
        own = [one for one in rows_of(content, "扣分明细") if one["单位"] == row["单位"]]
        assert (row["扣分记录数"], row["扣分合计"]) == (len(own), sum(one["分值"] for one in own))
    emergency = next(row for row in values if row["单位"] == "应急管理局")
    assert (emergency["扣分合计"], emergency["日常考评得分"]) == (-42, 0)
    assert all(row["扣分合计"].startswith("=SUMPRODUCT(") for row in formulas)


def test_an_entry_says_where_it_comes_from(result: Published) -> None:
    by_number = {row["台账序号"]: row for row in rows_of(entry_table(result), "扣分明细")}
    late, missing, undone, noted = (by_number[number] for number in (3, 4, 5, 6))
    # Excel knows no time zones.
    assert (late["截止时间"], late["实际报送"]) == (datetime(2021, 4, 3), datetime(2021, 4, 5, 9, 30))  # noqa: DTZ001
    assert late["佐证"] == "到期前已送达提醒2次，最后一次2021年4月2日09:00"
    assert (late["来源"], late["记录人"], late["依据条款"], late["所属期"]) == ("自动", None, "1(8)", "2021年3月")
    assert late["条款原文"] == JILIN.clauses["1(8)"].text
    assert (missing["实际报送"], missing["冲销情况"], missing["被冲销于"]) == (None, "已冲销", 5)
    assert (undone["分值"], undone["冲销情况"], undone["冲销序号"], undone["来源"]) == (1, "冲销", 4, "复核")
    assert (noted["佐证"], noted["确认人"], noted["事由"]) == ("照片2张", "赵卫", "窗口值守空岗，经查实")


def test_where_single_panels_may_not_be_shown_only_their_sum_is() -> None:
    zone = {"fin": {"name": "财政局", "panels": HIGH, "sums": {"annual": "1720000/3"}}, "env": ZONE["env"]}
    zone["fin"]["entries"] = ZONE["fin"]["entries"]
    few = published(frozen_lines(zone), PUBLISHED_ON)
    own = [row for row in rows_of(panel_table(few), "评议得分", values=False) if row["单位"] == "财政局"]
    assert [(row["评议主体"], row["计入分数之和"], row["平均得分"]) for row in own] == [
        ("各评议主体合计（票数不足，不单列）", None, "=172/3")
    ]
    [scores] = [row for row in rows_of(score_table(few), "得分汇总") if row["单位"] == "财政局"]
    assert {scores[panel.title] for panel in JILIN.panels.values()} == {"不单列"}
    assert Scheme(few).figures("财政局")["综合得分"] == "103.33"
    assert scores["综合得分"] == 103.33


@pytest.mark.parametrize("make", ALL, ids=lambda one: one.__name__)
def test_it_is_a_sheet_an_office_would_send_on(make: Any, result: Published) -> None:
    book = openpyxl.load_workbook(io.BytesIO(make(result)))
    for page in book:
        assert page.freeze_panes == "A5"
        assert page.print_title_rows == "$4:$4"
        assert page["A2"].value == "经领导小组审定　截至2022年1月5日10:00"
        assert page.column_dimensions["B"].width > 5


@pytest.mark.parametrize("make", ALL, ids=lambda one: one.__name__)
def test_no_text_of_a_person_is_taken_for_a_formula(make: Any) -> None:
    told = [{"item": item, "reason": HOSTILE, "evidence": {"note": HOSTILE}, "recorded_by": HOSTILE,
             "confirmed_by": HOSTILE} for item in ("daily.7", "bonus.4", "veto.1")]  # fmt: skip
    zone = {"fin": {"name": HOSTILE, "panels": HIGH, "entries": told, "vertical": True, "superior": HOSTILE}}
    book = openpyxl.load_workbook(io.BytesIO(make(published(frozen_lines(zone), PUBLISHED_ON))))
    typed = [cell for page in book for row in page.iter_rows() for cell in row if str(cell.value).startswith("=1+1")]
    assert typed
    assert {cell.data_type for cell in typed} == {"s"}
    assert all(cell.quotePrefix for cell in typed)


@pytest.mark.parametrize("make", ALL, ids=lambda one: one.__name__)
def test_the_same_result_makes_the_same_bytes(make: Any, result: Published) -> None:
    assert make(published(frozen_lines(), PUBLISHED_ON)) == make(result)
    assert make(published(frozen_lines({}), PUBLISHED_ON))


def test_what_follows_for_whom(result: Published) -> None:
    told: dict[str, list[str]] = {}
    for one in consequences(result):
        told.setdefault(one.unit.name, []).append(one.title if one.certain else f"？{one.title}")
    lists = [one.title for one in JILIN.consequences.values()]
    excellent, failed, removed, reported = lists[:2], lists[2:5], lists[5], lists[6]
    assert told == {
        "财政局": excellent, "税务局": [*excellent, reported], "生态环境分局": excellent, "消防救援大队": [reported],
        # Last year unknown, last year excellent, last year failed; and a veto is a failure too.
        "供热公司": [*failed, f"？{removed}"], "园区公司": failed, "应急管理局": [*failed, removed],
        "虹园街道": [*failed, removed],
    }  # fmt: skip
    assert {unit.name: running(result, unit) for unit in result.units if unit.grade == "fail"} == {
        "供热公司": "unknown", "园区公司": "no", "应急管理局": "yes", "虹园街道": "yes",
    }  # fmt: skip


def test_the_list_of_consequences(result: Published) -> None:
    rows = rows_of(consequence_list(result), "结果运用清单")
    assert len(rows) == len(list(consequences(result)))
    by_unit = {row["单位"]: row for row in rows}
    assert by_unit["税务局"]["上级主管部门"] == "吉林市税务局"
    assert (by_unit["供热公司"]["连续两年不达标"], by_unit["供热公司"]["结果运用"][:12]) == (
        "无法判定",
        "（待核实上一年度结果）视",
    )
    assert (by_unit["虹园街道"]["连续两年不达标"], by_unit["虹园街道"]["依据条款"]) == ("是", "五(二)")
    assert by_unit["财政局"]["连续两年不达标"] == "否"
    assert {row["落实情况"] for row in rows} == {None}


def test_rows_are_as_high_as_their_text(result: Published) -> None:
    page = openpyxl.load_workbook(io.BytesIO(entry_table(result)))["扣分明细"]
    titles = [cell.value for cell in page[4]]
    for number, row in enumerate(
        page.iter_rows(min_row=5, max_row=4 + len(rows_of(entry_table(result), "扣分明细"))), 5
    ):
        text = row[titles.index("条款原文")].value
        # 44 digits wide, and a Chinese character takes two of them: at most 22 in a line.
        chinese = sum(one > "\u2e80" for one in text)
        assert page.row_dimensions[number].height >= 15 * -(-chinese // 22) > 15
