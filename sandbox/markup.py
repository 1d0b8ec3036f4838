"""Keyboards: checked as Telegram checks them, in the form it gives them back."""

import json
from typing import Any

from sandbox.entities import is_url, utf16_length
from sandbox.errors import bad_request
from sandbox.params import Params
from sandbox.world import Json

LONGEST_DATA = 64  # bytes
MOST_BUTTONS = 100
MOST_IN_A_ROW = 8
LONGEST_MARKUP = 10_000  # bytes of JSON
INLINE_ACTIONS = (
    "url",
    "callback_data",
    "switch_inline_query",
    "switch_inline_query_current_chat",
    "copy_text",
    "web_app",
    "login_url",
    "pay",
)
KEYBOARD_FIELDS = ("is_persistent", "resize_keyboard", "one_time_keyboard", "input_field_placeholder", "selective")


def read_markup(params: Params) -> Json | None:
    """The checked `reply_markup` of a request; None where there is none. ApiError 400 for one Telegram refuses."""
    markup = params.json("reply_markup")
    if markup is None:
        return None
    if not isinstance(markup, dict):
        raise bad_request("object expected as reply markup")
    if "inline_keyboard" in markup:
        return _inline(markup["inline_keyboard"])
    if "keyboard" in markup:
        return _reply(markup)
    if markup.get("remove_keyboard"):
        return {"remove_keyboard": True, "selective": bool(markup.get("selective"))}
    if markup.get("force_reply"):
        return {"force_reply": True, "selective": bool(markup.get("selective"))}
    return None


def read_inline_markup(params: Params) -> Json | None:
    """As `read_markup`, for edits: only inline keyboards are possible there."""
    markup = read_markup(params)
    if markup is not None and "inline_keyboard" not in markup:
        raise bad_request("inline keyboard expected")
    return markup


def _rows(rows: Any, what: str) -> list[list[Any]]:
    if not isinstance(rows, list):
        raise bad_request(f'can\'t parse {what}: Field "keyboard" must be of type Array')
    for row in rows:
        if not isinstance(row, list):
            raise bad_request(f'can\'t parse {what}: Field "keyboard" must be an Array of Arrays')
    kept = [row for row in rows if row]
    if sum(map(len, kept)) > MOST_BUTTONS or any(len(row) > MOST_IN_A_ROW for row in kept):
        raise bad_request("reply markup is too long")
    return kept


def _inline(rows: Any) -> Json | None:
    keyboard = [[_inline_button(button) for button in row] for row in _rows(rows, "inline keyboard")]
    if len(json.dumps(keyboard, ensure_ascii=False).encode()) > LONGEST_MARKUP:
        raise bad_request("reply markup is too long")
    return {"inline_keyboard": keyboard} if keyboard else None


def _inline_button(button: Any) -> Json:
    if not isinstance(button, dict):
        raise bad_request("can't parse inline keyboard button: InlineKeyboardButton must be an Object")
    text = button.get("text")
    if not isinstance(text, str):
        raise bad_request("can't parse inline keyboard button: Can't find field \"text\"")
    if not text.strip():
        raise bad_request("inline keyboard button text must be non-empty")
    actions = [name for name in INLINE_ACTIONS if button.get(name) is not None]
    if not actions:
        raise bad_request("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
    action, value = actions[0], button[actions[0]]
    if action == "callback_data":
        if not isinstance(value, str):
            raise bad_request('can\'t parse inline keyboard button: Field "callback_data" must be of type String')
        utf16_length(value)  # refuses what is no UTF-8
        if not 1 <= len(value.encode()) <= LONGEST_DATA:
            raise bad_request("BUTTON_DATA_INVALID")
    if action == "url" and not (isinstance(value, str) and is_url(value)):
        raise bad_request(f"inline keyboard button URL '{value}' is invalid: Wrong HTTP URL")
    return {"text": text, action: value}


def _reply(markup: Json) -> Json:
    keyboard = []
    for row in _rows(markup["keyboard"], "keyboard"):
        keys = [{"text": key} if isinstance(key, str) else key for key in row]
        for key in keys:
            if not isinstance(key, dict) or not isinstance(key.get("text"), str):
                raise bad_request("can't parse keyboard button: KeyboardButton must be a String or an Object")
            if not key["text"].strip():
                raise bad_request("keyboard button text must be non-empty")
        keyboard.append(keys)
    if not keyboard:
        raise bad_request("object expected as reply markup")
    placeholder = markup.get("input_field_placeholder")
    if isinstance(placeholder, str) and utf16_length(placeholder) > 64:
        raise bad_request("input field placeholder is too long")
    return {"keyboard": keyboard, **{name: markup[name] for name in KEYBOARD_FIELDS if markup.get(name) is not None}}
