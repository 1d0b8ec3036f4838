"""The doctor's look at the network: is Telegram there, does it know the token, do the clocks agree."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from telegram.error import InvalidToken, NetworkError, TelegramError, TimedOut

from bot.clock import SystemClock
from bot.network import Api, Network
from bot.settings import Settings

if TYPE_CHECKING:
    from bot.doctor import Finding

MOST_SKEW = timedelta(seconds=60)
"""Deadlines count in minutes, and Telegram dates the messages: a clock that is further off announces too early."""


async def examine(settings: Settings, now: datetime) -> "list[Finding]":
    """Asks the Bot API server who the bot is. ``now`` is the machine's time when it is asked."""
    from bot.doctor import Finding

    dates: list[str] = []
    network = Network(on_date=lambda date: dates.append(date) if date else None)
    token = settings.token.get_secret_value() if settings.token else "0:none"
    api, findings = Api(network, settings.api_base, token), []
    await network.initialize()
    try:
        me = await api.call("getMe", {})
        findings.append(Finding("token", "ok", "token_good", {"username": me.get("username", "")}))
        findings += await _of_webhook(api, settings)
    except InvalidToken:
        if settings.token is not None:
            findings.append(Finding("token", "fault", "token_refused"))
    except TimedOut:
        findings.append(Finding("network", "fault", "timed_out", {"base": settings.api_base}))
    except NetworkError as fault:
        reason = type(fault.__cause__ or fault).__name__
        findings.append(Finding("network", "fault", "unreachable", {"base": settings.api_base, "reason": reason}))
    except TelegramError as fault:
        findings.append(Finding("network", "fault", "api_fails", {"base": settings.api_base, "reason": fault.message}))
    finally:
        await network.shutdown()
    if dates:
        findings.append(Finding("network", "ok", "reachable", {"base": settings.api_base}))
        findings += _of_clock(dates[0], settings, now)
    return findings


def _of_clock(date: str, settings: Settings, now: datetime) -> "Iterator[Finding]":
    from bot.doctor import Finding

    if settings.clock == "server":
        return
    theirs = parsedate_to_datetime(date)
    # Seconds have gone by since ``now``; both readings belong to one moment.
    skew = SystemClock().now() - theirs
    seconds = round(skew.total_seconds())
    yield Finding("clock", "ok" if abs(skew) <= MOST_SKEW else "fault", "clock", {"seconds": seconds})


async def _of_webhook(api: Api, settings: Settings) -> "list[Finding]":
    from bot.doctor import Finding

    info: dict[str, Any] = await api.call("getWebhookInfo", {})
    if info.get("url") and settings.webhook_url is None:
        return [Finding("network", "fault", "webhook_in_the_way")]
    return []
