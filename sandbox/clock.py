"""Virtual time: what every date in the sandbox is read from.

The clock stands still (frozen) or runs at real speed from its virtual now. It only moves forward: Telegram's own
bookkeeping (updates forgotten after 24 hours, dates of messages in order) has no meaning on a clock that goes back.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime


class VirtualClock:
    """A clock that can be frozen, set forward or left running.

    `start` must be aware; without it the clock starts at the real now. Instants it gives are in UTC.
    """

    def __init__(self, start: datetime | None = None, *, frozen: bool = False) -> None:
        start = start if start is not None else datetime.now(UTC)
        self._base = _aware(start)
        self._stamp = self._base.timestamp()
        self._frozen = frozen
        self._mark = time.monotonic()
        self._listeners: list[Callable[[], None]] = []
        self._second = -1
        self._header = ""

    @property
    def frozen(self) -> bool:
        """Whether the clock stands still."""
        return self._frozen

    def now(self) -> datetime:
        """The virtual instant, aware, in UTC."""
        if self._frozen:
            return self._base
        return self._base + timedelta(seconds=time.monotonic() - self._mark)

    def seconds(self) -> int:
        """Unix time in whole seconds: the grain of every date Telegram gives."""
        return int(self._stamp if self._frozen else self._stamp + time.monotonic() - self._mark)

    def http_date(self) -> str:
        """The instant as a `Date` header (RFC 7231, whole seconds), kept for as long as the second lasts."""
        second = self.seconds()
        if second != self._second:
            self._second = second
            self._header = format_datetime(datetime.fromtimestamp(second, UTC), usegmt=True)
        return self._header

    def set(self, to: datetime) -> None:
        """Move forward to `to` (aware). ValueError if that lies in the past of this clock."""
        to = _aware(to)
        if to < self.now():
            raise ValueError(
                f"the clock only moves forward: it is {self.now().isoformat()}, asked for {to.isoformat()}"
            )
        self._rebase(to)

    def catch_up(self, to: datetime) -> None:
        """Move forward to `to` if it lies ahead; stay otherwise."""
        if _aware(to) > self.now():
            self.set(to)

    def advance(self, by: timedelta) -> None:
        """Move forward by `by`, which must not be negative."""
        self.set(self.now() + by)

    def freeze(self) -> None:
        """Stand still at the present virtual instant."""
        base = self.now()
        self._frozen = True
        self._rebase(base)

    def run(self) -> None:
        """Run at real speed from the present virtual instant."""
        base = self.now()
        self._frozen = False
        self._rebase(base)

    def on_move(self, listener: Callable[[], None]) -> None:
        """Have `listener` called after every move, freeze or start."""
        self._listeners.append(listener)

    def _rebase(self, to: datetime) -> None:
        self._base = to
        self._stamp = to.timestamp()
        self._mark = time.monotonic()
        self._tell()

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()


def _aware(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError(f"an instant needs a time zone: {instant.isoformat()}")
    return instant.astimezone(UTC)
