"""The 双公示 ledger comes in: it counts at once, is fetched and checked; findings go back by row and column."""

import asyncio
import io
from typing import TYPE_CHECKING

import pytest
import xlsxwriter

from sandbox.faults import Fault
from scheduler import layouts
from scheduler.tables import FileCheck
from store import blobs

if TYPE_CHECKING:
    from tests.handlers.conftest import Office

PERMITS = layouts.load("publicity-2018").tables[0]
CAPTION = "3月双公示台账"


def ledger(*rows: dict[str, str]) -> bytes:
    """A workbook in the national layout."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out)
    page = book.add_worksheet("行政许可")
    for place, column in enumerate(PERMITS.columns):
        page.write_string(0, place, column.title)
        for number, row in enumerate(rows):
            page.write_string(1 + number, place, row.get(column.title, ""))
    book.close()
    return out.getvalue()


async def test_findings_come_back_by_sheet_row_and_column(office: "Office") -> None:
    await office.at("04-02 10:00")
    content = ledger({"行政相对人名称": "<某>&公司", "许可决定日期": "2021/02/30"})
    await office.liaison.send_document("台账.xlsx", content, caption=CAPTION)
    receipt = await office.liaison.hear("已收到")
    assert "按时" in receipt.text
    assert "台账内容正在核对" in receipt.text
    told = await office.liaison.hear("核对结果")
    assert "〔行政许可〕第2行" in told.text
    assert "没有这一天" in told.text
    (file,) = office.files()
    assert file.verdict == FileCheck.FINDINGS
    assert office.read(lambda session: blobs.get(session, file.blob or "")) == content


async def test_a_scan_is_left_to_an_administrator_and_counts(office: "Office") -> None:
    await office.at("04-02 10:00")
    await office.liaison.send_document("盖章扫描件.pdf", b"%PDF-1.4 ...", caption=CAPTION)
    told = await office.liaison.hear("待核实")
    assert "扫描件" in told.text
    listed = await office.admin.hear("待核实：财政局 2021年3月“双公示”台账")
    assert "张三报送" in listed.text
    assert office.obligation("publicity_ledger", "2021-03").on_time
    assert office.files()[0].verdict == FileCheck.UNREADABLE


async def test_what_no_bot_can_fetch_counts_and_is_left_to_an_administrator(office: "Office") -> None:
    await office.at("04-02 10:00")
    await office.liaison.send_document("台账.xlsx", bytes(25 * 1024 * 1024), caption=CAPTION)
    receipt = await office.liaison.hear("已收到")
    assert "文件超过20 MB" in receipt.text
    assert "按时" in receipt.text
    await office.liaison.hear("待核实")
    listed = await office.admin.hear("待核实")
    assert "25MB" in listed.text
    assert office.files()[0].fetch_error == "too_large"
    assert office.obligation("publicity_ledger", "2021-03").on_time


async def test_a_national_encoding_is_read(office: "Office") -> None:
    await office.at("04-02 10:00")
    titles = ",".join(column.title for column in PERMITS.columns)
    await office.liaison.send_document("台账.csv", titles.encode("gb18030"), caption=CAPTION)
    await office.liaison.hear("没有数据行")


async def test_papers_without_a_check_are_kept_in_silence(office: "Office") -> None:
    await office.at("04-02 10:00")
    await office.liaison.send_document("动态.docx", b"word", caption="3月工作动态")
    await office.liaison.hear("已收到")
    await until_fetched(office)
    (file,) = office.files()
    assert file.verdict is None
    assert office.read(lambda session: blobs.get(session, file.blob or "")) == b"word"
    assert "核对" not in office.liaison.from_bot[-1].text


async def test_a_file_whose_purpose_is_said_later_is_checked_then(office: "Office") -> None:
    await office.at("04-02 10:00")
    await office.liaison.send_document("表.xlsx", ledger())
    question = await office.liaison.hear("请问是哪一项")
    await office.liaison.tap(question, "2021年3月“双公示”台账")
    await office.liaison.hear("没有数据行")


async def test_a_line_that_breaks_is_tried_again(office: "Office") -> None:
    await office.at("04-02 10:00")
    office.sandbox.fault(Fault("server_error", method="getFile", times=2))
    await office.liaison.send_document("动态.docx", b"word", caption="3月工作动态")
    await office.liaison.hear("已收到")
    await until_fetched(office, minutes=1)


async def until_fetched(office: "Office", minutes: float = 0) -> None:
    """Waits until the bytes are there, while the clock moves on by so much at every look."""
    async with asyncio.timeout(30):
        while any(file.blob is None for file in office.files()):
            await asyncio.sleep(0.05)
            if minutes:
                office.sandbox.advance(minutes=minutes)
                await office.settled()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04broken", b"<html><table></table></html>"])
async def test_a_broken_file_is_answered_and_stops_nothing(office: "Office", content: bytes) -> None:
    await office.at("04-02 10:00")
    await office.liaison.send_document("台账.xlsx", content or b" ", caption=CAPTION)
    await office.liaison.hear("待核实")
    await office.liaison.send_document("台账.xlsx", ledger({"行政相对人名称": "某公司"}), caption=CAPTION)
    await office.liaison.hear("核对结果")
