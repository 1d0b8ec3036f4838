"""Dates, periods and points read as an office writes them."""

import re

import pytest

import templates
from templates import wording


@pytest.mark.parametrize(
    ("period", "said"),
    [
        ("2021-03", "2021年3月"),
        ("2021Q1", "2021年第一季度"),
        ("2021Q4", "2021年第四季度"),
        ("2021-W05", "2021年第5周"),
        ("2021-03-15", "2021年3月15日"),
        ("2021", "2021年"),
        ("三年行动方案第7项", "三年行动方案第7项"),
    ],
)
def test_periods(period: str, said: str) -> None:
    assert wording.period(period) == said


def test_a_deadline_at_midnight_belongs_to_the_day_that_it_ends() -> None:
    assert wording.deadline("2021-04-03T00:00:00+08:00") == "2021年4月2日（周五）24:00"


def test_a_deadline_in_utc_is_shown_in_china() -> None:
    assert wording.deadline("2021-04-02T16:00:00+00:00") == "2021年4月2日（周五）24:00"
    assert wording.deadline("2021-04-02T09:30:00+00:00") == "2021年4月2日（周五）17:30"


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        wording.instant("2021-04-02T09:30:00")


@pytest.mark.parametrize(
    ("units", "said"), [(-10_000, "扣1分"), (5_000, "加0.5分"), (100_000, "加10分"), (0, "不计分")]
)
def test_points(units: int, said: str) -> None:
    assert wording.charge(units) == said


def test_plain_figures_have_no_exponent_and_no_trailing_zeros() -> None:
    assert [wording.points(units) for units in (-30_000, 5_000, 100_000, 1)] == ["-3", "0.5", "10", "0.0001"]


def test_long_text_is_cut_with_a_mark() -> None:
    assert wording.shorten("一二三四五六", 4) == "一二三…"
    assert wording.shorten("一 二\n三", 10) == "一 二 三"


def test_one_thing_has_one_name() -> None:
    """An entry is 冲销, only a link is 撤销; a department's total is 综合得分, only a rater writes a 总分."""
    for path in sorted(templates.FOLDER.rglob("*.j2")):
        for line in path.read_text(encoding="utf-8").splitlines():
            said = re.sub("撤销(还没有使用的)?邀请|要撤销的邀请|链接已经撤销|已撤销第.*号邀请|只给总分的", "", line)
            assert "撤销" not in said, f"{path.name}: {line}"
            assert "总分" not in said, f"{path.name}: {line}"
