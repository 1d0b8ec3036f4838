"""``python -m bot run`` as an operator starts and stops it."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from sandbox.clock import VirtualClock
from sandbox.facade import Sandbox
from sandbox.limits import Limits
from scoring.standings import years
from store.db import open_engine, transaction
from store.times import CHINA

HOUSE = Path(__file__).parents[2]
OPENING = datetime(2021, 1, 22, 8, tzinfo=CHINA)


@pytest.fixture
async def telegram() -> AsyncIterator[Sandbox]:
    async with Sandbox(clock=VirtualClock(OPENING, frozen=True), limits=Limits(on=False)) as sandbox:
        yield sandbox


@pytest.fixture
def environment(telegram: Sandbox, tmp_path: Path) -> dict[str, str]:
    """What the bot finds in its environment."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("KAOPING_")},
        "PYTHONPATH": str(HOUSE),
        "KAOPING_TOKEN": telegram.token,
        "KAOPING_API_BASE": telegram.url,
        "KAOPING_DATABASE_URL": f"sqlite:///{tmp_path / 'kaoping.db'}",
        "KAOPING_CLOCK": "server",
    }


async def begun(environment: dict[str, str], folder: Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "run", env=environment, cwd=folder, stderr=asyncio.subprocess.PIPE
    )


def metrics(port: int) -> str:
    """What is told about the bot."""
    with urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        return str(answer.read(), "utf-8")


async def test_it_serves_from_an_empty_folder_until_it_is_told_to_stop(
    telegram: Sandbox, environment: dict[str, str], tmp_path: Path, unused_tcp_port: int
) -> None:
    admin = telegram.person("赵静")
    environment |= {"KAOPING_ADMINS": str(admin.id), "KAOPING_METRICS_PORT": str(unused_tcp_port)}
    bot = await begun(environment, tmp_path)
    await telegram.idle(patience=60)
    await admin.start()
    await admin.hear("考评管理员")
    figures = await asyncio.to_thread(metrics, unused_tcp_port)
    assert "kaoping_updates_received_total 1.0" in figures
    bot.send_signal(signal.SIGTERM)
    _, said = await bot.communicate()
    assert bot.returncode == 0, said.decode()
    assert telegram.token.encode() not in said
    engine = open_engine(environment["KAOPING_DATABASE_URL"])
    with transaction(engine) as session:
        assert list(years(session)) == [2021]  # by the server's clock, not by this machine's
    engine.dispose()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"KAOPING_TOKEN": ""}, "KAOPING_TOKEN is not set"),
        ({"KAOPING_TOKEN": "123456:" + "A" * 35}, "Telegram does not take KAOPING_TOKEN"),
        ({"KAOPING_DATABASE_URL": "sqlite:////nowhere/at/all.db"}, "unable to open database file"),
    ],
)
async def test_what_is_wrong_is_one_line_and_exit_code_2(
    environment: dict[str, str], tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    bot = await begun(environment | change, tmp_path)
    _, told = await bot.communicate()
    lines = [line for line in told.decode().splitlines() if line.startswith("kaoping: ")]
    assert bot.returncode == 2, told.decode()
    assert len(lines) == 1
    assert said in lines[0]
    assert "Traceback" not in told.decode()
    assert "A" * 35 not in told.decode()
