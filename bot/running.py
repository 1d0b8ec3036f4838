"""``kaoping run``: from the settings to a bot at work, and to a good end on SIGTERM or Ctrl-C."""

import asyncio
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

import structlog

from bot import garbage, logs, settings
from bot.application import Bot, TokenRefused, ask_time
from bot.clock import Clock, ServerClock, SystemClock
from bot.database import Database
from bot.network import Api, Network
from bot.opening import opened
from bot.settings import Settings, SettingsFault

if TYPE_CHECKING:
    from bot.workers import Workers

log = structlog.get_logger("bot")


def run() -> int:
    """Works until told to stop; the exit code is then 0.

    Raises SettingsFault for a setting that is missing or wrong (a token that Telegram does not take included), and
    what ``bot.opening.opened`` raises for a rule book or a database that cannot be used.
    """
    chosen = settings.load()
    secrets = [chosen.required_token]
    if chosen.webhook_secret is not None:
        secrets.append(chosen.webhook_secret.get_secret_value())
    logs.configure(chosen.log, secrets=tuple(secrets))
    if chosen.webhook_url is not None:
        log.warning("KAOPING_WEBHOOK_URL is set, but this version does not serve webhooks: it polls")
    try:
        asyncio.run(_work(chosen))
    except TokenRefused as fault:
        raise SettingsFault(str(fault)) from None
    return 0


async def _work(chosen: Settings) -> None:
    clock = await _clock(chosen)
    engine = opened(chosen, clock.now())
    try:
        bot = Bot(chosen, engine, clock, hire=_hire)
        bot.stop_on_signals()
        with _measured(chosen, bot):
            await bot.run()
    finally:
        engine.dispose()


def _hire(chosen: Settings, database: Database, api: Api, clock: Clock) -> "Workers":
    # Loaded here, beside the first poll: at the top of the file they would keep it waiting.
    from bot import assembly

    workers = assembly.hire(chosen, database, api, clock)
    garbage.settle()
    return workers


async def _clock(chosen: Settings) -> Clock:
    """The clock of the settings. One that follows the server is set before it is used: the year is read off it."""
    if chosen.clock == "system":
        return SystemClock()
    clock = ServerClock()
    network = Network(on_date=clock.observe)
    await network.initialize()
    try:
        await ask_time(Api(network, chosen.api_base, chosen.required_token), clock)
    finally:
        await network.shutdown()
    return clock


def _measured(chosen: Settings, bot: Bot) -> AbstractContextManager[None]:
    if chosen.metrics_port is None:
        return nullcontext()
    from bot import metrics

    return metrics.served(bot, chosen.metrics_port)
