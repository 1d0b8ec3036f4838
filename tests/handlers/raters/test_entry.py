"""Who may rate, and how he gets to his card: by his link, a word, a command, a button; several places; assistants."""

from typing import TYPE_CHECKING

from scoring import seats
from store.db import transaction
from tests.handlers.raters.conftest import Round, card, give, open_round

if TYPE_CHECKING:
    from tests.handlers.conftest import Office


async def test_a_rater_comes_in_by_his_link_and_finds_his_card(office: "Office", leaders: Round) -> None:
    leader = await leaders.invite("王主任")
    welcome = await leader.hear("登记完成：您是评议人")
    assert "打分" in welcome.text
    shown = await card(leader, "领导评议", "王主任", "已评 0／3", "2021年3月31日（周三）08:00")
    assert max(len(line) for line in shown.rows) <= 2
    await office.settled()
    assert "rate" in leader.menu
    assert "submit" not in leader.menu
    # Following the link again is how most people come back.
    await leader.start(leaders.tokens["王主任"])
    void = await leader.hear("已移到下面的新消息")
    assert void.id == shown.id
    assert (await card(leader, "已评 0／3")).id > shown.id


async def test_who_comes_in_before_it_begins_is_told_when(office: "Office") -> None:
    with transaction(office.engine) as session:
        seats.enter(session, year=2021, panel="leaders", name="王主任")
    leader = await Round(office, "leaders").invite("王主任")
    await leader.hear("评议开始后会通知您")
    await leader.send("打分")
    await leader.hear("现在没有需要您打分的评议")
    leaders = open_round(office, "leaders")
    await leader.send("评议打分")
    await card(leader, "已评 0／3")
    assert leaders.state("王主任") == "started"


async def test_who_is_on_no_roll_has_nothing_to_rate(office: "Office", departments: Round) -> None:
    for said in ("打分", "/rate", "评议打分"):
        await office.liaison.send(said)
        await office.liaison.hear("您不在评议名册里")
    group = office.sandbox.group("财政局考评群", [office.head])
    await group.add_bot()
    await office.head.send("/rate@kaoping_bot", chat=group)
    await group.hear("与我的私聊")


async def test_an_assistant_does_everything_for_his_leader(office: "Office", leaders: Round) -> None:
    await leaders.invite("小刘", assistant_of="王主任")
    assistant = office.sandbox.person("小刘")
    assert "您为王主任代办评议打分" in (await assistant.hear("登记完成")).text
    await assistant.tap(await card(assistant, "代王主任"), "开始：财政局")
    for name in ("财政局", "商务局", "政务服务局"):
        await give(assistant, await card(assistant, f"{name}　"), "五项", "5")
    await assistant.tap(await card(assistant, "财政局　25", "代王主任"), "提交")
    await assistant.tap(await card(assistant, "确定提交吗"), "确认提交，不再修改")
    await assistant.hear("代王主任\n已提交")
    leader = await leaders.invite("王主任")
    await leader.hear("登记完成")
    await leader.send("打分")
    await leader.hear("已经提交")


async def test_who_has_several_places_chooses(office: "Office", departments: Round, leaders: Round) -> None:
    assert await leaders.invite("李局长", assistant_of="王主任") is office.head
    await card(office.head, "领导评议", "代王主任")
    await office.head.send("打分")
    asked = await office.head.hear("请选择要打分的评议")
    assert asked.labels == ["打分：部门评议 财政局", "打分：领导评议 王主任"]
    await office.head.tap(asked, "打分：部门评议 财政局")
    await card(office.head, "部门评议　财政局", "已评 0／2")
    await office.head.tap(asked, "打分：领导评议 王主任")
    await office.head.hear("已移到下面的新消息")
    await card(office.head, "领导评议　代王主任", "已评 0／3")
    # Typed scores are for the card that was opened last; each card keeps to its own place.
    await office.head.tap(await card(office.head, "领导评议　代王主任"), "开始：财政局")
    await card(office.head, "财政局　1／3")
    await office.head.send("24")
    await card(office.head, "商务局　2／3", "已记：财政局　24")
    await office.head.tap(await card(office.head, "部门评议　财政局"), "开始：商务局")
    await give(office.head, await card(office.head, "商务局　1／2"), "五项", "1")
    await card(office.head, "政务服务局　2／2")
    await office.settled()
    assert leaders.scores("王主任") == {"财政局": "24", "商务局": None, "政务服务局": None}
    assert departments.scores("财政局") == {"商务局": ["1"] * 5, "政务服务局": None}


async def test_the_help_tells_raters_alone_how_to_rate(office: "Office", leaders: Round) -> None:
    leader = await leaders.invite("王主任")
    await card(leader, "已评 0／3")
    await leader.send("帮助")
    assert "评议打分" in (await leader.hear("您的身份：评议人")).text
    await office.liaison.send("帮助")
    assert "评议打分" not in (await office.liaison.hear("您的身份")).text
    await office.head.start()
    assert "本单位一票，由负责人打" in (await office.head.hear("您的身份")).text
