"""One line of chat: which verb it begins with, and what it already says of the verb's arguments."""

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from store.commands import VERBS, Act, Verb, find_verb, take_words

_ADDRESSED = re.compile(r"/\w+@(\w+)")
SHORT = 40
"""Characters up to which a text that begins with a Chinese word of a verb is taken for a command at all."""


@dataclass(frozen=True)
class Line:
    """A verb and the words after it. ``slash``: it was said as a command, so nothing else can have been meant."""

    verb: Verb
    rest: str
    slash: bool


def spotted(text: str, *, username: str = "") -> Line | None:
    """The verb a text begins with: 「/deduct …」, 「扣分 财政局 …」, 「得分财政局」; None if it begins with none.

    A command addressed to another bot is none of ours.
    """
    line = text.strip()
    slash = line.startswith("/")
    addressed = _ADDRESSED.match(line)
    if addressed and username and addressed[1].lower() != username.lower():
        return None
    found = find_verb(line)
    if found is not None:
        return Line(*found, slash=slash)
    return None if slash else _run_together(line)


def _run_together(line: str) -> Line | None:
    # Few people set a space between Chinese words.
    if len(line) > SHORT or "\n" in line:
        return None
    beginning, verbs = _beginnings(len(VERBS))
    said = beginning.match(line)
    return Line(verbs[said[0]], line[said.end() :].strip(), slash=False) if said else None


@cache
def _beginnings(_verbs: int) -> tuple[re.Pattern[str], dict[str, Verb]]:
    """What finds the longest word of a verb that a line begins with, and the verb of each; for so many verbs."""
    verbs = {word: verb for verb in VERBS.values() for word in verb.words if len(word) > 1}
    return re.compile("|".join(map(re.escape, sorted(verbs, key=len, reverse=True))) or "(?!)"), verbs


def taken(act: Act, line: Line) -> dict[str, Any]:
    """What the line says of the verb's arguments, possibly less than all. Raises Refusal for what it says wrongly."""
    return take_words(act, line.verb, line.rest.split())
