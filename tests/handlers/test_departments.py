"""What a department sees of itself, what is said to strangers and slips, and what happens when something breaks."""

from typing import TYPE_CHECKING

import pytest
from sqlmodel import Session
from telegram.ext import CommandHandler

from scheduler.tables import Obligation
from store import inbox
from store.people import Role
from tests.handlers.conftest import china

if TYPE_CHECKING:
    from tests.handlers.conftest import Office


@pytest.mark.parametrize("said", ["待报", "/pending", "　待报　"])
async def test_a_department_sees_what_it_owes(office: "Office", said: str) -> None:
    await office.at("03-26 09:00")
    await office.liaison.send(said)
    told = await office.liaison.hear(matching=lambda message: "报送提醒" not in message.text)
    assert "工作动态" in told.text
    assert "4月2日" in told.text
    assert "商务局" not in told.text


@pytest.mark.parametrize("said", ["得分", "/score", "得分 财政局", "得分财政局", "得分　ｃｚｊ"])
async def test_a_department_sees_its_own_score(office: "Office", said: str) -> None:
    await office.liaison.send(said)
    told = await office.liaison.hear("40.00")
    assert "财政局" in told.text
    assert "过程数据，以领导小组审定为准" in told.text


async def test_a_department_does_not_see_anothers_score(office: "Office") -> None:
    await office.liaison.send("得分 商务局")
    answer = await office.liaison.hear("")
    assert "40.00" not in answer.text


@pytest.mark.parametrize("said", ["/deduct 商务局 daily.7 迟到", "/rank", "/veto fin veto.1 x"])
async def test_commands_of_others_are_refused(office: "Office", said: str) -> None:
    await office.liaison.send(said)
    await office.liaison.hear("没有")
    assert (
        office.read(lambda session: session.connection().exec_driver_sql("SELECT count(*) FROM ledger_entry").scalar())
        == 0
    )


async def test_a_report_that_begins_like_a_command_is_a_report(office: "Office") -> None:
    await office.at("03-26 09:00")
    await office.liaison.send("提醒各科室落实营商环境任务，3月工作动态如下：走访企业15家")
    question = await office.liaison.hear("作为2021年3月工作动态报送？")
    await office.liaison.tap(question, "确认报送")
    await office.liaison.hear("已收到")


async def test_a_long_text_and_a_long_caption_are_taken_whole(office: "Office") -> None:
    await office.at("03-26 09:00")
    text = "3月工作动态：" + "=1+1<b>&😀" * 400
    await office.liaison.send(text)
    question = await office.liaison.hear("作为2021年3月工作动态报送？")
    await office.liaison.tap(question, "确认报送")
    await office.liaison.hear("已收到")
    caption = "一季度工作总结" + "<&😀" * 250
    await office.liaison.send_document("总结.docx", b"...", caption=caption)
    await office.liaison.hear("已收到：财政局 2021年第一季度工作总结")
    assert [one.text for one in office.hand_ins()] == [text, caption]


async def test_a_member_unit_or_a_leader_hands_in_nothing(office: "Office") -> None:
    leader = await office.newcomer("刘主任", Role.LEADING_GROUP)
    await leader.send("请各单位抓紧报送3月工作动态")
    await leader.hear("没有看懂这条消息")
    assert office.hand_ins() == []


async def test_what_breaks_is_said_with_a_number_and_told_to_the_administrators(office: "Office") -> None:
    async def broken(_update: object, _context: object) -> None:
        raise RuntimeError("<disk> & co")

    office.bot.hire().library.add_handler(CommandHandler("broken", broken), group=-1)
    await office.liaison.send("/broken")
    said = await office.liaison.hear("系统出现了故障")
    (row,) = office.read(inbox.dead)
    assert str(row.update_id) in said.text
    told = await office.admin.hear("有一条消息未能处理")
    assert str(row.update_id) in told.text
    await office.liaison.send("帮助")
    await office.liaison.hear("您的身份")


async def test_what_cannot_even_be_read_is_told_to_the_administrators_once(office: "Office") -> None:
    broken = {"update_id": 1, "message": {"chat": {"id": office.liaison.id}, "date": "yesterday"}}
    office.read(lambda session: inbox.receive(session, [broken], office.sandbox.clock.now()))
    office.bot.hire().dispatcher.wake()
    told = await office.admin.hear("有一条消息未能处理")
    assert "编号：1，" in told.text
    assert "发送人没有收到任何答复" in told.text
    await office.settled()
    assert len([one for one in office.admin.from_bot if "未能处理" in one.text]) == 1
    assert not any("故障" in one.text for one in office.liaison.from_bot)


async def test_a_clock_that_stands_still_is_told_to_the_administrators_and_made_up_for(office: "Office") -> None:
    """A row that nobody foresaw holds up everything that time does; nothing of it is lost."""
    await office.at("03-26 09:00")
    office.liaison.skip()
    one = office.obligation("monthly_update", "2021-03")

    def say(session: Session, year: int) -> None:
        session.get_one(Obligation, one.id).year = year

    office.read(lambda session: say(session, 1999))
    updates = office.sandbox.world.updates
    for minute in range(3):
        before = updates.polls
        office.sandbox.set_time(china(f"03-30 09:0{minute}"))
        await office.sandbox.until(lambda before=before: updates.polls > before)
    told = await office.admin.hear("到期事项没有办成")
    assert "连续3次" in told.text
    office.read(lambda session: say(session, 2021))
    await office.at("03-30 09:10")
    await office.liaison.hear("报送提醒")
