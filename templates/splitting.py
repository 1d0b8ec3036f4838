"""Long messages in parts that Telegram takes: counted as it counts, no tag left open, no entity cut."""

import re
from html import unescape

LIMIT = 4096
"""UTF-16 units of a text message, after its tags are parsed away. A caption has 1024."""

_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
_PIECE = re.compile(rf"{_TAG.pattern}|&(?:#\d+|#x[0-9a-fA-F]+|[a-zA-Z]+);|.", re.DOTALL)


def plain(text: str) -> str:
    """The text of a message without its tags, as a terminal shows it."""
    return unescape(_TAG.sub("", text))


def units(text: str) -> int:
    """The length of plain text in UTF-16 units: an emoji outside the basic plane is two."""
    return len(text) + sum(character > "\uffff" for character in text)


def split(text: str, limit: int = LIMIT) -> list[str]:
    """``text`` in parts of at most ``limit`` units, cut at line ends where there are any.

    A tag that is open at a cut is closed before it and opened again after it.
    """
    if len(text) * 2 <= limit or units(plain(text)) <= limit:
        return [text]
    parts: list[str] = []
    pieces: list[str] = []
    seen = 0  # units of what is shown of the pieces
    line_end = 0  # how many of the pieces end with the last whole line
    for piece in _PIECE.findall(text):
        shown = 0 if _TAG.fullmatch(piece) else units(unescape(piece))
        while seen + shown > limit:  # a line end right at the beginning makes too little room
            cut = line_end or len(pieces)
            opened = _open_tags(pieces[:cut])
            parts.append("".join([*pieces[:cut], *(f"</{_name(tag)}>" for tag in reversed(opened))]))
            left = pieces[cut:]
            while left and left[0] == "\n":
                del left[0]
            pieces = [*opened, *left]
            seen = units(plain("".join(left)))
            line_end = 0
        if piece == "\n":
            line_end = len(pieces)
        pieces.append(piece)
        seen += shown
    return [part for part in [*parts, "".join(pieces)] if plain(part).strip()]


def _open_tags(pieces: list[str]) -> list[str]:
    opened: list[str] = []
    for piece in pieces:
        if _TAG.fullmatch(piece):
            if piece.startswith("</"):
                opened.pop()
            else:
                opened.append(piece)
    return opened


def _name(tag: str) -> str:
    return tag[1:-1].split()[0]
