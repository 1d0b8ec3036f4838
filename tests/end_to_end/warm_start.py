"""Imports the bot once, then forks one for each line on stdin: twenty starts for the price of one.

The forked process is ``kaoping run`` with the environment of this one. Its number is printed when it begins, its exit
status when it has ended.
"""

import asyncio
import os
import sys
from datetime import UTC, datetime

from bot import settings
from bot.assembly import assemble
from bot.cli import invoke
from bot.clock import SystemClock
from bot.opening import opened


async def rehearse() -> None:
    """Does on an empty database what every bot does first, so that the forked ones find it worked out."""
    chosen = settings.load(database_url="sqlite://")
    engine = opened(chosen, datetime(2021, 1, 1, tzinfo=UTC))
    assemble(chosen, engine, SystemClock())
    engine.dispose()


def main() -> None:
    """One bot after another until stdin is closed."""
    asyncio.run(rehearse())
    for _line in sys.stdin:
        number = os.fork()
        if number == 0:
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(2, 1)
            os._exit(invoke(["run"]))
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()
        _, status = os.waitpid(number, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


main()
