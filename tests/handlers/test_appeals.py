"""申请复核 as a liaison does it: from the notice to the receipt, in time, and what is meant otherwise."""

from typing import TYPE_CHECKING

import pytest
from sqlmodel import select

from sandbox.acts import Upload
from scoring import appeals
from scoring.appeal_tables import Appeal
from scoring.tables import LedgerEntry

if TYPE_CHECKING:
    from sandbox.views import MessageView
    from tests.handlers.conftest import Office


def appeals_in(office: "Office") -> list[Appeal]:
    return office.read(lambda session: list(session.exec(select(Appeal).order_by(Appeal.id))))  # type: ignore[arg-type]


def thread_in(office: "Office", number: int = 1) -> list[tuple[str, str | None]]:
    def said(session):  # type: ignore[no-untyped-def]
        return [(one.text, one.file_name) for one in appeals.thread_of(session, session.get_one(Appeal, number))]

    return office.read(said)


async def deducted(office: "Office", line: str = "扣分 财政局 daily.7 窗口无人") -> "MessageView":
    """赵主任 deducts by hand; the notice that 财政局 gets."""
    await office.admin.send(line)
    await office.admin.tap(await office.admin.hear("请核对"), "确认")
    await office.settled()
    return await office.liaison.hear("扣分通知")


async def asked(office: "Office", notice: "MessageView", *said: str) -> "MessageView":
    """Asks for review with these words; gives the receipt."""
    await office.liaison.tap(notice, "申请复核")
    await office.liaison.hear("请把理由写成文字发来")
    for text in said or ("当时窗口有人值守",):
        await office.liaison.send(text)
        shown = await office.liaison.hear("请核对")
    await office.liaison.tap(shown, "确认提交")
    return await office.liaison.hear("复核申请已提交")


class TestAsking:
    async def test_from_the_notice_to_the_receipt_with_words_and_files(self, office: "Office") -> None:
        await office.at("03-29 10:00")
        notice = await deducted(office)
        assert "申请复核" in notice.labels
        await office.liaison.tap(notice, "申请复核")
        question = await office.liaison.hear("请把理由写成文字发来")
        assert "期限：2021年4月6日（周二）24:00" in question.text
        await office.liaison.send("当时窗口有人值守 <b>&")
        shown = await office.liaison.hear("请核对")
        assert "当时窗口有人值守 <b>&" in shown.text
        await office.liaison.send_document("值班表.pdf", b"...", caption="3月值班表")
        shown = await office.liaison.hear("值班表.pdf（3月值班表）")
        assert shown.labels == ["确认提交", "取消"]
        assert appeals_in(office) == []
        await office.liaison.tap(shown, "确认提交")
        receipt = await office.liaison.hear("复核申请已提交")
        assert "编号：1" in receipt.text
        assert "附件：值班表.pdf" in receipt.text
        assert receipt.labels == ["补充材料", "撤回申请"]
        [appeal] = appeals_in(office)
        assert (appeal.state, appeal.entry_id) == ("open", 1)
        assert thread_in(office) == [("当时窗口有人值守 <b>&", None), ("3月值班表", "值班表.pdf")]
        assert office.hand_ins() == [], "what is for the review is no hand-in"

    async def test_the_administrators_get_entry_clause_words_and_files(self, office: "Office") -> None:
        await office.at("03-29 10:00")
        notice = await deducted(office)
        await office.liaison.tap(notice, "申请复核")
        await office.liaison.hear("请把理由写成文字发来")
        await office.liaison.send_document("值班表.pdf", b"roster")
        await office.liaison.tap(await office.liaison.hear("请核对"), "确认提交")
        await office.settled()
        told = await office.second.hear("申请复核")
        assert "#1 机关作风、工作纪律" in told.text
        assert "条款：方案1(7)" in told.text
        assert "经办：赵主任" in told.text
        assert "附件：值班表.pdf" in told.text
        assert told.labels == ["采纳", "不采纳", "查看经过"]
        file = office.second.from_bot[-1]
        assert file.file_name == "值班表.pdf"
        assert office.sandbox.file(file.file_id or "") == b"roster"

    async def test_an_album_is_shown_once_and_kept_whole(self, office: "Office") -> None:
        await office.at("03-29 10:00")
        await office.liaison.tap(await deducted(office), "申请复核")
        await office.liaison.hear("请把理由写成文字发来")
        await office.liaison.send_album([Upload("一.pdf", b"1"), Upload("二.pdf", b"2")], caption="证明")
        await office.settled()
        shown = await office.liaison.hear("请核对")
        assert len([one for one in office.liaison.from_bot if "请核对" in one.text]) == 1
        await office.liaison.tap(shown, "确认提交")
        receipt = await office.liaison.hear("复核申请已提交")
        assert "附件：一.pdf、二.pdf" in receipt.text
        assert [name for _, name in thread_in(office)] == ["一.pdf", "二.pdf"]

    async def test_a_button_of_an_earlier_screen_shows_all_of_it_first(self, office: "Office") -> None:
        await office.at("03-29 10:00")
        await office.liaison.tap(await deducted(office), "申请复核")
        await office.liaison.hear("请把理由写成文字发来")
        await office.liaison.send("第一条")
        early = await office.liaison.hear("请核对")
        await office.liaison.send("第二条")
        await office.liaison.hear("第二条")
        await office.liaison.tap(early, "确认提交")
        await office.settled()
        await office.liaison.hear("又收到了新的内容")
        assert appeals_in(office) == []

    async def test_every_line_of_a_notice_has_its_button(self, office: "Office") -> None:
        await office.at("04-02 09:00")
        await office.at("04-03 00:10")
        await office.at("04-06 09:00")
        notice = await office.liaison.hear("扣分通知")
        assert [label.split()[0] for label in notice.labels] == ["申请复核：#1", "申请复核：#2", "申请复核：#3"]
        await office.liaison.tap(notice, notice.labels[1])
        assert "#2 " in (await office.liaison.hear("请把理由写成文字发来")).text

    async def test_the_list_says_until_when_and_leads_there(self, office: "Office") -> None:
        await office.at("03-29 10:00")
        await deducted(office)
        await office.liaison.send("申请复核")
        listed = await office.liaison.hear("可以申请复核的记录")
        assert "#1 机关作风、工作纪律" in listed.text
        assert "2021年4月6日（周二）24:00前可以提出" in listed.text
        await office.liaison.tap(listed, listed.labels[0])
        await office.liaison.hear("请把理由写成文字发来")


class TestItsTime:
    async def test_it_runs_from_the_notice_and_the_messages_own_date_counts(self, office: "Office") -> None:
        """5 April 2021 is 清明: the fifth working day after 29 March is 6 April."""
        await office.at("03-29 10:00")
        notice = await deducted(office)
        await office.at("04-06 23:50")
        await office.liaison.tap(notice, "申请复核")
        await office.liaison.hear("请把理由写成文字发来")
        await office.liaison.send("有误")
        shown = await office.liaison.hear("请核对")
        await office.at("04-07 00:10")
        await office.liaison.tap(shown, "确认提交")
        await office.liaison.hear("复核申请已提交")
        assert appeals_in(office)[0].raised_at.isoformat().startswith("2021-04-06T15:50")

    async def test_what_is_written_after_it_is_late_and_nothing_is_swallowed(self, office: "Office") -> None:
        await office.at("03-29 10:00")
        notice = await deducted(office)
        await office.at("04-06 23:50")
        await office.liaison.tap(notice, "申请复核")
        await office.liaison.hear("请把理由写成文字发来")
        await office.at("04-07 00:10")
        await office.liaison.send("有误，我局当时有人值守")
        await office.liaison.hear("已于2021年4月6日（周二）24:00到期")
        await office.liaison.send_document("4月工作动态.docx", b"...", caption="4月工作动态")
        await office.liaison.hear("已收到")
        assert appeals_in(office) == []

    async def test_a_tap_after_it_is_refused(self, office: "Office") -> None:
        await office.at("03-29 10:00")
        notice = await deducted(office)
        await office.at("04-07 09:00")
        tap = await office.liaison.tap(notice, "申请复核")
        assert "到期" in await tap.answered()

    async def test_a_department_that_nobody_reads_for_has_not_been_told(self, office: "Office") -> None:
        await office.at("03-29 10:00")
        for person in (office.liaison, office.head):
            await person.block()
        await office.settled()
        await office.admin.send("扣分 财政局 daily.7 窗口无人")
        await office.admin.tap(await office.admin.hear("请核对"), "确认")
        await office.settled()

        def told(session):  # type: ignore[no-untyped-def]
            return appeals.told_at(session, session.get_one(LedgerEntry, 1))

        assert office.read(told) is None


class TestWhatIsNotForIt:
    async def test_a_draft_left_alone_is_forgotten(self, office: "Office") -> None:
        await office.at("03-29 10:00")
        await office.liaison.tap(await deducted(office), "申请复核")
        await office.liaison.hear("请把理由写成文字发来")
        await office.at("03-29 10:31")
        await office.liaison.send_document("动态.docx", b"...", caption="3月工作动态")
        await office.liaison.hear("已收到")

    @pytest.mark.parametrize("said", ["/help", "帮助"])
    async def test_commands_and_words_of_their_own_go_through(self, office: "Office", said: str) -> None:
        await office.at("03-29 10:00")
        await office.liaison.tap(await deducted(office), "申请复核")
        await office.liaison.hear("请把理由写成文字发来")
        await office.liaison.send(said)
        await office.liaison.hear("您的身份")

    async def test_a_reply_to_a_reminder_is_a_hand_in(self, office: "Office") -> None:
        await office.at("03-26 09:00")
        reminder = await office.liaison.hear("报送提醒")
        await office.at("03-29 10:00")
        await office.liaison.tap(await deducted(office), "申请复核")
        await office.liaison.hear("请把理由写成文字发来")
        await office.liaison.send_document("动态.docx", b"...", caption="工作动态", reply_to=reminder)
        await office.liaison.hear("已收到")

    async def test_what_was_begun_last_gets_the_next_file(self, office: "Office") -> None:
        await office.at("03-26 09:00")
        reminder = await office.liaison.hear("报送提醒")
        await office.at("03-29 10:00")
        await office.liaison.tap(await deducted(office), "申请复核")
        await office.liaison.hear("请把理由写成文字发来")
        await office.liaison.tap(reminder, "报送：2021年3月工作动态")
        await office.liaison.hear("工作动态")
        await office.liaison.send_document("动态.docx", b"...")
        await office.liaison.hear("已收到")

    async def test_cancelled_nothing_is_asked(self, office: "Office") -> None:
        await office.at("03-29 10:00")
        await office.liaison.tap(await deducted(office), "申请复核")
        question = await office.liaison.hear("请把理由写成文字发来")
        await office.liaison.tap(question, "取消")
        await office.liaison.hear("没有提交复核申请")
        assert appeals_in(office) == []

    async def test_another_department_cannot_press_it(self, office: "Office") -> None:
        await office.at("03-29 10:00")
        notice = await deducted(office)
        await asked(office, notice)
        for data in ("appeal:1", "appeal_more:1", "appeal_back:1", "appeal_backforgood:1"):
            tap = await office.other.forge(office.other.from_bot[-1], data)
            assert "不是贵单位的记录" in await tap.answered(), data
        tap = await office.other.forge(office.other.from_bot[-1], "appeal_files:1")
        assert "没有找到复核申请" in await tap.answered()
        assert appeals_in(office)[0].state == "open"
