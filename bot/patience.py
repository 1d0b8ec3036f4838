"""Waiting for something, but not for ever."""

import asyncio


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
