"""Rows that are written together: when the transaction ends or somebody asks, and never for what is taken back."""

from sqlalchemy import Engine, event
from sqlmodel import Session, SQLModel, select

from store import rows
from store.db import transaction
from store.people import Department

UNITS = SQLModel.metadata.tables["department"]


def put_off(session: Session, code: str) -> None:
    rows.later(session, UNITS, {"code": code, "name": code, "kind": "bureau"})


def codes(session: Session) -> list[str]:
    return list(session.exec(select(Department.code).order_by(Department.id)))


def test_they_are_written_when_the_transaction_ends_and_in_their_order(engine: Engine) -> None:
    statements: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *about: statements.append(about[2]))
    with transaction(engine) as session:
        for code in "cab":
            put_off(session, code)
        assert statements == []
    assert len([said for said in statements if said.startswith("INSERT")]) == 1
    with transaction(engine) as session:
        assert codes(session) == ["c", "a", "b"]


def test_whoever_asks_finds_them(engine: Engine) -> None:
    with transaction(engine) as session:
        put_off(session, "a")
        assert codes(session) == ["a"]
        put_off(session, "b")
        assert session.get(Department, 2) is not None
        put_off(session, "c")
        session.add(Department(code="d", name="d", kind="bureau"))
        session.flush()
    with transaction(engine) as session:
        assert sorted(codes(session)) == ["a", "b", "c", "d"]


def test_what_is_taken_back_takes_them_along_and_leaves_what_came_before(engine: Engine) -> None:
    with transaction(engine) as session:
        put_off(session, "a")
        savepoint = session.begin_nested()
        put_off(session, "tried out")
        savepoint.rollback()
        with session.begin_nested():
            put_off(session, "b")
    session = Session(engine)
    put_off(session, "lost")
    session.rollback()
    session.commit()
    put_off(session, "left lying")
    session.close()
    session.commit()
    with transaction(engine) as session:
        assert codes(session) == ["a", "b"]
