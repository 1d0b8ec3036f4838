"""A rule book in words: nothing that it says is left out."""

import dataclasses
import json
from pathlib import Path

import pytest

from scoring.describe import LatenessShown, describe
from scoring.loading import load
from scoring.rulebook import RuleBook
from templates import render

JILIN = load("jilin-2021")
BINHE = load("binhe-2023.toml", beside=Path(__file__).parent / "rulebooks")
BOTH = pytest.mark.parametrize("rulebook", [JILIN, BINHE], ids=lambda rulebook: rulebook.name)


@BOTH
def test_every_part_is_there(rulebook: RuleBook) -> None:
    booklet = describe(rulebook)
    entries = [item for block in booklet.blocks for item in block.items]
    assert [item.code for item in (*entries, *booklet.vetoes)] == list(rulebook.items)
    assert [clause.text for clause in booklet.clauses] == [clause.text for clause in rulebook.clauses.values()]
    assert [panel.code for panel in booklet.panels] == list(rulebook.panels)
    assert [duty.code for duty in booklet.duties] == list(rulebook.duties)
    assert [group.code for block in booklet.blocks for group in block.groups] == list(rulebook.groups)
    assert [one.text for one in booklet.assumptions] == [one.text for one in rulebook.assumptions]


@BOTH
def test_it_is_plain_data(rulebook: RuleBook) -> None:
    plain = dataclasses.asdict(describe(rulebook, 2021))
    assert json.loads(json.dumps(plain))["digest"] == rulebook.digest


@BOTH
def test_in_chinese_it_names_every_item_and_every_assumption(rulebook: RuleBook) -> None:
    text = render("verbs/rules_show", result=describe(rulebook, 2021))
    for item in rulebook.items.values():
        assert f"{item.code}　{item.title}" in text
    for assumption in rulebook.assumptions:
        assert assumption.text in text


def test_figures_of_the_scheme() -> None:
    daily, annual, bonus = describe(JILIN).blocks
    assert (daily.full, daily.start, daily.floor) == ("40", "40", "0")
    assert (annual.full, bonus.full) == ("60", "10")
    district = next(item for item in bonus.items if item.code == "bonus.3.district")
    assert (district.points, district.per, district.cap) == ("0.5", "篇", "3")


def test_forms_of_the_other_shape() -> None:
    work, filing, _, extra = describe(BINHE).blocks
    assert (work.start, work.full_by_class, work.start_by_class) == ("50", {"街道": "70"}, {"街道": "60"})
    assert work.items[1].multipliers == {"窗口单位": "1.5", "街道": "0.5"}
    assert filing.items[-1].cap_by_class == {"窗口单位": "8"}
    assert extra.full is None
    weekly, data, plan = (duty.lateness for duty in describe(BINHE).duties)
    assert (weekly.steps[0], weekly.steps[-1], weekly.after) == ((1, "0.1"), (30, "1"), "2")
    assert data == LatenessShown("late_or_missing", "calendar", ((5, "0.5"),), "1", late_ends=True)
    assert plan == LatenessShown("graded", "working", ((3, "0.2"), (10, "0.5")), "1", late_ends=True)


@pytest.mark.parametrize(
    "words",
    [
        "每逾期1日扣0.1分，最多扣1分，满30日未报扣2分",
        "逾期3个工作日以内扣0.2分，逾期10个工作日以内扣0.5分，此后视为未报，扣1分",
        "合计最多3分，街道2分",
        "同一事项只计最高一项",
        "不了解（不计），满3票有效",
        "满4票时去掉最高、最低各1票",
        "第1个工作日17:00前",
    ],
)
def test_forms_of_the_other_shape_in_chinese(words: str) -> None:
    assert words in render("verbs/rules_show", result=describe(BINHE))


def test_the_blocks_in_chinese() -> None:
    text = render("verbs/rules_show", result=describe(JILIN, 2021))
    assert "<b>日常考评</b>（方案1）　40分，单项不封顶，扣完为止" in text
    assert "<b>加分项目</b>（方案3）　最多加10分" in text
    assert "2021年度考评按本规则执行" in text
    annual = text.partition("<b>年终评议</b>")[2].partition("<b>加分项目</b>")[0]
    assert [line for line in annual.splitlines() if "分（方案2(" in line] == [
        "· 领导评议：30分（方案2(1)）", "· 部门评议：10分（方案2(2)）", "· 企业评议：10分（方案2(3)）",
        "· 营商环境监督员评议：10分（方案2(4)）",
    ]  # fmt: skip
    marked = [line for line in text.splitlines() if line.endswith("※")]
    assumed = [item for item in JILIN.items.values() if item.assumption]
    assert len(marked) == len(assumed)
    other = render("verbs/rules_show", result=describe(BINHE))
    assert other.count("单项不封顶") == 0
    assert "　不封顶" in other
    assert "按本规则执行" not in other
