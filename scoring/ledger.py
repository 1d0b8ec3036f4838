"""The ledger: entries are added, and taken back by entries that reverse them. Nothing is updated or deleted."""

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, SQLModel
from sqlmodel import select as select_rows

from scoring.chain import FORM, GENESIS, START, Break, Head, seal, unfit, walk
from scoring.standings import in_force
from scoring.tables import LedgerEntry
from store.errors import Refusal
from store.people import Department

Source = Literal["auto", "admin", "appeal"]

_ENTRIES = SQLModel.metadata.tables["ledger_entry"]
_HEADS = SQLModel.metadata.tables["ledger_head"]
_HEAD = select(_HEADS.c.number, _HEADS.c.hash)
_HEAD_HELD = _HEAD.with_for_update()


def post(
    session: Session,
    *,
    department_id: int,
    year: int,
    item: str,
    count: int,
    happened_at: datetime,
    recorded_at: datetime,
    source: Source,
    recorded_by: int | None = None,
    confirmed_by: int | None = None,
    reason: str = "",
    period: str | None = None,
    event: str | None = None,
    evidence: dict[str, Any] | None = None,
    points: int | None = None,
) -> LedgerEntry:
    """Add an entry. ``points`` (signed units, whole effect) come from the year's rule book unless a rule of lateness
    has worked them out.

    Raises Refusal item_unknown or count_not_positive; ValueError for evidence that is not plain JSON.
    """
    rulebook = in_force(session, year)
    if item not in rulebook.items:
        raise Refusal("item_unknown", text=item, title=None)
    if count < 1:
        raise Refusal("count_not_positive", count=count)
    if points is None:
        department = session.get_one(Department, department_id)
        points = rulebook.weight(item, count, department.kind)
    return _append(
        session,
        year=year,
        department_id=department_id,
        item=item,
        count=count,
        points=points,
        happened_at=happened_at,
        recorded_at=recorded_at,
        recorded_by=recorded_by,
        confirmed_by=confirmed_by,
        source=source,
        reason=reason,
        evidence=evidence,
        period=period,
        event=event,
        reverses_id=None,
    )


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
    return _append(
        session,
        year=entry.year,
        department_id=entry.department_id,
        item=entry.item,
        count=-entry.count,
        points=-entry.points,
        happened_at=entry.happened_at,
        recorded_at=now,
        recorded_by=by,
        confirmed_by=confirmed_by,
        source=source,
        reason=reason,
        evidence=evidence,
        period=entry.period,
        event=entry.event,
        reverses_id=entry.id,
    )


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


def _append(session: Session, **content: Any) -> LedgerEntry:
    faults = list(unfit(content["evidence"]))
    if faults:
        raise ValueError(f"not fit for a ledger: {faults[0]}")
    number, previous = _lock_head(session)
    content["id"] = number + 1
    entry = LedgerEntry(form=FORM, previous_hash=previous, hash=seal(previous, content), **content)
    session.add(entry)
    session.flush()
    session.connection().execute(update(_HEADS), {"number": entry.id, "hash": entry.hash})
    return entry


def _lock_head(session: Session) -> Head:
    """The head, held until the transaction ends: entries are appended one after another, whoever appends.

    On PostgreSQL the row lock does it; on SQLite a transaction that writes is the only one.
    """
    connection = session.connection()
    row = connection.execute(_HEAD_HELD).first()
    if row is None:
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        first = dialect.insert(_HEADS).values(id=1, number=0, hash=GENESIS)
        connection.execute(first.on_conflict_do_nothing(index_elements=["id"]))
        row = connection.execute(_HEAD_HELD).one()
    return row.number, row.hash
