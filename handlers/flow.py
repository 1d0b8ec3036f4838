"""The next screen of a verb under way: a question or the preview. Needs no update: a fetched file comes without one."""

from typing import Any

from handlers import screens
from handlers.guided import KIND, Guide
from handlers.screens import Screen
from store import acting, drafts
from store.commands import Act, to_json
from store.drafts import Draft
from store.errors import Refusal


def opened(act: Act, chat_id: int, guide: Guide) -> Draft:
    """The draft of a verb that has just begun."""
    guide.touched = act.now.isoformat()
    return drafts.opened(
        act.session, person_id=act.actor.id, chat_id=chat_id, kind=KIND, data=guide.data(), now=act.now
    )


def shown(act: Act, guide: Guide, draft: Draft, *, fault: Refusal | None = None) -> Screen:
    """What comes next, and the draft brought up to it. Raises the verb's Refusal where the preview finds one."""
    guide.touched = act.now.isoformat()
    if guide.asking is not None:
        screen = screens.question(act, guide, draft.id, fault=fault)
    else:
        seen = acting.preview(act, guide.verb, **guide.given(act))
        guide.seen = figures(seen)
        screen = screens.preview(act, guide, draft.id, seen)
    drafts.amended(act.session, draft, guide.data())
    return screen


def figures(seen: acting.Preview) -> dict[str, Any]:
    """What of a preview must not have changed when it is confirmed."""
    return {"before": to_json(seen.before), "after": to_json(seen.after), "need": to_json(seen.need)}
