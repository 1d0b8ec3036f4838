"""Points: exact, in units of 1/10,000, rounded once, where a figure is shown.

Everything that is recorded is a whole number of units (``int``). Only a mean of ballots can fall between two units;
it is kept as a ``Fraction`` of units. No float anywhere.
"""

from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import TypeAlias

UNIT = 10_000
"""One point. Stored figures are integers of 1/10,000 point."""

Points: TypeAlias = int | Fraction
"""A figure in units of 1/10,000 point."""

_STEPS = (UNIT, UNIT // 10, UNIT // 100, UNIT // 1000, 1)


def units(points: Decimal | int) -> int:
    """A figure in points, as units: ``Decimal("0.5")`` -> 5000. Raises ValueError if it is finer, or no number."""
    if isinstance(points, Decimal) and not points.is_finite():
        raise ValueError(f"{points} is not a number")
    exact = Fraction(points) * UNIT
    if exact.denominator != 1:
        raise ValueError(f"{points} is finer than 1/10,000 point")
    return exact.numerator


def rounded(points: Points, places: int = 2) -> int:
    """``points`` in steps of ``10 ** -places`` point (0 to 4 places), a half away from zero: 四舍五入 of the magnitude.

    So a deduction and its reversal always show the same digits: +0.125 is 0.13 and −0.125 is −0.13.
    """
    numerator, denominator = points.as_integer_ratio()
    step = _STEPS[places] * denominator
    steps = (2 * abs(numerator) + step) // (2 * step)
    return -steps if numerator < 0 else steps


def shown(points: Points | None, places: int = 2) -> str | None:
    """The figure as people see it, ``"39.00"``: the one rounding there is. None (still open) stays None."""
    if points is None:
        return None
    steps = rounded(points, places)
    digits = f"{abs(steps):0{places + 1}d}"
    text = f"{digits[:-places]}.{digits[-places:]}" if places else digits
    return f"-{text}" if steps < 0 else text


@lru_cache(maxsize=4096)
def plain(points: int) -> str:
    """The exact figure without padding: ``"-6"``, ``"0.5"``, ``"0"``."""
    whole, rest = divmod(abs(points), UNIT)
    text = f"{whole}.{rest:04d}".rstrip("0").rstrip(".") if rest else str(whole)
    return f"-{text}" if points < 0 else text
