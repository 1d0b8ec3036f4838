"""A sandbox with a frozen clock, and a client that speaks plain HTTP."""

from collections.abc import AsyncIterator, Iterator
from datetime import datetime

import pytest

from sandbox.client import RawClient
from sandbox.clock import VirtualClock
from sandbox.facade import Sandbox
from sandbox.limits import Limits

NOON = datetime.fromisoformat("2021-04-02T12:00:00+08:00")


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """Frozen at noon of 2 April 2021, Shanghai; no flood limits."""
    async with Sandbox(clock=VirtualClock(NOON, frozen=True), limits=Limits(on=False)) as sandbox:
        yield sandbox


@pytest.fixture
def http(sandbox: Sandbox) -> Iterator[RawClient]:
    """Plain HTTP to that sandbox."""
    client = RawClient(sandbox.url, sandbox.token)
    yield client
    client.close()
