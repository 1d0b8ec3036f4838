"""An appeal that is under way: its thread, the decision, and what everybody sees meanwhile."""

import io
from typing import TYPE_CHECKING

import openpyxl

from scoring.appeal_tables import Appeal
from store import people
from store.people import Role
from tests.handlers.test_appeals import appeals_in, asked, deducted, thread_in

if TYPE_CHECKING:
    from tests.handlers.conftest import Office


class TestTheThread:
    async def test_it_can_be_added_to_while_it_is_open(self, office: "Office") -> None:
        await office.at("03-29 10:00")
        receipt = await asked(office, await deducted(office))
        await office.liaison.tap(receipt, "补充材料")
        await office.liaison.hear("请把要补充的内容写成文字发来")
        await office.liaison.send_document("监控.zip", b"...")
        await office.liaison.tap(await office.liaison.hear("请核对"), "确认提交")
        await office.liaison.hear("补充材料已提交")
        await office.settled()
        assert "监控.zip" in (await office.admin.hear("复核申请补充材料")).text
        assert [name for _, name in thread_in(office)] == [None, "监控.zip"]

    async def test_it_can_be_taken_back_and_asked_again(self, office: "Office") -> None:
        await office.at("03-29 10:00")
        receipt = await asked(office, await deducted(office))
        await office.liaison.tap(receipt, "撤回申请")
        await office.liaison.tap(await office.liaison.hear("确定撤回"), "确认撤回")
        gone = await office.liaison.hear("第1号复核申请已撤回")
        await office.admin.hear("复核申请已撤回")
        await asked(office, gone, "再次申请")
        assert [one.state for one in appeals_in(office)] == ["withdrawn", "open"]

    async def test_it_is_read_by_the_department_and_the_leading_group_afterwards(self, office: "Office") -> None:
        await office.at("03-29 10:00")
        await asked(office, await deducted(office))
        await office.second.send("复核决定 #1 不采纳 监控显示无人")
        await office.second.tap(await office.second.hear("请核对"), "确认")
        await office.second.hear("不采纳，维持原记录")
        leader = await office.newcomer("孙主任", Role.LEADING_GROUP)
        for person in (office.liaison, leader, office.admin):
            await person.send("查看复核 #1")
            shown = await person.hear("复核申请第1号　财政局")
            assert "张三：当时窗口有人值守" in shown.text
            assert "决定：钱科长" in shown.text
            assert "理由：监控显示无人" in shown.text
        await office.other.send("查看复核 #1")
        await office.other.hear("没有找到复核申请")


class TestDeciding:
    async def test_accepted_the_points_come_back_and_both_sides_hear_of_it(self, office: "Office") -> None:
        await office.at("03-29 10:00")
        await asked(office, await deducted(office))
        await office.settled()
        await office.second.tap(await office.second.hear("申请复核"), "采纳")
        await office.second.hear("请输入理由")
        await office.second.send("核查属实，当时有人值守")
        shown = await office.second.hear("请核对")
        assert "日常 37.00 → 40.00" in shown.text
        await office.second.tap(shown, "确认")
        await office.second.hear("采纳，已冲销该记录")
        await office.settled()
        for person in (office.liaison, office.admin):
            told = await person.hear("复核结果通知")
            assert "采纳，冲销该记录" in told.text
            assert "理由：核查属实，当时有人值守" in told.text
        [appeal] = appeals_in(office)
        assert (appeal.state, appeal.reversal_id) == ("accepted", 2)

    async def test_whoever_recorded_it_can_only_propose(self, office: "Office") -> None:
        await office.at("03-29 10:00")
        await asked(office, await deducted(office))
        await office.admin.send("复核决定 #1 采纳 是我记错了")
        shown = await office.admin.hear("请核对")
        assert "这一记录由您经办或确认" in shown.text
        assert "可以确认的人：钱科长" in shown.text
        await office.admin.tap(shown, "提交确认")
        await office.admin.hear("已提交，待确认")
        await office.settled()
        assert appeals_in(office)[0].state == "open"
        proposal = await office.second.hear("请确认：复核决定")
        await office.second.tap(proposal, "确认")
        await office.liaison.hear("复核结果通知")

        def names(session):  # type: ignore[no-untyped-def]
            appeal = session.get_one(Appeal, 1)
            return appeal.decided_by != appeal.proposed_by, appeal.state

        assert office.read(names) == (True, "accepted")

    async def test_whoever_recorded_it_cannot_confirm_what_another_proposes(self, office: "Office") -> None:
        """钱科长 comes to be one of the department: his proposal goes to the leading group, not to the recorder."""
        await office.at("03-29 10:00")
        await asked(office, await deducted(office))
        leader = await office.newcomer("孙主任", Role.LEADING_GROUP)

        def appoint(session):  # type: ignore[no-untyped-def]
            person = people.person_of(session, office.second.id)
            people.appoint(session, person, Role.LIAISON, office.sandbox.clock.now(), 1)

        office.read(appoint)
        await office.second.send("复核决定 #1 采纳 应当撤销")
        shown = await office.second.hear("请核对")
        assert "提交后由领导小组决定" in shown.text
        await office.second.tap(shown, "提交确认")
        await office.settled()
        tap = await office.admin.forge(office.admin.from_bot[-1], "confirm:1")
        assert "不由您决定" in await tap.answered()
        await leader.tap(await leader.hear("请确认：复核决定"), "确认")
        await office.liaison.hear("复核结果通知")

    async def test_taken_back_otherwise_it_ends_by_itself(self, office: "Office") -> None:
        await office.at("03-29 10:00")
        await asked(office, await deducted(office))
        await office.admin.send("冲销 #1 记录有误")
        await office.admin.tap(await office.admin.hear("请核对"), "确认")
        await office.settled()
        await office.liaison.hear("复核申请已办结")
        assert appeals_in(office)[0].state == "accepted"

    async def test_a_lateness_exempted_ends_it_too(self, office: "Office") -> None:
        await office.at("04-02 09:00")
        await office.at("04-03 00:10")
        await office.at("04-06 09:00")
        notice = await office.liaison.hear("扣分通知")
        await office.liaison.tap(notice, notice.labels[0])
        await office.liaison.hear("请把理由写成文字发来")
        await office.liaison.send("系统故障")
        await office.liaison.tap(await office.liaison.hear("请核对"), "确认提交")
        await office.liaison.hear("复核申请已提交")
        for what in ("工作动态 3月", "台账 3月", "工作总结 一季度"):
            await office.admin.send(f"免报 财政局 {what} 系统故障")
            await office.admin.tap(await office.admin.hear("请核对"), "确认")
            await office.settled()
        await office.liaison.hear("复核申请已办结")


class TestMeanwhile:
    async def test_the_grade_is_open_on_every_view(self, office: "Office") -> None:
        await office.at("03-29 10:00")
        await asked(office, await deducted(office))
        await office.liaison.send("得分")
        await office.liaison.hear("档次 待定（1项复核中）")
        await office.admin.send("排名 日常")
        await office.admin.hear("财政局　37.00　待定（1项复核中）")
        await office.admin.send("排名")
        await office.admin.hear("1项复核中")

    async def test_the_exported_table_has_it_too(self, office: "Office") -> None:
        await office.at("03-29 10:00")
        await asked(office, await deducted(office))
        await office.admin.send("导出 得分表")
        await office.settled()
        sent = office.admin.from_bot[-1]
        book = openpyxl.load_workbook(io.BytesIO(office.sandbox.file(sent.file_id or "")))
        cells = {str(cell.value) for row in book.worksheets[0].iter_rows() for cell in row}
        assert "待定（1项复核中）" in cells

    async def test_a_preview_says_it(self, office: "Office") -> None:
        await office.at("03-29 10:00")
        await asked(office, await deducted(office))
        await office.second.send("复核决定 #1 不采纳 监控显示无人")
        shown = await office.second.hear("请核对")
        assert "档次 待定（1项复核中） → 待定" in shown.text

    async def test_the_monthly_summary_names_it(self, office: "Office") -> None:
        await office.at("04-02 09:00")
        await asked(office, await deducted(office))
        await office.at("04-03 00:10")
        await office.at("04-06 09:00")
        await office.admin.hear("复核中（档次待定）：财政局1项")

    async def test_the_queue_lists_what_is_open(self, office: "Office") -> None:
        await office.at("03-29 10:00")
        await office.admin.send("复核")
        await office.admin.hear("目前没有待复核的申请")
        await asked(office, await deducted(office))
        await office.second.send("复核")
        listed = await office.second.hear("待复核")
        assert "第1号　财政局" in listed.text
        await office.second.tap(listed, "查看第1号")
        shown = await office.second.hear("申请经过")
        assert shown.labels == ["采纳", "不采纳"]
