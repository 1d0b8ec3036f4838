"""The bot as it runs: its workers with the handlers, the scheduler and the words they serve."""

from datetime import date, datetime

from sqlalchemy import Engine
from sqlmodel import Session

import handlers
from bot import verbs
from bot.application import Bot
from bot.clock import Clock
from bot.database import Database
from bot.deliveries import Arrival, Hooks
from bot.dispatch import Courtesies
from bot.network import Api
from bot.settings import Settings
from bot.workers import Workers
from handlers import errors, menus, rating_messages
from handlers.made import make
from handlers.notices import deliver
from handlers.pictures import draw
from scheduler import reminders, tick
from scoring import appeals
from store import people, retention
from store.times import china


def assemble(settings: Settings, engine: Engine, clock: Clock) -> Bot:
    """The whole bot on a database that is at head."""
    return Bot(settings, engine, clock, hire=hire)


def hire(settings: Settings, database: Database, api: Api, clock: Clock) -> Workers:
    """All who work in it, with all they know."""
    verbs.load()

    tidied: set[date] = set()

    def on_tick(session: Session, now: datetime) -> None:
        deliver(session, tick.tick(session, now), now, summary_chat=settings.summary_chat)
        today = china(now).date()
        if today not in tidied and not retention.tidy(session, now):
            tidied.clear()
            tidied.add(today)

    def on_sent(session: Session, arrival: Arrival) -> None:
        reminders.delivered(session, arrival.topic, arrival.at)
        appeals.arrived(session, arrival.topic, arrival.at)
        rating_messages.arrived(session, arrival.topic, arrival.chat_id, arrival.message_id, arrival.at)

    def on_unreachable(session: Session, chat_id: int, _error: str) -> None:
        if chat_id > 0:
            people.blocked(session, chat_id, clock.now())
        else:
            people.unbind_group(session, chat_id, clock.now())

    def on_migrated(session: Session, old: int, new: int) -> None:
        people.migrate_group(session, old, new, clock.now())

    workers = Workers(
        settings,
        database,
        api,
        clock,
        register=handlers.register,
        tick=on_tick,
        draw=draw,
        make=make,
        hooks=Hooks(sent=on_sent, unreachable=on_unreachable, migrated=on_migrated),
        courtesies=Courtesies(errors.refused, errors.failed, errors.dead, errors.stuck),
        greetings=lambda: [("setMyCommands", each) for each in menus.defaults()],
    )
    workers.library.bot_data["summary_chat"] = settings.summary_chat
    return workers
