"""What a changed rule book would do to a year, before it is put in force."""

import re
from typing import Any

import pytest
from sqlmodel import select

import scheduler.rule_commands  # noqa: F401 - the verb
from scheduler import obligations, rule_changes
from scheduler.frame import Frame
from scheduler.rule_changes import DiffRow
from scoring import ledger
from scoring.loading import parse
from scoring.points import UNIT
from scoring.rulebook import RuleBook
from scoring.survey_tables import BallotBox, Survey
from scoring.tables import LedgerEntry
from store import acting
from store.commands import parse_line
from store.errors import Refusal
from store.people import Department, Person, Role
from tests.scheduler.conftest import Zone, at

NOW = at("05-20 10:00")


def changed(rulebook: RuleBook, *texts: tuple[str, str]) -> RuleBook:
    text = rulebook.text
    for old, new in texts:
        assert old in text
        text = text.replace(old, new)
    return parse(text, "改")


def rows(zone: Zone, book: RuleBook) -> dict[str, DiffRow]:
    return {one.code: one for one in rule_changes.scores(Frame.of(zone.session), 2021, book, NOW)}


def daily(zone: Zone, book: RuleBook, code: str = "fin") -> tuple[str, str]:
    row = rows(zone, book)[code]
    return row.before.daily, row.after.daily


@pytest.fixture
def late(zone: Zone, fin: Department) -> Zone:
    """财政局 hands January in on time, February on the working day after its deadline, March never."""
    zone.live("01-27 09:00", "02-01 09:00")
    zone.hand_in(zone.owes(fin, "2021-01"), "02-02 10:00")
    zone.live("02-24 09:00", "03-01 09:00", "03-03 01:00")
    zone.hand_in(zone.owes(fin, "2021-02"), "03-03 10:00")
    zone.live("03-25 09:00", "04-02 09:00", "04-03 01:00")
    return zone


def post(zone: Zone, unit: Department, item: str, count: int = 1) -> LedgerEntry:
    return ledger.post(
        zone.session, department_id=unit.id, year=2021, item=item, count=count, happened_at=at("03-01"),
        recorded_at=at("03-01"), source="admin",
    )  # fmt: skip


def test_the_book_in_force_changes_nothing(late: Zone, fin: Department, rulebook: RuleBook) -> None:
    post(late, fin, "daily.7", 2)
    ledger.reverse(late.session, post(late, fin, "daily.12"), now=NOW, source="admin")
    assert [one for one in rows(late, rulebook).values() if one.changed] == []
    assert daily(late, rulebook) == ("32.00", "32.00")
    assert rule_changes.compare(rulebook, rulebook) == []


def test_what_was_entered_by_hand_is_weighed_anew(late: Zone, fin: Department, rulebook: RuleBook) -> None:
    post(late, fin, "daily.7", 2)
    book = changed(rulebook, ("points = -3", "points = -4"))
    assert daily(late, book) == ("32.00", "30.00")
    assert {one.what for one in rule_changes.compare(rulebook, book)} == {"changed"}
    assert "daily.7" in {one.code for one in rule_changes.compare(rulebook, book)}


def test_a_later_deadline_makes_a_late_hand_in_timely(late: Zone, rulebook: RuleBook) -> None:
    assert daily(late, changed(rulebook, ("due_working_day = 2", "due_working_day = 3"))) == ("38.00", "39.00")


def test_an_earlier_deadline_makes_a_timely_one_late(late: Zone, rulebook: RuleBook) -> None:
    assert daily(late, changed(rulebook, ("due_working_day = 2", "due_working_day = 1"))) == ("38.00", "37.00")


def test_what_a_person_has_let_off_taken_back_or_not_decided_stays_so(
    zone: Zone, late: Zone, fin: Department, rulebook: RuleBook
) -> None:
    dear = changed(rulebook, ("points = -1\n", "points = -2\n"))
    assert daily(late, dear)[1] == "36.00"
    [february, _] = zone.session.exec(select(LedgerEntry).order_by(LedgerEntry.id)).all()
    ledger.reverse(zone.session, february, now=NOW, source="appeal")
    assert daily(late, dear) == ("39.00", "38.00")
    obligations.exempt(zone.frame, zone.owes(fin, "2021-03"), now=NOW)
    assert daily(late, dear) == ("40.00", "40.00")
    zone.department("hr", "人事局", reachable=False)
    zone.live("05-26 09:00", "06-03 01:00")
    assert any(why == "not_told" for _, _, why in zone.held())
    assert daily(late, dear, "hr") == ("40.00", "40.00")


def rated(zone: Zone, unit: Department, ballots: dict[str, tuple[int, int]]) -> None:
    """By panel, the mark that the department got, and from how many."""
    clerk = Person(name="甲")
    zone.session.add(clerk)
    zone.session.flush()
    for panel, (mark, count) in ballots.items():
        survey = Survey(
            year=2021, panel=panel, departments=[unit.id], opened_at=NOW, opened_by=clerk.id, closes_at=NOW,
            closed_at=NOW,
        )  # fmt: skip
        zone.session.add(survey)
        zone.session.flush()
        zone.session.add(BallotBox(survey_id=survey.id, department_id=unit.id, marks={str(mark * UNIT): count}))
    zone.session.flush()


def test_panels_keep_their_share_and_grades_are_read_anew(zone: Zone, fin: Department, rulebook: RuleBook) -> None:
    rated(zone, fin, {"leaders": (27, 3), "departments": (9, 3), "enterprises": (8, 3), "supervisors": (9, 3)})
    stricter = changed(rulebook, ("at_least = 90", "at_least = 95"), ("below = 90", "below = 95"))
    row = rows(zone, stricter)["fin"]
    assert (row.before.total, row.after.total) == ("93.00", "93.00")
    assert (row.before.grade, row.after.grade) == ("excellent", "pass")
    assert ("grades", "changed") in {(one.kind, one.what) for one in rule_changes.compare(rulebook, stricter)}


def weighing(rulebook: RuleBook, weights: dict[str, int]) -> RuleBook:
    """The rule book with these panels, at these weights, and with no other."""

    def anew(found: re.Match[str]) -> str:
        weight = weights.get(found[1])
        return "" if weight is None else re.sub(r"weight = \d+", f"weight = {weight}", found[0])

    return parse(re.sub(r'\[clause\.panel\]\ncode = "(.+)"\n(?:.+\n)+', anew, rulebook.text), "改")


def test_no_book_tells_what_a_panel_has_given_before_all_have_been_counted(
    zone: Zone, fin: Department, rulebook: RuleBook
) -> None:
    rated(zone, fin, {"enterprises": (8, 3)})
    row = rows(zone, weighing(rulebook, {"enterprises": 60}))["fin"]
    assert (row.before.annual, row.after.annual, row.after.total) == (None, None, None)


def test_two_books_do_not_tell_a_figure_that_rests_on_too_few_ballots(
    zone: Zone, fin: Department, rulebook: RuleBook
) -> None:
    rated(zone, fin, {"leaders": (27, 3), "departments": (9, 3), "enterprises": (8, 1), "supervisors": (9, 3)})
    row = rows(zone, changed(rulebook, ("points = -3", "points = -4")))["fin"]
    assert (row.before.annual, row.after.annual) == ("53.00", "53.00")
    heavier = weighing(rulebook, {"leaders": 20, "departments": 10, "enterprises": 20, "supervisors": 10})
    for book in (heavier, changed(rulebook, ("panel_shown_from = 3", "panel_shown_from = 1"))):
        row = rows(zone, book)["fin"]
        assert (row.before.annual, row.after.annual, row.after.total) == ("53.00", None, None)


def test_a_book_without_an_item_that_is_in_use_is_refused(late: Zone, fin: Department, rulebook: RuleBook) -> None:
    post(late, fin, "bonus.4")
    with pytest.raises(Refusal, match="rules_lack_items") as caught:
        rows(late, changed(rulebook, ("bonus.4", "bonus.44")))
    assert caught.value.facts["items"] == ["bonus.4"]


def test_a_year_that_is_closed_is_not_compared_and_nothing_is_written(zone: Zone, late: Zone, fin: Department) -> None:
    clerk = Person(name="甲", telegram_id=77)
    zone.session.add(clerk)
    zone.session.flush()
    from store.people import appoint

    appoint(zone.session, clerk, Role.ADMINISTRATOR, at("01-01"), None)

    def run(line: str) -> Any:
        act = zone.act(clerk, NOW)
        return acting.run(act, "rules diff", **parse_line(act, acting.VERBS["rules diff"], line))

    before = len(zone.entries())
    assert run("jilin-2021").count == 1
    assert len(zone.entries()) == before
    from scoring import results

    results.freeze(zone.session, 2021, by=clerk, now=NOW, calendar="")
    with pytest.raises(Refusal, match="rules_year_closed"):
        run("jilin-2021 2021")
