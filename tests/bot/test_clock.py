from datetime import UTC, datetime

from bot.clock import ServerClock, SystemClock

FRIDAY = "Fri, 02 Apr 2021 08:00:00 GMT"
LATER = "Fri, 02 Apr 2021 16:00:01 GMT"


def test_the_systems_clock_is_aware() -> None:
    assert SystemClock().now().tzinfo is UTC


def test_the_servers_clock_shows_what_the_server_said_last() -> None:
    clock = ServerClock()
    clock.observe(FRIDAY)
    assert clock.now() == datetime(2021, 4, 2, 8, 0, tzinfo=UTC)
    clock.observe(LATER)
    assert clock.now() == datetime(2021, 4, 2, 16, 0, 1, tzinfo=UTC)


def test_it_never_goes_back_for_an_answer_that_was_overtaken() -> None:
    clock = ServerClock()
    clock.observe(LATER)
    clock.observe(FRIDAY)
    clock.observe(None)
    assert clock.now() == datetime(2021, 4, 2, 16, 0, 1, tzinfo=UTC)
