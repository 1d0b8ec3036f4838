"""Ballots of the yearly rating: read, checked, and their mean taken exactly."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from decimal import Context, Decimal, Inexact, InvalidOperation
from fractions import Fraction
from functools import reduce
from typing import Final, Literal, TypeAlias

from scoring.points import UNIT, Points
from scoring.rulebook import Panel, RuleBook

Abstain: TypeAlias = Literal["abstain"]
ABSTAIN: Final[Abstain] = "abstain"
"""不了解 or 弃权: not counted, neither as 0 nor as full marks."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What a ballot came to, in units: all that is kept of one that has been cast."""

    points: Points


Scores: TypeAlias = tuple[Decimal, ...] | Decimal | tuple[str, ...] | str | Mark
"""One number per aspect in the rule book's order, or one total; in a panel of tiers one tier's code per aspect, or
one for all; or ABSTAIN; or the Mark that it came to."""

_MOST_DECIMAL_PLACES = 30
"""No rater means more; without a limit 1e-999999999 would be a denominator that does not fit into memory."""

_EXACT = Context(prec=100, traps=[Inexact])
"""Sums of ballots need some 40 digits at most; a result that is not exact is an error."""


@dataclass(frozen=True, slots=True)
class Ballot:
    """What one rater gave one department in one panel. No person, no time."""

    panel: str
    scores: Scores


class BallotError(Exception):
    """A ballot that cannot be. ``aspect`` is the code of the aspect at fault (None: the ballot as a whole), ``value``
    what stood there, ``least`` and ``most`` the range in points where the fault is one of range.

    ``fault``: "unknown_panel", "not_rated" (this class is not rated by the panel), "shape" (neither one answer per
    aspect nor one for all), "not_a_number", "out_of_range", "unknown_tier".
    """

    def __init__(
        self,
        fault: str,
        *,
        panel: str,
        value: object,
        aspect: str | None = None,
        least: Decimal | None = None,
        most: Decimal | None = None,
    ) -> None:
        where = f"panel {panel}" + (f", aspect {aspect}" if aspect else "")
        limits = f" ({least} to {most})" if most is not None else ""
        super().__init__(f"{where}: {value!r} {fault.replace('_', ' ')}{limits}")
        self.fault = fault
        self.panel = panel
        self.value = value
        self.aspect = aspect
        self.least = least
        self.most = most


def aspect_maxima(rulebook: RuleBook, panel: str, unit_class: str | None = None) -> tuple[int, ...]:
    """The most that each aspect can get in a panel, in units, in the rule book's order."""
    weight = rulebook.panels[panel].weight_for(unit_class)
    return tuple(int(weight * aspect.share) for aspect in rulebook.aspects)


def read_ballot(rulebook: RuleBook, panel: str, raw: object, unit_class: str | None = None) -> Ballot:
    """A ballot out of what was typed, tapped or read from a file, checked. Raises BallotError.

    ``raw``: a sequence with one answer per aspect, one answer for all, or "abstain". A number may be an int, a
    Decimal, a float (taken by the digits it is written with) or a string of digits; never a bool.
    """
    answers = panel_of(rulebook, panel, raw).tiers
    scores: Scores
    if isinstance(raw, str) and raw == ABSTAIN:
        scores = ABSTAIN
    elif isinstance(raw, list | tuple):
        scores = tuple(map(str, raw)) if answers else tuple(_number(panel, one) for one in raw)
    else:
        scores = str(raw) if answers else _number(panel, raw)
    ballot = Ballot(panel, scores)
    check_ballot(rulebook, ballot, unit_class)
    return ballot


def check_ballot(rulebook: RuleBook, ballot: Ballot, unit_class: str | None = None) -> None:
    """Raises BallotError unless the ballot has the panel's shape and every number lies within 0 and its maximum."""
    panel = panel_of(rulebook, ballot.panel, ballot.scores)
    weight = panel.weight_for(unit_class)
    if not weight:
        raise BallotError("not_rated", panel=ballot.panel, value=ballot.scores)
    if ballot.scores == ABSTAIN or isinstance(ballot.scores, Mark):
        return
    if isinstance(ballot.scores, tuple):
        if len(ballot.scores) != len(rulebook.aspects):
            raise BallotError("shape", panel=ballot.panel, value=ballot.scores)
        maxima = aspect_maxima(rulebook, ballot.panel, unit_class)
        for aspect, one, most in zip(rulebook.aspects, ballot.scores, maxima, strict=True):
            _check_answer(panel, one, most, aspect.code)
    else:
        _check_answer(panel, ballot.scores, weight, None)


@dataclass(frozen=True, slots=True)
class Tally:
    """A panel's ballots for one department, added up: ``count`` of them count; ``sum`` (units, exact) is of the
    ``used`` ones that are left when the rule book drops the highest and the lowest.
    """

    sum: Points
    used: int
    count: int


def tally(rulebook: RuleBook, panel: str, ballots: Iterable[Ballot], unit_class: str | None = None) -> Tally:
    """Adds up a panel's ballots; those of other panels are left aside, the ones given are taken as checked."""
    rules = rulebook.panels[panel]
    weight = rules.weight_for(unit_class)
    marks = sorted(
        mark for one in ballots if one.panel == panel for mark in _marks(rulebook, rules, one.scores, weight)
    )
    count = len(marks)
    if rules.trim and count >= rules.trim_from:
        marks = marks[rules.trim : -rules.trim]
    return Tally(sum(marks), len(marks), count)


def figure_of(rulebook: RuleBook, panel: str, added: Tally, unit_class: str | None = None) -> Points | None:
    """The mean, exact, in units; None while the panel is open (below its quorum).

    What a panel without its quorum counts may be settled otherwise by the reading ``empty_panel``.
    """
    rules = rulebook.panels[panel]
    if added.count < rules.quorum:
        return {"pending": None, "zero": 0, "full": rules.weight_for(unit_class)}[rulebook.readings.empty_panel]
    mean = Fraction(added.sum) / added.used
    return mean.numerator if mean.denominator == 1 else mean


def panel_figure(
    rulebook: RuleBook, panel: str, ballots: Iterable[Ballot], unit_class: str | None = None
) -> Points | None:
    """The figure of a panel for one department: of its ``tally`` what ``figure_of`` makes."""
    return figure_of(rulebook, panel, tally(rulebook, panel, ballots, unit_class), unit_class)


def mark_of(rulebook: RuleBook, ballot: Ballot, unit_class: str | None = None) -> Mark | None:
    """What a checked ballot comes to; None for one that does not count (an abstention)."""
    panel = rulebook.panels[ballot.panel]
    marks = _marks(rulebook, panel, ballot.scores, panel.weight_for(unit_class))
    return Mark(marks[0]) if marks else None


def panel_of(rulebook: RuleBook, panel: str, value: object) -> Panel:
    """The panel by its code. Raises BallotError ("unknown_panel")."""
    try:
        return rulebook.panels[panel]
    except KeyError:
        raise BallotError("unknown_panel", panel=panel, value=value) from None


def _marks(rulebook: RuleBook, panel: Panel, scores: Scores, weight: int) -> tuple[Points, ...]:
    """What a ballot gives, in units; nothing if it does not count."""
    if scores == ABSTAIN:
        return ()
    if isinstance(scores, Mark):
        return (scores.points,)
    answers = scores if isinstance(scores, tuple) else (scores,)
    if not panel.tiers:
        # Added as decimals and turned into whole units once: fractions would cost ten times as much.
        total = _EXACT.multiply(reduce(_EXACT.add, map(Decimal, answers)), UNIT)
        return (int(total) if total == total.to_integral_value() else Fraction(total),)
    # An aspect answered 不了解 is left out; the others speak for the whole.
    tiers = {tier.code: tier.share for tier in panel.tiers}
    parts = [aspect.share for aspect in rulebook.aspects] if isinstance(scores, tuple) else [Fraction(1)]
    given = [
        (part, share) for part, code in zip(parts, answers, strict=True) if (share := tiers[str(code)]) is not None
    ]
    if not given:
        return ()
    answered = sum((part for part, _ in given), Fraction(0))
    return (weight * sum((part * share for part, share in given), Fraction(0)) / answered,)


def _check_answer(panel: Panel, answer: object, most: int, aspect: str | None) -> None:
    if panel.tiers:
        if answer not in {tier.code for tier in panel.tiers}:
            raise BallotError("unknown_tier", panel=panel.code, value=answer, aspect=aspect)
        return
    if not isinstance(answer, Decimal) or not answer.is_finite() or _decimal_places(answer) > _MOST_DECIMAL_PLACES:
        raise BallotError("not_a_number", panel=panel.code, value=answer, aspect=aspect)
    # Compared as decimals: a fraction of 1e999999999 would not fit into memory.
    limit = Decimal(most) / UNIT
    if not 0 <= answer <= limit:
        raise BallotError("out_of_range", panel=panel.code, value=answer, aspect=aspect, least=Decimal(0), most=limit)


def _decimal_places(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0


def _number(panel: str, raw: object) -> Decimal:
    if isinstance(raw, int | float | str | Decimal) and not isinstance(raw, bool):
        # repr of a float is the shortest text that means it: the digits somebody wrote.
        with suppress(InvalidOperation):
            return Decimal(repr(raw) if isinstance(raw, float) else raw)
    raise BallotError("not_a_number", panel=panel, value=raw)
