"""The frozen result of a year: a file from which every figure can be worked out anew, offline, for ever.

Form 1 (``kaoping-result-1``): lines of JSON in UTF-8, each ended by LF, written canonically (keys sorted by code point,
no white space outside strings, non-ASCII characters as themselves, no number that is not an integer).

- The first line is the header: "form", "year", "rulebook" (its name, SHA-256 and whole text), "calendar" and "ledger"
  (what they were), "overrides", "frozen_at", and "columns", the names of an entry's fields.
- Then one line for each department: "code", "name", "kind", "vertical", "superior"; "last", the code of its grade of
  the year before, null where it is not known; "entries", each a list in the order of the columns, points in units of
  1/10,000; "panels", by code the "sum" of the marks used (units, "1710000" or "10/3"), how many were "used" and how
  many ballots there were ("count"), null while open; or in its place "sums", by block ("" for all of them together),
  where single panels may not be shown; "disputed", how many entries were under review; and "figures", as they are
  shown.
- The last line holds "sha256", the hash over all bytes before it: the hash that is approved and published.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
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

ALL = ""
"""Of "sums", the key of the sum of all panels, where not even the sums of the blocks may be shown."""


class FrozenFault(Exception):
    """A frozen file that is not what it was, or whose figures do not follow from it. ``str()`` is one line.

    ``code`` picks the words, which ``facts`` fill in: "not_ours" (no frozen result of this form), "unreadable" (a line
    that is no JSON object, or not as it is written), "rule_book", "unknown" (the rule book has no ``what``), "figure"
    and "rank" (``found`` stands there, ``follows`` follows from the rest), "hash", "behind" (something after the end),
    "unfinished" or "twice" (a department a second time).
    """

    def __init__(self, line: int, code: str, said: str, **facts: Any) -> None:
        super().__init__(f"line {line}: {said}")
        self.line, self.code, self.facts = line, code, facts


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
    seen: set[str] = set()
    claimed, entries, number = None, 0, 0
    for number, raw in enumerate(lines, start=1):
        if claimed is not None:
            raise FrozenFault(number, "behind", "something stands behind the end")
        content = _parsed(number, raw)
        if header is None or rulebook is None:
            header, rulebook = content, rulebook_of(content, number)
        elif "sha256" in content:
            claimed = content["sha256"]
            continue
        else:
            sheets[number] = _recomputed(number, content, rulebook)
            if content["code"] in seen:
                raise FrozenFault(number, "twice", f"{content['code']} a second time", name=content["name"])
            seen.add(content["code"])
            entries += len(content.pop("entries"))
            departments.append(content)
        digest.update(raw)
    if header is None or rulebook is None or claimed is None:
        raise FrozenFault(number + 1, "unfinished", "the end is missing")
    for at, place in rank(sheets).items():
        one = departments[at - 2]
        found = one["figures"]["rank"]
        if found != place:
            said = f"{one['code']}, rank: {found} stands there, {place} follows from the figures"
            raise FrozenFault(at, "rank", said, name=one["name"], found=found, follows=place)
    if claimed != digest.hexdigest():
        raise FrozenFault(number, "hash", "the hash is not that of the lines before: the file has been changed")
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
        content = json.loads(raw, parse_float=_no_number)
        # Only what is written canonically has one meaning: a key that comes twice has two.
        if isinstance(content, dict) and line(content) == raw:
            return content
    except (ValueError, RecursionError):
        pass
    if number == 1:
        raise FrozenFault(number, "not_ours", f"not a frozen result of the form {FORM}")
    raise FrozenFault(number, "unreadable", "not a line of a frozen result")


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no integer")


_HEADER = {"year": int, "calendar": str, "ledger": dict, "overrides": list, "frozen_at": str, "rulebook": dict}


def rulebook_of(header: Mapping[str, Any], number: int = 1) -> RuleBook:
    """The rule book that stands in a header. Raises FrozenFault not_ours or rule_book."""
    kept = header.get("rulebook")
    ours = header.get("form") == FORM and header.get("columns") == list(COLUMNS)
    if not ours or not all(isinstance(header.get(name), kind) for name, kind in _HEADER.items()) or kept is None:
        raise FrozenFault(number, "not_ours", f"not a frozen result of the form {FORM}")
    try:
        datetime.fromisoformat(header["frozen_at"])
    except ValueError:
        raise FrozenFault(number, "not_ours", "frozen at no instant") from None
    try:
        rulebook = parse(str(kept.get("text")), str(kept.get("name")))
    except RuleBookError as fault:
        raise FrozenFault(number, "rule_book", f"rule book: {fault}", fault=str(fault)) from None
    if rulebook.digest != kept.get("sha256"):
        said = "the rule book is not the one named"
        raise FrozenFault(number, "rule_book", said, fault=said)
    return rulebook


def sheet_of(content: Mapping[str, Any], rulebook: RuleBook) -> ScoreSheet:
    """The score sheet that follows from a department's line, every entry a line of it. Raises KeyError for what the
    rule book does not have, and other exceptions for what is no line of a frozen result.
    """
    lines = [
        LedgerLine(item, count, points, event, period, datetime.fromisoformat(happened), reason, source, key, reverses)
        for key, item, count, points, event, period, happened, _, source, _, _, reason, _, reverses in content[
            "entries"
        ]
    ]
    sheet = sheet_of_means(rulebook, lines, _means(rulebook, content), content["kind"])
    if "sums" in content:
        sheet = _summed(sheet, content["sums"])
    elif sheet.panels and sheet.annual is None:
        sheet = replace(sheet, withheld="open")
    return under_review(sheet, content["disputed"])


def _summed(sheet: ScoreSheet, sums: Mapping[str, str | None]) -> ScoreSheet:
    """The sheet where only sums of panels may be shown: a line for each sum, none for a panel."""
    panels = sheet.rulebook.panels
    first: dict[str, str] = {}
    for code in sheet.panels:
        first.setdefault(ALL if ALL in sums else panels[code].block, code)
    lines = []
    for one in sheet.lines:
        if one.kind != "panel":
            lines.append(one)
        elif one.code in first.values():
            block = sheet.rulebook.blocks[panels[one.code].block]
            lines.append(one._replace(kind="panels", code=block.code, title=block.title, clause=block.clause))
    blocks = {
        code: None if ALL in sums and block.role == "annual" else sheet.blocks[code]
        for code, block in sheet.rulebook.blocks.items()
    }
    return replace(sheet, lines=tuple(lines), blocks=blocks, panels=dict.fromkeys(sheet.panels), withheld="few")


def _recomputed(number: int, content: Mapping[str, Any], rulebook: RuleBook) -> ScoreSheet:
    try:
        # A million lines that nobody reads would cost more than the figures.
        sheet = replace(sheet_of(content, rulebook), lines=())
        told, kept, name = figures_of(sheet, content["figures"]["rank"]), content["figures"], content["name"]
        code = content["code"]
        if not (isinstance(code, str) and isinstance(name, str)):
            raise TypeError("a department's code and name are text")
    except KeyError as missing:
        what = str(missing.args[0]) if missing.args else ""
        raise FrozenFault(number, "unknown", f"{what} is nowhere", what=what) from None
    except (TypeError, ValueError, ArithmeticError, AttributeError):
        raise FrozenFault(number, "unreadable", "not a line of a frozen result") from None
    if kept == told:
        return sheet
    for figure, follows in told.items():
        if kept.get(figure) != follows:
            said = f"{code}, {figure}: {kept.get(figure)} stands there, {follows} follows"
            facts = {"name": name, "figure": figure, "found": kept.get(figure), "follows": follows}
            raise FrozenFault(number, "figure", said, **facts)
    raise FrozenFault(number, "unreadable", f"{code}: figures that nothing follows from")


def _means(rulebook: RuleBook, content: Mapping[str, Any]) -> dict[str, Points | None]:
    means: dict[str, Points | None] = {}
    panels = [code for code, panel in rulebook.panels.items() if panel.weight_for(content["kind"])]
    if "sums" in content:
        # Only what panels make together is known: the first one stands for all of them.
        left: dict[str, str | None] = dict(content["sums"])
        for code in panels:
            known = left.pop(ALL if ALL in left else rulebook.panels[code].block, "0")
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


_EXACT = re.compile(r"-?\d{1,30}(?:/\d{1,30})?")


def _exact(text: str) -> Points:
    # Of 1e999999999 a fraction would be made digit by digit.
    if not _EXACT.fullmatch(text):
        raise ValueError("not a figure of a frozen result")
    value = Fraction(text)
    return value.numerator if value.denominator == 1 else value
