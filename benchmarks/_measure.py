"""Starting the peer and the sides, and asking the peer what it saw."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

PATIENCE_SECONDS = 90.0


@contextmanager
def peer() -> Iterator[str]:
    """The address of a running peer."""
    with subprocess.Popen([sys.executable, "-m", "benchmarks._peer"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def ask(url: str, what: str, **asked: object) -> Any:
    query = "&".join(f"{name}={quote(str(value))}" for name, value in asked.items())
    with urlopen(f"{url}/{what}?{query}") as answer:  # noqa: S310 - our own peer
        return json.load(answer)["result"]


@contextmanager
def side(name: str, url: str, count: int) -> Iterator[list[float]]:
    """Runs one side; the list holds its seconds of CPU afterwards."""
    spent: list[float] = []
    with tempfile.TemporaryDirectory(prefix="kaoping-bench-") as folder:
        command = [sys.executable, "-m", "benchmarks._sides", name, url, f"sqlite:///{folder}/bench.db", str(count)]
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        with subprocess.Popen(command, text=True, **pipes) as process:
            assert process.stdout is not None
            if process.stdout.readline().strip() != "ready":
                raise RuntimeError(f"{name} did not start")
            yield spent
            said, _ = process.communicate()
            spent.append(float(said.split()[-1]))


def until(url: str, done: Callable[[Any], bool]) -> Any:
    """Waits until what the peer saw is enough; asks rarely, so as not to be what is measured."""
    given_up = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < given_up:
        told = ask(url, "told")
        if done(told):
            return told
        time.sleep(0.3)
    raise TimeoutError(f"only {len(told['sent'])} messages came")
