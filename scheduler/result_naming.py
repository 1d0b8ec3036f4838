"""Naming a result by its hash, and a grade of an earlier year, in chat and on the command line."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from sqlmodel import col, select

from scoring.result_tables import ResultSet
from scoring.standings import current_year, in_force
from store import uploads
from store.commands import Act, Choice, converter
from store.errors import Refusal
from store.uploads import Upload
from store.words import plain

WaitingResult = Annotated[ResultSet, "waiting"]
"""A result by its hash; offered are those that wait for approval or publication."""

PastGrade = Annotated[str, "past grade"]
"""A grade, by the current rule book's title or code."""

Total = Annotated[str, "total"]
"""A total with two places."""

Scan = Annotated[Upload, "scan"]
"""A scan of a paper: kept until the second person has decided, and for good once it is recorded."""

LEAST = 8
"""So many characters of a hash are enough to name a result."""
KEY = 16
"""So many are written where it is named again: in a button, in a proposal."""


def _waiting(act: Act, _given: Mapping[str, Any]) -> list[Choice]:
    query = select(ResultSet).where(ResultSet.state == "frozen").order_by(col(ResultSet.id).desc())
    return [Choice(one.hash[:KEY], f"{one.year} {one.hash[:LEAST]}") for one in act.session.exec(query)]


def _every(act: Act, _given: Mapping[str, Any]) -> list[Choice]:
    query = select(ResultSet).order_by(col(ResultSet.id).desc()).limit(10)
    return [Choice(one.hash[:KEY], f"{one.year} {one.hash[:LEAST]}") for one in act.session.exec(query)]


def find_result(act: Act, text: str) -> ResultSet:
    """A result by the beginning of its hash. Raises Refusal result_unknown."""
    said = plain(text).lower()
    found = []
    if len(said) >= LEAST and set(said) <= set("0123456789abcdef"):
        query = select(ResultSet).where(col(ResultSet.hash).startswith(said)).order_by(col(ResultSet.id))
        found = list(act.session.exec(query))
    if not found:
        raise Refusal("result_unknown", text=text, least=LEAST)
    return found[-1]


converter(WaitingResult, write=lambda one: one.hash[:KEY], choices=_waiting)(find_result)
converter(ResultSet, write=lambda one: one.hash[:KEY], choices=_every)(find_result)


@converter(Scan, write=uploads.written, words=2)
def _scan(act: Act, text: str) -> Upload:
    return uploads.given(act, text, keep=True)


def _grades(act: Act, _given: Mapping[str, Any]) -> list[Choice]:
    rulebook = in_force(act.session, current_year(act.session, act.now))
    return [Choice(one.code, one.title) for one in rulebook.grades]


@converter(PastGrade, choices=_grades)
def _grade(act: Act, text: str) -> str:
    rulebook = in_force(act.session, current_year(act.session, act.now))
    said = plain(text).casefold()
    for one in rulebook.grades:
        if said in {one.code.casefold(), one.title.casefold()}:
            return one.code
    raise Refusal("grade_unknown", text=text, like=[one.title for one in rulebook.grades])


@converter(Total)
def _total(_act: Act, text: str) -> str:
    try:
        figure = Decimal(plain(text).removesuffix("分"))
    except InvalidOperation:
        raise Refusal("total_unknown", text=text) from None
    if not (figure.is_finite() and 0 <= figure <= 1000) or figure != round(figure, 2):
        raise Refusal("total_unknown", text=text)
    return f"{figure:.2f}"
