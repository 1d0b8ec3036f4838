"""A published result as plain data, from its frozen file alone."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from fractions import Fraction
from typing import Any

from handlers.papers.wording import table_words
from handlers.workbooks import LedgerRow
from scoring import frozen
from scoring.points import Points
from scoring.rulebook import RuleBook
from scoring.sheet import ScoreSheet
from store.times import CHINA
from templates.wording import instant


@dataclass(frozen=True)
class PanelResult:
    """What a panel gave a department: ``sum`` (units, exact) of the ``used`` marks of ``count`` ballots, and the
    figure that follows; ``sum`` and ``figure`` None while open.
    """

    code: str
    title: str
    sum: Points | None
    used: int
    count: int
    figure: Points | None


@dataclass(frozen=True)
class Veto:
    """A live veto, with its clause."""

    title: str
    clause: str
    text: str


@dataclass(frozen=True)
class Unit:
    """A department's result. Figures are exact, in units, None while open; ``kind`` and ``grade_title`` in Chinese.

    ``grade`` is a code, or "pending". ``panels`` are empty where only their sum may be shown (``few``). ``last``: the
    code of its grade of the year before, None where that is not known. ``deductions``, ``gains`` and
    ``veto_entries`` are its entries by what they do, reversals beside what they reverse.
    """

    code: str
    name: str
    kind: str
    kind_code: str
    vertical: bool
    superior: str
    rank: int | None
    daily: int
    panels: tuple[PanelResult, ...]
    annual: Points | None
    bonus: int
    total: Points | None
    grade: str
    grade_title: str | None
    vetoes: tuple[Veto, ...]
    few: bool
    disputed: int
    last: str | None
    deductions: tuple[LedgerRow, ...]
    gains: tuple[LedgerRow, ...]
    veto_entries: tuple[LedgerRow, ...]

    @property
    def charged(self) -> tuple[LedgerRow, ...]:
        """The deductions that stand, in the order in which they happened."""
        return tuple(row for row in self.deductions if _stands(row))

    @property
    def gained(self) -> tuple[LedgerRow, ...]:
        """What earned points and stands, in the order in which it happened."""
        return tuple(row for row in self.gains if _stands(row))


def _stands(row: LedgerRow) -> bool:
    return row.reverses is None and row.reversed_by is None


@dataclass(frozen=True)
class Published:
    """The result of a year. ``units``: by rank, then those without one, vetoed ones last.

    ``head``: number and hash of the ledger's last entry. ``published_on`` is the date that the papers bear.
    """

    year: int
    rulebook: RuleBook
    hash: str
    head: tuple[int, str]
    frozen_at: datetime
    published_on: date
    units: tuple[Unit, ...]

    @property
    def made_at(self) -> datetime:
        """What the files say of when they were made: the beginning of the day of publication, in China."""
        return datetime.combine(self.published_on, time(), CHINA)

    def of_grade(self, code: str) -> list[Unit]:
        """Those with a grade, in order."""
        return [one for one in self.units if one.grade == code]


def published(lines: Iterable[bytes], published_on: date) -> Published:
    """The result in a frozen file, every figure of it worked out anew. Raises FrozenFault."""
    kept = list(lines)
    checked = frozen.check(kept)
    header, rulebook = checked.header, checked.rulebook
    units = [
        _unit(rulebook, told, sheet, _entries(rulebook, header["columns"], raw, told["name"]))
        for told, sheet, raw in zip(checked.departments, checked.sheets, kept[1:-1], strict=True)
    ]
    return Published(
        year=header["year"],
        rulebook=rulebook,
        hash=checked.hash,
        head=(header["ledger"]["number"], header["ledger"]["sha256"]),
        frozen_at=datetime.fromisoformat(header["frozen_at"]),
        published_on=published_on,
        units=tuple(sorted(units, key=lambda one: (bool(one.vetoes) and one.rank is None, one.rank or len(units) + 1))),
    )


def _unit(
    rulebook: RuleBook, told: Mapping[str, Any], sheet: ScoreSheet, entries: Mapping[str, list[LedgerRow]]
) -> Unit:
    kind = rulebook.classes.get(told["kind"])
    vetoes = [rulebook.items[code] for code in sheet.vetoes]
    titles = {grade.code: grade.title for grade in rulebook.grades}
    return Unit(
        code=told["code"],
        name=told["name"],
        kind=kind.title if kind else told["kind"],
        kind_code=told["kind"],
        vertical=told["vertical"],
        superior=told["superior"],
        rank=told["figures"]["rank"],
        daily=sheet.daily,
        panels=tuple(_panels(rulebook, told, sheet)),
        annual=sheet.annual,
        bonus=sheet.bonus,
        total=sheet.total,
        grade=sheet.grade,
        grade_title=titles.get(sheet.grade),
        vetoes=tuple(Veto(item.title, item.clause, item.clause_text) for item in vetoes),
        few=sheet.withheld == "few",
        disputed=sheet.disputed,
        last=told["last"],
        deductions=tuple(entries["deduction"]),
        gains=tuple(entries["bonus"]),
        veto_entries=tuple(entries["veto"]),
    )


def _panels(rulebook: RuleBook, told: Mapping[str, Any], sheet: ScoreSheet) -> Iterator[PanelResult]:
    panels = told.get("panels", {})
    for code in (code for code in rulebook.panels if code in panels):
        kept, title = panels[code], rulebook.panels[code].title
        if kept is None:
            yield PanelResult(code, title, None, 0, 0, None)
        else:
            exact = Fraction(kept["sum"])
            yield PanelResult(code, title, exact, kept["used"], kept["count"], sheet.panels[code])


def _entries(rulebook: RuleBook, columns: list[str], raw: bytes, department: str) -> Mapping[str, list[LedgerRow]]:
    """A department's entries by the kind of their items."""
    rows = [dict(zip(columns, one, strict=True)) for one in json.loads(raw)["entries"]]
    found: dict[str, list[LedgerRow]] = {"deduction": [], "bonus": [], "veto": []}
    reversed_by = {row["reverses"]: row["number"] for row in rows if row["reverses"] is not None}
    for row in rows:
        item, evidence = rulebook.items[row["item"]], row["evidence"] or {}
        entry = LedgerRow(
            number=row["number"],
            department=department,
            title=item.title,
            clause=item.clause,
            clause_text=item.clause_text,
            count=row["count"],
            points=row["points"],
            happened_at=datetime.fromisoformat(row["happened"]),
            recorded_at=datetime.fromisoformat(row["recorded"]),
            recorded_by=row["recorded_by"] or "",
            source=row["source"],
            reason=row["reason"],
            evidence=_evidence(evidence),
            period=row["period"],
            due=_instant(evidence.get("due")),
            actual=_instant(evidence.get("handed_in")),
            confirmed_by=row["confirmed_by"] or "",
            reverses=row["reverses"],
            reversed_by=reversed_by.get(row["number"]),
        )
        found[item.kind].append(entry)
    return found


def _evidence(kept: Mapping[str, Any]) -> str:
    """What somebody has noted, or which reminders had arrived before."""
    reminded = kept.get("reminded") or []
    if kept.get("note") or not reminded:
        return str(kept.get("note", ""))
    return str(table_words()["reminded"]).format(count=len(reminded), last=instant(reminded[-1]))


def _instant(told: str | None) -> datetime | None:
    return datetime.fromisoformat(told) if told else None
