"""The plainest client of the Bot API: for scripted bots, and for tests that want no library in between."""

import json
import uuid
from dataclasses import dataclass
from typing import Any

from tornado.httpclient import AsyncHTTPClient, HTTPResponse
from tornado.simple_httpclient import SimpleAsyncHTTPClient

from sandbox.server import LARGEST_BODY
from sandbox.world import Json

LONGEST_WAIT = 70.0  # seconds; above the longest poll


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it came: HTTP status, `Date` header, body."""

    status: int
    date: str
    body: Json

    @property
    def description(self) -> str:
        """Why it was refused; empty where it was not."""
        return str(self.body.get("description", ""))


class RawClient:
    """Requests of a bot with `token` to the server at `url`."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self.token = token
        self._http: AsyncHTTPClient = SimpleAsyncHTTPClient(
            force_instance=True, max_clients=1000, max_buffer_size=LARGEST_BODY, max_body_size=LARGEST_BODY
        )

    async def call(self, method: str, *, token: str | None = None, **params: Any) -> Answer:
        """Call a method with a JSON body."""
        body = json.dumps(params).encode()
        return _answer(await self.post(f"/bot{token or self.token}/{method}", body, "application/json"))

    async def result(self, method: str, **params: Any) -> Any:
        """The result of a call that has to succeed; RuntimeError with Telegram's description where it does not."""
        answer = await self.call(method, **params)
        if answer.status != 200:
            raise RuntimeError(f"{method}: {answer.description}")
        return answer.body["result"]

    async def refusal(self, method: str, **params: Any) -> str:
        """The description of a call that has to be refused; RuntimeError where it is not."""
        answer = await self.call(method, **params)
        if answer.status == 200 or answer.body["error_code"] != answer.status:
            raise RuntimeError(f"{method} was not refused: {answer}")
        return answer.description

    async def upload(self, method: str, field: str, name: str, data: bytes, **params: object) -> Answer:
        """Call a method with a multipart body that carries one file."""
        boundary = uuid.uuid4().hex
        parts = [f'name="{key}"\r\n\r\n'.encode() + str(value).encode() for key, value in params.items()]
        parts.append(f'name="{field}"; filename="{name}"\r\n\r\n'.encode() + data)
        lead = f"--{boundary}\r\nContent-Disposition: form-data; ".encode()
        body = b"".join(lead + part + b"\r\n" for part in parts) + f"--{boundary}--\r\n".encode()
        kind = f"multipart/form-data; boundary={boundary}"
        return _answer(await self.post(f"/bot{self.token}/{method}", body, kind))

    async def post(self, path: str, body: bytes, content_type: str) -> HTTPResponse:
        """Any request with a body. Statuses are not errors; a connection that ends is one."""
        return await self._http.fetch(
            self.url + path,
            method="POST",
            body=body,
            headers={"Content-Type": content_type},
            request_timeout=LONGEST_WAIT,
            raise_error=False,
        )

    async def get(self, path: str) -> HTTPResponse:
        """Any request without one."""
        return await self._http.fetch(self.url + path, request_timeout=LONGEST_WAIT, raise_error=False)

    def close(self) -> None:
        """Let the connections go."""
        self._http.close()


def _answer(response: HTTPResponse) -> Answer:
    if response.error is not None and response.code == 599:
        raise response.error
    return Answer(response.code, response.headers["Date"], json.loads(response.body))
