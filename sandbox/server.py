"""The Bot API over HTTP.

`/bot<token>/<method>` and `/file/bot<token>/<path>` are answered on tornado's connection level, without its request
handlers: the sandbox is the peer of throughput measurements and must not be what they measure. Everything else goes to
a tornado application (the control API and the page).
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Coroutine
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote

from tornado import httputil
from tornado.iostream import StreamClosedError
from tornado.web import Application

from sandbox.clock import VirtualClock
from sandbox.errors import ApiError, too_many_requests
from sandbox.faults import Fault, Faults
from sandbox.methods import LARGEST_DOWNLOAD, Method, Methods
from sandbox.params import Params, Part
from sandbox.world import TOKEN, Json, World

logger = logging.getLogger(__name__)

LARGEST_BODY = (
    120 * 1024 * 1024
)  # above the 50 MB of an upload, so that one that is too large is answered and not cut off
MULTIPART = httputil.ParseMultipartConfig(max_parts=200)
REASONS = {status.value: status.phrase for status in HTTPStatus}


Effect = Callable[[], Awaitable[tuple[int, Json]]]


class BotApi:
    """Answers requests of the bot."""

    def __init__(self, world: World, methods: Methods, faults: Faults) -> None:
        self.world = world
        self.methods = methods
        self.faults = faults

    def answer(self, reply: "_Reply", path: str, params: Params | None) -> Coroutine[Any, Any, None] | None:
        """Answer one request for `path` (unquoted): at once, or by the coroutine that is returned.

        `params` is None where the body could not be read.
        """
        if path.startswith("/file/bot"):
            return self._download(reply, path.removeprefix("/file/bot"))
        token, _, name = path.removeprefix("/bot").partition("/")
        try:
            _check_token(token)
            if params is None:
                raise ApiError(400, "Bad Request: can't parse the request body")
            if name.lower() == "getupdates":
                fault = self.faults.strike("getUpdates", None)
                return self._under(fault, reply, lambda: self._updates(params))
            method = self.methods.by_name.get(name.lower())
            if method is None:
                raise ApiError(404, "Not Found: method not found")
        except ApiError as error:
            reply.error(error)
            return None
        name, function = method
        fault = self.faults.strike(name, params.integer("chat_id") or None) if self.faults.rules else None
        if fault is None:
            reply.json(*self._run(name, function, params))
            return None

        async def effect() -> tuple[int, Json]:
            return self._run(name, function, params)

        return self._under(fault, reply, effect)

    async def _updates(self, params: Params) -> tuple[int, Json]:
        allowed = params.json("allowed_updates")
        if isinstance(allowed, list):
            self.world.updates.allowed = [str(kind) for kind in allowed]
        # Whoever waits for the bot to have read everything looks again once this poll has confirmed it, and waits.
        asyncio.get_running_loop().call_soon(self.world.wake)
        try:
            batch = await self.world.updates.poll(
                params.integer("offset"), params.integer("limit", 100), params.integer("timeout")
            )
        except ApiError as error:
            return _refusal(error)
        self.world.wake()
        return 200, {"ok": True, "result": batch}

    def _run(self, name: str, function: Method, params: Params) -> tuple[int, Json]:
        try:
            result = function(params)
        except ApiError as error:
            self.world.record(name, params.integer("chat_id") or None, None, _said(params), error.description)
            return _refusal(error)
        message_id = result.get("message_id") if isinstance(result, dict) else None
        self.world.record(name, params.integer("chat_id") or None, message_id, _said(params), None)
        return 200, {"ok": True, "result": result}

    async def _under(self, fault: Fault | None, reply: "_Reply", effect: Effect) -> None:
        """Answer under a fault, or as usual where there is none."""
        match fault and fault.kind:
            case "drop_before":
                reply.drop()
            case "too_many_requests" if fault:
                reply.error(too_many_requests(fault.retry_after))
            case "server_error" if fault:
                reply.error(ApiError(fault.status, REASONS.get(fault.status, "Internal Server Error")))
            case "drop_after":
                await effect()
                reply.drop()
            case _:
                status, body = await effect()
                if fault:
                    await fault.pause()
                reply.json(status, body)

    async def _download(self, reply: "_Reply", path: str) -> None:
        token, _, name = path.partition("/")
        try:
            _check_token(token)
            stored = self.world.files_by_path.get(name)
            if stored is None:
                raise ApiError(404, "Not Found")
            if stored.size > LARGEST_DOWNLOAD:
                raise ApiError(400, "Bad Request: file is too big")
        except ApiError as error:
            reply.error(error)
            return
        fault = self.faults.strike("file", None)
        if fault is None or fault.kind == "slow":
            if fault is not None:
                await fault.pause()
            reply.send(200, stored.mime, stored.data)
        else:
            await self._under(fault, reply, _nothing)


async def _nothing() -> tuple[int, Json]:
    return 200, {}


def _check_token(token: str) -> None:
    if token == TOKEN:
        return
    digits, colon, secret = token.partition(":")
    raise ApiError(401, "Unauthorized") if digits.isdigit() and colon and secret else ApiError(404, "Not Found")


def _refusal(error: ApiError) -> tuple[int, Json]:
    body: Json = {"ok": False, "error_code": error.code, "description": error.description}
    if error.parameters:
        body["parameters"] = error.parameters
    return error.code, body


def _said(params: Params) -> str:
    return params.text("text") or params.text("caption")


class _Reply:
    """The answer to one request; every answer carries the `Date` of the virtual clock."""

    __slots__ = ("clock", "closed", "connection")

    def __init__(self, connection: httputil.HTTPConnection, clock: VirtualClock) -> None:
        self.connection = connection
        self.clock = clock
        self.closed = False

    def json(self, status: int, body: Json) -> None:
        """Answer with a JSON object."""
        self.send(status, "application/json", json.dumps(body, ensure_ascii=False).encode())

    def error(self, error: ApiError) -> None:
        """Answer with a refusal."""
        self.json(*_refusal(error))

    def send(self, status: int, mime: str, body: bytes) -> None:
        """Answer with anything; nothing happens where the client has gone."""
        if self.closed:
            return
        headers = httputil.HTTPHeaders(
            {"Content-Type": mime, "Content-Length": str(len(body)), "Date": self.clock.http_date()}
        )
        start = httputil.ResponseStartLine("HTTP/1.1", status, REASONS.get(status, "Unknown"))
        written = self.connection.write_headers(start, headers, body)
        written.add_done_callback(_seen)
        self.connection.finish()

    def drop(self) -> None:
        """End the connection without an answer."""
        if not self.closed:
            self.connection.stream.close()  # type: ignore[attr-defined]


def _seen(written: "asyncio.Future[None]") -> None:
    if not written.cancelled() and (error := written.exception()) and not isinstance(error, StreamClosedError):
        logger.error("an answer could not be written: %s", error)


class _BotRequest(httputil.HTTPMessageDelegate):
    """Gathers one request of the bot, then has it answered."""

    def __init__(self, api: BotApi, connection: httputil.HTTPConnection, path: str) -> None:
        self.api = api
        self.reply = _Reply(connection, api.world.clock)
        self.path = path
        self.headers = httputil.HTTPHeaders()
        self.chunks: list[bytes] = []
        self.task: asyncio.Task[None] | None = None

    def headers_received(
        self, start_line: httputil.RequestStartLine | httputil.ResponseStartLine, headers: httputil.HTTPHeaders
    ) -> None:
        self.headers = headers

    def data_received(self, chunk: bytes) -> None:
        self.chunks.append(chunk)

    def finish(self) -> None:
        path, _, query = self.path.partition("?")
        params = read_params(query, self.headers.get("Content-Type", ""), b"".join(self.chunks))
        self.chunks.clear()
        try:
            pending = self.api.answer(self.reply, unquote(path), params)
        except Exception:
            self._failed()
            raise
        if pending is not None:
            self.task = asyncio.ensure_future(self._wait_for(pending))

    async def _wait_for(self, pending: Coroutine[Any, Any, None]) -> None:
        try:
            await pending
        except Exception:
            self._failed()
            raise

    def _failed(self) -> None:
        """A mistake of the sandbox itself: say so to the client, and let the error go on to the log."""
        self.reply.error(ApiError(500, "Internal Server Error: the sandbox failed"))

    def on_connection_close(self) -> None:
        self.reply.closed = True
        if self.task is not None:
            self.task.cancel()


class Router(httputil.HTTPServerConnectionDelegate):
    """Sends the bot's requests the short way and all others to the application."""

    def __init__(self, api: BotApi, application: Application) -> None:
        self.api = api
        self.application = application

    def start_request(self, server_conn: object, request_conn: httputil.HTTPConnection) -> httputil.HTTPMessageDelegate:
        return _Fork(self, server_conn, request_conn)


class _Fork(httputil.HTTPMessageDelegate):
    """Waits for the path, then hands over to whoever is to answer it."""

    def __init__(self, router: Router, server_conn: object, request_conn: httputil.HTTPConnection) -> None:
        self.router = router
        self.server_conn = server_conn
        self.request_conn = request_conn
        self.chosen: httputil.HTTPMessageDelegate | None = None

    def headers_received(
        self, start_line: httputil.RequestStartLine | httputil.ResponseStartLine, headers: httputil.HTTPHeaders
    ) -> Awaitable[None] | None:
        path = start_line.path if isinstance(start_line, httputil.RequestStartLine) else ""
        if path.startswith(("/bot", "/file/bot")):
            self.chosen = _BotRequest(self.router.api, self.request_conn, path)
        else:
            self.chosen = self.router.application.start_request(self.server_conn, self.request_conn)
        return self.chosen.headers_received(start_line, headers)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        return self.chosen.data_received(chunk) if self.chosen else None

    def finish(self) -> None:
        if self.chosen:
            self.chosen.finish()

    def on_connection_close(self) -> None:
        if self.chosen:
            self.chosen.on_connection_close()


def read_params(query: str, content_type: str, body: bytes) -> Params | None:
    """Query and body (JSON, form-encoded or multipart) as parameters; None for a body that cannot be read."""
    values: Json = dict(parse_qsl(query, keep_blank_values=True)) if query else {}
    kind = content_type.partition(";")[0].strip().lower()
    uploads: dict[str, Part] = {}
    try:
        if kind == "application/json" and body:
            values.update(json.loads(body))
        elif kind == "application/x-www-form-urlencoded":
            values.update(parse_qsl(body.decode(), keep_blank_values=True, errors="strict"))
        elif kind == "multipart/form-data":
            arguments: dict[str, list[bytes]] = {}
            files: dict[str, list[httputil.HTTPFile]] = {}
            boundary = next(
                field.partition("=")[2].strip().strip('"')
                for field in content_type.split(";")
                if field.strip().lower().startswith("boundary=")
            )
            httputil.parse_multipart_form_data(boundary.encode(), body, arguments, files, config=MULTIPART)
            values.update({name: each[-1].decode() for name, each in arguments.items()})
            uploads = {
                name: Part(
                    each[-1]["filename"], each[-1]["content_type"] or "application/octet-stream", each[-1]["body"]
                )
                for name, each in files.items()
            }
    except (ValueError, TypeError, StopIteration, httputil.HTTPInputError):
        return None
    return Params(values, uploads)
