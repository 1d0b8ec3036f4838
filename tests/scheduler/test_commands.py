"""The verbs over obligations, tasks and the calendar, said as officials say them."""

import json
from typing import Any

import pytest
from sqlmodel import select

import scheduler.commands
from scheduler.reminders import delivered
from scheduler.tables import Obligation
from store import acting
from store.audit import AuditRecord
from store.commands import CONVERTERS, VERBS, Act, find_verb, parse_line, to_json
from store.errors import Refusal
from store.people import Department, Person, Role
from tests.scheduler.conftest import ALL, Zone, at

LADDER = ("03-26 09:00", "04-02 09:00")
assert scheduler.commands


@pytest.fixture
def office(zone: Zone) -> Person:
    return zone.person("王主任", Role.ADMINISTRATOR)


def refused(code: str) -> "pytest.RaisesExc[Refusal]":
    return pytest.raises(Refusal, match=f"^{code}")


def say(zone: Zone, who: Person, line: str, now: str = "04-06 10:00") -> Any:
    """Do what a line says; notices land in ``zone.session.info``."""
    found = find_verb(line)
    assert found is not None, line
    verb, rest = found
    act: Act = zone.act(who, at(now))
    result = acting.run(act, verb, **parse_line(act, verb, rest))
    zone.session.info["told"] = act.notices
    json.dumps(to_json(result))
    return result


def told(zone: Zone) -> list[tuple[str, str]]:
    return [(one.kind, one.to.kind) for one in zone.session.info["told"]]


class TestPending:
    def test_open_missing_and_late_are_told_apart(self, zone: Zone, office: Person, march: Obligation) -> None:
        com, tax = (
            zone.department("com", "商务局", since=at("03-10")),
            zone.department("tax", "税务局", since=at("03-10")),
        )
        zone.department("jzt", "九站街道", reachable=False, since=at("03-10"))
        zone.live(*LADDER)
        zone.hand_in(zone.owes(com, "2021-03"), "04-02 10:00")
        zone.hand_in(zone.owes(tax, "2021-03"), "04-03 10:00")
        before = say(zone, office, "待报", "04-02 16:00")
        assert {row.department: [one.state for one in row.owed] for row in before.departments} == {
            "财政局": ["open"], "税务局": ["late"], "九站街道": ["open"],
        }  # fmt: skip
        zone.live("04-03 10:20", "04-06 09:00")
        rows = {row.department: row for row in say(zone, office, "pending").departments}
        assert [one.state for one in rows["财政局"].owed] == ["missing"]
        assert [one.state for one in rows["税务局"].owed] == ["late"]
        assert (rows["九站街道"].reachable, rows["九站街道"].owed[0].held) == (False, True)
        assert "商务局" not in rows

    def test_departments_see_their_own_only(self, zone: Zone, march: Obligation) -> None:
        zone.department("com", "商务局", since=at("03-10"))
        zone.live(*LADDER)
        liaison = zone.session.exec(select(Person).where(Person.name == "财政局联络员")).one()
        own = say(zone, liaison, "待报")
        assert (own.everyone, [row.department for row in own.departments]) == (False, ["财政局"])
        with refused("not_your_department"):
            say(zone, liaison, "pending 商务局")


def test_remind_now(zone: Zone, office: Person, march: Obligation) -> None:
    zone.department("jzt", "九站街道", reachable=False, since=at("03-10"))
    zone.live("03-26 09:00")
    done = say(zone, office, "催报", "03-27 20:00")
    assert (done.departments, done.count, done.unreachable) == (("财政局",), 1, ("九站街道",))
    assert told(zone) == [("reminder", "department")]
    with refused("unreachable"):
        say(zone, office, "remind 九站街道")
    zone.hand_in(march, "03-29 10:00")
    with refused("nothing_owed"):
        say(zone, office, "remind 财政局")


def test_a_reminder_by_hand_counts_as_told(zone: Zone, office: Person, march: Obligation) -> None:
    zone.tick(at("03-26 09:00"), deliver=False)
    say(zone, office, "remind czj", "03-27 20:00")
    delivered(zone.session, [one.topic for one in zone.session.info["told"]], at("03-27 20:01"))
    zone.live("04-03 00:10")
    assert (len(zone.entries()), zone.held()) == (1, [])


def test_receive_at_its_real_time_with_evidence(zone: Zone, office: Person, march: Obligation) -> None:
    zone.live(*LADDER, "04-03 00:10")
    done = say(zone, office, "代收 财政局 工作动态 3月 4月2日 16:00 OA 收文〔2021〕15号")
    assert (done.on_time, done.channel, done.evidence) == (True, "oa", "收文〔2021〕15号")
    assert (done.before.daily, done.after.daily) == ("39.00", "40.00")
    assert ("received", "department") in told(zone)
    with refused("sent_in_future"):
        say(zone, office, "receive #1 2021-04-07 paper 单据")
    with refused("before_its_period"):
        say(zone, office, "代收 财政局 工作动态 3月 2021-02-28 纸质 单据")
    assert say(zone, office, "代收 财政局 工作动态 3月 2021-03-01 纸质 单据").on_time
    with refused("channel_unknown"):
        say(zone, office, "receive #1 2021-04-02 飞鸽 单据")
    with refused("evidence_needed|argument_missing"):
        say(zone, office, "receive #1 2021-04-02 paper")


def test_return_for_correction(zone: Zone, office: Person, march: Obligation) -> None:
    zone.live(*LADDER)
    zone.hand_in(march, "04-02 10:00")
    done = say(zone, office, "退回 财政局 工作动态 三月 4月9日 内容不实")
    assert (done.until, done.reason) == (at("04-10 00:00"), "内容不实")
    assert told(zone) == [("returned", "department")]
    assert [one.state for one in say(zone, office, "pending").departments[0].owed] == ["returned"]


def test_extend_a_day_counts_in_full(zone: Zone, office: Person, march: Obligation) -> None:
    zone.live(*LADDER, "04-03 00:10")
    done = say(zone, office, "延期 财政局 工作动态 3月 2021-04-09 系统故障")
    assert (done.until, done.relieved, done.reason) == (at("04-10 00:00"), True, "系统故障")
    assert (done.before.daily, done.after.daily) == ("39.00", "40.00")
    assert told(zone) == [("extended", "department")]
    with refused("extension_not_later"):
        say(zone, office, "extend 财政局 工作动态 3月 4月9日")


def test_exempt(zone: Zone, office: Person, march: Obligation) -> None:
    zone.live(*LADDER, "04-03 00:10")
    assert say(zone, office, "免报 财政局 工作动态 2021-03 机构改革").relieved
    assert [stands for *_, stands in zone.entries()] == [False]
    (record,) = zone.session.exec(select(AuditRecord)).all()
    assert (record.verb, record.outcome, record.arguments["reason"]) == ("exempt", "done", "机构改革")


class TestHeld:
    def test_listed_and_decided(self, zone: Zone, office: Person, march: Obligation) -> None:
        zone.live("04-03 00:10")
        (row,) = say(zone, office, "held").holds
        assert (row.department, row.why, row.due) == ("财政局", "not_told", at("04-03 00:00"))
        done = say(zone, office, f"核定 #{row.number} 扣分 电话已告知")
        assert (done.points, done.reason, done.before.daily, done.after.daily) == ("-1", "电话已告知", "40.00", "39.00")
        assert say(zone, office, "held").holds == ()
        with refused("no_hold"):
            say(zone, office, f"held decide #{row.number} 免报")

    def test_nobody_decides_on_his_own_department(self, zone: Zone, march: Obligation) -> None:
        own = zone.person("李局长", Role.ADMINISTRATOR, zone.session.get_one(Department, march.department_id))
        zone.live("04-03 00:10")
        proposed = say(zone, own, f"核定 #{march.id} 免报")
        assert isinstance(proposed, acting.Proposed)
        assert (proposed.need.role, proposed.need.why) == ("leading_group", "own_department")
        assert len(zone.held()) == 1

    def test_only_administrators_decide(self, zone: Zone, march: Obligation) -> None:
        liaison = zone.session.exec(select(Person).where(Person.name == "财政局联络员")).one()
        zone.live("04-03 00:10")
        with refused("not_allowed"):
            say(zone, liaison, f"核定 #{march.id} 免报")


def test_tasks(zone: Zone, office: Person, march: Obligation) -> None:
    added = say(
        zone, office, "督办 财政局 daily.10.overdue 4月13日 窗口问题整改报告 --responsible=李科长", "04-06 10:00"
    )
    assert (added.title, added.responsible, added.state) == ("窗口问题整改报告", "李科长", "open")
    assert told(zone) == [("task", "department")]
    done = say(zone, office, f"办结 #{added.number} 4月12日 报告已收", "04-15 10:00")
    assert (done.state, done.done_at) == ("done", at("04-12 00:00"))
    assert [one.state for one in say(zone, office, "任务").tasks] == ["done"]
    with refused("item_not_owed"):
        say(zone, office, "督办 财政局 daily.7 4月13日 问题")
    with refused("task_unknown"):
        say(zone, office, "办结 #99")


def test_duties(zone: Zone, office: Person) -> None:
    zone.department("com", "商务局", duties=())
    row = say(zone, office, "duty assign 商务局 双公示 2021-04-01")
    assert (row.duty, row.until) == ("publicity_ledger", None)
    assert say(zone, office, "duty end 商务局 publicity_ledger 2021-06-30").until is not None
    assert [one.duty for one in say(zone, office, "duty").duties] == ["publicity_ledger"]
    with refused("not_owed"):
        say(zone, office, "duty end 商务局 publicity_ledger")


def test_shared_data_with_a_cycle_of_its_own(zone: Zone, office: Person) -> None:
    tax = zone.department("tax", "税务局", duties=())
    row = say(zone, office, "设定共享数据 data:tax 每10天 涉税数据")
    assert (row.code, row.cycle, row.item, row.due_working_day) == ("data:tax", "days:10", "daily.5", 1)
    assert say(zone, office, "duty assign 税务局 涉税数据 2021-01-01").duty == "data:tax"
    zone.live("04-07 09:00", "04-13 00:10")
    assert zone.held() == [(tax.id, "2021-D010", "judgement")]
    with refused("duty_exists"):
        say(zone, office, "duty define data:tax 每周 涉税数据")
    with refused("cycle_unknown"):
        say(zone, office, "duty define data:new 常常 涉税数据")
    with refused("code_too_long"):
        say(zone, office, f"duty define {'税' * 33} 每周 涉税数据")


def test_calendar(zone: Zone, office: Person, tmp_path: Any) -> None:
    year = say(zone, office, "工作日历 2021")
    assert (year.source, year.working_days, year.provisional_next) == ("package", 250, False)
    assert {one.day.isoformat() for one in year.days if not one.off} == {
        "2021-02-07", "2021-02-20", "2021-04-25", "2021-05-08", "2021-09-18", "2021-09-26", "2021-10-09",
    }  # fmt: skip
    text = json.dumps({"year": 2027, "days": [{"date": "2027-01-01", "isOffDay": True}]})
    assert say(zone, office, f"calendar load {text}").year == 2027
    path = tmp_path / "2027.json"
    path.write_text(text, encoding="utf-8")
    with refused("calendar_unreadable"):
        say(zone, office, f"calendar load {path}"), "in chat nobody names files of the server"
    act = zone.act(office, at("04-06"))
    act.via = "command line"
    assert acting.run(act, "calendar load", file=str(path)).year == 2027
    with refused("file_unreadable"):
        acting.run(act, "calendar load", file=str(tmp_path / "none.json"))


def test_post_the_summary_now(zone: Zone, office: Person, march: Obligation) -> None:
    with refused("summary_too_early"):
        say(zone, office, "post 3月", "04-02 10:00")
    zone.live(*LADDER, "04-03 00:10")
    done = say(zone, office, "post 2021-03", "04-03 10:00")
    assert (done.month, done.owing, done.punctual) == ("2021-03", 1, 0)
    assert told(zone) == [("summary", "summary_chat")]
    with refused("month_unknown"):
        say(zone, office, "post 13月")


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("财政局 3月", "duty_unknown"),
        ("财政局 工作动态 13月", "period_unknown"),
        ("财政局 双公示 3月", "not_owed"),
        ("没有局 工作动态 3月", "department_unknown"),
        ("#999", "obligation_unknown"),
        ("财政局", "obligation_unknown"),
        ("财政局 工作动态", "period_needed"),
    ],
)
def test_what_names_no_obligation_is_refused(zone: Zone, office: Person, fin: Department, said: str, code: str) -> None:
    with refused(code):
        CONVERTERS[Obligation].read(zone.act(office, at("04-06 10:00")), said)


def test_an_obligation_as_it_is_named_and_written(zone: Zone, office: Person, march: Obligation) -> None:
    act = zone.act(office, at("04-06 10:00"))
    for said in ("财政局 工作动态 3月", "czj 月度工作动态信息 2021年3月", "fin monthly_update 2021-03", f"#{march.id}"):
        assert CONVERTERS[Obligation].read(act, said).id == march.id
    assert CONVERTERS[Obligation].read(act, CONVERTERS[Obligation].write(march)).id == march.id
    zone.live(*LADDER)
    assert CONVERTERS[Obligation].read(act, "财政局 工作动态").id == march.id, "the only one that is owed"


def test_what_is_offered_can_be_chosen(zone: Zone, office: Person) -> None:
    com = zone.department("com", "商务局", duties=ALL, since=at("03-10"))
    zone.live(*LADDER)
    zone.hand_in(zone.owes(com, "2021-03", "publicity_ledger"), "04-02 10:00", kind="nil")
    zone.live("04-03 00:10")
    act = zone.act(office, at("04-06 10:00"))
    own = [verb for verb in VERBS.values() if verb.group in ("obligations", "duties", "tasks", "calendar")]
    offered = 0
    for param in (param for verb in own for param in verb.params):
        if param.converter.choices is not None:
            for choice in param.converter.choices(act, {}):
                param.converter.read(act, choice.value)
                offered += 1
    assert offered > 20
