"""Bonus claims: keywords, caps, the same report twice, granting and refusing; who may do what."""

import io
import zipfile
from datetime import datetime
from typing import Any

import pytest
from sqlmodel import Session

import scoring.claim_commands  # noqa: F401 - the verbs
from scoring import claims, ledger
from scoring.claim_tables import BonusClaim
from scoring.rulebook import RuleBook
from scoring.tables import LedgerEntry
from store.acting import Proposed, preview, run
from store.commands import find_verb, parse_line
from store.errors import Refusal
from store.people import Department, Person, Role
from store.times import CHINA

NOW = datetime(2021, 4, 6, 10, tzinfo=CHINA)
REPORT = "申报加分 bonus.3.municipal 4月2日 https://news.cn/1 经开区优化营商环境 政务服务再提速"


def docx(*runs: str) -> bytes:
    """The least that is a Word file: runs of one paragraph, a word may be cut by them."""
    body = "".join(f"<w:r><w:t>{one}</w:t></w:r>" for one in runs)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("word/document.xml", f"<w:document><w:body><w:p>{body}</w:p></w:body></w:document>")
    return out.getvalue()


@pytest.fixture
def zhang(cast: Any, fin: Department) -> Person:
    return cast.person("张三", Role.LIAISON, fin)


@pytest.fixture
def chen(cast: Any) -> Person:
    return cast.person("陈静", Role.ADMINISTRATOR)


def say(act: Any, line: str, do: Any = run) -> Any:
    found = find_verb(line)
    assert found is not None, line
    verb, rest = found
    return do(act, verb, **parse_line(act, verb, rest))


def earned(session: Session, department: Department, item: str, count: int = 1) -> None:
    ledger.post(
        session, department_id=department.id, year=2021, item=item, count=count, happened_at=NOW, recorded_at=NOW,
        source="admin",
    )  # fmt: skip


class TestKeywords:
    def test_those_of_the_clause_are_found_in_their_order(self, rulebook: RuleBook) -> None:
        keywords = claims.keywords_of(rulebook, rulebook.items["bonus.3.district"])
        assert "互联网+监管" in keywords
        assert claims.found_in(keywords, ["推进“互联网＋ 监管”", "优化营商环境"]) == ["营商环境", "互联网+监管"]
        assert claims.found_in(keywords, ["春季植树"]) == []
        assert claims.keywords_of(rulebook, rulebook.items["bonus.2.city"]) == ()

    def test_they_are_looked_for_in_what_can_be_read(self) -> None:
        assert claims.text_of("报道.docx", docx("优化营", "商环境")) == "优化营商环境"
        assert claims.text_of("报道.TXT", "政务服务".encode("gb18030")) == "政务服务"
        assert claims.text_of("报道.html", "<p>工作<b>作风</b>&amp;</p>".encode()) == "工作作风&"
        assert claims.text_of("扫描件.pdf", b"%PDF") is None

    # The names do not come from the bytes: an archive has the time in it, and each worker has to find the same tests.
    @pytest.mark.parametrize(
        "content",
        [b"", b"PK\x03\x04", b"no zip at all", docx("x")[:60]],
        ids=["empty", "only a signature", "no archive", "cut off"],
    )
    def test_a_damaged_file_is_one_that_cannot_be_read(self, content: bytes) -> None:
        assert claims.text_of("报道.docx", content) is None

    def test_a_file_that_swells_is_read_to_a_limit(self) -> None:
        content = docx("字" * 3_000_000)
        assert len(content) < 100_000
        assert len(claims.text_of("报道.docx", content) or "") <= claims.READ

    def test_marks_without_end_cost_no_time(self) -> None:
        assert claims.text_of("报道.html", b"<" * 1_000_000) is not None


class TestCaps:
    def test_an_items_and_the_blocks(self, zone: Session, rulebook: RuleBook, fin: Department) -> None:
        def full(item: str) -> list[tuple[str, str]]:
            return claims.caps_reached(zone, rulebook, 2021, fin, rulebook.items[item])

        earned(zone, fin, "bonus.3.district", 5)
        assert full("bonus.3.district") == []
        earned(zone, fin, "bonus.3.district", 2)
        assert full("bonus.3.district") == [("区级媒体宣传报道", "3")]
        assert full("bonus.2.city") == []
        earned(zone, fin, "bonus.1.city_leader")
        assert full("bonus.3.district") == [("区级媒体宣传报道", "3"), ("加分项目", "10")]
        assert full("bonus.2.city") == [("加分项目", "10")]
        assert full("daily.7") == []

    def test_what_was_taken_back_does_not_fill(self, zone: Session, rulebook: RuleBook, fin: Department) -> None:
        earned(zone, fin, "bonus.3.district", 6)
        ledger.reverse(zone, zone.get_one(LedgerEntry, 1), now=NOW, source="admin")
        assert claims.caps_reached(zone, rulebook, 2021, fin, rulebook.items["bonus.3.district"]) == []


class TestClaiming:
    def test_the_administrators_get_it_with_what_was_found(self, cast: Any, zhang: Person) -> None:
        act = cast.act(zhang)
        shown = say(act, REPORT)
        assert (shown.number, shown.department, shown.points, shown.state) == (1, "财政局", "2", "open")
        assert shown.found == ("营商环境", "政务服务")
        [notice] = act.notices
        assert (notice.kind, notice.to.kind) == ("claim_raised", "administrators")
        assert notice.facts["found"] == ["营商环境", "政务服务"]
        assert notice.buttons == (("claim_grant", "1"), ("claim_refuse", "1"))
        assert ledger.head(cast.session)[0] == 0

    def test_what_lacks_is_said(self, cast: Any, zhang: Person) -> None:
        for line, code in {
            "申报加分 bonus.2.city 4月2日 全市推广": "claim_evidence_needed",
            "申报加分 bonus.2.city 4月2日 http://a.cn/1": "argument_missing",
            "申报加分 bonus.2.city 4月8日 http://a.cn/1 全市推广": "not_yet",
            "申报加分 daily.7 4月2日 http://a.cn/1 全市推广": "item_unknown",
            "申报加分 bonus.2.city 4月2日 http://a.cn/1 全市推广 --department 商务局": "not_your_department",
        }.items():
            with pytest.raises(Refusal) as refused:
                say(cast.act(zhang), line)
            assert refused.value.code == code, line

    def test_no_keyword_the_same_title_and_a_full_cap_are_pointed_out_at_once(
        self, cast: Any, zhang: Person, fin: Department
    ) -> None:
        earned(cast.session, fin, "bonus.3.district", 6)
        line = "申报加分 bonus.3.district 4月2日 https://news.cn/1 春季植树"
        assert {one.code for one in say(cast.act(zhang), line, preview).cautions} == {"cap_reached", "keywords_missing"}
        say(cast.act(zhang), line)
        codes = [one.code for one in say(cast.act(zhang), line.replace("春季植树", "《春季植树》"), preview).cautions]
        assert "same_claim" in codes

    def test_it_is_for_departments_and_in_chat_only(self, cast: Any, zhang: Person, chen: Person) -> None:
        for act, code in ((cast.act(chen), "not_allowed"), (cast.act(zhang, via="command line"), "chat_only")):
            with pytest.raises(Refusal) as refused:
                say(act, REPORT)
            assert refused.value.code == code

    def test_a_department_sees_its_own_in_every_state_the_office_what_is_open(
        self, cast: Any, zhang: Person, chen: Person, com: Department
    ) -> None:
        other = cast.person("王五", Role.LIAISON, com)
        say(cast.act(zhang), REPORT)
        say(cast.act(other), REPORT)
        say(cast.act(chen), "驳回申报 #1 不属于规定的媒体")
        assert [one.number for one in say(cast.act(chen), "加分申报").claims] == [2]
        assert [(one.number, one.state) for one in say(cast.act(zhang), "加分申报").claims] == [(1, "refused")]


class TestDeciding:
    def test_granted_it_is_a_bonus_like_any_other(self, cast: Any, zhang: Person, chen: Person) -> None:
        say(cast.act(zhang), REPORT)
        act = cast.act(chen)
        done = say(act, "同意申报 #1")
        assert (done.posted.before.bonus, done.posted.after.bonus) == ("0.00", "2.00")
        entry = cast.session.get_one(LedgerEntry, 1)
        assert (entry.item, entry.recorded_by, entry.source) == ("bonus.3.municipal", chen.id, "admin")
        assert entry.reason == "经开区优化营商环境 政务服务再提速"
        assert entry.evidence == {"note": "申报#1；https://news.cn/1"}
        assert entry.happened_at == datetime(2021, 4, 2, tzinfo=CHINA)
        assert [(one.kind, one.to.kind) for one in act.notices] == [("posted", "department")]
        claim = cast.session.get_one(BonusClaim, 1)
        assert (claim.state, claim.decided_by, claim.entry_id) == ("granted", chen.id, 1)

    def test_under_another_item_where_the_claim_was_too_high(self, cast: Any, zhang: Person, chen: Person) -> None:
        say(cast.act(zhang), REPORT)
        assert say(cast.act(chen), "同意申报 #1 bonus.3.district").posted.points == "0.5"

    def test_refused_the_department_is_told_why(self, cast: Any, zhang: Person, chen: Person) -> None:
        say(cast.act(zhang), REPORT)
        act = cast.act(chen)
        say(act, "驳回申报 #1 不属于规定的媒体")
        [notice] = act.notices
        assert (notice.kind, notice.to.kind, notice.facts["reason"]) == (
            "claim_refused", "department", "不属于规定的媒体",
        )  # fmt: skip
        assert ledger.head(cast.session)[0] == 0

    def test_once(self, cast: Any, zhang: Person, chen: Person) -> None:
        say(cast.act(zhang), REPORT)
        say(cast.act(chen), "同意申报 #1")
        for line in ("同意申报 #1", "驳回申报 #1 再看"):
            with pytest.raises(Refusal, match="claim_closed"):
                say(cast.act(chen), line)
        assert ledger.head(cast.session)[0] == 1

    def test_the_same_report_and_a_full_cap_are_pointed_out_to_the_administrator(
        self, cast: Any, zhang: Person, chen: Person, fin: Department
    ) -> None:
        for _ in range(2):
            earned(cast.session, fin, "bonus.1.city_leader")
        say(cast.act(zhang), REPORT)
        say(cast.act(chen), "同意申报 #1")
        say(cast.act(zhang), REPORT.replace("municipal", "provincial"))
        codes = [one.code for one in say(cast.act(chen), "同意申报 #2", preview).cautions]
        assert codes == ["cap_reached", "same_title"]

    def test_nobody_decides_on_a_claim_of_his_own_department(self, cast: Any, zhang: Person, fin: Department) -> None:
        li = cast.person("李强", Role.ADMINISTRATOR, fin)
        cast.person("孙主任", Role.LEADING_GROUP)
        say(cast.act(zhang), REPORT)
        proposed = say(cast.act(li), "同意申报 #1")
        assert isinstance(proposed, Proposed)
        assert (proposed.need.role, proposed.need.why) == ("leading_group", "own_department")
        assert cast.session.get_one(BonusClaim, 1).state == "open"
