"""What a handler is given: the open transaction, the time, and ways to answer that write rows instead of sending.

Nothing here touches the network. Replies become outbox rows of the same transaction, so they are sent if and only if
what they tell of has happened. Only what may be lost (answering a tap, a typing sign) is left to be done directly,
after the commit.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session
from telegram import Bot, ForceReply, InlineKeyboardMarkup, ReplyKeyboardMarkup, ReplyKeyboardRemove, Update
from telegram.ext import Application, CallbackContext

import templates
from store import db, outbox
from store.outbox import Lane

Markup = InlineKeyboardMarkup | ReplyKeyboardMarkup | ReplyKeyboardRemove | ForceReply | Mapping[str, Any]


@dataclass
class Aside:
    """A call that may be lost, made once the transaction has committed."""

    method: str
    payload: dict[str, Any]


@dataclass
class Work:
    """One update being handled in one transaction."""

    session: Session
    now: datetime
    update_id: int
    asides: list[Aside] = field(default_factory=list)
    forgotten: bool = False
    """What the update said is not to be kept."""
    fault: BaseException | None = None
    """What went wrong while the context was built: the library only logs that."""


class Context(CallbackContext[Bot, dict[Any, Any], dict[Any, Any], dict[Any, Any]]):
    """The handler's side of one update. Keeps nothing: what has to last is a row."""

    incoming: Update
    """The update being handled (``update`` is taken by the library)."""
    work: Work

    @classmethod
    def from_update(cls, update: object, application: Any) -> "Context":
        work: Work = application.work
        try:
            context = super().from_update(update, application)
            if not isinstance(update, Update):
                raise TypeError(f"not an update: {update!r}")
            context.incoming = update
            context.work = work
        except Exception as error:
            work.fault = error
            raise
        return context

    @property
    def session(self) -> Session:
        return self.work.session

    @property
    def now(self) -> datetime:
        return self.work.now

    @property
    def sent_at(self) -> datetime:
        """When the person sent what is being handled: the message's own date. A tap has none, so there it is now."""
        if self.incoming.callback_query is None and (message := self.incoming.effective_message) is not None:
            return message.date
        return self.now

    @property
    def chat_id(self) -> int:
        """Where an answer goes: the chat, else the person. Raises ValueError for an update from nobody."""
        if (chat := self.incoming.effective_chat) is not None:
            return chat.id
        if (user := self.incoming.effective_user) is not None:
            return user.id
        raise ValueError("this update belongs to no chat")

    def forget_update(self) -> None:
        """Once this update is done, nothing of what it said is kept. What its handler sends is marked ``sensitive``."""
        self.work.forgotten = True

    def leave_no_trace(self) -> None:
        """Once this transaction has committed, what it or an earlier one erased is in no file of the database."""
        db.leave_no_trace(self.session)

    def reply(
        self,
        text: str,
        *,
        markup: Markup | None = None,
        quote: bool = False,
        chat_id: int | None = None,
        lane: Lane = Lane.REPLY,
        topic: str | None = None,
        sensitive: bool = False,
    ) -> None:
        """Says ``text`` (HTML from a template), in as many messages as its length needs; the last one has the markup.

        ``quote`` ties the first one to the message being answered; ``chat_id`` defaults to the chat it came from. What
        is ``sensitive`` is not kept once it is out.
        """
        parts = templates.split(text)
        for number, part in enumerate(parts):
            payload: dict[str, Any] = {
                "text": part,
                "parse_mode": "HTML",
                "link_preview_options": {"is_disabled": True},
            }
            if quote and number == 0 and (message := self.incoming.effective_message) is not None:
                payload["reply_parameters"] = {"message_id": message.message_id, "allow_sending_without_reply": True}
            if markup is not None and number == len(parts) - 1:
                payload["reply_markup"] = _plain(markup)
            self.call("sendMessage", payload, chat_id=chat_id, lane=lane, topic=topic, sensitive=sensitive)

    def edit(self, text: str, *, markup: Markup | None = None, sensitive: bool = False) -> None:
        """Puts ``text`` in place of the message whose button was tapped; says it anew where there is none to edit.

        An edit that changes nothing counts as done. A text too long for one message is sent as new ones.
        """
        query = self.incoming.callback_query
        if query is None or query.message is None or len(templates.split(text)) > 1:
            self.reply(text, markup=markup, sensitive=sensitive)
            return
        payload: dict[str, Any] = {"message_id": query.message.message_id, "text": text, "parse_mode": "HTML"}
        payload["link_preview_options"] = {"is_disabled": True}
        if markup is not None:
            payload["reply_markup"] = _plain(markup)
        self.call("editMessageText", payload, chat_id=query.message.chat.id, sensitive=sensitive)

    def take_buttons_away(self) -> None:
        """Removes the buttons under the message that was tapped: what they offered is no longer to be had."""
        query = self.incoming.callback_query
        if query is not None and query.message is not None:
            self.call("editMessageReplyMarkup", {"message_id": query.message.message_id}, chat_id=query.message.chat.id)

    def send_file(
        self,
        filename: str,
        *,
        blob: str | None = None,
        picture: Mapping[str, Any] | None = None,
        made: Mapping[str, Any] | None = None,
        caption: str | None = None,
        markup: Markup | None = None,
        chat_id: int | None = None,
        lane: Lane = Lane.REPLY,
        topic: str | None = None,
        sensitive: bool = False,
    ) -> None:
        """Sends a kept file (``blob``: its SHA-256) as a document, a picture (drawn when it is sent) as a photo, or a
        document that is ``made`` when it is sent and kept nowhere (``handlers.made``).
        """
        if [blob, picture, made].count(None) != 2:
            raise ValueError("give one of blob, picture and made")
        payload: dict[str, Any] = {}
        if caption:
            payload |= {"caption": caption, "parse_mode": "HTML"}
        if markup is not None:
            payload["reply_markup"] = _plain(markup)
        if blob is not None:
            method = "sendDocument"
            attachment: dict[str, Any] = {"field": "document", "filename": filename, "blob": blob}
        elif made is not None:
            method = "sendDocument"
            attachment = {"field": "document", "filename": filename, "made": dict(made)}
        else:
            method = "sendPhoto"
            attachment = {"field": "photo", "filename": filename, "picture": dict(picture or {})}
        self.call(method, payload, chat_id=chat_id, lane=lane, topic=topic, attachment=attachment, sensitive=sensitive)

    def call(
        self,
        method: str,
        payload: Mapping[str, Any],
        *,
        chat_id: int | None = None,
        lane: Lane = Lane.REPLY,
        topic: str | None = None,
        attachment: Mapping[str, Any] | None = None,
        sensitive: bool = False,
        merge: str | None = None,
    ) -> None:
        """Any method of the Bot API, once this transaction commits. ``chat_id`` is added to its parameters.

        ``merge``: see ``store.outbox``.
        """
        outbox.enqueue(
            self.session,
            chat_id=self.chat_id if chat_id is None else chat_id,
            method=method,
            payload=payload,
            lane=lane,
            now=self.now,
            topic=topic,
            attachment=attachment,
            sensitive=sensitive,
            merge=merge,
        )

    def answer(self, text: str | None = None, *, alert: bool = False) -> None:
        """Stops the little clock on the button that was tapped, with a word (at most 200 characters) if there is one.

        May be lost: what a person must read belongs into a reply.
        """
        if (query := self.incoming.callback_query) is None:
            return
        payload: dict[str, Any] = {"callback_query_id": query.id}
        if text:
            payload |= {"text": text[:200], "show_alert": alert}
        self.work.asides.append(Aside("answerCallbackQuery", payload))

    def typing(self) -> None:
        """Shows that an answer is being written. May be lost."""
        self.work.asides.append(Aside("sendChatAction", {"chat_id": self.chat_id, "action": "typing"}))


@dataclass(frozen=True)
class Unasked:
    """For what is said in a chat without an update that asks for it: a file has been fetched."""

    session: Session
    now: datetime
    chat_id: int

    def call(
        self,
        method: str,
        payload: Mapping[str, Any],
        *,
        chat_id: int | None = None,
        topic: str | None = None,
        sensitive: bool = False,
    ) -> None:
        """As ``Context.call``."""
        outbox.enqueue(
            self.session,
            chat_id=self.chat_id if chat_id is None else chat_id,
            method=method,
            payload=payload,
            lane=Lane.REPLY,
            now=self.now,
            topic=topic,
            sensitive=sensitive,
        )

    def reply(self, text: str, *, markup: Markup | None = None, to: int | None = None, sensitive: bool = False) -> None:
        """As ``Context.reply``; ``to`` is the number of the message that is answered."""
        parts = templates.split(text)
        for number, part in enumerate(parts, 1):
            payload: dict[str, Any] = {
                "text": part,
                "parse_mode": "HTML",
                "link_preview_options": {"is_disabled": True},
            }
            if to is not None and number == 1:
                payload["reply_parameters"] = {"message_id": to, "allow_sending_without_reply": True}
            if markup is not None and number == len(parts):
                payload["reply_markup"] = _plain(markup)
            self.call("sendMessage", payload, sensitive=sensitive)


def _plain(markup: Markup) -> dict[str, Any]:
    return dict(markup) if isinstance(markup, Mapping) else markup.to_dict()


KaopingApplication = Application[Any, Context, Any, Any, Any, Any]
"""What ``register(application)`` is given."""
