"""Rows written past the unit of work: at a third of what it takes, or only where they are not there yet."""

from collections.abc import Sequence
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import Insert, Table, insert, inspect
from sqlalchemy.orm import make_transient_to_detached
from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import Session, SQLModel

M = TypeVar("M", bound=SQLModel)

_inserts: dict[type[SQLModel], Insert] = {}
"""The statement of each table, built once: building it takes longer than running it."""


def written(session: Session, model: type[M], **values: Any) -> M:
    """A new row of ``model`` with these values, as if it had just been read. What waits to be written is not flushed.

    A column that is not named gets its default, and is read if anybody asks for it.
    """
    statement = _inserts.get(model)
    if statement is None:
        statement = _inserts[model] = insert(model)
    key: Sequence[Any] = session.connection().execute(statement, values).inserted_primary_key or ()
    mapper = inspect(model)
    row: M = mapper.class_manager.new_instance()
    for name, value in values.items():
        set_committed_value(row, name, value)
    for column, value in zip(mapper.primary_key, key, strict=True):
        set_committed_value(row, mapper.get_property_by_column(column).key, value)
    make_transient_to_detached(row)
    session.add(row)
    return row


@cache
def insert_if_new(table: Table, key: str, dialect: str) -> Insert:
    """Inserts a row unless there is one with this ``key``: then that one stays as it is, and nobody is told."""
    if dialect == "postgresql":
        # Loaded by whom it serves: most run on SQLite, and a start waits for it.
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table).on_conflict_do_nothing(index_elements=[key])
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table).on_conflict_do_nothing(index_elements=[key])
