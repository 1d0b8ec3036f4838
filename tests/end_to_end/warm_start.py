"""Imports the bot once, then forks one for each line on stdin: thirty starts for the price of one.

A line is JSON: ``environment``, and the file ``log`` for what the bot writes. The forked process is ``kaoping run``
with that environment. Its number is printed when it begins, its exit status when it has ended.
"""

import asyncio
import json
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
    chosen = settings.load(database_url="sqlite://", token="123456:" + "x" * 35)
    engine = opened(chosen, datetime(2021, 1, 1, tzinfo=UTC))
    assemble(chosen, engine, SystemClock()).hire()
    engine.dispose()


def become(environment: dict[str, str], log: str) -> int:
    """Runs the bot in this process; its exit code."""
    os.environ.update(environment)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    written = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(written, 1)
    os.dup2(written, 2)
    return invoke(["run"])


def main() -> None:
    """One bot after another until stdin is closed."""
    asyncio.run(rehearse())
    for line in sys.stdin:
        number = os.fork()
        if number == 0:
            os._exit(become(**json.loads(line)))
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()
        _, status = os.waitpid(number, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


main()
