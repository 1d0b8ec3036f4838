"""``kaoping doctor``: looks at all that the bot rests on, says what is wrong and what to do. Changes nothing.

No administrator's verb, and not in the chat: it is for whoever runs the machine, at a time when the bot may not be
able to say a word.
"""

import asyncio
import json
import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import typer
from sqlalchemy import Engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

import templates
from bot import doctor_network
from bot import settings as configured
from bot.clock import SystemClock
from bot.settings import Settings
from scheduler.frame import calendar_in_force
from scheduler.workdays import WorkCalendar
from scoring import ledger, loading
from scoring.chain import Break
from scoring.standings import years
from store import db, inbox, outbox, people, retention, vitals
from store.db import open_engine
from store.people import Role
from store.times import china, iso_china

Level = Literal["ok", "warning", "fault"]

LEAST_FREE = 500 * 1024 * 1024
"""Bytes of free disk below which something should be done."""
SILENT_AFTER = timedelta(minutes=5)
"""A bot that has not heard from Telegram for so long is not running, or cut off."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. ``code`` and ``facts`` pick and fill the words in ``templates/doctor.j2``."""

    subject: str
    level: Level
    code: str
    facts: dict[str, Any] = field(default_factory=dict)


def examine(*, as_json: bool) -> int:
    """Prints every finding; returns 1 if there is a fault among them. Raises SettingsFault for unusable settings."""
    settings, now = configured.load(), SystemClock().now()
    findings = [
        *of_settings(settings),
        *of_database(settings, now),
        *asyncio.run(doctor_network.examine(settings, now)),
    ]
    if as_json:
        told = [asdict(one) | {"says": _says(one)} for one in findings]
        typer.echo(json.dumps({"findings": told}, ensure_ascii=False, indent=2))
    else:
        for one in findings:
            typer.echo(_says(one))
    return int(any(one.level == "fault" for one in findings))


def _says(finding: Finding) -> str:
    rendered = templates.render("doctor", level=finding.level, code=finding.code, **finding.facts)
    return templates.plain(" ".join(rendered.split()))


def of_settings(settings: Settings) -> Iterator[Finding]:
    """What the environment and ``.env`` say."""
    if settings.token is None:
        yield Finding("settings", "fault", "no_token")
    if not settings.admins:
        yield Finding("settings", "fault", "no_admins")
    if settings.summary_chat is None:
        yield Finding("settings", "warning", "no_summary_chat")
    if settings.webhook_url is not None:
        yield Finding("settings", "warning", "webhook_unused")
    env = Path(".env")
    if env.is_file() and env.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        yield Finding("settings", "warning", "env_readable", {"path": str(env.resolve())})
    try:
        rulebook = loading.load(settings.rulebook)
        yield Finding("settings", "ok", "rulebook", {"name": rulebook.name, "title": rulebook.title})
    except loading.RuleBookError as fault:
        yield Finding("settings", "fault", "rulebook_faulty", {"message": str(fault)})


def of_database(settings: Settings, now: datetime) -> Iterator[Finding]:
    """Whether the database is there, whole, writable and has room; then what it says about the bot."""
    url = make_url(settings.database_url)
    path = Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None
    if path is not None:
        free = shutil.disk_usage(_existing(path)).free
        level: Level = "ok" if free >= LEAST_FREE else "fault"
        yield Finding("database", level, "disk", {"free": free, "path": str(_existing(path))})
        if not path.exists():
            yield Finding("database", "warning", "no_database", {"path": str(path)})
            yield from of_calendar(WorkCalendar(), now)
            return
    engine = open_engine(settings.database_url)
    try:
        yield from _of_tables(engine, now)
    except (SQLAlchemyError, OSError) as fault:
        said = str(getattr(fault, "orig", None) or fault).strip().splitlines()
        yield Finding("database", "fault", "database_fails", {"message": said[0] if said else type(fault).__name__})
        yield from of_calendar(WorkCalendar(), now)
    finally:
        engine.dispose()


def _existing(path: Path) -> Path:
    folder = path.resolve().parent
    while not folder.exists():
        folder = folder.parent
    return folder


def _of_tables(engine: Engine, now: datetime) -> Iterator[Finding]:
    # Beginning as a writer and rolling back shows that it can be written, and leaves no trace.
    with engine.connect() as connection, connection.begin() as attempt:
        revision = db.revision(connection)
        if revision != db.head():
            yield Finding("database", "warning", "schema_old", {"revision": revision, "head": db.head()})
            attempt.rollback()
            return
        session = Session(connection)
        if engine.dialect.name == "sqlite":
            said = connection.scalar(text("PRAGMA integrity_check"))
            yield (
                Finding("database", "ok", "whole")
                if said == "ok"
                else Finding("database", "fault", "damaged", {"message": str(said).splitlines()[0]})
            )
        for look in _LOOKS:
            yield from look(session, now)
        attempt.rollback()


def _of_ledger(session: Session, _now: datetime) -> Iterator[Finding]:
    found = ledger.verify(session)
    if isinstance(found, Break):
        yield Finding("ledger", "fault", "ledger_broken", {"number": found.number, "fault": found.fault})
    else:
        yield Finding("ledger", "ok", "ledger_whole", {"number": found[0]})


def _of_years(session: Session, now: datetime) -> Iterator[Finding]:
    known = years(session)
    if china(now).year not in known:
        yield Finding("rules", "warning", "year_without_rules", {"year": china(now).year})


def _of_calendar_in_force(session: Session, now: datetime) -> Iterator[Finding]:
    yield from of_calendar(calendar_in_force(session), now)


def of_calendar(calendar: WorkCalendar, now: datetime) -> Iterator[Finding]:
    """This year's and next year's holidays: next year's are announced late in the year before."""
    today = china(now)
    for year in (today.year, today.year + 1):
        if not calendar.is_provisional(year):
            yield Finding("calendar", "ok", "calendar_known", {"year": year})
        elif year == today.year:
            yield Finding("calendar", "fault", "calendar_provisional", {"year": year})
        else:
            late: Level = "warning" if today.month == 12 else "ok"
            yield Finding("calendar", late, "calendar_to_come", {"year": year})


def _of_people(session: Session, _now: datetime) -> Iterator[Finding]:
    administrators = people.holders(session, Role.ADMINISTRATOR)
    mute = [one.name for one in administrators if not one.reachable]
    if mute:
        yield Finding("people", "warning", "administrators_unreachable", {"names": mute})
    if len(administrators) < 2 and not people.holders(session, Role.LEADING_GROUP):
        yield Finding("people", "warning", "nobody_second")
    known = people.departments(session)
    if not known:
        yield Finding("people", "warning", "no_departments")
        return
    unreachable = [one.name for one in known if not people.reachable(session, one.id)]
    if unreachable:
        yield Finding("people", "warning", "departments_unreachable", {"names": unreachable, "all": len(known)})
    else:
        yield Finding("people", "ok", "departments_reachable", {"all": len(known)})


def _of_life(session: Session, now: datetime) -> Iterator[Finding]:
    contact = vitals.last_contact(session)
    if contact is None:
        yield Finding("bot", "warning", "never_ran")
    elif now - contact > SILENT_AFTER:
        yield Finding("bot", "fault", "silent", {"since": iso_china(contact)})
    else:
        yield Finding("bot", "ok", "running", {"since": iso_china(contact)})
    ticked = vitals.last_tick(session)
    # After a silence time needs a minute to do its work.
    back = vitals.outages(session, now - SILENT_AFTER)
    if contact is not None and ticked is not None and contact - ticked > SILENT_AFTER and not back:
        yield Finding("bot", "fault", "stuck", {"since": iso_china(ticked)})
    dead = inbox.dead(session, now - retention.KEPT)
    if dead:
        latest = dead[-1]
        facts = {"count": len(dead), "latest": latest.update_id, "message": (latest.error or "").split("\n")[0][:200]}
        yield Finding("bot", "fault", "dead_letters", facts)
    failures = outbox.failures(session, now - retention.KEPT)
    if failures:
        error = (failures[-1].error or "").split("\n")[0][:200]
        yield Finding("bot", "warning", "failed_sends", {"count": len(failures), "message": error})


_LOOKS: tuple[Callable[[Session, datetime], Iterator[Finding]], ...] = (
    _of_ledger,
    _of_years,
    _of_calendar_in_force,
    _of_people,
    _of_life,
)
