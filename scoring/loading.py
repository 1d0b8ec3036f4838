"""A rule book from its file: read key by key, then checked as a whole. A bad file is refused in one line that says
where.
"""

import re
import tomllib
from decimal import Decimal
from pathlib import Path

from scoring.checking import check
from scoring.reading import read_rulebook
from scoring.rulebook import RuleBook
from scoring.tomltable import Fault, Table

SHELF = Path(__file__).parent / "rulebooks"
"""Where the rule books that come with kaoping stand, by name."""


class RuleBookError(Exception):
    """A rule book that cannot be used: the file (``origin``), the place in it (a line or a path of keys), what is
    wrong.
    """

    def __init__(self, origin: str, place: str, message: str) -> None:
        super().__init__(": ".join(part for part in (origin, place, message) if part))
        self.origin = origin
        self.place = place
        self.message = message


def names() -> list[str]:
    """The names of the rule books that come with kaoping, sorted."""
    return sorted(path.stem for path in SHELF.glob("*.toml"))


def load(name: str, beside: Path | None = None) -> RuleBook:
    """The rule book of that name, or in the file at that path (also relative to ``beside``, a directory).

    Raises RuleBookError if there is none, if it cannot be read, or if it is inconsistent.
    """
    if name in names():
        path = SHELF / f"{name}.toml"
    else:
        places = [Path(name)] if beside is None else [beside / name, Path(name)]
        found = next((place for place in places if _is_file(place)), None)
        if found is None:
            raise RuleBookError(name, "", f"no such rule book or file; known names: {', '.join(names())}")
        path = found
    try:
        data = path.read_bytes()
    except OSError as fault:
        raise RuleBookError(str(path), "", fault.strerror or "cannot be read") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        line = data.count(b"\n", 0, fault.start) + 1
        raise RuleBookError(str(path), f"line {line}", "not UTF-8 text; save the file as UTF-8") from None
    return parse(text, str(path))


def _is_file(path: Path) -> bool:
    """Whether there is such a file; a name that is too long for one is none."""
    try:
        return path.is_file()
    except OSError:
        return False


def parse(text: str, origin: str) -> RuleBook:
    """The rule book in ``text``; ``origin`` names it in errors. Raises RuleBookError."""
    text = text.replace("\r\n", "\n")
    try:
        values = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as fault:
        where = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)$", str(fault))
        message = str(fault)[: where.start()] if where else str(fault)
        line = where[1] if where and where[1] else str(text.rstrip("\n").count("\n") + 1)
        raise RuleBookError(origin, f"line {line}", message[:1].lower() + message[1:]) from None
    except RecursionError:
        raise RuleBookError(origin, "", "nested too deeply") from None
    except (ArithmeticError, ValueError):
        # An exponent or a number of digits beyond what Python reads.
        raise RuleBookError(origin, "", "a number is too large or too long to be read") from None
    try:
        rulebook = read_rulebook(Table(values), text)
        check(rulebook)
    except Fault as fault:
        raise RuleBookError(origin, fault.place, fault.message) from None
    return rulebook
