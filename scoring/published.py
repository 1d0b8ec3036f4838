"""A published year as it is shown: from its frozen file alone, whatever the tables and the rules in force say now."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from scoring import frozen, results
from scoring.frozen import Checked
from scoring.result_tables import ResultSet
from scoring.sheet import ScoreSheet
from scoring.standings import By, Standing, in_order
from store.people import Department


@dataclass(frozen=True)
class Publication:
    """What stands under published figures: the hash of the result, the ledger's head in it, when it was published, and
    whether something has come in since (公布后有变动): then ``changed`` says what, as ``results.changes`` does.
    """

    hash: str
    ledger: int
    ledger_hash: str
    published_at: datetime
    changed: tuple[str, ...]


@dataclass(frozen=True)
class Published:
    """A published year, and what stands under its figures."""

    result: ResultSet
    checked: Checked
    publication: Publication


def of(session: Session, year: int) -> Published | None:
    """The published result of a year; None where there is none. Raises FrozenFault if it is not what it was."""
    result = results.published(session, year)
    if result is None or result.published_at is None:
        return None
    checked = results.read(session, result)
    head = checked.header["ledger"]
    # Another calendar or rule book changes nothing of a year that is over; what happened in it, and is known now, does.
    changed = [one for one in results.changes(session, result, "") if one.partition(":")[0] in results.FACTS]
    below = Publication(result.hash, head["number"], head["sha256"], result.published_at, tuple(changed))
    return Published(result, checked, below)


def sheet_of(session: Session, year: Published, code: str) -> tuple[Department, ScoreSheet] | None:
    """A department as it was called, and its sheet with every line; None where it is not in the result."""
    line = results.line_of(session, year.result, code)
    return (unit_of(line), frozen.sheet_of(line, year.checked.rulebook)) if line else None


def standings_of(checked: Checked, by: By = "total") -> list[Standing]:
    """All departments of a frozen result, in order, as they were called."""
    return in_order([(unit_of(one), sheet) for one, sheet in zip(checked.departments, checked.sheets, strict=True)], by)


def unit_of(line: Mapping[str, Any]) -> Department:
    """The department of a line, as it was called then; no row of the table."""
    return Department(code=line["code"], name=line["name"], kind=line["kind"], vertical=line["vertical"])
