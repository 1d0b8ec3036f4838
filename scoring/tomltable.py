"""Reading a TOML table key by key: every value checked for its type and range, every key accounted for."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import time
from decimal import Decimal
from fractions import Fraction
from typing import TypeGuard, TypeVar

from scoring.points import units

Choice = TypeVar("Choice", bound=str)

_MOST_POINTS = 1_000_000
_MOST_DIGITS = 30


class Fault(Exception):
    """Something wrong in a file: the place (a path of keys that a person can follow) and what is wrong there."""

    def __init__(self, place: str, message: str) -> None:
        super().__init__(f"{place}: {message}" if place else message)
        self.place = place
        self.message = message


class Table:
    """One table of a file. ``place`` names it in faults; reading a key takes it, and what is left at the end is
    unknown.

    All readers raise Fault. A key without a default is required. Figures in points come out as units of 1/10,000.
    """

    def __init__(self, values: Mapping[str, object], place: str = "") -> None:
        self._left = dict(values)
        self.place = place

    @contextmanager
    def all_read(self) -> Iterator["Table"]:
        """Use as ``with table.all_read():`` refuses keys that nobody asked for."""
        yield self
        for key in self._left:
            raise Fault(self._at(key), "unknown key")

    def has(self, key: str) -> bool:
        """Whether the key is there and has not been read yet."""
        return key in self._left

    def text(self, key: str) -> str:
        """A text that is not empty."""
        value = self._take(key)
        if not isinstance(value, str) or not value.strip():
            raise self._wrong(key, "a text", value)
        return value

    def text_or(self, key: str, default: str) -> str:
        """A text that is not empty, or ``default`` where the key is missing."""
        return self.text(key) if self.has(key) else default

    def optional_text(self, key: str) -> str | None:
        """A text that is not empty; None where the key is missing."""
        return self.text(key) if self.has(key) else None

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts, at least one."""
        value = self._take(key)
        if not isinstance(value, list) or not value or not all(isinstance(one, str) and one for one in value):
            raise self._wrong(key, "a list of texts", value)
        return tuple(value)

    def choice(self, key: str, choices: Iterable[Choice], default: Choice | None = None) -> Choice:
        """One of a few words."""
        if default is not None and not self.has(key):
            return default
        value = self._take(key)
        known = list(choices)
        if value not in known:
            raise self._wrong(key, " or ".join(f'"{one}"' for one in known), value)
        return next(one for one in known if one == value)

    def flag(self, key: str, default: bool | None = None) -> bool:
        """true or false."""
        if default is not None and not self.has(key):
            return default
        value = self._take(key)
        if not isinstance(value, bool):
            raise self._wrong(key, "true or false", value)
        return value

    def whole(self, key: str, least: int, most: int, default: int | None = None) -> int:
        """A whole number between ``least`` and ``most``, both included."""
        if default is not None and not self.has(key):
            return default
        value = self._take(key)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise self._wrong(key, f"a whole number from {least} to {most}", value)
        return value

    def points(self, key: str) -> int:
        """A figure in points, as units; finer than 1/10,000 is refused."""
        return self._units(key, self._take(key))

    def amount(self, key: str) -> int:
        """A figure in points that is not negative, as units."""
        value = self._take(key)
        amount = self._units(key, value)
        if amount < 0:
            raise self._wrong(key, "a figure that is not negative", value)
        return amount

    def optional_amount(self, key: str) -> int | None:
        """A figure in points that is not negative, as units; None where the key is missing."""
        return self.amount(key) if self.has(key) else None

    def amounts_by_class(self, key: str) -> dict[str, int]:
        """A table of unit class to figure in points, as units; empty where the key is missing."""
        found = self.table(key) if self.has(key) else Table({}, self.place)
        return {code: found.amount(code) for code in list(found._left)}

    def numbers_by_class(self, key: str) -> dict[str, Fraction]:
        """A table of unit class to plain number that is not negative; empty where the key is missing."""
        found = self.table(key) if self.has(key) else Table({}, self.place)
        return {code: found.number(code) for code in list(found._left)}

    def number(self, key: str) -> Fraction:
        """An exact number that is not negative."""
        value = self._take(key)
        if not _is_number(value) or Fraction(value) < 0:
            raise self._wrong(key, "a number that is not negative", value)
        return Fraction(value)

    def percent(self, key: str) -> Fraction:
        """A percentage from 0 to 100, as a fraction of 1."""
        number = self.number(key)
        if number > 100:
            raise Fault(self._at(key), f"expected a percentage up to 100, got {number}")
        return number / 100

    def clock(self, key: str) -> time:
        """A time of day (09:00:00)."""
        value = self._take(key)
        if not isinstance(value, time):
            raise self._wrong(key, "a time such as 09:00:00", value)
        return value

    def table(self, key: str) -> "Table":
        """The table under ``key``."""
        value = self._take(key)
        if not isinstance(value, dict):
            raise self._wrong(key, "a table", value)
        return Table(value, self._at(key))

    def tables(self, key: str, name_key: str) -> Iterator["Table"]:
        """The tables of an array, named in faults by their ``name_key`` or else by their number; none where it is
        missing.

        A single table counts as an array of one.
        """
        if not self.has(key):
            return
        value = self._take(key)
        rows = [value] if isinstance(value, dict) else value
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise self._wrong(key, "tables", value)
        for number, row in enumerate(rows, start=1):
            name = row.get(name_key)
            yield Table(row, self._at(f"{key} {name}" if isinstance(name, str) and name else f"{key} number {number}"))

    def _take(self, key: str) -> object:
        try:
            return self._left.pop(key)
        except KeyError:
            raise Fault(self._at(key), "missing") from None

    def _units(self, key: str, value: object) -> int:
        if _is_number(value) and -_MOST_POINTS <= value <= _MOST_POINTS:
            try:
                return units(value)
            except ValueError as fault:
                raise Fault(self._at(key), str(fault)) from None
        raise self._wrong(key, "a figure in points", value)

    def _at(self, key: str) -> str:
        return f"{self.place}, {key}" if self.place else key

    def _wrong(self, key: str, expected: str, value: object) -> Fault:
        return Fault(self._at(key), f"expected {expected}, got {_told(value)[:60]}")


def _told(value: object) -> str:
    """A value as it stands in the file, more or less."""
    if isinstance(value, bool):
        return str(value).lower()
    try:
        return f'"{value}"' if isinstance(value, str) else str(value)
    except (ValueError, RecursionError):  # an integer of more digits than Python writes, tables in tables in tables
        return "something too long to be shown"


def _is_number(value: object) -> TypeGuard[int | Decimal]:
    """Whether it is a number to reckon with: as a fraction, 1e999999999 or 1e-999999999 has a billion digits."""
    if isinstance(value, Decimal):
        _, digits, exponent = value.as_tuple()
        return isinstance(exponent, int) and abs(exponent) <= _MOST_DIGITS and len(digits) <= _MOST_DIGITS
    return isinstance(value, int) and not isinstance(value, bool) and value.bit_length() <= 4 * _MOST_DIGITS
