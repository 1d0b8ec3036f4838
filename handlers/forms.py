"""Blank forms that a verb takes back filled in: handed out in the chat, written on the command line."""

from collections.abc import Callable, Mapping
from typing import Any

import templates
from scheduler.import_commands import vocabulary
from scheduler.import_form import blank
from scheduler.rating_form import paper_form
from scheduler.survey_commands import running_of
from scoring.standings import current_year, in_force
from store.commands import Act, Param
from store.errors import Refusal
from store.people import Department

FILE = "file"
"""A parameter of this name takes the form when it comes back."""
PAPER_BALLOTS = 30
"""Sheets in a blank workbook of paper ballots; whoever has more copies one."""


def _import_form(act: Act, _given: Mapping[str, Any]) -> bytes:
    return blank(vocabulary(act.session, in_force(act.session, current_year(act.session, act.now))))


def _paper_form(act: Act, given: Mapping[str, Any]) -> bytes:
    if "panel" not in given:
        raise Refusal("argument_missing", verb="survey paper", argument="panel")
    survey = running_of(act.session, given["panel"])
    rated = [act.session.get_one(Department, one) for one in survey.departments]
    return paper_form(in_force(act.session, survey.year), survey.panel, rated, PAPER_BALLOTS)


FORMS: dict[str, Callable[[Act, Mapping[str, Any]], bytes]] = {"import": _import_form, "survey paper": _paper_form}
"""By the name of the verb; what is known of its arguments says which form. Raises Refusal argument_missing, or what the
verb itself does, where they do not.
"""


def offered(verb: str, asked: Param | None) -> bool:
    """Whether a question comes with the blank form: the one for the file itself."""
    return verb in FORMS and asked is not None and asked.name == FILE


def file_name(verb: str) -> str:
    """What a form is called when it is sent."""
    return f"{templates.word(f'form_{verb}'.replace(' ', '_'))}.xlsx"
