"""Scores that are typed: one for each aspect, a total, an abstention, with a department in front or not."""

from typing import TYPE_CHECKING

import pytest
from sqlmodel import select

from handlers.rating_cards import offered
from scheduler.tables import HandIn
from store import people
from store.db import transaction
from store.inbox import InboxUpdate
from tests.handlers.raters.conftest import Round, card, give

if TYPE_CHECKING:
    from tests.handlers.conftest import Office


async def opened(office: "Office") -> None:
    """李局长 with the card of 商务局 before him."""
    await office.head.send("/rate")
    await office.head.tap(await card(office.head, "开始："), "开始：商务局")
    await card(office.head, "商务局　1／2")


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("2 1.5 2 2 1", ["2", "1.5", "2", "2", "1"]),
        ("２　１．５，２、２；１", ["2", "1.5", "2", "2", "1"]),
        ("2分 1.5分 2分 2分 1分。", ["2", "1.5", "2", "2", "1"]),
        ("2\n1.25\n2\n2\n1", ["2", "1.25", "2", "2", "1"]),
        ("8.5", "8.5"),
        ("合计", None),
        ("不了解", "弃权"),
        ("弃权", "弃权"),
        ("商务局：2 1.5 2 2 1", ["2", "1.5", "2", "2", "1"]),
        ("商务局 弃权", "弃权"),
        ("com 9", "9"),
    ],
)
async def test_what_is_typed_is_taken_for_the_card_that_is_open(
    office: "Office", departments: Round, typed: str, kept: list[str] | str | None
) -> None:
    await opened(office)
    sent = await office.head.send(typed)
    if kept is None:
        await office.head.hear("没有看懂")
    else:
        await card(office.head, "政务服务局　2／2", "已记：商务局")
        await office.sandbox.until(lambda: all(one.id != sent.id for one in office.head.messages))
    await office.settled()
    assert departments.scores("财政局")["商务局"] == kept
    assert office.hand_ins() == []


async def test_a_department_in_front_is_meant_whichever_card_is_open(office: "Office", departments: Round) -> None:
    await opened(office)
    await office.head.send("营商办 2 2 2 2 1.5")
    await card(office.head, "商务局　1／2", "已记：政务服务局　2 2 2 2 1.5，合计9.5")
    await office.head.tap(await card(office.head, "已记"), "列表")
    await card(office.head, "已评 1／2", "✅ 政务服务局")
    await office.head.send("商务局 10")
    await card(office.head, "已评 2／2", "已记：商务局　10")
    assert departments.scores("财政局") == {"商务局": "10", "政务服务局": ["2", "2", "2", "2", "1.5"]}


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("2 1.5 2 2 2.5", "商务局的公正执法应在0到2之间，收到的是2.5"),
        ("-1 2 2 2 2", "服务态度应在0到2之间，收到的是-1"),
        ("11", "商务局的合计应在0到10之间，收到的是11"),
        ("2 2 2 2", "收到4个分数，应为5个"),
        ("2 2 2 2 1.123", "最多写2位小数"),
        ("财政局 2 2 2 2 2", "财政局不在您的评议范围内"),
    ],
)
async def test_what_is_wrong_is_named_and_nothing_is_kept(
    office: "Office", departments: Round, typed: str, said: str
) -> None:
    await opened(office)
    await office.head.send(typed)
    await card(office.head, "商务局　1／2", said)
    await office.settled()
    assert departments.scores("财政局")["商务局"] is None


async def test_scores_without_a_department_ask_for_one(office: "Office", departments: Round) -> None:
    await office.head.send("打分")
    await card(office.head, "已评 0／2")
    await office.head.send("2 2 2 2 2")
    await card(office.head, "请先点开要打分的部门", "商务局 2 1.5 2 1.5 2")
    assert departments.scores("财政局")["商务局"] is None


async def test_whoever_rates_goes_on_with_his_other_business(office: "Office", departments: Round) -> None:
    await office.at("03-26 09:00")
    await opened(office)
    await office.head.send("帮助")
    await office.head.hear("评议打分")
    await office.head.send("3月工作动态：新增企业12户，办结事项35件，满意率98%")
    await office.head.hear("作为")
    await office.head.send("得分")
    await office.head.hear("日常")
    await office.head.send("收到")
    await office.settled()
    assert departments.scores("财政局")["商务局"] is None
    assert len(office.read(lambda session: session.exec(select(HandIn)).all())) == 1


async def test_a_verb_that_has_asked_for_a_figure_gets_it(office: "Office", leaders: Round) -> None:
    # The administrator rates as well.
    assert await leaders.invite("赵主任") is office.admin
    await office.admin.tap(await card(office.admin, "已评 0／3"), "开始：财政局")
    await card(office.admin, "财政局　1／3")
    await office.admin.send("扣分 商务局 daily.7")
    await office.admin.tap(await office.admin.hear("请核对"), "补次数")
    await office.admin.hear("次数")
    await office.admin.send("2")
    await office.admin.hear("40.00 → 34.00")
    await office.admin.send("取消")
    await office.admin.hear("已取消")
    assert leaders.scores("赵主任")["财政局"] is None
    await office.admin.send("30")
    await card(office.admin, "商务局　2／3", "已记：财政局　30")
    assert leaders.scores("赵主任")["财政局"] == "30"


async def test_scores_that_answer_another_message_are_scores_all_the_same(office: "Office", departments: Round) -> None:
    await opened(office)
    await office.head.send("帮助")
    about = await office.head.hear("评议打分")
    await office.head.send("2 1.5 2 2 1", reply_to=about)
    await card(office.head, "政务服务局　2／2")
    assert departments.scores("财政局")["商务局"] == ["2", "1.5", "2", "2", "1"]
    kept = office.read(lambda session: [one.payload for one in session.exec(select(InboxUpdate))])
    assert not [one for one in kept if "2 1.5 2 2 1" in one]


async def test_what_answers_a_call_for_papers_is_about_that(office: "Office", departments: Round) -> None:
    await office.at("03-26 09:00")
    await opened(office)
    await office.head.send("报送")
    await office.head.tap(await office.head.hear("请选择要报送的事项"), "2021年3月工作动态")
    asked = await office.head.hear("截止时间")
    await office.settled()
    await office.head.send("12 35 98 2 1", reply_to=asked)
    await office.head.hear("作为")
    assert departments.scores("财政局")["商务局"] is None


async def test_what_is_typed_too_late_says_so(office: "Office", departments: Round) -> None:
    await opened(office)
    await office.at("03-31 08:01")
    await office.head.send("2 2 2 2 2")
    await office.head.hear("截止，不能再打分")
    await office.settled()
    assert departments.scores("财政局")["商务局"] is None


async def test_who_has_been_replaced_gives_no_more(office: "Office", departments: Round) -> None:
    await opened(office)
    with transaction(office.engine) as session:
        head = people.person_of(session, office.head.id)
        assert head is not None
        for held in people.appointments_of(session, head):
            people.dismiss(session, held, office.sandbox.clock.now())
    await office.head.send("2 2 2 2 2")
    await office.head.hear("已不在评议名册里")
    await office.settled()
    assert departments.scores("财政局")["商务局"] is None


async def test_what_is_typed_after_submission_changes_nothing(office: "Office", departments: Round) -> None:
    await opened(office)
    await office.head.send("2 2 2 2 2")
    await give(office.head, await card(office.head, "政务服务局　2／2"), "五项", "1")
    await office.head.tap(await card(office.head, "都评完了"), "提交")
    await office.head.tap(await card(office.head, "确定提交吗"), "确认提交，不再修改")
    await office.head.hear("已提交")
    await office.head.send("1 1 1 1 1")
    await office.head.hear("已经提交，不能再修改")
    await office.settled()
    assert departments.boxes()["商务局"] == ({"100000": 1}, 0)
    assert office.hand_ins() == []


def test_no_panel_offers_more_than_two_halves() -> None:
    assert [float(one) for one in offered(60000, 5000)] == [6 - number / 2 for number in range(13)]
    assert len(offered(200000, 5000)) <= 14
    assert [float(one) for one in offered(20000, 5000)] == [2, 1.5, 1, 0.5, 0]
    assert [float(one) for one in offered(22500, 5000)] == [2.25, 1.75, 1.25, 0.75, 0.25, 0]
