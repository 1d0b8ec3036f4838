"""The hash chain over the ledger: what was entered cannot be changed afterwards without its showing.

Form 1 (``kaoping-ledger-1``), to stay readable for as long as a ledger is kept:

    hash(n) = SHA-256( hash(n - 1) + LF + canonical(n) ), in lower-case hexadecimal; hash(0) is 64 zeros

``canonical(n)`` is a JSON object in UTF-8 (RFC 8259): keys sorted by code point, no white space outside strings,
non-ASCII characters as themselves, of the strings only ``"``, ``\\`` and control characters escaped (as Python's
``json`` does). Its keys are "form" (the string "kaoping-ledger-1") and the columns in ``FIELDS``; a missing value is
``null``; instants are strings in UTC with microseconds, ``2021-04-02T16:00:00.000000Z``; all numbers are integers.
A later form gets a number of its own; entries keep theirs.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Literal

from store.times import china

GENESIS = "0" * 64
FORM = 1

FIELDS = (
    "id", "year", "department_id", "item", "count", "points", "happened_at", "recorded_at", "recorded_by",
    "confirmed_by", "source", "reason", "evidence", "period", "event", "reverses_id",
)  # fmt: skip
"""What an entry's hash covers, besides the one before it."""

Row = Mapping[str, Any]
"""An entry by its columns' names."""

Head = tuple[int, str]
"""The number of an entry and its hash."""

START: Head = (0, GENESIS)


@dataclass(frozen=True)
class Break:
    """The first place where the ledger is not what it was; ``number`` is the entry's.

    changed: the entry's content or hash was altered. missing: there is no entry of this number. inserted: the entries
    around it go on without it. unlinked: it does not continue the entry before it, which was replaced. cut off: the
    ledger ends before this number, though its head was there.
    """

    number: int
    fault: Literal["changed", "missing", "inserted", "unlinked", "cut off"]


def canonical(row: Row) -> bytes:
    """The bytes under an entry's hash."""
    content: dict[str, Any] = {"form": f"kaoping-ledger-{FORM}"}
    for name in FIELDS:
        value = row[name]
        content[name] = _instant(value) if isinstance(value, datetime) else value
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def seal(previous_hash: str, row: Row) -> str:
    """The hash of an entry that follows the one with ``previous_hash``."""
    return sha256(previous_hash.encode() + b"\n" + canonical(row)).hexdigest()


def walk(rows: Iterable[Row], head: Head, recorded: Head | None = None) -> Break | None:
    """The first break of a whole ledger, given in order of number; None if there is none.

    ``head`` must be its last entry. ``recorded`` was written down elsewhere (on a published result): the chain must
    come by it.
    """
    last, waiting = START, None
    for following in rows:
        if waiting is not None:
            fault = _fault(last, waiting, following, recorded)
            if fault is not None:
                return fault
            last = (waiting["id"], waiting["hash"])
        waiting = following
    if waiting is not None:
        fault = _fault(last, waiting, None, recorded)
        if fault is not None:
            return fault
        last = (waiting["id"], waiting["hash"])
    if last[0] < max(head[0], recorded[0] if recorded else 0):
        return Break(last[0] + 1, "cut off")
    if last[0] > head[0]:
        return Break(head[0] + 1, "inserted")
    return None if last == head else Break(last[0], "changed")


def _fault(last: Head, row: Row, following: Row | None, recorded: Head | None) -> Break | None:
    number: int = row["id"]
    if number != last[0] + 1:
        return Break(last[0] + 1, "missing")
    if following is not None and following["previous_hash"] == last[1]:
        return Break(number, "inserted")
    if row["previous_hash"] != last[1]:
        return Break(number, "unlinked")
    if row["form"] != FORM or seal(last[1], row) != row["hash"]:
        return Break(number, "changed")
    # Whole in itself; a recorded hash tells whether it is the one that stood here.
    return Break(number, "changed") if recorded and recorded[0] == number and recorded[1] != row["hash"] else None


def unfit(value: Any, where: str = "evidence") -> Iterator[str]:
    """What in a piece of evidence could not be written down exactly for ever: floats, and what JSON does not have."""
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                yield f"{where}: the key {key!r}"
            yield from unfit(item, f"{where}.{key}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from unfit(item, f"{where}[{number}]")
    elif value is not None and not isinstance(value, str | int):
        yield f"{where}: {value!r}"


def _instant(value: datetime) -> str:
    return china(value).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
