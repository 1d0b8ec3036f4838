"""Faults to order: what a network and a busy Telegram do to a bot, at places a test chooses."""

import asyncio
import random
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal

Kind = Literal["too_many_requests", "server_error", "drop_before", "drop_after", "slow"]


@dataclass(slots=True)
class Fault:
    """A rule: which requests are hit, how often, and by what.

    method: a pattern (`sendMessage`, `send*`, `*`), matched without regard to case; `getFile` does not cover the
        download itself, which is `file`.
    kind: `too_many_requests` (429, `retry_after` seconds), `server_error` (`status`, 500 to 599), `drop_before` and
        `drop_after` (the connection ends without an answer, before or after the effect), `slow` (the effect happens at
        once, the answer comes `delay` real seconds later, or upon `release()` where `delay` is None).
    times: how many requests are hit at most; None is without end. skip: how many are let through first.
    probability: of each request being hit, drawn with `seed`.
    chat_id: only requests to this chat.
    """

    kind: Kind
    method: str = "*"
    times: int | None = 1
    skip: int = 0
    probability: float = 1.0
    seed: int = 0
    chat_id: int | None = None
    retry_after: int = 1
    status: int = 502
    delay: float | None = 1.0
    hits: int = 0
    _random: random.Random = field(default_factory=random.Random, repr=False)
    _released: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    def __post_init__(self) -> None:
        if not 0 <= self.probability <= 1:
            raise ValueError(f"a probability lies within 0 and 1: {self.probability}")
        if not 500 <= self.status <= 599:
            raise ValueError(f"a server error is 500 to 599: {self.status}")
        self._random.seed(self.seed)

    def strikes(self, method: str, chat_id: int | None) -> bool:
        """Whether this request is hit; counts it if so."""
        if self.times is not None and self.hits >= self.times:
            return False
        if not fnmatchcase(method.lower(), self.method.lower()) or self.chat_id not in (None, chat_id):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.probability < 1 and self._random.random() >= self.probability:
            return False
        self.hits += 1
        return True

    async def pause(self) -> None:
        """Wait out the delay of a slow answer."""
        if self.delay is None:
            await self._released.wait()
        else:
            await asyncio.sleep(self.delay)

    def release(self) -> None:
        """Let go the answers that a slow fault without `delay` holds back."""
        self._released.set()


@dataclass(slots=True)
class Faults:
    """The rules in force; the first that strikes is the one that hits."""

    rules: list[Fault] = field(default_factory=list)

    def add(self, fault: Fault) -> Fault:
        """Put a rule in force."""
        self.rules.append(fault)
        return fault

    def clear(self) -> None:
        """Lift all rules, and let go what they hold back."""
        for rule in self.rules:
            rule.release()
        self.rules.clear()

    def strike(self, method: str, chat_id: int | None) -> Fault | None:
        """The rule that hits this request, if any."""
        return next((rule for rule in self.rules if rule.strikes(method, chat_id)), None)
