"""Which of the things that are owed a person's words mean: a caption, a line of text. Pure; unsure is no answer."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

_NUMERALS = {
    "一": 1,
    "二": 2,
    "三": 3,
    "四": 4,
    "五": 5,
    "六": 6,
    "七": 7,
    "八": 8,
    "九": 9,
    "十": 10,
    "十一": 11,
    "十二": 12,
}
_MONTH = re.compile(r"(?:(\d{4})\s*[年.\-/])?\s*(1[0-2]|0?[1-9]|十[一二]?|[一二三四五六七八九])\s*月份?")
_ISO_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])(?![\d-])")
_QUARTER = re.compile(r"(?:(\d{4})\s*年?\s*)?(?:第?\s*([1-4一二三四])\s*季度?|q([1-4]))")
_NOISE = re.compile(r"[^\w]|[\d_]", re.UNICODE)
LEAST = 3
"""Characters in a row that a text and a title must share, where neither contains the other."""


@dataclass(frozen=True)
class Option:
    """Something a person may mean. ``names`` are what it is called; ``period`` as in the tables (2021-03, 2021Q1)."""

    obligation_id: int
    names: tuple[str, ...]
    period: str | None
    department: str


def normal(text: str) -> str:
    """Text in one form: full-width letters and digits made half-width, lower case, outer space gone."""
    return unicodedata.normalize("NFKC", text).strip().lower()


def names_a_period(text: str) -> bool:
    """Whether ``text`` says which month or quarter it is about."""
    return bool(_periods(normal(text)))


def meant(text: str, options: Sequence[Option]) -> list[Option]:
    """The options that ``text`` names; empty when it names none of them. More than one: ask."""
    said = normal(text)
    periods = _periods(said)
    left = [option for option in options if not periods or _covers(option.period, periods)]
    departments = {normal(option.department) for option in left}
    if named := [name for name in departments if name and name in said]:
        left = [option for option in left if normal(option.department) in named]
        for name in named:
            said = said.replace(name, "")
    words = _NOISE.sub("", _QUARTER.sub("", _MONTH.sub("", _ISO_MONTH.sub("", said))))
    if not words:
        return []
    fits = {option: max(_fit(words, _NOISE.sub("", normal(name))) for name in option.names) for option in left}
    best = max(fits.values(), default=0.0)
    return [option for option, fit in fits.items() if fit == best > 0]


def _fit(said: str, name: str) -> float:
    """How well words fit a name: all of the name, or all of the words in their order, or a run of LEAST characters."""
    if not name:
        return 0.0
    if name in said:
        return 100.0 + len(name)
    rest = iter(name)
    if len(said) > 1 and all(character in rest for character in said):
        return 50.0 + len(said)
    run = SequenceMatcher(None, said[:200], name, autojunk=False).find_longest_match().size
    return float(run) if run >= LEAST else 0.0


def _periods(said: str) -> list[tuple[int | None, str]]:
    """The periods that words name: pairs of year (None: not said) and M3 or Q1."""
    found: list[tuple[int | None, str]] = []
    for year, month in _MONTH.findall(said):
        found.append((int(year) if year else None, f"M{_number(month)}"))
    for year, month in _ISO_MONTH.findall(said):
        found.append((int(year), f"M{int(month)}"))
    for year, spelled, letter in _QUARTER.findall(said):
        found.append((int(year) if year else None, f"Q{_number(spelled or letter)}"))
    return found


def _covers(period: str | None, said: list[tuple[int | None, str]]) -> bool:
    month = re.fullmatch(r"(\d{4})-(\d{2})", period or "")
    quarter = re.fullmatch(r"(\d{4})Q([1-4])", period or "")
    if month:
        year, code = int(month[1]), f"M{int(month[2])}"
    elif quarter:
        year, code = int(quarter[1]), f"Q{quarter[2]}"
    else:
        return True
    return any(code == said_code and said_year in (None, year) for said_year, said_code in said)


def _number(spelled: str) -> int:
    return int(spelled) if spelled.isdigit() else _NUMERALS[spelled]
