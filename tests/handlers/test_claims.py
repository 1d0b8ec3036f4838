"""加分申报 in chat: a liaison claims with a link, a file or a picture; an administrator grants or refuses."""

from typing import TYPE_CHECKING

from sqlmodel import select

from scoring.claim_tables import BonusClaim
from scoring.tables import LedgerEntry
from tests.scoring.test_claims import docx

if TYPE_CHECKING:
    from sandbox.views import MessageView
    from tests.handlers.conftest import Office


def claims_in(office: "Office") -> list[BonusClaim]:
    return office.read(lambda session: list(session.exec(select(BonusClaim).order_by(BonusClaim.id))))  # type: ignore[arg-type]


def entries_in(office: "Office") -> list[LedgerEntry]:
    return office.read(lambda session: list(session.exec(select(LedgerEntry).order_by(LedgerEntry.id))))  # type: ignore[arg-type]


async def claimed(office: "Office", line: str) -> "MessageView":
    """One line and 确认; gives what the administrators get."""
    await office.liaison.send(line)
    await office.liaison.tap(await office.liaison.hear("请核对"), "确认")
    await office.liaison.hear("加分申报已提交")
    await office.settled()
    return await office.admin.hear("加分申报")


REPORT = "申报加分 bonus.3.municipal 3月28日 https://news.cn/1 优化营商环境见实效"


async def test_guided_from_the_list_with_a_word_file_in_which_a_keyword_stands(office: "Office") -> None:
    await office.at("03-29 10:00")
    await office.liaison.send("加分申报")
    await office.liaison.tap(await office.liaison.hear("还没有申报过加分"), "申报加分")
    await office.liaison.tap(await office.liaison.hear("请选择加分项目"), "下一页 ›")
    await office.liaison.send("bonus.3.municipal")
    await office.liaison.hear("请输入刊发、批示或表彰的日期")
    await office.liaison.send("3月28日")
    await office.liaison.tap(await office.liaison.hear("请粘贴链接"), "不填")
    await office.liaison.hear("请发送材料文件")
    report = docx("我区政务", "服务再提速")
    await office.liaison.send_document("报道.docx", report)
    await office.liaison.hear("请输入标题或事由")
    await office.liaison.send("《一枚印章管审批》")
    shown = await office.liaison.hear("请核对")
    assert "找到关键词：政务服务" in shown.text
    await office.liaison.tap(shown, "确认")
    await office.liaison.hear("加分申报已提交")
    await office.settled()
    told = await office.second.hear("加分申报")
    assert "财政局　第1号" in told.text
    assert "《一枚印章管审批》" in told.text
    assert "找到关键词：政务服务" in told.text
    await office.second.tap(told, "看材料")
    await office.settled()
    sent = office.second.from_bot[-1]
    assert (sent.file_name, office.sandbox.file(sent.file_id or "")) == ("报道.docx", report)
    assert office.hand_ins() == [], "the file of a claim is no hand-in"


async def test_a_picture_will_do_and_one_or_the_other_there_must_be(office: "Office") -> None:
    await office.at("03-29 10:00")
    await office.liaison.send("申报加分 bonus.2.zone 3月28日")
    await office.liaison.tap(await office.liaison.hear("请粘贴链接"), "不填")
    await office.liaison.tap(await office.liaison.hear("请发送材料文件"), "不填")
    await office.liaison.hear("请输入标题或事由")
    await office.liaison.send("管委会通报表扬")
    again = await office.liaison.hear("请附上链接或材料文件")
    await office.liaison.tap(again, "上一步")
    await office.liaison.hear("请发送材料文件")
    png = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89"
    await office.liaison.send_photo(png)
    await office.liaison.hear("请输入标题或事由")
    await office.liaison.send("管委会通报表扬")
    await office.liaison.tap(await office.liaison.hear("请核对"), "确认")
    await office.liaison.hear("加分申报已提交")
    [claim] = claims_in(office)
    assert (claim.file_name or "").endswith(".jpg")


async def test_a_claim_without_keyword_says_so_to_both(office: "Office") -> None:
    await office.at("03-29 10:00")
    await office.liaison.send("申报加分 bonus.3.municipal 3月28日 https://news.cn/2 春季植树")
    shown = await office.liaison.hear("请核对")
    assert "未找到关键词" in shown.text
    await office.liaison.tap(shown, "确认")
    await office.settled()
    assert "未找到关键词" in (await office.admin.hear("加分申报")).text


async def test_granted_by_button_the_department_gets_its_points_and_hears_of_it(office: "Office") -> None:
    await office.at("03-29 10:00")
    told = await claimed(office, REPORT)
    await office.admin.tap(told, "同意加分")
    shown = await office.admin.hear("请核对")
    assert "加分 0.00 → 2.00" in shown.text
    await office.admin.tap(shown, "确认")
    await office.admin.hear("已同意第1号申报")
    await office.liaison.hear("加分通知")
    assert [(one.item, one.reason) for one in entries_in(office)] == [("bonus.3.municipal", "优化营商环境见实效")]
    await office.liaison.send("加分申报")
    assert "已加分（台账号#1）" in (await office.liaison.hear("加分申报（1件）")).text


async def test_refused_with_a_reason(office: "Office") -> None:
    await office.at("03-29 10:00")
    told = await claimed(office, REPORT)
    await office.admin.tap(told, "不同意")
    await office.admin.hear("请输入理由")
    await office.admin.send("不属于规定的媒体")
    await office.admin.tap(await office.admin.hear("请核对"), "确认")
    notice = await office.liaison.hear("加分申报结果通知")
    assert "理由：不属于规定的媒体" in notice.text
    assert entries_in(office) == []
    assert [one.state for one in claims_in(office)] == ["refused"]


async def test_a_full_cap_is_said_before_it_is_claimed_and_to_the_office(office: "Office") -> None:
    await office.at("03-29 10:00")
    await office.admin.send("加分 财政局 bonus.3.district 6 媒体报道六篇")
    await office.admin.tap(await office.admin.hear("请核对"), "确认")
    await office.admin.hear("已记加分")
    await office.liaison.send("申报加分 bonus.3.district 3月28日 https://news.cn/3 诚信建设再出发")
    shown = await office.liaison.hear("请核对")
    assert "区级媒体宣传报道已满3分，再加不计分" in shown.text
    await office.liaison.tap(shown, "确认")
    await office.settled()
    assert "区级媒体宣传报道已满3分" in (await office.second.hear("加分申报")).text


async def test_buttons_are_for_those_whose_they_are(office: "Office") -> None:
    await office.at("03-29 10:00")
    await claimed(office, REPORT)
    for data, said in (("claim_grant:1", "没有"), ("claim_refuse:1", "没有"), ("claim_file:1", "没有找到加分申报")):
        tap = await office.other.forge(office.other.from_bot[-1], data)
        assert said in await tap.answered(), data
    tap = await office.other.forge(office.other.from_bot[-1], "claim_add:5")
    await tap.answered()
    assert [one.state for one in claims_in(office)] == ["open"]


async def test_the_offices_list_has_its_buttons(office: "Office") -> None:
    await office.at("03-29 10:00")
    await claimed(office, REPORT)
    await office.second.send("加分申报")
    listed = await office.second.hear("待办加分申报")
    assert listed.labels == ["同意第1号", "不同意第1号"]
    await office.second.tap(listed, "同意第1号")
    await office.second.hear("请核对")
