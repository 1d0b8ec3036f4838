"""打分表 in the chat: out with what was given, back as a draft to review; nobody who hands in files is disturbed."""

import asyncio
import io
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

import openpyxl
import pytest
from sqlmodel import Session, select

from handlers import rating_files, waiting_files
from sandbox.facade import PersonView
from sandbox.faults import Fault
from sandbox.views import MessageView
from scheduler.hand_ins import LARGEST_FETCH
from scheduler.tables import HandInState
from scoring import seats
from store.blobs import Blob
from store.db import transaction
from store.drafts import Draft
from store.inbox import InboxUpdate
from store.outbox import OutboxMessage
from tests.handlers.raters.conftest import Round, card, give, open_round

if TYPE_CHECKING:
    from tests.handlers.conftest import Office

Cells = dict[str, object]
EVEN: Cells = {f"{column}6": 2 for column in "DEFGH"}
"""The first department's five aspects, all full marks."""


async def form_of(person: PersonView) -> MessageView:
    """Asks for the form by its button."""
    await person.send("打分")
    await person.tap(await card(person, "打分表"), "打分表")
    return await person.hear(matching=lambda message: bool(message.file_name))


def filled(office: "Office", sent: MessageView, cells: Cells) -> bytes:
    """The form with these cells, as a program saves it that does not calculate."""
    assert sent.file_id is not None
    book = openpyxl.load_workbook(io.BytesIO(office.sandbox.file(sent.file_id)))
    for cell, value in cells.items():
        book.worksheets[0][cell] = value
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def files_wait(office: "Office") -> int:
    return office.read(lambda session: len(session.exec(select(Draft).where(Draft.kind == rating_files.KIND)).all()))


def kept(office: "Office") -> Iterator[str]:
    """Everything the tables of messages and files hold, as text."""

    def look(session: Session) -> list[str]:
        blobs = [one.content.hex() for one in session.exec(select(Blob))]
        went = [f"{one.payload} {one.attachment}" for one in session.exec(select(OutboxMessage))]
        return [*blobs, *went, *(one.payload for one in session.exec(select(InboxUpdate)))]

    yield from office.read(look)


async def test_goes_out_and_comes_back_as_a_draft_to_review(office: "Office", departments: Round) -> None:
    sent = await form_of(office.head)
    assert sent.file_name == "打分表-部门评议-财政局.xlsx"
    assert "检查后再由您点“提交”" in sent.text
    await office.head.send_document("打分表-部门评议-财政局(1).xlsx", filled(office, sent, EVEN | {"J7": 7.5}))
    review = await card(office.head, "已读入2个部门", "还没有提交", "商务局　10", "政务服务局　7.5", "都评完了")
    assert departments.scores("财政局") == {"商务局": ["2"] * 5, "政务服务局": "7.5"}
    assert departments.state("财政局") == "started"
    assert all(box == ({}, 0) for box in departments.boxes().values())
    assert office.hand_ins() == []
    await office.head.tap(review, "提交")
    await office.head.tap(await card(office.head, "确定提交吗"), "确认提交，不再修改")
    await office.head.hear("已提交，谢谢您")
    await office.settled()
    assert departments.boxes()["商务局"] == ({"100000": 1}, 0)
    assert departments.boxes()["政务服务局"] == ({"75000": 1}, 0)


async def test_the_form_holds_what_was_tapped_before(office: "Office", departments: Round) -> None:
    await office.head.send("打分")
    await office.head.tap(await card(office.head, "开始：商务局"), "开始：商务局")
    await give(office.head, await card(office.head, "商务局　1／2"), "五项", "1.5")
    await card(office.head, "政务服务局　2／2")
    sent = await form_of(office.head)
    page = openpyxl.load_workbook(io.BytesIO(office.sandbox.file(sent.file_id))).worksheets[0]
    assert [cell.value for cell in page[6]][2:8] == ["商务局", 1.5, 1.5, 1.5, 1.5, 1.5]
    await office.head.send_document("打分表.xlsx", filled(office, sent, dict.fromkeys(EVEN, None) | {"K7": "√"}))
    await card(office.head, "已读入1个部门")
    assert departments.scores("财政局") == {"商务局": ["1.5"] * 5, "政务服务局": "弃权"}


async def test_what_a_form_leaves_empty_stays_as_it_was(office: "Office", departments: Round) -> None:
    sent = await form_of(office.head)
    await office.head.tap(await card(office.head, "开始：商务局"), "开始：商务局")
    await give(office.head, await card(office.head, "商务局　1／2"), "五项", "1.5")
    await card(office.head, "政务服务局　2／2")
    await office.head.send_document("打分表.xlsx", filled(office, sent, {"D6": 2, "D7": 1}))
    await card(office.head, "已读入2个部门")
    assert departments.scores("财政局") == {"商务局": ["2", *["1.5"] * 4], "政务服务局": ["1", "", "", "", ""]}


async def test_of_two_places_the_one_that_is_over_keeps_no_form_from_the_other(
    office: "Office", departments: Round
) -> None:
    with transaction(office.engine) as session:
        seats.enter(session, year=2021, panel="leaders", name="李局长")
    later = open_round(office, "leaders", days=timedelta(days=9))
    assert await later.invite("李局长") is office.head
    await office.settled()
    await office.at("03-31 08:01")
    await office.head.send("打分表")
    sent = await office.head.hear(matching=lambda message: bool(message.file_name))
    assert sent.file_name == "打分表-领导评议-李局长.xlsx"


async def test_nothing_of_a_form_stays_in_the_tables(office: "Office", departments: Round) -> None:
    sent = await form_of(office.head)
    form = filled(office, sent, EVEN)
    mine = await office.head.send_document("打分表.xlsx", form)
    await card(office.head, "已读入1个部门")
    await office.settled()
    said = "\n".join(kept(office))
    assert form.hex() not in said
    assert mine.file_id not in said
    assert "商务局　10" not in said
    assert office.read(lambda session: session.exec(select(Blob)).all()) == []
    form_row = select(OutboxMessage).where(OutboxMessage.method == "sendDocument")
    assert [one.attachment for one in office.read(lambda session: session.exec(form_row).all())] == [None]
    assert files_wait(office) == 0


async def test_faults_are_named_by_cell_and_nothing_is_read(office: "Office", departments: Round) -> None:
    sent = await form_of(office.head)
    await office.head.send_document("打分表.xlsx", filled(office, sent, EVEN | {"D6": 3, "E7": "好"}))
    said = await office.head.hear("有2处需要改正，没有读入任何分数")
    assert "D6：“3”超出范围，请填0到2" in said.text
    assert "E7：“好”看不明白" in said.text
    assert departments.scores("财政局") == {"商务局": None, "政务服务局": None}
    await office.settled()
    assert not any("超出范围" in text for text in kept(office))
    await office.head.send_document("打分表.xlsx", filled(office, sent, EVEN))
    await card(office.head, "已读入1个部门")


async def test_a_figure_that_would_fill_a_book_is_a_fault_like_any_other(office: "Office", departments: Round) -> None:
    sent = await form_of(office.head)
    cells = EVEN | {"D6": "1E999999999", "J6": 10, "J7": "9" * 5000}
    await office.head.send_document("打分表.xlsx", filled(office, sent, cells))
    said = await office.head.hear("有2处需要改正，没有读入任何分数")
    assert "D6：“1E999999999”看不明白" in said.text
    assert "J7：“99999" in said.text
    assert len(said.text) < 300
    await office.head.send_document("打分表.xlsx", filled(office, sent, EVEN))
    await card(office.head, "已读入1个部门")


async def test_an_empty_form_is_said_to_be_empty(office: "Office", departments: Round) -> None:
    sent = await form_of(office.head)
    await office.head.send_document("打分表.xlsx", filled(office, sent, {}))
    await office.head.hear("还没有填分")


async def test_what_a_head_hands_in_is_not_taken_for_a_form(office: "Office", departments: Round) -> None:
    await office.head.send_document("2021年3月工作动态.xlsx", b"PK\x03\x04", caption="3月工作动态")
    await office.head.hear("工作动态")
    await office.head.send_document("打分表.xlsx", b"PK\x03\x04", caption="3月工作动态")
    await office.settled()
    assert len(office.hand_ins()) == 2
    assert files_wait(office) == 0
    # Nobody who rates nowhere is asked about forms.
    await office.liaison.send_document("打分表.xlsx", b"PK\x03\x04")
    await office.settled()
    assert len(office.hand_ins()) == 3


async def test_what_turns_out_to_be_none_can_still_be_handed_in_at_its_time(
    office: "Office", departments: Round
) -> None:
    book, out = openpyxl.Workbook(), io.BytesIO()
    book.save(out)
    sent_at = office.sandbox.clock.now().replace(microsecond=0)
    await office.head.send_document("打分表汇总.xlsx", out.getvalue())
    asked = await office.head.hear("没有“表号”")
    assert office.hand_ins() == []
    office.sandbox.advance(minutes=20)
    forged = await office.other.forge(asked, asked.buttons[0].data)
    assert "给别人用的" in await forged.answered()
    await office.head.tap(asked, "作为材料报送")
    await office.head.hear("是哪一项")
    await office.settled()
    [one] = office.hand_ins()
    assert one.state == HandInState.WAITING
    assert one.sent_at == sent_at
    assert [file.name for file in office.files()] == ["打分表汇总.xlsx"]
    again = await office.head.forge(asked, asked.buttons[0].data)
    assert await again.answered()
    await office.settled()
    assert len(office.hand_ins()) == 1


async def test_a_renamed_form_is_known_by_its_caption_or_by_what_it_answers(
    office: "Office", departments: Round
) -> None:
    sent = await form_of(office.head)
    await office.head.send_document("x.xlsx", filled(office, sent, EVEN), caption="打分表")
    await card(office.head, "已读入1个部门")
    await office.head.send_document("y.xlsx", filled(office, sent, {"J7": 3}), reply_to=sent)
    await card(office.head, "《y.xlsx》已读入1个部门")
    assert departments.scores("财政局") == {"商务局": ["2"] * 5, "政务服务局": "3"}
    assert office.hand_ins() == []


async def test_a_rater_of_no_department_may_call_it_what_he_likes(office: "Office", leaders: Round) -> None:
    leader = await leaders.invite("王主任")
    sent = await form_of(leader)
    cells: Cells = {f"J{row}": 25.5 for row in (6, 7, 8)}
    await leader.send_document("工作簿1.xlsx", filled(office, sent, cells), caption="请查收")
    await card(leader, "已读入3个部门")
    assert leaders.scores("王主任") == {"财政局": "25.5", "商务局": "25.5", "政务服务局": "25.5"}
    await leader.send_document("票.pdf", b"%PDF-1.4")
    await leader.hear("这是扫描件")


async def test_an_assistant_fetches_it_and_brings_it_back(office: "Office", leaders: Round) -> None:
    assistant = await leaders.invite("小刘", assistant_of="王主任")
    await assistant.send("打分表")
    sent = await assistant.hear(matching=lambda message: bool(message.file_name))
    assert sent.file_name == "打分表-领导评议-王主任.xlsx"
    await assistant.send_document("打分表-领导评议-王主任.xlsx", filled(office, sent, {"J6": 20}))
    await card(assistant, "已读入1个部门", "代王主任")
    assert leaders.scores("王主任")["财政局"] == "20"


async def test_what_a_leader_has_begun_is_not_read_over(office: "Office", leaders: Round) -> None:
    leader, assistant = await leaders.invite("王主任"), await leaders.invite("小刘", assistant_of="王主任")
    theirs = await form_of(leader)
    await leader.send_document("打分表.xlsx", filled(office, theirs, {"J6": 30}))
    await card(leader, "已读入1个部门")
    await assistant.send("打分表")
    sent = await assistant.hear(matching=lambda message: bool(message.file_name))
    page = openpyxl.load_workbook(io.BytesIO(office.sandbox.file(sent.file_id))).worksheets[0]
    assert page["J6"].value is None  # What he has given is none of the assistant's business.
    await assistant.send_document("打分表.xlsx", filled(office, sent, {"J6": 20}))
    await assistant.hear("王主任已在打分")
    assert leaders.scores("王主任")["财政局"] == "30"


async def test_forms_of_others_and_of_other_ratings_are_refused(office: "Office", leaders: Round) -> None:
    leader = await leaders.invite("王主任")
    office_form = await form_of(leader)
    stranger = await leaders.invite("陈书记")
    await stranger.send_document("打分表.xlsx", filled(office, office_form, {"J6": 20}))
    await stranger.hear("这是别人的打分表")
    forged = filled(office, office_form, {"J6": 20, "B3": "PY2021-77-1-ABCD"})
    await leader.send_document("打分表.xlsx", forged)
    await leader.hear("这是另一次评议（2021年）的打分表")
    assert leaders.scores("王主任")["财政局"] is None


async def test_its_date_decides_and_what_comes_late_is_told_so(office: "Office", leaders: Round) -> None:
    leader = await leaders.invite("王主任")
    sent = await form_of(leader)
    office.sandbox.set_time(leaders.closes_at)
    await leader.send_document("打分表.xlsx", filled(office, sent, {"J6": 20}))
    await leader.hear("截止，不能再打分")
    assert leaders.draft("王主任") is None or leaders.scores("王主任")["财政局"] is None


async def test_after_submission_a_form_changes_nothing(office: "Office", leaders: Round) -> None:
    leader = await leaders.invite("王主任")
    sent = await form_of(leader)
    content = filled(office, sent, {f"J{row}": 25.5 for row in (6, 7, 8)})
    await leader.send_document("打分表.xlsx", content)
    await leader.tap(await card(leader, "已读入3个部门"), "提交")
    await leader.tap(await card(leader, "确定提交吗"), "确认提交，不再修改")
    await leader.hear("已提交，谢谢您")
    await leader.send_document("打分表.xlsx", filled(office, sent, {"J6": 1}))
    await leader.hear("您的评议已经提交，不能再修改")
    await leader.send("打分表")
    await leader.hear("您的评议已经提交，不能再修改")
    assert leaders.boxes()["财政局"] == ({"255000": 1}, 0)


async def test_a_file_that_cannot_be_had_is_told(office: "Office", leaders: Round) -> None:
    leader = await leaders.invite("王主任")
    await form_of(leader)
    sent = await leader.send_document("打分表.xlsx", b"0" * (LARGEST_FETCH + 1))
    assert sent.file_id
    await leader.hear("超过20MB")
    assert files_wait(office) == 0


async def test_a_form_for_one_place_outlives_the_submission_of_the_other(office: "Office", leaders: Round) -> None:
    first, second = (
        await leaders.invite("小刘", assistant_of="王主任"),
        await leaders.invite("小刘", assistant_of="赵主任"),
    )
    assert first is second
    await first.send("打分表")
    forms = [
        await first.hear(matching=lambda one, name=name: name in (one.file_name or "")) for name in ("王主任", "赵主任")
    ]
    await first.send_document("打分表.xlsx", filled(office, forms[0], {f"J{row}": 25.5 for row in (6, 7, 8)}))
    review = await card(first, "已读入3个部门")
    office.sandbox.fault(Fault("server_error", method="getFile"))
    await first.send_document("打分表.xlsx", filled(office, forms[1], {"J6": 20}))
    await tried(office, 1)
    await first.tap(review, "提交")
    await first.tap(await card(first, "确定提交吗"), "确认提交，不再修改")
    await first.hear("已提交，谢谢您")
    office.sandbox.advance(seconds=20)
    await card(first, "已读入1个部门")
    assert leaders.scores("赵主任")["财政局"] == "20"


async def test_a_form_is_tried_again_and_given_up_in_the_end(office: "Office", leaders: Round) -> None:
    leader = await leaders.invite("王主任")
    sent = await form_of(leader)
    office.sandbox.fault(Fault("server_error", method="getFile"))
    await leader.send_document("打分表.xlsx", filled(office, sent, {"J6": 20}))
    await tried(office, 1)
    assert leaders.scores("王主任")["财政局"] is None
    office.sandbox.advance(seconds=20)
    await card(leader, "已读入1个部门")
    office.sandbox.fault(Fault("server_error", method="getFile", times=None))
    await leader.send_document("打分表.xlsx", filled(office, sent, {"J6": 21}))
    for times in range(1, waiting_files.TRIES):
        await tried(office, times)
        office.sandbox.advance(minutes=2)
    await leader.hear("没有取到，请重新发送")
    assert leaders.scores("王主任")["财政局"] == "20"
    assert files_wait(office) == 0


async def tried(office: "Office", times: int) -> None:
    """Waits until fetching the one form has failed so many times."""

    def look(session: Session) -> bool:
        file = session.exec(select(Draft).where(Draft.kind == rating_files.KIND)).first()
        return file is not None and file.data["tries"] >= times

    async with asyncio.timeout(20):
        while not office.read(look):  # noqa: ASYNC110 - another thread writes
            await asyncio.sleep(0.01)


async def test_a_rehearsals_form_finds_no_later_rating(office: "Office") -> None:
    with transaction(office.engine) as session:
        seats.enter(session, year=2021, panel="leaders", name="王主任")
    practice = open_round(office, "leaders", rehearsal=True)
    leader = await practice.invite("王主任")
    sent = await form_of(leader)
    office.sandbox.set_time(practice.closes_at)
    office.sandbox.advance(minutes=30)
    await office.settled()
    real = open_round(office, "leaders")
    await leader.send_document("打分表.xlsx", filled(office, sent, {"J6": 20}))
    await leader.hear("这是另一次评议")
    assert real.draft("王主任") is None


@pytest.mark.parametrize("data", ["bf:1", "bf:999999999:999999999", "bf:x:y", "bh:999999999", "bh:x"])
async def test_forged_buttons_are_answered(office: "Office", leaders: Round, data: str) -> None:
    leader = await leaders.invite("王主任")
    sent = await form_of(leader)
    tap = await leader.forge(sent, data)
    assert await tap.answered()


async def test_the_blank_form_of_paper_ballots_is_offered_where_the_file_is_asked_for(
    office: "Office", leaders: Round
) -> None:
    await office.admin.send("录入现场票")
    asked = await office.admin.hear(matching=lambda message: "领导评议" in message.labels)
    assert "取模板" not in asked.labels
    await office.admin.tap(asked, "领导评议")
    await office.admin.tap(await office.admin.hear(matching=lambda message: "取模板" in message.labels), "取模板")
    sent = await office.admin.hear(matching=lambda message: bool(message.file_name))
    assert sent.file_name == "现场票.xlsx"
    book = openpyxl.load_workbook(io.BytesIO(office.sandbox.file(sent.file_id)))
    assert book.sheetnames == [f"票{number}" for number in range(1, 31)]
