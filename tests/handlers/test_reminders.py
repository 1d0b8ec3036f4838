"""Reminders as they arrive, and what the buttons under them do: for whom, and for whom not."""

from typing import TYPE_CHECKING

from sqlmodel import select

from scheduler.tables import Reminder

if TYPE_CHECKING:
    from tests.handlers.conftest import Office


async def test_what_is_due_together_is_listed_together(office: "Office") -> None:
    await office.at("03-26 09:00")
    reminder = await office.liaison.hear("报送提醒　财政局")
    assert "2021年3月工作动态\n截止时间：2021年4月2日（周五）24:00，还有5个工作日" in reminder.text
    assert "2021年第一季度工作总结" in reminder.text
    assert reminder.labels == [
        "报送：2021年3月工作动态",
        "报送：2021年3月“双公示”台账",
        "报送：2021年第一季度工作总结",
        "需要什么",
        "已知悉",
    ]
    assert len([message for message in office.liaison.from_bot if "报送提醒" in message.text]) == 1
    assert not [message for message in office.head.from_bot if "报送提醒" in message.text]
    assert not [message for message in office.admin.from_bot if "报送提醒" in message.text]
    await office.settled()
    reminders = office.read(lambda session: session.exec(select(Reminder)).all())
    assert all(one.delivered_at is not None for one in reminders)


async def test_heads_hear_on_the_due_day(office: "Office") -> None:
    await office.at("04-02 09:00")
    reminder = await office.head.hear("报送提醒")
    assert "今天截止" in reminder.text


async def test_what_is_handed_in_is_not_asked_for_again(office: "Office") -> None:
    await office.at("03-26 09:00")
    await office.liaison.send_document("动态.docx", b"...", caption="3月工作动态")
    await office.liaison.hear("已收到")
    await office.at("03-30 09:00")
    reminder = await office.liaison.hear("报送提醒")
    assert "工作动态" not in reminder.text
    assert "工作总结" in reminder.text


async def test_what_was_returned_is_asked_for_by_the_date_of_its_correction(office: "Office") -> None:
    await office.at("03-26 09:00")
    await office.liaison.send_document("动态.docx", b"...", caption="3月工作动态")
    await office.liaison.hear("已收到")
    await office.admin.send("退回 财政局 工作动态 3月 4月9日 缺少数据")
    await office.admin.tap(await office.admin.hear("请核对"), "确认")
    await office.admin.hear("已退回")
    await office.at("04-06 09:00")
    await office.admin.send("催报 财政局")
    await office.admin.tap(await office.admin.hear("将提醒1个单位"), "确认")
    reminder = await office.liaison.hear("报送提醒")
    assert "2021年3月工作动态\n补正截止：2021年4月9日（周五）24:00，还有3个工作日" in reminder.text
    assert "工作动态" not in reminder.text.partition("催报")[2]
    await office.liaison.send("已交")
    await office.liaison.hear("待补正：2021年3月工作动态，补正截止：2021年4月9日（周五）24:00")


async def test_hand_in_now_makes_the_next_file_count(office: "Office") -> None:
    await office.at("03-26 09:00")
    reminder = await office.liaison.hear("报送提醒")
    await office.liaison.tap(reminder, "报送：2021年第一季度工作总结")
    await office.liaison.hear("请发送财政局2021年第一季度工作总结")
    assert office.liaison.keys == []
    await office.liaison.send_document("总结.docx", b"...")
    await office.liaison.hear("已收到：财政局 2021年第一季度工作总结")
    await office.liaison.send_document("附件.xlsx", b"...")
    await office.liaison.hear("已收到补充材料")


async def test_an_answer_to_a_message_about_one_thing_is_for_that(office: "Office") -> None:
    await office.at("03-26 09:00")
    reminder = await office.other.hear("报送提醒")
    await office.other.tap(reminder, "报送：2021年3月工作动态")
    asked = await office.other.hear("请发送商务局2021年3月工作动态")
    await office.at("03-26 11:00")
    await office.other.send_document("动态.docx", b"...", reply_to=asked)
    await office.other.hear("已收到：商务局 2021年3月工作动态")


async def test_what_is_needed_names_clause_deadline_and_form(office: "Office") -> None:
    await office.at("03-26 09:00")
    reminder = await office.liaison.hear("报送提醒")
    await office.liaison.tap(reminder, "需要什么")
    told = await office.liaison.hear("依据")
    assert "方案1(9)" in told.text
    assert "可以零报告" in told.text
    assert "不接受零报告" in told.text


async def test_seen_is_quiet_until_the_due_day(office: "Office") -> None:
    await office.at("03-26 09:00")
    reminder = await office.liaison.hear("报送提醒")
    tap = await office.liaison.tap(reminder, "已知悉")
    assert "截止当日之前不再提醒" in await tap.answered()
    left = await office.liaison.hear(matching=lambda message: "已知悉" not in message.labels)
    assert left.labels[-1] == "需要什么"
    office.liaison.skip()
    await office.at("03-30 09:00")
    await office.at("04-01 09:00")
    assert [message for message in office.liaison.from_bot if message.sent_at.day == 1] == []
    await office.at("04-02 09:00")
    await office.liaison.hear("今天截止")


async def test_buttons_of_another_department_are_refused(office: "Office") -> None:
    await office.at("03-26 09:00")
    ours = await office.liaison.hear("报送提醒")
    theirs = await office.other.hear("报送提醒")
    for button in ours.buttons:
        tap = await office.other.forge(theirs, button.data or "")
        assert "不能使用" in await tap.answered(), button
        assert tap.alert
    assert office.obligation("monthly_update", "2021-03").seen_at is None


async def test_forged_and_outdated_data_are_answered_and_change_nothing(office: "Office") -> None:
    await office.at("03-26 09:00")
    reminder = await office.liaison.hear("报送提醒")
    for data in (
        "hand_in:0",
        "hand_in:999999",
        "hand_in:-1",
        "hand_in:1;DROP TABLE hand_in",
        "as:1:1",
        "as:1",
        "drop:99999999999999999999",
        "drop:999999999999999",
        "hand_in:9999999999",
        "seen:999999999999999-1",
        "confirm:999999999999999999",
        "v:999999999999999999:y",
        "vp:999999999999999999:1",
        "seen:1",
        "seen:0-0",
        "undo_for_good:1",
        "nonsense",
        ":",
        "零报告",
        "x" * 64,
    ):
        tap = await office.liaison.forge(reminder, data)
        assert await tap.answered(), data
        assert tap.alert, data
    assert office.hand_ins() == []


async def test_nobody_reachable_is_told_to_the_administrators(office: "Office") -> None:
    await office.other.block()
    await office.settled()
    await office.at("03-26 09:00")
    told = await office.admin.hear("无人可以联系")
    assert "商务局" in told.text
    assert "财政局" not in told.text
    await office.other.unblock()
    await office.settled()
    await office.at("03-30 09:00")
    await office.other.hear("报送提醒")


async def test_after_the_deadline_the_notice_and_two_more_reminders(office: "Office") -> None:
    await office.at("04-02 09:00")
    await office.at("04-03 00:10")
    office.liaison.skip()
    await office.at("04-06 09:00")
    notice = await office.liaison.hear("扣分通知")
    assert "未报" in notice.text
    assert notice.text.count("：扣1分") == 3
    for day in ("04-09 09:00", "04-14 09:00", "04-19 09:00"):
        await office.at(day)
    assert len([message for message in office.liaison.from_bot if "催报" in message.text]) == 2
