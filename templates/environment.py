"""Jinja2 as the templates use it: what stands in a file is escaped, and what is missing is an error."""

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

import templates
from templates.wording import FILTERS

ENVIRONMENT = Environment(
    loader=FileSystemLoader(templates.FOLDER),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
    cache_size=-1,
)


def _fault(finding: Mapping[str, Any]) -> Markup:
    """The sentence for one finding of a check: its ``code`` with its ``facts``."""
    sentence = templates.render("faults", code=finding["code"], **finding["facts"])
    return Markup(sentence)  # noqa: S704 - rendered with autoescape


class _Macros:
    """The macros of a template, which is read when the first of them is called."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, macro: str) -> Any:
        return getattr(ENVIRONMENT.get_template(f"{self._name}.j2").module, macro)


ENVIRONMENT.filters |= {**FILTERS, "fault": _fault}
# A block rendered by itself does not see what its file imports, so these are at hand in every template.
ENVIRONMENT.globals |= {name: _Macros(name) for name in ("closing", "labels", "roles")}
