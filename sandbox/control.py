"""The people's side over HTTP: what the page, and programs that are not Python, use to act as people and to watch.

All under `/sandbox/`; JSON in, JSON out. A refused act answers 422 with `{"error": …}`.

    GET    state                     everything there is (the newest 300 messages of each chat)
    GET    events                    server-sent events: first the state, then each change
    POST   act                       {"as": person, "do": …}, or a list of such; see `_act`
    POST   upload?as=…&chat=…        multipart: one file or an album; caption, reply_to, photo=1
    POST   people                    {"name", "username", "note", "id"}
    POST   groups                    {"title", "members": [ids], "bot": true}
    POST   clock                     {"to": ISO instant} | {"advance": seconds} | {"running": bool}
    POST   limits                    {"on": bool}
    GET    calls?after=N             the bot's requests from number N + 1 on
    GET    wait?method=…&count=…&timeout=…   until that method was called that often
    GET    faults, POST faults, DELETE faults   the rules in force; add one (the fields of `Fault`); lift all
    GET    files/<file_id>           the bytes
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import asdict, fields
from datetime import datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tornado.iostream import StreamClosedError
from tornado.web import Application, HTTPError, RequestHandler, StaticFileHandler

from sandbox.acts import Acts, Upload
from sandbox.errors import ActRefused
from sandbox.faults import Fault, Faults
from sandbox.limits import Limits
from sandbox.world import BOT_ID, Chat, Json, Person, World

PAGE = Path(__file__).parent / "page"
SHOWN_MESSAGES = 300
# A font for machines without any Chinese one (bare servers, containers); browsers fetch it only where they lack glyphs.
FONT_PACKAGE, FONT_FILE = "pylopdf_fonts_zh_cn", "NotoSansSC-Regular.otf"
STRUCTURAL = frozenset({"person", "chat", "commands"})
GONE: Json = {"event": "gone"}  # the listener has left; never sent
RASTER = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})


class Control:
    """The parts the handlers work on."""

    def __init__(self, world: World, acts: Acts, limits: Limits, faults: Faults) -> None:
        self.world = world
        self.acts = acts
        self.limits = limits
        self.faults = faults

    def person(self, value: Any) -> Person:
        """A person by id or name."""
        for person in self.world.people.values():
            if str(value) in (str(person.id), person.name):
                return person
        raise ActRefused(f"there is nobody called {value!r}")

    def chat(self, value: Any) -> Chat:
        """A chat by id."""
        chat = self.world.chats.get(int(value))
        if chat is None:
            raise ActRefused(f"there is no chat {value!r}")
        return chat

    def structure(self) -> Json:
        """Who and what there is, without the messages."""
        world = self.world
        return {
            "bot": {"id": BOT_ID, "username": world.bot_username, "name": world.bot_name},
            "now": world.clock.now().isoformat(),
            "frozen": world.clock.frozen,
            "people": [asdict(person) for person in world.people.values()],
            "chats": [
                {
                    "id": chat.id,
                    "kind": chat.kind,
                    "title": chat.title,
                    "members": chat.members,
                    "bot": chat.bot,
                    "migrated_to": chat.migrated_to,
                    "keyboards": chat.keyboards,
                    "menus": {person: world.menu(chat, world.people[person]) for person in chat.members},
                }
                for chat in world.chats.values()
            ],
        }

    def state(self) -> Json:
        """The structure and the newest messages by chat."""
        shown = {chat.id: list(chat.messages.values())[-SHOWN_MESSAGES:] for chat in self.world.chats.values()}
        return {**self.structure(), "messages": shown}


class _Handler(RequestHandler):
    def initialize(self, control: Control) -> None:
        self.control = control

    def set_default_headers(self) -> None:
        self.set_header("Cache-Control", "no-store")

    def read(self) -> Any:
        try:
            return json.loads(self.request.body or b"{}")
        except ValueError:
            raise HTTPError(400) from None

    def answer(self, body: Any) -> None:
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.write(json.dumps(body, ensure_ascii=False))

    def attempt(self, act: Callable[[], Any]) -> None:
        """Answer with what `act` gives, or with why it cannot be."""
        try:
            self.answer(act())
        except (ActRefused, ValueError, KeyError, TypeError) as error:
            self.set_status(422)
            self.answer({"error": f"missing {error}" if isinstance(error, KeyError) else str(error)})


class _State(_Handler):
    def get(self) -> None:
        self.answer(self.control.state())


class _Events(_Handler):
    """One listener of the world. Changes of structure are gathered and sent once, after what came with them."""

    async def get(self) -> None:
        self.set_header("Content-Type", "text/event-stream")
        self.queue: asyncio.Queue[Json] = asyncio.Queue()
        self.listener = self.queue.put_nowait
        self.control.world.listeners.append(self.listener)
        try:
            self.send({"event": "state", **self.control.state()})
            await self.flush()
            while True:
                events = [await self.queue.get()]
                while not self.queue.empty():
                    events.append(self.queue.get_nowait())
                if GONE in events:
                    return
                for event in events:
                    if event["event"] not in STRUCTURAL:
                        self.send(event)
                if any(event["event"] in STRUCTURAL for event in events):
                    self.send({"event": "structure", **self.control.structure()})
                await self.flush()
        except StreamClosedError:
            return
        finally:
            self.control.world.listeners.remove(self.listener)

    def send(self, event: Json) -> None:
        self.write(f"data: {json.dumps(event, ensure_ascii=False)}\n\n")

    def on_connection_close(self) -> None:
        self.queue.put_nowait(GONE)


def _act(control: Control, order: Json) -> Json:
    """One act of one person, named by `do`. `chat` is the private chat where it is not given."""
    acts = control.acts
    person = control.person(order["as"])
    chat = control.chat(order.get("chat") or person.id)
    match order["do"]:
        case "start":
            return acts.start(person, order.get("payload"))
        case "send":
            return acts.send(person, chat, order["text"], order.get("reply_to"))
        case "edit":
            return acts.edit(person, chat, order["message"], order["text"])
        case "tap":
            return asdict(acts.tap(person, chat, order["message"], order["button"]))
        case "press":
            return acts.press(person, chat, order["key"])
        case "block":
            acts.block(person)
        case "unblock":
            acts.unblock(person)
        case "join":
            acts.join(person, chat)
        case "leave":
            acts.leave(person, chat)
        case "add_bot":
            acts.add_bot(person, chat, order.get("payload"), administrator=bool(order.get("administrator")))
        case "remove_bot":
            acts.remove_bot(person, chat)
        case "promote_bot":
            acts.promote_bot(person, chat, administrator=bool(order.get("administrator", True)))
        case "migrate":
            return {"chat": acts.migrate(person, chat).id}
        case other:
            raise ActRefused(f"nobody can do {other!r}")
    return {}


class _Act(_Handler):
    def post(self) -> None:
        order = self.read()
        if isinstance(order, list):
            self.attempt(lambda: [_act(self.control, each) for each in order])
        else:
            self.attempt(lambda: _act(self.control, order))


class _Upload(_Handler):
    def post(self) -> None:
        control = self.control
        uploads = [
            Upload(each["filename"], each["body"], each["content_type"])
            for name in self.request.files
            for each in self.request.files[name]
        ]
        reply_to = self.get_argument("reply_to", "")

        def upload() -> list[Json]:
            person = control.person(self.get_argument("as"))
            chat = control.chat(self.get_argument("chat", str(person.id)))
            as_photo = self.get_argument("photo", "") == "1"
            caption = self.get_argument("caption", "")
            reply = int(reply_to) if reply_to else None
            return control.acts.send_files(person, chat, uploads, caption, reply, as_photo=as_photo)

        self.attempt(upload)


class _People(_Handler):
    def post(self) -> None:
        order = self.read()
        self.attempt(lambda: asdict(self.control.world.add_person(**order)))


class _Groups(_Handler):
    def post(self) -> None:
        order = self.read()

        def found() -> Json:
            members = [self.control.person(each) for each in order["members"]]
            roles = {person.id: "member" if index else "creator" for index, person in enumerate(members)}
            chat = self.control.world.add_group(order["title"], roles, supergroup=bool(order.get("supergroup")))
            if order.get("bot"):
                self.control.acts.add_bot(members[0], chat)
            return {"id": chat.id}

        self.attempt(found)


class _Clock(_Handler):
    def post(self) -> None:
        order, clock = self.read(), self.control.world.clock

        def move() -> Json:
            if "running" in order:
                clock.run() if order["running"] else clock.freeze()
            if "advance" in order:
                clock.advance(timedelta(seconds=float(order["advance"])))
            if "to" in order:
                clock.set(datetime.fromisoformat(order["to"]))
            return {"now": clock.now().isoformat(), "frozen": clock.frozen}

        self.attempt(move)


class _Limits(_Handler):
    def post(self) -> None:
        self.control.limits.on = bool(self.read()["on"])
        self.answer({"on": self.control.limits.on})


class _Calls(_Handler):
    def get(self) -> None:
        after = int(self.get_argument("after", "0"))
        self.answer([asdict(call) for call in self.control.world.calls[after:]])


class _Wait(_Handler):
    async def get(self) -> None:
        world, method = self.control.world, self.get_argument("method")
        count, patience = int(self.get_argument("count", "1")), float(self.get_argument("timeout", "60"))
        try:
            await world.until(lambda: world.counts[method] >= count, patience)
        except TimeoutError:
            self.set_status(408)
        self.answer({"counts": world.counts, "unread": len(world.updates.waiting)})


class _Faults(_Handler):
    def get(self) -> None:
        self.answer([_public(rule) for rule in self.control.faults.rules])

    def post(self) -> None:
        order = self.read()
        self.attempt(lambda: _public(self.control.faults.add(Fault(**order))))

    def delete(self) -> None:
        self.control.faults.clear()
        self.answer([])


def _public(rule: Fault) -> Json:
    return {each.name: getattr(rule, each.name) for each in fields(rule) if not each.name.startswith("_")}


class _File(_Handler):
    def get(self, file_id: str) -> None:
        stored = self.control.world.files.get(file_id)
        if stored is None:
            raise HTTPError(404)
        shown = stored.mime in RASTER
        self.set_header("Content-Type", stored.mime if shown else "application/octet-stream")
        self.set_header("X-Content-Type-Options", "nosniff")
        kind = "inline" if shown else "attachment"
        self.set_header("Content-Disposition", f"{kind}; filename*=UTF-8''{quote(stored.name)}")
        self.write(stored.data)


class _Page(StaticFileHandler):
    def set_extra_headers(self, path: str) -> None:
        self.set_header("Cache-Control", "no-cache")


def application(world: World, acts: Acts, limits: Limits, faults: Faults) -> Application:
    """The control API and the page, to be served beside the Bot API."""
    shared = {"control": Control(world, acts, limits, faults)}
    routes: list[Any] = [
        (r"/sandbox/state", _State, shared),
        (r"/sandbox/events", _Events, shared),
        (r"/sandbox/act", _Act, shared),
        (r"/sandbox/upload", _Upload, shared),
        (r"/sandbox/people", _People, shared),
        (r"/sandbox/groups", _Groups, shared),
        (r"/sandbox/clock", _Clock, shared),
        (r"/sandbox/limits", _Limits, shared),
        (r"/sandbox/calls", _Calls, shared),
        (r"/sandbox/wait", _Wait, shared),
        (r"/sandbox/faults", _Faults, shared),
        (r"/sandbox/files/([\w-]+)", _File, shared),
    ]
    font = find_spec(FONT_PACKAGE)
    if font is not None and font.origin:
        routes.append((rf"/fonts/({FONT_FILE})", StaticFileHandler, {"path": str(Path(font.origin).parent)}))
    routes.append((r"/(.*)", _Page, {"path": str(PAGE), "default_filename": "index.html"}))
    return Application(routes, log_function=lambda handler: None)
