"""From ``kaoping run`` to its first ``getUpdates``, on a database that is there already. The bar: under 2 s."""

import os
import subprocess
import sys
import tempfile
import time
from statistics import median

from benchmarks._measure import ask, peer, until
from benchmarks._peer import TOKEN


def main(*, quick: bool = False) -> None:
    seconds = []
    with peer() as url, tempfile.TemporaryDirectory(prefix="kaoping-bench-") as folder:
        settings = {"TOKEN": TOKEN, "API_BASE": url, "DATABASE_URL": f"sqlite:///{folder}/bench.db", "ADMINS": "1"}
        environment = os.environ | {f"KAOPING_{name}": value for name, value in settings.items()}
        # Whoever starts the bot a second time does not compile it again.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        for _ in range(2 if quick else 6):
            ask(url, "load", count=0, chats=1)
            began = time.monotonic()
            command = [sys.executable, "-m", "bot", "run"]
            with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
                told = until(url, lambda told: told["polled"] is not None)
                seconds.append(told["polled"] - began)
                process.terminate()
    # The first start makes the tables.
    print(
        f"start to the first getUpdates: {median(seconds[1:]):.2f} s (bar: 2.00), making the tables {seconds[0]:.2f} s"
    )
