"""What the verbs and notices of ratings say, in words."""

import pytest
from sqlmodel import Session, select

import templates
from bot import verbs
from handlers import notices, screens
from scoring import casting, seats
from scoring.loading import load
from scoring.standings import put_in_force
from scoring.survey_tables import Survey
from store import acting
from store.commands import find_verb, parse_line, written
from store.notices import Notice
from tests.scheduler.conftest import Zone, at
from tests.scheduler.test_survey_commands import NOW, Office

verbs.load()


@pytest.fixture
def office(session: Session) -> Office:
    put_in_force(session, load("jilin-2021"), 2021, at("01-01"))
    return Office(Zone(session))


def words(office: Office, line: str, now: str = NOW) -> tuple[str, str]:
    """The preview of a verb, and its result."""
    found, act = find_verb(line), office.act(now)
    assert found is not None
    verb, given = found[0], parse_line(act, *found)
    before = templates.plain(screens.previewed(act, verb, written(verb, given), acting.preview(act, verb, **given)))
    return before, templates.plain(screens.told(act, verb, acting.run(act, verb, **given), bot="kaoping_bot"))


def told_at(office: Office, now: str) -> list[Notice]:
    """What time has to say of ratings."""
    return [one for one in office.zone.tick(at(now)) if one.kind == "proposal" or one.kind.startswith("rating_")]


def said(notice: Notice) -> str:
    return templates.plain(templates.render(f"notices/{notice.kind}", to="", **notice.facts))


def test_links_stand_in_the_result_alone(office: Office) -> None:
    before, told = words(office, "评议链接 企业")
    assert "李四（乙公司）、张三（丙公司）" in before
    assert "?start=" not in before
    assert told.count("https://t.me/kaoping_bot?start=") == 2
    seats.enter(office.session, year=2021, panel="leaders", name="周主任")
    before, told = words(office, "指定代办 周主任 李秘书")
    assert "?start=" not in before
    assert told.count("?start=") == 1


def test_a_rating_from_its_opening_to_its_count(office: Office) -> None:
    before, told = words(office, "发起评议 企业 12月24日 --rehearsal")
    assert "3名评议人评议2个单位" in before
    assert "演练" in told
    assert "2021年12月24日（周五）24:00截止" in words(office, "评议")[1]
    assert "12月28日" in words(office, "延长评议 企业 12月28日")[1]
    assert "已催评1人" in words(office, "催评 企业")[1]
    assert "#1 张三（甲公司）：未提交" in words(office, "评议名册")[1]
    assert "已移出" in words(office, "移出名册 #2")[1]
    before, told = words(office, f"录入现场票 企业 {office.paper('enterprises', (2, 8), (2, 6))}")
    assert "文件中有2张票" in before
    assert "李科长" in told
    survey = office.session.exec(select(Survey)).one()
    casting.take_up(office.session, survey, office.seats[0], office.zhang, 1)
    before, told = words(office, "结束评议 企业", "12-02 10:00")
    assert "有1批现场票等待确认" in before
    assert "有1人已开始打分但没有提交" in before
    assert "已截止" in told
    missed, closed = told_at(office, "12-02 11:00")
    assert "没有提交" in said(missed)
    assert "演练不留打分和票" in said(closed)


def test_what_raters_and_administrators_are_told(office: Office) -> None:
    office.say("发起评议 企业 12月24日")
    opened, progress = told_at(office, "12-01 10:01")
    assert "2021年企业评议，2021年12月24日（周五）24:00截止" in said(opened)
    assert notices._buttons(opened) == {"inline_keyboard": [[{"text": "打分", "callback_data": "rate:1:1"}]]}
    assert "其中2名未提交的收不到消息" in said(progress)
    reminder, _ = told_at(office, "12-21 09:00")
    assert said(reminder).startswith("提醒：请完成评议")
    number = office.say(f"录入现场票 企业 {office.paper('enterprises', (2, 8), (2, 6), (2, 7))}").number
    office.say(f"确认 #{number}", by=office.li)
    closed, *asked = told_at(office, "12-25 09:00")
    assert "财政局：企业评议不满意，已提出扣分" in said(closed)
    assert "系统提出，由评议结果得出" in said(asked[0])
    assert "系统于" in words(office, "待确认", "12-25 10:00")[1]
    assert "年终评议尚未完成，各评议主体得分暂不显示" in words(office, "得分 财政局", "12-25 10:00")[1]
