import hashlib
from datetime import UTC, datetime

import pytest
from sqlmodel import Session, select

from store import blobs

NOW = datetime(2021, 4, 2, 8, 0, tzinfo=UTC)


def test_the_same_content_is_kept_once(session: Session) -> None:
    content = bytes(range(256)) * 100
    assert blobs.put(session, content, NOW) == blobs.put(session, content, NOW) == hashlib.sha256(content).hexdigest()
    kept = session.exec(select(blobs.Blob)).all()
    assert [(blob.size, blob.put_at) for blob in kept] == [(25600, NOW)]
    assert blobs.get(session, kept[0].sha256) == content


def test_unknown_content_is_an_error(session: Session) -> None:
    with pytest.raises(KeyError):
        blobs.get(session, "0" * 64)
