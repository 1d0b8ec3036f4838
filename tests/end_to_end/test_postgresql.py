"""The same quarter on PostgreSQL."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from store.db import open_engine

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.end_to_end.conftest import Outcome


@pytest.fixture
def empty(postgres_url: str) -> str:
    """A PostgreSQL database without tables: the bot makes them as it would on a new machine."""
    engine = open_engine(postgres_url)
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()
    return postgres_url


async def test_a_quarter_comes_to_the_same_ledger(
    twin: "Outcome", empty: str, tmp_path: Path, uninterrupted: "Callable[[str, Path], Awaitable[Outcome]]"
) -> None:
    there = await uninterrupted(empty, tmp_path)
    assert there.ledger == twin.ledger
    assert there.hand_ins == twin.hand_ins
    assert there.settlements == twin.settlements
    assert there.messages == twin.messages
    assert (there.unhandled, there.failed) == (0, [])
