"""Files that are written when they are sent and kept nowhere: what must not lie in the database lies in none."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlmodel import Session

from handlers import rating_files

_KINDS: Mapping[str, Callable[[Session, dict[str, Any]], Callable[[], bytes]]] = {
    rating_files.MADE: rating_files.gathered,
}


def make(session: Session, kind: str, data: dict[str, Any]) -> Callable[[], bytes]:
    """Gathers what the file says; what comes back writes it, outside the transaction and in any thread. Raises KeyError
    for a kind that there is not, LookupError where what it is about has gone.
    """
    return _KINDS[kind](session, data)
