"""What may be shown of panels: from all that is shown over time, no figure of too few ballots can be worked out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from scoring.ballots import ABSTAIN, Ballot, Mark, panel_figure
from scoring.disclosure import disclosed
from scoring.loading import load
from scoring.rulebook import RuleBook
from scoring.sheet import PENDING, ScoreSheet, score_sheet

JILIN = load("jilin-2021")
BINHE = load("binhe-2023.toml", beside=Path(__file__).parent / "rulebooks")


def two_blocks(rulebook: RuleBook, alone: str) -> RuleBook:
    """The same with one panel in a block of its own, whose sum is then that panel's figure in all but name."""
    annual = next(block for block in rulebook.blocks.values() if block.role == "annual")
    blocks = dict(rulebook.blocks) | {"apart": replace(annual, code="apart", title="另评")}
    panels = dict(rulebook.panels) | {alone: replace(rulebook.panels[alone], block="apart")}
    return replace(rulebook, blocks=blocks, panels=panels, digest=f"{rulebook.digest}{alone}")


def reading(rulebook: RuleBook, empty: str) -> RuleBook:
    readings = replace(rulebook.readings, empty_panel=empty)  # type: ignore[arg-type]
    return replace(rulebook, readings=readings, digest=f"{rulebook.digest}{empty}")


BOOKS = {
    f"{name}, {empty}": reading(book, empty)
    for name, book in {
        "jilin": JILIN,
        "leaders apart": two_blocks(JILIN, "leaders"),
        "supervisors apart": two_blocks(JILIN, "supervisors"),
        "binhe": BINHE,
    }.items()
    for empty in ("pending", "zero", "full")
}

PRIMES = (2, 3, 5, 7, 11, 13, 17, 19)


def ballots_of(rulebook: RuleBook, counts: Mapping[str, tuple[int, int]]) -> list[Ballot]:
    """By panel so many ballots that count and so many abstentions; every panel's figure is unlike any sum of others."""
    found = []
    for place, (code, (count, abstained)) in enumerate(counts.items()):
        found += [Ballot(code, Mark(Fraction(10_007 * PRIMES[place], PRIMES[-1 - place])))] * count
        found += [Ballot(code, ABSTAIN)] * abstained
    return found


Equation = tuple[Mapping[str, int], Fraction]
"""Panels that are in a sum, and what it comes to."""


def equations(sheet: ScoreSheet) -> Iterable[Equation]:
    """All that a sheet says about its panels, as whoever knows the rules reads it."""
    block_of = {code: sheet.rulebook.panels[code].block for code in sheet.panels}
    everything = dict.fromkeys(block_of, 1)
    for code, figure in sheet.panels.items():
        if figure is not None:
            yield {code: 1}, Fraction(figure)
    for block in set(block_of.values()):
        if sheet.blocks[block] is not None:
            yield {code: 1 for code in block_of if block_of[code] == block}, Fraction(sheet.blocks[block] or 0)
    if sheet.annual is not None:
        yield everything, Fraction(sheet.annual)
    if sheet.total is not None:
        daily_and_bonus = sheet.daily + sheet.bonus
        yield everything, Fraction(sheet.total) - daily_and_bonus
    for line in sheet.lines:
        if line.kind == "panel":
            yield {line.code: 1}, Fraction(line.points)
        if line.kind == "panels":
            own = {code: 1 for code in block_of if block_of[code] == line.block}
            known = [one for one in sheet.lines if one.kind == "panels"]
            # Alone it stands for all panels, where their blocks' sums are not shown either.
            yield (everything if len(known) == 1 else own), Fraction(line.points)


def spans(rows: Sequence[Sequence[Fraction]], wanted: Sequence[Fraction]) -> bool:
    """Whether a row can be put together from the others."""

    def rank(matrix: Iterable[Sequence[Fraction]]) -> int:
        left, found = [list(row) for row in matrix], 0
        for column in range(len(wanted)):
            pivot = next((row for row in left[found:] if row[column]), None)
            if pivot is None:
                continue
            left.remove(pivot)
            left.insert(found, pivot)
            for number, row in enumerate(left):
                if number != found and row[column]:
                    factor = row[column] / pivot[column]
                    left[number] = [one - factor * other for one, other in zip(row, pivot, strict=True)]
            found += 1
        return found

    return rank([*rows, wanted]) == rank(rows)


@st.composite
def histories(draw: st.DrawFn) -> tuple[str, str | None, dict[str, tuple[int, int]], list[str]]:
    name = draw(st.sampled_from(list(BOOKS)))
    book = BOOKS[name]
    kind = draw(st.sampled_from([None, *book.classes]))
    rated = [code for code, panel in book.panels.items() if panel.weight_for(kind)]
    counts = {code: (draw(st.integers(0, 5)), draw(st.integers(0, 2))) for code in rated}
    return name, kind, counts, draw(st.permutations(list(book.panels)))


@given(histories())
def test_no_figure_of_too_few_ballots_can_be_worked_out_of_all_that_was_ever_shown(history) -> None:
    name, kind, counts, closing = history
    book = BOOKS[name]
    told: list[Equation] = []
    for over in range(len(closing) + 1):
        still_open = frozenset(closing[over:])
        ballots = [one for one in ballots_of(book, counts) if one.panel not in still_open]
        exact = score_sheet(book, [], ballots, kind, still_open)
        shown = disclosed(exact, {code: n for code, (n, _) in counts.items() if code not in still_open})
        told += equations(shown)
        if still_open & set(counts):
            assert not told, "nothing of a panel is shown while another is open"
    figures = {code: panel_figure(book, code, ballots_of(book, counts), kind) for code in counts}
    for panels, value in told:
        assert sum(Fraction(figures[code] or 0) for code in panels) == value
    # What rests on no ballot at all is known to everybody who knows the rules.
    unknown = [code for code, (count, _) in counts.items() if count]
    rows = [[Fraction(panels.get(code, 0)) for code in unknown] for panels, _ in told]
    for code in unknown:
        if counts[code][0] < book.panel_shown_from:
            assert not spans(rows, [Fraction(code == one) for one in unknown]), code


@given(histories())
def test_the_lines_add_up_to_what_is_shown(history) -> None:
    name, kind, counts, _ = history
    book = BOOKS[name]
    exact = score_sheet(book, [], ballots_of(book, counts), kind, frozenset())
    shown = disclosed(exact, {code: n for code, (n, _) in counts.items()})
    if shown.total is not None:
        assert sum(Fraction(line.points) for line in shown.lines) == shown.total
        assert shown.total == exact.total
    else:
        assert shown.grade == PENDING


def test_enough_ballots_everywhere_show_everything() -> None:
    counts = dict.fromkeys(JILIN.panels, (3, 1))
    exact = score_sheet(JILIN, [], ballots_of(JILIN, counts), "bureau", frozenset())
    assert disclosed(exact, dict.fromkeys(JILIN.panels, 3)) is exact
    few = disclosed(exact, dict.fromkeys(JILIN.panels, 3) | {"leaders": 2})
    assert few.withheld == "few"
    assert set(few.panels.values()) == {None}
    assert (few.annual, few.total, few.grade) == (exact.annual, exact.total, exact.grade)
    assert [(line.kind, line.points) for line in few.lines if line.kind.startswith("panel")] == [
        ("panels", exact.annual)
    ]
