"""Files that a verb is given: in the chat a document that was sent and is kept, on the command line a path."""

import errno
from dataclasses import dataclass, field
from pathlib import Path

from store import blobs
from store.commands import Act
from store.errors import Refusal

KEPT = "blob:"
"""What a file that is kept is called by in arguments: this, its hash, and its name behind a blank."""


LARGEST = 512 * 1024 * 1024
"""Bytes that are read at once. The frozen result of a million entries has a quarter of it."""


def content_of(path: str | Path) -> bytes:
    """The bytes of a file or a pipe on this machine. Raises OSError, also for a device, which may have no end, and for
    more than LARGEST.
    """
    place = Path(path)
    if not (place.is_file() or place.is_fifo()):
        raise OSError(errno.ENOENT, "no such file", str(path))
    with place.open("rb") as file:
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise OSError(errno.EFBIG, "the file is too large", str(path))
    return content


@dataclass(frozen=True)
class Upload:
    """A file that somebody gave: its name, and its bytes. ``sha256`` names it where it is kept."""

    name: str
    content: bytes = field(repr=False)
    sha256: str = ""


def given(act: Act, text: str, *, keep: bool = False) -> Upload:
    """The file that a word means. ``keep``: one from the command line is kept as well, for a second person to see.

    Raises Refusal file_unreadable, or file_needed where no file was sent.
    """
    if act.via == "command line" and not text.startswith(KEPT):
        try:
            content = content_of(text)
        except OSError:
            raise Refusal("file_unreadable", file=text) from None
        return Upload(Path(text).name, content, blobs.put(act.session, content, act.now) if keep else "")
    sha256, _, name = text.removeprefix(KEPT).partition(" ")
    try:
        return Upload(name, blobs.get(act.session, sha256), sha256)
    except KeyError:
        raise Refusal("file_needed") from None


def written(upload: Upload) -> str:
    """Words that mean the same file again."""
    return f"{KEPT}{upload.sha256} {upload.name}" if upload.sha256 else upload.name
