"""Tasks from the register to what becomes of them: moved, done, done late, only under way; and the board of them."""

from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import scheduler.commands
import scheduler.import_commands
from scheduler import progress
from scheduler.deadlines import periods_of
from scheduler.hand_ins import HandedIn, drop, hand_in, send_back, withdraw
from scheduler.tables import HandInState, Obligation, Task
from scheduler.tasks import obligation_of, tasks
from scoring.rulebook import RuleBook
from scoring.standings import put_in_force
from store import acting
from store.commands import VERBS, parse
from store.errors import Refusal
from store.notices import Notice
from store.people import Person, Role
from tests.scheduler.conftest import Zone, at
from tests.scheduler.test_commands import say, told
from tests.scheduler.test_importing import filled

assert scheduler.commands
assert scheduler.import_commands

LADDER = ("05-06 10:01", "05-10 09:00", "05-12 09:00")
"""The reminders of what is owed until the end of 12 May (Wednesday)."""


COLUMNS = ("责任部门", "考核项目", "任务", "责任人", "工作措施", "完成时限")


def refused(code: str) -> "pytest.RaisesExc[Refusal]":
    return pytest.raises(Refusal, match=f"^{code}")


@pytest.fixture
def office(zone: Zone) -> Person:
    return zone.person("王主任", Role.ADMINISTRATOR)


@pytest.fixture
def liaison(zone: Zone) -> Person:
    """Of 人事局, which owes nothing but what the tests give it."""
    unit = zone.department("hr", "人事局", duties=(), reachable=False)
    return zone.person("孙科员", Role.LIAISON, unit)


def given(zone: Zone, office: Person, item: str, title: str = "窗口排队问题整改", until: str = "5月12日") -> Obligation:
    """A task of 人事局, given on the morning of 6 May."""
    row = say(zone, office, f"督办 hr {item} {until} {title} --responsible=李科长 --measures=增设窗口", "05-06 10:00")
    return obligation_of(zone.session, zone.session.get_one(Task, row.number))


def sent(zone: Zone, owed: Obligation, when: str, text: str = "已完成一半") -> HandedIn:
    """A text of the department of which it is not known yet what it is."""
    return hand_in(
        zone.frame, None, department_id=owed.department_id, sent_at=at(when), recorded_at=at(when), person_id=None,
        kind="text", text=text,
    )  # fmt: skip


def reported(zone: Zone, owed: Obligation, when: str, text: str = "已完成一半") -> None:
    progress.report(zone.session, sent(zone, owed, when, text).hand_in, owed)


def register(zone: Zone, office: Person, folder: Path, *rows: tuple[str, ...], now: str = "05-06 10:00") -> Any:
    """The import's form with these rows in its sheet of tasks, taken in."""
    path = folder / "form.xlsx"
    path.write_bytes(filled(tasks=[dict(zip(COLUMNS, row, strict=True)) for row in rows]))
    act = zone.act(office, at(now))
    act.via = "command line"
    return acting.run(act, "import", **parse(act, VERBS["import"], {"file": str(path)}))


def reminders(told: list[Notice]) -> int:
    """How often the department was reminded; its head, on the last day, aside."""
    return sum(one.kind == "reminder" and one.to.kind == "department" for one in told)


class TestSettlement:
    """SPEC 5: plans and 互联网+监管 are held for judgement, overdue matters are charged."""

    @pytest.mark.parametrize("item", ["daily.1", "daily.2", "daily.3", "daily.4", "daily.6"])
    def test_plans_not_carried_out_are_held(self, zone: Zone, office: Person, liaison: Person, item: str) -> None:
        owed = given(zone, office, item)
        told = zone.live(*LADDER, "05-13 00:10")
        assert reminders(told) == 3
        assert (zone.held(), zone.entries()) == ([(owed.department_id, None, "judgement")], [])

    def test_an_overdue_matter_is_charged_at_its_deadline(self, zone: Zone, office: Person, liaison: Person) -> None:
        given(zone, office, "daily.10.overdue")
        zone.live(*LADDER, "05-13 00:10")
        assert zone.entries() == [("daily.10.overdue", None, "-1", "2021-05-13T00:00", True)]

    @pytest.mark.parametrize(("item", "held", "charged"), [("daily.10.overdue", 0, 1), ("daily.3", 1, 0)])
    def test_progress_alone_stops_nothing(
        self, zone: Zone, office: Person, liaison: Person, item: str, held: int, charged: int
    ) -> None:
        owed = given(zone, office, item)
        zone.live("05-06 10:01")
        reported(zone, owed, "05-07 10:00")
        assert reminders(zone.live("05-10 09:00", "05-12 09:00")) == 2
        zone.live("05-13 00:10")
        assert (len(zone.held()), len(zone.entries())) == (held, charged)
        assert owed.handed_in_at is None

    def test_completion_stops_the_ladder_and_settles(self, zone: Zone, office: Person, liaison: Person) -> None:
        owed = given(zone, office, "daily.10.overdue")
        zone.live("05-06 10:01")
        reported(zone, owed, "05-07 10:00")
        zone.hand_in(owed, "05-11 10:00")
        assert [one.kind for one in zone.live("05-12 09:00", "05-13 00:10", "05-18 09:00")] == []
        assert (zone.held(), zone.entries()) == ([], [])

    def test_completion_after_the_deadline_leaves_the_charge(self, zone: Zone, office: Person, liaison: Person) -> None:
        owed = given(zone, office, "daily.10.overdue")
        zone.live(*LADDER)
        zone.hand_in(owed, "05-13 08:00")
        zone.live("05-13 08:10")
        assert [one[2:] for one in zone.entries()] == [("-1", "2021-05-13T00:00", True)]
        assert [one.state for one in say(zone, office, "任务", "05-13 09:00").tasks] == ["late"]

    def test_a_plan_completed_late_is_held_still(self, zone: Zone, office: Person, liaison: Person) -> None:
        owed = given(zone, office, "daily.2")
        zone.live(*LADDER, "05-13 00:10")
        zone.hand_in(owed, "05-14 08:00")
        zone.live("05-14 09:00")
        assert zone.held() == [(owed.department_id, None, "judgement")]
        (row,) = say(zone, office, "任务", "05-14 10:00").tasks
        assert (row.state, row.held) == ("late", True)
        say(zone, office, f"核定 任务{row.number} 扣分 未按计划开展", "05-14 10:00")
        assert zone.entries() == [("daily.2", None, "-3", "2021-05-13T00:00", True)]

    def test_extended_it_settles_at_its_new_date_alone(self, zone: Zone, office: Person, liaison: Person) -> None:
        given(zone, office, "daily.10.overdue")
        zone.live(*LADDER)
        done = say(zone, office, "延期 任务1 5月20日 等待批复", "05-12 10:00")
        assert done.until == at("05-21")
        zone.live("05-13 00:10", "05-17 09:00", "05-20 09:00")
        assert zone.entries() == []
        zone.live("05-21 00:10")
        assert [one[3] for one in zone.entries()] == ["2021-05-21T00:00"]

    def test_extended_after_it_was_charged_it_is_taken_back(self, zone: Zone, office: Person, liaison: Person) -> None:
        owed = given(zone, office, "daily.10.overdue")
        zone.live(*LADDER, "05-13 00:10")
        assert say(zone, office, "延期 任务1 5月20日", "05-13 10:00").relieved
        zone.live("05-13 10:01")
        zone.hand_in(owed, "05-19 10:00")
        zone.live("05-21 00:10")
        assert [stands for *_, stands in zone.entries()] == [False]

    def test_returned_it_is_open_again_until_the_new_date(self, zone: Zone, office: Person, liaison: Person) -> None:
        owed = given(zone, office, "daily.10.overdue")
        zone.live("05-06 10:01")
        zone.hand_in(owed, "05-11 10:00")
        say(zone, office, "退回 任务1 5月18日 没有照片", "05-12 10:00")
        (row,) = say(zone, office, "任务", "05-12 10:00").tasks
        assert (row.state, row.correction_due, row.days_left) == ("returned", at("05-19"), 4)
        reported(zone, owed, "05-13 10:00")
        assert say(zone, office, "任务", "05-13 11:00").tasks[0].state == "returned", "progress answers no return"
        zone.hand_in(owed, "05-17 10:00")
        zone.live("05-19 00:10")
        assert (say(zone, office, "任务", "05-19 10:00").tasks[0].state, zone.held()) == ("done", [])

    def test_a_return_that_is_not_answered_is_held(self, zone: Zone, office: Person, liaison: Person) -> None:
        owed = given(zone, office, "daily.10.overdue")
        zone.hand_in(owed, "05-11 10:00")
        send_back(zone.frame, owed, reason="没有照片", due_at=at("05-19"), now=at("05-12 10:00"), by=None)
        zone.live("05-13 00:10", "05-19 00:10")
        assert zone.held() == [(owed.department_id, None, "correction")]
        board = say(zone, office, "看板", "05-20 10:00").overall
        assert (board.open, board.overdue, board.returned) == (1, 1, 1)


class TestProgress:
    def test_is_of_tasks_alone(self, zone: Zone, march: Obligation) -> None:
        with refused("progress_of_tasks"):
            reported(zone, march, "04-01 10:00")

    def test_said_twice_it_is_one(self, zone: Zone, office: Person, liaison: Person) -> None:
        owed, other = given(zone, office, "daily.1"), given(zone, office, "daily.2")
        one = sent(zone, owed, "05-07 10:00").hand_in
        for _ in range(2):
            progress.report(zone.session, one, owed)
        assert (one.state, one.department_id) == (HandInState.PROGRESS, owed.department_id)
        assert [each.id for each in progress.of_tasks(zone.session, [owed.id])[owed.id]] == [one.id]
        with refused("hand_in_gone"):
            progress.report(zone.session, one, other)

    def test_what_counts_or_was_dropped_is_none(self, zone: Zone, office: Person, liaison: Person) -> None:
        owed = given(zone, office, "daily.1")
        with refused("hand_in_counts"):
            progress.report(zone.session, zone.hand_in(owed, "05-07 10:00").hand_in, owed)
        one = sent(zone, owed, "05-07 10:00").hand_in
        drop(zone.session, one)
        with refused("hand_in_gone"):
            progress.report(zone.session, one, owed)

    def test_is_withdrawn_until_the_deadline(self, zone: Zone, office: Person, liaison: Person) -> None:
        owed = given(zone, office, "daily.10.overdue")
        zone.hand_in(owed, "05-07 09:00")
        one = sent(zone, owed, "05-07 10:00").hand_in
        progress.report(zone.session, one, owed)
        withdraw(zone.frame, one, now=at("05-12 23:59"))
        assert (one.state, owed.handed_in_at) == (HandInState.WITHDRAWN, at("05-07 09:00"))
        assert say(zone, office, "查看任务 #1", "05-12 23:59").task.progress is None
        late = sent(zone, owed, "05-12 10:00").hand_in
        progress.report(zone.session, late, owed)
        with refused("withdraw_too_late"):
            withdraw(zone.frame, late, now=at("05-13 00:00"))


class TestRegister:
    ROW = ("人事局", "daily.1", "压减企业开办时间", "李科长", "一窗受理", "2021/05/12")

    def test_every_field_is_kept_shown_and_told(
        self, zone: Zone, office: Person, liaison: Person, tmp_path: Path
    ) -> None:
        done = register(zone, office, tmp_path, self.ROW)
        assert [(one.department, one.title, one.new) for one in done.tasks] == [("人事局", "压减企业开办时间", True)]
        (row,) = say(zone, office, "任务 人事局").tasks
        shown = (row.item, row.title, row.responsible, row.measures, row.due)
        assert shown == ("daily.1", "压减企业开办时间", "李科长", "一窗受理", at("05-13"))
        (reminder,) = [one for one in zone.live("05-06 10:01") if one.kind == "reminder"]
        (line,) = reminder.facts["lines"]
        assert (line["responsible"], line["measures"]) == ("李科长", "一窗受理")
        zone.live("05-10 09:00", "05-12 09:00", "05-13 00:10")
        assert [one[2] for one in zone.held()] == ["judgement"]

    def test_a_file_with_corrections_puts_them_right_and_names_other_dates(
        self, zone: Zone, office: Person, liaison: Person, tmp_path: Path
    ) -> None:
        register(zone, office, tmp_path, self.ROW)
        with refused("import_nothing_new"):
            register(zone, office, tmp_path, self.ROW)
        with refused("import_nothing_new"):
            register(zone, office, tmp_path, (*self.ROW[:3], "", "", self.ROW[5]))
        done = register(zone, office, tmp_path, (*self.ROW[:3], "周科长", "", "2021/06/30"))
        (said,) = done.tasks
        assert (said.new, said.amended, said.due, said.other_date) == (False, True, at("05-13"), at("07-01"))
        (row,) = say(zone, office, "任务").tasks
        assert (row.responsible, row.measures, row.due) == ("周科长", "一窗受理", at("05-13"))

    def test_amended_by_command_its_department_is_told(self, zone: Zone, office: Person, liaison: Person) -> None:
        given(zone, office, "daily.1")
        for said, field in [
            ("责任人 周科长", "responsible"), ("措施 增设窗口 延长服务", "measures"), ("任务名称 排队整改", "title"),
        ]:  # fmt: skip
            done = say(zone, office, f"更正任务 #1 {said}", "05-07 10:00")
            assert (done.what, getattr(done.task, field), done.after) == (field, *[said.partition(" ")[2]] * 2)
            assert told(zone) == [("task_amended", "department")]
        with refused("task_field_unknown"):
            say(zone, office, "更正任务 #1 期限 5月20日", "05-07 10:00")
        with refused("task_unknown"):
            say(zone, office, "延期 任务9 5月20日", "05-07 10:00")
        with refused("not_allowed"):
            say(zone, liaison, "更正任务 #1 责任人 无", "05-07 10:00")


class TestShown:
    @pytest.fixture
    def several(self, zone: Zone, office: Person, liaison: Person) -> None:
        """Four tasks of two departments under two items: one done, one overdue, one with progress, one of 财政局."""
        zone.department("fin", "财政局", duties=())
        zone.hand_in(given(zone, office, "daily.1", "办结的"), "05-07 10:00")
        given(zone, office, "daily.10.overdue", "逾期的", "5月7日")
        owed = given(zone, office, "daily.10.overdue", "在办的", "5月31日")
        reported(zone, owed, "05-07 09:00", "走访15家")
        reported(zone, owed, "05-09 09:00", "走访30家")
        say(zone, office, "督办 fin daily.1 5月20日 财政的", "05-06 10:00")

    def test_the_board(self, zone: Zone, office: Person, several: None) -> None:
        board = say(zone, office, "任务看板", "05-10 10:00")
        sums = {one.department: (one.open, one.overdue, one.done) for one in (board.overall, *board.departments)}
        assert list(sums.items()) == [("", (3, 1, 1)), ("人事局", (2, 1, 1)), ("财政局", (1, 0, 0))]
        assert [one.item for one in board.items] == ["daily.1", "daily.10.overdue"]
        (unit,) = board.items[1].departments
        late, going = unit.tasks
        assert (late.title, late.days_left, late.days_over, late.progress) == ("逾期的", None, 3, None)
        assert (going.title, going.days_left, going.days_over, going.responsible) == ("在办的", 15, 0, "李科长")
        assert (going.progress.text, going.progress.at) == ("走访30家", at("05-09 09:00"))

    def test_the_board_of_one_department(self, zone: Zone, office: Person, several: None) -> None:
        board = say(zone, office, "看板 财政局", "05-10 10:00")
        assert (board.overall.open, [one.department for one in board.departments]) == (1, ["财政局"])

    def test_last_years_tasks_are_counted_while_they_are_open(
        self, zone: Zone, office: Person, several: None, rulebook: RuleBook
    ) -> None:
        put_in_force(zone.session, rulebook, 2022, at("2022-01-01"))
        overall = say(zone, office, "看板", "2022-01-10 10:00").overall
        assert (overall.open, overall.done) == (3, 0)

    def test_departments_see_their_own(self, zone: Zone, liaison: Person, several: None) -> None:
        assert {one.department for one in say(zone, liaison, "/tasks", "05-10 10:00").tasks} == {"人事局"}
        assert say(zone, liaison, "查看任务 #3", "05-10 10:00").task.title == "在办的"
        with refused("task_unknown"):
            say(zone, liaison, "查看任务 #4", "05-10 10:00")
        with refused("not_allowed"):
            say(zone, liaison, "看板", "05-10 10:00")
        with refused("not_your_department"):
            say(zone, liaison, "任务 财政局", "05-10 10:00")

    def test_the_history_of_one(self, zone: Zone, office: Person, several: None) -> None:
        (owed,) = [one for task, one in tasks(zone.session) if task.title == "在办的"]
        say(zone, office, "延期 任务3 6月10日 等待批复", "05-11 10:00")
        zone.hand_in(owed, "05-12 10:00")
        say(zone, office, "退回 任务3 5月20日 没有照片", "05-13 10:00")
        say(zone, office, "办结 #3 5月14日 照片已补", "05-15 10:00")
        shown = say(zone, office, "查看任务 #3", "05-15 11:00")
        assert [(one.kind, one.text) for one in shown.came] == [
            ("progress", "走访15家"), ("progress", "走访30家"), ("first", ""), ("more", "照片已补"),
        ]  # fmt: skip
        assert [(one.before, one.until, one.reason) for one in shown.moved] == [(at("06-01"), at("06-11"), "等待批复")]
        assert [(one.reason, one.met) for one in shown.returned] == [("没有照片", True)]
        assert shown.task.state == "done"


class TestSharedData:
    """Cycles of their own: what is owed of each, and over the turn of the year."""

    @pytest.mark.parametrize(
        ("cycle", "due", "periods"),
        [
            ("每周", 1, [("2021-W51", "12-28"), ("2021-W52", "2022-01-05"), ("2022-W01", "2022-01-11")]),
            ("每月", 2, [("2021-11", "12-03"), ("2021-12", "2022-01-06"), ("2022-01", "2022-02-09")]),
            ("每季度", 2, [("2021Q3", "10-10"), ("2021Q4", "2022-01-06"), ("2022Q1", "2022-04-03")]),
            ("每10天", 1, [("2021-D036", "12-28"), ("2021-D037", "2022-01-05"), ("2022-D001", "2022-01-12")]),
            ("每100天", 1, [("2021-D003", "10-29"), ("2021-D004", "2022-01-05"), ("2022-D001", "2022-04-12")]),
        ],
    )  # fmt: skip
    def test_from_one_year_into_the_next(
        self, zone: Zone, office: Person, rulebook: RuleBook, cycle: str, due: int, periods: list[tuple[str, str]]
    ) -> None:
        """Due at the end of so many working days after the period: 1 to 3 January 2022 are days off."""
        put_in_force(zone.session, rulebook, 2022, at("2022-01-01"))
        unit = zone.department("tax", "税务局", duties=())
        say(zone, office, f"设定共享数据 tax-data {cycle} 涉税数据 --due={due}", "01-04 10:00")
        say(zone, office, "分配报送 税务局 tax-data 2021-01-01", "01-04 10:00")
        found = {code: zone.owes(unit, code, "tax-data") for code, _ in periods}
        assert [(code, one.due_at) for code, one in found.items()] == [(code, at(day)) for code, day in periods]
        assert [one.year for one in found.values()] == [2021, 2021, 2022]

    def test_the_last_of_every_ten_days_is_cut_short_and_nothing_is_owed_twice(self, zone: Zone) -> None:
        for length in (1, 7, 10, 100, 365):
            for year in (2021, 2024):
                days = list(periods_of(f"days:{length}", year))
                assert (days[0].first, days[-1].last) == (date(year, 1, 1), date(year, 12, 31))
                assert all((after.first - before.last).days == 1 for before, after in pairwise(days))

    def test_each_period_is_settled_for_itself(self, zone: Zone, office: Person, rulebook: RuleBook) -> None:
        put_in_force(zone.session, rulebook, 2022, at("2022-01-01"))
        unit = zone.department("tax", "税务局", duties=())
        say(zone, office, "设定共享数据 tax-data 每10天 涉税数据", "12-20 10:00")
        say(zone, office, "分配报送 税务局 tax-data 2021-12-20", "12-20 10:00")
        zone.live("12-20 10:01", "12-27 09:00", "12-28 00:10", "12-29 09:00")
        zone.hand_in(zone.owes(unit, "2021-D037", "tax-data"), "2022-01-04 20:00")
        zone.live("2022-01-04 21:00", "2022-01-05 00:10", "2022-01-06 09:00", "2022-01-11 09:00", "2022-01-12 00:10")
        assert zone.held() == [(unit.id, "2021-D036", "judgement"), (unit.id, "2022-D001", "judgement")]
