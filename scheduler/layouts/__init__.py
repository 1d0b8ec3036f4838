"""Column layouts of the spreadsheets that come in, as data beside this file, and the reader of the 双公示 ones."""

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

CHECKS = frozenset({"credit_code", "person_code", "date", "amount", "code"})
_NOTE = re.compile(r"\([^()]*填[^()]*\)|\*")
_DROPPED = re.compile(r"[\s_\-—–]+")


class LayoutError(Exception):
    """A layout file that cannot be used: which file, which key, what is wrong."""

    def __init__(self, origin: str, key: str, message: str) -> None:
        super().__init__(f"{origin}: {key}: {message}")
        self.origin = origin
        self.key = key
        self.message = message


@dataclass(frozen=True)
class Need:
    """A column is required where another one says so: equal to one of ``words``, or containing one of them."""

    column: str
    words: tuple[str, ...]
    contains: bool

    def holds(self, said: str) -> bool:
        return any(word in said for word in self.words) if self.contains else said in self.words


@dataclass(frozen=True)
class Column:
    """One column: its printed title, its other spellings, and what is looked at in it."""

    title: str
    aliases: tuple[str, ...] = ()
    required: bool | Need = False
    check: str | None = None
    choices: tuple[str, ...] = ()
    several: bool = False
    open: str | None = None
    personal: bool = False


@dataclass(frozen=True)
class Table:
    """One kind of table. ``decided``, ``published``, ``valid``, ``same`` are titles; ``published`` ones are extra."""

    code: str
    title: str
    columns: tuple[Column, ...]
    decided: str | None
    published: tuple[str, ...]
    valid: tuple[str, str] | None
    same: tuple[str, ...]

    def spellings(self) -> Mapping[str, str]:
        """Title keys, aliases included, to titles."""
        return {key(spelling): column.title for column in self.columns for spelling in (column.title, *column.aliases)}


@dataclass(frozen=True)
class Layout:
    """A layout file. ``publish_within`` is in working days after the day of the decision; None: not looked at."""

    name: str
    title: str
    source: str
    publish_within: int | None
    no_code: str | None
    no_end: date | None
    ignored_rows: tuple[str, ...]
    tables: tuple[Table, ...]


def key(title: str) -> str:
    """A title without what does not tell titles apart: width, white space, dashes, a note like (必填), a star."""
    return _DROPPED.sub("", _NOTE.sub("", unicodedata.normalize("NFKC", title))).casefold()


@cache
def load(name_or_path: str) -> Layout:
    """A layout by its name (``publicity-2018``) or by the path of its file, read once. Raises LayoutError."""
    return parse(text(name_or_path), name_or_path)


def text(name_or_path: str) -> str:
    """The TOML source of a layout by name or path. Raises LayoutError when there is none."""
    try:
        if name_or_path.endswith(".toml"):
            return Path(name_or_path).read_text("utf-8")
        return resources.files(__name__).joinpath(f"{name_or_path}.toml").read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LayoutError(name_or_path, "file", str(error)) from error


def parse(source: str, origin: str) -> Layout:
    """A layout from its TOML source; ``origin`` names it in errors. Raises LayoutError."""
    try:
        data = tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        raise LayoutError(origin, "file", str(error)) from error
    top = _Part(data, origin, "")
    layout = Layout(
        name=top.take("name", str),
        title=top.take("title", str),
        source=top.take("source", str, ""),
        publish_within=top.take("publish_within_working_days", int, None),
        no_code=top.take("no_code", str, None),
        no_end=top.take("no_end", date, None),
        ignored_rows=top.words("ignored_rows"),
        tables=tuple(_table(part) for part in top.parts("table")),
    )
    top.finish()
    if not layout.tables:
        raise LayoutError(origin, "table", "there is none")
    return layout


class _Part:
    """One table of the file, taken apart key by key, so that a misspelt key is an error and not silently nothing."""

    def __init__(self, data: dict[str, Any], origin: str, path: str) -> None:
        self.left = dict(data)
        self.origin = origin
        self.path = path

    def fail(self, name: str, message: str) -> LayoutError:
        return LayoutError(self.origin, f"{self.path}{name}", message)

    def take(self, name: str, kind: type, *default: Any) -> Any:
        if name not in self.left:
            if default:
                return default[0]
            raise self.fail(name, "is missing")
        value = self.left.pop(name)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise self.fail(name, f"is not {kind.__name__}: {value!r}")
        return unicodedata.normalize("NFKC", value) if isinstance(value, str) else value

    def words(self, name: str) -> tuple[str, ...]:
        value = self.left.pop(name, [])
        if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
            raise self.fail(name, f"is not a list of texts: {value!r}")
        return tuple(unicodedata.normalize("NFKC", word) for word in value)

    def parts(self, name: str) -> list["_Part"]:
        value = self.left.pop(name, [])
        if not isinstance(value, list) or not all(isinstance(part, dict) for part in value):
            raise self.fail(name, "is not a list of tables")
        return [_Part(part, self.origin, f"{self.path}{name}[{n}].") for n, part in enumerate(value, start=1)]

    def finish(self) -> None:
        if self.left:
            raise self.fail(min(self.left), "is not a key that is known here")


def _named(table: Table) -> Mapping[str, tuple[str, ...]]:
    """The titles that keys of a table name, by key."""
    return {
        "decided": (table.decided,) if table.decided else (),
        "valid": table.valid or (),
        "same": table.same,
        "required": tuple(column.required.column for column in table.columns if isinstance(column.required, Need)),
    }


def _table(part: _Part) -> Table:
    columns = tuple(_column(one) for one in part.parts("column"))
    valid = part.words("valid")
    table = Table(
        code=part.take("code", str),
        title=part.take("title", str),
        columns=columns,
        decided=part.take("decided", str, None),
        published=part.words("published"),
        valid=(valid[0], valid[1]) if len(valid) == 2 else None,
        same=part.words("same"),
    )
    part.finish()
    titles = {column.title for column in columns}
    if not columns:
        raise part.fail("column", "there is none")
    if valid and table.valid is None:
        raise part.fail("valid", "is not two titles")
    if len(titles) != len(columns):
        raise part.fail("column", "two columns have one title")
    for name, named in _named(table).items():
        for title in named:
            if title not in titles:
                raise part.fail(name, f"there is no column {title}")
    seen: dict[str, str] = {}
    for column in columns:
        for spelling in {key(column.title), *map(key, column.aliases)}:
            if seen.setdefault(spelling, column.title) != column.title:
                raise part.fail("column", f"{column.title} and {seen[spelling]} can be spelt alike")
    return table


def _column(part: _Part) -> Column:
    column = Column(
        title=part.take("title", str),
        aliases=part.words("aliases"),
        required=_required(part),
        check=part.take("check", str, None),
        choices=part.words("choices"),
        several=part.take("several", bool, False),
        open=part.take("open", str, None),
        personal=part.take("personal", bool, False),
    )
    part.finish()
    if column.check is not None and column.check not in CHECKS:
        raise part.fail("check", f"is none of {', '.join(sorted(CHECKS))}: {column.check}")
    if (column.check == "code") != bool(column.choices):
        raise part.fail("choices", 'goes with check = "code", and only with it')
    return column


def _required(part: _Part) -> bool | Need:
    value = part.left.pop("required", False)
    if isinstance(value, bool):
        return value
    if isinstance(value, dict):
        when = _Part(value, part.origin, f"{part.path}required.")
        column = when.take("column", str)
        equal, inside = when.words("in"), when.words("has")
        when.finish()
        if bool(equal) != bool(inside):
            return Need(column, equal or inside, contains=bool(inside))
    raise part.fail("required", "is neither true nor { column = …, in = […] } nor { column = …, has = […] }")
