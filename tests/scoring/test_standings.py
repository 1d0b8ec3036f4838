"""From rows to sheets: one department's, and all at once, which must agree."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import Session

from scoring import ledger, standings
from scoring.loading import load
from scoring.rulebook import RuleBook
from scoring.standings import current_year, in_force, put_in_force, sheet_of
from scoring.tables import LedgerEntry, RuleBookVersion
from store.errors import Refusal
from store.people import Department, departments
from store.times import CHINA

NOW = datetime(2021, 4, 6, 10, tzinfo=CHINA)
OTHER_SHAPE = Path(__file__).parent / "rulebooks"


def post(session: Session, department: Department, item: str, count: int = 1, **other: object) -> LedgerEntry:
    facts = {
        "department_id": department.id, "year": 2021, "item": item, "count": count, "happened_at": NOW,
        "recorded_at": NOW, "source": "admin",
    }  # fmt: skip
    return ledger.post(session, **(facts | other))


def table(session: Session, by: standings.By = "total") -> list[tuple[str, int | None]]:
    return [(row.department.code, row.rank) for row in standings.standings(session, 2021, by)]


class TestStandings:
    def test_summed_entries_give_the_sheet_of_the_single_ones(
        self, zone: Session, fin: Department, com: Department
    ) -> None:
        for number in range(20):
            post(zone, fin, "daily.7" if number % 2 else "bonus.3.district", number + 1)
        taken_back = post(zone, fin, "bonus.1.city_leader")
        ledger.reverse(zone, taken_back, now=NOW, source="admin")
        post(zone, com, "veto.1")
        for row in standings.standings(zone, 2021):
            one = sheet_of(zone, 2021, row.department)
            assert (row.sheet.daily, row.sheet.bonus, row.sheet.vetoes) == (one.daily, one.bonus, one.vetoes)
            assert (row.sheet.total, row.sheet.grade) == (one.total, one.grade)

    def test_a_rule_book_that_counts_the_highest_of_an_event_keeps_events_apart(self, session: Session) -> None:
        books = [load(str(path)) for path in sorted(OTHER_SHAPE.glob("*.toml"))]
        rulebook = next(book for book in books if book.by_event)
        put_in_force(session, rulebook, 2021, NOW)
        session.add(Department(code="a", name="甲", kind=next(iter(rulebook.classes), "bureau")))
        session.flush()
        department = departments(session)[0]
        for number, code in enumerate(sorted(rulebook.by_event)):
            for event in ("e1", "e2", "e1", None):
                post(session, department, code, 1, event=event)
            if number == 0:
                ledger.reverse(session, post(session, department, code, 1, event="e1"), now=NOW, source="admin")
        [row] = standings.standings(session, 2021)
        one = sheet_of(session, 2021, department)
        assert row.sheet.blocks == one.blocks
        assert any(line.kind == "highest_only" for line in one.lines)

    def test_by_daily_all_are_ranked_and_ties_share(self, zone: Session, fin: Department, com: Department) -> None:
        assert table(zone, "daily") == [("fin", 1), ("com", 1), ("gov", 1)]
        post(zone, fin, "daily.7")
        assert table(zone, "daily") == [("com", 1), ("gov", 1), ("fin", 3)]
        post(zone, com, "veto.1")
        assert ("com", 1) in table(zone, "daily")

    def test_without_a_total_there_is_no_rank_and_vetoed_ones_come_last(self, zone: Session, fin: Department) -> None:
        post(zone, fin, "veto.1")
        assert table(zone) == [("com", None), ("gov", None), ("fin", None)]

    def test_the_entries_of_another_year_are_left_out(self, zone: Session, fin: Department, rulebook: RuleBook) -> None:
        put_in_force(zone, rulebook, 2022, NOW)
        post(zone, fin, "daily.7", year=2022)
        assert sheet_of(zone, 2021, fin).daily == 400_000
        assert table(zone, "daily")[0] == ("fin", 1)
        assert sheet_of(zone, 2022, fin).daily == 370_000

    def test_departments_that_are_no_more_are_not_ranked(self, zone: Session, com: Department) -> None:
        com.active = False
        zone.add(com)
        zone.flush()
        assert [code for code, _ in table(zone)] == ["fin", "gov"]


class TestYears:
    def test_a_year_keeps_its_rule_book_word_for_word(self, zone: Session, rulebook: RuleBook) -> None:
        assert zone.get_one(RuleBookVersion, rulebook.digest).text == rulebook.text
        assert in_force(zone, 2021).digest == rulebook.digest

    def test_what_was_kept_is_read_again_in_a_new_process(
        self, zone: Session, rulebook: RuleBook, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(standings, "_BOOKS", {})
        again = in_force(zone, 2021)
        assert again is not rulebook
        assert (again.digest, again.items) == (rulebook.digest, rulebook.items)
        assert in_force(zone, 2021) is again

    def test_a_year_without_a_rule_book_is_refused(self, zone: Session) -> None:
        with pytest.raises(Refusal) as refused:
            in_force(zone, 2030)
        assert refused.value.facts == {"year": 2030, "years": [2021]}

    def test_the_current_year_is_the_latest_that_has_begun(self, zone: Session, rulebook: RuleBook) -> None:
        assert current_year(zone, NOW) == 2021
        new_year = datetime(2022, 1, 1, tzinfo=CHINA)
        assert current_year(zone, new_year) == 2021
        put_in_force(zone, rulebook, 2022, new_year)
        assert current_year(zone, new_year) == 2022
        assert current_year(zone, new_year - timedelta(seconds=1)) == 2021

    def test_before_the_first_year_there_is_none(self, zone: Session) -> None:
        with pytest.raises(Refusal, match="year_not_in_force"):
            current_year(zone, datetime(2020, 12, 31, tzinfo=CHINA))
