"""The Jilin scheme of 2021, clause by clause: the table reads like the scheme, and the rule book must say the same."""

from collections.abc import Callable
from datetime import time
from fractions import Fraction
from pathlib import Path

import pytest

from scoring.describe import describe
from scoring.loading import load, names, parse
from scoring.points import UNIT, plain
from scoring.rulebook import RuleBook, Rung
from scoring.sheet import LedgerLine, score_sheet
from templates import render

JILIN = load("jilin-2021")

SCHEME = [
    # clause, item, points, unit, words of the clause that say so
    ("1(1)", "daily.1", "-3", "task", "未开展相关工作的每项扣3分"),
    ("1(2)", "daily.2", "-3", "task", "未开展相关工作的每项扣3分"),
    ("1(3)", "daily.3", "-3", "task", "未开展相关工作的每项扣3分"),
    ("1(4)", "daily.4", "-3", "task", "未开展相关工作的每项扣3分"),
    ("1(5)", "daily.5", "-3", "occurrence", "未按照进度要求完成的扣3分"),
    ("1(6)", "daily.6", "-3", "task", "未开展相关工作的每项扣3分"),
    ("1(7)", "daily.7", "-3", "case", "并经查实的,每件次扣3分"),
    ("1(8)", "daily.8.monthly", "-1", "period", "每月向政务服务局报送工作动态信息,未按时上报的扣1分"),
    ("1(8)", "daily.8.quarterly", "-1", "period", "报送上季度营商环境建设工作总结,未按时上报的扣1分"),
    ("1(9)", "daily.9", "-1", "period", "《“双公示”台账》,未按时上报的扣1分"),
    ("1(10)", "daily.10.overdue", "-1", "matter", "办理、报结不及时,每件扣1分"),
    ("1(10)", "daily.10.correction", "-2", "matter", "上报情况不实,每件扣2分"),
    ("1(11)", "daily.11.warning", "-1", "case", "警示、通报批评、告诫的,每件次分别扣1分、2分、3分"),
    ("1(11)", "daily.11.criticism", "-2", "case", "警示、通报批评、告诫的,每件次分别扣1分、2分、3分"),
    ("1(11)", "daily.11.admonition", "-3", "case", "警示、通报批评、告诫的,每件次分别扣1分、2分、3分"),
    ("1(11)", "daily.11.unrectified", "-2", "case", "未按要求进行纠正、整改的,每件次扣2分"),
    ("1(11)", "daily.11.discipline", "-10", "case", "受到党纪、政纪处分的,每件次扣10分"),
    ("1(12)", "daily.12", "-5", "round", "对于被企业评议为不满意的部门扣5分"),
    ("3(1)", "bonus.1.city_leader", "8", "time", "市委、市政府领导肯定性批示加8分"),
    ("3(1)", "bonus.1.city_department", "5", "time", "获市直部门领导批示表扬的加5分"),
    ("3(1)", "bonus.1.zone_principal", "5", "time", "管委会主要领导肯定性批示的加5分"),
    ("3(1)", "bonus.1.zone_deputy", "4", "time", "副职领导肯定性批示的加4分"),
    ("3(2)", "bonus.2.city", "5", "time", "在全市范围内进行推广的,每项加5分"),
    ("3(2)", "bonus.2.zone", "2", "time", "被区政务服务局通报表扬的,每项加2分"),
    ("3(3)", "bonus.3.national", "5", "article", "国家级每篇加5分"),
    ("3(3)", "bonus.3.provincial", "3", "article", "省级每篇加3分"),
    ("3(3)", "bonus.3.municipal", "2", "article", "市级每篇加2分"),
    ("3(3)", "bonus.3.district", "0.5", "article", "区级每篇加0.5分"),
    ("3(4)", "bonus.4", "3", "person", "被评为“十大服务标兵”所在部门的加3分"),
    ("4(1)", "veto.1", "0", "case", "受到行政问责的"),
    ("4(2)", "veto.2", "0", "case", "被省、市营商环境办公室警示、通报批评、告诫的"),
    ("4(3)", "veto.3", "0", "case", "被上级或本级纪检监察机关查处的"),
]


def test_every_item_is_in_the_table() -> None:
    assert [code for _, code, *_ in SCHEME] == list(JILIN.items)


@pytest.mark.parametrize(("clause", "code", "points", "unit", "words"), SCHEME, ids=[row[1] for row in SCHEME])
def test_an_item_says_what_its_clause_says(clause: str, code: str, points: str, unit: str, words: str) -> None:
    item = JILIN.items[code]
    assert (item.clause, plain(item.points), item.unit) == (clause, points, unit)
    assert words in item.clause_text
    assert item.clause_text == JILIN.clauses[clause].text
    assert item.block == (None if code.startswith("veto") else code.partition(".")[0])


@pytest.mark.parametrize(("code", "points"), [(code, points) for _, code, points, *_ in SCHEME if points != "0"])
def test_two_of_an_item_weigh_twice_and_show_in_the_score(code: str, points: str) -> None:
    weight = JILIN.weight(code, 2)
    assert weight == Fraction(points) * 2 * UNIT
    sheet = score_sheet(JILIN, [LedgerLine(code, 2, weight)])
    base, figure = (40 * UNIT, sheet.daily) if code.startswith("daily") else (0, sheet.bonus)
    # 3(1): two remarks of city leaders make 16, of which 10 count; nothing else reaches a limit.
    assert figure == base + min(weight, 10 * UNIT)


def test_the_blocks_make_a_hundred_and_the_bonus_stands_on_top() -> None:
    assert {code: (plain(block.start), plain(block.cap or 0)) for code, block in JILIN.blocks.items()} == {
        "daily": ("40", "40"),
        "annual": ("0", "60"),
        "bonus": ("0", "10"),
    }
    assert JILIN.full == 100 * UNIT
    assert JILIN.items["bonus.3.district"].cap == 3 * UNIT
    assert {code for code, item in JILIN.items.items() if item.cap is not None} == {"bonus.3.district"}


def test_four_panels_and_five_equal_aspects() -> None:
    assert {code: plain(panel.weight) for code, panel in JILIN.panels.items()} == {
        "leaders": "30",
        "departments": "10",
        "enterprises": "10",
        "supervisors": "10",
    }
    assert [aspect.code for aspect in JILIN.aspects] == [
        "attitude",
        "efficiency",
        "compliance",
        "integrity",
        "fairness",
    ]
    assert [aspect.title for aspect in JILIN.aspects] == ["服务态度", "办事效率", "政令畅通", "廉政建设", "公正执法"]
    assert all(aspect.share == Fraction(1, 5) for aspect in JILIN.aspects)
    assert [panel.clause for panel in JILIN.panels.values()] == ["2(1)", "2(2)", "2(3)", "2(4)"]
    assert [panel.raters for panel in JILIN.panels.values()] == ["person", "department", "person", "person"]
    assert JILIN.panel_shown_from == 3


def test_grades() -> None:
    bands = [(grade.code, grade.title, grade.at_least, grade.below) for grade in JILIN.grades]
    assert bands == [
        ("excellent", "优秀", 90 * UNIT, None),
        ("pass", "达标", 70 * UNIT, 90 * UNIT),
        ("fail", "不达标", None, 70 * UNIT),
    ]
    assert list(JILIN.vetoes) == ["veto.1", "veto.2", "veto.3"]
    assert {veto.grade for veto in JILIN.vetoes.values()} == {"fail"}
    assert JILIN.grade_title("fail") == "不达标"


def test_what_follows_from_a_result() -> None:
    told = [(one.grade, one.years, one.vertical, one.title) for one in JILIN.consequences.values()]
    assert told == [
        ("excellent", 1, False, "由党工委、管委会进行通报表扬"),
        ("excellent", 1, False, "在年度绩效考评中予以加分"),
        ("fail", 1, False, "由党工委、管委会进行通报批评"),
        ("fail", 1, False, "对单位主要负责人进行诫勉谈话"),
        ("fail", 1, False, "在年度绩效考评中予以扣分"),
        ("fail", 2, False, "视情况给予主要负责人调离岗位、免职、降职或改任非领导职务等组织处理"),
        (None, 1, True, "评议考核结果报送其上级主管部门"),
    ]
    # Word for word what the clause says.
    text = JILIN.clauses["五(二)"].text
    for one in JILIN.consequences.values():
        assert one.clause == "五(二)"
        assert one.title.removeprefix("在") in text
    shown = render("verbs/rules_show", result=describe(JILIN))
    assert "· 连续两年不达标：视情况给予主要负责人调离岗位" in shown
    assert "· 垂直管理单位：评议考核结果报送其上级主管部门（方案五(二)）" in shown
    assert JILIN.issuers == ("吉林经开区党工委", "吉林经开区管委会")
    assert JILIN.addressees == "各局（室、公司），各基层单位，各双管单位"


def test_three_duties_on_the_second_working_day_after_their_period() -> None:
    duties = {
        code: (
            duty.item,
            duty.period,
            duty.due_working_day,
            duty.nil_report,
            duty.check,
            duty.settle,
            duty.lateness.form,
        )
        for code, duty in JILIN.duties.items()
    }
    assert duties == {
        "monthly_update": ("daily.8.monthly", "month", 2, False, None, "automatic", "flat"),
        "quarterly_summary": ("daily.8.quarterly", "quarter", 2, False, None, "automatic", "flat"),
        "publicity_ledger": ("daily.9", "month", 2, True, "publicity-2018", "automatic", "flat"),
    }


def test_what_is_owed_once_is_judged_by_people_except_supervised_matters() -> None:
    owed = {code: (item.owed, item.settle) for code, item in JILIN.items.items() if item.owed}
    assert owed == {
        "daily.1": ("task", "held"),
        "daily.2": ("task", "held"),
        "daily.3": ("task", "held"),
        "daily.4": ("task", "held"),
        "daily.5": ("data_set", "held"),
        "daily.6": ("task", "held"),
        "daily.10.overdue": ("task", "automatic"),
    }


def test_the_ladder_of_reminders() -> None:
    reminders = JILIN.reminders
    assert reminders.rungs == (
        Rung(5, time(9), heads=False),
        Rung(3, time(9), heads=False),
        Rung(1, time(9), heads=False),
        Rung(0, time(9), heads=True),
        Rung(0, time(14), heads=True),
    )
    assert (reminders.after_times, reminders.after_apart, reminders.after_at) == (2, 3, time(9))
    assert (reminders.office_from, reminders.office_to) == (time(8, 30), time(17))
    assert (JILIN.grace_minutes, JILIN.appeal_working_days) == (10, 5)


def test_the_words_a_report_must_contain() -> None:
    assert JILIN.clauses["3(3)"].keywords == (
        "营商环境", "软环境", "投资环境", "诚信建设", "政务服务",
        "互联网+监管", "干部队伍建设", "制度建设", "工作作风", "工作纪律",
    )  # fmt: skip
    assert all(f"“{word}”" in JILIN.clauses["3(3)"].text for word in JILIN.clauses["3(3)"].keywords)
    assert {code for code, item in JILIN.items.items() if item.ask_same_title} == {
        "bonus.3.national",
        "bonus.3.provincial",
        "bonus.3.municipal",
        "bonus.3.district",
    }


def test_the_classes_of_units() -> None:
    assert {code: one.title for code, one in JILIN.classes.items()} == {
        "bureau": "局室公司",
        "grassroots": "基层单位",
        "dual": "双管单位",
    }


ASSUMED = [
    ("clause 1(8), duty monthly_update", "次月第2个工作日"),
    ("clause 1(9), duty publicity_ledger", "次月第2个工作日"),
    ("readings, due_time", "24:00"),
    ("readings, lateness_year", "所报时期所在"),
    ("lateness", "逾期与未报同样扣分，每个部门每期只扣一次"),
    ("readings, self_rating", "部门不评议自己"),
    ("readings, places", "四舍五入到两位小数一次"),
    ("readings, grade_from", "按显示的综合得分"),
    ("readings, ties", "1、1、3"),
    ("readings, empty_panel", "待定"),
    ("clause 3(3), item bonus.3.district", "先按3分封顶"),
    ("clause 4", "两者并行"),
    ("readings, vetoed_ranked", "不参加综合得分排名"),
    ("clause 3(3)", "仍算一篇"),
    ("clause 1(5), item daily.5", "按每次计"),
    ("clause 3(1)", "按次计"),
    ("clause 3(4), item bonus.4", "按人计"),
    ("clause 2", "等分"),
    ("rating, dissatisfied", "低于该项分值的60%"),
]


@pytest.mark.parametrize(("place", "words"), ASSUMED)
def test_every_reading_of_what_the_scheme_leaves_open_is_marked(place: str, words: str) -> None:
    found = {assumption.place: assumption for assumption in JILIN.assumptions}
    assert words in found[place].text
    assert found[place].clause in JILIN.clauses


def test_no_other_reading_is_hidden() -> None:
    assert sorted(assumption.place for assumption in JILIN.assumptions) == sorted(place for place, _ in ASSUMED)


def test_an_assumption_knows_its_item() -> None:
    assert "按每次计" in (JILIN.items["daily.5"].assumption or "")
    assert JILIN.items["daily.7"].assumption is None


# ── Loading ──


def test_known_by_name_and_by_path(tmp_path: Path) -> None:
    assert "jilin-2021" in names()
    copy = tmp_path / "copy.toml"
    copy.write_text(JILIN.text, encoding="utf-8")
    assert load(str(copy)).digest == JILIN.digest
    assert load("copy.toml", beside=tmp_path).digest == JILIN.digest


@pytest.mark.parametrize("spoil", [lambda text: "\ufeff" + text, lambda text: text.replace("\n", "\r\n")])
def test_what_an_editor_on_windows_makes_of_the_file_is_the_same_rule_book(
    spoil: Callable[[str], str], tmp_path: Path
) -> None:
    path = tmp_path / "saved.toml"
    path.write_bytes(spoil(JILIN.text).encode())
    assert load(str(path)).digest == JILIN.digest


def test_a_rule_book_is_computable_from_the_text_it_keeps() -> None:
    again = parse(JILIN.text, "kept")
    assert again.digest == JILIN.digest
    assert (again.items, again.duties, again.readings) == (JILIN.items, JILIN.duties, JILIN.readings)


def test_it_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        JILIN.full = 0  # type: ignore[misc]
    with pytest.raises(AttributeError):
        JILIN.items["daily.1"].points = 0  # type: ignore[misc]
    with pytest.raises(TypeError):
        JILIN.items["daily.1"] = JILIN.items["daily.2"]  # type: ignore[index]
    assert isinstance(JILIN, RuleBook)
