"""Files that have to be fetched before what they were sent for can go on: each waits as a draft of its own kind.

Which files are due and when one is given up is told here; what becomes of the bytes is the affair of whoever opened the
draft. Such a file is not kept, so that nothing but the draft knows of it.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from store import drafts
from store.drafts import Draft

TRIES = 5
"""How often a file is asked for; then its sender has to send it again."""
_WAIT = timedelta(seconds=15)


def awaited(file_id: str, name: str, **more: Any) -> dict[str, Any]:
    """What the draft of a file holds: how to fetch it, its name, and ``more`` of whoever opens the draft."""
    return {"file": file_id, "name": name, "tries": 0, "not_before": None} | more


def due(session: Session, kind: str, now: datetime, limit: int) -> list[Draft]:
    """The files to fetch next, oldest first. A draft with a key stays for something else: it has been fetched."""
    waiting = select(Draft).where(Draft.kind == kind, Draft.key == "").order_by(col(Draft.id)).limit(limit)
    return [one for one in session.exec(waiting).all() if _is_due(one, now)]


def _is_due(draft: Draft, now: datetime) -> bool:
    not_before = draft.data["not_before"]
    return not_before is None or datetime.fromisoformat(not_before) <= now


def put_off(session: Session, draft_id: int, now: datetime) -> bool:
    """It could not be had this time. Whether it is worth trying again: not after TRIES, nor once the draft is gone."""
    file = drafts.find(session, draft_id)
    if file is None or file.data["tries"] + 1 >= TRIES:
        return False
    tries = file.data["tries"] + 1
    drafts.amended(session, file, file.data | {"tries": tries, "not_before": (now + _WAIT * tries).isoformat()})
    return True
