"""Handlers of messages that are known by what they mean to whoever sent them, which only the database can tell."""

from abc import abstractmethod
from collections.abc import Callable, Coroutine
from typing import Any

from telegram import Message, Update
from telegram.ext import BaseHandler

from handlers.context import Context, KaopingApplication, Work
from store import people
from store.people import Person


class FittingMessages(BaseHandler[Update, Context, None]):
    """Takes the messages that fit. What they were found to be is looked up again when they are handled."""

    edited = False
    """Whether an edit of an earlier message may be one of them."""

    def __init__(
        self, application: KaopingApplication, callback: Callable[[Update, Context], Coroutine[Any, Any, None]]
    ) -> None:
        super().__init__(callback)
        self.application = application

    def check_update(self, update: object) -> object | None:
        """Whether the message is ours."""
        if not isinstance(update, Update) or update.effective_user is None:
            return None
        message = update.message or (update.edited_message if self.edited else None)
        if message is None or not self.may_be(message):
            return None
        work: Work = self.application.work  # type: ignore[attr-defined]
        person = people.person_of(work.session, update.effective_user.id)
        return True if self.fits(work, person, message) else None

    def may_be(self, _message: Message) -> bool:
        """Whether a message may fit by what can be seen of it: most are told apart before anything is looked up."""
        return True

    @abstractmethod
    def fits(self, work: Work, person: Person | None, message: Message) -> bool:
        """Whether a message fits; ``person`` is None where the office does not know its sender."""
