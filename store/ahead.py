"""What a transaction has read ahead: for a group of updates one look instead of one for each of them.

Whoever reads ahead says on which tables the answers rest. What is written to one of these, or taken back, makes the
transaction forget them, and each asks for itself again.
"""

from collections.abc import Mapping
from itertools import chain
from typing import Any

from sqlalchemy import event
from sqlmodel import Session, SQLModel

_KEY = "ahead"


def keep(
    session: Session, question: str, answers: Mapping[Any, Any], *, of: tuple[type[SQLModel], ...]
) -> Mapping[Any, Any]:
    """Keeps ``answers`` for this transaction while nothing ``of`` these tables changes. Returns all there are now."""
    together = {**known(session, question), **answers}
    session.info.setdefault(_KEY, {})[question] = (together, of)
    return together


def known(session: Session, question: str) -> Mapping[Any, Any]:
    """The answers that were read ahead; none where nothing was, or where it was forgotten."""
    kept: tuple[Mapping[Any, Any], object] | None = session.info.get(_KEY, {}).get(question)
    return kept[0] if kept else {}


@event.listens_for(Session, "after_flush")
def _written(session: Session, _context: object) -> None:
    read = session.info.get(_KEY)
    if not read:
        return
    written = {type(one) for one in chain(session.new, session.dirty, session.deleted)}
    for question, (_answers, of) in list(read.items()):
        if not written.isdisjoint(of):
            del read[question]


@event.listens_for(Session, "after_soft_rollback")
def _taken_back(session: Session, _previous: object) -> None:
    session.info.pop(_KEY, None)
