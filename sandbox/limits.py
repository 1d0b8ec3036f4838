"""Telegram's flood limits: one message a second in a chat (bursts aside), 20 a minute in a group, 30 a second in all.

They run on real time, not on the virtual clock: they are about load, and a client that is told to wait does wait.
"""

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from sandbox.errors import too_many_requests


@dataclass(slots=True)
class _Window:
    """At most `most` grants within any `span` seconds."""

    most: int
    span: float
    grants: deque[float] = field(default_factory=deque)

    def wait(self, now: float) -> float:
        """Seconds until the next grant is free; 0 if it is now."""
        while self.grants and self.grants[0] <= now - self.span:
            self.grants.popleft()
        return 0.0 if len(self.grants) < self.most else self.grants[0] + self.span - now

    def take(self, now: float) -> None:
        self.grants.append(now)


@dataclass(slots=True)
class _Bucket:
    """A burst of `burst`, refilled at `rate` a second."""

    burst: int
    rate: float
    level: float
    at: float

    def wait(self, now: float) -> float:
        self.level = min(float(self.burst), self.level + (now - self.at) * self.rate)
        self.at = now
        return 0.0 if self.level >= 1 else (1 - self.level) / self.rate

    def take(self, now: float) -> None:
        self.level -= 1


@dataclass(slots=True)
class Limits:
    """The flood limits and what has been used of them. `on=False` lets everything through."""

    on: bool = True
    overall_per_second: int = 30
    chat_burst: int = 5
    chat_per_second: float = 1.0
    group_per_minute: int = 20
    timer: Callable[[], float] = time.monotonic
    refused: int = 0
    _overall: _Window | None = None
    _chats: dict[int, _Bucket | _Window] = field(default_factory=dict)

    def take(self, chat_id: int, *, group: bool) -> None:
        """Count one message to `chat_id`, or raise 429 with the seconds to wait. What is refused is not counted."""
        if not self.on:
            return
        now = self.timer()
        overall = self._overall = self._overall or _Window(self.overall_per_second, 1.0)
        chat = self._chats.get(chat_id)
        if chat is None:
            chat = self._chats[chat_id] = (
                _Window(self.group_per_minute, 60.0)
                if group
                else _Bucket(self.chat_burst, self.chat_per_second, float(self.chat_burst), now)
            )
        wait = max(overall.wait(now), chat.wait(now))
        if wait > 0:
            self.refused += 1
            raise too_many_requests(max(1, math.ceil(wait)))
        overall.take(now)
        chat.take(now)
