"""The menu beside the input field, by role. A menu shows what there is; what is allowed is checked where it is done."""

from typing import Any

from sqlmodel import Session

import templates
from handlers import labels
from handlers.context import Aside, Context
from store import people
from store.commands import VERBS
from store.people import DEPARTMENT_ROLES, Person, Role

MOST = 100
"""Commands that Telegram takes in one menu."""


def commands(roles: frozenset[Role]) -> list[dict[str, str]]:
    """The menu of somebody with these roles: commands with their Chinese words."""
    menu = [_own("submit")] if roles & DEPARTMENT_ROLES else []
    menu += [_own("rate")] if roles & {Role.RATER, Role.HEAD} else []
    menu += [
        {"command": verb.template, "description": labels.title(verb)} for verb in VERBS.values() if verb.roles & roles
    ]
    menu.append(_own("help" if roles else "start"))
    return menu[:MOST]


def show(context: Context, person: Person) -> None:
    """Gives a person the menu of his roles in his private chat. May be lost: the next start gives it again."""
    context.work.asides.append(Aside("setMyCommands", of(context.session, person)))


def of(session: Session, person: Person) -> dict[str, Any]:
    """Parameters of setMyCommands for somebody's private chat."""
    scope = {"type": "chat", "chat_id": person.telegram_id}
    return {"commands": commands(people.roles_of(session, person)), "scope": scope}


def defaults() -> list[dict[str, Any]]:
    """Parameters of setMyCommands for everybody else, for the bot's start: private chats, and groups."""
    return [
        {"commands": commands(frozenset()), "scope": {"type": "all_private_chats"}},
        {"commands": [_own("bind"), _own("unbind")], "scope": {"type": "all_group_chats"}},
    ]


def _own(name: str) -> dict[str, str]:
    """A command that is no verb of the registry."""
    return {"command": name, "description": templates.word(f"menu_{name}")}
