"""What the rooms below have to tell becomes messages: for whom, in which words, with which buttons."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from sqlmodel import Session

import templates
from handlers import keyboards, rating_messages
from handlers.attachments import sending
from scheduler.reminders import TOPIC as REMINDER
from scoring.survey_tables import RatingDraft
from store import outbox, people
from store.notices import Notice
from store.outbox import Lane
from store.people import Department, Person, Role

log = structlog.get_logger(__name__)

CAPTION = 1024
"""UTF-16 units of a caption that Telegram takes."""


ROLE_ENDED = frozenset({"dismissed", "replaced"})
"""What is said to somebody who has lost a role: his menu shrinks with it."""


@dataclass
class _Round:
    """One delivery under way. The same words are said once to a chat, however many reasons there are to say them."""

    session: Session
    now: datetime
    said: set[tuple[int, str]] = field(default_factory=set)


def deliver(session: Session, notices: Iterable[Notice], now: datetime, *, summary_chat: int | None = None) -> None:
    """Writes the messages for ``notices`` into the outbox, in the transaction of what they tell of.

    What cannot arrive because its department has no contact that the bot can write to is listed to the
    administrators. Without a ``summary_chat``, what is meant for it goes to the administrators.
    """
    work = _Round(session, now)
    missed: dict[str, list[str]] = {}
    for notice in notices:
        # Some people speak for several departments: every notice says which one it is for.
        text = templates.render(f"notices/{notice.kind}", **{"to": _name(session, notice), **notice.facts})
        chats = _chats(session, notice, summary_chat)
        for chat_id in chats:
            _say(work, chat_id, text, notice)
        if notice.kind == "rating_missed":
            # What he has given is erased; it is not to go on standing in his chat.
            rating_messages.void(session, RatingDraft(**notice.facts["draft"]), "over", now)
        if notice.kind in ROLE_ENDED and notice.to.kind == "person":
            _new_menu(work, session.get_one(Person, notice.to.id))
        if not chats and notice.to.kind in {"department", "person"}:
            missed.setdefault(_name(session, notice), []).append(notice.kind)
        elif not chats and notice.to.kind != "heads":  # not every department has named its head
            log.warning("nobody to tell", notice=notice.kind, audience=notice.to.kind)
    if missed:
        told = [{"name": name, "kinds": list(dict.fromkeys(kinds))} for name, kinds in missed.items()]
        text = templates.render("notices/undelivered", missed=told)
        for person in _reachable(people.holders(session, Role.ADMINISTRATOR)):
            _say(work, person, text, None)


def _chats(session: Session, notice: Notice, summary_chat: int | None) -> list[int]:
    """The chats that are told, each once."""
    kind, key = notice.to.kind, notice.to.id
    if kind == "department" and key is not None:
        liaisons = _reachable(people.contacts(session, key, [Role.LIAISON]))
        speakers = liaisons or _reachable(people.contacts(session, key, [Role.HEAD]))
        return list(dict.fromkeys([*speakers, *people.groups_of(session, key)]))
    if kind == "heads" and key is not None:
        return _reachable(people.contacts(session, key, [Role.HEAD]))
    if kind == "person" and key is not None:
        person = session.get(Person, key)
        return _reachable([person] if person else [])
    if kind == "leading_group":
        return _reachable(people.holders(session, Role.LEADING_GROUP))
    if kind == "summary_chat" and summary_chat is not None:
        return [summary_chat]
    return _reachable(people.holders(session, Role.ADMINISTRATOR))


def _reachable(persons: Iterable[Person]) -> list[int]:
    return [one.telegram_id for one in persons if one.reachable and one.telegram_id is not None]


def _name(session: Session, notice: Notice) -> str:
    if notice.to.kind == "person":
        person = session.get(Person, notice.to.id)
        return person.name if person else ""
    department = session.get(Department, notice.to.id) if notice.to.kind in {"department", "heads"} else None
    return department.name if department else ""


def _say(work: _Round, chat_id: int, text: str, notice: Notice | None) -> None:
    if (chat_id, text) in work.said:
        return
    work.said.add((chat_id, text))
    picture = notice.picture if notice else None
    markup = _buttons(notice) if notice else None
    topic = notice.topic if notice else None
    if picture is not None and len(templates.split(text, CAPTION)) == 1:
        payload: dict[str, Any] = {"caption": text, "parse_mode": "HTML"}
        _send(work, chat_id, payload, markup, topic, picture)
        return
    if picture is not None:
        _send(work, chat_id, {}, None, None, picture)
    parts = templates.split(text)
    for number, part in enumerate(parts, 1):
        last = number == len(parts)
        payload = {"text": part, "parse_mode": "HTML", "link_preview_options": {"is_disabled": True}}
        # A message in parts has been delivered when its last part has.
        _send(work, chat_id, payload, markup if last else None, topic if last else None, None)
    for kind, file_id in notice.files if notice else ():
        method, payload = sending(kind, file_id)
        outbox.enqueue(work.session, chat_id=chat_id, method=method, payload=payload, lane=Lane.NOTICE, now=work.now)


def _new_menu(work: _Round, person: Person) -> None:
    """The menu of the roles that are left. By the outbox: on the command line nobody else could give it."""
    # The library behind the chat comes with it, which few verbs need.
    from handlers import menus

    if not person.reachable or person.telegram_id is None:
        return
    payload = menus.of(work.session, person)
    outbox.enqueue(
        work.session, chat_id=person.telegram_id, method="setMyCommands", payload=payload, lane=Lane.NOTICE,
        now=work.now,
    )  # fmt: skip


def _buttons(notice: Notice) -> keyboards.Keyboard | None:
    if len(notice.buttons) > 1 and notice.buttons[0][0] == "rate":
        return keyboards.ratings(notice.facts["lines"], notice.buttons)
    if notice.kind == "deducted" and len(notice.buttons) > 1:
        return keyboards.appeals(notice.facts["lines"])
    if notice.kind != "reminder" or notice.topic is None:
        return keyboards.worded(notice.buttons)
    # Several obligations, one message: each button says which it is for.
    seen = any(action == "seen" for action, _ in notice.buttons)
    return keyboards.reminder(notice.facts["lines"], notice.topic.removeprefix(REMINDER), seen=seen)


def _send(
    work: _Round,
    chat_id: int,
    payload: dict[str, Any],
    markup: keyboards.Keyboard | None,
    topic: str | None,
    picture: dict[str, Any] | None,
) -> None:
    if markup is not None:
        payload["reply_markup"] = markup
    attachment = {"field": "photo", "filename": f"{picture['kind']}.png", "picture": picture} if picture else None
    outbox.enqueue(
        work.session,
        chat_id=chat_id,
        method="sendPhoto" if picture else "sendMessage",
        payload=payload,
        lane=Lane.NOTICE,
        now=work.now,
        topic=topic,
        attachment=attachment,
    )
