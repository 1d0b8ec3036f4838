"""Telegram's sending limits, kept from this side: 30 messages a second in all, one a second to a chat, 20 a minute to
a group. Pure bookkeeping over a clock that is passed in; the sender does the waiting.

The numbers leave room for what happens on the way: two messages granted a second apart may arrive closer together.
"""

from collections import deque
from dataclasses import dataclass, field

from store.outbox import Lane

GRANTS = 30
WINDOW_SECONDS = 1.02
"""At most GRANTS in any stretch of this length."""
ON_THE_WAY_SECONDS = 0.2
"""How much longer a grant may count because its message took long: from a busy machine it gets there late, and the next
ones do not. A limit that waited longer for answers would lose too much on a slow line."""

TINY = 1e-6
"""Seconds that are not worth waiting, and that rounding may leave over."""

NOTICES_PER_SECOND = 28.4
"""The pace of notices. Replies count against it too, so that a bulk makes room for them before the window is full."""


class Overall:
    """The limit over all chats. Starts empty: after a restart it has forgotten what was sent before."""

    def __init__(self) -> None:
        self.granted = 0
        """How many grants there were: the latest one's number."""
        self._counts_until: dict[int, float] = {}
        self._next_notice = 0.0
        self._paused_until = 0.0
        self.replies_waiting = 0
        """How many replies wait for a grant: as long as there are any, no notice gets one."""

    def ask(self, lane: Lane, now: float) -> float:
        """0: go, and it is counted. Otherwise the seconds after which to ask again."""
        if now < self._paused_until:
            return self._paused_until - now
        wait = 0.0
        self._counts_until = {number: until for number, until in self._counts_until.items() if until - now > TINY}
        if len(self._counts_until) >= GRANTS:
            wait = max(wait, min(self._counts_until.values()) - now)
        if lane is Lane.NOTICE:
            wait = max(wait, self._next_notice - now)
            if self.replies_waiting and wait <= TINY:
                wait = 1 / NOTICES_PER_SECOND
        if wait > TINY:
            return wait
        self.granted += 1
        self._counts_until[self.granted] = now + WINDOW_SECONDS
        gap = 1 / NOTICES_PER_SECOND
        # A grant that comes a little late must not slow the pace for good, nor may idle time be saved up for a burst.
        self._next_notice = max(self._next_notice, now - gap) + gap
        return 0.0

    def answered(self, number: int, now: float) -> None:
        """What this grant was for has its answer: it was counted over there at some time since."""
        until = self._counts_until.get(number)
        if until is not None:
            self._counts_until[number] = until + min(now - (until - WINDOW_SECONDS), ON_THE_WAY_SECONDS)

    def pause(self, until: float) -> None:
        """Telegram said to wait: nothing goes before ``until``."""
        self._paused_until = max(self._paused_until, until)


CHAT_BURST = 4
"""Messages that may follow each other at once in a private chat that was quiet."""

CHAT_PER_SECOND = 0.95
GROUP_PER_MINUTE = 19
GROUP_SECONDS = 60.5


@dataclass
class _Chat:
    level: float = CHAT_BURST
    at: float = 0.0
    granted: deque[float] = field(default_factory=lambda: deque(maxlen=GROUP_PER_MINUTE))
    blocked_until: float = 0.0


class PerChat:
    """The limits of single chats. Groups have negative ids."""

    def __init__(self) -> None:
        self._chats: dict[int, _Chat] = {}

    def wait(self, chat_id: int, now: float) -> float:
        """Seconds until this chat may get another message; 0 if it may now."""
        chat = self._chats.get(chat_id)
        if chat is None:
            return 0.0
        wait = chat.blocked_until - now
        if chat_id < 0:
            if len(chat.granted) == GROUP_PER_MINUTE:
                wait = max(wait, chat.granted[0] + GROUP_SECONDS - now)
        else:
            level = min(CHAT_BURST, chat.level + (now - chat.at) * CHAT_PER_SECOND)
            if level < 1:
                wait = max(wait, (1 - level) / CHAT_PER_SECOND)
        return wait if wait > TINY else 0.0

    def take(self, chat_id: int, now: float) -> None:
        """Counts a message to this chat."""
        chat = self._chats.get(chat_id)
        if chat is None:
            if len(self._chats) > 5000:
                self._forget(now)
            chat = self._chats[chat_id] = _Chat(at=now)
        chat.level = min(CHAT_BURST, chat.level + (now - chat.at) * CHAT_PER_SECOND) - 1
        chat.at = now
        if chat_id < 0:
            chat.granted.append(now)

    def block(self, chat_id: int, until: float) -> None:
        """Telegram said to wait with this chat."""
        chat = self._chats.setdefault(chat_id, _Chat())
        chat.blocked_until = max(chat.blocked_until, until)

    def _forget(self, now: float) -> None:
        quiet = [key for key, chat in self._chats.items() if now - max(chat.at, chat.blocked_until) > GROUP_SECONDS]
        for key in quiet:
            del self._chats[key]
