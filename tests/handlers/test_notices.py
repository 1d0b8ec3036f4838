"""Notices become messages: for whom, once each, with a picture where there is one, and to somebody in any case."""

import json
from datetime import datetime

import pytest
from sqlmodel import Session, select

from handlers import keyboards
from handlers.notices import deliver
from scheduler.reminders import TOPIC
from store import people
from store.notices import Audience, Notice
from store.outbox import OutboxMessage
from store.people import Department, Person, Role
from store.times import CHINA

NOW = datetime(2021, 4, 2, 9, tzinfo=CHINA)
LINE = {
    "obligation": 1, "period": "2021-03", "short": "工作动态", "due": "2021-04-03T00:00:00+08:00", "provisional": False,
    "overdue": False, "days_left": 0, "responsible": "", "correction_due": None,
}  # fmt: skip


def test_a_reminder_of_very_much_has_as_many_buttons_as_telegram_takes() -> None:
    """What the buttons leave out stands in the text, and can be handed in all the same."""
    lines = [LINE | {"obligation": number, "short": "重点任务" * 50} for number in range(99)]
    rows = keyboards.reminder(lines, "7", seen=True)["inline_keyboard"]
    assert len(rows) == keyboards.ROWS + 1
    assert len(json.dumps(rows, ensure_ascii=False).encode()) < 10_000
    assert [one["callback_data"] for one in rows[-1]] == ["needed:7", "seen:7"]


@pytest.fixture
def unit(session: Session) -> Department:
    unit = Department(code="fin", name="财政局", kind="bureau")
    session.add(unit)
    session.flush()
    return unit


def somebody(session: Session, account: int, role: Role, unit: Department | None = None) -> Person:
    person = people.met(session, account, name=f"人{account}", username=None, now=NOW)
    people.appoint(session, person, role, NOW, unit.id if unit else None)
    return person


def reminder(unit: Department) -> Notice:
    buttons = (("hand_in", "1"), ("needed", "1"), ("seen", "7-1"))
    return Notice("reminder", Audience("department", unit.id), {"lines": [LINE]}, topic=f"{TOPIC}7-1", buttons=buttons)


def said(session: Session) -> list[tuple[int, str]]:
    rows = session.exec(select(OutboxMessage).order_by(OutboxMessage.id)).all()
    return [(row.chat_id, json.loads(row.payload).get("text", "")) for row in rows]


def test_liaisons_and_the_group_are_told_and_heads_where_there_is_no_liaison(
    session: Session, unit: Department
) -> None:
    head = somebody(session, 2, Role.HEAD, unit)
    deliver(session, [reminder(unit)], NOW)
    assert [chat for chat, _ in said(session)] == [2]
    somebody(session, 1, Role.LIAISON, unit)
    people.bind_group(session, -100, unit, head, NOW)
    deliver(session, [reminder(unit)], NOW)
    assert [chat for chat, _ in said(session)] == [2, 1, -100]


def test_a_reminder_carries_its_topic_and_its_buttons(session: Session, unit: Department) -> None:
    somebody(session, 1, Role.LIAISON, unit)
    deliver(session, [reminder(unit)], NOW)
    row = session.exec(select(OutboxMessage)).one()
    assert row.topic == f"{TOPIC}7-1"
    (keys,) = json.loads(row.payload)["reply_markup"]["inline_keyboard"]
    assert [key["callback_data"] for key in keys] == ["hand_in:1", "needed:1", "seen:7-1"]


def test_who_is_liaison_and_head_hears_the_same_words_once(session: Session, unit: Department) -> None:
    person = somebody(session, 1, Role.LIAISON, unit)
    people.appoint(session, person, Role.HEAD, NOW, unit.id)
    to_heads = Notice("reminder", Audience("heads", unit.id), {"lines": [LINE]}, topic=f"{TOPIC}7-1")
    deliver(session, [reminder(unit), to_heads], NOW)
    assert len(said(session)) == 1


def test_what_reaches_nobody_is_listed_once_to_the_administrators(session: Session, unit: Department) -> None:
    somebody(session, 9, Role.ADMINISTRATOR)
    other = Department(code="com", name="商务局", kind="bureau")
    session.add(other)
    session.flush()
    deliver(session, [reminder(unit), reminder(other), reminder(unit)], NOW)
    ((chat, text),) = said(session)
    assert chat == 9
    assert "财政局：报送提醒\n" in text
    assert "商务局：报送提醒" in text


def test_a_summary_goes_to_its_chat_with_the_picture_or_to_the_administrators(session: Session) -> None:
    somebody(session, 9, Role.ADMINISTRATOR)
    facts = {"title": "2021年3月", "owing": 1, "punctual": 1, "since": None, "departments": []}
    notice = Notice("summary", Audience("summary_chat"), facts, picture={"kind": "summary", "data": facts})
    deliver(session, [notice], NOW, summary_chat=-5)
    deliver(session, [notice], NOW)
    rows = session.exec(select(OutboxMessage).order_by(OutboxMessage.id)).all()
    assert [(row.chat_id, row.method) for row in rows] == [(-5, "sendPhoto"), (9, "sendPhoto")]
    assert rows[0].attachment == {"field": "photo", "filename": "summary.png", "picture": notice.picture}
    assert "过程数据" in json.loads(rows[0].payload)["caption"]


def test_a_long_notice_comes_in_parts_and_counts_when_the_last_has_arrived(session: Session, unit: Department) -> None:
    somebody(session, 1, Role.LIAISON, unit)
    long = Notice("reminder", Audience("department", unit.id), {"lines": [LINE] * 100}, topic=f"{TOPIC}7-1")
    deliver(session, [long], NOW)
    rows = session.exec(select(OutboxMessage).order_by(OutboxMessage.id)).all()
    assert len(rows) > 1
    assert [row.topic for row in rows] == [None] * (len(rows) - 1) + [f"{TOPIC}7-1"]
    assert "reply_markup" not in json.loads(rows[0].payload)


def test_a_summary_names_whose_entries_are_under_review(session: Session) -> None:
    rows = [{"department": name, "disputed": count, "duties": []} for name, count in (("财政局", 2), ("商务局", 0))]
    facts = {"title": "2021年3月", "owing": 0, "punctual": 0, "since": None, "departments": rows}
    deliver(session, [Notice("summary", Audience("summary_chat"), facts)], NOW, summary_chat=-5)
    ((_, text),) = said(session)
    assert "复核中（档次待定）：财政局2项" in text
    assert "商务局" not in text


def test_files_go_along_with_their_notice(session: Session, unit: Department) -> None:
    somebody(session, 1, Role.LIAISON, unit)
    facts = {
        "appeal": 1,
        "entry": {"number": 1, "period": None, "title": "窗口", "item": "daily.7", "clause": "1(7)", "points": "-3"},
    }
    files = (("document", "F1"), ("photo", "F2"))
    deliver(session, [Notice("appeal_settled", Audience("department", unit.id), facts, files=files)], NOW)
    rows = session.exec(select(OutboxMessage).order_by(OutboxMessage.id)).all()
    assert [(row.chat_id, row.method) for row in rows] == [(1, "sendMessage"), (1, "sendDocument"), (1, "sendPhoto")]
    assert [json.loads(row.payload) for row in rows[1:]] == [{"document": "F1"}, {"photo": "F2"}]
