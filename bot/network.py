"""Requests to Telegram: python-telegram-bot's request interface on aiohttp, which costs a third of httpx's time.

Nothing may be sent from inside a transaction: what a rollback cannot take back has no place there. ``no_network``
marks where that holds, and a request made there fails and is remembered, even if the caller swallows the error.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any

import aiohttp
from telegram import InputFile
from telegram._utils.defaultvalue import DEFAULT_NONE
from telegram.error import NetworkError, RetryAfter, TimedOut
from telegram.request import BaseRequest, HTTPXRequest, RequestData
from telegram.request._requestparameter import RequestParameter
from yarl import URL

# The library is about to give times as timedelta only, and warns of it until it is asked to do so.
os.environ.setdefault("PTB_TIMEDELTA", "1")

CONNECT_SECONDS = 5.0
READ_SECONDS = 10.0
UPLOAD_SECONDS = 60.0
CONNECTIONS = 64

_trespasses: ContextVar[list[str] | None] = ContextVar("trespasses", default=None)


class NetworkInTransaction(Exception):
    """A handler tried to reach the network inside its transaction. It should write a row instead."""


@contextmanager
def no_network() -> Iterator[list[str]]:
    """Forbids requests in here; yields the list of those that were tried all the same."""
    tried: list[str] = []
    token = _trespasses.set(tried)
    try:
        yield tried
    finally:
        _trespasses.reset(token)


@dataclass(frozen=True)
class Upload:
    """A file that goes with a call, under the parameter ``field``."""

    field: str
    filename: str
    content: bytes


class Network(BaseRequest):
    """Sends JSON over kept connections; uploads go through the library's own multipart request.

    ``on_date`` is told the Date header of each answer, whatever its status; of uploads it is not.
    """

    def __init__(self, on_date: Callable[[str | None], None] | None = None) -> None:
        self._on_date = on_date
        self._session: aiohttp.ClientSession | None = None
        self._uploads: HTTPXRequest | None = None

    @property
    def read_timeout(self) -> float:
        """Seconds to wait for an answer where a call says nothing else."""
        return READ_SECONDS

    async def initialize(self) -> None:
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=CONNECTIONS, keepalive_timeout=60.0)
            # Answers are a few hundred bytes: packing and unpacking them would cost more than sending them as they are.
            self._session = aiohttp.ClientSession(
                connector=connector, skip_auto_headers=("Accept-Encoding", "Accept", "User-Agent")
            )

    async def shutdown(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None
        if self._uploads is not None:
            await self._uploads.shutdown()
            self._uploads = None

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: Any = DEFAULT_NONE,
        write_timeout: Any = DEFAULT_NONE,
        connect_timeout: Any = DEFAULT_NONE,
        pool_timeout: Any = DEFAULT_NONE,
    ) -> tuple[int, bytes]:
        """Status and body of the answer. Raises TimedOut (the call may have been carried out) or NetworkError."""
        if (tried := _trespasses.get()) is not None:
            endpoint = url.rpartition("/")[2]
            tried.append(endpoint)
            raise NetworkInTransaction(f"{endpoint} was called inside a transaction: write an outbox row instead")
        if request_data is not None and request_data.contains_files:
            return await self._upload(url, method, request_data)
        if self._session is None:
            raise NetworkError("the network is not initialized")
        body = json.dumps(request_data.parameters).encode() if request_data is not None else None
        headers = _JSON if body is not None else None
        limits = _limits(READ_SECONDS if read_timeout is DEFAULT_NONE else read_timeout)
        try:
            # An answer that is not read to its end (time-out, cancellation) takes its connection with it.
            async with self._session.request(method, _url(url), data=body, headers=headers, timeout=limits) as answer:
                content = await answer.read()
                if self._on_date is not None:
                    self._on_date(answer.headers.get("Date"))
                return answer.status, content
        except TimeoutError as late:
            raise TimedOut from late
        except aiohttp.ClientError as fault:
            raise NetworkError(f"{type(fault).__name__}: {fault}") from fault

    async def _upload(self, url: str, method: str, request_data: RequestData) -> tuple[int, bytes]:
        if self._uploads is None:
            self._uploads = HTTPXRequest(
                connection_pool_size=4, media_write_timeout=UPLOAD_SECONDS, read_timeout=UPLOAD_SECONDS
            )
            await self._uploads.initialize()
        return await self._uploads.do_request(
            url, method, request_data, UPLOAD_SECONDS, UPLOAD_SECONDS, CONNECT_SECONDS, CONNECT_SECONDS
        )


_JSON = {"Content-Type": "application/json"}


@lru_cache(maxsize=16)
def _limits(read_seconds: float | None) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=read_seconds)


@lru_cache(maxsize=64)
def _url(url: str) -> URL:
    return URL(url, encoded=True)


class Api:
    """The Bot API as one bot sees it: method and parameters in, the ``result`` out, telegram.error.* raised."""

    def __init__(self, network: Network, api_base: str, token: str) -> None:
        self.network = network
        self._url = f"{api_base}/bot{token}"

    async def call(
        self,
        method: str,
        payload: Mapping[str, Any],
        *,
        upload: Upload | None = None,
        read_timeout: float = READ_SECONDS,
    ) -> Any:
        parameters = [RequestParameter(name, value, None) for name, value in payload.items()]
        if upload is not None:
            file = InputFile(upload.content, filename=upload.filename)
            parameters.append(RequestParameter.from_input(upload.field, file))
        return await self.network.post(f"{self._url}/{method}", RequestData(parameters), read_timeout=read_timeout)


def seconds_to_wait(error: RetryAfter) -> float:
    """What Telegram asks for with a 429."""
    wait = error.retry_after
    return wait.total_seconds() if isinstance(wait, timedelta) else float(wait)
