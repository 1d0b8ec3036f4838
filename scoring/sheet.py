"""The score sheet of one department: pure, exact, and every line of it explained.

``score_sheet`` takes ledger entries as plain lines, one each or summed per item (per item and event for
``rulebook.by_event``); the figures are the same. A reversal is a line with negative count and points. Figures are in
units of 1/10,000 point.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from itertools import chain
from typing import Literal, NamedTuple, TypeAlias

from scoring.ballots import Ballot, panel_figure
from scoring.points import UNIT, Points, rounded
from scoring.rulebook import Block, Group, Item, Panel, RuleBook

PENDING = "pending"
"""The grade while a panel is open."""

LineKind: TypeAlias = Literal[
    "start", "entry", "highest_only", "item_cap", "group_cap", "floor", "cap", "panel", "panels"
]


class LedgerLine(NamedTuple):
    """An entry of the ledger, or the sum of all those of one item (and event). ``points`` is its whole effect, signed
    units.
    """

    item: str
    count: int  # type: ignore[assignment]  # hides tuple.count, which nobody asks of an entry
    points: int
    event: str | None = None
    period: str | None = None
    happened_at: datetime | None = None
    reason: str = ""
    source: str = ""
    entry_id: int | None = None
    reverses_id: int | None = None


class Line(NamedTuple):
    """A line of the sheet. ``points`` of all lines add up to the sheet's figures exactly.

    ``kind``: "start" (what a block begins with, if not with 0), "entry", what a rule takes back or gives again
    ("highest_only", "item_cap", "group_cap", "floor", "cap"), "panel", or "panels" (their sum, where no single one may
    be shown). ``words`` say why, in Chinese, for lines
    that are no entry. ``code`` is the item's, group's, panel's or block's; ``event`` the one of which only the
    highest counts.
    """

    kind: LineKind
    block: str | None
    code: str
    title: str
    clause: str
    count: int  # type: ignore[assignment]
    points: Points
    words: str = ""
    entry: LedgerLine | None = None
    event: str | None = None


@dataclass(frozen=True, slots=True)
class ScoreSheet:
    """The figures of one department, exact. ``None`` is open (shown as such), never 0.

    ``blocks``: every block by code. ``daily``, ``annual`` and ``bonus`` are the sums of the blocks of that role.
    ``panels``: those by which this class of units is rated. ``grade``: a grade's code, or "pending". ``vetoes``: the
    codes of live vetoes, sorted, once each. ``lines``: block by block, the entries in the order they came.
    ``withheld``: why panels have no figure here though they may have one ("open": not all have been counted; "few":
    too few ballots); empty where nothing is kept back. ``disputed``: how many entries are under review; while there
    are any, the grade is "pending".
    """

    rulebook: RuleBook = field(repr=False)
    blocks: Mapping[str, Points | None]
    daily: int
    panels: Mapping[str, Points | None]
    annual: Points | None
    bonus: int
    total: Points | None
    grade: str
    vetoes: tuple[str, ...]
    lines: tuple[Line, ...]
    withheld: str = ""
    disputed: int = 0

    @property
    def ranked(self) -> bool:
        """Whether there is a total to rank by: none is open, and no veto (unless the rule book ranks vetoed units
        too).
        """
        return self.total is not None and (not self.vetoes or self.rulebook.readings.vetoed_ranked)


def score_sheet(
    rulebook: RuleBook,
    lines: Iterable[LedgerLine],
    ballots: Sequence[Ballot] = (),
    unit_class: str | None = None,
    uncounted: Collection[str] = (),
) -> ScoreSheet:
    """The score of one department from its ledger entries and the ballots about it; the order of neither matters.

    ``ballots`` are taken as checked (``check_ballot``). ``unit_class`` is the department's kind; one that the rule
    book does not name has the ordinary figures. ``uncounted``: panels that are open whatever there is, since their
    rating is not over. Raises KeyError for an item that the rule book does not have.
    """
    plan = _plan(rulebook, unit_class)
    means: dict[str, Points | None] = {}
    for panel in plan.panels:
        means[panel.code] = None
        if panel.code not in uncounted:
            means[panel.code] = (
                panel_figure(rulebook, panel.code, ballots, unit_class) if ballots else plan.unrated[panel.code]
            )
    return sheet_of_means(rulebook, lines, means, unit_class)


def sheet_of_means(
    rulebook: RuleBook, lines: Iterable[LedgerLine], means: Mapping[str, Points | None], unit_class: str | None = None
) -> ScoreSheet:
    """The same from the panels' figures (None: open) instead of the ballots behind them."""
    plan = _plan(rulebook, unit_class)
    told: dict[str | None, list[Line]] = {code: list(first) for code, first in plan.first_lines}
    sums = dict(plan.starts)
    watched: dict[str, int] = {}
    events: dict[str, dict[str, list[int]]] = {}
    vetoes: dict[str, int] = {}
    for entry in lines:
        code, count, points, event = entry[:4]
        block_code, title, clause, is_watched, per_event = plan.items[code]
        told[block_code].append(Line("entry", block_code, code, title, clause, count, points, "", entry))
        if block_code is None:
            vetoes[code] = vetoes.get(code, 0) + count
            continue
        sums[block_code] += points
        if is_watched:
            watched[code] = watched.get(code, 0) + points
            if per_event and event is not None:
                net = events.setdefault(event, {}).setdefault(code, [0, 0])
                net[0] += count
                net[1] += points

    figures: dict[str, Points | None] = dict.fromkeys(rulebook.blocks, 0)
    by_role: dict[str, int] = {"daily": 0, "bonus": 0}
    for block in plan.blocks:
        figure = block.settle(sums[block.code], watched, events, told[block.code])
        figures[block.code] = figure
        by_role[block.role] += figure

    annual: Points | None = 0
    panels: dict[str, Points | None] = {}
    for panel in plan.panels:
        code, block_code = panel.code, panel.block
        mean = panels[code] = means[code]
        figures[block_code] = _plus(figures[block_code], mean)
        annual = _plus(annual, mean)
        if mean is not None:
            told[block_code].append(Line("panel", block_code, code, panel.title, panel.clause, 1, mean))

    live = tuple(sorted(code for code, count in vetoes.items() if count > 0))
    daily, bonus = by_role["daily"], by_role["bonus"]
    total = _plus(annual, daily + bonus)
    grade = _grade(rulebook, total, live)
    every = tuple(chain.from_iterable(told.values()))
    return ScoreSheet(rulebook, figures, daily, panels, annual, bonus, total, grade, live, every)


def _grade(rulebook: RuleBook, total: Points | None, vetoes: tuple[str, ...]) -> str:
    if vetoes:
        made = {rulebook.items[code].grade for code in vetoes}
        return next(grade.code for grade in reversed(rulebook.grades) if grade.code in made)
    if total is None:
        return PENDING
    readings = rulebook.readings
    if readings.grade_from == "shown":
        total = rounded(total, readings.places) * (UNIT // 10**readings.places)
    # The loader has seen to it that the grades leave no gap and that the lowest one is open below.
    return next(grade.code for grade in rulebook.grades if grade.at_least is None or total >= grade.at_least)


def _plus(left: Points | None, right: Points | None) -> Points | None:
    """A sum with something open in it is open."""
    return None if left is None or right is None else left + right


class _Place(NamedTuple):
    """Where an item's entries belong; block None: a veto."""

    block: str | None
    title: str
    clause: str
    watched: bool
    per_event: bool


@dataclass(frozen=True, slots=True)
class _BlockPlan:
    """The rules of one ledger block as they stand for one class of units, looked up once."""

    block: Block
    code: str
    role: str
    floor: int | None
    cap: int | None
    highest: tuple[tuple[Group, tuple[tuple[Item, int], ...]], ...]
    item_caps: tuple[tuple[Item, int, int], ...]
    group_caps: tuple[tuple[Group, int, int], ...]

    def settle(
        self,
        figure: int,
        watched: dict[str, int],
        events: Mapping[str, Mapping[str, Sequence[int]]],
        told: list[Line],
    ) -> int:
        """The block's figure, from ``figure``, the plain sum, by what its rules take back (or give again).

        From the inside out: one event counts its highest item once, then an item's cap, then a group's, then the
        block's floor and cap. Adds a line to ``told`` for each; changes ``watched``, the sums per item, as it goes.
        """

        def change(kind: LineKind, by: Item | Group | Block, points: int, words: str, event: str | None = None) -> None:
            nonlocal figure
            if points:
                figure += points
                told.append(Line(kind, self.code, by.code, by.title, by.clause, 1, points, words, None, event))

        for group, items in self.highest:
            for event, nets in events.items():
                # An item whose entries have all been reversed is not in the running.
                present = [(item, weight) for item, weight in items if item.code in nets and nets[item.code][0] > 0]
                winner, _ = max(present, key=lambda one: abs(one[1]), default=(None, 0))
                for item, weight in present:
                    points = (weight if item is winner else 0) - nets[item.code][1]
                    watched[item.code] += points
                    change("highest_only", item, points, group.highest_words, event)
        for item, sign, cap in self.item_caps:
            points = _over(watched.get(item.code, 0), sign, cap)
            if points:
                watched[item.code] += points
                change("item_cap", item, points, item.cap_words)
        for group, sign, cap in self.group_caps:
            change(
                "group_cap", group, _over(sum(watched.get(code, 0) for code in group.items), sign, cap), group.cap_words
            )
        if self.floor is not None and figure < self.floor:
            change("floor", self.block, self.floor - figure, self.block.floor_words)
        if self.cap is not None and figure > self.cap:
            change("cap", self.block, self.cap - figure, self.block.cap_words)
        return figure


def _over(net: int, sign: int, cap: int) -> int:
    """What has to be added to ``net`` so that its magnitude on the side of ``sign`` is at most ``cap``."""
    return sign * (cap - sign * net) if sign * net > cap else 0


class _Plan(NamedTuple):
    """A rule book as it stands for one class of units."""

    blocks: tuple[_BlockPlan, ...]
    starts: Mapping[str, int]
    items: Mapping[str, _Place]
    panels: tuple[Panel, ...]
    unrated: Mapping[str, Points | None]
    first_lines: tuple[tuple[str | None, tuple[Line, ...]], ...]


@lru_cache(maxsize=64)
def _plan(rulebook: RuleBook, unit_class: str | None) -> _Plan:
    grouped = {code for group in rulebook.groups.values() for code in group.items}
    items = {
        item.code: _Place(
            item.block,
            item.title,
            item.clause,
            item.code in grouped or item.cap_for(unit_class) is not None,
            item.code in rulebook.by_event,
        )
        for item in rulebook.items.values()
    }
    ledger_blocks = [block for block in rulebook.blocks.values() if block.role != "annual"]
    panels = tuple(panel for panel in rulebook.panels.values() if panel.weight_for(unit_class))
    return _Plan(
        blocks=tuple(_block_plan(rulebook, block, unit_class) for block in ledger_blocks),
        starts={block.code: block.start_for(unit_class) for block in ledger_blocks},
        items=items,
        panels=panels,
        unrated={panel.code: panel_figure(rulebook, panel.code, (), unit_class) for panel in panels},
        # Block by block in the order of the file, vetoes last.
        first_lines=(
            *((block.code, _first_lines(block, unit_class)) for block in rulebook.blocks.values()),
            (None, ()),
        ),
    )


def _first_lines(block: Block, unit_class: str | None) -> tuple[Line, ...]:
    start = block.start_for(unit_class)
    return (Line("start", block.code, block.code, block.title, block.clause, 1, start),) if start else ()


def _block_plan(rulebook: RuleBook, block: Block, unit_class: str | None) -> _BlockPlan:
    items = [item for item in rulebook.items.values() if item.block == block.code]
    groups = [(group, [rulebook.items[code] for code in group.items]) for group in rulebook.groups.values()]
    groups = [(group, members) for group, members in groups if members[0].block == block.code]
    return _BlockPlan(
        block=block,
        code=block.code,
        role=block.role,
        floor=block.floor,
        cap=block.cap_for(unit_class),
        highest=tuple(
            (group, tuple((item, item.weight(unit_class)) for item in members))
            for group, members in groups
            if group.highest_only
        ),
        item_caps=tuple((item, item.sign, cap) for item in items if (cap := item.cap_for(unit_class)) is not None),
        group_caps=tuple(
            (group, members[0].sign, cap) for group, members in groups if (cap := group.cap_for(unit_class)) is not None
        ),
    )
