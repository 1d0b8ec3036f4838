"""Ballots: what may be given, what is refused by name, and how a panel's figure comes about."""

from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.ballots import ABSTAIN, Ballot, BallotError, aspect_maxima, check_ballot, panel_figure, read_ballot
from scoring.loading import load
from scoring.points import UNIT, shown

JILIN = load("jilin-2021")
BINHE = load("binhe-2023.toml", beside=Path(__file__).parent / "rulebooks")


def figure(panel: str, *raw: object) -> str | None:
    return shown(panel_figure(JILIN, panel, [read_ballot(JILIN, panel, one) for one in raw]))


def test_the_aspects_share_a_panel_equally() -> None:
    assert aspect_maxima(JILIN, "leaders") == (6 * UNIT,) * 5
    assert aspect_maxima(JILIN, "supervisors") == (2 * UNIT,) * 5


def test_five_numbers_or_one_total() -> None:
    # 6 + 5.5 + 6 + 6 + 5 = 28.5; with a total of 27 the mean is 27.75.
    assert figure("leaders", [6, Decimal("5.5"), 6, 6, 5]) == "28.50"
    assert figure("leaders", [6, Decimal("5.5"), 6, 6, 5], 27) == "27.75"


def test_a_mean_is_exact_until_it_is_shown() -> None:
    # 9 + 9 + 8 = 26; 26/3 = 8.666…
    ballots = [read_ballot(JILIN, "enterprises", raw) for raw in (9, 9, 8)]
    assert panel_figure(JILIN, "enterprises", ballots) == Fraction(26 * UNIT, 3)
    assert figure("enterprises", 9, 9, 8) == "8.67"


def test_a_number_finer_than_a_unit_is_counted_exactly() -> None:
    # (9.99994 + 9.99996) / 2 = 9.99995
    ballots = [read_ballot(JILIN, "enterprises", Decimal(raw)) for raw in ("9.99994", "9.99996")]
    assert panel_figure(JILIN, "enterprises", ballots) == Fraction("9.99995") * UNIT


def test_abstentions_are_left_out_and_alone_leave_the_panel_open() -> None:
    assert figure("departments", 8, ABSTAIN, 9) == "8.50"
    assert figure("departments", ABSTAIN, ABSTAIN) is None
    assert figure("departments") is None


def test_nought_is_a_ballot() -> None:
    assert figure("departments", 0, 9) == "4.50"


def test_ballots_of_other_panels_are_left_aside() -> None:
    ballots = [Ballot("leaders", Decimal(30)), Ballot("departments", Decimal(4))]
    assert panel_figure(JILIN, "departments", ballots) == 4 * UNIT


def test_numbers_as_they_are_typed_or_read_from_a_file() -> None:
    assert read_ballot(JILIN, "leaders", [6, 5.5, "6", "5.50", Decimal("0.1")]).scores == (
        Decimal(6),
        Decimal("5.5"),
        Decimal(6),
        Decimal("5.50"),
        Decimal("0.1"),
    )
    # A float is taken by the digits somebody wrote, not by its binary value.
    assert read_ballot(JILIN, "leaders", 28.1).scores == Decimal("28.1")


@pytest.mark.parametrize(
    ("panel", "raw", "fault", "aspect"),
    [
        ("leaders", [6, 6, 6, Decimal("6.01"), 6], "out_of_range", "integrity"),
        ("leaders", [-1, 6, 6, 6, 6], "out_of_range", "attitude"),
        ("leaders", [6, 6, 6, 6, Decimal("1e999999999")], "out_of_range", "fairness"),
        ("departments", [2, 3, 2, 2, 2], "out_of_range", "efficiency"),
        ("leaders", Decimal("30.0001"), "out_of_range", None),
        ("supervisors", 11, "out_of_range", None),
        ("supervisors", Decimal("-0.01"), "out_of_range", None),
        ("leaders", [6, 6, 6, 6], "shape", None),
        ("leaders", [6, 6, 6, 6, 6, 0], "shape", None),
        ("leaders", [], "shape", None),
        ("leaders", float("nan"), "not_a_number", None),
        ("leaders", Decimal("Infinity"), "not_a_number", None),
        ("leaders", Decimal("sNaN"), "not_a_number", None),
        ("leaders", True, "not_a_number", None),
        ("leaders", None, "not_a_number", None),
        ("leaders", {"attitude": 6}, "not_a_number", None),
        ("leaders", "很好", "not_a_number", None),
        ("leaders", [6, 6, 6, 6, "abstain"], "not_a_number", None),
        ("leaders", Decimal("1e-999999999"), "not_a_number", None),
        ("parliament", 5, "unknown_panel", None),
    ],
)
def test_what_is_refused_and_by_which_name(panel: str, raw: object, fault: str, aspect: str | None) -> None:
    with pytest.raises(BallotError) as refusal:
        read_ballot(JILIN, panel, raw)
    assert (refusal.value.fault, refusal.value.aspect, refusal.value.panel) == (fault, aspect, panel)


def test_a_refusal_names_the_range() -> None:
    with pytest.raises(BallotError, match=r"aspect efficiency.*\(0 to 6\)") as refusal:
        read_ballot(JILIN, "leaders", [6, 7, 6, 6, 6])
    assert (refusal.value.value, refusal.value.least, refusal.value.most) == (7, 0, 6)


def test_a_ballot_that_was_made_elsewhere_is_checked_the_same() -> None:
    with pytest.raises(BallotError, match="out of range"):
        check_ballot(JILIN, Ballot("leaders", Decimal(31)))
    with pytest.raises(BallotError, match="not a number"):
        check_ballot(JILIN, Ballot("leaders", Decimal("NaN")))
    with pytest.raises(BallotError, match="not a number"):
        check_ballot(JILIN, Ballot("leaders", "good"))


def test_departments_do_not_rate_themselves_unless_the_rule_book_says_so() -> None:
    assert not JILIN.may_rate("departments", "fin", "fin")
    assert JILIN.may_rate("departments", "fin", "edu")
    assert JILIN.may_rate("leaders", "fin", "fin")  # there the rater is a person, whatever he is called
    assert BINHE.may_rate("experts", "fin", "fin")


# ── Another shape: tiers, quorum, trimming, weights by class ──


def binhe(panel: str, *raw: object, unit_class: str | None = None) -> str | None:
    ballots = [read_ballot(BINHE, panel, one, unit_class) for one in raw]
    return shown(panel_figure(BINHE, panel, ballots, unit_class))


def test_tiers_are_shares_of_the_full_marks() -> None:
    # 12 points: 好 12, 较好 9.6, 一般 7.2, 差 0. (12 + 9.6 + 0) / 3 = 7.2
    assert binhe("public", "good", "fair", "poor") == "7.20"


def test_who_does_not_know_is_left_out_and_does_not_make_a_quorum() -> None:
    # Three ballots have to count. (12 + 9.6 + 9.6) / 3 = 10.4
    assert binhe("public", "good", "fair", "unknown") is None
    assert binhe("public", "good", "fair", "unknown", "fair") == "10.40"
    assert binhe("public", "good", ABSTAIN, "fair", "fair") == "10.40"


def test_tiers_by_aspect_with_one_of_them_unknown() -> None:
    # 服务 75 %, 公开 25 %. good/poor: 0.75 × 12 = 9. unknown/fair: only 公开 speaks: 0.8 × 12 = 9.6. good: 12.
    # unknown/unknown does not count. (9 + 9.6 + 12) / 3 = 10.2
    raw = [("good", "poor"), ("unknown", "fair"), "good", ("unknown", "unknown")]
    assert binhe("public", *raw) == "10.20"


def test_a_class_with_its_own_weight() -> None:
    # Window units: 20 points from the public. (20 + 16 + 12) / 3 = 16
    assert binhe("public", "good", "fair", "middling", unit_class="window") == "16.00"


def test_a_class_that_a_panel_does_not_rate() -> None:
    with pytest.raises(BallotError) as refusal:
        read_ballot(BINHE, "experts", 5, "window")
    assert refusal.value.fault == "not_rated"


def test_the_highest_and_the_lowest_are_dropped_from_four_ballots_on() -> None:
    # Three: (2 + 7 + 8) / 3 = 5.666…; four: without 2 and 8: (7 + 7) / 2 = 7.
    assert binhe("experts", 2, 7, 8) == "5.67"
    assert binhe("experts", 8, 7, 2, 7) == "7.00"


def test_only_one_of_equal_extremes_is_dropped() -> None:
    # 8, 8, 8, 4: one 8 and the 4 go.
    assert binhe("experts", 8, 4, 8, 8) == "8.00"


@pytest.mark.parametrize("raw", ["excellent", "", 8, True, ("good", "better")])
def test_an_unknown_tier(raw: object) -> None:
    with pytest.raises(BallotError) as refusal:
        read_ballot(BINHE, "public", raw)
    assert refusal.value.fault == "unknown_tier"


def test_unequal_aspects() -> None:
    # 专家 8 points: 服务 6, 公开 2.
    assert aspect_maxima(BINHE, "experts") == (6 * UNIT, 2 * UNIT)
    with pytest.raises(BallotError, match="openness"):
        read_ballot(BINHE, "experts", [6, Decimal("2.5")])


NUMBERS = st.decimals(0, 10, places=3)


@given(st.lists(NUMBERS, min_size=1, max_size=12), st.integers(0, 3), st.randoms(use_true_random=False))
def test_the_mean_of_any_ballots_in_any_order(numbers: list[Decimal], abstentions: int, random: Random) -> None:
    ballots = [Ballot("enterprises", one) for one in numbers] + [Ballot("enterprises", ABSTAIN)] * abstentions
    random.shuffle(ballots)
    expected = sum(map(Fraction, numbers)) / len(numbers) * UNIT
    assert panel_figure(JILIN, "enterprises", ballots) == expected
