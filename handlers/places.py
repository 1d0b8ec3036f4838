"""Where the office's work may be shown: in private, and scores in the chat that is configured for them."""

from handlers.callers import in_private
from handlers.context import Context
from store.commands import Verb
from store.errors import Refusal

IN_SUMMARY_CHAT = frozenset({"score", "rank"})
"""Verbs whose results may be shown in the chat to which summaries are posted."""


def summary_chat(context: Context) -> int | None:
    """The chat that is configured for summaries."""
    chat: int | None = context.bot_data.get("summary_chat")
    return chat


def refuse_in_groups(context: Context, verb: Verb) -> None:
    """Scores and the office's work are nobody's business in a group. Raises Refusal not_in_groups."""
    if in_private(context):
        return
    if verb.name in IN_SUMMARY_CHAT and context.chat_id == summary_chat(context):
        return
    raise Refusal("not_in_groups", verb=verb.name, bot=context.bot.username)
