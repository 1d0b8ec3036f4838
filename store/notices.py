"""What the rooms below have to tell people: they only return notices, the handlers word and send them."""

from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Audience:
    """Who is told. ``id`` is a department's or a person's, and None for the others."""

    kind: Literal["department", "heads", "administrators", "leading_group", "person", "summary_chat"]
    id: int | None = None


@dataclass(frozen=True)
class Notice:
    """One thing to tell one audience.

    ``kind`` names the template ``notices/<kind>.j2``; ``facts`` are JSON-able and fill it in. ``topic`` comes back to
    the room when the message has been sent. ``picture`` is drawn when it is sent: ``{"kind": …, "data": {…}}``.
    ``buttons`` are pairs of an action and its argument, e.g. ``("confirm", "3")``; their words are the handlers'.
    ``files`` go along: pairs of the Bot API's name of their kind and Telegram's id, e.g. ``("document", "BQAC…")``.
    """

    kind: str
    to: Audience
    facts: dict[str, Any] = field(default_factory=dict)
    topic: str | None = None
    picture: dict[str, Any] | None = None
    buttons: tuple[tuple[str, str], ...] = ()
    files: tuple[tuple[str, str], ...] = ()
