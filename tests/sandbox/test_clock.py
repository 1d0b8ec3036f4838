"""The virtual clock, by itself and on the wire."""

from datetime import UTC, datetime, timedelta

import pytest

from sandbox.clock import VirtualClock

START = datetime(2021, 4, 2, 4, 0, tzinfo=UTC)


def test_a_frozen_clock_stands_still_and_moves_when_told() -> None:
    clock = VirtualClock(START, frozen=True)
    assert clock.now() == clock.now() == START
    clock.advance(timedelta(hours=1))
    assert clock.now() == START + timedelta(hours=1)
    clock.set(datetime.fromisoformat("2021-04-03T09:00:00+08:00"))
    assert clock.now() == datetime(2021, 4, 3, 1, 0, tzinfo=UTC)


def test_a_running_clock_runs_at_real_speed_from_its_virtual_now(monkeypatch: pytest.MonkeyPatch) -> None:
    real = 100.0
    monkeypatch.setattr("sandbox.clock.time.monotonic", lambda: real)
    clock = VirtualClock(START)
    real += 7.5
    assert clock.now() == START + timedelta(seconds=7.5)
    clock.advance(timedelta(days=1))
    clock.freeze()
    real += 60
    assert clock.now() == START + timedelta(days=1, seconds=7.5)
    clock.run()
    real += 2
    assert clock.now() == START + timedelta(days=1, seconds=9.5)


def test_a_clock_neither_goes_back_nor_takes_naive_instants() -> None:
    clock = VirtualClock(START, frozen=True)
    with pytest.raises(ValueError, match="only moves forward"):
        clock.set(START - timedelta(seconds=1))
    with pytest.raises(ValueError, match="only moves forward"):
        clock.advance(timedelta(seconds=-1))
    with pytest.raises(ValueError, match="time zone"):
        clock.set(datetime(2022, 1, 1))  # noqa: DTZ001
    assert clock.now() == START


def test_the_header_is_of_rfc_7231_in_whole_seconds_and_follows_each_move() -> None:
    clock = VirtualClock(START + timedelta(milliseconds=900), frozen=True)
    assert clock.http_date() == "Fri, 02 Apr 2021 04:00:00 GMT"
    clock.advance(timedelta(milliseconds=200))
    assert clock.http_date() == "Fri, 02 Apr 2021 04:00:01 GMT"
