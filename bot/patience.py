"""Waiting for something, but not for ever; and for tasks to come to their end."""

import asyncio
from collections.abc import Iterable
from typing import Any


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


def raise_first(done: Iterable["asyncio.Task[Any]"]) -> None:
    """Raises what the first of them that failed has raised, out of any group that it comes in."""
    for task in done:
        error = task.exception()
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        if error is not None:
            raise error


async def cancelled(*tasks: "asyncio.Task[Any]") -> None:
    """Cancels them, and waits until they have ended, however they do."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
