"""Instants: kept in UTC, shown in China's time. One time zone, no daylight saving (GB/T 7408)."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import DateTime
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

CHINA = ZoneInfo("Asia/Shanghai")


def china(instant: datetime) -> datetime:
    """The same instant on a clock in China. Raises ValueError for an instant without a time zone."""
    if instant.tzinfo is None:
        raise ValueError(f"{instant} has no time zone")
    return instant.astimezone(CHINA)


def iso_china(instant: datetime) -> str:
    """ISO 8601 with China's offset: ``2021-04-03T00:00:00+08:00``."""
    return china(instant).isoformat()


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: aware in, aware UTC out. A naive one is refused, so that no local time slips into the tables."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        value = value.astimezone(UTC)
        # SQLite keeps text: all of one form, so that comparing text compares instants.
        return value if dialect.name == "postgresql" else value.replace(tzinfo=None)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None]:
        """Past the layers of ``DateTime``, which would make each instant twice: ledgers have a million of them."""
        return _of_text if dialect.name == "sqlite" else _of_datetime


_WRITTEN = len("2021-04-02 16:00:00.000000")


def _of_text(value: str | None) -> datetime | None:
    if value is None:
        return None
    if len(value) == _WRITTEN:
        return datetime.fromisoformat(f"{value}+00:00")
    # Not written by us: whoever had the database in his hands may say an instant in any form.
    found = datetime.fromisoformat(value)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _of_datetime(value: datetime | None) -> datetime | None:
    return None if value is None else value.astimezone(UTC)
