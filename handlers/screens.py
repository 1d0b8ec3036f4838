"""What an administrator sees: a question with its choices, a preview with 确认/取消, a result in pages."""

from dataclasses import dataclass
from typing import Any

import templates
from handlers import keyboards, labels
from handlers.forms import offered
from handlers.guided import PAGE, Guide, pages
from handlers.keyboards import Keyboard, button, inline
from store.acting import Decided, Preview, Proposed
from store.commands import VERBS, Act, Choice, Param, Verb
from store.errors import Refusal

ACTION = "v"
"""Callback data of a verb under way: ``v:<draft>:<what>:…``"""
PAGE_ACTION = "vp"
"""Another page of a result: ``vp:<draft>:<page>``"""
PICTURE_ACTION = "vi"
"""A result as a picture: ``vi:<draft>``"""

PAGE_UNITS = 2400
"""UTF-16 units of one page of a result: what a telephone shows in two or three screens."""
NARROW = 7
"""Characters up to which two choices stand side by side."""


@dataclass(frozen=True)
class Screen:
    text: str
    markup: Keyboard | None = None


def question(act: Act, guide: Guide, draft_id: int, *, fault: Refusal | None = None) -> Screen:
    """What is asked now: what is known so far, the question, the choices, 上一步 and 取消."""
    param = guide.asking
    if param is None:
        raise ValueError("nothing is asked")
    choices = guide.offered(act)
    text = templates.render(
        "admins/question",
        title=labels.title(guide.verb),
        known=_known(act, guide),
        ask=labels.question(guide.verb, param.name),
        fault=templates.refusal(fault.code, fault.facts) if fault else None,
        search=guide.search,
        found=len(choices),
        searchable=bool(param.converter.choices),
    )
    return Screen(text, inline(*_choice_rows(guide, draft_id, param, choices), _ways_out(guide, draft_id, param)))


def _choice_rows(guide: Guide, draft_id: int, param: Param, choices: list[Choice]) -> list[list[dict[str, str]]]:
    shown = list(enumerate(choices))[guide.page * PAGE : (guide.page + 1) * PAGE]
    buttons = [
        button(labels.option(param, choice), ACTION, draft_id, "c", guide.mark, _key(choice, number, guide))
        for number, choice in shown
    ]
    longest = max((len(one["text"]) for one in buttons), default=0)
    abreast = 1 if longest > NARROW else 2 if longest > 1 else 5
    rows = [buttons[start : start + abreast] for start in range(0, len(buttons), abreast)]
    last = pages(choices) - 1
    turning = []
    if guide.page > 0:
        turning.append(button(templates.word("button_page_before"), ACTION, draft_id, "p", guide.mark, guide.page - 1))
    if guide.page < last:
        turning.append(button(templates.word("button_page_after"), ACTION, draft_id, "p", guide.mark, guide.page + 1))
    return [*rows, turning]


def _key(choice: Choice, number: int, guide: Guide) -> str:
    # The value itself where it is short: it means the same when the list has changed. Else its place in the list.
    return f"={choice.value}" if len(choice.value.encode()) <= 32 and ":" not in choice.value else f"{number}"


def _ways_out(guide: Guide, draft_id: int, param: Param) -> list[dict[str, str]]:
    row = []
    if offered(guide.verb.name, param):
        row.append(button(templates.word("button_form"), ACTION, draft_id, "t"))
    if guide.can_go_back:
        row.append(button(templates.word("button_back"), ACTION, draft_id, "b", guide.mark))
    if not param.required:
        row.append(button(templates.word("button_skip"), ACTION, draft_id, "s", guide.mark))
    return [*row, button(templates.word("button_cancel"), ACTION, draft_id, "x")]


def preview(act: Act, guide: Guide, draft_id: int, seen: Preview, *, stale: bool = False) -> Screen:
    """What would happen, with 确认 and 取消. ``stale``: it has changed since it was last shown."""
    verb = guide.verb
    text = previewed(act, verb, guide.texts, seen, stale=stale)
    amending = [
        button(
            templates.word("button_amend", label=labels.param(verb, param.name), given=param.name in guide.texts),
            ACTION, draft_id, "e", verb.params.index(param),
        )
        for param in guide.amendable
    ]  # fmt: skip
    rows = [amending[start : start + 3] for start in range(0, len(amending), 3)]
    last = [button(templates.word("button_confirm" if not seen.need else "button_propose"), ACTION, draft_id, "y")]
    if guide.can_go_back:
        last.append(button(templates.word("button_back"), ACTION, draft_id, "b", guide.mark))
    last.append(button(templates.word("button_cancel"), ACTION, draft_id, "x"))
    return Screen(text, inline(*rows, last))


def previewed(act: Act, verb: Verb, texts: dict[str, str], seen: Preview, *, stale: bool = False) -> str:
    """A preview in words, in Telegram's HTML."""
    detail = f"verbs/{verb.template}_preview"
    return templates.render(
        "admins/preview",
        title=labels.title(verb),
        known=arguments(act, verb, texts),
        seen=seen,
        cautions=[templates.refusal(one.code, one.facts) for one in seen.cautions],
        stale=stale,
        scores=verb.group == "ledger",
        detail=templates.render(detail, result=seen.result) if templates.exists(detail) else None,
    )


def _known(act: Act, guide: Guide) -> list[dict[str, str]]:
    return arguments(act, guide.verb, guide.texts)


def arguments(act: Act, verb: Verb, texts: dict[str, str]) -> list[dict[str, str]]:
    """Arguments as a person reads them: pairs of label and value."""
    return [
        {"label": labels.param(verb, param.name), "value": labels.value(act, verb, param, texts)}
        for param in verb.params
        if param.name in texts
    ]


def told(act: Act, verb: Verb, result: Any, *, bot: str | None = None) -> str:
    """A verb's result in words, in Telegram's HTML: the same for chat and, without its tags, for the command line.

    ``bot`` is the bot's username, for links to it.
    """
    if isinstance(result, Proposed):
        return templates.render("admins/proposed", title=labels.title(verb), result=result)

    def explain(name: str, texts: dict[str, str]) -> list[dict[str, str]]:
        return arguments(act, VERBS[name], texts) if name in VERBS else []

    if isinstance(result, Decided):
        decided = VERBS[result.verb]
        # A link is shown once, to whoever confirmed it.
        shown_once = told(act, decided, result.result, bot=bot) if getattr(result.result, "token", "") else None
        return templates.render("admins/decided", title=labels.title(decided), result=result, detail=shown_once)
    return templates.render(f"verbs/{verb.template}", result=result, bot=bot, explain=explain)


def paged(text: str, draft_id: int, page: int, *, picture: bool) -> Screen:
    """One page of a result, with buttons to the others."""
    parts = templates.split(text, PAGE_UNITS)
    page = max(0, min(page, len(parts) - 1))
    row = []
    if page > 0:
        row.append(button(templates.word("button_page_before"), PAGE_ACTION, draft_id, page - 1))
    if page < len(parts) - 1:
        row.append(button(templates.word("button_page_after"), PAGE_ACTION, draft_id, page + 1))
    below = [button(templates.word("button_picture"), PICTURE_ACTION, draft_id)] if picture else []
    shown = parts[page]
    if len(parts) > 1:
        shown += "\n\n" + templates.render("admins/page", page=page + 1, pages=len(parts))
    return Screen(shown, keyboards.inline(row, below) if row or below else None)
