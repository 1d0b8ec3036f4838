"""The office's work on deadlines, through the chat: lists, reminders, extensions, holds, and help."""

from datetime import date, timedelta

import pytest
from sqlmodel import select

from scheduler.duties import assign_duty
from scheduler.frame import Frame
from scheduler.tables import Obligation
from store.db import transaction
from store.people import Department


@pytest.fixture
async def owing(office):
    """财政局 owes the monthly update since March, and was never told of it, so it is held."""
    with transaction(office.engine) as session:
        unit = session.exec(select(Department).where(Department.code == "fin")).one()
        assign_duty(
            Frame.of(session),
            unit,
            "monthly_update",
            since=date(2021, 3, 1),
            now=office.sandbox.clock.now().replace(month=3),
        )
    # One minute opens what was never opened, the next settles it.
    for _ in range(2):
        office.sandbox.clock.advance(timedelta(minutes=1))
        await office.settled()
    return office


def _obligation(office, period) -> Obligation:
    with transaction(office.engine) as session:
        return session.exec(select(Obligation).where(Obligation.period == period)).one()


async def test_lists_who_owes_what_and_reminds_from_there(owing):
    listed = await owing.says("甲", "待报")
    assert "未报　" in listed.text
    assert "2021年3月工作动态" in listed.text
    assert "人事局　收不到消息" in listed.text
    shown = await owing.taps("甲", "催报")
    assert "将提醒1个单位，共1项：财政局" in shown.text
    asked = await owing.taps("甲", "补单位")
    assert "请选择单位" in asked.text
    shown = await owing.taps("甲", "财政局")
    assert "单位：财政局" in shown.text
    done = await owing.taps("甲", "确认")
    assert "已催报" in done.text
    assert any(one.text.startswith("催报") for one in owing.people["丁"].from_bot)


async def test_a_department_sees_its_own_list_only(owing):
    listed = await owing.says("丁", "待报")
    assert "财政局" in listed.text
    assert "人事局" not in listed.text
    assert "催报" not in listed.labels


@pytest.mark.parametrize(("day", "said"), [("4月2日", "按时"), ("4月4日", "逾期")])
async def test_the_preview_of_what_was_received_says_whether_it_was_in_time(owing, day, said):
    shown = await owing.says("甲", f"代收 财政局 工作动态 3月 {day} OA 收文15号")
    assert f"认定：{said}（截止2021年4月2日" in shown.text
    shown = await owing.says("甲", "代收 财政局 工作动态 3月 2月4日 OA 收文15号")
    assert "2021年3月在2021年2月4日还没有开始" in shown.text


async def test_decides_what_is_held_from_the_list(owing):
    listed = await owing.says("甲", "待定")
    assert "截止前没有一次提醒送达" in listed.text
    asked = await owing.taps("甲", "核定")
    assert "财政局 2021-03 工作动态" in asked.labels or any("工作动态" in label for label in asked.labels)
    asked = await owing.taps("甲", next(label for label in asked.labels if "工作动态" in label))
    assert {"扣分", "免报"} <= set(asked.labels)
    asked = await owing.taps("甲", "扣分")
    shown = await owing.says("甲", "经核实未报")
    assert "日常 40.00 → 39.00" in shown.text
    done = await owing.taps("甲", "确认")
    assert "已核定：扣分" in done.text
    [entry] = owing.entries()
    assert (entry.item, entry.source) == ("daily.8.monthly", "auto")
    said = await owing.says("甲", "待定")
    assert "目前没有待核定的事项" in said.text


async def test_extends_in_one_line_and_tells_the_department(owing):
    shown = await owing.says("甲", "延期 财政局 工作动态 3月 4月9日 系统升级")
    assert "报送事项：财政局 2021年3月工作动态" in shown.text
    assert "延期至：2021年4月9日（周五）24:00" in shown.text
    await owing.taps("甲", "确认")
    assert _obligation(owing, "2021-03").due_at.isoformat() == "2021-04-09T16:00:00+00:00"
    assert any("延期通知" in one.text for one in owing.people["丁"].from_bot)


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("延期 财政局 工作动态 3月 4月31日 理由", "看不懂日期"),
        ("延期 财政局 工作动态 13月 4月9日", "没有"),
        ("延期 财政局 月报 3月 4月9日", "没有找到报送事项“月报”"),
        ("延期 #999 4月9日", "没有找到报送事项"),
        ("延期 财政局 工作动态 3月 3月9日", "须晚于现在的截止时间"),
        ("免报 人事局 工作动态 3月", "不承担"),
        ("代收 财政局 工作动态 3月 4月2日 16:00 微博 某号", "不是收文渠道"),
        ("退回 财政局 工作动态 3月 4月20日 缺少数据", "还没有报送，不能退回"),
    ],
)
async def test_what_cannot_be_is_said_and_changes_nothing(owing, line, answer):
    before = _obligation(owing, "2021-03")
    said = await owing.says("甲", line)
    assert answer in said.text
    assert "确认" not in said.labels
    after = _obligation(owing, "2021-03")
    assert (after.due_at, after.exempted_at, after.handed_in_at) == (
        before.due_at,
        before.exempted_at,
        before.handed_in_at,
    )


async def test_receives_what_came_on_paper_at_its_real_time(owing):
    shown = await owing.says("甲", "代收 财政局 工作动态 3月 4月2日 16:00 纸质 收文12号")
    assert "收到时间：2021年4月2日16:00" in shown.text
    done = await owing.taps("甲", "确认")
    assert "按时" in done.text
    assert _obligation(owing, "2021-03").on_time


async def test_help_lists_what_each_role_may_do(office):
    said = await office.says("甲", "/help")
    for word in ("得分", "扣分", "代收", "核定", "导入", "邀请", "待确认"):
        assert f"· {word}：" in said.text
    said = await office.says("丁", "帮助")
    assert "· 得分：" in said.text
    assert "直接把文件发到这里" in said.text
    assert "· 扣分：" not in said.text
    said = await office.says("戊", "帮助")
    assert "· 扣分：" in said.text
    assert "· 加分：" not in said.text


async def test_help_says_of_the_own_department_what_a_department_sees(office):
    said = await office.says("丁", "帮助")
    assert "· 待报：查看本单位还有什么没有报送" in said.text
    assert "谁还没有报送" not in said.text
    said = await office.says("甲", "帮助")
    assert "· 待报：查看谁还没有报送什么" in said.text
