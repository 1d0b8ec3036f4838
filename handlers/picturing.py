"""Which results can be had as a picture, and the data it is drawn from."""

from datetime import datetime
from typing import Any

from scoring.cards import RankList, ScoreCard
from store.commands import to_json
from store.times import iso_china

_KINDS: dict[type, str] = {RankList: "rank", ScoreCard: "score"}


def can_show(result: Any) -> bool:
    """Whether there is a picture of this."""
    return type(result) in _KINDS


def picture_of(result: Any, now: datetime) -> dict[str, Any]:
    """What the outbox keeps: the picture is drawn when it is sent. Raises KeyError for what cannot be shown."""
    return {"kind": _KINDS[type(result)], "data": to_json(result) | {"at": iso_china(now)}}
