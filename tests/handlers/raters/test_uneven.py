"""Uneven raters, leaders with thirteen scores in two halves, abstentions, paging, going on later."""

from typing import TYPE_CHECKING

from store.db import transaction
from store.people import Department
from tests.handlers.raters.conftest import Round, card, give, open_round, restarted, row

if TYPE_CHECKING:
    from tests.handlers.conftest import Office

LABELS = ("态度", "效率", "政令", "廉政", "执法")


async def test_a_leader_gives_any_five_scores_in_six_taps(office: "Office", leaders: Round) -> None:
    leader = await leaders.invite("王主任")
    await leader.hear("登记完成")
    first = await card(leader, "领导评议", "已评 0／3")
    await leader.tap(first, "开始：财政局")
    upper = await card(leader, "财政局　1／3", "低分档 2.5—0")
    assert row(upper, "五项") == row(upper, "态度") == ["6", "5.5", "5", "4.5", "4", "3.5", "3"]
    assert max(len(line) for line in upper.rows) == 8
    taps = 0
    for label, score in zip(LABELS[:3], ("6", "5.5", "3"), strict=True):
        toast = await give(leader, await card(leader, "财政局　1／3"), label, score)
        taps += 1
    assert await toast.answered() == "财政局 政令畅通 3"
    await leader.tap(await card(leader, "低分档"), "低分档 2.5—0")
    lower = await card(leader, "高分档 6—3")
    assert row(lower, "态度") == ["2.5", "2", "1.5", "1", "0.5", "0"]
    taps += 1
    for label, score in zip(LABELS[3:], ("2.5", "0"), strict=True):
        await give(leader, await card(leader, "财政局　1／3"), label, score)
        taps += 1
    following = await card(leader, "商务局　2／3")
    assert taps == 6
    assert row(following, "态度")[0] == "6", "the next department begins with the upper half"
    assert leaders.scores("王主任")["财政局"] == ["6", "5.5", "3", "2.5", "0"]


async def test_what_was_chosen_is_shown_and_can_be_changed_or_taken_back(office: "Office", departments: Round) -> None:
    await office.head.send("/rate")
    await office.head.tap(await card(office.head, "已评 0／2"), "⬜ 政务服务局")
    shown = await card(office.head, "政务服务局　2／2")
    await give(office.head, shown, "态度", "1.5")
    await give(office.head, await card(office.head, "服务态度：1.5 ／2"), "效率", "1")
    shown = await card(office.head, "服务态度：1.5 ／2", "办事效率：1 ／2", "[1.5]")
    await give(office.head, shown, "态度", "2")
    shown = await card(office.head, "服务态度：2 ／2")
    toast = await office.head.tap(shown, "效率")
    assert await toast.answered() == "政务服务局 办事效率 已清除"
    await card(office.head, "办事效率：＿ ／2")
    assert departments.scores("财政局")["政务服务局"] == ["2", "", "", "", ""]
    await office.head.tap(await card(office.head, "办事效率：＿"), "列表")
    listed = await card(office.head, "已评 0／2，另有1个评了一部分", "◐ 政务服务局")
    await office.head.tap(listed, "◐ 政务服务局")
    await give(office.head, await card(office.head, "服务态度：2"), "五项", "1")
    await give(office.head, await card(office.head, "商务局　1／2"), "五项", "1")
    await office.head.tap(await card(office.head, "政务服务局　5"), "列表")
    await office.head.tap(await card(office.head, "已评 2／2"), "✅ 政务服务局")
    # A department that is done stays open while it is put right.
    await give(office.head, await card(office.head, "合计：5 ／10"), "执法", "0.5")
    await card(office.head, "政务服务局　2／2", "合计：4.5 ／10")


async def test_who_does_not_know_a_department_abstains(office: "Office", departments: Round) -> None:
    await office.head.send("评议打分")
    await office.head.tap(await card(office.head, "开始："), "开始：商务局")
    toast = await office.head.tap(await card(office.head, "商务局　1／2"), "不了解/弃权")
    assert await toast.answered() == "商务局 不了解/弃权"
    await office.head.tap(await card(office.head, "政务服务局　2／2"), "列表")
    await office.head.tap(await card(office.head, "➖ 商务局"), "检查并提交")
    review = await card(office.head, "商务局　不了解/弃权", "政务服务局　没有评", "还有1个部门没有评完：政务服务局")
    await office.head.tap(review, "补评没有评完的")
    await give(office.head, await card(office.head, "政务服务局　2／2"), "五项", "2")
    await office.head.tap(await card(office.head, "都评完了"), "列表")
    await office.head.tap(await card(office.head, "➖ 商务局"), "➖ 商务局")
    await give(office.head, await card(office.head, "✓ 不了解/弃权"), "五项", "0")
    await card(office.head, "商务局　0", "政务服务局　10")


async def test_what_is_missing_is_submitted_as_an_abstention(office: "Office", departments: Round) -> None:
    await office.head.send("/rate")
    await office.head.tap(await card(office.head, "开始："), "开始：商务局")
    await give(office.head, await card(office.head, "商务局　1／2"), "态度", "2")
    await office.head.tap(await card(office.head, "服务态度：2"), "列表")
    await office.head.tap(await card(office.head, "◐ 商务局"), "检查并提交")
    await office.head.tap(await card(office.head, "商务局　还差4项", "按弃权计"), "提交")
    await office.head.tap(await card(office.head, "确定提交吗"), "确认提交，不再修改")
    await office.head.hear("已提交")
    assert departments.boxes()["商务局"] == ({}, 1)
    assert departments.boxes()["政务服务局"] == ({}, 1)


async def test_many_departments_come_in_pages(office: "Office") -> None:
    with transaction(office.engine) as session:
        session.add_all(Department(code=f"d{n}", name=f"第{n}局", kind="bureau") for n in range(1, 38))
    departments = open_round(office, "departments")
    await office.head.send("/rate")
    first = await card(office.head, "已评 0／39", "第1／3页")
    assert sum(label.startswith("⬜") for label in first.labels) == 16
    assert max(len(line) for line in first.rows) == 2
    assert "‹ 上一页" not in first.labels
    await office.head.tap(first, "下一页 ›")
    await office.head.tap(await card(office.head, "第2／3页"), "下一页 ›")
    last = await card(office.head, "第3／3页")
    assert "下一页 ›" not in last.labels
    await office.head.tap(last, "⬜ 第37局")
    await give(office.head, await card(office.head, "第37局　39／39"), "五项", "2")
    # The next one that is open is the first again; the list goes to the page of the card.
    await office.head.tap(await card(office.head, "商务局　1／39"), "列表")
    await office.head.tap(await card(office.head, "第1／3页", "已评 1／39"), "下一页 ›")
    await office.head.tap(await card(office.head, "第2／3页"), "⬜ 第20局")
    await office.head.tap(await card(office.head, "第20局　22／39"), "列表")
    await card(office.head, "第2／3页")
    assert departments.scores("财政局")["第37局"] == ["2"] * 5


async def test_going_on_after_a_restart_and_on_another_device(office: "Office", departments: Round) -> None:
    await office.head.send("/rate")
    await office.head.tap(await card(office.head, "开始："), "开始：商务局")
    old = await card(office.head, "商务局　1／2")
    await give(office.head, old, "态度", "1.5")
    await card(office.head, "服务态度：1.5")
    async with restarted(office):
        # The old card goes on working after a restart of the bot …
        await give(office.head, await card(office.head, "服务态度：1.5"), "效率", "2")
        await card(office.head, "办事效率：2")
        # … until a new one is asked for.
        await office.head.send("打分")
        new = await card(office.head, "◐ 商务局", "继续：商务局")
        assert new.id != old.id
        void = await office.head.hear("打分卡片已移到下面的新消息")
        assert (void.id, void.buttons) == (old.id, [])
        late = await office.head.forge(void, old.buttons[2].data or "")
        assert "这张卡片已经不用了" in await late.answered()
        assert late.alert
        assert departments.scores("财政局")["商务局"] == ["1.5", "2", "", "", ""]
        await office.head.tap(new, "继续：商务局")
        await card(office.head, "服务态度：1.5", "办事效率：2")
