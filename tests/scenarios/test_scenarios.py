"""Scenario files that an official can check by hand: each beside its figures, or with the line that refuses it.

``<name>.expected.json`` need not name every figure; what it names has to be so. A file in ``faults/`` says in its
second line how it has to be refused.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scheduler.scenario import ScenarioError
from scheduler.simulation import simulate
from scoring.loading import SHELF

HERE = Path(__file__).parent
PLAYED = sorted(HERE.glob("*.toml"))
FAULTS = sorted((HERE / "faults").glob("*.toml"))
REFUSED = "# 应拒绝："


def differences(want: Any, got: Any, at: str = "") -> Iterator[str]:
    if isinstance(want, dict) and isinstance(got, dict):
        for key, value in want.items():
            yield from differences(value, got.get(key, "(missing)"), f"{at}.{key}")
    elif isinstance(want, list) and isinstance(got, list) and len(want) == len(got):
        for number, (one, other) in enumerate(zip(want, got, strict=True)):
            name = one.get("code", number) if isinstance(one, dict) else number
            yield from differences(one, other, f"{at}[{name}]")
    elif want != got:
        yield f"{at}: expected {want!r}, got {got!r}"


@pytest.mark.parametrize("path", PLAYED, ids=lambda path: path.stem)
def test_a_scenario_gives_the_figures_worked_out_by_hand(path: Path) -> None:
    expected = json.loads(path.with_suffix(".expected.json").read_text(encoding="utf-8"))
    assert list(differences(expected, simulate(path))) == []


@pytest.mark.parametrize("path", FAULTS, ids=lambda path: path.stem)
def test_a_scenario_that_cannot_be_is_refused_in_one_line(path: Path) -> None:
    told = path.read_text(encoding="utf-8").splitlines()[1]
    assert told.startswith(REFUSED)
    with pytest.raises(ScenarioError) as refused:
        simulate(path)
    line = str(refused.value)
    assert line.startswith(f"{path}: {told.removeprefix(REFUSED)}")
    assert "\n" not in line


def test_there_are_scenarios_and_faults() -> None:
    assert len(PLAYED) >= 20
    assert len(FAULTS) >= 50


def test_the_same_file_played_twice_gives_the_same_bytes() -> None:
    first, second = (json.dumps(simulate(HERE / "评议与排名.toml"), ensure_ascii=False) for _ in range(2))
    assert first == second


def test_by_daily_all_are_ranked_by_the_shown_daily_score() -> None:
    played = simulate(HERE / "评议与排名.toml", by="daily")
    ranks = {one["code"]: one["rank"] for one in played["departments"]}
    assert ranks == {"a": 6, "b": 6, "c": 1, "d": 1, "e": 1, "f": 1, "g": 1}


def test_a_missing_file_and_one_that_is_no_text_are_refused(tmp_path: Path) -> None:
    scrambled = tmp_path / "乱码.toml"
    scrambled.write_bytes("name = '财政局'".encode("gb18030"))
    for path in (tmp_path / "没有.toml", scrambled, tmp_path):
        with pytest.raises(ScenarioError) as refused:
            simulate(path)
        assert str(refused.value).startswith(f"{path}: ")


def test_a_rule_book_is_found_beside_the_scenario_and_echoed_as_it_was_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "our.toml").write_bytes((SHELF / "jilin-2021.toml").read_bytes())
    scenario = tmp_path / "one.toml"
    scenario.write_text(
        (HERE / "截止即结束.toml").read_text(encoding="utf-8").replace('"jilin-2021"', '"rules/our.toml"'),
        encoding="utf-8",
    )
    monkeypatch.chdir(os.sep)
    played = simulate(scenario)
    assert played["rulebook"] == "rules/our.toml"
    assert [one["daily"] for one in played["departments"]] == ["39.00", "39.00", "40.00", "40.00"]
