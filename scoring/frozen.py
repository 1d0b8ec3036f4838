"""The frozen result of a year: a file from which every figure can be worked out anew, offline, for ever.

Form 1 (``kaoping-result-1``): lines of JSON in UTF-8, each ended by LF, written canonically (keys sorted by code point,
no white space outside strings, non-ASCII characters as themselves, no number that is not an integer).

- The first line is the header: "form", "year", "rulebook" (its name, SHA-256 and whole text), "calendar" and "ledger"
  (what they were), "overrides", "frozen_at", and "columns", the names of an entry's fields.
- Then one line for each department: "code", "name", "kind", "vertical", "superior"; "last", the code of its grade of
  the year before, null where it is not known; "entries", each a list in the order of the columns, points in units of
  1/10,000; "panels", by code the "sum" of the marks used (units, "1710000" or "10/3"), how many were "used" and how many
  ballots there were ("count"), null while open; or in its place "sums", by block, where single panels may not be shown;
  "disputed", how many entries were under review; and "figures", as they are shown.
- The last line holds "sha256", the hash over all bytes before it: the hash that is approved and published.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from hashlib import sha256
from typing import Any, BinaryIO

from scoring.ballots import Tally, figure_of
from scoring.disputes import under_review
from scoring.loading import RuleBookError, parse
from scoring.points import Points, shown
from scoring.ranking import rank
from scoring.rulebook import RuleBook
from scoring.sheet import LedgerLine, ScoreSheet, sheet_of_means

FORM = "kaoping-result-1"

COLUMNS = (
    "number", "item", "count", "points", "event", "period", "happened", "recorded", "source", "recorded_by",
    "confirmed_by", "reason", "evidence", "reverses",
)  # fmt: skip
"""An entry's fields. Instants are China's, ISO 8601; persons by name."""

FIGURES = ("daily", "annual", "bonus", "total", "grade", "rank", "vetoes", "panels")


class FrozenFault(Exception):
    """A frozen file that is not what it was, or whose figures do not follow from it. ``str()`` is one line."""

    def __init__(self, line: int, fault: str) -> None:
        super().__init__(f"line {line}: {fault}")
        self.line, self.fault = line, fault


@dataclass(frozen=True)
class Checked:
    """A frozen file that is whole, and whose figures all follow from it."""

    hash: str
    header: Mapping[str, Any]
    departments: tuple[Mapping[str, Any], ...]
    """Each as its line has it, without its entries."""
    sheets: tuple[ScoreSheet, ...]
    """The figures worked out anew, exact, in the order of the departments; without lines."""
    rulebook: RuleBook
    entries: int


def line(content: Mapping[str, Any]) -> bytes:
    """One canonical line."""
    told = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return told.encode() + b"\n"


def write(out: BinaryIO, header: Mapping[str, Any], departments: Iterable[Mapping[str, Any]]) -> tuple[str, int]:
    """Writes a frozen file as it is made, however long it is. Returns its hash and its size in bytes."""
    digest, size = sha256(), 0
    for content in _with_header(header, departments):
        part = line(content)
        digest.update(part)
        size += len(part)
        out.write(part)
    last = line({"sha256": digest.hexdigest()})
    out.write(last)
    return digest.hexdigest(), size + len(last)


def _with_header(header: Mapping[str, Any], departments: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    yield {"form": FORM, "columns": list(COLUMNS), **header}
    yield from departments


def check(lines: Iterable[bytes]) -> Checked:
    """Reads a frozen file, works every figure out anew, and compares. Raises FrozenFault for the first that differs."""
    digest = sha256()
    header: Mapping[str, Any] | None = None
    rulebook: RuleBook | None = None
    departments: list[Mapping[str, Any]] = []
    sheets: dict[int, ScoreSheet] = {}
    claimed, entries, number = None, 0, 0
    for number, raw in enumerate(lines, start=1):
        if claimed is not None:
            raise FrozenFault(number, "something stands behind the end")
        content = _parsed(number, raw)
        if header is None or rulebook is None:
            header, rulebook = content, _rulebook(number, content)
        elif "sha256" in content:
            claimed = content["sha256"]
            if claimed != digest.hexdigest():
                raise FrozenFault(number, "the hash is not that of the lines before: the file has been changed")
            continue
        else:
            sheets[number] = _recomputed(number, content, rulebook, header["columns"])
            entries += len(content.pop("entries"))
            departments.append(content)
        digest.update(raw)
    if header is None or rulebook is None or claimed is None:
        raise FrozenFault(number + 1, "the end is missing")
    for at, place in rank(sheets).items():
        found = departments[at - 2]["figures"]
        if found["rank"] != place:
            raise FrozenFault(at, f"rank: {found['rank']} stands there, {place} follows from the figures")
    return Checked(claimed, header, tuple(departments), tuple(sheets.values()), rulebook, entries)


def figures_of(sheet: ScoreSheet, place: int | None) -> dict[str, Any]:
    """A department's figures as they are shown."""
    places = sheet.rulebook.readings.places
    return {
        "daily": shown(sheet.daily, places),
        "annual": shown(sheet.annual, places),
        "bonus": shown(sheet.bonus, places),
        "total": shown(sheet.total, places),
        "grade": sheet.grade,
        "vetoes": list(sheet.vetoes),
        "panels": {code: shown(figure, places) for code, figure in sheet.panels.items()},
        "rank": place,
    }


def _parsed(number: int, raw: bytes) -> dict[str, Any]:
    try:
        content = json.loads(raw)
    except ValueError:
        raise FrozenFault(number, "not JSON") from None
    if not isinstance(content, dict):
        raise FrozenFault(number, "not an object")
    return content


def _rulebook(number: int, header: Mapping[str, Any]) -> RuleBook:
    if header.get("form") != FORM:
        raise FrozenFault(number, f"not a frozen result of the form {FORM}")
    kept = header["rulebook"]
    try:
        rulebook = parse(kept["text"], kept["name"])
    except RuleBookError as fault:
        raise FrozenFault(number, f"rule book: {fault}") from None
    if rulebook.digest != kept["sha256"]:
        raise FrozenFault(number, "the rule book is not the one named")
    return rulebook


def _recomputed(number: int, content: Mapping[str, Any], rulebook: RuleBook, columns: Iterable[str]) -> ScoreSheet:
    at = {name: place for place, name in enumerate(columns)}
    item, count, points, event = at["item"], at["count"], at["points"], at["event"]
    lines = (LedgerLine(one[item], one[count], one[points], one[event]) for one in content["entries"])
    try:
        sheet = sheet_of_means(rulebook, lines, _means(rulebook, content), content["kind"])
    except KeyError as missing:
        raise FrozenFault(number, f"the rule book has no {missing}") from None
    # A million lines that nobody reads would cost more than the figures.
    sheet = replace(under_review(sheet, content["disputed"]), lines=())
    told = figures_of(sheet, None)
    for name in FIGURES:
        if name == "rank" or (name == "panels" and "sums" in content):
            continue
        if content["figures"][name] != told[name]:
            was, follows = content["figures"][name], told[name]
            raise FrozenFault(number, f"{content['code']}, {name}: {was} stands there, {follows} follows")
    return sheet


def _means(rulebook: RuleBook, content: Mapping[str, Any]) -> dict[str, Points | None]:
    means: dict[str, Points | None] = {}
    panels = [code for code, panel in rulebook.panels.items() if panel.weight_for(content["kind"])]
    if "sums" in content:
        # Only what the panels of a block make together is known: the first one stands for all of them.
        left: dict[str, str | None] = dict(content["sums"])
        for code in panels:
            block = rulebook.panels[code].block
            known = left.pop(block, "0")
            means[code] = None if known is None else _exact(known)
        return means
    for code in panels:
        kept = content["panels"][code]
        if kept is None:
            means[code] = None
            continue
        added = Tally(_exact(kept["sum"]), kept["used"], kept["count"])
        means[code] = figure_of(rulebook, code, added, content["kind"])
    return means


def _exact(text: str) -> Points:
    value = Fraction(text)
    return value.numerator if value.denominator == 1 else value
