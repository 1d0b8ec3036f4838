"""Whatever people and machines do wrong: each gets an answer it can act on, and what is right is not lost among it.

The papers of January are due at the end of Tuesday 2 February. More of this, case by case, is tried where each is
handled (tests/handlers, tests/scheduler/test_publicity.py); here it comes all at once, to a bot that was down.
"""

import io
import os
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

import pytest
from sqlmodel import select

from sandbox.views import ChatView
from scheduler.tables import FileCheck, HandIn, HandInFile, HandInState
from scoring.tables import LedgerEntry
from store import inbox, outbox
from store.db import transaction
from store.times import CHINA

if TYPE_CHECKING:
    from tests.end_to_end.conftest import Stage

resource = pytest.importorskip("resource")
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="starts the bots by fork")

SHEET = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
NAME = "路人<b>&😀"


def bomb() -> bytes:
    """A workbook of a few kilobytes that unpacks to 150 MB."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr("xl/worksheets/sheet1.xml", SHEET + b" " * 150_000_000 + b"</sheetData></worksheet>")
    return packed.getvalue()


def said(chat: ChatView, since: int) -> str:
    """What the bot wrote to a chat after so many messages."""
    return "\n".join(message.text for message in chat.from_bot[since:])


@pytest.fixture
async def reminded(small_stage: "Stage") -> "Stage":
    """The zone on the eve of the due day."""
    await small_stage.bot.start()
    await small_stage.play.meet()
    await small_stage.at("01-26 09:00", "02-01 09:00")
    return small_stage


async def test_a_heap_of_nonsense_is_answered_piece_by_piece_and_buries_nothing(reminded: "Stage") -> None:
    stage = reminded
    people = stage.play.people
    liaison, other, head, admin = (people[name] for name in ("张敏", "陈晨", "李局长", "钱立新"))
    stranger = stage.sandbox.person(NAME)
    used = next(message.text for message in admin.messages if message.text.startswith("/start "))
    reminder = other.from_bot[-1]
    group = stage.sandbox.group("财政局工作群", [admin, liaison])
    await group.add_bot()
    await stage.play.settled()
    chats = (liaison, other, head, stranger, admin, group)
    before = {chat.id: len(chat.from_bot) for chat in chats}
    await stage.bot.kill()

    liaison.person.premium = True
    await liaison.send_document("台账.xlsx", bomb(), caption="2021年1月“双公示”台账")
    await liaison.send_document("<i>.docx", b"word", caption="2021年1月工作动态 <b>&😀" + "很长" * 1_990)
    await liaison.send("<pre>=1+1 &amp; 😀" * 200)
    forged = ("hand_in:999999999", "as:1:2", "confirm", "seen:'; DROP TABLE inbox;--", "\x00:" * 30, "页" * 21)
    taps = [await other.forge(reminder, data) for data in forged]
    await other.send("零报告 2021年1月工作动态")
    await head.send("/deduct 财政局 daily.7 1 自己来")
    await stranger.start(used.removeprefix("/start "))
    await stranger.start("x" * 64)
    await stranger.send_document("a.docx", b"word", caption="2021年1月工作动态")
    await admin.send("/deduct <b>&😀 daily.7 1 没有这个单位")
    await admin.send("延期 财政局 工作动态 2021-01 2021-02-30 没有这一天")
    await admin.send("/nosuch")
    await admin.send("/score 财政局", chat=group)
    await other.send_document("1月.docx", b"word", caption="2021年1月工作动态")
    await stage.bot.start()
    await stage.play.settled()

    assert all([await tap.answered() for tap in taps])
    answers = [said(chat, before[chat.id]) for chat in chats]
    for answer, expected in zip(
        answers,
        [
            ["待核实", "<i>.docx", "按时"],
            ["不接受零报告", "已收到"],
            ["没有办理这一事项的权限"],
            ["已经使用过", "邀请链接无效", "还没有登记"],
            ["没有找到单位“<b>&😀”", "2021-02-30", "/nosuch"],
            ["不在群里显示"],
        ],
        strict=True,
    ):
        for words in expected:
            assert words in answer
    with transaction(stage.engine) as session:
        assert inbox.count_waiting(session) == 0
        assert inbox.dead(session) == []
        assert outbox.failures(session) == []
        assert session.exec(select(LedgerEntry)).all() == []
        counted = session.exec(select(HandIn).where(HandIn.state == HandInState.COUNTED)).all()
        assert len(counted) == 3
        assert all(one.sent_at == stage.sandbox.clock.now() for one in counted)
        unread = session.exec(select(HandInFile).where(HandInFile.verdict == FileCheck.UNREADABLE)).one()
        assert unread.name == "台账.xlsx"


@contextmanager
def full_disk(stage: "Stage") -> Iterator[None]:
    """Nothing the bot writes goes to the disk any more."""
    assert stage.bot.pid is not None
    limits = resource.prlimit(stage.bot.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(stage.bot.pid, resource.RLIMIT_FSIZE, (1, limits[1]))
    yield
    resource.prlimit(stage.bot.pid, resource.RLIMIT_FSIZE, limits)


@contextmanager
def locked_database(stage: "Stage") -> Iterator[None]:
    """Somebody else has begun to write and does not come to an end."""
    other = sqlite3.connect(str(stage.engine.url.database), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.execute("ROLLBACK")
    other.close()


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="fills the disk of another process by a limit of Linux")
@pytest.mark.parametrize("trouble", [full_disk, locked_database])
async def test_what_cannot_be_written_down_over_a_deadline_is_in_time_all_the_same(
    reminded: "Stage", trouble: "Callable[[Stage], AbstractContextManager[None]]"
) -> None:
    stage = reminded
    liaison = stage.play.people["张敏"]
    await stage.at("02-02 09:00", "02-02 14:00")
    with trouble(stage):
        stage.sandbox.set_time(datetime(2021, 2, 2, 23, 50, tzinfo=CHINA))
        await liaison.send_document("1月.docx", b"word", caption="2021年1月工作动态")
        await stage.sandbox.until(lambda: not stage.sandbox.world.updates.polled)
        stage.sandbox.set_time(datetime(2021, 2, 3, 0, 30, tzinfo=CHINA))
        assert stage.sandbox.unread == 1  # it is not confirmed before it is kept
    await stage.play.settled()
    await stage.at("02-03 09:00")

    receipts = [message.text for message in liaison.from_bot if "已收到" in message.text]
    assert len(receipts) == 1
    assert "23:50:00" in receipts[0]
    assert "按时" in receipts[0]
    with transaction(stage.engine) as session:
        late = [entry.department_id for entry in session.exec(select(LedgerEntry))]
        handed_in = session.exec(select(HandIn)).one()
        assert handed_in.department_id not in [
            entry.department_id for entry in session.exec(select(LedgerEntry)) if entry.item == "daily.8.monthly"
        ]
        assert len(late) == 3  # 财政局's other paper, and both of the office's
