"""What a caption means: only where it leaves no doubt."""

import pytest

from handlers.naming import Option, meant

MONTHLY = Option(1, ("工作动态信息", "工作动态"), "2021-03", "财政局")
APRIL = Option(4, ("工作动态信息", "工作动态"), "2021-04", "财政局")
QUARTERLY = Option(2, ("季度营商环境建设工作总结", "季度工作总结"), "2021Q1", "财政局")
LEDGER = Option(3, ("《“双公示”台账》", "双公示台账"), "2021-03", "财政局")
ALL = (MONTHLY, QUARTERLY, LEDGER)


@pytest.mark.parametrize(
    ("caption", "option"),
    [
        ("3月工作动态", MONTHLY),
        ("财政局2021年3月份工作动态信息（终稿）", MONTHLY),
        ("三月动态", MONTHLY),
        ("２０２１年３月工作动态", MONTHLY),
        ("一季度总结", QUARTERLY),
        ("2021Q1 工作总结", QUARTERLY),
        ("第1季度工作总结", QUARTERLY),
        ("双公示", LEDGER),
        ("“双公示”台账2021-03", LEDGER),
    ],
)
def test_a_caption_names_what_it_is_for(caption: str, option: Option) -> None:
    assert meant(caption, ALL) == [option]


@pytest.mark.parametrize(
    "caption", ["", "材料", "请查收", "3月", "😀", "<b>&", "工作", "2月工作动态", "2020年3月工作动态"]
)
def test_what_leaves_a_doubt_names_nothing_or_several(caption: str) -> None:
    assert len(meant(caption, ALL)) != 1


def test_without_a_period_two_months_are_both_meant() -> None:
    assert meant("工作动态", (MONTHLY, APRIL)) == [MONTHLY, APRIL]
    assert meant("4月工作动态", (MONTHLY, APRIL)) == [APRIL]


def test_a_department_named_in_the_caption_decides_between_two() -> None:
    other = Option(9, MONTHLY.names, "2021-03", "税务局")
    assert meant("税务局3月工作动态", (MONTHLY, other)) == [other]
    assert meant("3月工作动态", (MONTHLY, other)) == [MONTHLY, other]
