"""The house as it is opened: database at head, first administrators appointed, a rule book in force."""

from datetime import datetime

from sqlalchemy import Engine
from sqlmodel import Session

from bot.settings import Settings
from scoring import loading
from scoring.standings import put_in_force, years
from store import people
from store.db import open_engine, prepare, transaction
from store.times import china


def opened(settings: Settings, now: datetime) -> Engine:
    """The database of the settings, ready for use. Raises RuleBookError for a rule book that cannot be used."""
    engine = open_engine(settings.database_url)
    prepare(engine)
    with transaction(engine) as session:
        furnish(session, settings, now)
    return engine


def furnish(session: Session, settings: Settings, now: datetime) -> None:
    """Enters what the settings name: the first administrators, and the rule book of a year that has none yet.

    A year keeps the rule book it has; a changed file changes nothing by itself.
    """
    people.ensure_administrators(session, sorted(settings.admins), now)
    year = china(now).year
    if year not in years(session):
        put_in_force(session, loading.load(settings.rulebook), year, live_from=now)
