"""What the bot is called on Telegram, for links to it."""

import asyncio

from telegram.error import TelegramError

from bot.network import Api, Network
from bot.settings import Settings

PATIENCE_SECONDS = 3.0
"""A command is not held up for longer by a network that is away: without the name there is another way in."""


def username(settings: Settings) -> str | None:
    """The bot's username; None without a token, or where Telegram does not answer in time."""
    return asyncio.run(_ask(settings.api_base, settings.token.get_secret_value())) if settings.token else None


async def _ask(api_base: str, token: str) -> str | None:
    network = Network()
    await network.initialize()
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            me = await Api(network, api_base, token).call("getMe", {})
    except (TelegramError, TimeoutError):
        return None
    finally:
        await network.shutdown()
    name: str | None = me.get("username")
    return name
