"""Every word the bot says: facts go in, messages in Telegram HTML come out. User text is escaped here alone."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from templates.splitting import plain, split

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["exists", "plain", "refusal", "refusal_codes", "render", "split", "word", "word_names"]

FOLDER = Path(__file__).parent

_GAPS = re.compile(r"\n{3,}")


@cache
def _template(name: str) -> "Template":
    # Loaded when something is first said: a start does not wait for it.
    from templates.environment import ENVIRONMENT

    return ENVIRONMENT.get_template(f"{name}.j2")


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
