"""Handing in: files count as they come, text once its sender has confirmed, 零报告 as a message with its own date.

The instant that counts is the message's. What it is for follows from its caption, from the message it replies to, or
from what its sender has just chosen; where that leaves a doubt it is kept with its date, and the sender is asked.
"""

from collections.abc import Sequence

from telegram import Message

import templates
from handlers import fetched, keyboards, task_reports
from handlers.attachments import file_in
from handlers.callers import in_private, speaker
from handlers.context import Context
from handlers.meaning import CHOSEN, HAND_IN, MOST, OBLIGATION, meaning_of
from handlers.notices import deliver
from handlers.owed import Owed, frame_of, open_now, titles
from scheduler import hand_ins
from scheduler.hand_ins import FileSent, HandedIn, Kind
from scheduler.settlement import standing_deduction
from scheduler.tables import HandIn, HandInFile, HandInState
from store import drafts
from store.errors import Refusal
from store.people import Department, Person


def take_file(context: Context, message: Message) -> None:
    """A file: counts at once if it is clear what it is for, else waits with its date until its sender has said."""
    file = file_in(message)
    if file is None:
        raise Refusal("not_a_file")
    person, departments = speaker(context)
    if message.media_group_id is not None:
        _take_of_album(context, message, person, departments, file)
        return
    meaning = meaning_of(context, message, person, departments, message.caption)
    counts = meaning.clear is not None and task_reports.meant(meaning.clear, message.caption) == "done"
    target = meaning.clear if counts else None
    taken = _keep(context, message, person, departments, kind="file", text=message.caption, file=file, target=target)
    if target is not None:
        receipt(context, taken, target, [file])
    elif meaning.clear is not None:
        take_as_said(context, taken.hand_in, meaning.clear)
    else:
        ask(context, taken.hand_in, meaning.offered, file=file)


def _take_of_album(
    context: Context, message: Message, person: Person, departments: list[Department], file: FileSent
) -> None:
    """One of several files sent together: one hand-in with one receipt, whichever of its messages has the caption."""
    one = _keep(context, message, person, departments, kind="file", text=message.caption, file=file).hand_in
    joined = one.message_id != message.message_id
    if joined and one.state == HandInState.COUNTED and _too_large([file]):
        fetched.too_large(context.session, one, context.now)
    if joined and (one.state != HandInState.WAITING or not message.caption):
        return
    meaning = meaning_of(context, message, person, departments, message.caption)
    if meaning.clear is not None:
        take_as_said(context, one, meaning.clear)
    elif not joined:
        ask(context, one, meaning.offered, file=file)


def take_text(context: Context, message: Message, person: Person, departments: list[Department], text: str) -> None:
    """A text: kept with its date, and counts once its sender has confirmed what it is for."""
    meaning = meaning_of(context, message, person, departments, text)
    current = open_now(context.session, departments, context.now)
    offered = [meaning.clear] if meaning.clear else current[:MOST]
    if not offered:
        context.reply(templates.render("departments/nothing_owed", number=None), quote=not in_private(context))
        return
    taken = _keep(context, message, person, departments, kind="text", text=text)
    ask(context, taken.hand_in, offered)


def take_nil(context: Context, message: Message, person: Person, departments: list[Department], words: str) -> None:
    """零报告, for what the words name, or for what is plainly meant.

    Raises Refusal nil_not_allowed where the rule book asks for papers, nil_after_hand_in where something has come in
    already, nil_nothing where nothing is owed that could be nil.
    """
    meaning = meaning_of(context, message, person, departments, words)
    current = open_now(context.session, departments, context.now)
    possible = [one for one in current if one.told["nil_report"]]
    target = meaning.clear or (possible[0] if len(possible) == 1 else None)
    if target is None and not possible:
        if len(current) == 1:
            raise Refusal("nil_not_allowed", what=current[0].told["what"])
        raise Refusal("nil_nothing")
    if target is not None and not target.told["nil_report"]:
        raise Refusal("nil_not_allowed", what=target.told["what"])
    if target is not None and target.obligation.handed_in_at is not None:
        raise Refusal("nil_after_hand_in", told=target.told)
    taken = _keep(context, message, person, departments, kind="nil", text=None, target=target)
    if target is not None:
        receipt(context, taken, target)
    else:
        ask(context, taken.hand_in, possible[:MOST])


def take_as_said(context: Context, one: HandIn, target: Owed, *, edit: bool = False) -> None:
    """Takes what has waited for what its words say: a hand-in, or progress of a task; where they do not, asks."""
    how = task_reports.meant(target, one.text)
    if how == "done":
        count(context, one, target, edit=edit)
    elif how == "progress":
        task_reports.report(context, one, target, edit=edit)
    else:
        task_reports.ask(context, one, target, edit=edit)


def count(context: Context, one: HandIn, target: Owed, *, edit: bool = False) -> None:
    """Lets a hand-in count that has waited, and gives the receipt."""
    now = max(context.now, one.sent_at)
    done = hand_ins.assign(frame_of(context.session), one, target.obligation, now=now)
    if done.claimed:
        text = templates.render("departments/claimed", one=target.told, number=one.id, sent_at=one.sent_at)
        context.edit(text, markup=keyboards.inline()) if edit else context.reply(text, quote=True)
        return
    receipt(context, done, target, hand_ins.files_of(context.session, one), edit=edit)


def receipt(
    context: Context,
    done: HandedIn,
    target: Owed,
    files: Sequence[FileSent | HandInFile] = (),
    *,
    edit: bool = False,
) -> None:
    """Says what has come to count: as an answer, or in place of the question that was tapped."""
    one = done.hand_in
    if done.notices:
        deliver(context.session, done.notices, context.now)
    text = _receipt(context, done, target, files)
    markup = None
    if context.now < target.obligation.due_at:
        markup = keyboards.inline([keyboards.button(templates.word("button_undo"), "undo", one.id)])
    if edit:
        context.edit(text, markup=markup or keyboards.inline())
    else:
        context.reply(text, markup=markup, quote=True, topic=f"{HAND_IN}{one.id}")
    if _too_large(files):
        fetched.too_large(context.session, one, context.now)


def ask(context: Context, one: HandIn, offered: Sequence[Owed], *, file: FileSent | None = None) -> None:
    """Asks what a hand-in is for. Until that is answered it waits, with the date on which it was sent."""
    if not offered:
        context.reply(templates.render("departments/nothing_owed", number=one.id), quote=True)
        return
    if len(offered) == 1 and offered[0].obligation.task_id is not None:
        task_reports.ask(context, one, offered[0])
        return
    named = titles(list(offered))
    single = named[0] if len(named) == 1 else None
    yes = templates.word("button_as_single") if single and one.kind == "text" else None
    rows = [
        [keyboards.button(yes or _label(title, thing), "as", one.id, thing.obligation.id)]
        for title, thing in zip(named, offered, strict=True)
    ]
    drop = [keyboards.button(templates.word("button_drop"), "drop", one.id)]
    question = templates.render("departments/which", kind=one.kind, single=single, file=file, sent_at=one.sent_at)
    context.reply(question, markup=keyboards.inline(*rows, drop), quote=True, topic=f"{HAND_IN}{one.id}")


def choose(context: Context, person: Person, target: Owed) -> None:
    """Somebody says what he is about to hand in: what he sends next is for that. 零报告 is offered where it may be."""
    told = target.told
    _forget_choice(context, person)
    data = {"obligation": target.obligation.id, "used": context.now.isoformat()}
    drafts.opened(
        context.session, person_id=person.id, chat_id=context.chat_id, kind=CHOSEN, data=data, now=context.now
    )
    nil = told["nil_report"] and target.obligation.handed_in_at is None
    label = templates.word("nil_report", title=titles([target])[0])
    markup = keyboards.replies(label, placeholder=templates.word("write_here")) if nil else None
    text = templates.render(
        "departments/send_it",
        one=told,
        department=target.department.name,
        nil=nil,
        # In a group a reply keyboard opens only for who is named.
        mention=None if in_private(context) else {"id": person.telegram_id, "name": person.name},
    )
    context.reply(text, markup=markup, topic=f"{OBLIGATION}{target.obligation.id}")


def _forget_choice(context: Context, person: Person) -> None:
    for old in drafts.under_way(context.session, person_id=person.id, chat_id=context.chat_id, kinds=(CHOSEN,)):
        drafts.finished(context.session, old)


def _label(title: str, thing: Owed) -> str:
    return templates.word("button_title", title=title, standing=thing.standing)


def _keep(
    context: Context,
    message: Message,
    person: Person,
    departments: list[Department],
    *,
    kind: Kind,
    text: str | None,
    file: FileSent | None = None,
    target: Owed | None = None,
) -> HandedIn:
    """Writes a message down: it counts for ``target``, or waits for one; files of an album join the first."""
    return hand_ins.hand_in(
        frame_of(context.session),
        target.obligation if target else None,
        department_id=departments[0].id if len(departments) == 1 else None,
        sent_at=message.date,
        # Telegram's clock may be a moment ahead of ours.
        recorded_at=max(context.now, message.date),
        person_id=person.id,
        kind=kind,
        text=text,
        files=[file] if file else (),
        chat_id=message.chat.id,
        message_id=message.message_id,
        album=message.media_group_id,
    )


def _too_large(files: Sequence[FileSent | HandInFile]) -> bool:
    return any((file.size or 0) > hand_ins.LARGEST_FETCH for file in files)


def _receipt(context: Context, done: HandedIn, target: Owed, files: Sequence[FileSent | HandInFile]) -> str:
    one, on_time = done.hand_in, bool(done.on_time)
    standing = None if on_time else standing_deduction(context.session, target.obligation)
    return templates.render(
        "departments/receipt",
        one=target.brief,
        department=target.department.name,
        kind=one.kind,
        number=one.id,
        sent_at=one.sent_at,
        first=done.first,
        on_time=on_time,
        late=done.late,
        corrects=done.corrects,
        files=files,
        album=one.album is not None,
        too_large=_too_large(files),
        standing=standing.points if standing else None,
    )
