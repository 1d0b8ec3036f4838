"""The server both sides are measured against: HTTP and the few calls it takes, as lean as they can be.

``GET /load?count=3000&chats=300`` gives it that many files handed in, from so many people in turn; ``GET /say?chat=7``
one message from one of them; ``GET /told`` tells what came out of it.
"""

import asyncio
import json
import re
import sys
import time
from urllib.parse import parse_qs, urlsplit

FIRST_CHAT = 1000
SENT_AT = 1617242400
"""2021-04-01 10:00 in China: the day before March's update is due."""
TOKEN = "123456789:AAHk1-token-of-the-benchmarks-peer"  # noqa: S105 - nobody's
FILE = {"file_id": "F", "file_unique_id": "U", "file_name": "3月工作动态.docx", "file_size": 12345}
ME = {"id": 123456789, "is_bot": True, "first_name": "考评", "username": "kaoping_bot"}
CHAT = re.compile(rb'chat_id(?:": ?|=)"?(\d+)')


class Telegram:
    """What is waiting to be read, and when what was sent."""

    def __init__(self) -> None:
        self.next_id = 1
        self.waiting: list[dict[str, object]] = []
        self.began: float | None = None
        self.said_at: dict[int, float] = {}
        self.sent: list[tuple[float, int]] = []
        self.poll: asyncio.Future[None] | None = None
        self.polled: float | None = None

    def load(self, count: int, chats: int) -> None:
        self.waiting = []
        self.began = self.polled = None
        self.sent = []
        self.said_at = {}
        for number in range(count):
            self.push(FIRST_CHAT + number % chats, {"document": FILE, "caption": "2021年3月工作动态"})

    def push(self, chat_id: int, content: dict[str, object]) -> None:
        person = {"id": chat_id, "first_name": f"联络员{chat_id}"}
        number = self.next_id
        self.next_id += 1
        common = {"message_id": number, "date": SENT_AT, "chat": {**person, "type": "private"}}
        message = {**common, "from": {**person, "is_bot": False}, **content}
        self.waiting.append({"update_id": number, "message": message})
        if self.poll is not None and not self.poll.done():
            self.poll.set_result(None)

    async def updates(self, body: bytes) -> object:
        asked = _parameters(body)
        self.polled = self.polled or time.monotonic()
        offset = int(asked.get("offset") or 0)
        self.waiting = [update for update in self.waiting if int(str(update["update_id"])) >= offset]
        if not self.waiting and float(asked.get("timeout") or 0) > 0:
            self.poll = asyncio.get_running_loop().create_future()
            asyncio.get_running_loop().call_later(1.0, _finish, self.poll)
            await self.poll
        batch = self.waiting[:100]
        if batch and self.began is None:
            self.began = time.monotonic()
        return batch

    def send(self, body: bytes) -> object:
        found = CHAT.search(body)
        chat_id = int(found.group(1)) if found else 0
        self.sent.append((time.monotonic(), chat_id))
        chat = {"id": chat_id, "type": "private", "first_name": "x"}
        return {"message_id": len(self.sent), "date": SENT_AT, "chat": chat, "from": ME, "text": "好"}

    async def answer(self, target: str, body: bytes) -> object:
        path, _, query = target.partition("?")
        asked = {name: values[0] for name, values in parse_qs(query).items()}
        match path.rpartition("/")[2]:
            case "getUpdates":
                return await self.updates(body)
            case "sendMessage":
                return self.send(body)
            case "getMe":
                return ME
            case "getFile":
                return {**FILE, "file_path": "documents/file.docx"}
            case "load":
                self.load(int(asked["count"]), int(asked["chats"]))
            case "say":
                self.said_at[int(asked["chat"])] = time.monotonic()
                self.push(int(asked["chat"]), {"text": asked["text"]})
            case "told":
                return {"began": self.began, "sent": self.sent, "said_at": self.said_at, "polled": self.polled}
        return True


def _finish(poll: asyncio.Future[None]) -> None:
    if not poll.done():
        poll.set_result(None)


def _parameters(body: bytes) -> dict[str, str]:
    if body[:1] == b"{":
        return dict(json.loads(body))
    return {name: values[0] for name, values in parse_qs(body.decode()).items()}


class Connection(asyncio.Protocol):
    """HTTP/1.1 with Content-Length, one request after another."""

    def __init__(self, telegram: Telegram) -> None:
        self._telegram = telegram
        self._buffer = b""
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].decode("latin-1")
            length = re.search(r"content-length: *(\d+)", head, re.IGNORECASE)
            size = int(length.group(1)) if length else 0
            if len(self._buffer) < end + 4 + size:
                return
            body = self._buffer[end + 4 : end + 4 + size]
            self._buffer = self._buffer[end + 4 + size :]
            target = head.split(" ", 2)[1]
            if target.endswith("/sendMessage"):
                self._reply(self._telegram.send(body))
            elif target.startswith("/file/"):
                self._write(b"papers")
            else:
                task = asyncio.create_task(self._later(target, body))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _later(self, target: str, body: bytes) -> None:
        self._reply(await self._telegram.answer(target, body))

    def _reply(self, result: object) -> None:
        self._write(json.dumps({"ok": True, "result": result}).encode())

    def _write(self, body: bytes) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        if not self._transport.is_closing():
            self._transport.write(head.encode() + body)


async def _serve() -> None:
    telegram = Telegram()
    server = await asyncio.get_running_loop().create_server(lambda: Connection(telegram), "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    sys.stdout.write(urlsplit(f"http://{host}:{port}").geturl() + "\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())
