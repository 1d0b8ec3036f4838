"""``kaoping simulate``: plays a scenario and prints its figures, as JSON or as an official reads them."""

import json
import sys
from pathlib import Path
from typing import Any, cast

import typer

import templates
from scheduler.scenario import ScenarioError, read_scenario
from scheduler.script import Scenario
from scheduler.simulation import simulate as played
from scoring.standings import By


def simulate(file: Path, *, as_json: bool, by: str) -> int:
    """Prints what became of every department. A scenario that cannot be is one line on stderr, and exit code 2."""
    if by not in ("total", "daily"):
        raise typer.BadParameter(f"--by {by}: say total or daily")
    try:
        found = played(file, cast(By, by))
    except ScenarioError as fault:
        typer.echo(str(fault), err=True)
        return 2
    if as_json:
        sys.stdout.write(json.dumps(found, ensure_ascii=False, indent=1) + "\n")
    else:
        typer.echo(templates.plain(_in_words(found, read_scenario(file), by)))
    return 0


def _in_words(found: dict[str, Any], scenario: Scenario, by: str) -> str:
    """The figures with the names of departments, items and duties, as an official knows them."""
    return templates.render("simulation", found=found, by=by, units=scenario.units, rulebook=scenario.rulebook)
