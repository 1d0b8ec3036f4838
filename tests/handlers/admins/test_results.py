"""A year's result in chat: frozen, agreed to by button, published; what voids it; files checked or compared."""

import io
import zipfile

from sqlmodel import select

from scoring import results
from scoring.loading import load
from scoring.result_tables import Approval, PublishedPapers, RecordedApproval
from store import people
from store.db import transaction
from store.people import Person, Role

REASON = "会议决定先行审定"


async def hears(office, who, text):
    """Waits for a message of the bot with this text: files are fetched when nobody waits for an answer."""
    person = office.people[who]
    await office.sandbox.until(lambda: any(text in one.text for one in person.from_bot))
    await office.settled()
    return next(one for one in reversed(person.from_bot) if text in one.text)


async def freeze(office):
    """甲 freezes the year, though no panel has been counted; gives what the leading group gets."""
    preview = await office.says("甲", f"冻结 2021 {REASON}")
    assert "拟冻结2021年度结果" in preview.text
    done = await office.taps("甲", "确认")
    assert "已冻结" in done.text
    return await hears(office, "丙", "请审定：2021年度")


def frozen_file(office) -> bytes:
    with transaction(office.engine) as session:
        return b"".join(results.lines_of(session, results.results_of(session, 2021)[0]))


async def test_from_the_freeze_to_the_departments(office):
    await office.says("甲", "扣分 财政局 daily.7 1 窗口无人")
    await office.taps("甲", "确认")
    refused = await office.says("甲", "冻结 2021")
    assert "还没有评议结果的评议主体4项" in refused.text
    assert "冻结 2021 会议决定" in refused.text

    asked = await freeze(office)
    assert asked.labels == ["同意", "看明细"]
    with transaction(office.engine) as session:
        result = results.standing_result(session, 2021)
    assert result.hash in asked.text
    assert f"理由：{REASON}（甲，2021年4月6日10:00）" in asked.text
    assert "公安<分>局&队" in asked.text
    assert asked.file_id

    detail = await office.taps("丙", "看明细", asked)
    assert "结果明细" in detail.text
    assert "公安<分>局&队　待定　待定（日常 40.00，评议 待定，加分 0.00）" in detail.text

    early = await office.says("甲", "公布 2021")
    assert "结果还没有审定：领导小组1人，须1人同意，现已同意0人" in early.text

    await office.taps("丙", "同意", asked)
    asked = await hears(office, "丙", "请审定")
    assert asked.labels == ["确认同意，不能收回", "返回"]
    await office.taps("丙", "返回", asked)
    asked = await hears(office, "丙", "请审定")
    assert asked.labels == ["同意", "看明细"]
    await office.taps("丙", "同意", asked)
    asked = await hears(office, "丙", "请审定")
    agreed = await office.taps("丙", "确认同意，不能收回", asked)
    assert "您已同意2021年度结果" in agreed.text
    assert (await hears(office, "丙", "请审定")).labels == ["看明细"]
    heard = await hears(office, "乙", "审定进展")
    assert "丙已同意：1人中1人同意，须1人。" in heard.text
    assert "已审定，可以公布" in heard.text

    assert "拟公布2021年度结果" in (await office.says("甲", "公布 2021")).text
    await office.taps("甲", "确认")
    assert "已通知各单位" in (await hears(office, "甲", "已公布：2021年度结果")).text
    own = await hears(office, "丁", "2021年度营商环境考评结果（领导小组审定）")
    assert "财政局" in own.text
    assert "人事局" not in own.text
    assert "5个工作日内可以申请复核" in own.text
    score = await office.says("丁", "得分")
    assert "领导小组审定，2021年4月6日公布" in score.text
    assert "过程数据" not in score.text
    assert result.hash in score.text


async def test_a_result_of_a_year_without_rules_is_entered(office):
    preview = await office.says("甲", "往年结果 财政局 2020 不达标 68.50")
    assert "2020" in preview.text
    assert "确认" in preview.labels
    done = await office.taps("甲", "确认")
    assert "68.50" in done.text
    assert "不达标" in done.text


async def test_a_published_result_comes_with_all_its_papers(office):
    assert "还没有公布过的结果" in (await office.says("甲", "导出 结果")).text
    asked = await freeze(office)
    await office.taps("丙", "同意", asked)
    await office.taps("丙", "确认同意，不能收回", await hears(office, "丙", "请审定"))
    await office.says("甲", "公布 2021")
    await office.taps("甲", "确认")
    await hears(office, "甲", "已公布")
    archives = []
    for _ in range(2):
        await office.says("甲", "导出 结果 --year 2021")
        sent = office.people["甲"].from_bot[-1]
        assert sent.file_name == "2021年度考评结果.zip"
        archives.append(office.sandbox.file(sent.file_id))
    assert archives[0] == archives[1]
    with transaction(office.engine) as session:
        published = results.published(session, 2021)
        assert published is not None
        assert session.get_one(PublishedPapers, published.id).content == archives[0]
    with zipfile.ZipFile(io.BytesIO(archives[0])) as archive:
        names = archive.namelist()
        assert names == [
            "2021年度考评结果（冻结文件）.jsonl", "2021年度考评通报.docx", "2021年度得分表.xlsx",
            "2021年度扣加分表.xlsx", "2021年度评议表.xlsx", "2021年度结果运用清单.xlsx",
        ]  # fmt: skip
        assert archive.read(names[0]) == frozen_file(office)


async def test_a_button_is_no_permission(office):
    asked = await freeze(office)
    with transaction(office.engine) as session:
        number = results.standing_result(session, 2021).id
    for who in ("甲", "丁", "戊", "路人"):
        message = office.people[who].from_bot[-1]
        for action in ("agree", "agree_for_good"):
            tap = await office.people[who].forge(message, f"{action}:{number}")
            assert await tap.answered()
    for data in ("agree_for_good:999", "agree_for_good:99999999999", "agree:", "detail:x", "agree_for_good:1:2"):
        tap = await office.people["丙"].forge(asked, data)
        await tap.answered()
    tap = await office.people["丁"].forge(office.people["丁"].from_bot[-1], f"detail:{number}")
    await tap.answered()
    await office.settled()
    assert "结果明细" not in office.people["丁"].from_bot[-1].text
    with transaction(office.engine) as session:
        assert session.exec(select(Approval)).all() == []


async def test_a_change_voids_what_was_agreed_and_everybody_hears_why(office):
    asked = await freeze(office)
    await office.taps("丙", "同意", asked)
    await office.taps("丙", "确认同意，不能收回", await hears(office, "丙", "请审定"))
    await office.says("甲", "扣分 人事局 daily.7 1 窗口无人")
    await office.taps("甲", "确认")
    office.sandbox.advance(minutes=1)
    for who in ("甲", "乙", "丙"):
        heard = await hears(office, who, "结果作废")
        assert "台账有变动（#1 人事局" in heard.text
        assert "已有的1人同意不再有效" in heard.text
    office.sandbox.advance(minutes=5)
    await office.settled()
    assert sum("结果作废" in one.text for one in office.people["丙"].from_bot) == 1
    tap = await office.people["丙"].forge(asked, f"agree_for_good:{1}")
    assert "已经作废（台账有变动）" in await tap.answered()
    shown = await office.says("甲", "结果 2021")
    assert "已作废" in shown.text
    assert "作废原因：台账有变动（#1 人事局" in shown.text


async def test_minutes_are_entered_by_one_with_a_scan_and_confirmed_by_another(office):
    await freeze(office)
    await office.says("甲", "登记审定")
    with transaction(office.engine) as session:
        result = results.standing_result(session, 2021)
    await office.taps("甲", f"2021 {result.hash[:8]}")
    await office.says("甲", "会议纪要〔2021〕3号")
    asked = await office.says("甲", "4月5日")
    assert "扫描件" in asked.text
    await office.people["甲"].send_document("签字表.pdf", b"%PDF-1.4 scan")
    preview = await hears(office, "甲", "登记审定：请核对")
    assert result.hash in preview.text
    assert "签字表.pdf" in preview.text
    await office.taps("甲", "提交确认")
    proposal = await hears(office, "乙", "会议纪要〔2021〕3号")
    await office.taps("乙", "确认", proposal)
    with transaction(office.engine) as session:
        [recorded] = session.exec(select(RecordedApproval)).all()
        names = [session.get_one(Person, one).name for one in (recorded.recorded_by, recorded.confirmed_by)]
        assert names == ["甲", "乙"]
        assert recorded.scan is not None
    assert "凭会议纪要〔2021〕3号" in (await office.says("甲", "结果 2021")).text


async def test_a_frozen_file_is_checked_where_it_is_sent(office):
    await freeze(office)
    whole = frozen_file(office)
    await office.people["丙"].send_document("结果.jsonl", whole, caption="核验")
    right = await hears(office, "丙", "结果文件无误")
    assert "等待审定、公布" in right.text
    await office.people["甲"].send_document("结果.jsonl", whole.replace(b'"daily":"40.00"', b'"daily":"41.00"', 1))
    await office.says("甲", "取消")
    forged = whole.replace(b'"daily":"40.00"', b'"daily":"41.00"', 1)
    await office.people["甲"].send_document("结果.jsonl", forged, caption="核验")
    wrong = await hears(office, "甲", "结果文件有误")
    assert "财政局：日常写的是41.00，按明细算出是40.00" in wrong.text
    assert "第2行" in wrong.text


async def test_a_changed_rule_book_is_tried_where_it_is_sent(office):
    await office.says("甲", "扣分 财政局 daily.7 2 窗口无人")
    await office.taps("甲", "确认")
    text = load("jilin-2021").text.replace("points = -3", "points = -4")
    await office.people["甲"].send_document("2022.toml", text.encode(), caption="规则比对")
    shown = await hears(office, "甲", "规则比对：2021年")
    assert "日常 34.00 → 32.00" in shown.text
    assert "1个单位有变化" in shown.text
    await office.people["甲"].send_document("坏.toml", b"[scheme]\nname = 1\n", caption="规则比对")
    assert "坏.toml" in (await hears(office, "甲", "考评规则有误")).text
    await office.people["丁"].send_document("2022.toml", text.encode(), caption="规则比对")
    await office.settled()
    assert not any("规则比对：2021年" in one.text for one in office.people["丁"].from_bot)


async def test_who_has_left_the_leading_group_agrees_no_more(office):
    asked = await freeze(office)
    with transaction(office.engine) as session:
        assert people.holders(session, Role.LEADING_GROUP)
    office.dismisses("丙")
    tap = await office.people["丙"].tap(asked, "同意")
    assert "没有办理这一事项的权限" in await tap.answered()
