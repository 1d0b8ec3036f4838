"""Tasks in the departments' chat: what is sent for one is progress or its completion, and who may take which back."""

from typing import TYPE_CHECKING

import pytest
from sqlmodel import select

from handlers.task_reports import said
from sandbox.acts import Upload
from scheduler.tables import HandInState, Obligation, Task
from tests.handlers.test_ledger_check import until_fetched

if TYPE_CHECKING:
    from sandbox.facade import MessageView
    from tests.handlers.conftest import Office


def task(office: "Office", title: str = "整改窗口排队问题") -> Obligation:
    """The obligation that a task is, as it stands."""
    query = select(Obligation).join(Task).where(Task.title == title)
    return office.read(lambda session: session.exec(query).one())


async def given(office: "Office", line: str = "督办 财政局 daily.10.overdue 4月9日 整改窗口排队问题") -> "MessageView":
    """A task, given by an administrator on the first morning; what its department is told of it."""
    await office.admin.send(line)
    preview = await office.admin.hear("新增任务", matching=lambda one: "确认" in one.labels)
    await office.admin.tap(preview, "确认")
    await office.admin.hear("已新增任务")
    return await office.liaison.hear("任务通知")


async def chosen(office: "Office") -> None:
    """The liaison says that what follows is for the task."""
    await office.at("03-30 09:00")
    await office.liaison.send("报送")
    listed = await office.liaison.hear(matching=lambda one: any("整改窗口" in label for label in one.labels))
    await office.liaison.tap(listed, next(label for label in listed.labels if "整改窗口" in label))
    asked = await office.liaison.hear("请发送")
    assert "请写明“进展”或“办结”" in asked.text


async def test_a_file_without_words_is_asked_about_and_progress_settles_nothing(office: "Office") -> None:
    notice = await given(office)
    assert "请报送进展" in notice.text
    await chosen(office)
    await office.liaison.send_document("照片.pdf", b"half")
    question = await office.liaison.hear("是办理进展，还是已经办结？")
    assert question.labels == ["进展", "办结", "不是报送"]
    assert "《照片.pdf》" in question.text
    await office.liaison.tap(question, "进展")
    receipt = await office.liaison.hear("已收到进展")
    assert "进展不代替办结，请在2021年4月9日（周五）24:00前报送办结材料" in receipt.text
    assert receipt.labels == ["撤回"]
    assert task(office).handed_in_at is None
    (one,) = office.hand_ins()
    assert one.state == HandInState.PROGRESS
    await until_fetched(office)


async def test_completion_is_the_hand_in_with_the_date_of_its_message(office: "Office") -> None:
    await given(office)
    await chosen(office)
    await office.at("03-30 09:05")
    await office.liaison.send_document("照片.pdf", b"done")
    question = await office.liaison.hear("是办理进展，还是已经办结？")
    await office.at("04-10 00:03")
    await office.liaison.tap(question, "办结")
    receipt = await office.liaison.hear("2021年3月30日09:05:00　按时")
    assert receipt.id == question.id
    assert task(office).on_time
    again = await office.liaison.forge(question, f"progress:{office.hand_ins()[0].id}:{task(office).id}")
    assert "已经报送" in await again.answered()


@pytest.mark.parametrize(
    ("caption", "state"), [("办理进展：已增设2个窗口", HandInState.PROGRESS), ("已办结，附照片", HandInState.COUNTED)]
)
async def test_words_that_say_which_are_taken_at_once(office: "Office", caption: str, state: str) -> None:
    await given(office)
    await chosen(office)
    await office.liaison.send_document("照片.pdf", b"...", caption=caption)
    await office.liaison.hear("已收到")
    assert [one.state for one in office.hand_ins()] == [state]
    assert (task(office).handed_in_at is not None) is (state == HandInState.COUNTED)


async def test_a_file_whose_sender_picks_the_task_is_asked_about_then(office: "Office") -> None:
    await given(office)
    await office.at("03-30 09:00")
    await office.liaison.send_document("照片.pdf", b"...")
    question = await office.liaison.hear("请问是哪一项")
    await office.liaison.tap(question, "整改窗口排队问题")
    which = await office.liaison.hear("是办理进展，还是已经办结？")
    assert which.id == question.id
    await office.liaison.tap(which, "不是报送")
    await office.liaison.hear("没有作为报送")
    assert [one.state for one in office.hand_ins()] == [HandInState.DROPPED]


async def test_a_text_of_progress_is_kept_and_shown_to_both_sides(office: "Office") -> None:
    await given(office)
    await chosen(office)
    await office.liaison.send("任务进展：已增设2个窗口，<b>排队</b>时间减半")
    question = await office.liaison.hear("已收到文字")
    await office.liaison.tap(question, "进展")
    await office.liaison.hear("已收到进展")
    for who, line in ((office.liaison, "/tasks"), (office.admin, "看板")):
        await who.send(line)
        shown = await who.hear("最近进展（3月30日09:00）：任务进展：已增设2个窗口，<b>排队</b>时间减半")
        assert "整改窗口排队问题" in shown.text
    assert "还有7个工作日" in shown.text
    await office.liaison.send(f"查看任务 #{task(office).task_id}")
    shown = await office.liaison.hear("进展和办结")
    assert f"2021年3月30日09:00 进展，张三，编号{office.hand_ins()[0].id}：任务进展" in shown.text


async def test_words_about_a_task_from_a_department_are_no_command(office: "Office") -> None:
    await given(office)
    await office.at("03-30 09:00")
    await office.liaison.send("任务进展：已增设2个窗口")
    await office.liaison.hear("这段文字作为哪一项报送？")
    await office.liaison.send("任务 财政局")
    await office.liaison.hear("任务清单")


async def test_files_sent_together_are_progress_together(office: "Office") -> None:
    await given(office)
    await chosen(office)
    await office.liaison.send_album([Upload("a.pdf", b"1"), Upload("b.pdf", b"2")], caption="进展材料")
    await office.liaison.hear("已收到进展")
    await office.settled()
    assert [one.state for one in office.hand_ins()] == [HandInState.PROGRESS]
    assert len(office.files()) == 2


async def test_progress_is_withdrawn_by_its_department_alone(office: "Office") -> None:
    await given(office)
    await chosen(office)
    await office.liaison.send_document("照片.pdf", b"...", caption="进展")
    receipt = await office.liaison.hear("已收到进展")
    forged = await office.other.forge(receipt, f"undo:{office.hand_ins()[0].id}")
    assert "给别人用的" in await forged.answered()
    await office.liaison.tap(receipt, "撤回")
    sure = await office.liaison.hear(matching=lambda one: "确认撤回" in one.labels)
    await office.liaison.tap(sure, "确认撤回")
    await office.liaison.hear("任务的期限和办结情况不变")
    assert [one.state for one in office.hand_ins()] == [HandInState.WITHDRAWN]


async def test_a_duty_is_never_progress(office: "Office") -> None:
    await office.at("03-26 09:00")
    await office.liaison.send_document("材料.pdf", b"...", caption="3月工作动态进展")
    await office.liaison.hear("按时")
    await office.liaison.send_document("材料.pdf", b"...")
    question = await office.liaison.hear("请问是哪一项")
    quarterly = office.obligation("quarterly_summary", "2021Q1")
    forged = await office.liaison.forge(question, f"progress:{office.hand_ins()[1].id}:{quarterly.id}")
    assert "进展只用于任务" in await forged.answered()
    assert office.hand_ins()[1].state == HandInState.WAITING


async def test_what_comes_for_a_task_that_is_done_supplements(office: "Office") -> None:
    await given(office)
    await chosen(office)
    await office.liaison.send_document("报告.pdf", b"...", caption="办结报告")
    receipt = await office.liaison.hear("已收到")
    await office.liaison.send_document("附件.pdf", b"...", reply_to=receipt)
    await office.liaison.hear("已收到补充材料")


@pytest.mark.parametrize(
    ("words", "how"),
    [
        ("办结报告", "done"), ("已办结", "done"), ("全部办结，见附件", "done"), ("已整改到位", "done"),
        ("工作进展：已增设2个窗口", "progress"), ("尚未办结", "progress"), ("预计6月底前办结", "progress"),
        ("未能按期办结", "progress"), ("工作进展：已办结3项", None), ("附件", None), ("", None),
    ],
)  # fmt: skip
def test_words_are_read_with_care(words: str, how: str | None) -> None:
    """Where they say both or neither, the sender is asked."""
    assert said(words) == how
