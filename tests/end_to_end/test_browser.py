"""The chat page in a real browser, with the real bot behind it: a day before a deadline and the day after."""

import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlmodel import select

from sandbox.browser import Browser, find_browser
from scoring import seats, surveys
from scoring.survey_tables import BallotBox
from store import people
from store.db import transaction

if TYPE_CHECKING:
    from tests.end_to_end.conftest import Stage

PROGRAM = find_browser()
pytestmark = [
    pytest.mark.skipif(
        PROGRAM is None, reason="no Chromium on this machine: install one, or name it in KAOPING_TEST_BROWSER"
    ),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="starts the bot by fork"),
]
LIAISON, OFFICE, ADMINISTRATOR, ZONE, RATER = (
    f'[data-name="{name}"]' for name in ("张敏", "陈晨", "钱立新", "营商环境考评群", "于海")
)
PICTURE = f"document.querySelector('{ZONE} .photo img')?.naturalWidth > 400"


async def test_hand_in_nil_report_deduction_and_a_deadline_on_the_page(small_stage: "Stage", tmp_path: Path) -> None:
    assert PROGRAM
    stage = small_stage
    await stage.bot.start()
    await stage.play.meet()
    await stage.at("01-26 09:00", "02-01 09:00")
    async with Browser(PROGRAM) as browser:
        await browser.open(stage.sandbox.url)
        await browser.wait_for_text("2021年2月1日", within="#now")

        for name in ("张敏", "陈晨"):
            if not await browser.evaluate(f"!!document.querySelector('main [data-name=\"{name}\"]')"):
                await browser.click(name, within=".people")

        # The liaison answers the reminder: a file for the one paper, 零报告 for the other.
        report = tmp_path / "1月工作动态.docx"
        report.write_bytes(b"word")
        await browser.wait_for_text("2021年1月工作动态", within=LIAISON)
        await browser.click("报送：2021年1月工作动态", within=LIAISON)
        await browser.wait_for_text("请发送财政局2021年1月工作动态", within=LIAISON)
        await browser.upload(report, into=f"{LIAISON} input[type=file]")
        await browser.click("发送", within=f"{LIAISON} footer")
        await browser.wait_for_text("按时", within=LIAISON)
        await browser.click("报送：2021年1月“双公示”台账", within=LIAISON)
        await browser.click("零报告", within=f"{LIAISON} .board")
        await browser.wait_for_text("已收到零报告", within=LIAISON)

        # An administrator deducts: what it would come to is shown before anything is done.
        await browser.type("扣分 财政局 daily.7 1 窗口值守空岗，经查实", into=f"{ADMINISTRATOR} textarea", enter=True)
        await browser.wait_for_text("40.00 → 37.00", within=ADMINISTRATOR)
        assert "已记扣分" not in await browser.text(ADMINISTRATOR)
        await browser.screenshot(tmp_path / "preview.png")
        await browser.click("确认", within=ADMINISTRATOR)
        await browser.wait_for_text("已记扣分", within=ADMINISTRATOR)

        # Two days on, with the page's own clock: the office itself has handed in nothing.
        await browser.click("＋1 天")
        await browser.wait_for_text("2021年2月2日", within="#now")
        await stage.play.settled()
        await browser.click("＋1 天")
        await browser.wait_for_text("扣分通知", within=OFFICE)
        await browser.wait_for_text("营商环境日常考评情况", within=ZONE)
        await browser.wait_for(PICTURE)
        await browser.screenshot(tmp_path / "after.png")
        assert browser.errors == []

    async with Browser(PROGRAM, width=390, height=844, mobile=True) as phone:
        await phone.open(stage.sandbox.url)
        await phone.click("张敏", within=".people")
        await phone.wait_for_text("已收到零报告", within=f"{LIAISON}.front")
        await phone.screenshot(tmp_path / "phone-liaison.png")
        await phone.click("营商环境考评群", within=".people")
        await phone.wait_for(PICTURE)
        await phone.screenshot(tmp_path / "phone-group.png")
        assert await phone.evaluate("document.documentElement.scrollWidth") == 390
        assert phone.errors == []


async def test_a_rating_tapped_and_typed_on_a_telephone(small_stage: "Stage", tmp_path: Path) -> None:
    assert PROGRAM
    stage = small_stage
    await stage.bot.start()
    await stage.play.meet()
    with transaction(stage.engine) as session:
        chair = people.person_of(session, stage.play.people["钱立新"].id)
        assert chair
        seat, _ = seats.enter(session, year=2021, panel="enterprises", name="于海", unit="松江新材料")
        now = stage.sandbox.clock.now()
        days = timedelta(days=5)
        surveys.open_survey(session, year=2021, panel="enterprises", closes_at=now + days, by=chair, now=now)
        token = seats.link(session, seat, by=chair, now=now).token
    await stage.sandbox.person("于海").start(token)

    def row(number: int) -> str:
        return f"{RATER} .keys > div:nth-child({number})"

    async with Browser(PROGRAM, width=390, height=844, mobile=True) as phone:
        await phone.open(stage.sandbox.url)
        await phone.click("于海", within=".people")
        await phone.click("开始：财政局", within=RATER)

        # The first scores alike: one tap, and the next is there.
        await phone.wait_for_text("财政局", within=f"{RATER} .bubble")
        await phone.click("2", within=row(1))
        await phone.wait_for_text("2／2", within=RATER)

        # The second differs from aspect to aspect; then the rater would rather type.
        await phone.click("1.5", within=row(2))
        await phone.click("2", within=row(3))
        await phone.wait_for(f"document.querySelectorAll('{RATER} .keys')[0].innerText.includes('[1.5]')")
        await phone.screenshot(tmp_path / "card.png")
        await phone.type("1.5，2，2，1，２", into=f"{RATER} textarea", enter=True)

        # All of it is shown once more before it is given for good.
        await phone.wait_for_text("8.5", within=RATER)
        await phone.click("提交", within=RATER)
        await phone.click("确认提交，不再修改", within=RATER)
        await phone.wait_for_text("已提交", within=RATER)
        assert "8.5" not in await phone.text(RATER)
        assert await phone.evaluate("document.documentElement.scrollWidth") == 390
        assert phone.errors == []

    with transaction(stage.engine) as session:
        assert sorted(tuple(box.marks) for box in session.exec(select(BallotBox))) == [("100000",), ("85000",)]
