"""Results of verbs in chat: in pages, as a picture, as files; and where they may be shown at all."""

import re
from collections.abc import Mapping
from typing import Any

from telegram import Update
from telegram.ext import CallbackQueryHandler

import templates
from handlers import keyboards, labels, picturing, proposals, review_buttons, screens
from handlers.callers import caller, in_private
from handlers.context import Context, KaopingApplication
from handlers.keyboards import NUMBER
from handlers.made import beside
from handlers.notices import deliver
from handlers.places import summary_chat
from handlers.screens import PAGE_ACTION, PICTURE_ACTION
from store import acting, blobs, drafts, people
from store.commands import VERBS, Act, Verb, parse, written
from store.drafts import Draft
from store.people import Person

KIND = "pages"
KEPT = 5
"""Results a person can still turn the pages of; older ones are asked for again."""

NEXT = {"pending": "remind", "held": "held decide"}
NEXT_ACTION = "vn"
"""Another verb to begin: ``vn:<verb>``"""

_BUTTON = re.compile(rf"(?:{PAGE_ACTION}|{PICTURE_ACTION}):({NUMBER})(?::([0-9]{{1,4}}))?")


def register(application: KaopingApplication) -> None:
    """Adds what this file answers to."""
    application.add_handler(CallbackQueryHandler(turned, pattern=rf"^(?:{PAGE_ACTION}|{PICTURE_ACTION}):"))


def show(context: Context, act: Act, verb: Verb, given: Mapping[str, Any]) -> None:
    """Runs a verb that changes nothing, and shows what it found."""
    result = acting.run(act, verb, **given)
    deliver(context.session, act.notices, context.now, summary_chat=summary_chat(context))
    tell(context, act, verb, given, result)


def tell(context: Context, act: Act, verb: Verb, given: Mapping[str, Any], result: Any) -> None:
    """Says a result: in place of the preview it was confirmed on, with its files after it."""
    text = screens.told(act, verb, result, bot=context.bot.username)
    pages = templates.split(text, screens.PAGE_UNITS)
    picture = picturing.can_show(result)
    if not verb.changes and (picture or len(pages) > 1):
        draft = remember(context, act.actor, verb, given)
        screen = screens.paged(text, draft.id, 0, picture=picture)
        context.edit(screen.text, markup=_and_below(context, act, verb, result, screen.markup))
    else:
        context.edit(text, markup=_and_below(context, act, verb, result, None))
    for file in getattr(result, "files", ()):
        context.send_file(file.name, blob=blobs.put(context.session, file.content, context.now))
    if (made := beside(result, context.bot.username, context.now)) is not None:
        context.send_file(made[0], made=made[1], sensitive=True)
    if verb.name == proposals.LISTS:
        proposals.offer(context, act.actor)


def _and_below(
    context: Context, act: Act, verb: Verb, result: Any, markup: keyboards.Keyboard | None
) -> keyboards.Keyboard:
    """The buttons of a result: to its pages, and to what may be done about it."""
    turning = markup["inline_keyboard"] if markup else []
    return keyboards.inline(*turning, *review_buttons.under(result), _next(context, act, verb, result))


def _next(context: Context, act: Act, verb: Verb, result: Any) -> list[dict[str, str]]:
    """What one mostly does after this: remind who is on the list, decide what is held."""
    follows = VERBS.get(NEXT.get(verb.name, ""))
    something = any(getattr(result, name, ()) for name in ("departments", "holds"))
    if follows is None or not something or not in_private(context):
        return []
    if not follows.roles & people.roles_of(context.session, act.actor):
        return []
    return [keyboards.button(labels.title(follows), NEXT_ACTION, follows.template)]


def remember(context: Context, person: Person, verb: Verb, given: Mapping[str, Any]) -> Draft:
    """The draft of a result whose pages can be turned; it is asked for anew at every turn."""
    known = drafts.under_way(context.session, person_id=person.id, chat_id=context.chat_id, kinds=(KIND,))
    for old in known[KEPT - 1 :]:
        drafts.finished(context.session, old)
    data = {"verb": verb.name, "texts": written(verb, given)}
    return drafts.opened(
        context.session, person_id=person.id, chat_id=context.chat_id, kind=KIND, data=data, now=context.now
    )


async def turned(update: Update, context: Context) -> None:
    """Another page, or the picture: found anew, for whoever asked and is still allowed to."""
    query = update.callback_query
    match = _BUTTON.fullmatch(query.data or "") if query is not None else None
    person = caller(context)
    draft = drafts.find(context.session, int(match[1])) if match else None
    if query is None or match is None or person is None or draft is None or draft.kind != KIND:
        context.answer(templates.plain(templates.refusal("button_outdated", {})), alert=True)
        return
    if draft.person_id != person.id or draft.chat_id != context.chat_id:
        context.answer(templates.plain(templates.refusal("button_of_another", {})), alert=True)
        return
    context.answer()
    act, verb = Act(context.session, context.now, person, "chat"), VERBS[draft.data["verb"]]
    result = acting.run(act, verb, **parse(act, verb, draft.data["texts"]))
    if (query.data or "").startswith(f"{PICTURE_ACTION}:"):
        if picturing.can_show(result):
            context.send_file(f"{verb.template}.png", picture=picturing.picture_of(result, context.now))
        return
    text = screens.told(act, verb, result, bot=context.bot.username)
    screen = screens.paged(text, draft.id, int(match[2] or 0), picture=picturing.can_show(result))
    context.edit(screen.text, markup=_and_below(context, act, verb, result, screen.markup))
