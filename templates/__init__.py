"""Every word the bot says: facts go in, messages in Telegram HTML come out. User text is escaped here alone."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from templates.splitting import plain, split
from templates.wording import FILTERS

__all__ = ["exists", "plain", "refusal", "refusal_codes", "render", "split", "word", "word_names"]

FOLDER = Path(__file__).parent

_GAPS = re.compile(r"\n{3,}")

_environment = Environment(
    loader=FileSystemLoader(FOLDER),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
    cache_size=-1,
)
_environment.filters.update(FILTERS)


def _fault(finding: Mapping[str, Any]) -> Markup:
    """The sentence for one finding of a check: its ``code`` with its ``facts``."""
    return Markup(render("faults", code=finding["code"], **finding["facts"]))  # noqa: S704 - rendered with autoescape


_environment.filters["fault"] = _fault


@cache
def _template(name: str) -> Template:
    return _environment.get_template(f"{name}.j2")


def render(name: str, /, **facts: object) -> str:
    """The message of ``templates/<name>.j2`` in Telegram's HTML, filled in with ``facts``.

    A fact that the template asks for and did not get raises jinja2.UndefinedError; an unknown name raises
    jinja2.TemplateNotFound.
    """
    return _GAPS.sub("\n\n", _template(name).render(facts).strip())


def exists(name: str) -> bool:
    """Whether there is a template ``templates/<name>.j2``."""
    return (FOLDER / f"{name}.j2").is_file()


def refusal(code: str, facts: Mapping[str, object]) -> str:
    """The sentence for a Refusal, in Telegram's HTML. Raises KeyError for a code that has none."""
    return _block("refusals", code, facts)


def refusal_codes() -> frozenset[str]:
    """Every code that has its sentence."""
    return frozenset(_template("refusals").blocks)


def word(name: str, /, **facts: object) -> str:
    """A short plain text for a button, a keyboard or a menu: a block of ``templates/words.j2``.

    Raises KeyError for a name that has no block.
    """
    return plain(_block("words", name, facts)) if facts else _constant(name)


@cache
def _constant(name: str) -> str:
    return plain(_block("words", name, {}))


def word_names() -> frozenset[str]:
    """Every short text there is."""
    return frozenset(_template("words").blocks)


def _block(template: str, name: str, facts: Mapping[str, object]) -> str:
    source = _template(template)
    return "".join(source.blocks[name](source.new_context(dict(facts)))).strip()


class _Macros:
    """The macros of a template, which is read when the first of them is called: a start does not wait for it."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, macro: str) -> Any:
        return getattr(_template(self._name).module, macro)


# A block rendered by itself does not see what its file imports, so these are at hand in every template.
_environment.globals.update({name: _Macros(name) for name in ("closing", "labels", "roles")})
