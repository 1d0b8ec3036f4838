"""Bytes kept once under their hash: files that were handed in, reports to send."""

import hashlib
from datetime import datetime

from sqlalchemy import LargeBinary, select, update
from sqlmodel import Field, Session, SQLModel, col

from store.db import leave_no_trace
from store.times import UtcDateTime


class Blob(SQLModel, table=True):
    __tablename__ = "blob"

    sha256: str = Field(primary_key=True)
    """Hexadecimal, lower case."""
    size: int
    """Bytes."""
    content: bytes = Field(sa_type=LargeBinary)
    put_at: datetime = Field(sa_type=UtcDateTime)


def put(session: Session, content: bytes, now: datetime) -> str:
    """Keeps ``content`` and returns its SHA-256; the same content is kept once, as of the latest time it was put."""
    digest = hashlib.sha256(content).hexdigest()
    known = update(Blob).where(col(Blob.sha256) == digest).values(put_at=now)
    if session.connection().execute(known).rowcount == 0:
        session.add(Blob(sha256=digest, size=len(content), content=content, put_at=now))
        session.flush()
    return digest


def drop(session: Session, said: str) -> None:
    """Erases a file at once; ``said`` is an argument that names it (``blob:`` and its hash), or anything else.

    One that was handed in as well, byte for byte the same, stays for that.
    """
    known = session.get(Blob, said.removeprefix("blob:").partition(" ")[0]) if said.startswith("blob:") else None
    if known is not None and known.sha256 not in referred(session):
        session.delete(known)
        session.flush()
        leave_no_trace(session)


def referred(session: Session) -> set[str]:
    """The hashes to which rows of any table refer."""
    found: set[str] = set()
    for table in SQLModel.metadata.tables.values():
        for key in table.foreign_keys:
            if key.column.table.name == Blob.__tablename__:
                found.update(session.scalars(select(key.parent).where(key.parent.is_not(None))))
    return found


def get(session: Session, sha256: str) -> bytes:
    """The content. Raises KeyError if it is not kept."""
    blob = session.get(Blob, sha256)
    if blob is None:
        raise KeyError(sha256)
    return blob.content
