"""The score sheet against a second computation, written naively from the schemes' words, for any ledger and ballots."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.ballots import ABSTAIN, Ballot
from scoring.loading import load
from scoring.points import UNIT, shown
from scoring.rulebook import RuleBook
from scoring.sheet import LedgerLine, ScoreSheet, score_sheet

JILIN = load("jilin-2021")
BINHE = load("binhe-2023.toml", beside=Path(__file__).parent / "rulebooks")


class Happening(NamedTuple):
    """An entry as the naive computation knows it: it was reversed or it was not."""

    item: str
    count: int
    event: str | None
    reversed: bool


def ledger(rulebook: RuleBook, happenings: list[Happening], unit_class: str) -> list[LedgerLine]:
    lines = []
    for one in happenings:
        points = rulebook.weight(one.item, one.count, unit_class)
        lines.append(LedgerLine(one.item, one.count, points, one.event))
        if one.reversed:
            lines.append(LedgerLine(one.item, -one.count, -points, one.event))
    return lines


def summed(rulebook: RuleBook, lines: list[LedgerLine]) -> list[LedgerLine]:
    """What GROUP BY makes of a ledger: one line per item, and per event where the rules look at events."""
    sums: dict[tuple[str, str | None], list[int]] = {}
    for line in lines:
        key = line.item, line.event if line.item in rulebook.by_event else None
        both = sums.setdefault(key, [0, 0])
        both[0] += line.count
        both[1] += line.points
    return [LedgerLine(item, count, points, event) for (item, event), (count, points) in sums.items()]


# ── The naive computations: figures in points, straight from the schemes ──

JILIN_POINTS = {
    **dict.fromkeys(("daily.1", "daily.2", "daily.3", "daily.4", "daily.5", "daily.6", "daily.7"), Fraction(3)),
    **dict.fromkeys(("daily.8.monthly", "daily.8.quarterly", "daily.9", "daily.10.overdue"), Fraction(1)),
    "daily.10.correction": Fraction(2),
    "daily.11.warning": Fraction(1),
    "daily.11.criticism": Fraction(2),
    "daily.11.admonition": Fraction(3),
    "daily.11.unrectified": Fraction(2),
    "daily.11.discipline": Fraction(10),
    "daily.12": Fraction(5),
    "bonus.1.city_leader": Fraction(8),
    "bonus.1.city_department": Fraction(5),
    "bonus.1.zone_principal": Fraction(5),
    "bonus.1.zone_deputy": Fraction(4),
    "bonus.2.city": Fraction(5),
    "bonus.2.zone": Fraction(2),
    "bonus.3.national": Fraction(5),
    "bonus.3.provincial": Fraction(3),
    "bonus.3.municipal": Fraction(2),
    "bonus.3.district": Fraction(1, 2),
    "bonus.4": Fraction(3),
}
JILIN_PANELS = {"leaders": 30, "departments": 10, "enterprises": 10, "supervisors": 10}


def naive_jilin(happenings: list[Happening], ballots: list[Ballot]) -> tuple[Fraction, Fraction, Fraction | None]:
    """(daily, bonus, total) in points."""
    lost, earned, district = Fraction(0), Fraction(0), Fraction(0)
    for one in happenings:
        if one.reversed or one.item.startswith("veto"):
            continue
        for _ in range(one.count):
            if one.item.startswith("daily"):
                lost += JILIN_POINTS[one.item]
            elif one.item == "bonus.3.district":
                district += JILIN_POINTS[one.item]
            else:
                earned += JILIN_POINTS[one.item]
    daily = max(Fraction(0), 40 - lost)
    bonus = min(Fraction(10), earned + min(Fraction(3), district))
    total: Fraction | None = daily + bonus
    for panel in JILIN_PANELS:
        given = [one.scores for one in ballots if one.panel == panel and one.scores != ABSTAIN]
        if not given:
            return daily, bonus, None
        marks = [sum(map(Fraction, one)) if isinstance(one, tuple) else Fraction(one) for one in given]
        total += Fraction(sum(marks), len(marks))
    return daily, bonus, total


def naive_binhe(happenings: list[Happening], unit_class: str) -> Mapping[str, Fraction]:
    """The blocks of entries in points."""
    live = [one for one in happenings if not one.reversed]

    def times(item: str) -> int:
        return sum(one.count for one in live if one.item == item)

    full = 70 if unit_class == "street" else 60
    failure = {"window": Fraction(6), "street": Fraction(2)}.get(unit_class, Fraction(4))
    meetings = Fraction(times("work.absent"), 2) + Fraction(times("work.late"), 5)
    meetings = min(meetings, Fraction(2 if unit_class == "street" else 3))
    work = full - 10 + 4 * times("work.innovation") - failure * times("work.failure") - meetings
    weekly = Fraction(1 if unit_class == "street" else 2) * times("filing.weekly")
    complaints = min(times("filing.complaint"), 8 if unit_class == "window" else 5)
    filing = (10 if unit_class == "street" else 20) - weekly - times("filing.data") - times("filing.plan") - complaints
    honours = {"extra.national": Fraction(6), "extra.provincial": Fraction(3), "extra.city": Fraction(5, 4)}
    extra = sum(
        (honours[one.item] * one.count for one in live if one.item in honours and one.event is None), Fraction(0)
    )
    for event in {one.event for one in live if one.item in honours and one.event is not None}:
        extra += max(honours[one.item] for one in live if one.event == event and one.item in honours)
    return {
        "work": min(Fraction(full), max(Fraction(0), work)),
        "filing": max(Fraction(0), Fraction(filing)),
        "extra": extra,
    }


# ── What may happen ──


def happenings_of(rulebook: RuleBook) -> st.SearchStrategy[list[Happening]]:
    one = st.builds(
        Happening,
        item=st.sampled_from(list(rulebook.items)),
        count=st.integers(1, 5),
        event=st.sampled_from([None, "fair", "road"]),
        reversed=st.booleans(),
    )
    return st.lists(one, max_size=25)


def marks(panel: str) -> st.SearchStrategy[Ballot]:
    weight = JILIN_PANELS[panel]
    aspect = st.decimals(0, Decimal(weight) / 5, places=2)
    scores = st.just(ABSTAIN) | st.decimals(0, weight, places=1) | st.tuples(aspect, aspect, aspect, aspect, aspect)
    return scores.map(lambda given: Ballot(panel, given))


def mostly_rated() -> Iterator[st.SearchStrategy[list[Ballot]]]:
    for panel in JILIN_PANELS:
        yield st.lists(marks(panel), max_size=5) | st.lists(marks(panel), min_size=1, max_size=5)


BALLOTS = st.tuples(*mostly_rated()).map(lambda panels: [ballot for panel in panels for ballot in panel])
CLASSES = st.sampled_from(["bureau", "street", "window"])


# ── Properties ──


def points(figure: object) -> Fraction | None:
    return None if figure is None else Fraction(figure) / UNIT  # type: ignore[arg-type]


@given(happenings_of(JILIN), BALLOTS)
def test_jilin_as_computed_naively(happenings: list[Happening], ballots: list[Ballot]) -> None:
    sheet = score_sheet(JILIN, ledger(JILIN, happenings, "bureau"), ballots, "bureau")
    assert (points(sheet.daily), points(sheet.bonus), points(sheet.total)) == naive_jilin(happenings, ballots)
    vetoes = {one.item for one in happenings if one.item.startswith("veto") and not one.reversed}
    assert set(sheet.vetoes) == vetoes
    if vetoes:
        assert sheet.grade == "fail"
    elif sheet.total is None:
        assert sheet.grade == "pending"
    else:
        seen = Decimal(shown(sheet.total) or "")
        assert sheet.grade == ("excellent" if seen >= 90 else "pass" if seen >= 70 else "fail")


@given(happenings_of(BINHE), CLASSES)
def test_binhe_as_computed_naively(happenings: list[Happening], unit_class: str) -> None:
    sheet = score_sheet(BINHE, ledger(BINHE, happenings, unit_class), (), unit_class)
    naive = naive_binhe(happenings, unit_class)
    assert {code: points(sheet.blocks[code]) for code in naive} == naive
    assert points(sheet.daily) == naive["work"] + naive["filing"]
    assert points(sheet.bonus) == naive["extra"]


def figures(sheet: ScoreSheet) -> tuple[object, ...]:
    return sheet.blocks, sheet.daily, sheet.panels, sheet.annual, sheet.bonus, sheet.total, sheet.grade, sheet.vetoes


BOTH = pytest.mark.parametrize("rulebook", [JILIN, BINHE], ids=lambda rulebook: rulebook.name)


@BOTH
@given(data=st.data(), unit_class=CLASSES, random=st.randoms(use_true_random=False), ballots=BALLOTS)
def test_the_order_of_entries_and_ballots_is_irrelevant(
    rulebook: RuleBook, data: st.DataObject, unit_class: str, random: Random, ballots: list[Ballot]
) -> None:
    lines = ledger(rulebook, data.draw(happenings_of(rulebook)), unit_class)
    ballots = ballots if rulebook is JILIN else []
    first = score_sheet(rulebook, lines, ballots, unit_class)
    random.shuffle(lines)
    random.shuffle(ballots)
    assert figures(score_sheet(rulebook, lines, ballots, unit_class)) == figures(first)


@BOTH
@given(data=st.data(), unit_class=CLASSES)
def test_sums_per_item_give_the_same_figures_as_single_entries(
    rulebook: RuleBook, data: st.DataObject, unit_class: str
) -> None:
    lines = ledger(rulebook, data.draw(happenings_of(rulebook)), unit_class)
    single = score_sheet(rulebook, lines, (), unit_class)
    assert figures(score_sheet(rulebook, summed(rulebook, lines), (), unit_class)) == figures(single)


@BOTH
@given(data=st.data(), unit_class=CLASSES, ballots=BALLOTS)
def test_lines_add_up_exactly(rulebook: RuleBook, data: st.DataObject, unit_class: str, ballots: list[Ballot]) -> None:
    lines = ledger(rulebook, data.draw(happenings_of(rulebook)), unit_class)
    sheet = score_sheet(rulebook, lines, ballots if rulebook is JILIN else (), unit_class)
    for block, figure in sheet.blocks.items():
        if figure is not None:
            assert sum(line.points for line in sheet.lines if line.block == block) == figure
    known = sheet.daily + sheet.bonus + sum(figure for figure in sheet.panels.values() if figure is not None)
    assert sum(line.points for line in sheet.lines) == known
    assert sheet.total in (None, known)
    assert [line.entry for line in sheet.lines if line.entry is not None and line.block] == [
        line for block in sheet.rulebook.blocks for line in lines if rulebook.items[line.item].block == block
    ]


@BOTH
@given(data=st.data(), unit_class=CLASSES)
def test_reversing_everything_of_late_restores_the_score(
    rulebook: RuleBook, data: st.DataObject, unit_class: str
) -> None:
    before = ledger(rulebook, data.draw(happenings_of(rulebook)), unit_class)
    late = ledger(rulebook, data.draw(happenings_of(rulebook)), unit_class)
    taken_back = [line._replace(count=-line.count, points=-line.points) for line in late]
    restored = score_sheet(rulebook, before + late + taken_back, (), unit_class)
    assert figures(restored) == figures(score_sheet(rulebook, before, (), unit_class))


@given(happenings_of(JILIN), BALLOTS)
def test_figures_stay_within_the_scheme(happenings: list[Happening], ballots: list[Ballot]) -> None:
    sheet = score_sheet(JILIN, ledger(JILIN, happenings, "dual"), ballots, "dual")
    assert 0 <= sheet.daily <= 40 * UNIT
    assert 0 <= sheet.bonus <= 10 * UNIT
    assert sheet.annual is None or 0 <= sheet.annual <= 60 * UNIT
    district = [line.points for line in sheet.lines if line.code == "bonus.3.district"]
    assert sum(district) <= 3 * UNIT


@given(happenings_of(JILIN), st.sampled_from([code for code, item in JILIN.items.items() if item.kind == "deduction"]))
def test_one_more_deduction_never_helps(happenings: list[Happening], item: str) -> None:
    lines = ledger(JILIN, happenings, "bureau")
    more = [*lines, LedgerLine(item, 1, JILIN.weight(item))]
    assert score_sheet(JILIN, more).daily <= score_sheet(JILIN, lines).daily
