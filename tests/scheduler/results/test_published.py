"""A published result: who is told what, what is shown, and what stays of it for the next years."""

import json
from dataclasses import asdict
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest

from scheduler import calendars, result_commands
from scheduler.tables import Obligation
from scoring import frozen, ledger, results
from scoring.cards import card_of, rank_list
from scoring.loading import parse
from scoring.result_tables import PastResult
from scoring.rulebook import RuleBook
from scoring.standings import put_in_force
from store.commands import to_json
from store.people import Department
from tests.scheduler.conftest import Zone, at
from tests.scheduler.results.conftest import END, Play, refused


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
