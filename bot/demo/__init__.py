"""``kaoping demo``: everything on this machine, no token. A sample zone plays the year 2021 through the real bot
over the sandbox; then the chat page is served for hands-on use.

Each showing begins with an empty database in a folder of its own that is gone afterwards. What stays are the papers of
the result, in ``PAPERS``.
"""

import asyncio
import contextlib
import logging
import os
import signal
import sys
import tempfile
import webbrowser
from datetime import datetime
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

import templates
from bot import assembly, logs
from bot.clock import ServerClock
from bot.demo import publishing, report
from bot.demo.player import Play
from bot.demo.zone import Zone, sample
from bot.settings import Settings
from sandbox.clock import VirtualClock
from sandbox.facade import Sandbox
from sandbox.limits import Limits
from store.db import open_engine, prepare, transaction
from store.times import china

PAPERS = Path("kaoping-demo")
"""Where the papers of the published result are written, seen from where the command is given."""


def play(*, once: bool, port: int) -> int:
    """Plays the year; unless ``once``, serves the page until Ctrl-C. Returns the exit code."""
    logs.configure(level=logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="kaoping-demo-") as folder, contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_showing(sample(), Path(folder), once=once, port=port))
    return 0


async def _showing(zone: Zone, folder: Path, *, once: bool, port: int) -> None:
    engine = open_engine(f"sqlite:///{folder / 'demo.db'}")
    prepare(engine)
    clock = VirtualClock(zone.opens, frozen=True)
    async with _sandbox(clock, port) as sandbox:
        show = Play(zone, sandbox, engine)
        show.furnish()
        settings = Settings(
            _env_file=None,
            token=sandbox.token,
            api_base=sandbox.url,
            summary_chat=show.summary.id,
            limits=False,
        )
        bot = assembly.assemble(settings, engine, ServerClock())
        async with bot.running():
            await show.meet()
            await _watched(show)
            with transaction(engine) as session:
                figures = report.played(session, zone.year)
                ranking = templates.render("verbs/rank", result=figures.ranking)
            papers = [path for archive in show.archives() for path in publishing.unpack(archive, PAPERS)]
            told = templates.render(
                "demo", zone=zone.name, year=zone.year, played=figures, ranking=ranking, papers=papers
            )
            typer.echo("\n" + templates.plain(told))
            if not once:
                await show.hand_over()
                await _serve(sandbox, clock)
    engine.dispose()


def _sandbox(clock: VirtualClock, port: int) -> Sandbox:
    # A year in a minute would run into limits that are meant for real time.
    return Sandbox(clock=clock, limits=Limits(on=False), port=port)


async def _watched(show: Play) -> None:
    """Plays with a progress bar that shows the date in the zone."""
    span = (show.zone.ends - show.zone.opens).total_seconds()
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(f"{show.zone.opens:%Y-%m-%d}", total=span)

        def progress(at: datetime) -> None:
            done = (at - show.zone.opens).total_seconds()
            bar.update(task, completed=done, description=f"{china(at):%Y-%m-%d}")

        await show.through(progress)


async def _serve(sandbox: Sandbox, clock: VirtualClock) -> None:
    """Lets people use the page until Ctrl-C; time runs on from where the play ended."""
    clock.run()
    typer.echo(f"\n聊天页面：{sandbox.url}　（按 Ctrl-C 结束）")
    if sys.stdout.isatty() and (os.name == "nt" or sys.platform == "darwin" or os.environ.get("DISPLAY")):
        webbrowser.open(sandbox.url)
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C raises KeyboardInterrupt instead
            asyncio.get_running_loop().add_signal_handler(number, ended.set)
    await ended.wait()
