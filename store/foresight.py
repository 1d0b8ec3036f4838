"""Asks once for a group of updates what each of them would ask: who speaks, for whom, and what he has under way."""

from collections.abc import Collection

from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from store import ahead, people
from store.drafts import Draft
from store.people import Appointment, Department, Person

_SPEAKERS = (
    select(Person)
    .where(col(Person.telegram_id).in_(bindparam("accounts", expanding=True)))
    .execution_options(autoflush=False)
)
_UNDER_WAY = (
    select(Draft)
    .where(col(Draft.person_id).in_(bindparam("persons", expanding=True)))
    .order_by(col(Draft.id).desc())
    .execution_options(autoflush=False)
)


def foresee(session: Session, accounts: Collection[int]) -> None:
    """Reads ahead for the persons behind these Telegram accounts, at the beginning of a transaction."""
    persons = session.exec(_SPEAKERS, params={"accounts": accounts}).all()
    ids = [person.id for person in persons]
    drafts: dict[int, list[Draft]] = {person_id: [] for person_id in ids}
    for draft in session.exec(_UNDER_WAY, params={"persons": ids}):
        drafts[draft.person_id].append(draft)
    ahead.keep(session, "people", {person.telegram_id: person for person in persons}, of=())
    ahead.keep(session, "speaks_for", people.spoken_for(session, ids), of=(Appointment, Department))
    ahead.keep(session, "drafts", drafts, of=(Draft,))


def departments(session: Session) -> frozenset[int]:
    """The ids of the departments for which those who were read ahead speak."""
    return frozenset(one.id for units in ahead.known(session, "speaks_for").values() for one in units)
