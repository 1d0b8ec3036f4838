"""The files that were handed in: one that cannot be taken stops no other, and ends nothing."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlmodel import Session

from bot import fetching
from handlers.fetched import Wanted

Taken = tuple[int, str]
"""A file's number, and what its check said of it."""


class Steps:
    """Files that wait in memory; ``breaks(taken)`` says which steps are a defect of ours."""

    def __init__(self, breaks: Callable[[Taken], bool]) -> None:
        self.files: list[Wanted] = []
        self.breaks = breaks
        self.tried: list[Taken] = []
        self.done: list[Taken] = []

    def wanted(self, _session: Session, _now: datetime, limit: int) -> list[Wanted]:
        through = {number for number, _ in self.done}
        return [one for one in self.files if one.id not in through][:limit]

    def arrived(self, _session: Session, file_id: int, _content: bytes, result: Any, _now: datetime) -> None:
        self._step((file_id, "fine" if result is None else result.why))

    def delayed(self, _session: Session, file_id: int, _now: datetime) -> None:
        self._step((file_id, "delayed"))

    def lost(self, _session: Session, file_id: int, why: str, _now: datetime) -> None:
        self._step((file_id, why))

    def _step(self, taken: Taken) -> None:
        self.tried.append(taken)
        if self.breaks(taken):
            raise RuntimeError("a defect")
        self.done.append(taken)


async def files_of(house: Any, steps: Steps, monkeypatch: pytest.MonkeyPatch, *names: str) -> Any:
    """Somebody has sent these; they are what waits."""
    person = house.sandbox.person("张三")
    await person.start()
    for number, name in enumerate(names, 1):
        sent = await person.send_document(name, name.encode())
        steps.files.append(Wanted(number, sent.file_id, None))
    monkeypatch.setattr(fetching, "STEPS", (steps,))
    monkeypatch.setattr(fetching, "LOOK_SECONDS", 0.01)
    return person


async def test_what_cannot_be_taken_as_it_is_counts_as_unreadable(house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = Steps(lambda taken: taken == (1, "fine"))
    await files_of(house, steps, monkeypatch, "坏.xlsx", "好.xlsx")
    async with house.running():
        await house.until(lambda _: len(steps.done) == 2)
    assert steps.done == [(1, "no_reader"), (2, "fine")]


async def test_what_cannot_be_taken_at_all_rests_and_nobody_waits_for_it(
    house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "AT_ONCE", 1)
    steps = Steps(lambda taken: taken[0] == 1)
    person = await files_of(house, steps, monkeypatch, "坏.xlsx", "好.xlsx")
    async with house.running():
        await house.until(lambda _: steps.done)
        await person.send("还在吗")
        await house.settled()
    assert steps.tried == [(1, "fine"), (1, "no_reader"), (2, "fine")]
    async with house.running():
        await house.until(lambda _: len(steps.tried) == 5)
    assert steps.tried[3:] == [(1, "fine"), (1, "no_reader")], "the next program may do better"


async def test_a_file_that_telegram_does_not_know_and_nobody_can_give_up_ends_nothing(
    house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = Steps(lambda taken: taken[1] == "gone")
    person = await files_of(house, steps, monkeypatch, "好.xlsx")
    steps.files.insert(0, Wanted(9, "nobody-knows-it", None))
    async with house.running():
        await house.until(lambda _: steps.done)
        await person.send("还在吗")
        await house.settled()
    assert steps.tried == [(9, "gone"), (1, "fine")]
