"""Names as they come in: from Telegram, from whoever invites, out of a spreadsheet, of files."""

import unicodedata

_UNSEEN = frozenset({"Cc", "Cf", "Zl", "Zp"})
"""Unicode's categories of what is not seen itself: controls, marks of direction, separators of lines."""
_JOINS = "\u200d"
"""What holds the parts of an emoji together."""


def clean(name: str) -> str:
    """A name as it may be shown: without what is not seen, and with single blanks.

    Marks of direction in a name would make the rest of the line, even a figure, read otherwise than it is.
    """
    seen = (one for one in name if one in _JOINS or one.isspace() or unicodedata.category(one) not in _UNSEEN)
    return " ".join("".join(seen).split())
