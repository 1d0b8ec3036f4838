"""同意 and 看明细 under a frozen result. Who may agree is checked in the act, whoever taps."""

import re

from telegram import Update
from telegram.ext import CallbackQueryHandler

import templates
from handlers import keyboards, places, results, screens
from handlers.admins import act_of
from handlers.callers import registered
from handlers.context import Context, KaopingApplication
from handlers.notices import deliver
from scoring.result_tables import ResultSet
from store import acting
from store.commands import VERBS
from store.errors import Refusal
from store.people import Person

_BUTTON = re.compile(rf"(agree|agree_for_good|agree_not|detail):({keyboards.NUMBER})")
_ASKED = ("agree", "detail")


def register(application: KaopingApplication) -> None:
    """Adds what this file answers to."""
    application.add_handler(CallbackQueryHandler(tapped, pattern=r"^(?:agree(?:_for_good|_not)?|detail):"))


async def tapped(update: Update, context: Context) -> None:
    """A tap on one of these buttons. Raises Refusal button_outdated, or what the verb refuses."""
    query = update.callback_query
    match = _BUTTON.fullmatch((query.data if query else None) or "")
    person = registered(context)
    result = context.session.get(ResultSet, int(match[2])) if match else None
    if match is None or result is None:
        raise Refusal("button_outdated")
    if match[1] == "detail":
        _show(context, person, result)
        return
    act, verb = act_of(context, person), VERBS["approve"]
    if match[1] == "agree_not":
        context.answer()
        _buttons(context, result, _ASKED)
        return
    if match[1] == "agree":
        # Whoever could not agree is told so now, and not after he has made up his mind.
        acting.preview(act, verb, result=result)
        context.answer()
        _buttons(context, result, ("agree_for_good", "agree_not"))
        return
    done = acting.run(act, verb, result=result)
    context.answer()
    deliver(context.session, act.notices, context.now, summary_chat=places.summary_chat(context))
    _buttons(context, result, ("detail",))
    context.reply(screens.told(act, verb, done))


def _show(context: Context, person: Person, result: ResultSet) -> None:
    act, verb = act_of(context, person), VERBS["results show"]
    shown = acting.run(act, verb, result=result)
    context.answer()
    text = screens.told(act, verb, shown)
    draft = results.remember(context, person, verb, {"result": result})
    screen = screens.paged(text, draft.id, 0, picture=False)
    context.reply(screen.text, markup=screen.markup)


def _buttons(context: Context, result: ResultSet, actions: tuple[str, ...]) -> None:
    """What is under the message from now on; the message itself may be a picture."""
    query = context.incoming.callback_query
    if query is not None and query.message is not None:
        markup = keyboards.inline(
            [keyboards.button(templates.word(f"button_{one}"), one, result.id) for one in actions]
        )
        payload = {"message_id": query.message.message_id, "reply_markup": markup}
        context.call("editMessageReplyMarkup", payload, chat_id=query.message.chat.id)
