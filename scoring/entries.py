"""An entry of the ledger as it is named to people: what for, under which clause, of whom."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from scoring.points import plain
from scoring.standings import in_force
from scoring.tables import LedgerEntry
from store.people import Department, Person


@dataclass(frozen=True)
class EntryShown:
    """An entry with all that its year's rule book says of it. ``points`` is its whole effect, "0" for a veto.

    ``recorded_by`` and ``confirmed_by`` are names, None where it was entered by time alone.
    """

    number: int
    year: int
    code: str
    department: str
    item: str
    title: str
    clause: str
    clause_text: str
    per: str
    count: int
    points: str
    period: str | None
    happened_at: datetime
    reason: str
    source: str
    recorded_by: str | None
    confirmed_by: str | None


def entry_shown(session: Session, entry: LedgerEntry) -> EntryShown:
    """An entry in words. Raises Refusal year_not_in_force."""
    rulebook = in_force(session, entry.year)
    item, department = rulebook.items[entry.item], session.get_one(Department, entry.department_id)
    return EntryShown(
        number=entry.id,
        year=entry.year,
        code=department.code,
        department=department.name,
        item=item.code,
        title=item.title,
        clause=item.clause,
        clause_text=item.clause_text,
        per=item.per,
        count=entry.count,
        points=plain(entry.points),
        period=entry.period,
        happened_at=entry.happened_at,
        reason=entry.reason,
        source=entry.source,
        recorded_by=_name(session, entry.recorded_by),
        confirmed_by=_name(session, entry.confirmed_by),
    )


def _name(session: Session, person_id: int | None) -> str | None:
    return session.get_one(Person, person_id).name if person_id is not None else None
