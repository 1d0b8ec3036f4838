"""The sandbox in a program: start it, put people into it, have them act, wait for what the bot does."""

import socket
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from tornado.httpserver import HTTPServer

from sandbox.acts import Acts, Upload
from sandbox.clock import VirtualClock
from sandbox.control import application
from sandbox.faults import Fault, Faults
from sandbox.limits import Limits
from sandbox.methods import Methods
from sandbox.server import LARGEST_BODY, BotApi, Router
from sandbox.state import load, save
from sandbox.views import PATIENCE, ChatView, MessageView
from sandbox.world import TOKEN, Call, Person, Query, World

T = TypeVar("T")


class Tap:
    """A tap that waits for its answer (`answerCallbackQuery`)."""

    def __init__(self, world: World, query: Query) -> None:
        self._world = world
        self.query = query

    async def answered(self, patience: float = PATIENCE) -> str:
        """The words of the toast or alert, which may be none. AssertionError if no answer comes."""
        try:
            await self._world.until(lambda: self.query.answered, patience)
        except TimeoutError:
            raise AssertionError(f"the tap on {self.query.data!r} was not answered within {patience:g} s") from None
        return self.query.text

    @property
    def alert(self) -> bool:
        """Whether the answer was an alert and not a toast."""
        return self.query.alert


class PersonView(ChatView):
    """A person, and the private chat with the bot: `hear`, `messages` and the rest read that chat.

    Each act takes `chat` where it is to happen in a group.
    """

    def __init__(self, sandbox: "Sandbox", person: Person) -> None:
        super().__init__(sandbox, sandbox.world.chats[person.id])
        self.person = person
        self._acts = sandbox.acts

    @property
    def name(self) -> str:
        return self.person.name

    async def start(self, payload: str | None = None) -> MessageView:
        """Press START, or follow a deep link with its payload (or the whole link)."""
        return MessageView(self._acts.start(self.person, payload and payload.rpartition("start=")[2]))

    async def send(
        self, text: str, *, reply_to: MessageView | None = None, chat: ChatView | None = None
    ) -> MessageView:
        """Write a message."""
        return MessageView(self._acts.send(self.person, (chat or self).raw, text, reply_to.id if reply_to else None))

    async def send_document(
        self,
        name: str,
        data: bytes,
        *,
        caption: str = "",
        mime: str | None = None,
        reply_to: MessageView | None = None,
        chat: ChatView | None = None,
    ) -> MessageView:
        """Send one file."""
        sent = await self.send_album([Upload(name, data, mime)], caption=caption, reply_to=reply_to, chat=chat)
        return sent[0]

    async def send_photo(self, data: bytes, *, caption: str = "", chat: ChatView | None = None) -> MessageView:
        """Send one picture (PNG, JPEG, GIF, WebP)."""
        sent = await self.send_album([Upload("photo.jpg", data)], caption=caption, chat=chat, as_photo=True)
        return sent[0]

    async def send_album(
        self,
        files: Sequence[Upload],
        *,
        caption: str = "",
        reply_to: MessageView | None = None,
        chat: ChatView | None = None,
        as_photo: bool = False,
    ) -> list[MessageView]:
        """Send up to ten files at once; the caption stands under the first."""
        reply = reply_to.id if reply_to else None
        sent = self._acts.send_files(self.person, (chat or self).raw, list(files), caption, reply, as_photo=as_photo)
        return [MessageView(message) for message in sent]

    async def edit(self, message: MessageView, text: str) -> MessageView:
        """Change one's own message."""
        return MessageView(self._acts.edit(self.person, self._sandbox.world.chats[message.chat_id], message.id, text))

    async def tap(self, message: MessageView, button: str) -> Tap:
        """Tap an inline button, named by its words or its callback data. ActRefused where there is none."""
        chat = self._sandbox.world.chats[message.chat_id]
        return Tap(self._sandbox.world, self._acts.tap(self.person, chat, message.id, button))

    async def forge(self, message: MessageView, data: str) -> Tap:
        """A tap with data no button carries, as an altered client sends it."""
        chat = self._sandbox.world.chats[message.chat_id]
        return Tap(self._sandbox.world, self._acts.forge(self.person, chat, message.raw, data))

    async def press(self, label: str, *, chat: ChatView | None = None) -> MessageView:
        """Press a key of the reply keyboard. ActRefused where it is not shown."""
        return MessageView(self._acts.press(self.person, (chat or self).raw, label))

    async def block(self) -> None:
        """Block the bot."""
        self._acts.block(self.person)

    async def unblock(self) -> None:
        """Unblock the bot."""
        self._acts.unblock(self.person)

    @property
    def keys(self) -> list[str]:
        """The keys of the reply keyboard shown in the private chat."""
        return self.keyboard(self.id)

    @property
    def menu(self) -> list[str]:
        """The command names of the menu in the private chat."""
        return [each["command"] for each in self._sandbox.world.menu(self.raw, self.person)]


class GroupView(ChatView):
    """A group. `by` is who acts; the one who made the group where nobody is named."""

    def _by(self, by: PersonView | None) -> Person:
        return by.person if by else self._sandbox.world.people[next(iter(self.raw.members))]

    async def add_bot(
        self, by: PersonView | None = None, *, payload: str | None = None, administrator: bool = False
    ) -> None:
        """Add the bot; with a payload as by `t.me/<bot>?startgroup=<payload>`."""
        self._sandbox.acts.add_bot(self._by(by), self.raw, payload, administrator=administrator)

    async def remove_bot(self, by: PersonView | None = None) -> None:
        """Throw the bot out."""
        self._sandbox.acts.remove_bot(self._by(by), self.raw)

    async def promote_bot(self, by: PersonView | None = None, *, administrator: bool = True) -> None:
        """Make the bot an administrator, who sees every message, or a plain member again."""
        self._sandbox.acts.promote_bot(self._by(by), self.raw, administrator=administrator)

    async def join(self, person: PersonView) -> None:
        """Have a person join."""
        self._sandbox.acts.join(person.person, self.raw)

    async def leave(self, person: PersonView) -> None:
        """Have a person leave."""
        self._sandbox.acts.leave(person.person, self.raw)

    async def migrate(self, by: PersonView | None = None) -> "GroupView":
        """Turn it into a supergroup; the old id answers with `migrate_to_chat_id` from now on."""
        return GroupView(self._sandbox, self._sandbox.acts.migrate(self._by(by), self.raw))


class Sandbox:
    """Telegram on this machine. Used as an asynchronous context manager; listens on loopback only.

    clock: virtual time; the real now, running, by default. limits: `Limits()` refuses with 429 as Telegram does,
    `Limits(on=False)` lets everything through. port: 0 for any free one. state: a folder that is read at the start and
    written at the end.
    """

    token = TOKEN

    def __init__(
        self,
        *,
        clock: VirtualClock | None = None,
        limits: Limits | None = None,
        port: int = 0,
        state: Path | None = None,
        bot_username: str = "kaoping_bot",
    ) -> None:
        self.clock = clock or VirtualClock()
        self.limits = limits or Limits()
        self.faults = Faults()
        self.world = World(self.clock, bot_username)
        self.acts = Acts(self.world)
        self.port = port
        self._state = state
        self._server: HTTPServer | None = None
        self._people: dict[int, PersonView] = {}
        self._groups: dict[int, GroupView] = {}

    async def __aenter__(self) -> Self:
        if self._state is not None:
            load(self.world, self._state)
        api = BotApi(self.world, Methods(self.world, self.limits), self.faults)
        # tornado takes any connection delegate in place of an application, though its annotation does not say so.
        self._server = HTTPServer(
            Router(api, application(self.world, self.acts, self.limits, self.faults)),
            max_buffer_size=LARGEST_BODY,
            max_body_size=LARGEST_BODY,
        )
        listener = socket.create_server(("127.0.0.1", self.port), backlog=1024)
        listener.setblocking(False)
        self.port = listener.getsockname()[1]
        self._server.add_socket(listener)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.faults.clear()
        if self._server is not None:
            self._server.stop()
            await self._server.close_all_connections()
        if self._state is not None:
            save(self.world, self._state)

    @property
    def url(self) -> str:
        """The address of the chat page; `KAOPING_API_BASE`."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def base_url(self) -> str:
        """What python-telegram-bot calls `base_url` (the token follows it)."""
        return f"{self.url}/bot"

    @property
    def base_file_url(self) -> str:
        """What python-telegram-bot calls `base_file_url`."""
        return f"{self.url}/file/bot"

    # ---- who is there -----------------------------------------------------------------------------------------------

    def person(self, name: str, *, username: str | None = None, note: str = "", id: int | None = None) -> PersonView:  # noqa: A002
        """The person of that name (and id), who is made if there is none yet and has then not met the bot."""
        for known in self.world.people.values():
            if known.name == name and id in (None, known.id):
                return self._view(known)
        return self._view(self.world.add_person(name, username=username, note=note, id=id))

    def group(self, title: str, members: Sequence[PersonView] = (), *, supergroup: bool = False) -> GroupView:
        """The group of that title, made without the bot if there is none yet; its creator is the first member."""
        for known in self.world.chats.values():
            if known.kind != "private" and known.title == title and known.migrated_to is None:
                return self._groups.setdefault(known.id, GroupView(self, known))
        roles = {each.id: "member" if index else "creator" for index, each in enumerate(members)}
        made = self.world.add_group(title, roles, supergroup=supergroup)
        return self._groups.setdefault(made.id, GroupView(self, made))

    def _view(self, person: Person) -> PersonView:
        return self._people.setdefault(person.id, PersonView(self, person))

    # ---- what has happened ------------------------------------------------------------------------------------------

    @property
    def calls(self) -> list[Call]:
        """Every request of the bot but `getUpdates`, in order."""
        return self.world.calls

    @property
    def counts(self) -> Mapping[str, int]:
        """How often each method was called with success; refusals are counted as `method: description`."""
        return self.world.counts

    @property
    def unread(self) -> int:
        """Updates the bot has not confirmed yet."""
        return len(self.world.updates.waiting)

    def file(self, file_id: str) -> bytes:
        """The bytes of a file."""
        return self.world.files[file_id].data

    async def until(self, condition: Callable[[], T], *, patience: float = PATIENCE) -> T:
        """Wait until `condition` is true; it is looked at after every request, act and move of the clock."""
        return await self.world.until(condition, patience)

    async def idle(self, *, patience: float = PATIENCE) -> None:
        """Wait until the bot has confirmed every update and waits for more."""
        updates = self.world.updates
        await self.until(lambda: updates.polled and not updates.waiting, patience=patience)

    # ---- time and trouble -------------------------------------------------------------------------------------------

    def advance(self, **by: float) -> None:
        """Move the clock forward: `advance(hours=1)`."""
        self.clock.advance(timedelta(**by))

    def set_time(self, to: datetime) -> None:
        """Move the clock forward to an instant (aware)."""
        self.clock.set(to)

    def fault(self, fault: Fault) -> Fault:
        """Put a fault in force; `faults.clear()` lifts all."""
        return self.faults.add(fault)
