"""What a person is told when something cannot be done, or went wrong: what happened and what to do next."""

from datetime import datetime
from typing import Any

from sqlmodel import Session

import templates
from handlers.callers import in_private
from handlers.context import Context
from handlers.notices import deliver
from store.errors import Refusal
from store.inbox import InboxUpdate
from store.notices import Audience, Notice
from store.times import iso_china

ALERT = 200
"""Characters that fit into the alert over a button."""


def refused(context: Context, refusal: Refusal) -> None:
    """Answers with the refusal's sentence: over the button that was tapped, else in the chat.

    Called in a transaction of its own: whatever the refused attempt had begun is rolled back by then.
    """
    sentence = templates.refusal(refusal.code, refusal.facts)
    _say(context, sentence)


def failed(context: Context, reference: str) -> None:
    """Says that something went wrong on our side, with the number under which the log has it."""
    _say(context, templates.render("failed", reference=reference))


def dead(session: Session, row: InboxUpdate, now: datetime, answered: bool) -> None:
    """Tells the administrators of an update that could not be handled: somebody waits for an answer to it.

    ``answered``: whoever sent it has been told that it failed.
    """
    facts: dict[str, Any] = {"reference": row.update_id, "received": iso_china(row.received_at)}
    facts |= {"error": row.error or "", "answered": answered}
    deliver(session, [Notice("dead_update", Audience("administrators"), facts)], now)


def stuck(session: Session, now: datetime, times: int, error: str) -> None:
    """Tells the administrators that time could not do its work so many times in a row."""
    facts = {"at": iso_china(now), "times": times, "error": error}
    deliver(session, [Notice("stuck", Audience("administrators"), facts)], now)


def _say(context: Context, sentence: str) -> None:
    if context.incoming.callback_query is None:
        context.reply(sentence, quote=not in_private(context))
        return
    told = templates.plain(sentence)
    context.answer(told, alert=True)
    if len(told) > ALERT:
        context.reply(sentence)
