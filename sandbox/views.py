"""What a person sees in a chat, for tests and for the demo: messages as they stand now, and waiting for the next."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sandbox.acts import labels_of
from sandbox.world import BOT_ID, Call, Chat, Json, text_of

if TYPE_CHECKING:
    from sandbox.facade import Sandbox

PATIENCE = 20.0  # real seconds a test waits before it gives up


@dataclass(frozen=True, slots=True)
class Button:
    """An inline button: its words, and its callback data or its link."""

    text: str
    data: str | None
    url: str | None


@dataclass(frozen=True, slots=True)
class MessageView:
    """A message as shown at one moment."""

    raw: Json

    @property
    def id(self) -> int:
        """The message id, unique within its chat."""
        return int(self.raw["message_id"])

    @property
    def chat_id(self) -> int:
        return int(self.raw["chat"]["id"])

    @property
    def text(self) -> str:
        """Text or caption, without markup."""
        return text_of(self.raw)

    @property
    def by_bot(self) -> bool:
        return bool(self.raw["from"]["id"] == BOT_ID)

    @property
    def sent_at(self) -> datetime:
        """Whole seconds, UTC."""
        return datetime.fromtimestamp(self.raw["date"], UTC)

    @property
    def edited(self) -> bool:
        return "edit_date" in self.raw

    @property
    def rows(self) -> list[list[Button]]:
        """The inline keyboard."""
        rows = self.raw.get("reply_markup", {}).get("inline_keyboard", [])
        return [[Button(each["text"], each.get("callback_data"), each.get("url")) for each in row] for row in rows]

    @property
    def buttons(self) -> list[Button]:
        """All inline buttons in reading order."""
        return [button for row in self.rows for button in row]

    @property
    def labels(self) -> list[str]:
        """The words on the inline buttons in reading order."""
        return [button.text for button in self.buttons]

    @property
    def file_id(self) -> str | None:
        """The id of the document or of the full-size picture."""
        if "photo" in self.raw:
            return str(self.raw["photo"][-1]["file_id"])
        return str(self.raw["document"]["file_id"]) if "document" in self.raw else None

    @property
    def file_name(self) -> str | None:
        return str(self.raw["document"]["file_name"]) if "document" in self.raw else None

    @property
    def is_photo(self) -> bool:
        return "photo" in self.raw

    def __str__(self) -> str:
        attached = f" [{self.file_name or 'picture'}]" if self.file_id else ""
        keys = f" {self.labels}" if self.labels else ""
        return f"#{self.id} {self.raw['from']['first_name']}: {self.text}{attached}{keys}"


class ChatView:
    """A chat in the sandbox. It keeps a place: `hear` gives what the bot sent or edited since the last `hear`."""

    def __init__(self, sandbox: "Sandbox", chat: Chat) -> None:
        self._sandbox = sandbox
        self._chat = chat
        self._heard = 0

    @property
    def id(self) -> int:
        return self._chat.id

    @property
    def raw(self) -> Chat:
        """The chat itself, for what has no name here."""
        return self._chat

    @property
    def messages(self) -> list[MessageView]:
        """Everything the chat shows now, oldest first, edits applied."""
        return [MessageView(message) for message in self._chat.messages.values()]

    @property
    def from_bot(self) -> list[MessageView]:
        """Of these, the bot's."""
        return [message for message in self.messages if message.by_bot]

    @property
    def calls(self) -> list[Call]:
        """Every request of the bot to this chat, in order, refused ones included."""
        return [call for call in self._sandbox.world.calls if call.chat_id == self.id]

    @property
    def sent(self) -> list[Call]:
        """Every successful send (no edits) to this chat, in order: a message that came twice is there twice."""
        return [
            call for call in self.calls if call.error is None and call.method.startswith("send") and call.message_id
        ]

    def message(self, message_id: int) -> MessageView:
        """A message by its id as it stands now. KeyError if it is gone."""
        return MessageView(self._chat.messages[message_id])

    def keyboard(self, person_id: int) -> list[str]:
        """The keys of the reply keyboard that person sees; empty where there is none."""
        return labels_of(self._chat.keyboards.get(person_id, {}))

    def transcript(self) -> str:
        """All messages in lines, for a failing test's report."""
        return "\n".join(map(str, self.messages)) or "(nothing)"

    async def hear(
        self,
        containing: str | re.Pattern[str] | None = None,
        *,
        matching: Callable[[MessageView], bool] | None = None,
        patience: float = PATIENCE,
    ) -> MessageView:
        """The next message the bot sends or edits here that says this; what comes before it is passed over.

        Raises AssertionError with the transcript after `patience` real seconds.
        """

        def fits(message: MessageView) -> bool:
            if isinstance(containing, str) and containing not in message.text:
                return False
            if isinstance(containing, re.Pattern) and not containing.search(message.text):
                return False
            return matching is None or matching(message)

        def look() -> MessageView | None:
            for index in range(self._heard, len(self._chat.sends)):
                raw = self._chat.messages.get(self._chat.sends[index])
                if raw is not None and fits(MessageView(raw)):
                    self._heard = index + 1
                    return MessageView(raw)
            return None

        found = await self._wait(look, patience, f"a message with {containing or matching or 'anything'}")
        assert found is not None  # noqa: S101  (until returns true values only)
        return found

    def skip(self) -> None:
        """Count everything so far as heard."""
        self._heard = len(self._chat.sends)

    async def until(
        self,
        condition: Callable[["ChatView"], object],
        *,
        patience: float = PATIENCE,
    ) -> None:
        """Wait until `condition` holds for this chat; AssertionError with the transcript if it does not in time."""
        await self._wait(lambda: condition(self), patience, "a condition")

    async def _wait(self, look: Callable[[], object], patience: float, what: str) -> MessageView | None:
        try:
            value = await self._sandbox.world.until(look, patience)
        except TimeoutError:
            raise AssertionError(
                f"waited {patience:g} s in vain for {what}; the chat shows:\n{self.transcript()}"
            ) from None
        return value if isinstance(value, MessageView) else None


def find(messages: Sequence[MessageView], containing: str) -> list[MessageView]:
    """Those messages that say this."""
    return [message for message in messages if containing in message.text]
