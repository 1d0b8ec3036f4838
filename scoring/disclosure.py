"""What of the panels' figures may be shown: none that rests on too few ballots, nor what it could be worked out from.

Figures that are shown once cannot be taken back, so nothing of a panel is shown until every panel of the year has been
counted: else the annual sum, shown later, would give away the one panel that was not shown.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Literal

from scoring.points import Points
from scoring.sheet import PENDING, Line, ScoreSheet

Withheld = Literal["", "open", "few"]


def disclosed(sheet: ScoreSheet, counts: Mapping[str, int]) -> ScoreSheet:
    """The sheet as anybody may see it. ``counts``: by panel, the ballots that count; none for an open one.

    Where a panel is open, no panel's figure is shown. Where one rests on fewer ballots than the rule book's
    ``panel_shown_from``, the sums of the blocks are; where such a sum would be that panel's figure in all but name, the
    sum of all; and where that would, none. The lines add up to what is shown.
    """
    if not sheet.panels:
        return sheet
    block_of = {code: sheet.rulebook.panels[code].block for code in sheet.panels}
    open_blocks = {code: None if code in block_of.values() else figure for code, figure in sheet.blocks.items()}
    if sheet.annual is None:
        # A block that is complete would say now what the others' sum takes away later.
        return replace(_without_panels(sheet, withheld="open", sums=False), blocks=open_blocks)
    least = sheet.rulebook.panel_shown_from
    if all(counts.get(code, 0) >= least for code in sheet.panels):
        return sheet
    blocks = [[code for code in block_of if block_of[code] == block] for block in dict.fromkeys(block_of.values())]
    if not any(_gives_away(panels, counts, least) for panels in blocks):
        return _without_panels(sheet, withheld="few", sums=True)
    hidden = _without_panels(sheet, withheld="few", sums=False)
    if _gives_away(block_of, counts, least):
        grade = sheet.grade if sheet.vetoes else PENDING
        return replace(hidden, blocks=open_blocks, annual=None, total=None, grade=grade)
    first = next(iter(block_of.values()))
    return replace(hidden, blocks=open_blocks, lines=_with_sum(sheet, hidden.lines, first, sheet.annual))


def _gives_away(panels: Iterable[str], counts: Mapping[str, int], least: int) -> bool:
    """Whether the sum of these panels is the figure of one with too few ballots: the others are known without any."""
    rated = [counts.get(code, 0) for code in panels if counts.get(code, 0)]
    return len(rated) == 1 and rated[0] < least


def _without_panels(sheet: ScoreSheet, *, withheld: Withheld, sums: bool) -> ScoreSheet:
    lines = tuple(line for line in sheet.lines if line.kind != "panel")
    if sums:
        for block in dict.fromkeys(sheet.rulebook.panels[code].block for code in sheet.panels):
            lines = _with_sum(sheet, lines, block, sheet.blocks[block] or 0)
    return replace(sheet, panels=dict.fromkeys(sheet.panels), withheld=withheld, lines=lines)


def _with_sum(sheet: ScoreSheet, lines: tuple[Line, ...], block: str, points: Points) -> tuple[Line, ...]:
    """The lines with one in the place of a block's panels: its sum alone."""
    rules = sheet.rulebook.blocks[block]
    order = list(sheet.rulebook.blocks)
    before = [line for line in lines if line.block is not None and order.index(line.block) < order.index(block)]
    return (*before, Line("panels", block, block, rules.title, rules.clause, 1, points), *lines[len(before) :])
