"""What the papers say of a result, as texts: figures as they are shown, entries gathered by what they are for."""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from handlers.papers.data import Published, Unit
from handlers.workbooks import LedgerRow, words
from scoring.points import plain, rounded, shown
from scoring.sheet import PENDING
from templates.wording import day


def facts_of(result: Published) -> dict[str, Any]:
    """What a circular and the letters have in common."""
    rulebook = result.rulebook
    addressees = rulebook.addressees or "，".join(f"各{one.title}" for one in rulebook.classes.values())
    return {
        "year": result.year,
        "scheme": rulebook.title,
        "issuers": list(rulebook.issuers),
        "addressees": addressees,
        "date": day(result.published_on),
        "ranked": sum(one.rank is not None for one in result.units),
    }


def facts_of_unit(result: Published, unit: Unit) -> dict[str, Any]:
    """A department's figures and reasons."""
    places = result.rulebook.readings.places
    titles = {column["key"]: column["title"] for column in words()["scores"]["column"]}
    figures = {"daily": unit.daily, "annual": unit.annual, "bonus": unit.bonus}
    return {
        "name": unit.name,
        "superior": unit.superior,
        "rank": unit.rank,
        "grade": unit.grade_title,
        "total": shown(unit.total, places),
        "parts": [(titles[key], shown(figure, places)) for key, figure in figures.items() if figure is not None],
        "vetoes": [{"title": one.title, "clause": one.clause, "text": one.text} for one in unit.vetoes],
        "charges": gathered(unit.charged),
        "gains": gathered(unit.gained),
        "gained": plain(sum(row.points for row in unit.gained)),
        "bonus": plain(unit.bonus),
    }


def gathered(rows: Iterable[LedgerRow]) -> list[dict[str, Any]]:
    """Entries by item, the weightiest first: its title and clause, how many times, and the points without a sign."""
    sums: dict[tuple[str, str], list[int]] = {}
    for row in rows:
        net = sums.setdefault((row.title, row.clause), [0, 0])
        net[0] += row.count
        net[1] += abs(row.points)
    return [
        {"title": title, "clause": clause, "count": count, "points": plain(points)}
        for (title, clause), (count, points) in sorted(sums.items(), key=lambda one: -one[1][1])
    ]


def summary(result: Published) -> Mapping[str, Any]:
    """Highest, lowest and mean total of those who are ranked; which grades there are, and who has which."""
    places = result.rulebook.readings.places
    ranked = [(one.name, one.total) for one in result.units if one.rank is not None and one.total is not None]
    totals = [total for _, total in ranked]
    facts: dict[str, Any] = {"highest": None, "lowest": None, "mean": None}
    if totals:
        facts["mean"] = shown(Fraction(sum(totals)) / len(totals), places)
        for key, best in (("highest", max(totals)), ("lowest", min(totals))):
            named = [name for name, total in ranked if rounded(total, places) == rounded(best, places)]
            facts[key] = {"total": shown(best, places), "names": named}
    units = {one.code: facts_of_unit(result, one) for one in result.units}
    grades = result.rulebook.grades
    lists = [
        {"title": grade.title, "units": [units[one.code] for one in result.of_grade(grade.code)]} for grade in grades
    ]
    return facts | {
        "units": list(units.values()),
        "grades": lists,
        "excellent": lists[0]["units"],
        "failed": lists[-1]["units"],
        "pending": [units[one.code] for one in result.of_grade(PENDING)],
        "floor": plain(grades[-1].below) if grades[-1].below is not None else "",
        "unranked": any(one.vetoes and one.rank is None for one in result.units),
    }
