"""From ``kaoping run`` to its first ``getUpdates``, on a database that is there already. The bar: under 2 s.

Beside it what a Python takes in the same minutes to load the libraries alone: no bot of this kind starts sooner.
"""

import os
import subprocess
import sys
import tempfile
import time
from statistics import median

from benchmarks._measure import ask, peer, until
from benchmarks._peer import TOKEN

LIBRARIES = "import sqlmodel, telegram.ext, aiohttp"


def _loading() -> float:
    """Seconds of a Python that only loads the libraries."""
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", LIBRARIES], check=True)
    return time.monotonic() - began


def main(*, quick: bool = False) -> None:
    seconds, bare = [], []
    with peer() as url, tempfile.TemporaryDirectory(prefix="kaoping-bench-") as folder:
        settings = {"TOKEN": TOKEN, "API_BASE": url, "DATABASE_URL": f"sqlite:///{folder}/bench.db", "ADMINS": "1"}
        environment = os.environ | {f"KAOPING_{name}": value for name, value in settings.items()}
        # Whoever starts the bot a second time does not compile it again.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        for _ in range(2 if quick else 6):
            bare.append(_loading())
            ask(url, "load", count=0, chats=1)
            began = time.monotonic()
            command = [sys.executable, "-m", "bot", "run"]
            with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
                told = until(url, lambda told: told["polled"] is not None)
                seconds.append(told["polled"] - began)
                process.terminate()
    # The first start makes the tables.
    ready, least = median(seconds[1:]), median(bare[1:])
    print(f"start to the first getUpdates: {ready:.2f} s (bar: 2.00), making the tables {seconds[0]:.2f} s")
    print(f"  its libraries alone: {least:.2f} s, ratio {ready / least:.2f}")
