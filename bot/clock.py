"""Where the running process takes its time from: the only rooms that read a clock are this one and the sandbox."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The time, aware, in UTC."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class ServerClock:
    """Time as the Bot API server tells it in the Date header of each answer: whole seconds, never backwards.

    For the demo and for tests, where the server's clock is moved. Before the first answer it shows the machine's time.
    """

    def __init__(self) -> None:
        self._seen: datetime | None = None

    def now(self) -> datetime:
        return self._seen or datetime.now(UTC)

    @property
    def is_set(self) -> bool:
        """Whether the server has told the time yet."""
        return self._seen is not None

    def observe(self, date_header: str | None) -> None:
        """Takes in one answer's Date header. Answers may overtake each other, so an older one is passed over."""
        if not date_header:
            return
        told = parsedate_to_datetime(date_header).astimezone(UTC)
        if self._seen is None or told > self._seen:
            self._seen = told
