"""A published result out of a year that was really frozen, and out of nothing else."""

from datetime import datetime

import pytest
from sqlmodel import Session

from handlers.papers.circular import circular
from handlers.papers.consequences import running
from handlers.papers.data import published
from handlers.papers.letters import letters
from handlers.papers.tables import entry_table, panel_table, score_table
from scoring import ledger, past, results
from scoring.frozen import FrozenFault
from scoring.loading import load
from scoring.standings import put_in_force
from store.people import Department, Person, departments
from store.times import CHINA
from tests.handlers.papers.conftest import PUBLISHED_ON

RULEBOOK = load("jilin-2021")
NOW = datetime(2022, 1, 5, 10, tzinfo=CHINA)


def frozen_year(session: Session) -> results.ResultSet:
    """Two departments: one vertically managed and late once, one vetoed for the second year."""
    put_in_force(session, RULEBOOK, 2021, datetime(2021, 1, 1, tzinfo=CHINA))
    tax = Department(code="tax", name="税务局", kind="dual", vertical=True, superior="吉林市税务局")
    street = Department(code="jzt", name="九站街道", kind="grassroots")
    clerk = Person(name="钱立新")
    session.add_all([tax, street, clerk])
    session.flush()
    past.keep(session, RULEBOOK, 2020, street.id, {"grade": "fail"}, "entered", NOW)
    due, came = "2021-04-03T00:00:00+08:00", "2021-04-05T09:30:00+08:00"
    late = ledger.post(
        session, department_id=tax.id, year=2021, item="daily.9", count=1, happened_at=datetime.fromisoformat(due),
        recorded_at=NOW, source="auto", period="2021-03",
        evidence={"obligation": 1, "due": due, "handed_in": came, "reminded": []},
    )  # fmt: skip
    ledger.reverse(session, late, now=NOW, source="appeal", by=clerk.id, reason="系统故障")
    for item, department in (("daily.9", tax), ("veto.1", street)):
        ledger.post(
            session, department_id=department.id, year=2021, item=item, count=1, happened_at=NOW, recorded_at=NOW,
            source="admin", recorded_by=clerk.id, reason="查实",
        )  # fmt: skip
    return results.freeze(session, 2021, by=clerk, now=NOW, calendar="2021-1")


def test_all_papers_come_from_a_frozen_year(session: Session) -> None:
    result = published(results.lines_of(session, frozen_year(session)), PUBLISHED_ON)
    tax, street = result.units
    assert (tax.vertical, tax.superior, tax.last, tax.grade_title) == (True, "吉林市税务局", None, None)
    late, taken_back, entered = tax.deductions
    assert (late.due, late.actual) == (
        datetime(2021, 4, 3, tzinfo=CHINA),
        datetime(2021, 4, 5, 9, 30, tzinfo=CHINA),
    )
    assert (late.reversed_by, taken_back.reverses, taken_back.recorded_by) == (taken_back.number, late.number, "钱立新")
    assert tax.charged == (entered,)
    assert (street.last, running(result, street), street.rank) == ("fail", "yes", None)
    assert [one.title for one in street.vetoes] == ["严重损害软环境受到行政问责"]
    assert result.frozen_at == NOW
    assert all(make(result).startswith(b"PK") for make in (circular, score_table, entry_table, panel_table))
    assert [one.superior for one in letters(result)] == ["吉林市税务局"]


def test_whatever_a_paper_says_is_part_of_what_is_approved(session: Session) -> None:
    result = frozen_year(session)

    def changed() -> list[str]:
        return [one.partition(":")[0] for one in results.changes(session, result, "2021-1")]

    assert changed() == []
    [tax, street] = departments(session)
    tax.superior = "国家税务总局吉林市税务局"
    session.add(tax)
    assert changed() == ["departments"]
    past.keep(session, RULEBOOK, 2020, tax.id, {"grade": "pass"}, "entered", NOW)
    assert changed() == ["departments", "past"]
    # What was approved says what it said.
    assert published(results.lines_of(session, result), PUBLISHED_ON).units[0].superior == "吉林市税务局"
    assert street.superior == ""


def test_a_file_that_was_changed_makes_no_papers(session: Session) -> None:
    lines = list(results.lines_of(session, frozen_year(session)))
    lines[1] = lines[1].replace("吉林市税务局".encode(), "吉林省税务局".encode())
    with pytest.raises(FrozenFault):
        published(lines, PUBLISHED_ON)
