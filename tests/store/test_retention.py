"""What came in and went out is kept word for word for a month; what counts is kept for good."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, func, select

from scheduler.tables import HandIn, HandInFile
from store import blobs, drafts, inbox, outbox, retention
from store.db import transaction
from store.inbox import InboxUpdate
from store.outbox import Lane, OutboxMessage
from store.people import met
from store.proposals import Proposal

NOW = datetime(2021, 4, 2, 8, 0, tzinfo=UTC)
LATER = NOW + retention.KEPT + timedelta(minutes=1)


def send(session: Session, *, blob: str | None = None, topic: str | None = None) -> int:
    attachment = {"field": "document", "filename": "a.xlsx", "blob": blob} if blob else None
    outbox.enqueue(
        session, chat_id=7, method="sendMessage", payload={"text": "好"}, lane=Lane.REPLY, now=NOW, topic=topic,
        attachment=attachment,
    )  # fmt: skip
    return session.exec(select(func.max(OutboxMessage.id))).one()


def test_words_go_after_a_month_and_rows_stay(engine: Engine) -> None:
    with transaction(engine) as session:
        inbox.receive(session, [{"update_id": number, "text": "报送"} for number in (1, 2, 3)], NOW)
        inbox.done(session, [1], NOW)
        inbox.done(session, [2], NOW + timedelta(days=1))
        old, new, waiting = send(session, topic="reminder:3"), send(session), send(session)
        outbox.sent(session, [(old, 11)], NOW)
        outbox.sent(session, [(new, 12)], NOW + timedelta(days=1))
    with transaction(engine) as session:
        assert retention.tidy(session, NOW + retention.KEPT) is False
        assert "报送" in session.get_one(InboxUpdate, 1).payload
    with transaction(engine) as session:
        retention.tidy(session, LATER)
    with transaction(engine) as session:
        assert ["报送" in session.get_one(InboxUpdate, key).payload for key in (1, 2, 3)] == [False, True, True]
        kept = ["好" in session.get_one(OutboxMessage, key).payload for key in (old, new, waiting)]
        assert kept == [False, True, True]
        assert outbox.topic_of(session, 7, 11) == "reminder:3"
        inbox.receive(session, [{"update_id": 1}], LATER)
        assert [row.update_id for row in inbox.waiting(session, 9)] == [3]


def test_what_came_to_nothing_is_kept_as_long_for_whoever_looks_at_it(session: Session) -> None:
    inbox.receive(session, [{"update_id": 1, "text": "报送"}], NOW)
    row = inbox.claim(session, 1)
    assert row is not None
    inbox.failed(session, row, "坏了", tries=1, now=NOW)
    given_up = send(session)
    outbox.failed(session, given_up, "blocked", NOW)
    session.flush()
    for now, kept in ((NOW + retention.KEPT, True), (LATER, False)):
        retention.tidy(session, now)
        session.expire_all()
        assert ("报送" in session.get_one(InboxUpdate, 1).payload) is kept
        assert ("好" in session.get_one(OutboxMessage, given_up).payload) is kept
    assert session.get_one(OutboxMessage, given_up).error == "blocked"


def test_much_is_done_bit_by_bit(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    inbox.receive(session, [{"update_id": number} for number in range(3)], NOW)
    inbox.done(session, range(3), NOW)
    assert retention.tidy(session, LATER) is True
    assert retention.tidy(session, LATER) is False


def test_a_file_goes_when_nothing_refers_to_it_any_more(engine: Engine) -> None:
    with transaction(engine) as session:
        person = met(session, 7, name="王芳", username=None, now=NOW)
        names = ("handed in", "queued", "begun", "proposed", "exported", "put again")
        keys = {name: blobs.put(session, name.encode(), NOW) for name in names}
        one = HandIn(kind="file", channel="telegram", sent_at=NOW, recorded_at=NOW)
        session.add(one)
        session.flush()
        session.add(HandInFile(hand_in_id=one.id, name="a.xlsx", blob=keys["handed in"]))
        send(session, blob=keys["queued"])
        outbox.sent(session, [(send(session, blob=keys["exported"]), 1)], NOW)
        data = {"texts": {"file": f"blob:{keys['begun']} a.xlsx"}}
        drafts.opened(session, person_id=person.id, chat_id=7, kind="verb", data=data, now=NOW)
        arguments = {"file": f"blob:{keys['proposed']} a.xlsx"}
        session.add(
            Proposal(verb="import", arguments=arguments, proposed_by=person.id, proposed_at=NOW, needs="", why="")
        )
        blobs.put(session, b"put again", LATER)
    with transaction(engine) as session:
        retention.tidy(session, LATER)
    with transaction(engine) as session:
        assert {name for name, key in keys.items() if session.get(blobs.Blob, key)} == set(names) - {"exported"}
