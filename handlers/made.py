"""Files that are written when they are sent and kept nowhere: scores, and links that work."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session

from handlers import rating_files, workbooks
from scheduler.survey_commands import RaterLinks
from store.commands import to_json
from store.times import iso_china

LINKS = "rater_links"


def _links(_session: Session, data: dict[str, Any]) -> Callable[[], bytes]:
    return lambda: workbooks.rater_links(data["links"], data["bot"], datetime.fromisoformat(data["at"]))


_KINDS: Mapping[str, Callable[[Session, dict[str, Any]], Callable[[], bytes]]] = {
    rating_files.MADE: rating_files.gathered,
    LINKS: _links,
}


def make(session: Session, kind: str, data: dict[str, Any]) -> Callable[[], bytes]:
    """Gathers what the file says; what comes back writes it, outside the transaction and in any thread. Raises KeyError
    for a kind that there is not, LookupError where what it is about has gone.
    """
    return _KINDS[kind](session, data)


def beside(result: Any, bot: str, now: datetime) -> tuple[str, dict[str, Any]] | None:
    """The file that goes with a verb's result, by its name and as the outbox wants it; None where there is none."""
    if not isinstance(result, RaterLinks):
        return None
    name = workbooks.words()["links"]["file"].format(year=result.year, panel=result.title)
    return name, {"kind": LINKS, "data": {"links": to_json(result), "bot": bot, "at": iso_china(now)}}
