"""Blank forms that a verb takes back filled in: handed out in the chat, written on the command line."""

from collections.abc import Callable

import templates
from scheduler.import_commands import vocabulary
from scheduler.import_form import blank
from scoring.standings import current_year, in_force
from store.commands import Act


def _import_form(act: Act) -> bytes:
    return blank(vocabulary(act.session, in_force(act.session, current_year(act.session, act.now))))


FORMS: dict[str, Callable[[Act], bytes]] = {"import": _import_form}
"""By the name of the verb."""


def file_name(verb: str) -> str:
    """What a form is called when it is sent."""
    return f"{templates.word(f'form_{verb}')}.xlsx"
