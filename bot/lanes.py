"""What a lane has in hand of the outbox: each chat's messages in order, chats in turn, so many under way at once."""

import asyncio
from collections import deque
from dataclasses import dataclass

from store.outbox import Lane, Queued


@dataclass(frozen=True)
class Pace:
    """How much is under way at once: workers send, slots are what may be sent and unmarked."""

    workers: int
    slots: int


PACES = {Lane.REPLY: Pace(workers=8, slots=16), Lane.NOTICE: Pace(workers=4, slots=12)}


@dataclass
class Errand:
    """A row on its way."""

    row: Queued
    tries: int
    """Failed tries that count against it."""
    failures: int = 0
    """Failed tries since the start."""
    last_failed: float = 0.0
    under_way: bool = False
    """It is on the line just now."""
    superseded: bool = False
    """A newer one says the same place anew: this one need not go out."""


class LaneQueue:
    """A lane's rows in hand: each chat's in order, chats in turn."""

    def __init__(self, lane: Lane, pace: Pace) -> None:
        self.lane = lane
        self.cursor = 0
        self.taken: set[int] = set()
        self.chats: dict[int, deque[Errand]] = {}
        self.ready: asyncio.Queue[int] = asyncio.Queue()
        self.slots = asyncio.Semaphore(pace.slots)
        self.hungry = asyncio.Event()
        self.through = asyncio.Event()
        """Nothing is left to send, as far as is known."""
        self.more = False
        """Whether the last look left rows behind."""
        self.began_anew = 0.0

    def in_hand(self) -> int:
        return sum(map(len, self.chats.values()))

    def add(self, row: Queued) -> None:
        if row.id in self.taken:
            return
        self.taken.add(row.id)
        line = self.chats.get(row.chat_id)
        if line is None:
            self.chats[row.chat_id] = deque([Errand(row, row.attempts)])
            self.ready.put_nowait(row.chat_id)
        else:
            if row.merge is not None:
                for errand in line:
                    if errand.row.merge == row.merge and not errand.under_way:
                        errand.superseded = True
            line.append(Errand(row, row.attempts))

    def next_of(self, chat_id: int) -> None:
        """The first errand of this chat is through: its next one may go."""
        line = self.chats[chat_id]
        line.popleft()
        if line:
            self.ready.put_nowait(chat_id)
        else:
            del self.chats[chat_id]
            if not self.chats and not self.more and not self.hungry.is_set():
                self.through.set()

    def move(self, old: int, new: int) -> None:
        """What is in hand for ``old`` goes to ``new``."""
        line = self.chats.pop(old)
        for errand in line:
            errand.row.chat_id = new
        if new in self.chats:
            self.chats[new].extend(line)
        else:
            self.chats[new] = line
            self.ready.put_nowait(new)
