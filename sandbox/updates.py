"""The bot's unread updates: numbered, kept for 24 hours, read by one poller at a time."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from sandbox.clock import VirtualClock
from sandbox.errors import conflict

KEPT_SECONDS = 24 * 3600
MOST_AT_ONCE = 100
LONGEST_POLL = 50
OTHER_POLLER = "terminated by other getUpdates request; make sure that only one bot instance is running"
# What Telegram leaves out unless it is asked for by name.
NOT_BY_DEFAULT = frozenset({"chat_member", "message_reaction", "message_reaction_count"})


@dataclass(slots=True)
class Waiting:
    """An update not yet confirmed; `at` in Unix seconds of the virtual clock."""

    update_id: int
    at: int
    kind: str
    payload: dict[str, Any]


@dataclass(slots=True)
class UpdateQueue:
    """Updates on their way to the bot."""

    clock: VirtualClock
    next_id: int = 500_000_001
    waiting: deque[Waiting] = field(default_factory=deque)
    allowed: list[str] = field(default_factory=list)
    forgotten: int = 0
    polls: int = 0
    _poll: asyncio.Future[None] | None = None
    _moved: bool = False

    def __post_init__(self) -> None:
        self.clock.on_move(self._clock_moved)

    def push(self, kind: str, payload: dict[str, Any]) -> int | None:
        """Queue an update; its id, or None where the bot has not asked for this kind."""
        if (kind not in self.allowed) if self.allowed else (kind in NOT_BY_DEFAULT):
            return None
        update_id = self.next_id
        self.next_id += 1
        self.waiting.append(Waiting(update_id, self.clock.seconds(), kind, payload))
        self.wake()
        return update_id

    @property
    def polled(self) -> bool:
        """Whether a poll is waiting at this moment."""
        return self._poll is not None and not self._poll.done()

    def wake(self) -> None:
        """Have a waiting poll answered with what there is."""
        if self._poll is not None and not self._poll.done():
            self._poll.set_result(None)

    def _clock_moved(self) -> None:
        self._moved = True
        self.wake()

    def forget(self) -> None:
        """Drop what has been unread for 24 hours or more."""
        limit = self.clock.seconds() - KEPT_SECONDS
        while self.waiting and self.waiting[0].at <= limit:
            self.waiting.popleft()
            self.forgotten += 1

    def confirm(self, offset: int) -> None:
        """Drop what `offset` says has been read. A negative one keeps only that many of the newest."""
        if offset < 0:
            while len(self.waiting) > -offset:
                self.waiting.popleft()
        while offset > 0 and self.waiting and self.waiting[0].update_id < offset:
            self.waiting.popleft()

    async def poll(self, offset: int, limit: int, wait: int) -> list[dict[str, Any]]:
        """What `getUpdates` returns: nothing after `wait` real seconds, or at a move of the clock.

        A move that no poll has told of yet is told by the next one at once: whoever takes the time from the answers
        would sleep through it. A poll that is already waiting ends with 409.
        """
        if self._poll is not None and not self._poll.done():
            self._poll.set_exception(conflict(OTHER_POLLER))
        self._poll = None
        self.polls += 1
        self.forget()
        self.confirm(offset)
        if not self.waiting and wait > 0 and not self._moved:
            mine = self._poll = asyncio.get_running_loop().create_future()
            timer = asyncio.get_running_loop().call_later(min(wait, LONGEST_POLL), _finish, mine)
            try:
                await mine
            finally:
                timer.cancel()
                if self._poll is mine:
                    self._poll = None
            self.forget()
        self._moved = False
        most = limit if 1 <= limit <= MOST_AT_ONCE else MOST_AT_ONCE
        batch = [self.waiting[index] for index in range(min(most, len(self.waiting)))]
        return [{"update_id": each.update_id, each.kind: each.payload} for each in batch]


def _finish(poll: asyncio.Future[None]) -> None:
    if not poll.done():
        poll.set_result(None)
