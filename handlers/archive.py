"""The files of a period as zip archives with a list of what came in, in parts that a bot can send (50 MB).

Parts are made one after another and files are opened one at a time, so that no more than one part is held in memory.
Names are safe on any system: no path leads out of the archive, none is too long, none comes twice.
"""

import io
import unicodedata
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from handlers.workbooks import listing, words
from store.times import china
from templates.wording import period

LARGEST = 50 * 1024 * 1024
"""Bytes that a bot may send in one file."""
LONGEST_NAME = 180
"""Bytes of one name in UTF-8; systems allow 255, and the department's is one of two."""

_RESERVED = {"con", "prn", "aux", "nul", *(f"{device}{n}" for device in ("com", "lpt") for n in range(1, 10))}
_FORBIDDEN = '\\/:*?"<>|'
_RESERVE = 16 * 1024
_DIRECTORY = 1_000  # What one file takes besides its bytes: its name twice, and its places.


@dataclass(frozen=True)
class Entry:
    """One file of a hand-in, or a hand-in without one (``name`` empty): words (``text``), or a nil report.

    ``content`` opens the file when its turn has come; None while its bytes are not here. ``size`` is in bytes.
    """

    number: int
    department: str
    what: str
    period: str | None
    sent_at: datetime
    state: str
    sender: str
    name: str = ""
    size: int = 0
    content: Callable[[], bytes] | None = None
    text: str = ""
    note: str = ""


@dataclass(frozen=True)
class Part:
    """One archive, ready to be sent."""

    name: str
    content: bytes


@dataclass
class _Placed:
    """An entry, the part it goes into (from 0; None: none), and its path there."""

    entry: Entry
    part: int | None
    path: str
    note: str


def parts(title: str, entries: Sequence[Entry], at: datetime, *, largest: int = LARGEST) -> Iterator[Part]:
    """The archives, first to last; at least one, as the list of nothing is an answer too. Each has the whole list.

    ``at``: when they are made.
    """
    text = words()["hand_ins"]
    placed, _ = _place(entries, largest)
    # How long the list is hardly depends on which part a file goes into.
    longest = len(listing(title, [_row(one) for one in placed], at)) + 100 * len(entries)
    placed, count = _place(entries, largest - longest)
    about = listing(title, [_row(one) for one in placed], at)
    for number in range(count):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            _write(archive, text["file"], about, at)
            for one in placed:
                if one.part == number:
                    _write(archive, one.path, _bytes(one.entry), one.entry.sent_at)
        name = title if count == 1 else text["part"].format(title=title, part=number + 1, parts=count)
        yield Part(safe(f"{name}.zip"), out.getvalue())


def packed(files: Iterable[tuple[str, bytes]], at: datetime) -> bytes:
    """An archive of these files, by path, as though they had all been written at ``at``: the same files give the same
    bytes.
    """
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files:
            _write(archive, path, content, at)
    return out.getvalue()


def safe(name: str) -> str:
    """A file name that means one file and nothing else on Linux, macOS and Windows, the end of its name kept."""
    name = unicodedata.normalize("NFC", name.encode("utf-8", "replace").decode("utf-8"))
    # Formatting marks go with control characters: one of them turns gnp.exe into exe.png to the eye.
    name = "".join("_" if _unsafe(character) else character for character in name).strip(" .")
    stem, dot, ending = name.rpartition(".")
    if not dot or len(ending) > 12 or not ending.isalnum():
        stem, ending = name, ""
    if stem.casefold() in _RESERVED:
        stem = f"_{stem}"
    ending = dot + ending if ending else ""
    room = LONGEST_NAME - len(ending.encode())
    stem = stem.encode()[:room].decode("utf-8", "ignore").rstrip(" .")
    return f"{stem or '_'}{ending}"


def _unsafe(character: str) -> bool:
    return character in _FORBIDDEN or unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")


def _place(entries: Sequence[Entry], largest: int) -> tuple[list[_Placed], int]:
    """Fills one part after another, in the order given."""
    room = largest - _RESERVE - _DIRECTORY * len(entries)
    taken: set[str] = set()
    placed: list[_Placed] = []
    part = used = 0
    for entry in entries:
        text = words()["hand_ins"]
        note = entry.note
        if entry.name and entry.content is None:
            note = note or text["not_fetched"]
        size = entry.size if entry.name else len(entry.text.encode("utf-8", "replace")) + 3
        size += size // 1_000  # What does not compress grows a little.
        fits = size <= room
        if not fits:
            note = note or text["too_large"]
        if not fits or not (entry.content if entry.name else entry.text):
            placed.append(_Placed(entry, None, "", note))
            continue
        used += size
        if used > room:
            part, used = part + 1, size
        placed.append(_Placed(entry, part, _path(entry, taken), note))
    return placed, part + 1


def _path(entry: Entry, taken: set[str]) -> str:
    """``department/number_name``, with a number of its own where it would come twice (case does not tell apart)."""
    folder = safe(entry.department)
    name = safe(f"{entry.number}_{entry.name or words()['hand_ins']['text_file']}")
    stem, dot, ending = name.rpartition(".") if "." in name else (name, "", "")
    path, again = f"{folder}/{name}", 2
    while path.casefold() in taken:
        path, again = f"{folder}/{stem}({again}){dot}{ending}", again + 1
    taken.add(path.casefold())
    return path


def _row(one: _Placed) -> dict[str, Any]:
    entry = one.entry
    row: dict[str, Any] = {key: getattr(entry, key) for key in ("number", "department", "what", "sent_at", "state")}
    row |= {"sender": entry.sender, "name": entry.name, "text": entry.text, "note": one.note, "path": one.path}
    row["period"] = period(entry.period) if entry.period else None
    row["size"] = entry.size if entry.name else None
    row["part"] = None if one.part is None else one.part + 1
    return row


def _bytes(entry: Entry) -> bytes:
    if entry.name:
        return entry.content() if entry.content else b""
    return entry.text.encode("utf-8-sig", "replace")


def _write(archive: zipfile.ZipFile, path: str, content: bytes, at: datetime) -> None:
    local = china(at)
    about = zipfile.ZipInfo(path, (local.year, local.month, local.day, local.hour, local.minute, local.second))
    about.compress_type = zipfile.ZIP_DEFLATED
    about.external_attr = 0o644 << 16
    archive.writestr(about, content)
