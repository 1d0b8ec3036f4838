"""How people write figures, days and instants in chat and on the command line, full-width or not."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Annotated, TypeVar

from store.commands import Act, Choice, converter
from store.errors import Refusal
from store.times import CHINA, china, iso_china

Word = TypeVar("Word")
Row = TypeVar("Row")

Count = Annotated[int, "count"]
"""A whole number from 1."""

Days = Annotated[int, "days"]
"""For how many days something is good, from 1."""

Day = Annotated[date, "day"]
"""A day in China."""

Instant = Annotated[datetime, "instant"]
"""An instant at which something happened; a day alone means its beginning."""

Deadline = Annotated[datetime, "deadline"]
"""An instant until which something is owed; a day alone counts in full, until 24:00."""

Year = Annotated[int, "year"]
"""An assessment year."""

YEARS = range(2000, 3000)
"""Years in which anything is assessed; a date outside of them is a slip of the finger."""

MOST = 9999
"""No count is larger; more is a slip of the finger."""

MOST_DAYS = 90
"""Nothing is good for longer: what lies about for a quarter is forgotten, and somebody else's find."""

_RELATIVE = {"前天": -2, "昨天": -1, "今天": 0, "今日": 0, "明天": 1, "明日": 1, "后天": 2}
_DAY = re.compile(
    r"(?:(?P<year>\d{4})\s*(?:年|[-/.]))?\s*(?P<month>\d{1,2})\s*(?:月|[-/.])\s*(?P<day>\d{1,2})\s*[日号]?"
)
_TIME = re.compile(
    r"(?P<hour>\d{1,2})(?::(?P<minute>\d{2})(?::(?P<second>\d{2}))?|[点时](?:(?P<minute2>\d{1,2})分?|整)?)"
)


def plain(text: str) -> str:
    """Text as it is compared: full-width forms made narrow (NFKC), white space runs as one blank."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


def whole_number(text: str) -> int | None:
    """A whole number in ordinary digits, with or without #, or None. Nothing that is counted or numbered here needs
    more than nine digits.
    """
    said = plain(text).removeprefix("#")
    return int(said) if said.isascii() and said.isdigit() and len(said) <= 9 else None


def one_of(words: Mapping[str, Word], text: str, unknown: str) -> Word:
    """What a word stands for, whatever its case and width. Raises a Refusal with the code ``unknown``."""
    try:
        return words[plain(text).casefold()]
    except KeyError:
        raise Refusal(unknown, text=text) from None


def numbered(act: Act, table: type[Row], text: str, unknown: str) -> Row:
    """The row that is told by its number. Raises a Refusal with the code ``unknown``."""
    number = whole_number(text)
    found = act.session.get(table, number) if number is not None else None
    if found is None:
        raise Refusal(unknown, text=text)
    return found


def parse_day(text: str, now: datetime) -> date:
    """A day: ``2021-04-02``, ``2021/4/2``, ``2021年4月2日``, ``4月2日`` (this year's), 今天, 明天, 昨天.

    Raises Refusal date_unknown, also for a day that does not exist.
    """
    day, clock = _parse(text, now)
    if clock is not None:
        raise Refusal("date_unknown", text=text)
    return day


def parse_instant(text: str, now: datetime, *, whole_day: bool = False) -> datetime:
    """An instant in China: a day as above, with or without a time (``16:00``, ``16点``, ``16时30分``, ``24:00``), a
    time alone (today), or ISO 8601 with an offset.

    A day alone is its beginning, or with ``whole_day`` its end. Raises Refusal date_unknown.
    """
    said = plain(text)
    if "T" in said:
        try:
            instant = datetime.fromisoformat(said)
        except ValueError:
            raise Refusal("date_unknown", text=text) from None
        if instant.year not in YEARS:
            raise Refusal("date_unknown", text=text)
        return instant if instant.tzinfo else instant.replace(tzinfo=CHINA)
    day, clock = _parse(text, now)
    if clock is None:
        clock = timedelta(days=1) if whole_day else timedelta()
    # China keeps one offset all the year: a day and so much time after it is never ambiguous.
    return datetime.combine(day, time(), CHINA) + clock


def _parse(text: str, now: datetime) -> tuple[date, timedelta | None]:
    said, today = plain(text), china(now).date()
    found_day, rest = None, said
    for word, days in _RELATIVE.items():
        if said.startswith(word):
            found_day, rest = today + timedelta(days=days), said.removeprefix(word)
    if found_day is None and (match := _DAY.match(said)):
        rest = said[match.end() :]
        try:
            found_day = date(int(match["year"] or today.year), int(match["month"]), int(match["day"]))
        except ValueError:
            raise Refusal("date_unknown", text=text) from None
        if found_day.year not in YEARS:
            raise Refusal("date_unknown", text=text)
    rest = rest.strip()
    if not rest and found_day is not None:
        return found_day, None
    clock = _TIME.fullmatch(rest)
    if clock is None:
        raise Refusal("date_unknown", text=text)
    hour, minute = int(clock["hour"]), int(clock["minute"] or clock["minute2"] or 0)
    second = int(clock["second"] or 0)
    if minute > 59 or second > 59 or hour > 24 or (hour == 24 and (minute or second)):
        raise Refusal("date_unknown", text=text)
    return found_day or today, timedelta(hours=hour, minutes=minute, seconds=second)


@converter(int)
def _number(_act: Act, text: str) -> int:
    number = whole_number(text)
    if number is None:
        raise Refusal("number_unknown", text=text)
    return number


@converter(Count)
def _count(_act: Act, text: str) -> int:
    number = whole_number(text)
    if number is None or not 1 <= number <= MOST:
        raise Refusal("count_unknown", text=text, most=MOST)
    return number


@converter(Days)
def _days(_act: Act, text: str) -> int:
    number = whole_number(plain(text).removesuffix("天"))
    if number is None or not 1 <= number <= MOST_DAYS:
        raise Refusal("days_unknown", text=text, most=MOST_DAYS)
    return number


@converter(Year)
def read_year(_act: Act, text: str) -> int:
    """``2021``, ``2021年``. Raises Refusal year_unknown."""
    number = whole_number(plain(text).removesuffix("度").removesuffix("年"))
    if number is None or number not in YEARS:
        raise Refusal("year_unknown", text=text)
    return number


@converter(
    bool,
    write=lambda value: "yes" if value else "no",
    choices=lambda _act, _given: [Choice("yes", ""), Choice("no", "")],
)
def _yes_or_no(_act: Act, text: str) -> bool:
    said = plain(text).lower()
    if said in {"yes", "true", "1", "是"}:
        return True
    if said in {"no", "false", "0", "否"}:
        return False
    raise Refusal("yes_or_no", text=text)


@converter(Day, write=date.isoformat)
def _day(act: Act, text: str) -> date:
    return parse_day(text, act.now)


def _instants(*, whole_day: bool) -> Callable[[Act, str], datetime]:
    return lambda act, text: parse_instant(text, act.now, whole_day=whole_day)


converter(Instant, write=iso_china, words=2)(_instants(whole_day=False))
converter(Deadline, write=iso_china, words=2)(_instants(whole_day=True))
