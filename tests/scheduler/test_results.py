"""The end of a year by verbs: what stands in the way, who agrees, what voids, what is shown once it is published."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import date, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from sqlmodel import select

from scheduler import calendars, closing, result_commands
from scheduler.closing import obstacles
from scheduler.frame import Frame
from scheduler.tables import Obligation
from scoring import frozen, ledger, results
from scoring.cards import card_of, rank_list
from scoring.claim_tables import BonusClaim
from scoring.loading import parse
from scoring.points import UNIT
from scoring.result_tables import PastResult, RecordedApproval, ResultSet
from scoring.rulebook import RuleBook
from scoring.standings import put_in_force
from scoring.survey_tables import BallotBox, Survey
from scoring.tables import LedgerEntry
from store import acting, audit
from store.acting import Decided, Proposed
from store.commands import VERBS, Act, parse_line, to_json
from store.errors import Refusal
from store.notices import Notice
from store.people import Department, Person, Role, appoint
from store.proposals import open_proposals
from tests.scheduler.conftest import Zone, at

END = at("2022-01-20 10:00")
"""Everything of 2021 is settled."""
MARKS = {"leaders": "27", "departments": "9", "enterprises": "8", "supervisors": "9.5"}


class Play:
    """A zone at the end of its year, with an office of two, a leading group of three and two departments."""

    def __init__(self, zone: Zone) -> None:
        self.zone, self.session = zone, zone.session
        self.fin = zone.department("fin", "财政局", duties=())
        self.com = zone.department("com", "商务局", duties=())
        self.clerk, self.second = (self._person(name, Role.ADMINISTRATOR) for name in ("甲", "乙"))
        self.members = [self._person(f"成员{number}", Role.LEADING_GROUP) for number in range(3)]

    def _person(self, name: str, role: Role) -> Person:
        person = Person(
            name=name, telegram_id=9000 + len(self.session.exec(select(Person)).all()), started_at=at("01-01")
        )
        self.session.add(person)
        self.session.flush()
        appoint(self.session, person, role, at("01-01"), None)
        return person

    def rate(self, *, only: Iterable[str] = MARKS) -> None:
        for panel in only:
            survey = Survey(
                year=2021, panel=panel, departments=[self.fin.id, self.com.id], opened_at=at("12-01"),
                opened_by=self.clerk.id, closes_at=at("12-20"), closed_at=at("12-20 01:00"),
            )  # fmt: skip
            self.session.add(survey)
            self.session.flush()
            mark = str(int(float(MARKS[panel]) * UNIT))
            for unit in (self.fin, self.com):
                self.session.add(BallotBox(survey_id=survey.id, department_id=unit.id, marks={mark: 3}))
        self.session.flush()

    def deduct(
        self, unit: Department, item: str = "daily.7", count: int = 1, when: datetime | None = None
    ) -> LedgerEntry:
        return ledger.post(
            self.session, department_id=unit.id, year=2021, item=item, count=count, happened_at=at("06-01"),
            recorded_at=when or at("06-01"), source="admin", reason="窗口无人",
        )  # fmt: skip

    def does(self, who: Person, line: str, now: datetime = END, via: Any = "chat") -> tuple[Any, list[Notice]]:
        """What a line does, and who is told what."""
        act = Act(self.session, now, who, via)
        name = next(name for name in sorted(VERBS, key=len, reverse=True) if f"{line} ".startswith(f"{name} "))
        verb = VERBS[name]
        done = acting.run(act, verb, **parse_line(act, verb, line[len(name) :].strip()))
        return done, act.notices

    def confirm(self, who: Person, now: datetime = END) -> Decided:
        [proposal] = open_proposals(self.session)
        return acting.confirm(Act(self.session, now, who, "chat"), proposal)

    def freeze(self, line: str = "freeze 2021") -> ResultSet:
        self.does(self.clerk, line)
        return results.standing_result(self.session, 2021)

    def publish(self) -> ResultSet:
        result = self.freeze()
        for one in self.members[:2]:
            self.does(one, f"approve {result.hash}")
        self.does(self.clerk, "publish 2021")
        return result

    def obstacles(self, now: datetime = END) -> dict[str, tuple[int, tuple[str, ...]]]:
        return {one.code: (one.count, one.names) for one in obstacles(Frame.of(self.session), 2021, now)}


@pytest.fixture
def play(zone: Zone) -> Play:
    return Play(zone)


@pytest.fixture
def rated(play: Play) -> Play:
    play.rate()
    play.deduct(play.fin, count=2)
    return play


def refused(code: str) -> "pytest.RaisesExc[Refusal]":
    return pytest.raises(Refusal, match=code)


def told(notices: Iterable[Notice]) -> list[tuple[str, str]]:
    return [(one.kind, one.to.kind) for one in notices]


class TestObstacles:
    def test_none_at_the_end_of_a_settled_year(self, rated: Play) -> None:
        assert rated.obstacles() == {}

    def test_periods_to_come_holds_and_what_is_not_settled(self, zone: Zone, play: Play) -> None:
        play.rate()
        hr = zone.department("hr", "人事局", duties=("monthly_update",))
        in_may = play.obstacles(at("05-20"))
        assert in_may["periods"] == (8, tuple(f"2021年{month}月 工作动态" for month in range(5, 13)))
        zone.live("02-02 09:00", "02-03 01:00")
        assert zone.held() or zone.entries(hr)
        january = zone.owes(hr, "2021-01")
        january.settle_at = END
        zone.session.add(january)
        zone.session.flush()
        assert play.obstacles()["unsettled"][1][0].startswith("人事局 2021-01")

    def test_a_hold_by_name(self, zone: Zone, play: Play) -> None:
        play.rate()
        zone.department("hr", "人事局", reachable=False)
        zone.live("02-02 09:00", "02-10 01:00")
        assert play.obstacles(at("02-10 01:00"))["holds"] == (1, ("人事局 2021-01 工作动态",))
        with refused("result_not_ready"):
            play.does(play.clerk, "freeze 2021", at("02-10 02:00"))

    def test_what_waits_for_a_second_person(self, rated: Play) -> None:
        proposed, _ = rated.does(rated.clerk, "veto com veto.1 理由")
        assert isinstance(proposed, Proposed)
        assert rated.obstacles()["proposals"] == (1, ("商务局 #1",))

    def test_a_bonus_that_is_claimed_and_not_decided(self, rated: Play) -> None:
        rated.session.add(
            BonusClaim(
                year=2021,
                department_id=rated.com.id,
                item="bonus.3.municipal",
                title="报道",
                happened_at=at("12-01"),
                raised_by=rated.clerk.id,
                raised_at=at("12-02"),
            )
        )
        rated.session.flush()
        assert rated.obstacles() == {"claims": (1, ("商务局 #1",))}

    def test_ratings_that_run_and_panels_without_a_figure(self, play: Play) -> None:
        play.rate(only=["leaders", "departments"])
        running = Survey(
            year=2021, panel="enterprises", departments=[], opened_at=END, opened_by=play.clerk.id,
            closes_at=END + timedelta(days=1),
        )  # fmt: skip
        play.session.add(running)
        play.session.flush()
        found = play.obstacles()
        assert found["surveys"][0] == 1
        assert found["panels_uncounted"][0] == 2

    def test_a_rehearsal_is_none(self, rated: Play) -> None:
        rated.session.add(
            Survey(
                year=2021,
                panel="leaders",
                departments=[],
                rehearsal=True,
                opened_at=END,
                opened_by=rated.clerk.id,
                closes_at=END + timedelta(days=1),
            )
        )
        rated.session.flush()
        assert rated.obstacles() == {}


class TestFreezing:
    def test_the_leading_group_gets_it_with_picture_hash_and_buttons(self, rated: Play) -> None:
        done, [notice] = rated.does(rated.clerk, "freeze")
        result = results.standing_result(rated.session, 2021)
        assert (notice.kind, notice.to.kind) == ("result_frozen", "leading_group")
        assert notice.buttons == (("agree", str(result.id)), ("detail", str(result.id)))
        assert notice.picture is not None
        assert [row["department"] for row in notice.picture["data"]["rows"]] == ["商务局", "财政局"]
        assert notice.picture["data"]["approved"] is False
        assert (done.outline.hash, done.members, done.needed) == (result.hash, 3, 2)
        assert done.outline.grades == (("优秀", 1), ("达标", 1), ("不达标", 0))
        assert [one.department for one in done.outline.top] == ["商务局", "财政局"]

    def test_an_override_is_told_recorded_and_in_the_file(self, play: Play) -> None:
        play.rate(only=["leaders"])
        done, [notice] = play.does(play.clerk, "freeze 2021 会议决定先行审定")
        [override] = done.outline.overrides
        assert (override.what, override.count, override.reason, override.by) == (
            "panels_uncounted", 3, "会议决定先行审定", "甲",
        )  # fmt: skip
        assert notice.facts["outline"]["overrides"] == [to_json(override)]
        acted = audit.records(play.session, verb="freeze", limit=1)[0]
        assert acted.arguments == {"year": "2021", "override": "会议决定先行审定"}

    def test_the_year_that_is_over_comes_before_the_one_that_runs(self, rated: Play, rulebook: RuleBook) -> None:
        put_in_force(rated.session, rulebook, 2022, END)
        assert closing.year_to_close(rated.session, END) == 2021
        rated.publish()
        assert closing.year_to_close(rated.session, END) == 2022


class TestApproval:
    def test_each_is_told_with_n_of_m_until_it_is_enough(self, rated: Play) -> None:
        result = rated.freeze()
        seen = []
        for one in rated.members:
            done, notices = rated.does(one, f"approve {result.hash[:8]}")
            assert told(notices) == [("result_agreed", "administrators")]
            seen.append((done.name, done.consent.agreed, done.consent.approved))
        assert seen == [("成员0", 1, False), ("成员1", 2, True), ("成员2", 3, True)]

    def test_the_office_cannot_agree_nor_anybody_on_the_command_line(self, rated: Play) -> None:
        result = rated.freeze()
        with refused("not_allowed"):
            rated.does(rated.clerk, f"approve {result.hash}")
        with refused("chat_only"):
            rated.does(rated.members[0], f"approve {result.hash}", via="command line")

    def test_nothing_is_approved_once_something_has_changed(self, rated: Play) -> None:
        result = rated.freeze()
        rated.deduct(rated.com, when=END)
        for line in (f"approve {result.hash}", f"approve paper {result.hash} 纪要3号 2022-01-19", "publish 2021"):
            who = rated.members[0] if line.startswith("approve ") and "paper" not in line else rated.clerk
            with refused("result_changed") as caught:
                rated.does(who, line)
            assert caught.value.facts["why"] == [{"code": "ledger", "of": [f"#2 商务局 {_title(rated)}"]}]

    def test_on_paper_one_enters_and_another_confirms(self, rated: Play) -> None:
        result = rated.freeze()
        line = f"approve paper {result.hash[:8]} 会议纪要〔2022〕3号 2022-01-19"
        proposed, _ = rated.does(rated.clerk, line, via="command line")
        assert isinstance(proposed, Proposed)
        with refused("not_approved"):
            rated.does(rated.clerk, "publish 2021")
        with refused("not_yours_to_decide"):
            rated.confirm(rated.clerk)
        decided = rated.confirm(rated.second)
        assert decided.result.consent.approved
        [recorded] = rated.session.exec(select(RecordedApproval)).all()
        assert (recorded.paper, recorded.dated) == ("会议纪要〔2022〕3号", date(2022, 1, 19))
        assert (recorded.recorded_by, recorded.confirmed_by) == (rated.clerk.id, rated.second.id)
        rated.does(rated.clerk, "publish 2021")

    def test_a_paper_over_one_hash_approves_no_other(self, rated: Play) -> None:
        result = rated.freeze()
        rated.does(rated.clerk, f"approve paper {result.hash} 纪要3号 2022-01-19")
        rated.deduct(rated.com, when=END)
        anew = rated.freeze()
        with refused("result_void"):
            rated.confirm(rated.second)
        assert not rated.session.exec(select(RecordedApproval)).all()
        assert results.standing_result(rated.session, 2021).id == anew.id

    def test_a_paper_of_tomorrow_is_none(self, rated: Play) -> None:
        result = rated.freeze()
        with refused("not_yet"):
            rated.does(rated.clerk, f"approve paper {result.hash} 纪要3号 2022-01-21")


def _title(play: Play) -> str:
    return Frame.of(play.session).rulebook(2021).items["daily.7"].title


class TestVoiding:
    def test_time_finds_it_says_why_once_and_to_whom(self, rated: Play) -> None:
        result = rated.freeze()
        rated.does(rated.members[0], f"approve {result.hash}")
        assert "result_void" not in dict(told(rated.zone.tick(END)))
        rated.deduct(rated.com, when=END)
        said = [one for one in rated.zone.tick(END + timedelta(minutes=1)) if one.kind == "result_void"]
        assert told(said) == [("result_void", "administrators"), ("result_void", "leading_group")]
        assert said[0].facts["why"] == [{"code": "ledger", "of": [f"#2 商务局 {_title(rated)}"]}]
        assert said[0].facts["agreed"] == 1
        assert (result.state, result.why) == ("void", ["ledger:2"])
        assert "result_void" not in dict(told(rated.zone.tick(END + timedelta(minutes=2))))
        with refused("result_void"):
            rated.does(rated.members[1], f"approve {result.hash}")
        with refused("nothing_frozen"):
            rated.does(rated.clerk, "publish 2021")

    def test_a_calendar_that_moves_a_day_of_the_year_voids_and_one_of_another_year_does_not(self, rated: Play) -> None:
        result = rated.freeze()
        later = {"year": 2023, "days": [{"name": "春节", "date": "2023-01-23", "isOffDay": True}]}
        calendars.load_notice(rated.session, json.dumps(later), now=END, by=None)
        assert closing.changes(Frame.of(rated.session), result) == []
        anew = {"year": 2021, "days": [{"name": "加班", "date": "2021-05-15", "isOffDay": False}]}
        calendars.load_notice(rated.session, json.dumps(anew), now=END, by=None)
        assert closing.changes(Frame.of(rated.session), result) == ["calendar"]


class TestPublishing:
    def test_who_is_told_what(self, rated: Play) -> None:
        result = rated.freeze()
        for one in rated.members[:2]:
            rated.does(one, f"approve {result.hash}")
        done, notices = rated.does(rated.clerk, "publish")
        assert done.consent.agreed == 2
        own = {one.to.id: one.facts for one in notices if one.to.kind == "department"}
        assert set(own) == {rated.fin.id, rated.com.id}
        assert (own[rated.fin.id]["total"], own[rated.fin.id]["rank"], own[rated.fin.id]["ranked"]) == ("87.50", 2, 2)
        assert "商务局" not in json.dumps(own[rated.fin.id], ensure_ascii=False)
        [to_all] = [one for one in notices if one.to.kind == "summary_chat"]
        assert to_all.picture is not None
        assert to_all.picture["data"]["approved"] is True
        kept = rated.session.get_one(PastResult, (2021, rated.fin.id))
        assert (kept.total, kept.grade, kept.source) == ("87.50", "pass", "published")

    def test_a_hold_that_has_come_since_stands_in_the_way_until_a_reason_is_given(self, zone: Zone, play: Play) -> None:
        play.rate()
        result = play.freeze()
        for one in play.members:
            play.does(one, f"approve {result.hash}")
        obligation = Obligation(
            department_id=play.fin.id, year=2021, item="daily.1", original_due_at=END + timedelta(days=9),
            due_at=END + timedelta(days=9), accept_until=END + timedelta(days=9),
        )  # fmt: skip
        play.session.add(obligation)
        play.session.flush()
        with refused("result_not_ready"):
            play.does(play.clerk, "publish 2021")
        done, notices = play.does(play.clerk, "publish 2021 会议同意")
        assert [(one.what, one.reason) for one in done.overrides] == [("unsettled", "会议同意")]
        assert [one.facts["overrides"] for one in notices if one.to.kind == "leading_group"] == [
            [to_json(one) for one in done.overrides]
        ]
        assert result.overrides == [asdict(done.overrides[0]) | {"names": list(done.overrides[0].names)}]

    def test_what_the_freeze_went_on_with_needs_no_second_reason(self, play: Play) -> None:
        play.rate(only=["leaders"])
        result = play.freeze("freeze 2021 会议决定")
        for one in play.members:
            play.does(one, f"approve {result.hash}")
        done, _ = play.does(play.clerk, "publish 2021")
        assert done.overrides == ()

    def test_later_entries_change_nothing_that_is_shown_but_are_said(self, rated: Play) -> None:
        rated.publish()
        before = card_of(rated.session, rated.fin, 2021)
        assert (before.approved, before.total) == (True, "87.50")
        assert before.publication is not None
        assert before.publication.changed == ()
        assert before.publication.ledger == 1
        rated.deduct(rated.fin, "veto.1", when=END)
        after = card_of(rated.session, rated.fin, 2021)
        assert after.publication is not None
        assert after.publication.changed == ("ledger:2",)
        assert to_json(after) | {"publication": None} == to_json(before) | {"publication": None}
        listed = rank_list(rated.session, 2021, "total")
        assert [(one.department, one.rank) for one in listed.rows] == [("商务局", 1), ("财政局", 2)]
        assert listed.approved
        shown, _ = rated.does(rated.clerk, "results 2021")
        assert [one["code"] for one in shown.sets[0].why] == ["ledger"]

    def test_the_card_as_published_is_the_card_as_it_was_live(self, rated: Play) -> None:
        rated.deduct(rated.fin, "bonus.1.city_leader", 2)
        ledger.reverse(rated.session, rated.deduct(rated.fin, "daily.12"), now=at("07-01"), source="admin")
        live = [to_json(card_of(rated.session, one, 2021)) for one in (rated.fin, rated.com)]
        ranks = [to_json(rank_list(rated.session, 2021, by)) for by in ("total", "daily")]
        rated.publish()
        beside = {"approved": None, "publication": None}
        shown = [to_json(card_of(rated.session, one, 2021)) for one in (rated.fin, rated.com)]
        assert [one | beside for one in shown] == [one | beside for one in live]
        now_ranked = [to_json(rank_list(rated.session, 2021, by)) for by in ("total", "daily")]
        assert [one | beside for one in now_ranked] == [one | beside for one in ranks]

    def test_a_published_year_is_the_same_after_rule_book_calendar_and_names_have_changed(
        self, rated: Play, rulebook: RuleBook
    ) -> None:
        def everything() -> tuple[bytes, list[Any]]:
            result = results.published(rated.session, 2021)
            assert result is not None
            views = [card_of(rated.session, one, 2021) for one in (rated.fin, rated.com)]
            lists = [rank_list(rated.session, 2021, by) for by in ("total", "daily")]
            return b"".join(results.lines_of(rated.session, result)), [to_json(one) for one in [*views, *lists]]

        rated.publish()
        before = everything()
        other = rulebook.text.replace("points = -3", "points = -1")
        put_in_force(rated.session, parse(other, "2021 改"), 2021, END)
        notice = {"year": 2021, "days": [{"name": "加班", "date": "2021-05-15", "isOffDay": False}]}
        calendars.load_notice(rated.session, json.dumps(notice), now=END, by=None)
        rated.fin.name, rated.fin.kind = "财政金融局", "dual"
        rated.session.add(rated.fin)
        rated.session.add(Department(code="new", name="新局", kind="bureau"))
        rated.session.flush()
        results._READ.clear()
        assert everything() == before
        assert card_of(rated.session, rated.fin, 2021).department == "财政局"
        assert frozen.check(BytesIO(before[0])).hash == before[1][0]["publication"]["hash"]


class TestYears:
    def test_two_in_a_row_by_department_whatever_it_is_called(self, rated: Play, rulebook: RuleBook) -> None:
        rated.does(rated.clerk, "results past fin 2020 不达标 61.5")
        entered = rated.session.get_one(PastResult, (2020, rated.fin.id))
        assert (entered.total, entered.grade, entered.failed) == ("61.50", "fail", True)
        rated.fin.name = "财政金融局"
        rated.session.add(rated.fin)
        rated.deduct(rated.fin, "veto.1")
        rated.deduct(rated.com, "veto.2")
        done, _ = rated.does(rated.clerk, "freeze 2021")
        assert done.outline.twice == ("财政金融局",)
        assert done.outline.unknown == ("商务局",)

    def test_no_result_is_entered_for_the_running_year_or_one_that_was_published(
        self, rated: Play, rulebook: RuleBook
    ) -> None:
        with refused("past_not_to_enter"):
            rated.does(rated.clerk, "results past fin 2021 pass")
        rated.publish()
        put_in_force(rated.session, rulebook, 2022, END)
        with refused("past_not_to_enter"):
            rated.does(rated.clerk, "results past fin 2021 pass")
        with refused("grade_unknown"):
            rated.does(rated.clerk, "results past fin 2020 良好")

    @pytest.mark.parametrize("said", ["一百", "nan", "86.555", "-1", "1e99"])
    def test_a_total_that_is_none(self, rated: Play, said: str) -> None:
        with refused("total_unknown"):
            rated.does(rated.clerk, f"results past fin 2020 pass --total={said}")


class TestShowing:
    def test_how_far_it_has_come(self, rated: Play) -> None:
        first = rated.freeze()
        rated.does(rated.members[0], f"approve {first.hash}")
        second = rated.freeze()
        shown, _ = rated.does(rated.clerk, "results")
        assert [(one.hash, one.state) for one in shown.sets] == [(second.hash, "frozen"), (first.hash, "void")]
        assert shown.sets[1].agreed == ("成员0",)
        assert shown.sets[1].why == ({"code": "frozen_anew", "of": []},)
        full, _ = rated.does(rated.members[0], f"results show {second.hash[:10]}")
        assert [one.department for one in full.ranking.rows] == ["商务局", "财政局"]
        assert isinstance(full, result_commands.ResultShown)
        with refused("result_unknown"):
            rated.does(rated.clerk, "results show abcdef")
