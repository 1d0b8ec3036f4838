"""帮助: what this person may do, by his roles, out of the registry."""

from itertools import groupby

import templates
from handlers.context import Context
from store import people
from store.commands import VERBS, Verb
from store.people import DEPARTMENT_ROLES, Appointment, Department, Person, Role

ORDER = ("score", "ledger", "appeals", "obligations", "duties", "tasks", "calendar", "results", "files", "people")
"""The groups of verbs, as they are listed; a new one comes last."""


def text(context: Context, person: Person) -> str:
    """The help of a person, in Telegram's HTML."""
    roles = people.roles_of(context.session, person)
    allowed = sorted((verb for verb in VERBS.values() if verb.roles & roles), key=_place)
    groups = [(name, [_line(verb) for verb in verbs]) for name, verbs in groupby(allowed, key=lambda verb: verb.group)]
    return templates.render(
        "help",
        name=person.name,
        offices=[_office(context, one) for one in people.appointments_of(context.session, person)],
        groups=groups,
        oversees=bool(roles & {Role.ADMINISTRATOR, Role.LEADING_GROUP}),
        hands_in=bool(roles & DEPARTMENT_ROLES),
        rates=bool(roles & {Role.RATER, Role.HEAD}),
    )


def _place(verb: Verb) -> int:
    return ORDER.index(verb.group) if verb.group in ORDER else len(ORDER)


def _line(verb: Verb) -> dict[str, str]:
    return {"name": verb.name, "word": verb.words[0] if verb.words else f"/{verb.template}"}


def _office(context: Context, held: Appointment) -> dict[str, str | None]:
    unit = context.session.get(Department, held.department_id) if held.department_id else None
    return {"role": held.role, "department": unit.name if unit else None}
