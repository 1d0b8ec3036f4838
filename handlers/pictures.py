"""The pictures that go with messages: a rank list, the monthly summary, a department's card. PNG out of plain data.

``draw(kind, data)`` is called when the message is sent, outside any transaction and in any thread. ``data`` is what the
outbox keeps as JSON, and is what the rooms below tell anyway: "rank" takes a ``RankList`` and "score" a ``ScoreCard``
(``scoring.cards``) as ``to_json`` gives them, "summary" the facts of the summary's notice (``scheduler.summaries``).
Read besides: ``zone`` (a name to stand on top instead of the scheme's title), ``at`` (the instant of the figures) and,
for a rank list, ``full`` (the figure of a whole bar), each of which may be missing. Words and colours are in
``templates/pictures.toml``.
"""

import threading
import tomllib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from functools import cache
from math import ceil
from typing import Any

from handlers.canvas import Align, Sheet, legible, width
from templates import FOLDER
from templates.wording import day, instant, period

Data = Mapping[str, Any]

MOST_ROWS = 200
"""More departments than that are not drawn: nobody could read them in a chat."""
MOST_LINES = 24
"""More lines than that stand on no card; the last one then says how many there are."""

_MARGIN = 48
_HEAD = 176
_FOOT = 84
_ONE_COLUMN = 1080
_TWO_COLUMNS = 1480
_GAP = 24
_BADGE = 46
_MOST_MEDALS = 8
"""When more departments than that are among the first three, none is set off."""
_STATES = (("on_time", "good"), ("late", "warn"), ("missing", "bad"))
_RARER = ("held", "exempt", "open")
_SHOWN_AS_BLOCKS = frozenset({"start", "panel", "panels"})
_lock = threading.Lock()  # matplotlib does not promise that two threads may draw at once.


def draw(kind: str, data: Data) -> bytes:
    """The picture as PNG, within Telegram's limits for photos. Raises KeyError for an unknown kind or missing field."""
    with _lock:
        return sheet(kind, data).png()


def sheet(kind: str, data: Data) -> Sheet:
    """The picture before it is made into PNG. Raises as ``draw`` does."""
    return _KINDS[kind](data)


@cache
def _style() -> dict[str, dict[str, str]]:
    return tomllib.loads((FOLDER / "pictures.toml").read_text("utf-8"))


def _say(name: str, **facts: object) -> str:
    return _style()["words"][name].format(**facts)


def _colour(name: str) -> str:
    return _style()["colours"][name]


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(Decimal(text.replace("−", "-")))
    except InvalidOperation:
        return None


def _share(figure: str | None, full: float) -> float:
    return (_number(figure) or 0.0) / full if full > 0 else 0.0


def _name(text: str) -> str:
    return legible(text) or _say("nobody")


def _round(figure: str) -> str:
    """A figure of the rules without needless places: 40.00 is 40, 2.50 is 2.5."""
    return figure.rstrip("0").rstrip(".") if "." in figure else figure


class _Page:
    """A sheet with what all pictures have: zone and title above, the standing of the figures and the day below."""

    def __init__(self, data: Data, title: str, lead: str, wide: int, body: float) -> None:
        self.sheet = Sheet(wide, int(_HEAD + body + _FOOT), _colour("paper"))
        self.left: float = _MARGIN
        self.wide = wide - 2 * _MARGIN
        self.top: float = _HEAD
        on = self.sheet
        on.box(0, 0, wide, 10, _colour("bar"))
        on.text(
            self.left, 48, str(data.get("zone") or data["scheme"]), 25, _colour("soft"), room=self.wide, smallest=18
        )
        on.text(self.left, 92, title, 42, _colour("ink"), bold=True, room=self.wide, smallest=28)
        on.text(self.left, 140, lead, 24, _colour("soft"), room=self.wide, smallest=16)
        approved = bool(data.get("approved"))
        below = on.high - _FOOT / 2 - 2
        standing = _say("approved" if approved else "provisional")
        as_of = _say("as_of", instant=instant(data["at"])) if data.get("at") else ""
        taken = on.text(self.left + self.wide, below, as_of, 22, _colour("faint"), align="right")
        colour = _colour("good" if approved else "warn")
        on.text(self.left, below, standing, 23, colour, room=self.wide - taken - 24, smallest=14)

    def card(self, x: float, y: float, wide: float, high: float) -> None:
        self.sheet.box(x, y, wide, high, _colour("card"), 18)

    def nothing(self) -> None:
        self.card(self.left, self.top, self.wide, 120)
        middle = self.left + self.wide / 2
        self.sheet.text(middle, self.top + 60, _say("nothing_yet"), 28, _colour("faint"), align="center")


def _left_out(rows: Sequence[Data]) -> str:
    return _say("first_only", shown=MOST_ROWS) if len(rows) > MOST_ROWS else ""


def _figure(on: Sheet, right: float, middle: float, figure: str | None, size: float, *, few: bool = False) -> float:
    """A figure, or that it is open, or (``few``) not shown by itself, ending at ``right``; returns its width."""
    if figure is None:
        word = _say("not_apart" if few else "pending")
        return on.text(right, middle, word, size, _colour("faint"), align="right")
    return on.text(right, middle, figure, size, _colour("ink"), align="right", bold=True)


def _chip(on: Sheet, right: float, middle: float, text: str, colour: str = "bad") -> float:
    """A small label ending at ``right``; returns its width."""
    wide = width(text, 19) + 24
    on.box(right - wide, middle - 16, wide, 32, _colour("chip"), 16)
    on.text(right - wide / 2, middle, text, 19, _colour(colour), align="center")
    return wide


def _disputed(row: Data) -> str:
    """That a grade is open because entries are under review."""
    return _say("disputed", count=row["disputed"])


def _columns(count: int, one: int) -> tuple[int, int, int]:
    """How many columns, how many rows in each, and how wide the picture is: never much higher than wide."""
    columns = 1 if count <= one else 2
    return columns, max(1, ceil(count / columns)), _ONE_COLUMN if columns == 1 else _TWO_COLUMNS


# The rank list.


def _rank(data: Data) -> Sheet:
    rows: Sequence[Data] = data["rows"][:MOST_ROWS]
    by = "total" if data["by"] == "total" else "daily"
    columns, per_column, wide = _columns(len(rows), 20)
    high = 78 if per_column <= 14 else 66 if per_column <= 20 else 58
    lead = _say("rank_count", count=len(data["rows"])) + _left_out(data["rows"])
    page = _Page(data, _say(f"rank_{by}", year=data["year"]), lead, wide, per_column * high + 32 if rows else 120)
    if not rows:
        page.nothing()
        return page.sheet
    full = max([_number(data.get("full")) or 0.0, *(_number(row[by]) or 0.0 for row in rows)])
    medals = sum(1 for row in rows if _is_first(row)) <= _MOST_MEDALS
    column_wide = (page.wide - _GAP * (columns - 1)) / columns
    for column in range(columns):
        part = rows[column * per_column : (column + 1) * per_column]
        x = page.left + column * (column_wide + _GAP)
        page.card(x, page.top, column_wide, len(part) * high + 32)
        for number, row in enumerate(part):
            middle = page.top + 16 + (number + 0.5) * high
            _place(page.sheet, row["rank"], x + 24, middle, medals and _is_first(row))
            _ranked(page.sheet, row, row[by], full, x + 24 + _BADGE + 20, middle, column_wide - 48 - _BADGE - 20, high)
    return page.sheet


def _is_first(row: Data) -> bool:
    return row["rank"] is not None and row["rank"] <= 3


def _place(on: Sheet, place: int | None, x: float, middle: float, medal: bool) -> None:
    if medal:
        on.disc(x + _BADGE / 2, middle, _BADGE, _colour("medal"))
    colour = "card" if medal else "faint" if place is None else "soft"
    shown = _say("none") if place is None else str(place)
    on.text(
        x + _BADGE / 2, middle, shown, 25, _colour(colour), align="center", bold=medal, room=_BADGE - 6, smallest=14
    )


def _ranked(
    on: Sheet, row: Data, figure: str | None, full: float, x: float, middle: float, wide: float, high: float
) -> None:
    upper, lower = middle - high * 0.10, middle + high * 0.24
    taken = _figure(on, x + wide, upper, figure, 27)
    if row["vetoes"]:
        taken += 14 + _chip(on, x + wide - taken - 14, upper, _say("vetoed"))
    if row.get("disputed"):
        taken += 14 + _chip(on, x + wide - taken - 14, upper, _disputed(row), "soft")
    on.text(x, upper, _name(row["department"]), 27, _colour("ink"), room=wide - taken - 20, smallest=19)
    on.bar(x, lower, wide, 8, _share(figure, full), _colour("bar"), _colour("track"))


# The monthly summary.


def _summary(data: Data) -> Sheet:
    rows: Sequence[Data] = data["departments"][:MOST_ROWS]
    columns, per_column, wide = _columns(len(rows), 22)
    high, tiles, head = 58 if per_column <= 22 else 54, 128, 60
    body = tiles + _GAP + (head + per_column * high + 20 if rows else 120)
    lead = _say("summary_lead", full=_round(data["full"] or "")) + _left_out(data["departments"])
    page = _Page(data, _say("summary", month=period(data["month"])), lead, wide, body)
    _tiles(page, Counter(duty["state"] for row in data["departments"] for duty in row["duties"]), tiles)
    page.top += tiles + _GAP
    if not rows:
        page.nothing()
        return page.sheet
    column_wide = (page.wide - _GAP * (columns - 1)) / columns
    for column in range(columns):
        part = rows[column * per_column : (column + 1) * per_column]
        x = page.left + column * (column_wide + _GAP)
        page.card(x, page.top, column_wide, head + len(part) * high + 20)
        table = _SummaryTable(page.sheet, x + 24, column_wide - 48)
        table.headings(page.top + head / 2 + 6)
        for number, row in enumerate(part):
            table.row(row, page.top + head + number * high, high)
    return page.sheet


def _tiles(page: _Page, states: Mapping[str, int], high: float) -> None:
    """What was due in all, and what became of it; the rarer ends of it only where there are any."""
    shown = [("due", sum(states.values()), "ink")]
    shown += [(state, states.get(state, 0), colour) for state, colour in _STATES]
    shown += [(state, states[state], "soft") for state in _RARER if states.get(state)]
    wide = page.wide / len(shown)
    page.card(page.left, page.top, page.wide, high)
    for number, (word, count, colour) in enumerate(shown):
        middle = page.left + wide * (number + 0.5)
        colour = _colour(colour if count else "zero")
        page.sheet.text(middle, page.top + 46, str(count), 44, colour, align="center", bold=True)
        page.sheet.text(middle, page.top + 96, _say(word), 23, _colour("soft"), align="center")
        if number:
            page.sheet.box(page.left + wide * number, page.top + 28, 1.5, high - 56, _colour("rule"))


class _SummaryTable:
    """The table of one column of the picture: where its figures stand, and its rows."""

    def __init__(self, on: Sheet, x: float, wide: float) -> None:
        self.on, self.x, self.wide = on, x, wide
        narrow = wide < 800
        self.change = x + wide
        self.figure = self.change - (98 if narrow else 116)
        step = 52 if narrow else 70
        last = self.figure - (108 if narrow else 122)
        self.counts = {state: last - step * place for place, (state, _) in enumerate(reversed(_STATES))}
        self.names = min(self.counts.values()) - 34 - x

    def headings(self, middle: float) -> None:
        heads: list[tuple[float, str, Align]] = [(self.x, "department", "left")]
        heads += [(at, state, "center") for state, at in self.counts.items()]
        heads += [(self.figure, "figure", "right"), (self.change, "change", "right")]
        for at, word, align in heads:
            self.on.text(at, middle, _say(word), 21, _colour("faint"), align=align)

    def row(self, row: Data, top: float, high: float) -> None:
        on, middle = self.on, top + high / 2
        on.rule(self.x, top, self.wide, _colour("rule"))
        room = self.names
        if row.get("disputed"):
            room -= 12 + _chip(on, self.x + self.names, middle, _disputed(row), "soft")
        on.text(self.x, middle, _name(row["department"]), 26, _colour("ink"), room=room, smallest=17)
        states = Counter(duty["state"] for duty in row["duties"])
        for state, colour in _STATES:
            count = states[state]
            colour = _colour(colour if count else "zero")
            on.text(self.counts[state], middle, str(count), 26, colour, align="center", bold=bool(count))
        _figure(on, self.figure, middle, row["daily"] or None, 26)
        text, colour = _change(row["change"])
        on.text(self.change, middle, text, 23, _colour(colour), align="right")


def _change(change: str | None) -> tuple[str, str]:
    number = _number(change)
    if change is None or number is None:
        return _say("none"), "faint"
    return _signed(change) if number else (_say("unchanged"), "faint")


def _signed(figure: str) -> tuple[str, str]:
    """A change or an entry's points with its sign as it is printed, and its colour."""
    number, magnitude = _number(figure) or 0.0, figure.lstrip("+-−")
    if not number:
        return magnitude, "soft"
    return (f"+{magnitude}", "good") if number > 0 else (f"−{magnitude}", "bad")


# A department's own card.


def _score(data: Data) -> Sheet:
    blocks: Sequence[Data] = data["blocks"]
    listed = [line for line in data["lines"] if line["kind"] not in _SHOWN_AS_BLOCKS and line["reverses"] is None]
    # What came last interests most; what floors and caps did belongs under all of it.
    listed = [one for one in reversed(listed) if one["number"]] + [one for one in listed if not one["number"]]
    lines, more = listed[:MOST_LINES], max(0, len(listed) - MOST_LINES)
    block_high, line_high, total_high = 74, 72, 152
    list_high = 64 + (len(lines) * line_high if lines else 70) + (54 if more else 0) + 20
    body = total_high + _GAP + len(blocks) * block_high + 40 + _GAP + list_high
    page = _Page(data, _name(data["department"]), _say("score", year=data["year"]), _ONE_COLUMN, body)
    _total(page, data, total_high)
    page.top += total_high + _GAP
    page.card(page.left, page.top, page.wide, len(blocks) * block_high + 40)
    for number, block in enumerate(blocks):
        _block(page, block, page.top + 20 + number * block_high, few=data["withheld"] == "few")
    page.top += len(blocks) * block_high + 40 + _GAP
    page.card(page.left, page.top, page.wide, list_high)
    _lines(page, lines, more, line_high)
    return page.sheet


def _total(page: _Page, data: Data, high: float) -> None:
    on, x, y = page.sheet, page.left + 28, page.top
    page.card(page.left, y, page.wide, high)
    # There is no total before the year ends: the first block, which runs from January on, then stands in its place.
    title, figure = _say("score_total"), data["total"]
    if figure is None and data["blocks"]:
        title, figure = str(data["blocks"][0]["title"]), data["blocks"][0]["figure"]
    on.text(x, y + 38, title, 23, _colour("soft"))
    shown = _say("pending") if figure is None else str(figure)
    on.text(x, y + 96, shown, 64, _colour("faint" if figure is None else "ink"), bold=figure is not None)
    right = page.left + page.wide - 28
    grade, vetoed = data["grade_title"], bool(data["vetoes"])
    colour = "bad" if vetoed else "bar" if grade else "soft"
    standing = str(grade or (_disputed(data) if data.get("disputed") else _say("score_pending")))
    right -= _chip(on, right, y + high / 2, standing, colour) + 12
    if vetoed:
        _chip(on, right, y + high / 2, _say("vetoed"))


def _block(page: _Page, block: Data, y: float, *, few: bool) -> None:
    on, x, wide = page.sheet, page.left + 28, page.wide - 56
    figure, full = block["figure"], block["full"]
    end = x + wide
    if full is not None:
        end -= on.text(end, y + 24, _say("score_full", full=full), 20, _colour("faint"), align="right") + 16
    end -= _figure(on, end, y + 24, figure, 28, few=few)
    on.text(x, y + 24, str(block["title"]), 26, _colour("ink"), room=end - x - 16, smallest=18)
    on.bar(x, y + 50, wide, 8, _share(figure, _number(full) or 0.0), _colour("bar"), _colour("track"))


def _lines(page: _Page, lines: Sequence[Data], more: int, high: float) -> None:
    on, x, y, wide = page.sheet, page.left + 28, page.top, page.wide - 56
    on.text(x, y + 38, _say("score_lines"), 23, _colour("soft"))
    y += 64
    if not lines:
        on.text(x, y + 30, _say("score_no_lines"), 26, _colour("good"))
        y += 70
    for line in lines:
        on.rule(x, y, wide, _colour("rule"))
        gone, (points, colour) = line["reversed_by"] is not None, _signed(str(line["points"]))
        colour = _colour("faint" if gone else colour)
        room = wide - 24 - on.text(x + wide, y + high / 2, points, 27, colour, align="right", bold=not gone)
        title = _name(line["title"]) + (f" ×{line['count']}" if line["count"] > 1 else "")
        below = " · ".join(_about(line))
        ink = _colour("faint" if gone else "ink")
        on.text(x, y + (25 if below else high / 2), title, 24, ink, room=room, smallest=18)
        on.text(x, y + 53, below, 19, _colour("faint"), room=room, smallest=15)
        y += high
    if more:
        on.text(x, y + 26, _say("score_more", count=more), 21, _colour("soft"))


def _about(line: Data) -> list[str]:
    """What stands under a line: its clause, its period or day, what a cap did, whether it was taken back."""
    about = [_say("score_clause", clause=line["clause"])] if line["clause"] else []
    if line["period"]:
        about.append(period(line["period"]))
    elif line["happened_at"]:
        about.append(day(line["happened_at"]))
    if line["words"]:
        about.append(line["words"])
    if line["reversed_by"] is not None:
        about.append(_say("reversed"))
    return about


_KINDS: Mapping[str, Callable[[Data], Sheet]] = {"rank": _rank, "summary": _summary, "score": _score}
