"""A bulk of notices within Telegram's limits, replies ahead of it, and what a notice costs beside a bare send.

The bars: 28 to 30 a second, no one-second window above 30; CPU per notice no more than of ``Bot.send_message``. That
one is measured at the same pace, which is all that Telegram allows: a processor that is woken for each message works
slower than one that never rests. As fast as it can is shown beside it.
"""

import time
from statistics import median

from benchmarks._measure import ask, peer, side, until
from benchmarks._peer import FIRST_CHAT


def most_in_a_second(times: list[float]) -> int:
    most = first = 0
    for last, at in enumerate(times):
        while times[first] <= at - 1.0:
            first += 1
        most = max(most, last - first + 1)
    return most


def main(*, quick: bool = False) -> None:
    count = 150 if quick else 600
    with peer() as url:
        ask(url, "load", count=0, chats=1)
        with side("send", url, count) as flat_out:
            until(url, lambda told: len(told["sent"]) >= count)
        ask(url, "load", count=0, chats=1)
        with side("send-at-our-pace", url, count) as bare:
            until(url, lambda told: len(told["sent"]) >= count)
        ask(url, "load", count=0, chats=1)
        with side("notices", url, count) as ours:
            told = until(url, lambda told: len(told["sent"]) >= count)
        alone = [at for at, _ in told["sent"]]
        ask(url, "load", count=0, chats=1)
        with side("notices", url, count):
            until(url, lambda told: len(told["sent"]) >= 20)
            asked = range(FIRST_CHAT + count, FIRST_CHAT + count + (5 if quick else 30))
            for chat in asked:
                ask(url, "say", chat=chat, text="待报")
                time.sleep(0.5)
            told = until(url, lambda told: len(told["sent"]) >= count + len(asked))
    both = [at for at, _ in told["sent"]]
    answered = {chat: at for at, chat in told["sent"]}
    waits = sorted((answered[chat] - told["said_at"][str(chat)]) * 1000 for chat in asked)
    print(f"notices: {count} queued")
    print(
        f"  alone         {(count - 1) / (alone[-1] - alone[0]):5.2f}/s, most in one second {most_in_a_second(alone)}"
    )
    print(
        f"  with replies  {(len(both) - 1) / (both[-1] - both[0]):5.2f}/s, most in one second {most_in_a_second(both)}"
    )
    print(
        f"  a reply after {median(waits):.0f} ms (median), {waits[-1]:.0f} ms at most, from the message to its answer"
    )
    print(f"  python-telegram-bot, send_message  {bare[0] / count * 1000:5.2f} ms CPU each")
    print(f"  as fast as it can                  {flat_out[0] / count * 1000:5.2f} ms CPU each")
    print(f"  kaoping, a notice                  {ours[0] / count * 1000:5.2f} ms CPU each")
    print(f"  ratio {ours[0] / bare[0]:.2f} (bar: 1.00), to as fast as it can {ours[0] / flat_out[0]:.2f}")
