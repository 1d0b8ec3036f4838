"""Personal links of raters: as a list and as a sheet to send around, and in no table once they are out."""

import io
import re
from typing import TYPE_CHECKING

import openpyxl
from sqlmodel import select

from scoring import seats
from store.blobs import Blob
from store.db import transaction
from store.outbox import OutboxMessage

if TYPE_CHECKING:
    from tests.handlers.conftest import Office


async def test_links_come_as_a_sheet_that_is_kept_nowhere(office: "Office") -> None:
    with transaction(office.engine) as session:
        seats.enter(session, year=2021, panel="enterprises", name="王经理", unit="=甲公司")
        seats.enter(session, year=2021, panel="enterprises", name="李经理", unit="乙公司")
    await office.admin.send("评议链接 企业")
    await office.admin.tap(await office.admin.hear("李经理"), "确认")
    listed = await office.admin.hear("每个链接只能由本人使用一次")
    sent = await office.admin.hear(matching=lambda message: bool(message.file_name))
    assert sent.file_name == "2021年度企业评议个人链接.xlsx"
    assert sent.file_id is not None
    [page] = openpyxl.load_workbook(io.BytesIO(office.sandbox.file(sent.file_id))).worksheets
    rows = [[cell.value for cell in row] for row in page.iter_rows(min_row=5, max_row=6)]
    assert [row[:3] for row in rows] == [["企业评议", "王经理", "=甲公司"], ["企业评议", "李经理", "乙公司"]]
    assert page["C5"].data_type == "s"
    links = [str(row[3]) for row in rows]
    assert all(link.startswith("https://t.me/kaoping_bot?start=") for link in links)
    assert sorted(re.findall(r"start=([\w-]{22})", listed.text)) == sorted(link[-22:] for link in links)
    assert any("不要发到群里" in str(cell.value) for row in page.iter_rows() for cell in row)
    # Whoever follows one comes in.
    person = office.sandbox.person("李经理")
    await person.start(links[1])
    await person.hear("您是评议人")
    await office.settled()

    def kept(session) -> str:
        went = [f"{one.payload} {one.attachment}" for one in session.exec(select(OutboxMessage))]
        return "\n".join([*went, *(one.content.hex() for one in session.exec(select(Blob)))])

    said = office.read(kept)
    assert not any(link[-22:] in said for link in links)
    assert office.read(lambda session: session.exec(select(Blob)).all()) == []
