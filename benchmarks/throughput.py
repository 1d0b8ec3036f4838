"""Hand-ins a second through inbox, one durable transaction and receipt, beside a bare echo of python-telegram-bot.

The bar is for the pipeline: a hand-in that is looked up, written down and receipted must cost no more time than an echo
that keeps nothing. What the rules of the assessment add (whose, for which obligation, in time or not, corrected or
not, what follows) is shown beside it. Limits are off on all sides, all talk to the same server over loopback in turn.
"""

from statistics import median

from benchmarks._measure import ask, peer, side, until

CHATS = 300
SIDES = {
    "echo": "python-telegram-bot, bare echo, nothing kept",
    "least": "pipeline: sender, hand-in row, receipt",
    "hand-ins": "the whole bot with all its rules",
}


def one(url: str, name: str, count: int) -> tuple[float, float]:
    """Messages a second and milliseconds of CPU each, of one run of one side."""
    ask(url, "load", count=0, chats=1)
    with side(name, url, CHATS) as spent:
        ask(url, "load", count=count, chats=CHATS)
        told = until(url, lambda told: len(told["sent"]) >= count)
    seconds = told["sent"][count - 1][0] - told["began"]
    return count / seconds, spent[0] / count * 1000


def main(*, quick: bool = False) -> None:
    count, rounds = (900, 1) if quick else (3000, 3)
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in SIDES}
    with peer() as url:
        for _ in range(rounds):
            for name, found in runs.items():
                found.append(one(url, name, count))
    print(f"throughput: {count} messages of {CHATS} chats, median of {rounds}")
    for name, title in SIDES.items():
        rate, cost = (median(values) for values in zip(*runs[name], strict=True))
        ratio = median(mine[0] / echo[0] for mine, echo in zip(runs[name], runs["echo"], strict=True))
        print(f"  {title:45} {rate:5.0f}/s  {cost:5.2f} ms CPU each  ratio {ratio:.2f}")
    print("  (bar: the pipeline at 1.00)")
