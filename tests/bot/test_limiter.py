from collections.abc import Sequence

from hypothesis import example, given
from hypothesis import strategies as st

from bot.limiter import CHAT_BURST, GRANTS, GROUP_PER_MINUTE, NOTICES_PER_SECOND, Overall, PerChat
from store.outbox import Lane

GAP = 1 / NOTICES_PER_SECOND


def granted(limiter: Overall, lane: Lane, now: float) -> float:
    """When a caller who waits as told is granted, from ``now`` on."""
    while (wait := limiter.ask(lane, now)) > 0:
        now += wait
    return now


def most_in(times: Sequence[float], seconds: float) -> int:
    return max(sum(start <= time < start + seconds for time in times) for start in times)


@given(st.lists(st.tuples(st.sampled_from(Lane), st.floats(0, 0.3)), min_size=1, max_size=300))
def test_no_second_sees_more_than_thirty(asked: list[tuple[Lane, float]]) -> None:
    limiter, now, times = Overall(), 0.0, []
    for lane, idle in asked:
        now = granted(limiter, lane, now + idle)
        times.append(now)
    assert most_in(times, 1.0) <= GRANTS
    assert most_in(times, 1.019) <= GRANTS


@given(st.lists(st.floats(0, 0.19), min_size=1, max_size=200))
@example([0.19] * GRANTS + [0.0] * GRANTS)
def test_what_gets_there_late_is_counted_there_late(delays: list[float]) -> None:
    limiter, now, counted = Overall(), 0.0, []
    for delay in delays:
        now = granted(limiter, Lane.REPLY, now)
        # However long one is on its way, it is counted there before its answer is here.
        limiter.answered(limiter.granted, now + delay)
        counted.append(now + delay)
    assert most_in(counted, 1.0) <= GRANTS


def test_notices_go_at_their_pace_and_save_nothing_up() -> None:
    limiter = Overall()
    first = granted(limiter, Lane.NOTICE, 100.0)
    times = [first]
    for _ in range(600):
        times.append(granted(limiter, Lane.NOTICE, times[-1]))
    assert 600 / NOTICES_PER_SECOND - 0.1 < times[-1] - first < 600 / NOTICES_PER_SECOND + 0.1
    after_idling = [granted(limiter, Lane.NOTICE, times[-1] + 60)]
    for _ in range(28):
        after_idling.append(granted(limiter, Lane.NOTICE, after_idling[-1]))
    assert after_idling[-1] - after_idling[0] > 27 * GAP - 0.01


def test_a_late_grant_does_not_slow_the_pace_for_good() -> None:
    limiter, now = Overall(), 0.0
    for _ in range(284):
        now = granted(limiter, Lane.NOTICE, now) + 0.004
    assert now < 10.1


def test_replies_go_ahead_and_count_against_the_notices() -> None:
    limiter = Overall()
    assert granted(limiter, Lane.NOTICE, 0.0) == 0.0
    assert granted(limiter, Lane.REPLY, 0.0) == 0.0
    assert granted(limiter, Lane.REPLY, 0.0) == 0.0
    assert abs(granted(limiter, Lane.NOTICE, 0.0) - 3 * GAP) < 1e-9


def test_a_notice_leaves_the_grant_to_a_reply_that_waits() -> None:
    limiter = Overall()
    limiter.replies_waiting = 1
    assert limiter.ask(Lane.NOTICE, 5.0) > 0
    assert limiter.ask(Lane.REPLY, 5.0) == 0
    limiter.replies_waiting = 0
    assert granted(limiter, Lane.NOTICE, 5.0) < 5.1


def test_a_pause_holds_for_both_lanes() -> None:
    limiter = Overall()
    limiter.pause(9.0)
    assert granted(limiter, Lane.REPLY, 5.0) == 9.0
    assert granted(limiter, Lane.NOTICE, 5.0) >= 9.0


def spaced(limiter: PerChat, chat_id: int, count: int) -> list[float]:
    now, times = 0.0, []
    for _ in range(count):
        while (wait := limiter.wait(chat_id, now)) > 0:
            now += wait
        limiter.take(chat_id, now)
        times.append(now)
    return times


def test_a_private_chat_gets_a_few_at_once_and_then_one_a_second() -> None:
    times = spaced(PerChat(), 7, 30)
    assert times[CHAT_BURST - 1] == 0.0
    assert times[-1] > 30 - CHAT_BURST
    assert all(later - earlier > 1 for earlier, later in zip(times[CHAT_BURST:], times[CHAT_BURST + 1 :], strict=False))


def test_a_group_gets_less_than_twenty_a_minute() -> None:
    times = spaced(PerChat(), -7, 50)
    assert most_in(times, 60.0) == GROUP_PER_MINUTE


def test_chats_do_not_wait_for_each_other() -> None:
    limiter = PerChat()
    spaced(limiter, 7, 20)
    assert limiter.wait(8, 0.0) == 0


def test_a_blocked_chat_waits_as_long_as_it_is_told() -> None:
    limiter = PerChat()
    limiter.block(-7, 30.0)
    limiter.block(-7, 20.0)
    assert limiter.wait(-7, 12.0) == 18.0
    assert limiter.wait(-7, 30.0) == 0


def test_quiet_chats_are_forgotten_and_busy_ones_are_not() -> None:
    limiter = PerChat()
    limiter.block(-1, 10_000.0)
    for chat_id in range(1, 7000):
        limiter.take(chat_id, float(chat_id))
    assert limiter.wait(-1, 7000.0) == 3000.0
    assert len(limiter._chats) < 5100
