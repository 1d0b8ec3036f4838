"""Ranks under the Jilin scheme: by what is shown, ties shared, vetoed and open ones left out."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from scoring.ballots import read_ballot
from scoring.loading import load
from scoring.points import UNIT, rounded
from scoring.ranking import rank
from scoring.sheet import LedgerLine, ScoreSheet, score_sheet

JILIN = load("jilin-2021")


def sheet(leaders: str | None, *entries: tuple[str, int]) -> ScoreSheet:
    """Full marks but for the leaders' (None: nobody rated) and the entries."""
    given = [("leaders", leaders), ("departments", 10), ("enterprises", 10), ("supervisors", 10)]
    ballots = [read_ballot(JILIN, panel, raw) for panel, raw in given if raw is not None]
    return score_sheet(JILIN, [LedgerLine(item, count, JILIN.weight(item, count)) for item, count in entries], ballots)


def test_equal_totals_share_a_rank_and_the_next_one_is_left_free() -> None:
    sheets = {"tax": sheet("27"), "fin": sheet("29"), "edu": sheet("29"), "env": sheet("28"), "law": sheet("28")}
    assert rank(sheets) == {"tax": 5, "fin": 1, "edu": 1, "env": 3, "law": 3}


def test_what_is_shown_equal_is_equal() -> None:
    # 28.001 and 28.004 both show 28.00; 28.005 shows 28.01.
    assert rank({"a": sheet("28.001"), "b": sheet("28.004"), "c": sheet("28.005")}) == {"a": 2, "b": 2, "c": 1}


def test_by_different_ways_to_the_same_total() -> None:
    assert rank({"a": sheet("30", ("daily.7", 1)), "b": sheet("27"), "c": sheet("25", ("bonus.2.zone", 1))}) == {
        "a": 1,
        "b": 1,
        "c": 1,
    }


def test_vetoed_and_open_ones_have_no_rank_by_total_and_take_no_place() -> None:
    sheets = {"best": sheet("30", ("veto.1", 1)), "open": sheet(None), "fin": sheet("20"), "edu": sheet("19")}
    assert rank(sheets) == {"best": None, "open": None, "fin": 1, "edu": 2}


def test_by_daily_everybody_is_ranked() -> None:
    sheets = {
        "vetoed": sheet("30", ("veto.1", 1)),
        "open": sheet(None, ("daily.9", 1)),
        "late": sheet("30", ("daily.9", 1)),
        "floor": sheet("30", ("daily.7", 14)),
        "deeper": sheet("30", ("daily.7", 20)),
    }
    assert rank(sheets, by="daily") == {"vetoed": 1, "open": 2, "late": 2, "floor": 4, "deeper": 4}


def test_nobody() -> None:
    assert rank({}) == {}


@given(st.lists(st.decimals(0, 30, places=3), max_size=12))
def test_a_rank_is_one_more_than_the_number_of_those_above(leaders: list[Decimal]) -> None:
    sheets = {number: sheet(str(given)) for number, given in enumerate(leaders)}
    shown = {number: rounded(70 * UNIT + int(given * UNIT)) for number, given in enumerate(leaders)}
    assert rank(sheets) == {one: 1 + sum(other > shown[one] for other in shown.values()) for one in shown}
