"""`python -m sandbox`: the sandbox as a process. Prints its address in one line, then serves until stopped."""

import argparse
import asyncio
import signal
import sys
from datetime import datetime
from pathlib import Path

from sandbox.clock import VirtualClock
from sandbox.facade import Sandbox
from sandbox.limits import Limits


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=8081, help="0 takes any free one (default: 8081)")
    parser.add_argument("--state", type=Path, help="folder to read the state from and to keep it in")
    parser.add_argument("--start", type=datetime.fromisoformat, help="virtual instant to begin at, with offset")
    parser.add_argument("--frozen", action="store_true", help="the clock stands still until it is moved")
    parser.add_argument("--no-limits", action="store_true", help="never answer 429")
    return parser.parse_args()


async def _serve(arguments: argparse.Namespace) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    sandbox = Sandbox(
        clock=VirtualClock(arguments.start, frozen=arguments.frozen),
        limits=Limits(on=not arguments.no_limits),
        port=arguments.port,
        state=arguments.state,
    )
    async with sandbox:
        sys.stdout.write(f"{sandbox.url} token {sandbox.token}\n")
        sys.stdout.flush()
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(_serve(_arguments()))
