"""Rating by taps: one for an even rater, six at most for an uneven one; the list, the review, submission."""

from typing import TYPE_CHECKING

from tests.handlers.raters.conftest import Round, card, give, row

if TYPE_CHECKING:
    from tests.handlers.conftest import Office


async def test_an_even_rater_taps_once_for_each_department(office: "Office", departments: Round) -> None:
    await office.head.send("打分")
    first = await card(office.head, "部门评议", "已评 0／2", "开始：商务局")
    assert first.labels[1:3] == ["⬜ 商务局", "⬜ 政务服务局"]
    await office.head.tap(first, "开始：商务局")
    one = await card(office.head, "商务局　1／2")
    assert one.id == first.id
    assert row(one, "五项") == ["2", "1.5", "1", "0.5", "0"]
    toast = await give(office.head, one, "五项", "2")
    assert await toast.answered() == "商务局 各项均为2"
    two = await card(office.head, "政务服务局　2／2")
    await give(office.head, two, "五项", "1.5")
    review = await card(
        office.head, "商务局　10", "政务服务局　7.5", "都评完了", "不能修改", "服务器和 Telegram 看得到"
    )
    assert review.id == first.id
    assert departments.scores("财政局") == {"商务局": ["2"] * 5, "政务服务局": ["1.5"] * 5}
    assert departments.state("财政局") == "started"
    await office.head.tap(review, "提交")
    sure = await card(office.head, "确定提交吗")
    await office.head.tap(sure, "返回")
    await card(office.head, "提交后不能修改")
    await office.head.tap(await card(office.head, "提交后不能修改"), "提交")
    await office.head.tap(await card(office.head, "确定提交吗"), "确认提交，不再修改")
    over = await office.head.hear("已提交，谢谢您")
    assert over.id == first.id
    assert over.buttons == []
    assert "7.5" not in over.text
    await office.settled()
    assert departments.state("财政局") == "submitted"
    assert departments.draft("财政局") is None
    assert departments.boxes() == {
        "财政局": ({}, 0), "商务局": ({"100000": 1}, 0), "政务服务局": ({"75000": 1}, 0),
    }  # fmt: skip
