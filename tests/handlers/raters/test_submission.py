"""What is left once somebody has submitted: that he has, and nothing of what he gave."""

import json
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from sqlalchemy import text
from sqlmodel import select

from bot import sending
from scoring import casting
from store.inbox import InboxState, InboxUpdate
from store.outbox import OutboxMessage, OutboxState
from tests.handlers.raters.conftest import Round, card, data, give

if TYPE_CHECKING:
    from tests.handlers.conftest import Office


async def submitted(office: "Office") -> None:
    """李局长 rates by taps, typed scores and a new card, and submits."""
    await office.head.send("打分")
    await office.head.tap(await card(office.head, "开始："), "开始：商务局")
    await office.head.send("1.25 1.75 1.25 1.75 1.25")
    await card(office.head, "政务服务局　2／2")
    await office.head.send("打分")
    await office.head.tap(await card(office.head, "继续："), "继续：政务服务局")
    await give(office.head, await card(office.head, "政务服务局　2／2"), "态度", "1.5")
    await office.head.send("谢谢", reply_to=await card(office.head, "服务态度：1.5"))
    await office.head.send("政务服务局 2 2 2 2 0.25")
    await office.head.tap(await card(office.head, "政务服务局　8.25", "商务局　7.25"), "提交")
    await office.head.tap(await card(office.head, "确定提交吗"), "确认提交，不再修改")
    await office.head.hear("已提交，谢谢您")
    await office.settled()


async def test_nothing_of_it_is_left_in_tables_and_chat(office: "Office", departments: Round) -> None:
    with structlog.testing.capture_logs() as lines:
        await submitted(office)

    def dump(session: Any) -> str:
        tables = session.connection().dialect.get_table_names(session.connection())
        rows = [
            list(map(str, session.execute(text(f'SELECT * FROM "{name}"')).fetchall()))
            for name in tables
            if name not in {"ballot_box", "rule_book_version"}
        ]
        return json.dumps(rows, ensure_ascii=False)

    found = office.read(dump)
    for given in ("1.25", "1.75", "7.25", "8.25", "0.25"):
        assert given not in found, given
        assert not [one for one in office.head.messages if given in one.text], given
        assert given not in str(lines), given
    updates = office.read(lambda session: list(session.exec(select(InboxUpdate))))
    cards = [one for one in updates if '"b:' in one.payload]
    assert cards == []
    sent = office.read(lambda session: list(session.exec(select(OutboxMessage).where(OutboxMessage.merge != None))))  # noqa: E711
    assert sent
    assert all(one.state == OutboxState.SENT for one in sent)
    assert departments.draft("财政局") is None


async def test_nothing_of_it_is_left_in_the_files(office: "Office", departments: Round) -> None:
    if office.engine.dialect.name != "sqlite":
        pytest.skip("the files of a PostgreSQL server are its own affair")
    await submitted(office)
    path = Path(str(office.engine.url.database))
    with sqlite3.connect(path) as readable:
        assert readable.execute("SELECT state FROM turn").fetchall() == [("submitted",)]
    for file in (path, path.with_name(f"{path.name}-wal")):
        content = file.read_bytes() if file.exists() else b""
        for given in ("1.25", "1.75", "7.25", "8.25", "0.25"):
            assert given.encode() not in content, (file.name, given)


async def test_what_was_reviewed_is_what_is_submitted(office: "Office", departments: Round) -> None:
    await office.head.send("/rate")
    await office.head.tap(await card(office.head, "开始："), "开始：商务局")
    shown = await card(office.head, "商务局　1／2")
    await office.head.tap(shown, "不了解/弃权")
    await office.head.tap(await card(office.head, "政务服务局　2／2"), "不了解/弃权")
    await office.head.tap(await card(office.head, "都评完了"), "提交")
    sure = await card(office.head, "确定提交吗")
    # A tap on its way when 提交 was tapped: what is to be submitted has changed, so it is shown again.
    [submit] = [one.data or "" for one in sure.buttons if "确认提交" in one.text]
    await office.head.forge(shown, data(shown, "五项", "2"))
    await card(office.head, "商务局　10", "政务服务局　不了解/弃权")
    late = await office.head.forge(sure, submit)
    assert "请再核对" in await late.answered()
    assert departments.state("财政局") == "started"
    await office.head.tap(await card(office.head, "商务局　10"), "提交")
    await office.head.tap(await card(office.head, "确定提交吗"), "确认提交，不再修改")
    await office.head.hear("已提交")
    # Twice is once.
    twice = await office.head.forge(sure, submit)
    assert "已经提交" in await twice.answered()
    await office.settled()
    assert departments.boxes()["商务局"] == ({"100000": 1}, 0)


async def test_whoever_is_quicker_than_the_marks_reads_that_it_is_submitted(
    office: "Office", departments: Round, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database is slow to write down under which number the card went out; meanwhile all of it is done."""
    monkeypatch.setattr(sending, "MARK_WAIT_SECONDS", 1.5)
    monkeypatch.setattr(sending, "LAST_MARK_WAIT_SECONDS", 1.5)
    await office.head.send("/rate")
    await office.head.tap(await card(office.head, "开始："), "开始：商务局")
    await office.head.tap(await card(office.head, "商务局　1／2"), "不了解/弃权")
    await office.head.tap(await card(office.head, "政务服务局　2／2"), "不了解/弃权")
    await office.head.tap(await card(office.head, "都评完了"), "提交")
    sure = await card(office.head, "确定提交吗")
    await office.head.tap(sure, "确认提交，不再修改")
    await office.settled()
    [said] = [one for one in office.head.messages if one.id == sure.id]
    assert "已提交，谢谢您" in said.text


async def test_a_tap_that_fails_for_good_is_not_kept(
    office: "Office", departments: Round, monkeypatch: pytest.MonkeyPatch
) -> None:
    await office.head.send("/rate")
    await office.head.tap(await card(office.head, "开始："), "开始：商务局")
    shown = await card(office.head, "商务局　1／2")

    def broken(*_: object) -> None:
        raise RuntimeError("broken")

    with monkeypatch.context() as patch:
        patch.setattr(casting, "keep", broken)
        await office.head.forge(shown, data(shown, "态度", "1.5"))
        await office.head.send("2 2 2 2 2")
        await office.head.hear("没有办成")
        await office.settled()
    dead = office.read(
        lambda session: list(session.exec(select(InboxUpdate).where(InboxUpdate.state == InboxState.DEAD)))
    )
    assert ['"b:' in one.payload for one in dead] == [False, False]
    await office.head.tap(await card(office.head, "商务局　1／2"), "不了解/弃权")
    await office.head.tap(await card(office.head, "政务服务局　2／2"), "列表")
    await office.head.tap(await card(office.head, "➖ 商务局"), "检查并提交")
    await office.head.tap(await card(office.head, "按弃权计"), "提交")
    await office.head.tap(await card(office.head, "确定提交吗"), "确认提交，不再修改")
    await office.head.hear("已提交")
    await office.settled()
    left = office.read(
        lambda session: [one.payload for one in session.exec(select(InboxUpdate)) if one.state == InboxState.DEAD]
    )
    assert left == ["{}", "{}"]
