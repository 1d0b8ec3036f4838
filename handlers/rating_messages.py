"""The one message in which somebody rates: sent, edited in place, and void as soon as there is a newer one.

What it says is nobody else's business: it is sent as ``sensitive``, so that nothing of it stays in the outbox.
"""

from datetime import datetime
from typing import Any

from sqlmodel import Session

import templates
from handlers import keyboards
from handlers.context import Context, Unasked
from handlers.keyboards import Keyboard
from scoring.survey_tables import SUBMITTED, RatingDraft, Turn
from store import outbox
from store.outbox import Lane

TOPIC = "rating:"
"""Of a card that is sent: the rest is survey, place, and how often it was opened."""


def topic_of(draft: RatingDraft) -> str:
    """What the draft's present card is known by, in the outbox."""
    return f"{TOPIC}{draft.survey_id}:{draft.seat_id}:{draft.card}"


def renew(context: Context | Unasked, draft: RatingDraft) -> None:
    """A new card will be sent (``send``): the one before is void, on whatever device it was."""
    if draft.message_id is not None:
        void(context.session, draft, "moved", context.now)
    draft.card += 1
    draft.message_id, draft.chat_id = None, context.chat_id
    context.session.add(draft)
    context.session.flush()


def send(context: Context | Unasked, draft: RatingDraft, text: str, markup: Keyboard) -> None:
    """Sends the card; its number comes back to ``arrived``."""
    payload = _payload(text) | {"reply_markup": markup}
    context.call("sendMessage", payload, chat_id=draft.chat_id, topic=topic_of(draft), sensitive=True)


def edit(context: Context, draft: RatingDraft, text: str, markup: Keyboard) -> None:
    """Puts this in place of what the card says; of several edits that wait only the last goes out."""
    payload = _payload(text) | {"message_id": draft.message_id, "reply_markup": markup}
    context.call("editMessageText", payload, chat_id=draft.chat_id, merge=topic_of(draft), sensitive=True)


def finish(context: Context, draft: RatingDraft, text: str) -> None:
    """The last that is said in the card; whatever was still to be said in it before is gone."""
    outbox.drop_queued(context.session, draft.chat_id, topic_of(draft), context.now)
    edit(context, draft, text, keyboards.inline())


def void(session: Session, draft: RatingDraft, why: str, now: datetime) -> None:
    """Takes scores and buttons out of the draft's card; ``why``: moved, taken_over or over.

    What was to be said in it before is not said any more, and is gone from the outbox.
    """
    outbox.drop_queued(session, draft.chat_id, topic_of(draft), now)
    if draft.message_id is not None:
        _blank(session, draft.chat_id, draft.message_id, why, now, merge=topic_of(draft))


def arrived(session: Session, topic: str, chat_id: int, message_id: int | None, at: datetime) -> None:
    """A message with this topic was sent: if it is the draft's card, this is its number; if it has become void on its
    way, it says so.

    Somebody may have tapped in it before this is told: then its number is known already, and what became of it has
    been said in it.
    """
    if not topic.startswith(TOPIC) or message_id is None:
        return
    survey_id, seat_id, card = map(int, topic.removeprefix(TOPIC).split(":"))
    draft = session.get(RatingDraft, (survey_id, seat_id))
    if draft is not None and (draft.card, draft.chat_id) == (card, chat_id):
        draft.message_id = message_id
        session.add(draft)
        return
    if outbox.said_anew(session, chat_id, message_id, topic):
        return
    turn = session.get(Turn, (survey_id, seat_id))
    over = draft is None and (turn is None or turn.state != SUBMITTED)
    _blank(session, chat_id, message_id, "over" if over else "moved", at, merge=topic)


def _blank(session: Session, chat_id: int, message_id: int, why: str, now: datetime, merge: str | None = None) -> None:
    payload = _payload(templates.render("raters/void", why=why)) | {
        "message_id": message_id,
        "reply_markup": keyboards.inline(),
    }
    outbox.enqueue(
        session, chat_id=chat_id, method="editMessageText", payload=payload, lane=Lane.REPLY, now=now, merge=merge
    )


def _payload(text: str) -> dict[str, Any]:
    return {"text": text, "parse_mode": "HTML", "link_preview_options": {"is_disabled": True}}
