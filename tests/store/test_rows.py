"""A row written past the unit of work is like any other."""

from sqlmodel import Session, select

from store import rows
from store.people import Department


def test_it_has_its_number_its_values_and_the_defaults(session: Session) -> None:
    one = rows.written(session, Department, code="fin", name="财政局", kind="bureau")
    assert one.id is not None
    assert (one.code, one.name, one.aliases, one.active) == ("fin", "财政局", "", True)


def test_it_is_the_one_that_is_read_and_can_be_changed(session: Session) -> None:
    one = rows.written(session, Department, code="fin", name="财政局", kind="bureau")
    assert session.exec(select(Department)).one() is one
    one.name = "财政和金融局"
    session.flush()
    session.expire(one)
    assert one.name == "财政和金融局"


def test_it_is_gone_with_its_savepoint(session: Session) -> None:
    savepoint = session.begin_nested()
    rows.written(session, Department, code="fin", name="财政局", kind="bureau")
    savepoint.rollback()
    assert session.exec(select(Department)).all() == []
