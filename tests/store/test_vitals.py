from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session

from store import inbox, outbox, vitals
from store.outbox import Lane

NOW = datetime(2021, 4, 2, 8, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def update(number: int) -> dict[str, Any]:
    return {"update_id": number, "message": {"chat": {"id": 7}}}


def test_nothing_is_known_of_a_bot_that_never_ran(session: Session) -> None:
    assert vitals.last_contact(session) is None
    assert vitals.read_through(session) is None
    assert vitals.last_tick(session) is None
    assert not vitals.is_idle(session, NOW)


@pytest.mark.parametrize(("silence", "outages"), [(timedelta(minutes=5), 0), (timedelta(minutes=5, seconds=1), 1)])
def test_more_than_five_minutes_of_silence_are_an_outage(session: Session, silence: timedelta, outages: int) -> None:
    vitals.contact(session, NOW, drained=True)
    vitals.contact(session, NOW + silence, drained=True)
    found = [(outage.began, outage.ended) for outage in vitals.outages(session)]
    assert found == [(NOW, NOW + silence)] * outages


def test_a_long_poll_is_listening_and_no_silence(session: Session) -> None:
    vitals.contact(session, NOW, drained=True)
    assert vitals.contact(session, NOW + 60 * MINUTE, drained=True, began=NOW + MINUTE) is None
    assert vitals.last_contact(session) == NOW + 60 * MINUTE


def test_outages_are_listed_from_an_instant_on(session: Session) -> None:
    for hours in (0, 10, 20):
        vitals.contact(session, NOW + timedelta(hours=hours), drained=True)
    assert [outage.began for outage in vitals.outages(session, since=NOW + timedelta(hours=10))] == [
        NOW + timedelta(hours=10)
    ]


def test_read_through_waits_for_what_was_read_to_be_handled(session: Session) -> None:
    vitals.contact(session, NOW, drained=True)
    assert vitals.read_through(session) == NOW
    inbox.receive(session, [update(1)], NOW + MINUTE)
    vitals.contact(session, NOW + MINUTE, drained=True)
    assert vitals.read_through(session) == NOW
    inbox.done(session, [1], NOW + MINUTE)
    assert vitals.read_through(session) == NOW + MINUTE


def test_a_full_answer_says_nothing_of_what_is_behind_it(session: Session) -> None:
    vitals.contact(session, NOW, drained=True)
    vitals.contact(session, NOW + MINUTE, drained=False)
    assert vitals.read_through(session) == NOW


def test_a_dead_update_holds_nothing_up(session: Session) -> None:
    inbox.receive(session, [update(1)], NOW)
    vitals.contact(session, NOW, drained=True)
    row = inbox.claim(session, 1)
    assert row is not None
    inbox.failed(session, row, "broken", tries=1, now=NOW)
    session.flush()
    assert vitals.read_through(session) == NOW


def test_idle_means_ticked_handled_and_sent(session: Session) -> None:
    vitals.set_last_tick(session, NOW)
    assert vitals.is_idle(session, NOW)
    assert not vitals.is_idle(session, NOW + timedelta(seconds=1))
    inbox.receive(session, [update(1)], NOW)
    assert not vitals.is_idle(session, NOW)
    inbox.done(session, [1], NOW)
    outbox.enqueue(session, chat_id=1, method="sendMessage", payload={"text": "好"}, lane=Lane.NOTICE, now=NOW)
    assert not vitals.is_idle(session, NOW)
    [queued] = outbox.queued(session, Lane.NOTICE, after=0, limit=9, now=NOW)
    outbox.sent(session, [(queued.id, 3)], NOW)
    assert vitals.is_idle(session, NOW)
