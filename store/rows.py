"""Rows written past the unit of work, at a third of what it takes: at once, all together, or where they are new."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import Connection, Insert, Table, event, insert, inspect
from sqlalchemy.orm import ORMExecuteState, SessionTransaction, make_transient_to_detached
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


_LATER = "rows to be written"


def later(session: Session, table: Table, row: Mapping[str, Any]) -> None:
    """Writes a row before this transaction commits, or before anybody in it asks for rows; in the order of these calls.

    For what nobody needs the number of: a hundred rows cost little more than one then. All of a table name the same
    columns.
    """
    if not session.in_transaction():
        session.begin()  # else there would be nothing to take back
    session.info.setdefault(_LATER, {}).setdefault(table, []).append(row)


def settle(session: Session) -> None:
    """Writes what waits now. Whoever asks for rows past the session's own ``execute`` says this first."""
    if _LATER in session.info:
        _write(session, session.connection())


def _write(session: Session, connection: Connection) -> None:
    for table, rows in session.info.pop(_LATER, {}).items():
        connection.execute(insert(table), rows)


@event.listens_for(Session, "before_commit")
def _at_the_end(session: Session) -> None:
    settle(session)


@event.listens_for(Session, "do_orm_execute")
def _asked(state: ORMExecuteState) -> None:
    settle(state.session)  # type: ignore[arg-type]


@event.listens_for(Session, "after_transaction_create")
def _tried_out(session: Session, transaction: SessionTransaction) -> None:
    # What is taken back with a savepoint is what came after it: the rest is written before there is one.
    if transaction.nested and transaction.parent is not None and _LATER in session.info:
        _write(session, transaction.parent.connection(None))


@event.listens_for(Session, "after_soft_rollback")
def _taken_back(session: Session, _previous: object) -> None:
    session.info.pop(_LATER, None)


@event.listens_for(Session, "after_transaction_end")
def _over(session: Session, ended: SessionTransaction) -> None:
    # One that ended well has written its rows by then; a session that is closed has not, and they go with it.
    if ended.parent is None:
        session.info.pop(_LATER, None)


@cache
def insert_if_new(table: Table, key: str, dialect: str) -> Insert:
    """Inserts a row unless there is one with this ``key``: then that one stays as it is, and nobody is told."""
    if dialect == "postgresql":
        # Loaded by whom it serves: most run on SQLite, and a start waits for it.
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table).on_conflict_do_nothing(index_elements=[key])
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table).on_conflict_do_nothing(index_elements=[key])
