"""Handing in, as a liaison does it: files, texts, albums, nil reports; what counts, when, and what is answered."""

from typing import TYPE_CHECKING

import pytest

from sandbox.acts import Upload
from scheduler.tables import HandInState

if TYPE_CHECKING:
    from tests.handlers.conftest import Office


async def test_a_file_whose_caption_names_it_counts_at_once(office: "Office") -> None:
    await office.at("03-26 09:00")
    await office.liaison.send_document("动态.docx", b"...", caption="3月工作动态")
    receipt = await office.liaison.hear("已收到")
    assert "财政局 2021年3月工作动态" in receipt.text
    assert "编号：1\n时间：2021年3月26日09:00:00　按时" in receipt.text
    assert "动态.docx（1 KB）" in receipt.text
    assert office.obligation("monthly_update", "2021-03").handed_in_at is not None


async def test_a_file_without_context_is_kept_with_its_date_until_its_sender_says_what_it_is_for(
    office: "Office",
) -> None:
    await office.at("04-02 23:59")
    await office.liaison.send_document("材料.pdf", b"...")
    question = await office.liaison.hear("请问是哪一项")
    assert "2021年4月2日23:59:00" in question.text
    assert question.labels == [
        "2021年3月工作动态",
        "2021年3月“双公示”台账",
        "2021年第一季度工作总结",
        "2021年4月工作动态（提前）",
        "2021年4月“双公示”台账（提前）",
        "2021年第二季度工作总结（提前）",
        "不是报送",
    ]
    await office.at("04-03 00:05")
    await office.liaison.tap(question, "2021年第一季度工作总结")
    receipt = await office.liaison.hear("已收到")
    assert "2021年4月2日23:59:00　按时" in receipt.text
    assert receipt.id == question.id, "the receipt stands in place of the question"
    assert office.obligation("quarterly_summary", "2021Q1").on_time


async def test_a_question_answered_twice_changes_nothing_the_second_time(office: "Office") -> None:
    await office.at("03-26 09:00")
    await office.liaison.send_document("材料.pdf", b"...")
    question = await office.liaison.hear("请问是哪一项")
    data = question.buttons[0].data
    await office.liaison.tap(question, question.labels[1])
    await office.liaison.hear("已收到")
    again = await office.liaison.forge(question, data or "")
    assert "已经报送" in await again.answered()
    assert again.alert
    assert office.obligation("monthly_update", "2021-03").handed_in_at is None


async def test_what_is_said_to_be_no_hand_in_is_none(office: "Office") -> None:
    await office.at("03-26 09:00")
    await office.liaison.send_document("照片.zip", b"...")
    question = await office.liaison.hear("请问是哪一项")
    await office.liaison.tap(question, "不是报送")
    await office.liaison.hear("没有作为报送")
    assert [one.state for one in office.hand_ins()] == [HandInState.DROPPED]


async def test_a_text_counts_once_confirmed_with_the_date_of_its_message(office: "Office") -> None:
    await office.at("04-02 23:58")
    await office.liaison.send("3月工作动态：完成营商环境专题培训2次，走访企业15家 <b>&😀")
    question = await office.liaison.hear("作为2021年3月工作动态报送？")
    assert question.labels == ["确认报送", "不是报送"]
    assert office.obligation("monthly_update", "2021-03").handed_in_at is None
    await office.at("04-03 00:03")
    await office.liaison.tap(question, "确认报送")
    receipt = await office.liaison.hear("已收到")
    assert "2021年4月2日23:58:00　按时" in receipt.text
    assert office.hand_ins()[0].text == "3月工作动态：完成营商环境专题培训2次，走访企业15家 <b>&😀"


@pytest.mark.parametrize("said", ["收到", "好的，谢谢", "👌", "确认", "收到，马上报", "明天交"])
async def test_an_acknowledgement_is_no_hand_in(office: "Office", said: str) -> None:
    await office.at("03-26 09:00")
    reminder = await office.liaison.hear("报送提醒")
    await office.liaison.send(said, reply_to=reminder)
    await office.liaison.hear("没有作为报送")
    assert office.hand_ins() == []


async def test_files_sent_together_are_one_hand_in_with_one_receipt(office: "Office") -> None:
    await office.at("03-26 09:00")
    files = [Upload(f"动态{number}.pdf", b"...") for number in range(3)]
    await office.liaison.send_album(files, caption="3月工作动态")
    receipt = await office.liaison.hear("已收到")
    await office.settled()
    assert "同一组发出的文件一并计入" in receipt.text
    assert len([message for message in office.liaison.from_bot if "已收到" in message.text]) == 1
    assert len(office.hand_ins()) == 1
    assert [file.name for file in office.files()] == ["动态0.pdf", "动态1.pdf", "动态2.pdf"]


async def test_an_album_without_caption_is_asked_about_once(office: "Office") -> None:
    await office.at("03-26 09:00")
    await office.liaison.send_album([Upload("a.pdf", b"..."), Upload("b.pdf", b"...")])
    question = await office.liaison.hear("请问是哪一项")
    await office.liaison.tap(question, "2021年3月工作动态")
    await office.liaison.hear("已收到")
    assert len(office.hand_ins()) == 1
    assert len(office.files()) == 2


async def test_a_nil_report_is_a_key_with_a_date_of_its_own(office: "Office") -> None:
    await office.at("04-02 09:00")
    reminder = await office.liaison.hear("今天截止")
    await office.liaison.tap(reminder, "报送：2021年3月“双公示”台账")
    await office.liaison.hear("零报告")
    assert office.liaison.keys == ["零报告：2021年3月“双公示”台账"]
    await office.liaison.press("零报告：2021年3月“双公示”台账")
    receipt = await office.liaison.hear("已收到零报告")
    assert "按时" in receipt.text
    assert office.obligation("publicity_ledger", "2021-03").on_time


async def test_a_nil_report_is_refused_where_papers_are_asked_for(office: "Office") -> None:
    await office.at("04-02 09:00")
    await office.liaison.send("零报告：一季度工作总结")
    await office.liaison.hear("不接受零报告")
    assert office.hand_ins() == []


async def test_a_bare_nil_report_is_for_the_only_thing_that_may_be_nil(office: "Office") -> None:
    await office.at("04-02 09:00")
    await office.liaison.send("零报告")
    await office.liaison.hear("已收到零报告：财政局 2021年3月“双公示”台账")
    await office.liaison.send("零报告：2021年3月“双公示”台账")
    await office.liaison.hear("已经报送，不必再零报告")
    assert len(office.hand_ins()) == 1


async def test_a_nil_report_may_name_first_what_it_is_for(office: "Office") -> None:
    await office.at("04-02 09:00")
    await office.liaison.send("工作动态零报告")
    await office.liaison.hear("不接受零报告")
    await office.liaison.send("3月双公示台账：零报告。")
    await office.liaison.hear("已收到零报告：财政局 2021年3月“双公示”台账")
    await office.liaison.send("4月工作动态：落实零报告制度")
    await office.liaison.hear("作为2021年4月工作动态报送？")


async def test_a_file_kept_waiting_is_not_for_a_period_that_began_after_it(office: "Office") -> None:
    await office.at("03-26 09:00")
    await office.liaison.send_document("空.docx", b"...")
    question = await office.liaison.hear("请问是哪一项")
    for day in ("04-02 09:00", "04-25 09:00", "04-26 09:00", "04-28 09:00"):
        await office.at(day)
    later = office.obligation("monthly_update", "2021-04")
    tap = await office.liaison.forge(question, f"as:{office.hand_ins()[0].id}:{later.id}")
    assert "已经失效" in await tap.answered()
    assert office.obligation("monthly_update", "2021-04").handed_in_at is None


async def test_a_supplement_after_the_deadline_leaves_an_on_time_hand_in_on_time(office: "Office") -> None:
    await office.at("04-02 16:00")
    await office.liaison.send_document("总结.docx", b"...", caption="一季度工作总结")
    receipt = await office.liaison.hear("按时")
    await office.at("04-06 10:00")
    await office.liaison.send_document("附表.xlsx", b"...", reply_to=receipt)
    supplement = await office.liaison.hear("已收到补充材料")
    assert "按时" in supplement.text
    assert "不影响按时认定" in supplement.text
    assert office.obligation("quarterly_summary", "2021Q1").on_time


async def test_what_comes_late_is_told_so_and_what_follows(office: "Office") -> None:
    await office.at("04-02 09:00")
    await office.at("04-03 00:00")
    await office.liaison.send_document("总结.docx", b"...", caption="一季度工作总结")
    receipt = await office.liaison.hear("已收到")
    assert "逾期" in receipt.text
    assert "截止时间为2021年4月2日（周五）24:00" in receipt.text
    assert receipt.labels == []
    await office.at("04-06 09:00")
    notice = await office.liaison.hear("扣分通知")
    assert "2021年第一季度工作总结：扣1分" in notice.text
    assert "逾期，2021年4月3日00:00报送" in notice.text
    assert "此前提醒" in notice.text
    assert "申请复核" in notice.text


async def test_a_hand_in_is_withdrawn_until_the_deadline_and_not_after(office: "Office") -> None:
    await office.at("04-02 16:00")
    await office.liaison.send_document("总结.docx", b"...", caption="一季度工作总结")
    receipt = await office.liaison.hear("已收到")
    await office.liaison.tap(receipt, "撤回")
    sure = await office.liaison.hear(matching=lambda message: "确认撤回" in message.labels)
    await office.liaison.tap(sure, "不撤回")
    kept = await office.liaison.hear(matching=lambda message: message.labels == ["撤回"])
    await office.liaison.tap(kept, "撤回")
    sure = await office.liaison.hear(matching=lambda message: "确认撤回" in message.labels)
    await office.head.forge(sure, "undo_for_good:99")
    await office.liaison.tap(sure, "确认撤回")
    await office.liaison.hear("恢复为未报")
    assert office.obligation("quarterly_summary", "2021Q1").handed_in_at is None

    await office.liaison.send_document("总结.docx", b"...", caption="一季度工作总结")
    receipt = await office.liaison.hear("已收到")
    await office.at("04-03 00:00")
    late = await office.liaison.tap(receipt, "撤回")
    assert "不能撤回" in await late.answered()
    assert office.obligation("quarterly_summary", "2021Q1").on_time


async def test_what_is_due_later_is_taken_before_it_opens(office: "Office") -> None:
    await office.at("04-06 10:00")
    await office.liaison.send_document("动态.docx", b"...", caption="4月工作动态")
    receipt = await office.liaison.hear("已收到")
    assert "2021年4月工作动态" in receipt.text
    assert office.obligation("monthly_update", "2021-04").on_time


async def test_an_edited_message_changes_nothing_and_says_so(office: "Office") -> None:
    await office.at("03-26 09:00")
    message = await office.liaison.send("3月工作动态：走访企业15家，解决问题3件")
    question = await office.liaison.hear("作为2021年3月工作动态报送？")
    await office.liaison.tap(question, "确认报送")
    await office.liaison.hear("已收到")
    await office.liaison.edit(message, "3月工作动态：走访企业50家，解决问题3件")
    await office.liaison.hear("不会更新报送内容")
    assert office.hand_ins()[0].text == "3月工作动态：走访企业15家，解决问题3件"


async def test_a_picture_counts_like_a_file(office: "Office") -> None:
    png = bytes.fromhex(
        "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
        "0000000c4944415408d763f8cfc000000301010018dd8db00000000049454e44ae426082"
    )
    await office.at("03-26 09:00")
    await office.liaison.send_photo(png, caption="3月工作动态")
    receipt = await office.liaison.hear("已收到")
    assert "照片" in receipt.text


async def test_names_and_captions_that_look_like_markup_are_shown_as_they_are(office: "Office") -> None:
    await office.at("03-26 09:00")
    await office.liaison.send_document("<b>=1+1&😀.docx", b"...", caption="3月工作动态 <i>&amp;")
    receipt = await office.liaison.hear("已收到")
    assert "<b>=1+1&😀.docx" in receipt.text


async def test_somebody_who_speaks_for_nobody_hands_in_nothing(office: "Office") -> None:
    await office.at("03-26 09:00")
    stranger = office.sandbox.person("路人")
    await stranger.start()
    await stranger.hear("您还没有登记")
    await stranger.send_document("材料.pdf", b"...")
    await stranger.hear("请向考评管理员索取邀请链接")
    await office.admin.send_document("材料.pdf", b"...")
    await office.admin.hear("不是任何单位的联络员")
    assert office.hand_ins() == []


async def test_what_cannot_be_handed_in_is_answered(office: "Office") -> None:
    await office.at("03-26 09:00")
    await office.liaison.send("/nonsense 1")
    await office.liaison.hear("没有“/nonsense”这个命令")
    await office.liaison.send("嗯？")
    await office.liaison.hear("没有看懂")
    assert office.hand_ins() == []
