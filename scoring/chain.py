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
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Literal

from scoring.tables import LedgerEntry

GENESIS = "0" * 64
FORM = 1

FIELDS = (
    "seq", "year", "department_id", "item", "count", "points", "happened_at", "recorded_at", "recorded_by",
    "confirmed_by", "source", "reason", "evidence", "period", "event", "reverses_id",
)  # fmt: skip
"""What an entry's hash covers, besides the one before it."""

Fault = Literal["changed", "missing", "inserted", "cut off"]


@dataclass(frozen=True)
class Break:
    """The first place where the ledger is not what it was. ``seq`` is the entry's number.

    changed: its content or its hash was altered. missing: entries before the next one are gone. inserted: it does not
    continue the entry before it. cut off: the ledger ends here, though its head was further on.
    """

    seq: int
    fault: Fault


def canonical(entry: LedgerEntry) -> bytes:
    """The bytes under an entry's hash. Raises ValueError for a form this version does not know."""
    if entry.form != FORM:
        raise ValueError(f"entry {entry.seq}: form {entry.form} is not known")
    content: dict[str, Any] = {"form": f"kaoping-ledger-{entry.form}"}
    for name in FIELDS:
        value = getattr(entry, name)
        content[name] = _instant(value) if isinstance(value, datetime) else value
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def seal(previous_hash: str, entry: LedgerEntry) -> str:
    """The hash of an entry that follows the one with ``previous_hash``."""
    return sha256(previous_hash.encode() + b"\n" + canonical(entry)).hexdigest()


def first_break(entries: Iterable[LedgerEntry], head: tuple[int, str] | None = None) -> Break | None:
    """The first break in a whole ledger, given in order of ``seq``; None if there is none.

    ``head`` is the number and hash of an entry recorded elsewhere (the head row, a published result): the chain must
    come by it.
    """
    seq, previous, passed = 0, GENESIS, head is None or head == (0, GENESIS)
    for entry in entries:
        if entry.seq != seq + 1:
            return Break(seq + 1, "missing")
        if entry.previous_hash != previous:
            return Break(entry.seq, "inserted")
        if entry.form != FORM or seal(previous, entry) != entry.hash:
            return Break(entry.seq, "changed")
        seq, previous = entry.seq, entry.hash
        if head is not None and head[0] == seq:
            if head[1] != entry.hash:
                return Break(seq, "changed")
            passed = True
    return None if passed else Break(seq + 1, "cut off")


def _instant(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def plain_evidence(value: Any, where: str = "evidence") -> Iterator[str]:
    """What in a piece of evidence could not be written down exactly for ever: floats, and what JSON does not have."""
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                yield f"{where}: the key {key!r}"
            yield from plain_evidence(item, f"{where}.{key}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from plain_evidence(item, f"{where}[{number}]")
    elif value is not None and not isinstance(value, str | int | bool):
        yield f"{where}: {value!r}"
