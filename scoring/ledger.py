"""The ledger: entries are added, and taken back by entries that reverse them. Nothing is updated or deleted."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal, NotRequired, TypedDict, Unpack

from sqlalchemy import select, update
from sqlmodel import Session, SQLModel
from sqlmodel import select as select_rows

from scoring.chain import FORM, GENESIS, START, Break, Head, seal, unfit, walk
from scoring.standings import in_force
from scoring.tables import LedgerEntry
from store.errors import Refusal
from store.people import Department
from store.rows import insert_if_new

Source = Literal["auto", "admin", "appeal"]

_ENTRIES = SQLModel.metadata.tables["ledger_entry"]
_HEADS = SQLModel.metadata.tables["ledger_head"]
_HEAD = select(_HEADS.c.number, _HEADS.c.hash)
_HEAD_HELD = _HEAD.with_for_update()


class Posting(TypedDict):
    """An entry to be. ``points`` (signed units, whole effect) come from the year's rule book unless a rule of lateness
    has worked them out.
    """

    department_id: int
    year: int
    item: str
    count: int
    happened_at: datetime
    recorded_at: datetime
    source: Source
    recorded_by: NotRequired[int | None]
    confirmed_by: NotRequired[int | None]
    reason: NotRequired[str]
    period: NotRequired[str | None]
    event: NotRequired[str | None]
    evidence: NotRequired[dict[str, Any] | None]
    points: NotRequired[int | None]


_LEFT_OUT: dict[str, Any] = {
    "recorded_by": None, "confirmed_by": None, "reason": "", "period": None, "event": None, "evidence": None,
    "points": None, "reverses_id": None,
}  # fmt: skip


def post(session: Session, **posting: Unpack[Posting]) -> LedgerEntry:
    """Add an entry.

    Raises Refusal item_unknown or count_not_positive; ValueError for evidence that is not plain JSON.
    """
    return post_all(session, [posting])[0]


def post_all(session: Session, postings: Iterable[Posting]) -> list[LedgerEntry]:
    """Add entries in this order, under one lock of the head: cheaper than one by one. Raises what ``post`` does."""
    return _append(session, [_content(session, posting) for posting in postings])


def _content(session: Session, posting: Posting) -> dict[str, Any]:
    rulebook = in_force(session, posting["year"])
    if posting["item"] not in rulebook.items:
        raise Refusal("item_unknown", text=posting["item"], title=None)
    if posting["count"] < 1:
        raise Refusal("count_not_positive", count=posting["count"])
    content = {**_LEFT_OUT, **posting}
    if content["points"] is None:
        department = session.get_one(Department, posting["department_id"])
        content["points"] = rulebook.weight(posting["item"], posting["count"], department.kind)
    return content


def reverse(
    session: Session,
    entry: LedgerEntry,
    *,
    now: datetime,
    source: Source,
    by: int | None = None,
    confirmed_by: int | None = None,
    reason: str = "",
    evidence: dict[str, Any] | None = None,
) -> LedgerEntry:
    """Take an entry back, by an entry of the opposite count and points, in its year and item, dated when it happened.

    Raises Refusal is_reversal (a reversal is not reversed) or already_reversed.
    """
    if entry.reverses_id is not None:
        raise Refusal("is_reversal", entry=entry.id)
    _lock_head(session)
    if (earlier := reversal_of(session, entry)) is not None:
        raise Refusal("already_reversed", entry=entry.id, reversal=earlier.id)
    content = {
        "year": entry.year,
        "department_id": entry.department_id,
        "item": entry.item,
        "count": -entry.count,
        "points": -entry.points,
        "happened_at": entry.happened_at,
        "recorded_at": now,
        "recorded_by": by,
        "confirmed_by": confirmed_by,
        "source": source,
        "reason": reason,
        "evidence": evidence,
        "period": entry.period,
        "event": entry.event,
        "reverses_id": entry.id,
    }
    return _append(session, [content])[0]


def reversal_of(session: Session, entry: LedgerEntry) -> LedgerEntry | None:
    """The entry that took this one back, if one did."""
    return session.exec(select_rows(LedgerEntry).where(LedgerEntry.reverses_id == entry.id)).first()


def stands(session: Session, entry: LedgerEntry) -> bool:
    """Whether an entry counts: it is no reversal, and none has taken it back."""
    return entry.reverses_id is None and reversal_of(session, entry) is None


def entry_numbered(session: Session, number: int) -> LedgerEntry:
    """The entry with this number. Raises Refusal entry_unknown."""
    entry = session.get(LedgerEntry, number)
    if entry is None:
        raise Refusal("entry_unknown", text=str(number))
    return entry


def head(session: Session) -> Head:
    """The number and the hash of the last entry; (0, 64 zeros) before the first."""
    row = session.connection().execute(_HEAD).first()
    return (row.number, row.hash) if row else START


def verify(session: Session, recorded: Head | None = None) -> Break | Head:
    """Go through the whole chain: its first break, or its head's number and hash.

    ``recorded``: a head that was printed somewhere; the chain must come by it.
    """
    session.flush()
    # Straight from the columns: a year of a large zone is a million rows.
    rows = session.connection().execute(select(_ENTRIES).order_by(_ENTRIES.c.id), execution_options={"yield_per": 1000})
    last = head(session)
    return walk((dict(row) for row in rows.mappings()), last, recorded) or last


def _append(session: Session, contents: list[dict[str, Any]]) -> list[LedgerEntry]:
    for content in contents:
        faults = list(unfit(content["evidence"]))
        if faults:
            raise ValueError(f"not fit for a ledger: {faults[0]}")
    if not contents:
        return []
    number, previous = _lock_head(session)
    entries = []
    for content in contents:
        number += 1
        content["id"] = number
        entry = LedgerEntry(form=FORM, previous_hash=previous, hash=seal(previous, content), **content)
        entries.append(entry)
        previous = entry.hash
    session.add_all(entries)
    session.flush()
    session.connection().execute(update(_HEADS), {"number": number, "hash": previous})
    return entries


def _lock_head(session: Session) -> Head:
    """The head, held until the transaction ends: entries are appended one after another, whoever appends.

    On PostgreSQL the row lock does it; on SQLite a transaction that writes is the only one.
    """
    connection = session.connection()
    row = connection.execute(_HEAD_HELD).first()
    if row is None:
        first = {"id": 1, "number": 0, "hash": GENESIS}
        connection.execute(insert_if_new(_HEADS, "id", connection.dialect.name), first)
        row = connection.execute(_HEAD_HELD).one()
    return row.number, row.hash
