"""A verb guided by buttons: one question at a time, back, cancel, amend, and a preview that may go stale."""

from datetime import timedelta


async def test_asks_for_what_lacks_one_at_a_time(office):
    asked = await office.says("甲", "扣分")
    assert "请选择单位" in asked.text
    assert {"财政局", "人事局", "公安<分>局&队", "取消"} <= set(asked.labels)

    asked = await office.taps("甲", "财政局")
    assert "单位：财政局" in asked.text
    assert "请选择项目" in asked.text
    assert "上一步" in asked.labels

    asked = await office.taps("甲", "下一页 ›")
    assert "‹ 上一页" in asked.labels
    await office.taps("甲", "‹ 上一页")
    asked = await office.says("甲", "窗口")
    assert "请选择次数" in asked.text

    asked = await office.says("甲", "３")
    assert "请输入事由" in asked.text
    shown = await office.says("甲", "扣分不冤：窗口无人")
    assert "日常 40.00 → 31.00" in shown.text
    assert office.entries() == []

    done = await office.taps("甲", "确认")
    assert done.text.startswith("已记扣分")
    [entry] = office.entries()
    assert (entry.item, entry.count, entry.reason) == ("daily.7", 3, "扣分不冤：窗口无人")


async def test_only_what_lacks_is_asked(office):
    asked = await office.says("甲", "/deduct 财政局")
    assert "请选择项目" in asked.text
    await office.says("甲", "daily.12")
    await office.taps("甲", "不填")
    shown = await office.taps("甲", "不填")
    assert "日常 40.00 → 35.00" in shown.text


async def test_back_forgets_the_answer_and_asks_again(office):
    await office.says("甲", "扣分")
    await office.taps("甲", "财政局")
    asked = await office.taps("甲", "上一步")
    assert "请选择单位" in asked.text
    assert "上一步" not in asked.labels
    asked = await office.taps("甲", "人事局")
    assert "单位：人事局" in asked.text


async def test_initials_narrow_the_choices_down(office):
    await office.says("甲", "扣分")
    asked = await office.says("甲", "z")
    assert "请选择单位" in asked.text
    assert "财政局" in asked.labels
    assert "人事局" not in asked.labels or "按“z”找到" in asked.text
    asked = await office.says("甲", "没有这个单位")
    assert "没有找到单位“没有这个单位”" in asked.text
    assert "财政局" in asked.labels


async def test_a_preview_can_be_amended(office):
    await office.says("甲", "/deduct 财政局 daily.7")
    asked = await office.taps("甲", "补次数")
    assert "请选择次数" in asked.text
    shown = await office.says("甲", "2")
    assert "日常 40.00 → 34.00" in shown.text
    asked = await office.taps("甲", "补发生时间")
    shown = await office.says("甲", "2021年2月30日")
    assert "或者没有这一天" in shown.text
    shown = await office.says("甲", "3月1日")
    assert "发生时间：2021年3月1日" in shown.text
    await office.taps("甲", "确认")
    assert office.entries()[0].count == 2


async def test_a_preview_that_went_stale_is_shown_anew(office):
    await office.says("甲", "/deduct 财政局 daily.7 1 甲看到的")
    await office.says("乙", "/deduct 财政局 daily.12 1 乙看到的")
    await office.taps("乙", "确认")

    shown = await office.taps("甲", "确认")
    assert shown.text.startswith("情况已有变化，请重新核对")
    assert "日常 35.00 → 32.00" in shown.text
    assert len(office.entries()) == 1

    await office.taps("甲", "确认")
    assert len(office.entries()) == 2


async def test_a_second_tap_on_confirm_enters_nothing_twice(office):
    shown = await office.says("甲", "/deduct 财政局 daily.7 1 理由")
    data = next(button.data for button in shown.buttons if button.text == "确认")
    await office.taps("甲", "确认")
    tap = await office.people["甲"].forge(shown, data)
    assert "这个按钮已经失效" in await tap.answered()
    await office.settled()
    assert len(office.entries()) == 1


async def test_a_draft_left_for_long_is_dropped(office):
    await office.says("甲", "/deduct 财政局 daily.7 1 理由")
    office.sandbox.clock.advance(timedelta(minutes=31))
    await office.settled()
    said = await office.taps("甲", "确认")
    assert "放置超过30分钟" in said.text
    assert office.entries() == []


async def test_a_draft_of_another_is_not_to_be_confirmed(office):
    shown = await office.says("甲", "/deduct 财政局 daily.7 1 理由")
    data = next(button.data for button in shown.buttons if button.text == "确认")
    other = office.people["乙"].from_bot[-1]
    tap = await office.people["乙"].forge(other, data)
    assert "给别人用的" in await tap.answered()
    await office.settled()
    assert office.entries() == []


async def test_forged_data_is_answered_and_does_nothing(office):
    shown = await office.says("甲", "/deduct 财政局")
    draft = shown.buttons[0].data.split(":")[1]
    for data in (
        "v:", "v:99999:y", "v:x:y", f"v:{draft}:y", f"v:{draft}:c:1:=nosuch", f"v:{draft}:c:1:999", f"v:{draft}:p:1:-5",
        f"v:{draft}:e:99", f"v:{draft}:c", f"v:{draft}:q:1", "vp:1:99", "vi:x", "confirm:1", "refuse:99", "confirm:x",
        f"v:{'9' * 18}:y", "😀" * 10,
    ):  # fmt: skip
        tap = await office.people["甲"].forge(office.people["甲"].from_bot[-1], data)
        await tap.answered()
        await office.settled()
    assert office.entries() == []
    asked = await office.says("甲", "daily.7")
    assert "请选择次数" in asked.text


async def test_a_draft_left_for_long_is_spoken_of_once(office):
    await office.says("甲", "/deduct 财政局")
    office.sandbox.advance(minutes=31)
    await office.settled()
    assert "已自动取消" in (await office.says("甲", "daily.7")).text
    assert "没有看懂" in (await office.says("甲", "daily.7")).text


async def test_the_words_of_the_buttons_can_be_typed(office):
    await office.says("甲", "/deduct 财政局 daily.7")
    asked = await office.says("甲", "/deduct")
    await office.taps("甲", "财政局", asked)
    await office.says("甲", "daily.7")
    assert "请选择项目" in (await office.says("甲", "上一步")).text
    await office.says("甲", "daily.7")
    await office.says("甲", "不填")
    assert "请核对" in (await office.says("甲", "窗口无人值守")).text
    assert "已记扣分" in (await office.says("甲", "确认")).text
    assert [(one.item, one.count, one.reason) for one in office.entries()] == [("daily.7", 1, "窗口无人值守")]


async def test_cancel_is_never_a_reason(office):
    await office.says("甲", "/deduct")
    for said in ("财政局", "daily.7", "1", "取消"):
        answer = await office.says("甲", said)
    assert "已取消" in answer.text
    await office.says("甲", "/deduct 财政局 daily.7 1 理由")
    assert "已取消" in (await office.says("甲", "取消")).text
    assert office.entries() == []


async def test_help_is_no_answer_to_a_question(office):
    await office.says("甲", "/deduct 财政局")
    assert "您的身份" in (await office.says("甲", "帮助")).text
    assert "请选择次数" in (await office.says("甲", "daily.7")).text


async def test_an_entry_to_take_back_is_chosen_among_the_latest_that_stand(office):
    for line in ("扣分 财政局 daily.7 1 窗口无人", "加分 审计局 bonus.4 1 标兵", "扣分 人事局 daily.7 1 态度生硬"):
        await office.says("甲", line)
        await office.taps("甲", "确认")
    await office.says("甲", "冲销 #3 记录有误")
    await office.taps("甲", "确认")
    assert office.entries()[-1].reverses_id == 3
    asked = await office.says("甲", "冲销")
    entries = [label for label in asked.labels if label.startswith("#")]
    assert entries == ["#2 审计局 3 标兵 4月6日", "#1 财政局 -3 窗口无人 4月6日"]
    asked = await office.says("甲", "czj")
    assert [label for label in asked.labels if label.startswith("#")] == ["#1 财政局 -3 窗口无人 4月6日"]
    await office.taps("甲", "#1 财政局 -3 窗口无人 4月6日")
    shown = await office.says("甲", "记录有误")
    assert "日常 37.00 → 40.00" in shown.text
    await office.taps("甲", "确认")
    assert office.entries()[-1].reverses_id == 1
