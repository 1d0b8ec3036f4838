"""The ledger: entries are added and reversed; the database itself refuses anything else."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DatabaseError, IntegrityError
from sqlmodel import Session, select

from scoring import ledger
from scoring.loading import load
from scoring.rulebook import RuleBook
from scoring.standings import put_in_force, sheet_of
from scoring.tables import LedgerEntry
from store.db import transaction
from store.errors import Refusal
from store.people import Department, departments
from store.times import CHINA

NOW = datetime(2021, 4, 6, 10, tzinfo=CHINA)
OTHER_SHAPE = Path(__file__).parent / "rulebooks" / "binhe-2023.toml"
HAPPENED = datetime(2021, 4, 3, tzinfo=CHINA)


def post(session: Session, department: Department, item: str = "daily.7", **other: object) -> LedgerEntry:
    facts = {
        "department_id": department.id, "year": 2021, "item": item, "count": 1, "happened_at": HAPPENED,
        "recorded_at": NOW, "source": "admin",
    }  # fmt: skip
    return ledger.post(session, **(facts | other))


class TestPosting:
    def test_points_come_from_the_rule_book_in_force(self, zone: Session, fin: Department) -> None:
        assert post(zone, fin, "daily.7", count=2).points == -60_000
        assert post(zone, fin, "bonus.3.district").points == 5_000
        assert post(zone, fin, "veto.2").points == 0

    def test_points_worked_out_by_a_rule_of_lateness_are_taken_as_they_are(
        self, zone: Session, fin: Department
    ) -> None:
        assert post(zone, fin, "daily.9", points=-25_000).points == -25_000

    def test_points_depend_on_the_class_of_the_unit_where_the_rule_book_says_so(self, zone: Session) -> None:
        put_in_force(zone, load(str(OTHER_SHAPE)), 2023, NOW)
        zone.add_all([Department(code=kind, name=kind, kind=kind) for kind in ("window", "street", "other")])
        zone.flush()
        new = [one for one in departments(zone) if one.kind == one.code]
        points = {one.kind: post(zone, one, "work.failure", year=2023).points for one in new}
        assert points == {"window": -60_000, "street": -20_000, "other": -40_000}

    def test_entries_are_numbered_from_one_without_a_gap(self, zone: Session, fin: Department) -> None:
        assert [post(zone, fin).id for _ in range(3)] == [1, 2, 3]

    def test_what_was_rolled_back_leaves_no_gap(self, zone: Session, fin: Department) -> None:
        savepoint = zone.begin_nested()
        post(zone, fin)
        savepoint.rollback()
        assert post(zone, fin).id == 1
        assert ledger.verify(zone) == ledger.head(zone)

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"item": "daily.99"}, "item_unknown"),
            ({"count": 0}, "count_not_positive"),
            ({"count": -1}, "count_not_positive"),
            ({"year": 2019}, "year_not_in_force"),
        ],
    )
    def test_what_cannot_be_is_refused(
        self, zone: Session, fin: Department, change: dict[str, object], code: str
    ) -> None:
        with pytest.raises(Refusal) as refused:
            post(zone, fin, **change)
        assert refused.value.code == code
        assert ledger.head(zone)[0] == 0

    def test_evidence_that_cannot_be_kept_exactly_is_an_error(self, zone: Session, fin: Department) -> None:
        with pytest.raises(ValueError, match=r"evidence\.score: 0\.1"):
            post(zone, fin, evidence={"score": 0.1})

    def test_an_instant_without_a_time_zone_is_an_error(self, zone: Session, fin: Department) -> None:
        with pytest.raises(ValueError, match="has no time zone"):
            post(zone, fin, happened_at=datetime(2021, 4, 3))  # noqa: DTZ001


class TestReversing:
    def test_a_reversal_takes_the_whole_effect_back(self, zone: Session, fin: Department) -> None:
        entry = post(zone, fin, count=2, period="2021-03", event="e1")
        reversal = ledger.reverse(zone, entry, now=NOW, source="admin", reason="误记")
        assert (reversal.count, reversal.points) == (-2, 60_000)
        assert (reversal.reverses_id, reversal.item, reversal.year) == (entry.id, "daily.7", 2021)
        assert (reversal.period, reversal.event, reversal.happened_at) == ("2021-03", "e1", HAPPENED)
        assert sheet_of(zone, 2021, fin).daily == 400_000

    def test_what_stands_and_what_does_not(self, zone: Session, fin: Department) -> None:
        entry, other = post(zone, fin), post(zone, fin)
        reversal = ledger.reverse(zone, entry, now=NOW, source="admin")
        assert not ledger.stands(zone, entry)
        assert not ledger.stands(zone, reversal)
        assert ledger.stands(zone, other)

    def test_nothing_is_reversed_twice(self, zone: Session, fin: Department) -> None:
        entry = post(zone, fin)
        reversal = ledger.reverse(zone, entry, now=NOW, source="admin")
        with pytest.raises(Refusal) as refused:
            ledger.reverse(zone, entry, now=NOW, source="appeal")
        assert (refused.value.code, refused.value.facts) == (
            "already_reversed", {"entry": entry.id, "reversal": reversal.id},
        )  # fmt: skip

    def test_a_reversal_is_not_reversed(self, zone: Session, fin: Department) -> None:
        reversal = ledger.reverse(zone, post(zone, fin), now=NOW, source="admin")
        with pytest.raises(Refusal, match="is_reversal"):
            ledger.reverse(zone, reversal, now=NOW, source="admin")

    def test_the_database_refuses_a_second_reversal_that_went_round_the_code(
        self, engine: Engine, rulebook: RuleBook
    ) -> None:
        with transaction(engine) as session:
            put_in_force(session, rulebook, 2021, NOW)
            session.add(Department(code="fin", name="财政局", kind="bureau"))
            session.flush()
            entry = post(session, session.get_one(Department, 1))
            ledger.reverse(session, entry, now=NOW, source="admin")
        with pytest.raises(IntegrityError), engine.begin() as connection:
            connection.execute(
                text(
                    "INSERT INTO ledger_entry SELECT 3, form, year, department_id, item, count, points, happened_at, "
                    "recorded_at, recorded_by, confirmed_by, source, reason, evidence, period, event, reverses_id, "
                    "previous_hash, hash FROM ledger_entry WHERE id = 2"
                )
            )


class TestAppendOnly:
    @pytest.fixture
    def kept(self, engine: Engine, rulebook: RuleBook) -> Engine:
        with transaction(engine) as session:
            put_in_force(session, rulebook, 2021, NOW)
            session.add(Department(code="fin", name="财政局", kind="bureau"))
            session.flush()
            post(session, session.get_one(Department, 1))
        return engine

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE ledger_entry SET points = 0",
            "DELETE FROM ledger_entry",
            "DELETE FROM rule_book_version",
            "UPDATE rule_book_version SET text = ''",
        ],
    )
    def test_the_database_refuses_to_change_or_delete(self, kept: Engine, statement: str) -> None:
        with pytest.raises(DatabaseError, match="append-only"), kept.begin() as connection:
            connection.execute(text(statement))

    def test_postgresql_refuses_to_truncate(self, kept: Engine) -> None:
        if kept.dialect.name != "postgresql":
            pytest.skip("SQLite has no TRUNCATE")
        with pytest.raises(DatabaseError, match="append-only"), kept.begin() as connection:
            connection.execute(text("TRUNCATE ledger_entry CASCADE"))

    def test_the_session_cannot_change_an_entry_either(self, kept: Engine) -> None:
        with Session(kept) as session:
            entry = session.exec(select(LedgerEntry)).one()
            entry.reason = "改一改"
            with pytest.raises(DatabaseError, match="append-only"):
                session.commit()


def test_instants_come_back_as_they_went_in_so_that_the_hash_holds(zone: Session, fin: Department) -> None:
    entry = post(zone, fin, recorded_at=NOW + timedelta(microseconds=1))
    zone.expire_all()
    assert zone.get_one(LedgerEntry, entry.id).recorded_at == datetime(2021, 4, 6, 2, 0, 0, 1, tzinfo=UTC)
    assert ledger.verify(zone) == (1, entry.hash)
