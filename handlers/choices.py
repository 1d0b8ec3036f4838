"""Buttons of the departments: what a hand-in is for, withdrawing it, and those under a reminder.

Whoever may press is checked here, at each press: in a group anybody can. What a button names is looked up anew; one
that is forged, outdated or somebody else's is answered and changes nothing.
"""

import re
from collections.abc import Callable

from telegram import Update
from telegram.ext import CallbackQueryHandler

import templates
from handlers import hand_in, keyboards, task_reports
from handlers.callers import speaker
from handlers.context import Context, KaopingApplication
from handlers.owed import Owed, frame_of, open_now, owed
from scheduler import hand_ins, obligations
from scheduler.deadlines import due_day_of
from scheduler.reminders import batch_obligations
from scheduler.tables import HandIn, HandInState, Obligation
from store.errors import Refusal
from store.people import Department, Person
from store.times import china

_NUMBER = keyboards.NUMBER
_BATCH = rf"{_NUMBER}-[0-9]{{1,20}}"
_SHAPES = {
    "as": rf"({_NUMBER}):({_NUMBER})",
    "done": rf"({_NUMBER}):({_NUMBER})",
    "progress": rf"({_NUMBER}):({_NUMBER})",
    "drop": rf"({_NUMBER})",
    "undo": rf"({_NUMBER})",
    "undo_for_good": rf"({_NUMBER})",
    "keep": rf"({_NUMBER})",
    "hand_in": rf"({_NUMBER})",
    "needed": rf"({_NUMBER}|{_BATCH})",
    "seen": rf"({_BATCH})",
}


def register(application: KaopingApplication) -> None:
    """Adds what this file answers to."""
    application.add_handler(CallbackQueryHandler(tapped, pattern=rf"^(?:{'|'.join(_SHAPES)}):"))


async def tapped(update: Update, context: Context) -> None:
    """A tap on one of these buttons. Raises Refusal button_outdated for data of no known shape."""
    query = update.callback_query
    action, _, rest = ((query.data if query else None) or "").partition(":")
    match = re.fullmatch(_SHAPES[action], rest)
    if match is None:
        raise Refusal("button_outdated")
    person, departments = speaker(context)
    _ACTIONS[action](context, person, {one.id: one for one in departments}, *match.groups())


Units = dict[int, Department]
"""The departments for which the person at the button hands in, by id."""


def _assign(context: Context, person: Person, units: Units, number: str, obligation_id: str) -> None:
    one, target = _chosen(context, person, units, number, obligation_id)
    context.answer()
    hand_in.take_as_said(context, one, target, edit=True)


def _done(context: Context, person: Person, units: Units, number: str, obligation_id: str) -> None:
    one, target = _chosen(context, person, units, number, obligation_id)
    context.answer()
    hand_in.count(context, one, target, edit=True)


def _progress(context: Context, person: Person, units: Units, number: str, obligation_id: str) -> None:
    one, target = _chosen(context, person, units, number, obligation_id)
    context.answer()
    task_reports.report(context, one, target, edit=True)


def _chosen(context: Context, person: Person, units: Units, number: str, obligation_id: str) -> tuple[HandIn, Owed]:
    """What this person sent, and what he says it is for. Raises Refusal button_outdated for what it cannot be for."""
    one = _waiting(context, person, number)
    target = _target(context, units, obligation_id)
    if not hand_ins.could_be_meant(frame_of(context.session), target.obligation, one.sent_at):
        # Else a file kept waiting would be in time for any period that follows.
        raise Refusal("button_outdated")
    return one, target


def _drop(context: Context, person: Person, _units: Units, number: str) -> None:
    one = _waiting(context, person, number)
    hand_ins.drop(context.session, one)
    context.answer()
    context.edit(templates.render("departments/dropped", kind=one.kind), markup=keyboards.inline())


def _undo(context: Context, _person: Person, units: Units, number: str) -> None:
    one = _counted(context, units, number)
    obligation = context.session.get_one(Obligation, one.obligation_id)
    if context.now >= obligation.due_at:
        raise Refusal("withdraw_too_late", number=one.id, due=obligation.due_at)
    context.answer()
    _set_buttons(context, keyboards.worded([("undo_for_good", number), ("keep", number)]))


def _keep(context: Context, _person: Person, units: Units, number: str) -> None:
    _counted(context, units, number)
    context.answer()
    _set_buttons(context, keyboards.worded([("undo", number)]))


def _undo_for_good(context: Context, person: Person, units: Units, number: str) -> None:
    one = _counted(context, units, number)
    progress = one.state == HandInState.PROGRESS
    obligation = hand_ins.withdraw(frame_of(context.session), one, now=context.now)
    thing = owed(context.session, obligation, units[obligation.department_id], context.now)
    context.answer()
    text = templates.render(
        "departments/withdrawn",
        number=one.id,
        one=thing.told,
        by=person.name,
        still=obligation.handed_in_at,
        progress=progress,
    )
    context.edit(text, markup=keyboards.worded([("hand_in", str(obligation.id))]))


def _hand_in(context: Context, person: Person, units: Units, obligation_id: str) -> None:
    target = _target(context, units, obligation_id)
    context.answer()
    hand_in.choose(context, person, target)


def _needed(context: Context, _person: Person, units: Units, what: str) -> None:
    if "-" in what:
        listed = [one for one in batch_obligations(context.session, what) if one.department_id in units]
        things = [owed(context.session, one, units[one.department_id], context.now) for one in listed]
    else:
        things = [_target(context, units, what)]
    if not things:
        raise Refusal("button_of_another")
    context.answer()
    context.reply(templates.render("departments/needed", lines=[one.told for one in things]))


def _seen(context: Context, _person: Person, units: Units, batch: str) -> None:
    listed = [one for one in batch_obligations(context.session, batch) if one.department_id in units]
    if not listed:
        raise Refusal("button_of_another")
    obligations.seen(context.session, [one.id for one in listed], context.now)
    today = china(context.now).date()
    on_due_day = any(due_day_of(one.due_at) <= today for one in listed)
    context.answer(templates.word("seen_on_due_day" if on_due_day else "seen_until_due_day"))
    left = [one for one in open_now(context.session, units.values(), context.now) if one.obligation in listed]
    _set_buttons(context, keyboards.reminder([one.told for one in left], batch, seen=False))


def _waiting(context: Context, person: Person, number: str) -> HandIn:
    """What this person sent here and has not said yet what it is for."""
    one = context.session.get(HandIn, int(number))
    if one is None or one.chat_id != context.chat_id:
        raise Refusal("button_outdated")
    if one.person_id != person.id:
        raise Refusal("button_of_another")
    if one.state == HandInState.COUNTED:
        raise Refusal("hand_in_counts", number=one.id)
    if one.state != HandInState.WAITING:
        raise Refusal("hand_in_gone", number=one.id)
    return one


def _counted(context: Context, units: Units, number: str) -> HandIn:
    """A hand-in of one of these departments that counts, or progress."""
    one = context.session.get(HandIn, int(number))
    if one is None:
        raise Refusal("button_outdated")
    if one.department_id not in units:
        raise Refusal("button_of_another")
    if one.state not in (HandInState.COUNTED, HandInState.PROGRESS):
        raise Refusal("hand_in_gone", number=one.id)
    return one


def _target(context: Context, units: Units, obligation_id: str) -> Owed:
    """An obligation of one of these departments that is not exempted."""
    obligation = context.session.get(Obligation, int(obligation_id))
    if obligation is None:
        raise Refusal("button_outdated")
    if obligation.department_id not in units:
        raise Refusal("button_of_another")
    if obligation.exempted_at is not None:
        raise Refusal("exempted_already")
    return owed(context.session, obligation, units[obligation.department_id], context.now)


def _set_buttons(context: Context, markup: keyboards.Keyboard | None) -> None:
    query = context.incoming.callback_query
    if query is not None and query.message is not None:
        payload = {"message_id": query.message.message_id, "reply_markup": markup or keyboards.inline()}
        context.call("editMessageReplyMarkup", payload, chat_id=query.message.chat.id)


_ACTIONS: dict[str, Callable[..., None]] = {
    "as": _assign,
    "done": _done,
    "progress": _progress,
    "drop": _drop,
    "undo": _undo,
    "undo_for_good": _undo_for_good,
    "keep": _keep,
    "hand_in": _hand_in,
    "needed": _needed,
    "seen": _seen,
}
