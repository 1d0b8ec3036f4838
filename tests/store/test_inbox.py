from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlmodel import Session

from store import inbox
from store.db import open_engine, transaction

NOW = datetime(2021, 4, 2, 8, 0, tzinfo=UTC)


def message(update_id: int, chat_id: int = 7, words: str = "零报告") -> dict[str, Any]:
    return {"update_id": update_id, "message": {"chat": {"id": chat_id}, "from": {"id": 1}, "text": words}}


@pytest.mark.parametrize(
    ("payload", "chat_id"),
    [
        (message(1, -100), -100),
        ({"update_id": 1, "edited_message": {"chat": {"id": 5}}}, 5),
        ({"update_id": 1, "callback_query": {"from": {"id": 1}, "message": {"chat": {"id": -9}}}}, -9),
        ({"update_id": 1, "callback_query": {"from": {"id": 1}, "inline_message_id": "x"}}, 1),
        ({"update_id": 1, "my_chat_member": {"chat": {"id": -8}, "from": {"id": 1}}}, -8),
        ({"update_id": 1, "poll_answer": {"user": {"id": 3}}}, 3),
        ({"update_id": 1, "poll": {"id": "4"}}, None),
        ({"update_id": 1}, None),
    ],
)
def test_the_chat_whose_order_an_update_keeps(payload: dict[str, Any], chat_id: int | None) -> None:
    assert inbox.chat_of(payload) == chat_id


def test_what_is_delivered_twice_is_kept_once_and_as_it_came_first(engine: Engine) -> None:
    with transaction(engine) as session:
        inbox.receive(session, [message(5), message(6)], NOW)
        inbox.done(session, [5], NOW)
    with transaction(engine) as session:
        inbox.receive(session, [message(5, words="别的"), message(6), message(7)], NOW)
    with transaction(engine) as session:
        assert [row.update_id for row in inbox.waiting(session, 10)] == [6, 7]
        assert "别的" not in str(session.get(inbox.InboxUpdate, 5))


def test_nothing_received_is_nothing_written(session: Session) -> None:
    inbox.receive(session, [], NOW)
    assert inbox.count_waiting(session) == 0


def test_waiting_updates_come_oldest_first_and_no_more_than_asked(session: Session) -> None:
    inbox.receive(session, [message(number) for number in (9, 4, 6)], NOW)
    assert [row.update_id for row in inbox.waiting(session, 2)] == [4, 6]
    assert inbox.count_waiting(session) == 3


def test_an_update_dies_of_its_third_failure(engine: Engine) -> None:
    with transaction(engine) as session:
        inbox.receive(session, [message(5)], NOW)
    for number in (1, 2, 3):
        with transaction(engine) as session:
            row = inbox.claim(session, 5)
            assert row is not None
            assert inbox.failed(session, row, f"broken {number}", tries=3, now=NOW) is (number == 3)
    with transaction(engine) as session:
        assert inbox.claim(session, 5) is None
        assert [(row.update_id, row.error) for row in inbox.dead(session)] == [(5, "broken 3")]
        assert inbox.waiting(session, 10) == []
        assert len(inbox.dead(session, NOW)) == 1
        assert inbox.dead(session, NOW + timedelta(seconds=1)) == []


def test_half_an_emoji_is_written_down_as_what_it_is(session: Session) -> None:
    inbox.receive(session, [message(1, words="零报告\ud83d")], NOW)
    [row] = inbox.waiting(session, 10)
    assert '"零报告?"' in row.payload


def test_the_waiting_are_found_by_an_index_of_their_own(sqlite_url: str) -> None:
    engine = open_engine(sqlite_url)
    query = "EXPLAIN QUERY PLAN SELECT * FROM inbox WHERE inbox.state = 0 ORDER BY update_id LIMIT 100"
    with engine.connect() as connection:
        assert "inbox_waiting" in str(connection.execute(text(query)).all())
    engine.dispose()


def test_what_an_update_said_can_be_erased_and_it_is_still_known(engine: Engine) -> None:
    with transaction(engine) as session:
        inbox.receive(session, [message(5), message(6)], NOW)
        inbox.done(session, [5, 6], NOW)
        inbox.erase(session, [5])
    with transaction(engine) as session:
        inbox.receive(session, [message(5)], NOW)
        assert inbox.count_waiting(session) == 0
        kept = [session.get_one(inbox.InboxUpdate, key) for key in (5, 6)]
        assert ["零报告" in row.payload for row in kept] == [False, True]
        assert kept[0].done_at == NOW
