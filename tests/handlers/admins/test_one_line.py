"""A verb said in one line: preview, 确认, result; and what is refused."""

import pytest


async def test_deducts_in_one_line_after_a_preview(office):
    shown = await office.says("甲", "/deduct 财政局 daily.7 2 窗口服务态度差，经查实")
    assert "日常 40.00 → 34.00" in shown.text
    assert "机关作风、工作纪律、办事效率、窗口服务问题经查实（daily.7，方案1(7)）" in shown.text
    assert office.entries() == []

    done = await office.taps("甲", "确认")

    assert done.id == shown.id
    assert done.text.startswith("已记扣分")
    assert done.buttons == []
    [entry] = office.entries()
    assert (entry.item, entry.count, entry.points, entry.reason) == ("daily.7", 2, -60_000, "窗口服务态度差，经查实")
    told = office.people["丁"].from_bot[-1].text
    assert told.startswith("扣分通知")
    assert "日常 40.00 → 34.00" in told


@pytest.mark.parametrize(
    "line",
    [
        "扣分 财政局 daily.7 窗口无人",
        "扣分财政局 7 窗口无人",
        "扣分 czj daily.7 1 窗口无人",
        "/deduct cz ７ １ 窗口无人",
        "/deduct@kaoping_bot fin 窗口服务 窗口无人",
    ],
)
async def test_chinese_words_initials_and_full_width_figures_mean_the_same(office, line):
    shown = await office.says("甲", line)
    assert "单位：财政局" in shown.text
    assert "事由：窗口无人" in shown.text
    await office.taps("甲", "确认")
    assert [(one.item, one.count) for one in office.entries()] == [("daily.7", 1)]


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("/deduct 财政局 daily.7 0 理由", "“0”不能作为次数。请写1到9999之间的整数。"),
        ("/deduct 财政局 daily.7 -1 理由", "“-1”不能作为次数"),
        ("/deduct 财政局 daily.7 1000000 理由", "“1000000”不能作为次数"),
        ("/deduct 财政局 daily.99 理由", "没有找到项目“daily.99”"),
        ("/deduct 财政局 bonus.4 理由", "不属于这一类项目"),
        ("/deduct 财政局 daily.7 理由 --happened 2021-02-30", "看不懂日期“2021-02-30”，或者没有这一天"),
        ("/deduct 财政局 daily.7 理由 --happened 2021-12-30", "2021年12月30日00:00还没有到，不能提前记入"),
        ("/deduct <b>&😀 daily.7 理由", "没有找到单位“<b>&😀”"),
        ("/deduct 财政局 daily.7 --nosuch 1", "“记扣分”没有“nosuch”这一项"),
        ("/reverse 77 理由", "没有找到记录“77”"),
        ("/score 财政局 1999", "“1999”不是年份"),
    ],
)
async def test_a_wrong_argument_is_named_and_nothing_is_entered(office, line, answer):
    said = await office.says("甲", line)
    assert answer in said.text
    assert office.entries() == []


async def test_a_word_for_several_departments_becomes_buttons(office):
    asked = await office.says("甲", "/deduct 局 daily.7 1 理由")
    assert asked.labels[-1] == "取消"
    shown = await office.taps("甲", "财政局") if "财政局" in asked.labels else asked
    assert "可以指" in asked.text or "没有找到单位" in asked.text
    assert office.entries() == []
    assert shown.text


async def test_a_very_long_reason_is_kept_whole(office):
    reason = "窗口" * 1500
    await office.says("甲", f"/deduct 财政局 daily.7 1 {reason}")
    await office.taps("甲", "确认")
    assert [one.reason for one in office.entries()] == [reason]


async def test_cancel_leaves_nothing(office):
    await office.says("甲", "/deduct 财政局 daily.7 2 理由")
    said = await office.taps("甲", "取消")
    assert "已取消" in said.text
    assert said.buttons == []
    assert office.entries() == []


async def test_names_with_markup_are_shown_as_written(office):
    shown = await office.says("甲", "/deduct 公安 daily.7 1 <script>&amp;😀")
    assert "单位：公安<分>局&队" in shown.text
    assert "事由：<script>&amp;😀" in shown.text
    await office.taps("甲", "确认")
    assert office.entries()[0].reason == "<script>&amp;😀"
