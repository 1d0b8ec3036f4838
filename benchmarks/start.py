"""From ``kaoping run`` to its first ``getUpdates``, on a database that is there already. The bar: under 2 s.

Then to its first answer, which needs what is loaded while that poll is under way; and beside both what a Python takes
in the same minutes to load the libraries alone that a bot needs who does nothing but hear.
"""

import os
import subprocess
import sys
import tempfile
import time
from statistics import median

from benchmarks._measure import ask, peer, until
from benchmarks._peer import FIRST_CHAT, TOKEN

LIBRARIES = "import sqlmodel, telegram.request, aiohttp"


def _loading() -> float:
    """Seconds of a Python that only loads the libraries."""
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", LIBRARIES], check=True)
    return time.monotonic() - began


def main(*, quick: bool = False) -> None:
    polls, answers, bare = [], [], []
    with peer() as url, tempfile.TemporaryDirectory(prefix="kaoping-bench-") as folder:
        settings = {"TOKEN": TOKEN, "API_BASE": url, "DATABASE_URL": f"sqlite:///{folder}/bench.db", "ADMINS": "1"}
        environment = os.environ | {f"KAOPING_{name}": value for name, value in settings.items()}
        # Whoever starts the bot a second time does not compile it again.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        for _ in range(2 if quick else 6):
            bare.append(_loading())
            ask(url, "load", count=0, chats=1)
            ask(url, "say", chat=FIRST_CHAT, text="在吗")
            began = time.monotonic()
            command = [sys.executable, "-m", "bot", "run"]
            with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
                told = until(url, lambda told: told["sent"])
                polls.append(told["polled"] - began)
                answers.append(told["sent"][0][0] - began)
                process.terminate()
    # The first start makes the tables.
    heard, answered, least = (median(figures[1:]) for figures in (polls, answers, bare))
    print(f"start to the first getUpdates: {heard:.2f} s (bar: 2.00), making the tables {polls[0]:.2f} s")
    print(f"  the libraries alone: {least:.2f} s, ratio {heard / least:.2f}; to the first answer {answered:.2f} s")
