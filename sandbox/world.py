"""What there is: people, chats, messages, files, taps. Everything in memory, everything dated by the virtual clock.

Messages are kept as the JSON objects the Bot API speaks, so that what the bot gets, what the page shows and what a test
reads are one thing.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from sandbox.clock import VirtualClock
from sandbox.entities import utf16_slice
from sandbox.updates import UpdateQueue

Json = dict[str, Any]
T = TypeVar("T")
ChatKind = Literal["private", "group", "supergroup"]
# What the bot is in a chat. In a private chat: nothing yet ("never"), talked to ("member"), blocked ("kicked").
Standing = Literal["never", "member", "administrator", "left", "kicked"]

BOT_ID = 7_000_000_001
TOKEN = f"{BOT_ID}:AAHk1-sandbox-token-of-this-machine"
FIRST_PERSON = 6_000_000_001  # beyond 32 bits, as real ids are
FIRST_GROUP = -4_000_000_001
FIRST_SUPERGROUP = -1_002_000_000_001


@dataclass(slots=True)
class Person:
    """A person with a Telegram account. `note` is for the chat page only: whom he plays.

    `premium`: pays for Telegram, and may write captions as long as messages.
    """

    id: int
    name: str
    username: str | None = None
    note: str = ""
    deactivated: bool = False
    premium: bool = False

    def json(self) -> Json:
        """As a Bot API `User`."""
        user: Json = {"id": self.id, "is_bot": False, "first_name": self.name, "language_code": "zh-hans"}
        if self.username:
            user["username"] = self.username
        if self.premium:
            user["is_premium"] = True
        return user


@dataclass(slots=True)
class Chat:
    """A chat and everything in it.

    messages: by message id, oldest first, as shown now. sends: message ids as the bot sent or edited them, in order; a
    message that was edited twice is there three times. keyboards: the reply keyboard each person sees.
    """

    id: int
    kind: ChatKind
    title: str
    members: dict[int, str] = field(default_factory=dict)
    bot: Standing = "never"
    migrated_to: int | None = None
    messages: dict[int, Json] = field(default_factory=dict)
    sends: list[int] = field(default_factory=list)
    keyboards: dict[int, Json] = field(default_factory=dict)
    uneditable: set[int] = field(default_factory=set)
    next_message: int = 1
    username: str | None = None

    def json(self) -> Json:
        """As a Bot API `Chat`."""
        if self.kind == "private":
            chat: Json = {"id": self.id, "type": "private", "first_name": self.title}
            if self.username:
                chat["username"] = self.username
            return chat
        return {"id": self.id, "type": self.kind, "title": self.title}


@dataclass(slots=True)
class StoredFile:
    """A file on the sandbox's "Telegram servers". Sizes in bytes."""

    file_id: str
    unique_id: str
    path: str
    name: str
    mime: str
    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)

    @property
    def is_photo(self) -> bool:
        """Whether it went up as a picture and not as a document."""
        return self.path.startswith("photos/")

    def document(self) -> Json:
        """As a Bot API `Document`."""
        return {
            "file_name": self.name,
            "mime_type": self.mime,
            "file_id": self.file_id,
            "file_unique_id": self.unique_id,
            "file_size": self.size,
        }


@dataclass(slots=True)
class Query:
    """A tap on an inline button, which wants an answer."""

    id: str
    at: int
    person_id: int
    chat_id: int
    message_id: int
    data: str
    answered: bool = False
    text: str = ""
    alert: bool = False


@dataclass(slots=True, frozen=True)
class Call:
    """One request of the bot (but `getUpdates`), as it was answered. `at` in Unix seconds of the virtual clock."""

    number: int
    at: int
    method: str
    chat_id: int | None
    message_id: int | None
    text: str
    error: str | None


class World:
    """The state of the sandbox, and two ways to learn of its changes: `listeners` for the page, `until` for tests."""

    def __init__(self, clock: VirtualClock, bot_username: str = "kaoping_bot", bot_name: str = "考评助手") -> None:
        self.clock = clock
        self.updates = UpdateQueue(clock)
        self.bot_username = bot_username
        self.bot_name = bot_name
        self.privacy = True
        self.people: dict[int, Person] = {}
        self.chats: dict[int, Chat] = {}
        self.files: dict[str, StoredFile] = {}
        self.files_by_path: dict[str, StoredFile] = {}
        self.queries: dict[str, Query] = {}
        self.commands: dict[str, list[Json]] = {}
        self.calls: list[Call] = []
        self.counts: Counter[str] = Counter()
        self.listeners: list[Callable[[Json], None]] = []
        self._waiters: set[asyncio.Future[None]] = set()
        # The last numbers given: of messages outside supergroups, and of files, albums and taps.
        self.numbers = {"message": 0, "serial": 0}
        clock.on_move(self._clock_moved)

    def bot_json(self) -> Json:
        """The bot as a Bot API `User`."""
        return {"id": BOT_ID, "is_bot": True, "first_name": self.bot_name, "username": self.bot_username}

    def serial(self) -> int:
        """A number never given before, for file and query ids."""
        self.numbers["serial"] += 1
        return self.numbers["serial"]

    # ---- change -----------------------------------------------------------------------------------------------------

    def emit(self, kind: str, **facts: Any) -> None:
        """Tell the page and whoever waits that something has changed."""
        if self.listeners:
            event = {"event": kind, **facts}
            for listener in tuple(self.listeners):
                listener(event)
        self.wake()

    def wake(self) -> None:
        """Have every `until` look again."""
        if self._waiters:
            waiters, self._waiters = self._waiters, set()
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(None)

    async def until(self, condition: Callable[[], T], patience: float) -> T:
        """Wait for `condition` to be true and return its value; it is looked at again after each change.

        TimeoutError after `patience` real seconds.
        """
        async with asyncio.timeout(patience):
            while not (value := condition()):
                waiter = asyncio.get_running_loop().create_future()
                self._waiters.add(waiter)
                try:
                    await waiter
                finally:
                    self._waiters.discard(waiter)
        return value

    def _clock_moved(self) -> None:
        self.emit("clock", now=self.clock.now().isoformat(), frozen=self.clock.frozen)

    # ---- people and chats -------------------------------------------------------------------------------------------

    def add_person(self, name: str, *, username: str | None = None, note: str = "", id: int | None = None) -> Person:  # noqa: A002
        """A new person, who has not met the bot yet. ValueError if the id or username is taken."""
        id = id if id is not None else max([FIRST_PERSON - 1, *self.people]) + 1  # noqa: A001
        if id in self.people or (username and any(each.username == username for each in self.people.values())):
            raise ValueError(f"there is somebody like that already: {id} {username or ''}")
        person = self.people[id] = Person(id, name, username, note)
        self.chats[id] = Chat(id, "private", name, {id: "member"}, username=username)
        self.emit("person", person=person.id)
        return person

    def add_group(self, title: str, members: dict[int, str], *, supergroup: bool = False) -> Chat:
        """A new group without the bot in it. The first member made it."""
        taken = [chat.id for chat in self.chats.values() if chat.kind == ("supergroup" if supergroup else "group")]
        first = FIRST_SUPERGROUP if supergroup else FIRST_GROUP
        chat = Chat(min([first + 1, *taken]) - 1, "supergroup" if supergroup else "group", title, dict(members))
        self.chats[chat.id] = chat
        self.emit("chat", chat=chat.id)
        return chat

    def met(self, person_id: int) -> bool:
        """Whether the bot has come across this person: in a chat of their own, or in a group they share."""
        return any(
            person_id in chat.members and chat.bot != "never"
            for chat in self.chats.values()
            if chat.kind != "private" or chat.id == person_id
        )

    def author(self, message: Json) -> Person | None:
        """The person who wrote a message; None for the bot's."""
        return self.people.get(message["from"]["id"])

    # ---- messages ---------------------------------------------------------------------------------------------------

    def post(self, chat: Chat, sender: Json, content: Json) -> Json:
        """Put a new message into a chat. `content` are the fields beside id, sender, chat and date."""
        if chat.kind == "supergroup":
            message_id = chat.next_message
            chat.next_message += 1
        else:
            message_id = self.numbers["message"] = self.numbers["message"] + 1
        message: Json = {
            "message_id": message_id,
            "from": sender,
            "chat": chat.json(),
            "date": self.clock.seconds(),
            **content,
        }
        chat.messages[message_id] = message
        return message

    def quoted(self, chat: Chat, message_id: int) -> Json | None:
        """A message as it stands inside a reply to it: without what it replied to itself."""
        message = chat.messages.get(message_id)
        return message and {key: value for key, value in message.items() if key != "reply_to_message"}

    def record(self, method: str, chat_id: int | None, message_id: int | None, text: str, error: str | None) -> None:
        """Log a request of the bot."""
        self.calls.append(Call(len(self.calls) + 1, self.clock.seconds(), method, chat_id, message_id, text, error))
        self.counts[method if error is None else f"{method}: {error}"] += 1
        self.wake()

    # ---- files ------------------------------------------------------------------------------------------------------

    def store(self, name: str, mime: str, data: bytes, folder: str) -> StoredFile:
        """Keep a file and give it ids and a path."""
        number = self.serial()
        suffix = name.rpartition(".")[2] if "." in name else "bin"
        suffix = suffix.lower() if suffix.isascii() and suffix.isalnum() else "bin"
        prefix = "AgACAgUAAxk" if folder == "photos" else "BQACAgUAAxk"
        stored = StoredFile(
            f"{prefix}BAAI{number:012x}", f"AgAD{number:08x}", f"{folder}/file_{number}.{suffix}", name, mime, data
        )
        self.files[stored.file_id] = stored
        self.files_by_path[stored.path] = stored
        return stored

    # ---- command menus ----------------------------------------------------------------------------------------------

    def menu(self, chat: Chat, person: Person) -> list[Json]:
        """The command menu this person sees in this chat: the narrowest scope that has one, as Telegram resolves it."""
        for scope in _scopes(chat, person):
            for language in (":zh", ":"):
                if found := self.commands.get(scope + language):
                    return found
        return []


def _scopes(chat: Chat, person: Person) -> Iterator[str]:
    if chat.kind == "private":
        yield from (f"chat:{chat.id}", "all_private_chats", "default")
        return
    leads = chat.members.get(person.id) in ("creator", "administrator")
    yield f"chat_member:{chat.id}:{person.id}"
    if leads:
        yield f"chat_administrators:{chat.id}"
    yield f"chat:{chat.id}"
    if leads:
        yield "all_chat_administrators"
    yield from ("all_group_chats", "default")


def text_of(message: Json) -> str:
    """What a message says: its text or its caption."""
    said: str = message.get("text") or message.get("caption") or ""
    return said


def entities_of(message: Json) -> list[tuple[Json, str]]:
    """The entities of a message with the words they cover."""
    text = text_of(message)
    found = message.get("entities") or message.get("caption_entities") or []
    return [(entity, utf16_slice(text, entity["offset"], entity["length"])) for entity in found]
