"""Buttons under messages, as the Bot API wants them. What a button carries is an action and its arguments."""

from collections.abc import Mapping, Sequence
from typing import Any

import templates

LIMIT = 64
"""Bytes of callback data that Telegram takes."""

NUMBER = r"[0-9]{1,9}"
"""A row's number in callback data. No table comes to more, and PostgreSQL fails on what no integer holds."""

ROWS = 40
"""Buttons under a list, at most: of more Telegram takes none at all. The text lists the others too."""

Keyboard = dict[str, Any]


def data(action: str, *arguments: object) -> str:
    """Callback data: ``action:argument:…``. Raises ValueError for more than Telegram takes."""
    packed = ":".join([action, *map(str, arguments)])
    if len(packed.encode()) > LIMIT:
        raise ValueError(f"callback data of more than {LIMIT} bytes: {packed}")
    return packed


def button(label: str, action: str, *arguments: object) -> dict[str, str]:
    """One inline button; ``label`` is plain text."""
    return {"text": label, "callback_data": data(action, *arguments)}


def inline(*rows: Sequence[dict[str, str]]) -> Keyboard:
    """Inline buttons in rows, top to bottom; empty rows are left out."""
    return {"inline_keyboard": [list(row) for row in rows if row]}


def worded(actions: Sequence[tuple[str, str]], per_row: int = 3) -> Keyboard | None:
    """Buttons whose words stand in ``templates/words.j2`` as ``button_<action>``; None if there are none."""
    buttons = [button(templates.word(f"button_{action}"), action, argument) for action, argument in actions]
    if not buttons:
        return None
    return inline(*(buttons[start : start + per_row] for start in range(0, len(buttons), per_row)))


def reminder(lines: Sequence[Mapping[str, Any]], batch: str, *, seen: bool) -> Keyboard | None:
    """The buttons under a reminder of these obligations (facts as ``told_of`` gives them); None for none of them."""
    if not lines:
        return None
    if len(lines) == 1:
        number = lines[0]["obligation"]
        actions = [("hand_in", number), ("needed", number), *([("seen", batch)] if seen else [])]
        return inline([button(templates.word(f"button_{action}"), action, argument) for action, argument in actions])
    rows = [
        [button(templates.word("button_hand_in_this", title=_title(one)), "hand_in", one["obligation"])]
        for one in lines[:ROWS]
    ]
    actions = [("needed", batch), *([("seen", batch)] if seen else [])]
    rows.append([button(templates.word(f"button_{action}"), action, argument) for action, argument in actions])
    return inline(*rows)


def _title(one: Mapping[str, Any]) -> str:
    return templates.word("title", told=one, department="")


def ratings(lines: Sequence[Mapping[str, Any]], actions: Sequence[tuple[str, str]]) -> Keyboard:
    """The buttons under a call to rate from several places: each says which panel it is for, and for whom."""
    return inline(
        *(
            [button(templates.word("button_rate_of", one=one), action, argument)]
            for one, (action, argument) in zip(lines[:ROWS], actions[:ROWS], strict=True)
        )
    )


def appeals(lines: Sequence[Mapping[str, Any]]) -> Keyboard:
    """The buttons under a notice of several deductions: each says which one is to be reviewed."""
    return inline(
        *(
            [
                button(
                    templates.word("button_appeal_this", title=_title(one), number=one["entry"]), "appeal", one["entry"]
                )
            ]
            for one in lines[:ROWS]
        )
    )


def replies(*labels: str, placeholder: str = "") -> Keyboard:
    """A reply keyboard, one label a row: a tap is a message with a date, which a tap on an inline button has not."""
    keyboard: Keyboard = {
        "keyboard": [[{"text": label}] for label in labels],
        "resize_keyboard": True,
        "one_time_keyboard": True,
        "selective": True,
    }
    if placeholder:
        keyboard["input_field_placeholder"] = placeholder[:64]
    return keyboard


NO_REPLIES: Keyboard = {"remove_keyboard": True, "selective": True}
"""Takes a reply keyboard away."""
