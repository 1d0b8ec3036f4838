"""Figures: exact inside, one rounding outside."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.points import UNIT, plain, rounded, shown, units


@pytest.mark.parametrize(
    ("points", "text"),
    [
        (40 * UNIT, "40.00"),
        (0, "0.00"),
        (5000, "0.50"),
        # A half goes away from zero, in both directions: a deduction and its reversal show the same digits.
        (1250, "0.13"),
        (-1250, "-0.13"),
        (1249, "0.12"),
        (-1249, "-0.12"),
        # What rounds to nothing has no sign.
        (-49, "0.00"),
        (-50, "-0.01"),
        # 85/3 = 28.333…; 28.335 exactly is a half.
        (Fraction(85 * UNIT, 3), "28.33"),
        (Fraction(28335 * UNIT, 1000), "28.34"),
        # Just below a half, by a third of a unit.
        (Fraction(3 * 283350 - 1, 3), "28.33"),
        (123456789 * UNIT, "123456789.00"),
    ],
)
def test_two_places_half_away_from_zero(points: int | Fraction, text: str) -> None:
    assert shown(points) == text


def test_what_is_open_shows_nothing() -> None:
    assert shown(None) is None


@pytest.mark.parametrize(("places", "text"), [(0, "13"), (1, "12.5"), (2, "12.50"), (4, "12.5000")])
def test_other_places(places: int, text: str) -> None:
    assert shown(125000, places) == text


@pytest.mark.parametrize(
    ("points", "text"),
    [(-60000, "-6"), (5000, "0.5"), (0, "0"), (-5000, "-0.5"), (1, "0.0001"), (100000, "10"), (-12500, "-1.25")],
)
def test_plain_figures_are_exact_and_unpadded(points: int, text: str) -> None:
    assert plain(points) == text


def test_units_of_points() -> None:
    assert units(Decimal("0.5")) == 5000
    assert units(-3) == -30000
    assert units(Decimal("0.0001")) == 1


@pytest.mark.parametrize("points", ["0.00005", "1.23456", "NaN", "Infinity"])
def test_points_finer_than_a_unit_are_refused(points: str) -> None:
    with pytest.raises(ValueError, match=points):
        units(Decimal(points))


@given(st.integers(-(10**9), 10**9))
def test_plain_and_units_are_inverse(points: int) -> None:
    assert units(Decimal(plain(points))) == points


@given(st.fractions(min_value=-(10**6), max_value=10**6, max_denominator=999), st.integers(0, 4))
def test_rounding_is_symmetric_and_nearest(points: Fraction, places: int) -> None:
    step = Fraction(UNIT, 10**places)
    assert rounded(-points, places) == -rounded(points, places)
    assert abs(rounded(points, places) * step - points) <= step / 2
