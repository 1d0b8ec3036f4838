"""The verbs that say who may come in and what was done, said in one line as officials say them."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session

import store.verbs  # noqa: F401 - the verbs
from store import people
from store.acting import Proposed, preview, run
from store.commands import VERBS, Act, find_verb, parse_line
from store.errors import Refusal
from store.invitations import accept
from store.people import Department, Person, Role
from store.times import CHINA

NOW = datetime(2021, 4, 6, 10, tzinfo=CHINA)


@pytest.fixture
def li(session: Session) -> Person:
    session.add_all(
        [Department(code=code, name=name, kind="bureau") for code, name in (("fin", "财政局"), ("gov", "政务服务局"))]
    )
    people.ensure_administrators(session, [7], NOW)
    return people.met(session, 7, name="李强", username="liqiang", now=NOW)


def say(session: Session, person: Person, line: str, now: datetime = NOW) -> Any:
    act = Act(session, now, person, "chat")
    found = find_verb(line)
    assert found is not None, line
    return run(act, found[0], **parse_line(act, *found))


def administrator(session: Session, telegram_id: int, name: str) -> Person:
    person = people.met(session, telegram_id, name=name, username=None, now=NOW)
    people.appoint(session, person, Role.ADMINISTRATOR, NOW)
    return person


class TestPower:
    """Nobody gives or takes the power to decide alone: he could be his own second person."""

    @pytest.mark.parametrize("role", ["管理员", "领导小组"])
    def test_a_link_to_it_is_made_when_a_second_person_confirms(self, session: Session, li: Person, role: str) -> None:
        qian = administrator(session, 8, "钱科长")
        proposed = say(session, li, f"邀请 {role} 周主任")
        assert isinstance(proposed, Proposed)
        assert (proposed.need.why, proposed.need.deciders) == ("second_person", ("钱科长",))
        assert proposed.preview.result.token == ""
        assert say(session, li, "人员").invitations == ()
        with pytest.raises(Refusal, match="not_yours_to_decide"):
            say(session, li, f"确认 #{proposed.number}")
        confirmed = say(session, qian, f"确认 #{proposed.number}").result
        joined = accept(session, confirmed.token, telegram_id=101, name="", now=NOW)
        assert (joined.person.name, joined.notices[0].to.kind) == ("周主任", "administrators")

    def test_the_leading_group_confirms_for_the_only_administrator(self, session: Session, li: Person) -> None:
        first = say(session, li, "邀请 领导小组 周主任")
        zhou = accept(session, first.token, telegram_id=101, name="", now=NOW).person
        proposed = say(session, li, "邀请 管理员 李强二号")
        assert (proposed.need.role, proposed.need.deciders) == ("leading_group", ("周主任",))
        assert say(session, zhou, f"驳回 #{proposed.number} 查无此人").outcome == "refused"

    def test_somebody_of_the_invited_one_s_department_may_confirm(self, session: Session, li: Person) -> None:
        qian = people.met(session, 8, name="钱科长", username=None, now=NOW)
        people.appoint(session, qian, Role.ADMINISTRATOR, NOW, people.departments(session)[0].id)
        proposed = say(session, li, "邀请 管理员 财政局 周主任")
        assert say(session, qian, f"确认 #{proposed.number}").result.department == "财政局"

    def test_the_first_administrator_brings_in_the_others_by_himself(self, session: Session, li: Person) -> None:
        assert say(session, li, "邀请 管理员 钱科长").token
        assert say(session, li, "邀请 领导小组 周主任").token

    def test_other_links_take_one(self, session: Session, li: Person) -> None:
        administrator(session, 8, "钱科长")
        for line in ("邀请 联络员 fin 王芳", "邀请 负责人 fin 孙局长", "邀请 成员单位 审计局"):
            assert say(session, li, line).token

    def test_nobody_makes_himself_the_only_one(self, session: Session, li: Person) -> None:
        qian = administrator(session, 8, "钱科长")
        for line in ("免去 钱科长", "免去 钱科长 管理员"):
            assert isinstance(say(session, li, line), Proposed)
        people.appoint(session, qian, Role.LIAISON, NOW, people.departments(session)[0].id)
        assert [one.role for one in say(session, li, "免去 钱科长 联络员").ended] == ["liaison"]
        assert [one.role for one in say(session, qian, "免去 钱科长").ended] == ["administrator"]

    def test_a_link_is_good_for_ninety_days_at_most(self, session: Session, li: Person) -> None:
        assert say(session, li, "邀请 联络员 fin 王芳 --days 90").expires_at == NOW + timedelta(days=90)
        with pytest.raises(Refusal, match="days_unknown"):
            say(session, li, "邀请 联络员 fin 王芳 --days 91")


class TestInviting:
    def test_a_link_for_a_liaison(self, session: Session, li: Person) -> None:
        invited = say(session, li, "邀请 联络员 财政局 王芳")
        assert (invited.number, invited.role, invited.department, invited.name) == (1, "liaison", "财政局", "王芳")
        assert invited.expires_at == NOW + timedelta(days=7)
        joined = accept(session, invited.token, telegram_id=101, name="", now=NOW)
        assert (joined.person.name, joined.department.code) == ("王芳", "fin")

    def test_the_token_is_not_in_the_audit_trail(self, session: Session, li: Person) -> None:
        token = say(session, li, "invite head fin 孙局长 --days 1").token
        [row] = say(session, li, "操作记录").rows
        assert row.arguments == {"role": "head", "department": "fin", "name": "孙局长", "days": "1"}
        assert token not in str(row)

    def test_a_role_without_a_department(self, session: Session, li: Person) -> None:
        invited = say(session, li, "邀请 领导小组 周主任")
        assert (invited.role, invited.department, invited.name) == ("leading_group", None, "周主任")

    def test_what_cannot_be_is_refused(self, session: Session, li: Person) -> None:
        for line, code in {
            "邀请 科长 财政局": "role_unknown",
            "邀请 联络员": "invitation_needs_department",
            "邀请 联络员 财证局 王芳": "department_unknown",
            "邀请 联络员 fin 王芳 --replaces 赵六": "person_unknown",
            "邀请 联络员 fin 王芳 --replaces 李强": "holds_no_such_role",
            "撤销邀请 9": "invitation_number_unknown",
            "撤销邀请 王芳": "invitation_number_unknown",
        }.items():
            with pytest.raises(Refusal) as refused:
                say(session, li, line)
            assert refused.value.code == code, line

    def test_a_handover(self, session: Session, li: Person) -> None:
        accept(session, say(session, li, "邀请 联络员 fin 旧人").token, telegram_id=101, name="", now=NOW)
        invited = say(session, li, "邀请 联络员 fin 新人 --replaces 旧人")
        assert invited.replaces == "旧人"
        accept(session, invited.token, telegram_id=102, name="", now=NOW)
        fin = people.departments(session)[0]
        assert [one.name for one in people.contacts(session, fin.id)] == ["新人"]

    def test_a_link_is_revoked_by_its_number(self, session: Session, li: Person) -> None:
        token = say(session, li, "邀请 联络员 fin 王芳").token
        assert say(session, li, "撤销邀请 #1").name == "王芳"
        with pytest.raises(Refusal, match="invitation_revoked"):
            accept(session, token, telegram_id=101, name="", now=NOW)

    def test_a_preview_makes_no_link_that_works(self, session: Session, li: Person) -> None:
        act = Act(session, NOW, li, "chat")
        seen = preview(act, "invite", **parse_line(act, VERBS["invite"], "联络员 fin 王芳"))
        with pytest.raises(Refusal, match="invitation_unknown"):
            accept(session, seen.result.token, telegram_id=101, name="", now=NOW)
        assert seen.result.token == ""

    def test_only_administrators_invite(self, session: Session, li: Person) -> None:
        wang = accept(session, say(session, li, "邀请 联络员 fin 王芳").token, telegram_id=101, name="", now=NOW).person
        with pytest.raises(Refusal, match="not_allowed"):
            say(session, wang, "邀请 联络员 fin 同事")


class TestPeople:
    def test_who_is_what_and_whose_link_waits(self, session: Session, li: Person) -> None:
        accept(session, say(session, li, "邀请 联络员 fin 王芳").token, telegram_id=101, name="", now=NOW)
        say(session, li, "邀请 负责人 fin 孙局长")
        people.blocked(session, 101, NOW)
        listed = say(session, li, "人员")
        assert [(one.name, one.role, one.department, one.reachable) for one in listed.holders] == [
            ("李强", "administrator", None, True),
            ("王芳", "liaison", "财政局", False),
        ]
        assert [(one.number, one.name) for one in listed.invitations] == [(2, "孙局长")]
        assert [one.name for one in say(session, li, "人员 财政局").holders] == ["王芳"]
        assert say(session, li, "人员 政务服务局").invitations == ()
        assert say(session, li, "人员", NOW + timedelta(days=7)).invitations == ()

    def test_roles_end(self, session: Session, li: Person) -> None:
        for role in ("联络员", "负责人"):
            accept(session, say(session, li, f"邀请 {role} fin 王芳").token, telegram_id=101, name="", now=NOW)
        ended = say(session, li, "免去 王芳 联络员")
        assert [(one.role, one.department) for one in ended.ended] == [("liaison", "财政局")]
        assert [one.role for one in say(session, li, "免去 王芳").ended] == ["head"]
        with pytest.raises(Refusal, match="holds_no_such_role"):
            say(session, li, "免去 王芳")

    def test_the_last_administrator_cannot_go(self, session: Session, li: Person) -> None:
        with pytest.raises(Refusal, match="last_administrator"):
            say(session, li, "免去 李强")

    def test_there_is_one_office(self, session: Session, li: Person) -> None:
        qian = people.met(session, 8, name="钱科长", username=None, now=NOW)
        people.appoint(session, qian, Role.ADMINISTRATOR, NOW)
        assert say(session, li, "主办单位 财政局").code == "fin"
        assert say(session, li, "主办单位 财政局").code == "fin"
        say(session, qian, f"确认 #{say(session, li, '主办单位 政务服务局').number}")
        assert [one.code for one in people.departments(session) if one.office] == ["gov"]

    def test_nobody_steps_out_of_the_office_alone(self, session: Session, li: Person) -> None:
        say(session, li, "主办单位 政务服务局")
        assert isinstance(say(session, li, "主办单位 财政局"), Proposed)
        assert people.own_departments(session, li, NOW) == {people.departments(session)[1].id}

    def test_a_dismissed_administrator_s_links_to_the_office_work_no_more(self, session: Session, li: Person) -> None:
        qian = administrator(session, 8, "钱科长")
        ways_back = [say(session, qian, f"邀请 {role} 备用") for role in ("管理员", "领导小组", "成员单位")]
        ways_back[:2] = [say(session, li, f"确认 #{one.number}").result for one in ways_back[:2]]
        liaison = say(session, qian, "邀请 联络员 fin 王芳")
        say(session, administrator(session, 9, "孙处长"), f"确认 #{say(session, li, '免去 钱科长').number}")
        for way in ways_back:
            with pytest.raises(Refusal, match="invitation_revoked"):
                accept(session, way.token, telegram_id=8, name="", now=NOW)
        assert accept(session, liaison.token, telegram_id=101, name="", now=NOW).person.name == "王芳"


class TestAudit:
    def test_it_is_narrowed_down_by_name(self, session: Session, li: Person) -> None:
        say(session, li, "主办单位 财政局")
        say(session, li, "邀请 联络员 fin 王芳", NOW + timedelta(days=1))
        for line, verbs in {
            "操作记录": ["invite", "office"],
            "操作记录 1": ["invite"],
            "audit --verb office": ["office"],
            "audit --by 李强 --department fin": ["invite", "office"],
            "audit --since 2021-04-07": ["invite"],
        }.items():
            assert [one.verb for one in say(session, li, line).rows] == verbs, line
        with pytest.raises(Refusal, match="verb_unknown"):
            say(session, li, "audit --verb 没有")

    def test_looking_leaves_no_trace(self, session: Session, li: Person) -> None:
        for line in ("人员", "操作记录", "待确认"):
            say(session, li, line)
        assert say(session, li, "操作记录").rows == ()
