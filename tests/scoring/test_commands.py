"""The verbs of scoring as officials use them: said in one line, previewed, done, told."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

import scoring.booklet
import scoring.commands  # noqa: F401 - the verbs
from scoring import ledger
from scoring.rulebook import RuleBook
from scoring.standings import put_in_force
from scoring.tables import LedgerEntry
from store.acting import Proposed, confirm, preview, run
from store.commands import VERBS, find_verb, parse, parse_line, to_json, written
from store.errors import Refusal
from store.people import Department, Person, Role, appoint
from store.proposals import Proposal
from store.times import CHINA

NOW = datetime(2021, 4, 6, 10, tzinfo=CHINA)


@pytest.fixture
def li(cast: Any) -> Person:
    """An administrator, one of two."""
    cast.person("陈静", Role.ADMINISTRATOR)
    return cast.person("李强", Role.ADMINISTRATOR)


def say(act: Any, line: str) -> Any:
    """One line, as somebody types it."""
    found = find_verb(line)
    assert found is not None, line
    verb, rest = found
    return run(act, verb, **parse_line(act, verb, rest))


class TestDeducting:
    def test_an_entry_says_all_that_a_template_needs(self, cast: Any, li: Person, fin: Department) -> None:
        act = cast.act(li)
        posted = say(act, "扣分 财政局 daily.7 2 窗口无人值守")
        assert (posted.number, posted.year, posted.code, posted.department) == (1, 2021, "fin", "财政局")
        assert (posted.item, posted.clause, posted.count, posted.points, posted.per) == (
            "daily.7", "1(7)", 2, "-6", "件次",
        )  # fmt: skip
        assert posted.clause_text.startswith("发现在机关作风")
        assert (posted.reason, posted.recorded_by, posted.confirmed_by) == ("窗口无人值守", "李强", None)
        assert (posted.before.daily, posted.after.daily) == ("40.00", "34.00")
        entry = cast.session.get_one(LedgerEntry, 1)
        assert (entry.points, entry.source, entry.recorded_by, entry.happened_at) == (-60_000, "admin", li.id, NOW)

    def test_the_department_is_told_and_how_to_ask_for_review(self, cast: Any, li: Person, fin: Department) -> None:
        act = cast.act(li)
        say(act, "扣分 财政局 daily.7 窗口无人值守")
        [notice] = act.notices
        assert (notice.kind, notice.to.kind, notice.to.id) == ("posted", "department", fin.id)
        assert notice.facts["number"] == 1
        assert notice.facts["happened_at"] == "2021-04-06T10:00:00+08:00"
        assert notice.facts["appeal_days"] == 5

    def test_an_item_is_named_by_code_or_title(self, cast: Any, li: Person) -> None:
        for said in ("daily.7", "7", "DAILY.7", "ｄａｉｌｙ.７", "窗口服务问题"):
            assert say(cast.act(li), f"扣分 fin {said}").item == "daily.7", said

    def test_what_cannot_be_is_refused_and_nothing_is_entered(self, cast: Any, li: Person) -> None:
        for line, code in {
            "扣分 fin daily.99": "item_unknown",
            "扣分 fin bonus.4": "item_unknown",
            "加分 fin daily.7": "item_unknown",
            "扣分 fin 未开展": "item_ambiguous",
            "扣分 水利局 daily.7": "department_unknown",
            "扣分 fin": "argument_missing",
            "扣分 fin daily.7 0": "count_unknown",
            "扣分 fin daily.7 --happened 2021-02-30": "date_unknown",
            "扣分 fin daily.7 --happened 明天": "not_yet",
            "扣分 fin daily.7 --happened 2020-12-31": "year_not_in_force",
        }.items():
            with pytest.raises(Refusal) as refused:
                say(cast.act(li), line)
            assert refused.value.code == code, line
        assert ledger.head(cast.session)[0] == 0

    def test_an_item_of_another_kind_is_named_as_what_it_is(self, cast: Any, li: Person) -> None:
        with pytest.raises(Refusal) as refused:
            say(cast.act(li), "扣分 fin bonus.4")
        assert "服务标兵" in str(refused.value.facts["title"])

    def test_it_counts_in_the_year_in_which_it_happened(
        self, cast: Any, li: Person, fin: Department, rulebook: RuleBook
    ) -> None:
        put_in_force(cast.session, rulebook, 2022, NOW)
        act = cast.act(li, now=datetime(2022, 1, 10, 9, tzinfo=CHINA))
        assert say(act, "扣分 fin daily.7 --happened 2021-12-30").year == 2021
        assert say(act, "扣分 fin daily.7").year == 2022

    def test_what_a_floor_swallows_shows_in_before_and_after(self, cast: Any, li: Person) -> None:
        act = cast.act(li)
        say(act, "扣分 fin daily.11.discipline 4")
        posted = say(act, "扣分 fin daily.7")
        assert (posted.points, posted.before.daily, posted.after.daily) == ("-3", "0.00", "0.00")

    def test_evidence_and_event_are_kept(self, cast: Any, li: Person) -> None:
        say(cast.act(li), "扣分 fin daily.7 窗口无人 --evidence 督查通报2021年第3号 --event 督查3")
        entry = cast.session.get_one(LedgerEntry, 1)
        assert (entry.evidence, entry.event) == ({"note": "督查通报2021年第3号"}, "督查3")

    def test_a_preview_keeps_nothing(self, cast: Any, li: Person, fin: Department) -> None:
        act = cast.act(li)
        verb = VERBS["deduct"]
        seen = preview(act, verb, **parse_line(act, verb, "财政局 daily.7"))
        assert (seen.before.daily, seen.after.daily) == ("40.00", "37.00")
        assert ledger.head(cast.session)[0] == 0
        assert say(act, "扣分 财政局 daily.7").number == 1


class TestOthersWhoMayPropose:
    def test_a_member_units_proposal_becomes_an_entry_when_the_office_confirms(
        self, cast: Any, li: Person, fin: Department
    ) -> None:
        unit = cast.person("纪工委", Role.MEMBER_UNIT)
        proposed = say(cast.act(unit), "扣分 财政局 daily.7 作风问题")
        assert isinstance(proposed, Proposed)
        assert (proposed.preview.before.daily, proposed.preview.after.daily) == ("40.00", "37.00")
        assert ledger.head(cast.session)[0] == 0
        confirm(cast.act(li), cast.session.get_one(Proposal, 1))
        entry = cast.session.get_one(LedgerEntry, 1)
        assert (entry.recorded_by, entry.confirmed_by, entry.reason) == (unit.id, li.id, "作风问题")

    def test_the_office_has_its_own_deduction_decided_by_the_leading_group(
        self, cast: Any, li: Person, gov: Department
    ) -> None:
        leader = cast.person("周主任", Role.LEADING_GROUP)
        proposed = say(cast.act(li), "扣分 政务服务局 daily.7")
        assert proposed.need.why == "own_department"
        act = cast.act(leader)
        confirm(act, cast.session.get_one(Proposal, 1))
        assert cast.session.get_one(LedgerEntry, 1).confirmed_by == leader.id
        assert [one.kind for one in act.notices] == ["posted", "proposal_decided"]


class TestBonus:
    def test_a_bonus_stops_at_the_cap_of_its_block(self, cast: Any, li: Person) -> None:
        act = cast.act(li)
        assert say(act, "加分 fin bonus.1.city_leader 优化审批").after.bonus == "8.00"
        assert say(act, "加分 fin bonus.2.city 全市推广").after.bonus == "10.00"

    def test_the_same_title_twice_is_asked_about(self, cast: Any, li: Person) -> None:
        act = cast.act(li)
        say(act, "加分 fin bonus.3.municipal 《江城日报》：一窗通办“新样板”")
        verb = VERBS["bonus"]
        again = parse_line(act, verb, "fin bonus.3.provincial 江城日报 一窗通办新样板")
        [caution] = preview(act, verb, **again).cautions
        assert (caution.code, caution.facts["entry"]) == ("same_title", 1)
        act.cautions.clear()
        run(act, verb, **again)
        assert [one.code for one in act.cautions] == ["same_title"]
        assert ledger.head(cast.session)[0] == 2

    def test_a_title_that_was_taken_back_may_come_again(self, cast: Any, li: Person) -> None:
        act = cast.act(li)
        say(act, "加分 fin bonus.3.district 一窗通办")
        say(act, "冲销 1 记错媒体")
        act.cautions.clear()
        say(act, "加分 fin bonus.3.municipal 一窗通办")
        assert act.cautions == []

    def test_another_department_may_have_the_same_title(self, cast: Any, li: Person, com: Department) -> None:
        act = cast.act(li)
        say(act, "加分 fin bonus.3.district 一窗通办")
        say(act, "加分 com bonus.3.district 一窗通办")
        assert act.cautions == []

    def test_a_media_report_without_a_title_is_asked_about(self, cast: Any, li: Person) -> None:
        act = cast.act(li)
        say(act, "加分 fin bonus.3.district")
        assert [one.code for one in act.cautions] == ["title_missing"]

    def test_other_bonuses_have_no_title(self, cast: Any, li: Person) -> None:
        act = cast.act(li)
        for _ in range(2):
            say(act, "加分 fin bonus.4 张三")
        assert act.cautions == []


class TestVeto:
    def test_it_takes_two_administrators(self, cast: Any, li: Person, fin: Department) -> None:
        chen = cast.session.exec(select(Person).where(Person.name == "陈静")).one()
        assert isinstance(say(cast.act(li), "一票否决 fin veto.2 省办通报批评"), Proposed)
        assert say(cast.act(li), "得分 fin").grade == "pending"
        act = cast.act(chen)
        confirm(act, cast.session.get_one(Proposal, 1))
        card = say(cast.act(li), "得分 fin")
        assert (card.grade, card.grade_title, card.daily) == ("fail", "不达标", "40.00")
        assert len(card.vetoes) == 1
        assert [(one.kind, one.to.kind) for one in act.notices] == [
            ("posted", "department"), ("vetoed", "administrators"), ("vetoed", "leading_group"),
            ("proposal_decided", "person"),
        ]  # fmt: skip

    def test_taking_it_back_takes_two_again(self, cast: Any, li: Person, fin: Department) -> None:
        ledger.post(
            cast.session, department_id=fin.id, year=2021, item="veto.2", count=1, happened_at=NOW, recorded_at=NOW,
            source="admin",
        )  # fmt: skip
        proposed = say(cast.act(li), "冲销 1 查无此事")
        assert proposed.need.why == "second_person"
        chen = cast.session.exec(select(Person).where(Person.name == "陈静")).one()
        confirm(cast.act(chen), cast.session.get_one(Proposal, 1))
        assert say(cast.act(li), "得分 fin").vetoes == ()

    def test_a_second_veto_of_one_kind_is_pointed_out(self, cast: Any, li: Person, fin: Department) -> None:
        ledger.post(
            cast.session, department_id=fin.id, year=2021, item="veto.2", count=1, happened_at=NOW, recorded_at=NOW,
            source="admin",
        )  # fmt: skip
        proposed = say(cast.act(li), "一票否决 fin veto.2 又一次")
        assert [one.code for one in proposed.preview.cautions] == ["vetoed_already"]


class TestReversing:
    def test_an_entry_is_taken_back_and_the_department_told(self, cast: Any, li: Person, fin: Department) -> None:
        act = cast.act(li)
        say(act, "扣分 fin daily.7 误记")
        act.notices.clear()
        taken = say(act, "冲销 #1 查无此事")
        assert (taken.number, taken.entry, taken.points, taken.entry_reason) == (2, 1, "3", "误记")
        assert (taken.before.daily, taken.after.daily) == ("37.00", "40.00")
        assert [(one.kind, one.to.id) for one in act.notices] == [("taken_back", fin.id)]

    def test_what_does_not_stand_is_not_taken_back(self, cast: Any, li: Person) -> None:
        act = cast.act(li)
        say(act, "扣分 fin daily.7")
        say(act, "冲销 1")
        for line, code in {
            "冲销 1": "already_reversed",
            "冲销 2": "is_reversal",
            "冲销 3": "entry_unknown",
            "冲销 一": "entry_unknown",
            "冲销 99999999999999": "entry_unknown",
            "冲销": "argument_missing",
        }.items():
            with pytest.raises(Refusal) as refused:
                say(act, line)
            assert refused.value.code == code, line


class TestScore:
    def test_every_line_adds_up_with_its_clause_and_entry(self, cast: Any, li: Person, fin: Department) -> None:
        act = cast.act(li)
        say(act, "扣分 fin daily.7 2 窗口")
        say(act, "扣分 fin daily.7 误记")
        say(act, "冲销 2")
        say(act, "加分 fin bonus.4 张三")
        card = say(act, "得分 财政局")
        assert (card.daily, card.bonus, card.total, card.grade, card.approved) == (
            "34.00", "3.00", None, "pending", False,
        )  # fmt: skip
        entries = [one for one in card.lines if one.kind == "entry"]
        assert [(one.number, one.points, one.clause, one.reverses, one.reversed_by) for one in entries] == [
            (1, "-6", "1(7)", None, None),
            (2, "-3", "1(7)", None, 3),
            (3, "3", "1(7)", 2, None),
            (4, "3", "3(4)", None, None),
        ]
        assert all(one.clause_text for one in entries)
        daily = [float(one.points) for one in card.lines if one.block == "daily"]
        assert sum(daily) == 34
        assert {one.code: one.figure for one in card.panels} == {
            "leaders": None, "departments": None, "enterprises": None, "supervisors": None,
        }  # fmt: skip
        assert {one.code: one.full for one in card.blocks} == {"daily": "40", "annual": "60", "bonus": "10"}

    def test_a_card_becomes_json_line_by_line(self, cast: Any, li: Person) -> None:
        act = cast.act(li)
        say(act, "扣分 fin daily.7 窗口")
        lines = to_json(say(act, "得分 fin"))["lines"]
        [entry] = [one for one in lines if one["kind"] == "entry"]
        assert (entry["number"], entry["points"], entry["happened_at"]) == (1, "-3", "2021-04-06T10:00:00+08:00")

    def test_a_department_sees_its_own_without_naming_it(self, cast: Any, fin: Department, com: Department) -> None:
        for role in (Role.LIAISON, Role.HEAD):
            person = cast.person("王芳", role, fin)
            assert say(cast.act(person), "得分").code == "fin"
            with pytest.raises(Refusal) as refused:
                say(cast.act(person), "得分 商务局")
            assert (refused.value.code, refused.value.facts) == ("not_your_department", {"department": "商务局"})

    def test_who_speaks_for_two_has_to_say_which(self, cast: Any, fin: Department, com: Department) -> None:
        person = cast.person("王芳", Role.LIAISON, fin)
        appoint(cast.session, person, Role.HEAD, NOW, com.id)
        with pytest.raises(Refusal) as refused:
            say(cast.act(person), "得分")
        assert refused.value.facts == {"like": ["财政局", "商务局"]}
        assert say(cast.act(person), "得分 商务局").code == "com"

    def test_the_leading_group_sees_all_and_member_units_nothing(self, cast: Any, fin: Department) -> None:
        leader = cast.person("周主任", Role.LEADING_GROUP)
        assert say(cast.act(leader), "得分 财政局").code == "fin"
        with pytest.raises(Refusal, match="not_allowed"):
            say(cast.act(cast.person("纪工委", Role.MEMBER_UNIT)), "得分 财政局")

    def test_another_year_is_asked_for_by_number(self, cast: Any, li: Person) -> None:
        assert say(cast.act(li), "得分 fin 2021年").year == 2021
        with pytest.raises(Refusal, match="year_not_in_force"):
            say(cast.act(li), "得分 fin 2019")

    def test_an_unknown_department_is_not_taken_for_something_else(self, cast: Any, li: Person) -> None:
        for line in ("得分 水利局", "得分 水利局 2021"):
            with pytest.raises(Refusal, match="department_unknown"):
                say(cast.act(li), line)


class TestRank:
    def test_in_order_of_what_is_asked(self, cast: Any, li: Person, com: Department) -> None:
        act = cast.act(li)
        say(act, "扣分 fin daily.7")
        ranked = say(act, "排名 日常")
        assert ranked.by == "daily"
        assert [(row.rank, row.code, row.daily) for row in ranked.rows] == [
            (1, "com", "40.00"), (1, "gov", "40.00"), (3, "fin", "37.00"),
        ]  # fmt: skip
        assert [row.rank for row in say(act, "/rank").rows] == [None, None, None]
        assert say(act, "rank --by=daily 2021") == ranked
        assert say(act, "排名 2021").by == "total"

    def test_departments_do_not_see_it(self, cast: Any, fin: Department) -> None:
        with pytest.raises(Refusal, match="not_allowed"):
            say(cast.act(cast.person("王芳", Role.HEAD, fin)), "排名")

    def test_an_order_that_there_is_not(self, cast: Any, li: Person) -> None:
        with pytest.raises(Refusal, match="rank_by_unknown"):
            say(cast.act(li), "排名 颜值")


def test_verify_names_the_head_or_the_first_break(cast: Any, li: Person) -> None:
    act = cast.act(li)
    say(act, "扣分 fin daily.7")
    whole = say(act, "核验")
    assert (whole.number, whole.hash, whole.fault) == (1, cast.session.get_one(LedgerEntry, 1).hash, None)
    forged = LedgerEntry(**cast.session.get_one(LedgerEntry, 1).model_dump() | {"id": 3, "previous_hash": whole.hash})
    cast.session.add(forged)
    cast.session.flush()
    broken = say(act, "verify")
    assert (broken.number, broken.hash, broken.fault) == (2, None, "missing")


class TestRules:
    def test_the_book_in_force_is_shown_with_clauses_and_assumptions(self, cast: Any, li: Person) -> None:
        book = say(cast.act(li), "规则")
        assert (book.year, book.name, book.full) == (2021, "jilin-2021", "100")
        daily = book.blocks[0]
        assert (daily.code, daily.full, daily.items[0].points, daily.items[0].clause) == ("daily", "40", "-3", "1(1)")
        assert [one.code for one in book.vetoes] == ["veto.1", "veto.2", "veto.3"]
        assert {one.code: one.weight for one in book.panels}["leaders"] == "30"
        assert [(one.code, one.at_least) for one in book.grades] == [
            ("excellent", "90"),
            ("pass", "70"),
            ("fail", None),
        ]
        assert len(book.assumptions) >= 10
        to_json(book)

    def test_a_book_is_named(self, cast: Any, li: Person) -> None:
        assert say(cast.act(li), "rules show jilin-2021").year is None
        assert say(cast.act(li), "rules check jilin-2021").items == 32

    def test_a_file_is_for_the_command_line_only(self, cast: Any, li: Person, tmp_path: Any) -> None:
        path = tmp_path / "faulty.toml"
        path.write_text("[scheme]\nname = 3\n", encoding="utf-8")
        with pytest.raises(Refusal) as refused:
            say(cast.act(li), f"rules check {path}")
        assert (refused.value.code, refused.value.facts["names"]) == ("rule_book_unknown", ["jilin-2021"])
        with pytest.raises(Refusal) as refused:
            say(cast.act(li, "command line"), f"rules check {path}")
        assert refused.value.code == "rule_book_faulty"
        assert "faulty.toml" in str(refused.value.facts["message"])


def test_arguments_that_are_kept_read_back_as_the_same(cast: Any, li: Person, session: Session) -> None:
    act = cast.act(li)
    for line in (
        "deduct 财政局 7 2 窗口 无人 --happened 昨天 9:30 --evidence 通报",
        "bonus com bonus.3.national 标题",
        "veto fin veto.1 问责",
        "score 财政局 2021",
        "rank 日常",
        "rules show jilin-2021",
    ):
        verb, rest = find_verb(line) or pytest.fail(line)
        given = parse_line(act, verb, rest)
        again = parse(act, verb, written(verb, given))
        if "rulebook" in given:
            assert again["rulebook"].digest == given["rulebook"].digest
            continue
        assert again == given
    assert written(VERBS["deduct"], parse_line(act, VERBS["deduct"], "财政局 7 --happened 昨天 9:30")) == {
        "department": "fin", "item": "daily.7", "happened": (NOW - timedelta(hours=24.5)).isoformat(),
    }  # fmt: skip
