"""加分申报 in chat: the buttons under the notices and lists of bonus claims. The rest is verbs."""

import re

from telegram import Update
from telegram.ext import CallbackQueryHandler

from handlers import keyboards
from handlers.appeals import begin_below
from handlers.callers import in_private, registered
from handlers.context import Context, KaopingApplication
from handlers.parsing import Line
from scoring import claims
from store import people
from store.commands import VERBS
from store.errors import Refusal
from store.people import Person, Role

_BUTTON = re.compile(rf"claim_(grant|refuse|file|add):({keyboards.NUMBER})")
_READS = frozenset({Role.ADMINISTRATOR, Role.LEADING_GROUP})


def register(application: KaopingApplication) -> None:
    """Adds what this file answers to."""
    application.add_handler(CallbackQueryHandler(tapped, pattern=r"^claim_"))


async def tapped(update: Update, context: Context) -> None:
    """Grant, refuse, look at the file, or begin a claim; each checked anew. Raises Refusal button_outdated."""
    query = update.callback_query
    match = _BUTTON.fullmatch(query.data or "") if query is not None else None
    if match is None or not in_private(context):
        raise Refusal("button_outdated")
    action, number, person = match[1], int(match[2]), registered(context)
    if action == "file":
        _send_file(context, person, number)
    elif action == "add":
        own = people.speaks_for(context.session, person)
        if number >= len(own):
            raise Refusal("button_outdated")
        begin_below(context, person, Line(VERBS["claim add"], f"--department {own[number].code}", slash=True))
    else:
        begin_below(context, person, Line(VERBS[f"claim {action}"], f"#{number}", slash=True))
    context.answer()


def _send_file(context: Context, person: Person, number: int) -> None:
    """The file of a claim, to the office, the leading group, and the department whose claim it is."""
    claim = claims.claim_numbered(context.session, number)
    own = claim.department_id in {one.id for one in people.speaks_for(context.session, person)}
    if not own and not _READS & people.roles_of(context.session, person):
        raise Refusal("claim_unknown", text=str(number))
    if claim.file is None or claim.file_name is None:
        raise Refusal("claim_file_gone", claim=number)
    context.send_file(claim.file_name, blob=claim.file)
