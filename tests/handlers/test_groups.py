"""Groups that speak for a department: bound by who may, reminded, handed in from, moved to a supergroup."""

from typing import TYPE_CHECKING

import pytest

from sandbox.facade import GroupView
from store import people

if TYPE_CHECKING:
    from tests.handlers.conftest import Office


@pytest.fixture
async def group(office: "Office") -> GroupView:
    """财政局's group with its liaison, somebody from another department, and the bot; not bound yet."""
    group = office.sandbox.group("财政局报送群", [office.liaison, office.other, office.admin])
    await group.add_bot()
    await group.hear("/bind")
    return group


async def bound(office: "Office", group: GroupView) -> GroupView:
    await office.liaison.send("/bind", chat=group)
    await group.hear("本群已绑定财政局（经办：张三）")
    return group


def speaks_for(office: "Office", chat_id: int) -> str | None:
    department = office.read(lambda session: people.department_of_group(session, chat_id))
    return department.name if department else None


async def test_a_group_is_bound_by_its_department_or_an_administrator(office: "Office", group: GroupView) -> None:
    stranger = office.sandbox.person("路人")
    await group.join(stranger)
    await stranger.send("/bind 财政局", chat=group)
    await group.hear("您还没有登记")
    await office.other.send("/bind 财政局", chat=group)
    await group.hear("只有财政局的联络员、负责人或考评管理员可以办理")
    await office.admin.send("/bind", chat=group)
    await group.hear("请写明绑定哪个单位")
    assert speaks_for(office, group.id) is None
    await office.admin.send("/bind czj", chat=group)
    await group.hear("本群已绑定财政局（经办：赵主任）")
    await office.other.send("/bind", chat=group)
    await group.hear("请先由该单位或考评管理员发送 /unbind")
    assert speaks_for(office, group.id) == "财政局"


async def test_a_bound_group_is_reminded_and_hands_in_by_an_answer(office: "Office", group: GroupView) -> None:
    await bound(office, group)
    await office.at("03-26 09:00")
    reminder = await group.hear("报送提醒")
    await office.liaison.send_document("动态.docx", b"...", caption="3月工作动态", reply_to=reminder, chat=group)
    await group.hear("已收到：财政局 2021年3月工作动态")
    await office.liaison.send_document("总结.docx", b"...", caption="@kaoping_bot 一季度工作总结", chat=group)
    await group.hear("已收到：财政局 2021年第一季度工作总结")


async def test_talk_in_a_group_is_none_of_the_bots_business(office: "Office", group: GroupView) -> None:
    await bound(office, group)
    await group.promote_bot()
    await office.at("03-26 09:00")
    await group.hear("报送提醒")
    said = len(group.from_bot)
    await office.liaison.send("明天开会，大家把3月工作动态准备好", chat=group)
    await office.liaison.send_document("会议通知.docx", b"...", chat=group)
    await office.liaison.send("报送", chat=group)
    await office.settled()
    assert len(group.from_bot) == said
    assert office.hand_ins() == []


async def test_who_is_not_of_the_department_hands_in_nothing_there(office: "Office", group: GroupView) -> None:
    await bound(office, group)
    await office.at("03-26 09:00")
    reminder = await group.hear("报送提醒")
    await office.other.send_document("动态.docx", b"...", caption="3月工作动态", reply_to=reminder, chat=group)
    await group.hear("只有该单位的联络员或负责人可以办理")
    tap = await office.other.tap(reminder, "已知悉")
    assert "只有该单位的联络员或负责人可以办理" in await tap.answered()
    assert tap.alert
    assert office.hand_ins() == []
    assert office.obligation("monthly_update", "2021-03").seen_at is None


async def test_a_question_in_a_group_is_answered_by_who_was_asked(office: "Office", group: GroupView) -> None:
    await bound(office, group)
    await group.join(office.head)
    await office.at("03-26 09:00")
    await office.liaison.send_document("材料.docx", b"...", caption="@kaoping_bot", chat=group)
    question = await group.hear("请问是哪一项")
    tap = await office.head.tap(question, "2021年3月工作动态")
    assert "不能使用" in await tap.answered()
    assert office.obligation("monthly_update", "2021-03").handed_in_at is None
    await office.liaison.tap(question, "2021年3月工作动态")
    await group.hear("已收到")


async def test_a_nil_report_in_a_group(office: "Office", group: GroupView) -> None:
    await bound(office, group)
    await office.at("03-26 09:00")
    reminder = await group.hear("报送提醒")
    await office.liaison.tap(reminder, "报送：2021年3月“双公示”台账")
    await group.hear("张三，请回复本条消息发送")
    assert group.keyboard(office.liaison.id) == ["零报告：2021年3月“双公示”台账"]
    assert group.keyboard(office.other.id) == []
    await office.liaison.press("零报告：2021年3月“双公示”台账", chat=group)
    await group.hear("已收到零报告")


async def test_the_binding_survives_the_move_to_a_supergroup(office: "Office", group: GroupView) -> None:
    await bound(office, group)
    moved = await group.migrate()
    await office.settled()
    assert speaks_for(office, moved.id) == "财政局"
    await office.at("03-26 09:00")
    await moved.hear("报送提醒")


async def test_a_group_that_throws_the_bot_out_speaks_for_nobody(office: "Office", group: GroupView) -> None:
    await bound(office, group)
    await group.remove_bot()
    await office.settled()
    assert speaks_for(office, group.id) is None
    await office.at("03-26 09:00")
    await office.liaison.hear("报送提醒")


async def test_binding_is_ended_by_who_may(office: "Office", group: GroupView) -> None:
    await bound(office, group)
    await office.other.send("/unbind", chat=group)
    await group.hear("只有财政局的联络员、负责人或考评管理员可以办理")
    await office.liaison.send("@kaoping_bot 解绑", chat=group)
    await group.hear("绑定已解除")
    assert speaks_for(office, group.id) is None
    await office.liaison.send("/bind")
    await office.liaison.hear("请在要绑定的群里发送")
