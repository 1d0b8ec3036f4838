"""Who may do what: wrong roles, wrong chats, two persons, one's own department."""

import pytest

from store.people import Role


@pytest.mark.parametrize(
    "line", ["/deduct 财政局 daily.7 1 理由", "/score 财政局", "/rank", "/audit", "排名", "/invite liaison fin"]
)
async def test_a_stranger_is_told_how_to_come_in(office, line):
    said = await office.says("路人", line)
    assert "您还没有登记" in said.text
    assert office.entries() == []


@pytest.mark.parametrize("line", ["/deduct 财政局 daily.7 1 理由", "/rank", "/audit", "排名", "/no_such_verb"])
async def test_a_liaison_is_refused_what_is_the_office_s(office, line):
    said = await office.says("丁", line)
    assert "没有办理这一事项的权限" in said.text or "没有“" in said.text
    assert office.entries() == []


async def test_a_liaison_sees_the_own_score_only(office):
    said = await office.says("丁", "得分")
    assert said.text.startswith("财政局　2021年")
    assert "过程数据，以领导小组审定为准" in said.text
    said = await office.says("丁", "得分 人事局")
    assert "只能查看本单位的得分" in said.text
    assert "40.00" not in said.text


async def test_a_dismissed_administrator_s_button_does_nothing(office):
    await office.says("甲", "/deduct 财政局 daily.7 1 理由")
    office.dismisses("甲")
    tap = await office.people["甲"].tap(office.people["甲"].from_bot[-1], "确认")
    assert "没有办理这一事项的权限" in await tap.answered()
    await office.settled()
    assert office.entries() == []


async def test_a_dismissed_administrator_is_shown_no_more_choices(office):
    await office.says("乙", "/deduct 财政局 daily.7 1 内部情况")
    await office.taps("乙", "确认")
    await office.says("甲", "/deduct 财政局")
    office.dismisses("甲")
    asked = office.people["甲"].from_bot[-1]
    tap = await office.people["甲"].tap(asked, asked.labels[0])
    assert "没有办理这一事项的权限" in await tap.answered()
    said = await office.says("甲", "双公示")
    assert "没有看懂" in said.text
    assert not said.labels


async def test_only_who_may_decide_on_a_proposal_sees_it(office):
    await office.says("甲", "/veto 财政局 veto.1 内部情况")
    await office.taps("甲", "提交确认")
    tap = await office.people["丁"].forge(office.people["丁"].from_bot[-1], "unrefuse:1")
    assert "不由您决定" in await tap.answered()
    await office.settled()
    assert "内部情况" not in office.people["丁"].transcript()


async def test_a_veto_takes_two_administrators(office):
    shown = await office.says("甲", "/veto 财政局 veto.1 受到行政问责")
    assert "须由两人经办" in shown.text
    assert "确认" not in shown.labels
    said = await office.taps("甲", "提交确认")
    assert "已提交，待确认" in said.text
    assert office.entries() == []

    asked = office.people["乙"].from_bot[-1]
    assert asked.text.startswith("请确认：一票否决")
    assert asked.labels == ["确认", "驳回"]
    tap = await office.people["甲"].forge(said, "confirm:1")
    assert "不由您决定" in await tap.answered()

    await office.taps("乙", "确认", asked)
    done = office.people["乙"].message(asked.id)
    assert "已确认" in done.text
    assert done.buttons == []
    [entry] = office.entries()
    assert (entry.item, entry.points) == ("veto.1", 0)
    assert entry.confirmed_by is not None
    assert any("已确认" in one.text for one in office.people["甲"].from_bot)

    tap = await office.people["乙"].forge(done, "confirm:1")
    assert "已经确认" in await tap.answered()
    await office.settled()
    assert len(office.entries()) == 1


async def test_a_refusal_asks_for_a_reason_that_its_proposer_sees(office):
    await office.says("甲", "/veto 财政局 veto.1 理由")
    await office.taps("甲", "提交确认")
    asked = await office.taps("乙", "驳回")
    assert "请输入驳回的理由" in asked.text
    back = await office.taps("乙", "上一步")
    assert back.labels == ["确认", "驳回"]
    await office.taps("乙", "驳回")
    said = await office.says("乙", "扣分依据不足 <请>补充")
    assert "已驳回" in said.text
    told = office.people["甲"].from_bot[-1].text
    assert "理由：扣分依据不足 <请>补充" in told
    assert office.entries() == []


@pytest.mark.parametrize("said", ["/score 财政局", "待确认", "帮助"])
async def test_a_command_is_no_reason(office, said):
    await office.says("甲", "/veto 财政局 veto.1 理由")
    await office.taps("甲", "提交确认")
    await office.taps("乙", "驳回")
    before = len(office.people["乙"].from_bot)
    await office.says("乙", said)
    told, *answers = [one.text for one in office.people["乙"].from_bot[before:]]
    assert "第1号事项没有驳回" in told
    assert "驳回 #1 理由" in told
    assert answers
    assert not any("已驳回" in one for one in answers)
    listed = await office.says("乙", "待确认")
    assert listed.labels == ["确认", "驳回"]


async def test_the_verb_that_refuses_says_it_as_well_as_the_reason(office):
    await office.says("甲", "/veto 财政局 veto.1 理由")
    await office.taps("甲", "提交确认")
    await office.taps("乙", "驳回")
    shown = await office.says("乙", "驳回 #1 依据不足")
    assert "理由：依据不足" in shown.text or "驳回理由：依据不足" in shown.text
    assert not any("没有驳回" in one.text for one in office.people["乙"].from_bot)


async def test_a_member_unit_proposes_and_the_office_confirms(office):
    shown = await office.says("戊", "扣分 财政局 daily.7 1 现场检查发现")
    assert "由政务服务局确认" in shown.text
    await office.taps("戊", "提交确认")
    listed = await office.says("乙", "待确认")
    assert "成员单位提出" in listed.text
    assert listed.labels == ["确认", "驳回"]
    await office.taps("乙", "确认")
    assert len(office.entries()) == 1


async def test_nobody_decides_alone_on_his_own_department(office):
    shown = await office.says("乙", "/bonus 人事局 bonus.2.zone 1 通报表扬")
    assert "涉及您本人所在单位" in shown.text
    await office.taps("乙", "提交确认")
    assert office.entries() == []
    assert not any("请确认" in one.text for one in office.people["甲"].from_bot)
    await office.taps("丙", "确认")
    assert [one.item for one in office.entries()] == ["bonus.2.zone"]


async def test_scores_are_not_shown_in_a_group(office):
    group = office.sandbox.group("工作群", [office.people["甲"], office.people["丁"]])
    await group.add_bot()
    await office.settled()
    for who, line in (
        ("甲", "/score 财政局"),
        ("甲", "/rank"),
        ("甲", "/deduct 财政局 daily.7 1 理由"),
        ("丁", "/score"),
    ):
        await office.people[who].send(line, chat=group)
        await office.settled()
        said = group.from_bot[-1].text
        assert "不在群里显示" in said or "没有办理这一事项的权限" in said
        assert "40.00" not in said
    assert office.entries() == []


async def test_the_menu_follows_the_role(office):
    assert "deduct" in office.people["甲"].menu
    assert "deduct" not in office.people["丁"].menu
    assert "score" in office.people["丁"].menu


async def test_the_office_can_see_who_is_an_administrator(office):
    said = await office.says("甲", "人员")
    assert "人事局考评管理员：乙" in said.text
    assert Role.ADMINISTRATOR.value not in said.text


async def test_in_a_group_people_may_talk_about_deductions_among_themselves(office):
    group = office.sandbox.group("工作群", [office.people["甲"], office.people["丁"]])
    await group.add_bot(administrator=True)
    await office.settled()
    said = len(group.from_bot)
    for text in ("扣分 的事情回头再说", "排名", "得分怎么样"):
        await office.people["甲"].send(text, chat=group)
        await office.settled()
    assert len(group.from_bot) == said
    await office.people["甲"].send("@kaoping_bot 排名", chat=group)
    await office.settled()
    assert "不在群里显示" in group.from_bot[-1].text


async def test_the_configured_chat_may_see_scores_and_nothing_else(office):
    group = office.sandbox.group("通报群", [office.people["甲"], office.people["丁"]])
    await group.add_bot()
    await office.settled()
    office.bot.hire().library.bot_data["summary_chat"] = group.id
    await office.people["甲"].send("/rank 日常", chat=group)
    await office.settled()
    assert "1. 财政局" in group.from_bot[-1].text
    for line in ("/audit", "/deduct 财政局 daily.7 1 理由", "/people"):
        await office.people["甲"].send(line, chat=group)
        await office.settled()
        assert "不在群里显示" in group.from_bot[-1].text
    await office.people["丁"].send("/rank", chat=group)
    await office.settled()
    assert "没有办理这一事项的权限" in group.from_bot[-1].text
    await office.people["丁"].send("/score 人事局", chat=group)
    await office.settled()
    assert "只能查看本单位的得分" in group.from_bot[-1].text


async def test_a_proposal_can_be_confirmed_by_word(office):
    await office.says("甲", "/veto 财政局 veto.1 受到行政问责")
    await office.taps("甲", "提交确认")
    shown = await office.says("乙", "确认 #1")
    assert "请核对" in shown.text
    assert office.entries() == []
    await office.taps("乙", "确认", shown)
    assert [one.item for one in office.entries()] == ["veto.1"]
