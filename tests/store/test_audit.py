"""The audit trail keeps what was done, and the database keeps it so."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DatabaseError
from sqlmodel import Session

from store import audit
from store.db import transaction
from store.people import Department, Person
from store.times import CHINA

NOW = datetime(2021, 4, 6, 10, tzinfo=CHINA)


@pytest.fixture
def kept(session: Session) -> Session:
    session.add(Department(code="fin", name="财政局", kind="bureau"))
    session.add_all([Person(telegram_id=1, name="李强"), Person(telegram_id=2, name="王芳")])
    session.flush()
    for hours, (person, verb, department_id) in enumerate(
        [(1, "deduct", 1), (2, "deduct", None), (1, "invite", None), (None, "tick", None)]
    ):
        audit.record(
            session,
            at=NOW + timedelta(hours=hours),
            actor=session.get(Person, person) if person else None,
            via="command line" if person == 2 else "chat",
            system_user="root" if person == 2 else None,
            verb=verb,
            arguments={"item": "daily.7", "reason": "<窗口>"},
            department_id=department_id,
            outcome="done",
        )
    return session


def test_the_latest_come_first(kept: Session) -> None:
    assert [(one.verb, one.actor_name, one.system_user) for one in audit.records(kept)] == [
        ("tick", "", None), ("invite", "李强", None), ("deduct", "王芳", "root"), ("deduct", "李强", None),
    ]  # fmt: skip
    assert audit.records(kept)[-1].arguments == {"item": "daily.7", "reason": "<窗口>"}


def test_it_can_be_narrowed_down(kept: Session) -> None:
    found = {
        "verb": audit.records(kept, verb="deduct"),
        "actor": audit.records(kept, actor=kept.get_one(Person, 1)),
        "department": audit.records(kept, department_id=1),
        "since": audit.records(kept, since=NOW + timedelta(hours=2)),
        "limit": audit.records(kept, limit=1),
    }
    assert {name: [one.id for one in rows] for name, rows in found.items()} == {
        "verb": [2, 1], "actor": [3, 1], "department": [1], "since": [4, 3], "limit": [4],
    }  # fmt: skip


@pytest.mark.parametrize("statement", ["UPDATE audit_record SET verb = ''", "DELETE FROM audit_record"])
def test_it_cannot_be_changed(engine: Engine, statement: str) -> None:
    with transaction(engine) as session:
        audit.record(session, at=NOW, actor=None, via="chat", verb="x", arguments={}, outcome="done")
    with pytest.raises(DatabaseError, match="append-only"), engine.begin() as connection:
        connection.execute(text(statement))
