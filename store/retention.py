"""How long what came in and went out is kept word for word. What counts stands in tables of its own, for good."""

import json
from datetime import datetime, timedelta

from sqlmodel import Session, col, delete, select

from store import blobs, inbox, outbox
from store.blobs import Blob
from store.drafts import Draft
from store.outbox import OutboxMessage, OutboxState
from store.proposals import open_proposals

KEPT = timedelta(days=30)
"""A month: for looking into what was said and what became of it. Telegram itself delivers nothing that is older than
24 hours, so nothing comes again whose row has been emptied."""

BATCH = 2000
"""Rows of a kind to a transaction, so that nobody waits long for it."""


def tidy(session: Session, now: datetime) -> bool:
    """Erases what updates and messages said longer than ``KEPT`` ago, and files to which nothing refers any more.

    Returns whether there is more to do. Rows stay, without their words: an update is still known when it comes again,
    and an answer to an old message still finds what that was about.
    """
    before = now - KEPT
    came, went = inbox.erase_done(session, before, BATCH), outbox.erase_done(session, before, BATCH)
    _forget_files(session, before)
    return BATCH in (came, went)


def _forget_files(session: Session, before: datetime) -> None:
    old = set(session.exec(select(Blob.sha256).where(col(Blob.put_at) < before)))
    if not old:
        return
    old -= blobs.referred(session)
    said = _where_files_are_named(session)
    forgotten = [sha256 for sha256 in old if sha256 not in said]
    for start in range(0, len(forgotten), 500):
        session.connection().execute(delete(Blob).where(col(Blob.sha256).in_(forgotten[start : start + 500])))


def _where_files_are_named(session: Session) -> str:
    """All that may name a file by its hash without the database knowing it: what is not sent, begun, or proposed."""
    queued = select(OutboxMessage.attachment).where(
        OutboxMessage.state == OutboxState.QUEUED, col(OutboxMessage.attachment).is_not(None)
    )
    named = [*session.exec(queued), *session.exec(select(Draft.data))]
    return json.dumps([*named, *(one.arguments for one in open_proposals(session))])
