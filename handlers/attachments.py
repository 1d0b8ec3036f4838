"""The file in a message, whatever kind Telegram makes of it."""

from telegram import Message

import templates
from scheduler.hand_ins import FileSent
from store import names


def file_in(message: Message) -> FileSent | None:
    """The document, picture, film or recording of a message; None for what cannot be handed in.

    Pictures and recordings have no name of their own and get one with the number of their message.
    """
    document = message.document or message.video or message.audio
    if document is not None:
        name = names.clean(document.file_name or "") or _named("file", message)
        return FileSent(name, document.file_id, document.file_unique_id, document.file_size, document.mime_type)
    if message.photo:
        largest = message.photo[-1]
        name = _named("photo", message)
        return FileSent(name, largest.file_id, largest.file_unique_id, largest.file_size, "image/jpeg")
    if message.voice is not None:
        voice = message.voice
        return FileSent(_named("voice", message), voice.file_id, voice.file_unique_id, voice.file_size, voice.mime_type)
    return None


def kind_in(message: Message) -> str:
    """What the Bot API calls the sort of file that ``file_in`` found: it is sent on under that name."""
    kinds = ("document", "video", "audio", "photo", "voice")
    return next((kind for kind in kinds if getattr(message, kind)), "document")


def sending(kind: str, file_id: str) -> tuple[str, dict[str, str]]:
    """The method that sends a file on by its id, and its parameters."""
    return f"send{kind.capitalize()}", {kind: file_id}


def _named(kind: str, message: Message) -> str:
    return templates.word(f"unnamed_{kind}", number=message.message_id)
