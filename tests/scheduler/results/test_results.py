"""The end of a year by verbs: what stands in the way, who agrees, what voids."""

import json
from datetime import date, timedelta

from sqlmodel import select

from scheduler import calendars, closing
from scheduler.frame import Frame
from scoring import results
from scoring.claim_tables import BonusClaim
from scoring.result_tables import RecordedApproval
from scoring.rulebook import RuleBook
from scoring.standings import put_in_force
from scoring.survey_tables import Survey
from store import audit
from store.acting import Proposed
from store.commands import to_json
from tests.scheduler.conftest import Zone, at
from tests.scheduler.results.conftest import END, Play, refused, told


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
