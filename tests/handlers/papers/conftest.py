"""A small zone's year as a frozen file, written and checked by the real core."""

from collections.abc import Mapping
from datetime import date, datetime
from fractions import Fraction
from io import BytesIO
from typing import Any

import pytest

from handlers.papers.data import Published, published
from scoring import frozen
from scoring.ballots import Tally, figure_of
from scoring.loading import load
from scoring.points import UNIT
from scoring.ranking import rank
from scoring.rulebook import RuleBook
from store.times import CHINA, iso_china

JILIN = load("jilin-2021")
PUBLISHED_ON = date(2022, 1, 6)
HOSTILE = "=1+1\n标题| 假标题\u2028附件| <w:p/>&\x01😀"


def marks(*means: str) -> dict[str, Any]:
    """The panels of a department, each with three ballots of the given means in points, as exact sums."""
    return {
        code: {"sum": str(Fraction(mean) * 3 * UNIT), "used": 3, "count": 3}
        for code, mean in zip(JILIN.panels, means, strict=True)
    }


HIGH, FAIR, POOR = marks("29", "10", "10", "9.5"), marks("25.5", "8", "8.5", "7"), marks("9", "4", "3", "5")
THIRDS = marks("85/3", "28/3", "29/3", "9")

ZONE: dict[str, dict[str, Any]] = {
    "fin": {"name": "财政局", "panels": HIGH, "last": "pass", "entries": [
        {"item": "bonus.3.district", "count": 8, "reason": "《江城日报》报道"}, {"item": "bonus.4", "reason": HOSTILE},
    ]},
    "env": {"name": "生态环境分局", "kind": "dual", "panels": THIRDS, "entries": [
        {"item": "daily.8.monthly", "source": "auto", "recorded_by": None, "period": "2021-03", "evidence": {
            "obligation": 7, "due": "2021-04-03T00:00:00+08:00", "handed_in": "2021-04-05T09:30:00+08:00",
            "reminded": ["2021-03-26T09:00:00+08:00", "2021-04-02T09:00:00+08:00"]}},
        {"item": "daily.9", "source": "auto", "recorded_by": None, "period": "2021-05", "evidence": {
            "due": "2021-06-03T00:00:00+08:00", "handed_in": None, "reminded": []}},
        {"item": "daily.9", "count": -1, "source": "appeal", "period": "2021-05", "reverses": 4, "reason": "系统故障"},
    ]},
    "tax": {"name": "税务局", "kind": "dual", "vertical": True, "superior": "吉林市税务局", "panels": FAIR, "entries": [
        {"item": "daily.7", "reason": "窗口值守空岗，经查实", "evidence": {"note": "照片2张"}, "confirmed_by": "赵卫"},
        {"item": "bonus.1.city_leader"}, {"item": "bonus.2.city"},
    ]},
    "fire": {"name": "消防救援大队", "kind": "dual", "vertical": True, "panels": FAIR, "last": "fail"},
    "emg": {"name": "应急管理局", "panels": POOR, "last": "fail", "entries": [
        {"item": "daily.11.discipline", "count": 3, "reason": "纪工委通报"}, {"item": "daily.1", "count": 4},
    ]},
    "heat": {"name": "供热公司", "panels": POOR},
    "park": {"name": "园区公司", "panels": POOR, "last": "excellent"},
    "street": {"name": "虹园街道", "kind": "grassroots", "panels": HIGH, "last": "fail", "entries": [
        {"item": "veto.3", "reason": "市纪委通报"}, {"item": "daily.8.quarterly", "period": "2021Q2"},
    ]},
}  # fmt: skip
"""By code: four grades of departments, a reversed entry, caps that bite, a floor that bites, a vetoed one."""


def frozen_lines(
    zone: Mapping[str, Mapping[str, Any]] = ZONE, rulebook: RuleBook = JILIN, year: int = 2021
) -> list[bytes]:
    """The frozen file of a zone, line by line."""
    number, lines, sheets = 0, {}, {}
    for code, told in zone.items():
        kind, entries = told.get("kind", "bureau"), []
        for one in told.get("entries", ()):
            number += 1
            entries.append(_entry(rulebook, number, kind, one))
        panels, means = told["panels"], {}
        for panel, kept in panels.items():
            added = Tally(Fraction(kept["sum"]), kept["used"], kept["count"]) if kept else None
            means[panel] = figure_of(rulebook, panel, added, kind) if added else None
        content = {
            "code": code, "name": told["name"], "kind": kind, "vertical": told.get("vertical", False),
            "superior": told.get("superior", ""), "last": told.get("last"), "disputed": told.get("disputed", 0),
            "entries": entries, "panels": panels, "figures": {"rank": None},
        }  # fmt: skip
        if "sums" in told:
            del content["panels"]
            content["sums"] = told["sums"]
        sheets[code] = frozen.sheet_of(content, rulebook)
        lines[code] = content
    for code, place in rank(sheets).items():
        lines[code]["figures"] = frozen.figures_of(sheets[code], place)
    header = {
        "year": year, "rulebook": {"name": rulebook.name, "sha256": rulebook.digest, "text": rulebook.text},
        "calendar": "2021-1", "ledger": {"number": number, "sha256": "ab" * 32}, "overrides": [],
        "frozen_at": "2022-01-05T10:00:00+08:00",
    }  # fmt: skip
    out = BytesIO()
    frozen.write(out, header, lines.values())
    return out.getvalue().splitlines(keepends=True)


def _entry(rulebook: RuleBook, number: int, kind: str, told: Mapping[str, Any]) -> list[Any]:
    count = told.get("count", 1)
    at = iso_china(datetime(2021, 4, 1 + number % 28, 9, tzinfo=CHINA))
    row = {
        "number": number, "count": count, "points": rulebook.weight(told["item"], count, kind), "event": None,
        "period": None, "happened": at, "recorded": at, "source": "admin", "recorded_by": "钱立新",
        "confirmed_by": None, "reason": "", "evidence": None, "reverses": None,
    }  # fmt: skip
    return [(row | told)[column] for column in frozen.COLUMNS]


@pytest.fixture(scope="session")
def result() -> Published:
    return published(frozen_lines(), PUBLISHED_ON)
