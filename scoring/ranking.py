"""Ranks over the figures that people see: who is shown the same has the same rank."""

from collections.abc import Hashable, Mapping
from typing import Literal, TypeVar

from scoring.points import rounded
from scoring.sheet import ScoreSheet

Key = TypeVar("Key", bound=Hashable)


def rank(sheets: Mapping[Key, ScoreSheet], by: Literal["total", "daily"] = "total") -> dict[Key, int | None]:
    """The rank of each, 1 for the highest, in the order of ``sheets``, which all come from one rule book.

    By total: over those who have one and no veto; the others have None. By daily: over all. Equal shown figures share
    a rank (1, 1, 3; or 1, 1, 2 where the rule book says ``ties = "dense"``).
    """
    figures: dict[Key, int] = {}
    dense = False
    for key, sheet in sheets.items():
        readings = sheet.rulebook.readings
        dense = readings.ties == "dense"
        figure = sheet.daily if by == "daily" else sheet.total
        if figure is not None and (by == "daily" or sheet.ranked):
            figures[key] = rounded(figure, readings.places)
    places: dict[int, int] = {}
    for place, figure in enumerate(sorted(set(figures.values()) if dense else figures.values(), reverse=True), start=1):
        places.setdefault(figure, place)
    return {key: places[figures[key]] if key in figures else None for key in sheets}
