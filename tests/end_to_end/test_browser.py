"""The chat page in a real browser, with the real bot behind it: a day before a deadline and the day after."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox.browser import Browser, find_browser

if TYPE_CHECKING:
    from tests.end_to_end.conftest import Stage

PROGRAM = find_browser()
pytestmark = [
    pytest.mark.skipif(
        PROGRAM is None, reason="no Chromium on this machine: install one, or name it in KAOPING_TEST_BROWSER"
    ),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="starts the bot by fork"),
]
LIAISON, OFFICE, ADMINISTRATOR, ZONE = (
    f'[data-name="{name}"]' for name in ("张敏", "陈晨", "钱立新", "营商环境考评群")
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
