"""Files in the chat: the import form out and in, exports as documents, results in pages and as pictures."""

import io
import zipfile

import openpyxl
import pytest
from sqlmodel import select

from store import people
from store.db import transaction
from store.inbox import InboxUpdate
from store.outbox import OutboxMessage


async def _form(office) -> bytes:
    await office.says("甲", "导入")
    sent = await office.taps("甲", "取模板")
    assert sent.file_name == "考评导入表.xlsx"
    return office.sandbox.file(sent.file_id)


def _with(form: bytes, **sheets) -> bytes:
    book = openpyxl.load_workbook(io.BytesIO(form))
    for title, rows in sheets.items():
        for row in rows:
            book[title].append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


async def _hears(office, who, text):
    """Waits for a message of the bot with this text: files are fetched when nobody waits for an answer."""
    person = office.people[who]
    await office.sandbox.until(lambda: any(text in one.text for one in person.from_bot))
    await office.settled()
    return person.from_bot[-1]


async def test_imports_a_form_that_was_asked_for(office):
    form = _with(
        await _form(office), 部门=[["tax", "税务局", "双管单位", "是", "吉林市税务局", "否", "", "2021/01/01", "", ""]]
    )
    await office.people["甲"].send_document("导入.xlsx", form)
    shown = await _hears(office, "甲", "批量导入：请核对")
    assert "新增单位1个：税务局" in shown.text
    with transaction(office.engine) as session:
        assert "tax" not in {one.code for one in people.departments(session)}
    done = await office.taps("甲", "确认")
    assert "已导入" in done.text
    with transaction(office.engine) as session:
        assert ("tax", "吉林市税务局") in {(one.code, one.superior) for one in people.departments(session)}


async def test_imports_by_a_caption_and_gives_links(office):
    form = _with(await _form(office), 联系人=[["财政局", "新人", "负责人", "", ""]])
    await office.people["甲"].send_document("x.xlsx", form, caption="导入")
    await _hears(office, "甲", "邀请1人：新人（财政局负责人）")
    done = await office.taps("甲", "确认")
    assert "https://t.me/kaoping_bot?start=" in done.text
    link = next(line for line in done.text.splitlines() if "start=" in line).partition("：")[2]
    newcomer = office.sandbox.person("新人")
    await newcomer.start(link)
    await office.settled()
    assert "财政局负责人" in newcomer.from_bot[0].text


async def test_whoever_is_to_decide_waits_for_a_second_person(office):
    form = _with(await _form(office), 联系人=[["", "周主任", "领导小组", "", ""], ["财政局", "新人", "负责人", "", ""]])
    await office.people["甲"].send_document("x.xlsx", form, caption="导入")
    await _hears(office, "甲", "周主任（领导小组成员）")
    done = await office.taps("甲", "确认")
    assert "领导小组成员 周主任：第1号待确认事项" in done.text
    assert done.text.count("?start=") == 1
    asked = await _hears(office, "乙", "请确认：发邀请")
    assert "?start=" not in asked.text
    shown = await office.taps("乙", "确认", asked)
    newcomer = office.sandbox.person("周主任")
    token = shown.text.split("?start=")[1].split()[0]
    await newcomer.start(token)
    await office.settled()
    assert "领导小组" in newcomer.from_bot[-1].text
    with transaction(office.engine) as session:
        kept = [*session.exec(select(InboxUpdate.payload)), *session.exec(select(OutboxMessage.payload))]
    assert len(kept) > 10
    assert not any(token in payload for payload in kept)
    [told] = [one.text for one in office.people["甲"].from_bot if "第1号事项已确认" in one.text]
    assert "链接只显示给乙" in told
    assert "?start=" not in told


async def test_faults_are_named_by_sheet_and_cell_and_nothing_is_taken(office):
    form = _with(await _form(office), 部门=[["tax", "", "双管单位", "", "", "", "", "2021/02/30", "", ""]])
    await office.people["甲"].send_document("x.xlsx", form, caption="导入")
    said = await _hears(office, "甲", "没有导入任何内容")
    assert "〔部门〕B3：" in said.text
    assert "〔部门〕H3：" in said.text
    assert "确认" not in said.labels
    await office.people["甲"].send_document("y.xlsx", b"PK\x03\x04 broken")
    await _hears(office, "甲", "文件已损坏")
    with transaction(office.engine) as session:
        assert "tax" not in {one.code for one in people.departments(session)}


async def test_a_form_from_somebody_else_is_no_import(office):
    await office.people["丁"].send_document("x.xlsx", b"PK\x03\x04", caption="导入")
    await office.settled()
    assert not any("导入" in one.text and "读取" in one.text for one in office.people["丁"].from_bot)


async def test_a_file_of_more_than_a_bot_can_fetch_is_refused_at_once(office):
    await office.people["甲"].send_document("x.xlsx", b"0" * (20 * 1024 * 1024 + 1), caption="导入")
    await office.settled()
    assert "超过20MB" in office.people["甲"].from_bot[-1].text


async def test_exports_come_as_documents(office):
    await office.says("甲", "/deduct 财政局 daily.7 1 理由")
    await office.taps("甲", "确认")
    sent = await office.says("甲", "导出 台账")
    assert sent.file_name == "2021年度扣加分台账.xlsx"
    book = openpyxl.load_workbook(io.BytesIO(office.sandbox.file(sent.file_id)))
    assert any(cell.value == "理由" for row in book.worksheets[0].iter_rows() for cell in row)
    said = await office.says("甲", "导出 材料 3月")
    assert "没有符合条件的报送材料" in said.text
    asked = await office.says("甲", "导出")
    assert {"报送材料", "扣加分台账", "得分表"} <= set(asked.labels)
    assert zipfile.is_zipfile(io.BytesIO(office.sandbox.file(sent.file_id)))


async def test_a_long_score_is_turned_page_by_page(office):
    with transaction(office.engine) as session:
        from scoring import ledger

        unit = people.departments(session)[0]
        for number in range(60):
            ledger.post(
                session, department_id=unit.id, year=2021, item="daily.7", count=1,
                happened_at=office.sandbox.clock.now(), recorded_at=office.sandbox.clock.now(), recorded_by=None,
                source="admin", reason=f"第{number}件问题的事由",
            )  # fmt: skip
    first = await office.says("甲", "得分 财政局")
    assert "第1页，共" in first.text
    second = await office.taps("甲", "下一页 ›")
    assert second.id == first.id
    assert "第2页，共" in second.text
    shown, page = first.text, second
    while "下一页 ›" in page.labels:
        shown += page.text
        page = await office.taps("甲", "下一页 ›")
    shown += page.text
    assert all(f"第{number}件问题的事由" in shown for number in range(60))
    assert "日常考评 0.00／40" in first.text
    data = next(button.data for button in first.buttons if button.text == "下一页 ›")
    tap = await office.people["乙"].forge(office.people["乙"].from_bot[-1], data)
    assert "给别人用的" in await tap.answered()


@pytest.mark.parametrize(("line", "text"), [("排名 日常", "1. 财政局"), ("得分 财政局", "财政局　2021年")])
async def test_a_result_can_be_had_as_a_picture(office, line, text):
    said = await office.says("甲", line)
    assert text in said.text
    sent = await office.taps("甲", "发图片")
    assert sent.is_photo
    assert office.sandbox.file(sent.file_id).startswith(b"\x89PNG")


async def test_asks_for_the_department_of_a_score(office):
    asked = await office.says("甲", "/score")
    assert "请选择单位" in asked.text
    said = await office.taps("甲", "人事局")
    assert said.text.startswith("人事局　2021年")
