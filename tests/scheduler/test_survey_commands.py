"""The verbs about ratings, as an administrator says them in one line."""

import io
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from sqlmodel import select

import scheduler.import_commands
import scheduler.merging
import scheduler.paper_commands
import scheduler.survey_commands  # noqa: F401 - the verbs
from scheduler.hand_ins import FileSent, hand_in
from scheduler.import_commands import vocabulary
from scheduler.import_form import blank
from scheduler.rating_form import paper_form
from scoring import casting, seats, surveys
from scoring.ballots import Ballot
from scoring.survey_tables import BallotBox, RatingDraft, Seat, Survey
from store import acting, blobs, invitations
from store.acting import Proposed
from store.audit import AuditRecord
from store.blobs import Blob
from store.commands import find_verb, parse_line, to_json
from store.errors import Refusal
from store.people import Department, Person, Role
from store.proposals import Proposal
from tests.scheduler.conftest import Zone, at

NOW = "12-01 10:00"


class Office:
    """Two administrators, two departments, and three enterprises on the roll of which one has come in."""

    def __init__(self, zone: Zone) -> None:
        self.zone, self.session = zone, zone.session
        self.wang = zone.person("王科长", Role.ADMINISTRATOR)
        self.li = zone.person("李科长", Role.ADMINISTRATOR)
        self.fin = zone.department("fin", "财政局", duties=())
        self.com = zone.department("com", "商务局", duties=())
        self.seats = [
            seats.enter(self.session, year=2021, panel="enterprises", name=name, unit=unit)[0]
            for name, unit in (("张三", "甲公司"), ("李四", "乙公司"), ("张三", "丙公司"))
        ]
        self.zhang = zone.person("张三", Role.RATER)
        seats.taken(self.session, self.seats[0].id, self.zhang, assists=False)

    def act(self, now: str = NOW, by: Person | None = None) -> Any:
        return self.zone.act(by or self.wang, at(now))

    def say(self, line: str, now: str = NOW, by: Person | None = None) -> Any:
        found, act = find_verb(line), self.act(now, by)
        assert found is not None
        self.notices = act.notices
        return acting.run(act, found[0], **parse_line(act, *found))

    def seen(self, line: str, now: str = NOW) -> acting.Preview:
        found, act = find_verb(line), self.act(now)
        assert found is not None
        return acting.preview(act, found[0], **parse_line(act, *found))

    def paper(self, panel: str, *ballots: tuple[float, float]) -> str:
        """A filled-in sheet of paper ballots, kept as the chat keeps one: so much in all for each department."""
        units = [self.fin, self.com]
        book = openpyxl.load_workbook(
            io.BytesIO(paper_form(self.zone.frame.rulebook(2021), panel, units, len(ballots)))
        )
        for sheet, totals in zip(book.worksheets, ballots, strict=True):
            head = next(row for row in sheet.iter_rows() if any(cell.value == "合计" for cell in row))
            column = next(cell.column for cell in head if cell.value == "合计")
            for number, total in enumerate(totals, start=1):
                for aspect in range(1, 6):
                    sheet.cell(head[0].row + number, column - aspect).value = total / 5
        out = io.BytesIO()
        book.save(out)
        return f"blob:{blobs.put(self.session, out.getvalue(), at(NOW))} 现场票.xlsx"


@pytest.fixture
def office(zone: Zone) -> Office:
    return Office(zone)


def test_opened_moved_and_ended(office: Office) -> None:
    opened = office.say("发起评议 企业 12月24日")
    assert (opened.title, opened.departments, opened.invited, opened.joined) == ("企业评议", 2, 3, 1)
    assert opened.closes_at == at("12-25")
    with pytest.raises(Refusal, match="survey_open_already"):
        office.say("发起评议 企业 12月30日")
    moved = office.say("延长评议 enterprises 12月28日 17:00")
    assert (moved.was, moved.closes_at, moved.waiting) == (at("12-25"), at("12-28 17:00"), 3)
    survey = office.session.exec(select(Survey)).one()
    casting.take_up(office.session, survey, office.seats[0], office.zhang, 1)
    assert [one.code for one in office.seen("结束评议 企业").cautions] == ["drafts_lost"]
    ended = office.say("结束评议 企业", "12-02 10:00")
    assert (ended.unfinished, ended.progress.started, ended.progress.submitted) == (1, 1, 0)
    assert [row.state for row in office.say("评议", "12-02 10:00").rows] == ["none", "none", "ending", "none"]
    office.zone.tick(at("12-02 12:00"))
    assert office.say("评议", "12-02 12:00").rows[2].state == "counted"
    for line, code in (("催评 企业", "survey_none"), ("发起评议 企业 12月30日", "survey_held")):
        with pytest.raises(Refusal, match=code):
            office.say(line, "12-02 12:00")


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("发起评议 监督员 12月24日", "no_raters"),
        ("发起评议 企业 11月24日", "survey_in_the_past"),
        ("发起评议 评议 12月24日", "panel_unknown"),
        ("延长评议 企业 12月24日", "survey_none"),
        ("评议链接 部门", "links_not_needed"),
        ("评议链接 领导 #1", "seat_elsewhere"),
        ("评议链接 企业 #1", "seat_taken"),
        ("移出名册 张三", "seat_ambiguous"),
        ("移出名册 无名", "seat_unknown"),
    ],
)
def test_what_cannot_be_is_refused_in_words(office: Office, line: str, code: str) -> None:
    with pytest.raises(Refusal, match=code):
        office.say(line)


def test_links_for_whoever_has_not_come_in_and_none_in_a_preview(office: Office) -> None:
    seen = office.seen("评议链接 企业")
    assert ([one.token for one in seen.result.links], seen.cautions) == (["", ""], ())
    made = office.say("评议链接 企业")
    assert [(one.name, one.unit) for one in made.links] == [("李四", "乙公司"), ("张三", "丙公司")]
    assert (made.joined, len({one.token for one in made.links})) == (1, 2)
    assert office.seen("评议链接 企业").cautions[0].facts == {"count": 2}
    again = office.say("评议链接 企业 李四")
    assert [one.name for one in again.links] == ["李四"]
    with pytest.raises(Refusal, match="invitation_revoked"):
        invitations.accept(office.session, made.links[0].token, telegram_id=7, name="", now=at(NOW))
    joined = invitations.accept(office.session, again.links[0].token, telegram_id=7, name="", now=at(NOW))
    assert joined.seat_id == office.seats[1].id
    written = office.session.exec(select(AuditRecord)).all()
    tokens = [one.token for one in (*made.links, *again.links)]
    assert not any(token in str(to_json(one.arguments)) for one in written for token in tokens)


def test_an_assistant_for_a_leader(office: Office) -> None:
    seats.enter(office.session, year=2021, panel="leaders", name="周主任")
    made = office.say("指定代办 周主任 李秘书")
    assert (made.name, made.assistant, made.title) == ("周主任", "李秘书", "领导评议")
    joined = invitations.accept(office.session, made.token, telegram_id=7, name="", now=at(NOW))
    assert (joined.assists, joined.person.name) == (True, "李秘书")
    seats.taken(office.session, joined.seat_id or 0, joined.person, assists=True)
    assert [one.code for one in office.seen("指定代办 周主任 吴秘书").cautions] == ["assistant_replaced"]
    roll = office.say("评议名册 领导").panels[0].rows[0]
    assert (roll.person, roll.assistant, roll.reachable) == ("", "李秘书", True)


def test_leaders_cannot_be_reminded_by_hand_either(office: Office) -> None:
    leader = office.zone.person("周主任", Role.RATER)
    seat, _ = seats.enter(office.session, year=2021, panel="leaders", name="周主任")
    seats.taken(office.session, seat.id, leader, assists=False)
    office.say("发起评议 领导 12月24日")
    with pytest.raises(Refusal, match="nobody_to_remind"):
        office.say("催评 领导")


def test_reminding_now_reaches_whoever_has_not_submitted(office: Office) -> None:
    office.say("发起评议 企业 12月24日")
    done = office.say("催评 企业", "12-04 21:00")
    assert (done.persons, done.silent) == (1, 2)
    assert [(one.kind, one.to.id) for one in office.notices] == [("rating_reminder", office.zhang.id)]
    survey = office.session.exec(select(Survey)).one()
    casting.submit(
        office.session, survey, office.seats[0],
        casting.take_up(office.session, survey, office.seats[0], office.zhang, 1),
    )  # fmt: skip
    with pytest.raises(Refusal, match="nobody_to_remind"):
        office.say("催评 企业")
    rows = office.say("评议名册 企业").panels[0].rows
    assert [(one.person, one.submitted) for one in rows] == [("张三", True), ("", False), ("", False)]


def test_whoever_is_taken_off_the_roll(office: Office) -> None:
    office.say("发起评议 企业 12月24日")
    survey = office.session.exec(select(Survey)).one()
    casting.take_up(office.session, survey, office.seats[0], office.zhang, 1)
    assert office.say("移出名册 #1").unit == "甲公司"
    assert office.session.exec(select(RatingDraft)).all() == []
    assert [one.name for one in surveys.waiting_seats(office.session, survey)] == ["李四", "张三"]


class TestPaper:
    def proposed(self, office: Office) -> Proposal:
        office.say("发起评议 企业 12月24日")
        asked = office.say(f"录入现场票 企业 {office.paper('enterprises', (9, 8), (7.5, 6))}")
        assert isinstance(asked, Proposed)
        assert (asked.preview.result.ballots, asked.preview.result.paper) == (2, 2)
        assert self.box(office, office.fin) == {}, "nothing counts before it is confirmed"
        return office.session.get_one(Proposal, asked.number)

    def box(self, office: Office, unit: Department) -> dict[str, int]:
        survey = office.session.exec(select(Survey)).one()
        return office.session.get_one(BallotBox, (survey.id, unit.id)).marks

    def test_two_persons_enter_it_and_the_file_is_gone(self, office: Office) -> None:
        proposal = self.proposed(office)
        done = office.say(f"确认 #{proposal.id}", by=office.li)
        assert done.result.paper == 2
        assert self.box(office, office.fin) == {"75000": 1, "90000": 1}
        assert self.box(office, office.com) == {"60000": 1, "80000": 1}
        assert office.session.exec(select(Blob)).all() == []

    def test_a_refused_file_is_gone_as_well(self, office: Office) -> None:
        proposal = self.proposed(office)
        office.say(f"驳回 #{proposal.id} 与现场记录不符", by=office.li)
        assert self.box(office, office.fin) == {}
        assert office.session.exec(select(Blob)).all() == []

    def test_after_the_count_it_can_only_be_refused(self, office: Office) -> None:
        proposal = self.proposed(office)
        assert [one.code for one in office.seen("结束评议 企业").cautions] == ["paper_waits"]
        (closed,) = [one for one in office.zone.tick(at("12-25 02:00")) if one.kind == "rating_closed"]
        assert closed.facts["papers"] == 1
        assert office.session.exec(select(Blob)).all() == []
        with pytest.raises(Refusal, match="paper_gone"), office.session.begin_nested():
            office.say(f"确认 #{proposal.id}", "12-25 09:00", by=office.li)
        office.session.refresh(proposal)
        office.say(f"驳回 #{proposal.id} 已经计票", "12-25 09:00", by=office.li)

    @pytest.mark.parametrize("ends", ["确认", "驳回", "截止"])
    def test_a_file_that_was_handed_in_as_well_stays_for_that(self, office: Office, ends: str) -> None:
        """The same bytes are kept once, whatever they are for."""
        proposal = self.proposed(office)
        [kept] = office.session.exec(select(Blob)).all()
        file = FileSent("现场票.xlsx", blob=kept.sha256)
        sent = {"sent_at": at("12-01 09:00"), "recorded_at": at("12-01 09:00")}
        hand_in(
            office.zone.frame, None, department_id=None, person_id=office.zhang.id, kind="file", files=[file], **sent
        )
        if ends == "截止":
            told = office.zone.tick(at("12-25 02:00"))
            assert "rating_closed" in [one.kind for one in told]
        else:
            reason = "与现场记录不符" if ends == "驳回" else ""
            office.say(f"{ends} #{proposal.id} {reason}".strip(), by=office.li)
        assert [one.sha256 for one in office.session.exec(select(Blob)).all()] == [kept.sha256]

    def test_the_same_file_twice_is_asked_about(self, office: Office) -> None:
        proposal = self.proposed(office)
        line = f"录入现场票 企业 {proposal.arguments['file']}"
        assert [one.code for one in office.seen(line).cautions] == ["paper_again"]

    def test_a_fault_takes_nothing(self, office: Office) -> None:
        office.say("发起评议 企业 12月24日")
        with pytest.raises(Refusal, match="paper_faulty"):
            office.say(f"录入现场票 企业 {office.paper('enterprises', (99, 8))}")


def test_raters_come_in_by_the_import_once(office: Office) -> None:
    words = vocabulary(office.session, office.zone.frame.rulebook(2021))
    book = openpyxl.load_workbook(io.BytesIO(blank(words)))
    sheet = book["评议人"]
    sheet.delete_rows(2, sheet.max_row)
    titles = [str(cell.value).removesuffix("*").strip() for cell in sheet[1]]
    rows: list[dict[str, str]] = [
        {"评议主体": "企业评议", "姓名": "张三", "单位": "甲公司"},
        {"评议主体": "企业评议", "姓名": "新来", "单位": "丁公司", "可评部门": "财政局"},
        {"评议主体": "领导评议", "姓名": "周主任"},
        {"评议主体": "部门评议", "姓名": "赵局", "单位": "财政局"},
    ]
    for row in rows:
        sheet.append([row.get(title) for title in titles])
    out = io.BytesIO()
    book.save(out)
    line = f"导入 blob:{blobs.put(office.session, out.getvalue(), at(NOW))} 表.xlsx"
    expected = [("企业评议", "新来", 1), ("领导评议", "周主任", None), ("部门评议", "财政局", None)]
    assert [(one.panel, one.name, one.rates) for one in office.seen(line).result.raters] == expected
    done = office.say(line)
    assert ([(one.panel, one.name, one.rates) for one in done.raters], done.same) == (expected, 1)
    assert office.session.exec(select(Seat).where(Seat.name == "新来")).one().may_rate == [office.fin.id]
    with pytest.raises(Refusal, match="import_nothing_new"):
        office.say(line)


def test_a_department_that_was_merged_meanwhile_holds_up_nobody(office: Office) -> None:
    """Nobody can be charged in its place, and the count goes on."""
    office.say("发起评议 企业 12月24日")
    survey = office.session.exec(select(Survey)).one()
    for unit, total in ((office.fin, 9), (office.com, 1)):
        sheets = [{unit.id: Ballot("enterprises", Decimal(total))} for _ in range(4)]
        casting.cast_paper(office.session, survey, sheets)
    asked = office.say("并入 商务局 财政局", "12-02 10:00")
    office.say(f"确认 #{asked.number}", "12-02 11:00", by=office.li)
    (closed,) = [one for one in office.zone.tick(at("12-25 02:00")) if one.kind == "rating_closed"]
    assert closed.facts["proposed"] == []
