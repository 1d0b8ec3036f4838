"""From a frozen year to a published one: who approves, what voids, what is kept for the years after."""

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, select

from scoring import appeals, approval, frozen, ledger, past, results
from scoring.appeals import Piece
from scoring.loading import load, parse
from scoring.result_tables import FrozenFile, PastResult, ResultSet
from scoring.results import Obstacle
from scoring.rulebook import RuleBook
from scoring.standings import put_in_force
from scoring.survey_tables import BallotBox, Survey
from scoring.tables import LedgerEntry
from store.errors import Refusal
from store.people import Department, Person, Role, appointments_of, departments, dismiss
from store.times import CHINA
from tests.scoring.conftest import MARKS, NOW, Cast, rated

AT = datetime(2022, 1, 20, 10, tzinfo=CHINA)
LATER = AT + timedelta(days=1)


def post(session: Session, department: Department, item: str, count: int = 1) -> LedgerEntry:
    return ledger.post(
        session, department_id=department.id, year=2021, item=item, count=count, happened_at=NOW, recorded_at=NOW,
        source="admin",
    )  # fmt: skip


@pytest.fixture
def clerk(cast: Cast) -> Person:
    return cast.person("管理员", Role.ADMINISTRATOR)


@pytest.fixture
def members(cast: Cast) -> list[Person]:
    return [cast.person(f"成员{number}", Role.LEADING_GROUP) for number in range(4)]


@pytest.fixture
def result(counted: Session, fin: Department, com: Department, clerk: Person, members: list[Person]) -> ResultSet:
    post(counted, fin, "daily.7", 2)
    post(counted, com, "veto.1")
    return results.freeze(counted, 2021, by=clerk, now=AT, calendar="历")


def refused(code: str) -> "pytest.RaisesExc[Refusal]":
    return pytest.raises(Refusal, match=code)


class TestFreezing:
    def test_what_is_not_settled_stands_in_the_way(self, counted: Session, clerk: Person) -> None:
        waiting = [Obstacle("holds", 1, ("财政局 3月",))]
        with refused("result_not_ready") as caught:
            results.freeze(counted, 2021, by=clerk, now=AT, calendar="历", obstacles=waiting)
        assert caught.value.facts["obstacles"] == [{"code": "holds", "count": 1, "names": ["财政局 3月"]}]
        assert results.results_of(counted, 2021) == []

    def test_an_override_is_kept_with_its_reason_under_the_hash(self, counted: Session, clerk: Person) -> None:
        waiting = [Obstacle("holds", 1, ("财政局 3月",))]
        result = results.freeze(counted, 2021, by=clerk, now=AT, calendar="历", obstacles=waiting, override="会议定了")
        checked = frozen.check(results.lines_of(counted, result))
        assert checked.header["overrides"] == result.overrides
        assert result.overrides == [
            {
                "what": "holds", "count": 1, "names": ["财政局 3月"], "reason": "会议定了", "by": "管理员",
                "at": "2022-01-20T10:00:00+08:00",
            }
        ]  # fmt: skip

    def test_freezing_anew_voids_the_one_before_and_its_approvals(
        self, counted: Session, result: ResultSet, clerk: Person, members: list[Person]
    ) -> None:
        for one in members[:3]:
            approval.approve(counted, result, one, AT)
        anew = results.freeze(counted, 2021, by=clerk, now=LATER, calendar="历")
        assert (result.state, result.why) == ("void", ["frozen_anew"])
        assert results.standing_result(counted, 2021).id == anew.id
        assert approval.consent(counted, anew).agreed == 0
        with refused("result_void"):
            approval.approve(counted, result, members[3], LATER)
        with refused("result_void"):
            results.publish(counted, result, clerk, LATER)

    def test_the_file_cannot_be_changed_in_the_database(self, counted: Session, result: ResultSet) -> None:
        for statement in ("UPDATE frozen_file SET content = ''", "DELETE FROM frozen_file"):
            savepoint = counted.begin_nested()
            with pytest.raises(DBAPIError, match="append-only"):
                counted.connection().execute(text(statement))
            savepoint.rollback()
        assert frozen.check(results.lines_of(counted, result)).hash == result.hash

    def test_a_file_of_many_pieces_comes_out_line_by_line(
        self, counted: Session, fin: Department, clerk: Person
    ) -> None:
        for number in range(600):
            ledger.post(
                counted, department_id=fin.id, year=2021, item="daily.7", count=1, happened_at=NOW, recorded_at=NOW,
                source="admin", reason=str(number) * 60,
            )  # fmt: skip
        result = results.freeze(counted, 2021, by=clerk, now=AT, calendar="历")
        lines = list(results.lines_of(counted, result))
        assert len(lines) == 5
        assert sum(map(len, lines)) == result.size > 2 * 64 * 1024
        assert len(counted.get_one(FrozenFile, result.id).content) < result.size


class TestApproval:
    def test_more_than_half_of_those_in_office_have_to_agree(
        self, counted: Session, result: ResultSet, members: list[Person]
    ) -> None:
        agreed = []
        for one in members:
            approval.approve(counted, result, one, AT)
            consent = approval.consent(counted, result)
            agreed.append((consent.agreed, consent.members, consent.needed, consent.approved))
        assert agreed == [(1, 4, 3, False), (2, 4, 3, False), (3, 4, 3, True), (4, 4, 3, True)]

    def test_who_has_left_office_counts_no_longer_and_is_not_counted_among_them(
        self, counted: Session, result: ResultSet, members: list[Person], cast: Cast
    ) -> None:
        for one in members[:3]:
            approval.approve(counted, result, one, AT)
        for appointment in appointments_of(counted, members[0]):
            dismiss(counted, appointment, AT)
        consent = approval.consent(counted, result)
        assert (consent.agreed, consent.members, consent.needed, consent.approved) == (2, 3, 2, True)
        cast.person("新成员", Role.LEADING_GROUP)
        assert not approval.consent(counted, result).approved

    def test_only_members_and_once(
        self, counted: Session, result: ResultSet, clerk: Person, members: list[Person]
    ) -> None:
        with refused("not_in_leading_group"):
            approval.approve(counted, result, clerk, AT)
        approval.approve(counted, result, members[0], AT)
        with refused("approved_already"):
            approval.approve(counted, result, members[0], AT)

    def test_nobody_in_office_approves_nothing(self, counted: Session, clerk: Person) -> None:
        result = results.freeze(counted, 2021, by=clerk, now=AT, calendar="历")
        assert not approval.consent(counted, result).approved

    def test_a_paper_approves(self, counted: Session, result: ResultSet, clerk: Person, cast: Cast) -> None:
        second = cast.person("另一人", Role.ADMINISTRATOR)
        approval.record_approval(
            counted, result, paper="会议纪要〔2022〕3号", dated=date(2022, 1, 21), scan=None, by=clerk,
            confirmed_by=second, now=LATER,
        )  # fmt: skip
        consent = approval.consent(counted, result)
        assert (consent.approved, consent.agreed, consent.paper) == (True, 0, "会议纪要〔2022〕3号")


class TestVoiding:
    def test_nothing_has_changed_at_first(self, counted: Session, result: ResultSet) -> None:
        assert results.changes(counted, result, "历") == []

    def test_each_thing_it_rests_on_is_named(
        self, counted: Session, result: ResultSet, fin: Department, com: Department, rulebook: RuleBook
    ) -> None:
        def after(*rows: object) -> list[str]:
            """What is named once ``rows`` are written, or else something is done in the savepoint that is open."""
            counted.add_all(rows)
            counted.flush()
            found = results.changes(counted, result, "历")
            savepoint.rollback()
            counted.expire_all()
            return found

        assert results.changes(counted, result, "另一历") == ["calendar"]
        savepoint = counted.begin_nested()
        post(counted, fin, "daily.7")
        assert after() == ["ledger:3"]
        savepoint = counted.begin_nested()
        ledger.reverse(counted, counted.get_one(LedgerEntry, 1), now=LATER, source="admin")
        assert after() == ["ledger:3"]
        savepoint = counted.begin_nested()
        assert after(Department(code="new", name="新局", kind="bureau")) == ["departments:新局"]
        savepoint = counted.begin_nested()
        com.name = "商务和投促局"
        [renamed] = after(com)
        assert set(renamed.removeprefix("departments:").split(",")) == {"商务局", "商务和投促局"}
        savepoint = counted.begin_nested()
        box = counted.exec(select(BallotBox)).all()[0]
        box.abstained += 1
        assert after(box) == ["ballots"]
        savepoint = counted.begin_nested()
        survey = counted.get_one(Survey, 1)
        survey.closed_at = None
        assert after(survey) == ["ballots", "surveys"]
        savepoint = counted.begin_nested()
        put_in_force(counted, parse(rulebook.text + "\n# 改\n", "x"), 2021, NOW)
        assert after() == ["rulebook"]
        savepoint = counted.begin_nested()
        past.keep(counted, rulebook, 2020, fin.id, {"grade": "fail"}, "entered", LATER)
        assert after() == ["past"]
        savepoint = counted.begin_nested()
        person = Person(name="联络员")
        counted.add(person)
        counted.flush()
        appeals.raise_appeal(counted, counted.get_one(LedgerEntry, 1), person, [Piece("不服")], sent_at=LATER)
        assert after() == ["appeals"]
        assert results.changes(counted, result, "历") == []

    def test_another_year_changes_nothing(self, counted: Session, result: ResultSet, fin: Department) -> None:
        put_in_force(counted, load("jilin-2021"), 2022, LATER)
        ledger.post(
            counted, department_id=fin.id, year=2022, item="daily.7", count=1, happened_at=LATER, recorded_at=LATER,
            source="admin",
        )  # fmt: skip
        assert results.changes(counted, result, "历") == []


class TestPublishing:
    def test_only_what_is_approved(
        self, counted: Session, result: ResultSet, clerk: Person, members: list[Person]
    ) -> None:
        with refused("not_approved") as caught:
            results.publish(counted, result, clerk, LATER)
        assert caught.value.facts == {"agreed": 0, "needed": 3, "members": 4}
        for one in members[:3]:
            approval.approve(counted, result, one, AT)
        checked = results.publish(counted, result, clerk, LATER)
        assert checked.hash == result.hash
        assert (result.state, result.published_by) == ("published", clerk.id)
        with refused("published_already"):
            results.publish(counted, result, clerk, LATER)

    def test_what_is_published_is_kept_for_the_years_after_vetoes_included(
        self, counted: Session, result: ResultSet, clerk: Person, members: list[Person]
    ) -> None:
        for one in members:
            approval.approve(counted, result, one, AT)
        results.publish(counted, result, clerk, LATER)
        codes = {one.id: one.code for one in departments(counted)}
        kept = {codes[one.department_id]: one for one in counted.exec(select(PastResult))}
        assert {code: (one.total, one.grade, one.rank, one.failed) for code, one in kept.items()} == {
            "fin": ("88.92", "pass", 2, False), "com": ("93.17", "fail", None, True),
            "gov": ("94.75", "excellent", 1, False),
        }  # fmt: skip
        assert kept["com"].grade_title == "不达标"

    def test_a_later_publication_takes_the_place_of_the_first(
        self, counted: Session, result: ResultSet, clerk: Person, members: list[Person], fin: Department
    ) -> None:
        for one in members:
            approval.approve(counted, result, one, AT)
        results.publish(counted, result, clerk, LATER)
        post(counted, fin, "veto.1")
        anew = results.freeze(counted, 2021, by=clerk, now=LATER, calendar="历")
        assert result.state == "published", "until the new one is, the old one is shown"
        for one in members:
            approval.approve(counted, anew, one, LATER)
        results.publish(counted, anew, clerk, LATER)
        assert result.state == "replaced"
        published = results.published(counted, 2021)
        assert published is not None
        assert published.id == anew.id
        assert counted.get_one(PastResult, (2021, fin.id)).failed

    def test_a_grade_that_was_open_is_not_kept(self, zone: Session, clerk: Person, members: list[Person]) -> None:
        result = results.freeze(
            zone, 2021, by=clerk, now=AT, calendar="历", obstacles=results.open_panels(zone, 2021), override="先行公布"
        )
        for one in members:
            approval.approve(zone, result, one, AT)
        results.publish(zone, result, clerk, LATER)
        assert zone.exec(select(PastResult)).all() == []


class TestOpenPanels:
    def test_uncounted_ones_by_title(self, zone: Session, fin: Department) -> None:
        rated(zone, "leaders", [(fin, MARKS["leaders"])])
        [obstacle] = results.open_panels(zone, 2021)
        assert (obstacle.code, obstacle.count) == ("panels_uncounted", 3)

    def test_departments_without_a_figure_by_name(
        self, zone: Session, fin: Department, com: Department, gov: Department
    ) -> None:
        for panel, marks in MARKS.items():
            rated(zone, panel, [(fin, marks), (com, marks), *([(gov, marks)] if panel != "enterprises" else [])])
        [obstacle] = results.open_panels(zone, 2021)
        assert (obstacle.code, obstacle.names) == ("panels_incomplete", ("政务服务局",))

    def test_none(self, counted: Session) -> None:
        assert results.open_panels(counted, 2021) == []


@pytest.mark.parametrize(
    ("grade", "last", "twice"),
    [
        ("fail", "fail", True), ("fail", "pass", False), ("fail", None, None), ("pass", "fail", False),
        ("excellent", None, False), ("pending", "fail", None), ("pending", None, None), ("pending", "pass", False),
    ],
)  # fmt: skip
def test_two_lowest_grades_in_a_row(rulebook: RuleBook, grade: str, last: str | None, twice: bool | None) -> None:
    assert past.failed_twice(rulebook, grade, last) is twice


def test_the_lowest_grade_is_the_lowest_whatever_it_was_called_then(
    zone: Session, rulebook: RuleBook, fin: Department, com: Department, clerk: Person, counted: Session
) -> None:
    then = parse(rulebook.text.replace('"fail"', '"unfit"'), "2020")
    past.keep(zone, then, 2020, fin.id, {"grade": "unfit", "total": "61.00"}, "entered", NOW)
    past.keep(zone, then, 2020, com.id, {"grade": "pass"}, "entered", NOW)
    assert past.grades_of(zone, rulebook, 2020) == {fin.id: "fail", com.id: "pass"}
    result = results.freeze(zone, 2021, by=clerk, now=AT, calendar="历")
    told = {one["code"]: one["last"] for one in frozen.check(results.lines_of(zone, result)).departments}
    assert told == {"fin": "fail", "com": "pass", "gov": None}
