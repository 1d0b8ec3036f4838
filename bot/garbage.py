"""When to look for garbage: not while the bot is being put together, and later seldom.

Nothing of what a start loads is garbage, or ever will be; looking through it again and again makes the start late and
every update dearer.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

NEW_OBJECTS = 20_000
"""Objects made since the last look before there is another one: what an update makes goes by itself."""
YOUNG_LOOKS, MIDDLE_LOOKS = 20, 50
"""Looks at the young before one at those that outlived one, and of these before one at all but what was loaded."""


@contextmanager
def put_off() -> Iterator[None]:
    """Nothing is looked for until ``settle``, or until what was begun has ended without it."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def settle() -> None:
    """All is loaded: from now on only what comes to be is looked through. Called again it changes nothing."""
    if not gc.get_freeze_count():
        gc.freeze()
    gc.set_threshold(NEW_OBJECTS, YOUNG_LOOKS, MIDDLE_LOOKS)
    gc.enable()
