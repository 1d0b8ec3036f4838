"""Waiting for something, but not for ever; and for tasks to come to their end."""

import asyncio
from collections.abc import Iterable
from typing import Any

import structlog

log = structlog.get_logger("bot")


async def comes(event: asyncio.Event, seconds: float) -> bool:
    """Waits for ``event`` at most so long; returns whether it came.

    Not by ``asyncio.wait_for``: in Python 3.11 that one loses a cancellation which arrives together with the event, and
    a worker that never hears of its end holds up the end of all.
    """
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True


def raise_first(tasks: Iterable["asyncio.Task[Any]"]) -> None:
    """Raises what the first of them that failed has raised, out of any group that it comes in; what others have raised
    goes into the log. Those that have not ended, and those that were cancelled, are passed over.
    """
    errors = [error for task in tasks if task.done() and not task.cancelled() and (error := task.exception())]
    for error in errors[1:]:
        log.error("this failed too", exc_info=error)
    if errors:
        first = errors[0]
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first


async def cancelled(*tasks: "asyncio.Task[Any]") -> None:
    """Cancels them, and waits until they have ended, however they do."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
