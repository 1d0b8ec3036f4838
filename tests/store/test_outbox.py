import json
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, text
from sqlmodel import Session, func, select

from store import outbox
from store.db import open_engine, transaction
from store.outbox import Lane, OutboxMessage, OutboxState, Queued

NOW = datetime(2021, 4, 2, 8, 0, tzinfo=UTC)


def newest(session: Session) -> int:
    return session.exec(select(func.max(OutboxMessage.id))).one()


def say(session: Session, words: str, chat_id: int = 1, lane: Lane = Lane.REPLY, **more: Any) -> int:
    """Owes a message; its number."""
    payload = {"text": words}
    outbox.enqueue(session, chat_id=chat_id, method="sendMessage", payload=payload, lane=lane, now=NOW, **more)
    return newest(session)


def words(rows: list[Queued]) -> list[str]:
    return [json.loads(row.payload)["text"] for row in rows]


def test_a_lane_gives_its_messages_in_the_order_of_writing(session: Session) -> None:
    for number in range(5):
        say(session, f"答{number}", chat_id=number % 2)
        say(session, f"通知{number}", lane=Lane.NOTICE)
    first = outbox.queued(session, Lane.REPLY, after=0, limit=3, now=NOW)
    rest = outbox.queued(session, Lane.REPLY, after=first[-1].id, limit=10, now=NOW)
    assert words(first) + words(rest) == ["答0", "答1", "答2", "答3", "答4"]


def test_of_what_says_one_place_anew_only_the_latest_waits(session: Session) -> None:
    for number in range(4):
        say(session, f"卡片{number}", merge="rating:1:1:1", sensitive=True)
        say(session, f"别处{number}", chat_id=2, merge=f"rating:1:{number}:1")
    rows = outbox.queued(session, Lane.REPLY, after=0, limit=9, now=NOW)
    assert words(rows) == ["别处0", "别处1", "别处2", "卡片3", "别处3"]
    # Nothing of what gave way is kept.
    said = session.execute(text("SELECT payload FROM outbox")).scalars()
    assert not any(f"卡片{number}" in one for one in said for number in range(3))


def test_a_message_waits_for_its_time(session: Session) -> None:
    say(session, "明早", not_before=NOW + timedelta(hours=1))
    assert outbox.queued(session, Lane.REPLY, after=0, limit=9, now=NOW) == []
    assert outbox.count_queued(session, NOW) == 0
    assert words(outbox.queued(session, Lane.REPLY, after=0, limit=9, now=NOW + timedelta(hours=1))) == ["明早"]


def test_a_batch_is_marked_with_the_numbers_telegram_gave(engine: Engine) -> None:
    with transaction(engine) as session:
        keys = [say(session, str(number)) for number in range(3)]
    with transaction(engine) as session:
        outbox.sent(session, [(keys[0], 70), (keys[2], None)], NOW)
        outbox.failed(session, keys[1], "Forbidden: bot was blocked by the user", NOW)
    with transaction(engine) as session:
        kept = [session.get(OutboxMessage, key) for key in keys]
        assert [(row.state, row.message_id, row.sent_at) for row in kept if row] == [
            (OutboxState.SENT, 70, NOW),
            (OutboxState.FAILED, None, None),
            (OutboxState.SENT, None, NOW),
        ]
        assert [row.error for row in outbox.failures(session)] == ["Forbidden: bot was blocked by the user"]
        assert outbox.failures(session, since=NOW + timedelta(seconds=1)) == []


def test_what_an_answer_to_a_message_is_about(engine: Engine) -> None:
    with transaction(engine) as session:
        about, about_nothing = say(session, "提醒", chat_id=-5, topic="reminder:3"), say(session, "好", chat_id=-5)
        outbox.sent(session, [(about, 11), (about_nothing, 12)], NOW)
    with transaction(engine) as session:
        assert outbox.topic_of(session, -5, 11) == "reminder:3"
        assert outbox.topic_of(session, -5, 12) is None
        assert outbox.topic_of(session, 5, 11) is None


def test_a_number_that_a_new_bot_gives_again_means_its_message(engine: Engine) -> None:
    for words, topic in (("提醒", "reminder:17"), ("卡片", "rating:1:1:1")):
        with transaction(engine) as session:
            outbox.sent(session, [(say(session, words, chat_id=5, topic=topic), 900)], NOW)
    with transaction(engine) as session:
        assert outbox.topic_of(session, 5, 900) == "rating:1:1:1"
        assert not outbox.said_anew(session, 5, 900, "rating:1:1:1")
        say(session, "已提交", chat_id=5, merge="rating:1:1:1")
        assert outbox.said_anew(session, 5, 900, "rating:1:1:1")


def test_what_a_group_is_owed_follows_it_and_what_it_got_stays(engine: Engine) -> None:
    with transaction(engine) as session:
        old, owed = say(session, "旧", chat_id=-5), say(session, "新", chat_id=-5)
        outbox.sent(session, [(old, 1)], NOW)
        outbox.move_chat(session, -5, -1005)
    with transaction(engine) as session:
        assert [(row.chat_id, row.id) for row in outbox.queued(session, Lane.REPLY, after=0, limit=9, now=NOW)] == [
            (-1005, owed)
        ]
        kept = session.get(OutboxMessage, old)
        assert kept is not None
        assert kept.chat_id == -5


def test_an_attachment_is_kept_as_it_is_described(engine: Engine) -> None:
    attachment = {"field": "photo", "filename": "排名.png", "picture": {"kind": "rank", "data": {"年": [2021]}}}
    with transaction(engine) as session:
        say(session, "图", attachment=attachment)
    with transaction(engine) as session:
        [row] = outbox.queued(session, Lane.REPLY, after=0, limit=9, now=NOW)
        assert row.attachment == attachment


def test_the_queued_are_found_by_an_index_of_their_own(sqlite_url: str) -> None:
    engine = open_engine(sqlite_url)
    query = "EXPLAIN QUERY PLAN SELECT * FROM outbox WHERE outbox.state = 0 AND lane = 'reply' AND id > 5 ORDER BY id"
    with engine.connect() as connection:
        assert "outbox_queued" in str(connection.execute(text(query)).all())
    engine.dispose()


def payload(session: Session, key: int) -> str:
    return session.get_one(OutboxMessage, key).payload


def test_what_is_sensitive_is_erased_once_it_is_out_or_given_up(engine: Engine) -> None:
    link = "https://t.me/kaoping_bot?start=AAAAAAAAAAAAAAAAAAAAAA"
    with transaction(engine) as session:
        keys = [say(session, "6 5.5 6 6 5", sensitive=True), say(session, link), say(session, "谁", sensitive=True)]
        ordinary = [say(session, "好"), say(session, "https://t.me/kaoping_bot?start=hello")]
        assert words(outbox.queued(session, Lane.REPLY, after=0, limit=2, now=NOW)) == ["6 5.5 6 6 5", link]
        outbox.sent(session, [(key, key) for key in (*keys[:2], *ordinary)], NOW)
        outbox.failed(session, keys[2], "Forbidden", NOW)
    with transaction(engine) as session:
        assert [payload(session, key) for key in keys] == [outbox.ERASED] * 3
        assert [session.get_one(OutboxMessage, key).message_id for key in keys[:2]] == keys[:2]
        assert all(json.loads(payload(session, key))["text"] for key in ordinary)


def test_what_went_with_a_sensitive_message_is_not_named_any_more(engine: Engine) -> None:
    files = {"field": "document", "filename": "a.xlsx", "made": {"kind": "links", "data": {"token": "secret"}}}

    def send(session: Session, *, sensitive: bool) -> int:
        outbox.enqueue(
            session, chat_id=1, method="sendDocument", payload={}, lane=Lane.REPLY, now=NOW, attachment=files,
            sensitive=sensitive,
        )  # fmt: skip
        return newest(session)

    with transaction(engine) as session:
        ordinary, secret, lost = (send(session, sensitive=one) for one in (False, True, True))
        outbox.sent(session, [(ordinary, 1), (secret, 2)], NOW)
        outbox.failed(session, lost, "Forbidden", NOW)
    with transaction(engine) as session:
        kept = [session.get_one(OutboxMessage, key).attachment for key in (ordinary, secret, lost)]
        assert kept == [files, None, None]


def test_what_is_still_to_be_sent_is_not_erased(engine: Engine) -> None:
    with transaction(engine) as session:
        out, queued = say(session, "出"), say(session, "未")
        outbox.sent(session, [(out, 1)], NOW)
        outbox.erase(session, [out, queued])
    with transaction(engine) as session:
        assert payload(session, out) == outbox.ERASED
        assert words(outbox.queued(session, Lane.REPLY, after=0, limit=9, now=NOW)) == ["未"]
