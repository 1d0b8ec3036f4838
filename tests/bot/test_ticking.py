"""Time does its work in one transaction: all of it or nothing, and again until it is done."""

from datetime import datetime
from typing import Any

from sqlmodel import Session

from bot.dispatch import Courtesies
from handlers import errors
from store import blobs
from tests.bot.conftest import kept


async def test_a_tick_that_fails_is_undone_and_comes_again(house: Any) -> None:
    def broken(session: Session, now: datetime) -> None:
        blobs.put(session, b"half", now)
        if len(house.ticks) == 1:
            raise RuntimeError("broken")

    house.on_tick = broken
    async with house.running():
        await house.sandbox.idle()
        assert house.read(kept) == []
        house.advance(minutes=1)
        await house.settled()
    assert house.read(kept) == ["half"]


async def test_a_tick_that_goes_on_failing_is_told_of_once(house: Any) -> None:
    told: list[tuple[datetime, int, str]] = []

    def stuck(session: Session, now: datetime, times: int, error: str) -> None:
        blobs.put(session, b"told", now)
        told.append((now, times, error))

    def broken(_session: Session, _now: datetime) -> None:
        if len(house.ticks) < 6:
            raise RuntimeError("broken\nall of it")

    house.on_tick, house.courtesies = broken, Courtesies(errors.refused, errors.failed, stuck=stuck)
    async with house.running():
        for number in range(1, 6):
            await house.until(lambda _, number=number: len(house.ticks) == number)
            house.advance(minutes=1)
        await house.settled()
    assert told == [(house.ticks[2], 3, "RuntimeError: broken")]
    assert house.read(kept) == ["told"]
