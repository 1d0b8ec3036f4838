"""The words of the tables that go with a result: ``templates/papers/tables.toml``."""

import tomllib
from functools import cache
from typing import Any

from templates import FOLDER


@cache
def table_words() -> dict[str, Any]:
    """Titles, columns and notes."""
    return tomllib.loads((FOLDER / "papers" / "tables.toml").read_text("utf-8"))
