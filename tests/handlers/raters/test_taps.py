"""Taps that come too late, from elsewhere, twice, or forged: each is answered, and changes nothing it should not."""

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from sandbox.views import MessageView
from scoring.survey_tables import Survey
from store import people
from store.db import transaction
from store.people import Role
from tests.handlers.raters.conftest import Round, another, card, data, give, open_round, restarted, stopped

if TYPE_CHECKING:
    from tests.handlers.conftest import Office


async def opened(office: "Office") -> MessageView:
    """李局长 with the card of 商务局 before him."""
    await office.head.send("/rate")
    await office.head.tap(await card(office.head, "开始："), "开始：商务局")
    return await card(office.head, "商务局　1／2")


async def test_two_taps_in_the_same_instant_turn_one_page(office: "Office", departments: Round) -> None:
    shown = await opened(office)
    first, second = data(shown, "五项", "2"), data(shown, "五项", "1.5")
    answers = [await office.head.forge(shown, one) for one in (first, second)]
    assert [await one.answered() for one in answers] == ["商务局 各项均为2", "商务局 各项均为1.5"]
    await card(office.head, "政务服务局　2／2")
    await office.settled()
    assert departments.scores("财政局") == {"商务局": ["1.5"] * 5, "政务服务局": None}
    # Two aspects at once: both count.
    shown = await card(office.head, "政务服务局　2／2")
    for label, score in (("态度", "2"), ("效率", "1")):
        await office.head.forge(shown, data(shown, label, score))
    await card(office.head, "服务态度：2", "办事效率：1")
    await office.settled()
    assert departments.scores("财政局")["政务服务局"] == ["2", "1", "", "", ""]


async def test_the_same_tap_twice_says_nothing_new(office: "Office", departments: Round) -> None:
    shown = await opened(office)
    for _ in range(3):
        await (await office.head.forge(shown, data(shown, "态度", "2"))).answered()
    await office.settled()
    edits = [call.text or "" for call in office.sandbox.calls if call.method == "editMessageText"]
    assert sum("服务态度：<b>2</b>" in text for text in edits) == 1
    assert departments.scores("财政局")["商务局"] == ["2", "", "", "", ""]


@pytest.mark.parametrize(
    "forged",
    [
        "b:{survey}:{seat}:{card}:s:{unit}:0:2.5",
        "b:{survey}:{seat}:{card}:s:{unit}:5:2",
        "b:{survey}:{seat}:{card}:s:{unit}:-1:2",
        "b:{survey}:{seat}:{card}:s:{unit}:0:x",
        "b:{survey}:{seat}:{card}:s:{unit}:0:1e9",
        "b:{survey}:{seat}:{card}:s:{unit}:0",
        "b:{survey}:{seat}:{card}:a:{unit}:2.01",
        "b:{survey}:{seat}:{card}:a:{own}:2",
        "b:{survey}:{seat}:{card}:a:99999:2",
        "b:{survey}:{seat}:{card}:u:{own}",
        "b:{survey}:{seat}:{card}:o:{own}",
        "b:{survey}:{seat}:{card}:p:x",
        "b:{survey}:{seat}:{card}:w:{unit}:2",
        "b:{survey}:{seat}:{card}:z:1",
        "b:{survey}:999:{card}:a:{unit}:2",
        "b:999999999999:{seat}:{card}:a:{unit}:2",
        "b:x",
        "rate:1",
        "rate:{survey}:x",
    ],
)
async def test_what_is_forged_is_refused(office: "Office", departments: Round, forged: str) -> None:
    shown = await opened(office)
    draft = departments.draft("财政局")
    assert draft is not None
    own = departments.seat("财政局").department_id
    said = forged.format(survey=draft.survey_id, seat=draft.seat_id, card=draft.card, unit=draft.at, own=own)
    tap = await office.head.forge(shown, said)
    assert "失效" in await tap.answered()
    assert tap.alert
    await office.settled()
    assert departments.scores("财政局") == {"商务局": None, "政务服务局": None}
    assert office.head.message(shown.id).text == shown.text


async def test_somebody_else_can_do_nothing_with_it(office: "Office", departments: Round) -> None:
    shown = await opened(office)
    draft = departments.draft("财政局")
    assert draft is not None
    for person in (office.liaison, office.other, office.admin):
        await person.send("帮助")
        message = await person.hear("您的身份")
        for said in (data(shown, "五项", "2"), f"rate:{draft.survey_id}:{draft.seat_id}"):
            tap = await person.forge(message, said)
            assert "不能使用" in await tap.answered()
            assert tap.alert
    stranger = office.sandbox.person("路人")
    await stranger.start()
    tap = await stranger.forge(await stranger.hear("邀请链接"), data(shown, "五项", "2"))
    assert "还没有登记" in await tap.answered()
    await stranger.send("/rate")
    await stranger.hear("您还没有登记")
    await office.settled()
    assert departments.scores("财政局")["商务局"] is None
    assert office.head.message(shown.id).text == shown.text


async def test_a_head_who_has_been_replaced_rates_no_more(office: "Office", departments: Round) -> None:
    shown = await opened(office)
    await give(office.head, shown, "态度", "2")
    await card(office.head, "服务态度：2")
    await office.admin.send("免去 李局长 负责人")
    await office.admin.tap(await office.admin.hear("请核对"), "确认")
    await office.settled()
    tap = await office.head.forge(shown, data(shown, "五项", "1"))
    assert "已不在评议名册里" in await tap.answered()
    another(office, "孙局长", Role.HEAD, "fin")
    successor = office.sandbox.person("孙局长")
    await successor.start()
    await successor.send("打分")
    await card(successor, "已评 0／2")
    void = await office.head.hear("已由他人接手")
    assert (void.id, void.buttons) == (shown.id, [])
    assert departments.scores("财政局") == {"商务局": None, "政务服务局": None}


async def test_of_two_heads_neither_erases_what_the_other_has_given_unasked(
    office: "Office", departments: Round
) -> None:
    shown = await opened(office)
    await give(office.head, shown, "五项", "2")
    await card(office.head, "政务服务局　2／2")
    another(office, "周副局长", Role.HEAD, "fin")
    deputy = office.sandbox.person("周副局长")
    await deputy.start()
    await deputy.send("打分")
    asked = await deputy.hear("李局长已在打分，打了1个部门")
    assert departments.scores("财政局")["商务局"] == ["2"] * 5
    await deputy.tap(asked, "由我重新打分")
    await card(deputy, "已评 0／2")
    await office.head.hear("已由他人接手")
    assert departments.scores("财政局")["商务局"] is None


async def test_a_tap_after_the_close_comes_too_late(office: "Office", departments: Round) -> None:
    shown = await opened(office)
    await give(office.head, shown, "态度", "2")
    shown = await card(office.head, "服务态度：2")
    await office.at("03-31 08:01")
    late = await office.head.tap(shown, "五项")
    assert "2021年3月31日（周三）08:00截止" in await late.answered()
    assert late.alert
    gone = await office.head.hear("这次评议已经结束")
    assert (gone.id, gone.buttons) == (shown.id, [])
    await office.head.send("打分")
    await office.head.hear("不能再打分")
    assert departments.scores("财政局")["商务局"] == ["2", "", "", "", ""]
    await office.at("03-31 08:20")
    await office.settled()
    assert office.read(lambda session: session.get_one(Survey, departments.survey_id)).closed_at is not None
    late = await office.head.forge(gone, data(shown, "五项", "1"))
    assert "截止，不能再打分" in await late.answered()
    await office.head.send("/rate")
    await office.head.hear("现在没有需要您打分的评议")


async def test_what_was_tapped_before_the_close_counts_though_it_is_read_after_it(
    office: "Office", departments: Round
) -> None:
    await office.at("03-31 07:30")
    shown = await opened(office)
    await office.settled()
    await stopped(office)
    await office.head.forge(shown, data(shown, "五项", "2"))
    office.sandbox.set_time(departments.closes_at + timedelta(minutes=5))
    async with restarted(office):
        await card(office.head, "政务服务局　2／2")
        assert departments.scores("财政局")["商务局"] == ["2"] * 5


async def test_a_card_that_was_not_submitted_is_cleared_at_the_close(office: "Office", departments: Round) -> None:
    shown = await opened(office)
    await give(office.head, shown, "态度", "1.5")
    await card(office.head, "服务态度：1.5")
    await office.at("03-31 08:20")
    await office.head.hear("没有提交")
    await office.settled()
    gone = office.head.message(shown.id)
    assert "这次评议已经结束" in gone.text
    assert gone.buttons == []
    assert departments.draft("财政局") is None
    assert departments.boxes()["商务局"] == ({}, 0)


async def test_a_rehearsal_that_is_over_says_so(office: "Office") -> None:
    rehearsal = open_round(office, "departments", rehearsal=True)
    shown = await opened(office)
    assert "演练" in shown.text
    await office.at("03-31 08:30")
    await office.settled()
    assert office.read(lambda session: session.get(Survey, rehearsal.survey_id)) is None
    tap = await office.head.forge(shown, data(shown, "五项", "2"))
    assert "已经结束" in await tap.answered()


async def test_a_card_whose_rater_was_replaced_shows_no_scores_once_it_is_tapped(
    office: "Office", departments: Round
) -> None:
    shown = await opened(office)
    with transaction(office.engine) as session:
        head = people.person_of(session, office.head.id)
        assert head is not None
        for held in people.appointments_of(session, head):
            people.dismiss(session, held, office.sandbox.clock.now())
    tapped = await office.head.forge(shown, data(shown, "五项", "2"))
    assert "不在评议名册" in await tapped.answered()
    await office.head.hear("您已不在评议名册里，本卡片不再使用")
