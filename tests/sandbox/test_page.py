"""The chat page in a real browser, with a scripted echo bot behind it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.browser import Browser, find_browser
from sandbox.client import RawClient
from sandbox.facade import Sandbox

PROGRAM = find_browser()
pytestmark = pytest.mark.skipif(
    PROGRAM is None, reason="no Chromium on this machine: install one, or name it in KAOPING_TEST_BROWSER"
)
LI, WANG = '[data-name="李晓梅"]', '[data-name="王敏"]'


async def echo(http: RawClient) -> None:
    """A bot that repeats what it hears, with a button; that answers taps; that names the files it gets."""
    offset = 0
    while True:
        for update in await http.result("getUpdates", offset=offset, timeout=50):
            offset = update["update_id"] + 1
            if query := update.get("callback_query"):
                await http.result("answerCallbackQuery", callback_query_id=query["id"], text=f"记下了 {query['data']}")
                continue
            message = update.get("message", {})
            said = message.get("text") or message.get("document", {}).get("file_name")
            if said is None:
                continue
            keys = {"inline_keyboard": [[{"text": "已知悉", "callback_data": "seen"}]]}
            board = {"keyboard": [["零报告"]], "one_time_keyboard": True}
            await http.result(
                "sendMessage",
                chat_id=message["chat"]["id"],
                text=f"听到：<b>{said.replace('<', '&lt;')}</b>",
                parse_mode="HTML",
                reply_markup=board if said == "键盘" else keys,
            )


@pytest.fixture
async def browser(sandbox: Sandbox, http: RawClient) -> AsyncIterator[Browser]:
    """The page at desktop width, with a liaison and an administrator, and the echo bot at work."""
    assert PROGRAM
    sandbox.person("李晓梅", note="财政局 · 联络员")
    sandbox.person("王敏", note="政务服务局 · 管理员")
    bot = asyncio.create_task(echo(http))
    try:
        async with Browser(PROGRAM) as browser:
            await browser.open(sandbox.url)
            await browser.wait_for_text("政务服务局 · 管理员")
            yield browser
            assert browser.errors == []
    finally:
        bot.cancel()
        await asyncio.gather(bot, return_exceptions=True)


async def test_people_talk_tap_and_hand_in_side_by_side(browser: Browser, sandbox: Sandbox, tmp_path: Path) -> None:
    li, wang = sandbox.person("李晓梅"), sandbox.person("王敏")
    await browser.click("开始", within=LI)
    await browser.wait_for_text("听到：/start", within=LI)
    await browser.click("已知悉", within=LI)
    await browser.wait_for_text("记下了 seen", within=LI)

    await browser.type("<b>不是</b>标记 & 😀", into=f"{LI} textarea", enter=True)
    await browser.wait_for_text("听到：<b>不是</b>标记 & 😀", within=LI)

    handed_in = tmp_path / "三月台账.csv"
    handed_in.write_bytes(b"1,2\n")
    await browser.upload(handed_in, into=f"{LI} input[type=file]")
    await browser.wait_for_text("三月台账.csv", within=f"{LI} .strip")
    await browser.type("财政局三月", into=f"{LI} textarea", enter=True)
    await browser.wait_for_text("听到：三月台账.csv", within=LI)
    (document,) = [message for message in li.messages if message.file_name]
    assert (document.file_name, document.text) == ("三月台账.csv", "财政局三月")
    assert document.file_id
    assert sandbox.file(document.file_id) == b"1,2\n"

    await browser.type("键盘", into=f"{LI} textarea", enter=True)
    await browser.click("零报告", within=f"{LI} .board")
    await browser.wait_for_text("听到：零报告", within=LI)
    await browser.wait_for(f"!document.querySelector('{LI} .board')")
    assert wang.messages == []
    assert "听到" not in await browser.text(WANG)


async def test_a_deep_link_starts_as_the_person_of_its_column(
    browser: Browser, sandbox: Sandbox, http: RawClient
) -> None:
    wang = sandbox.person("王敏")
    await browser.click("开始", within=WANG)
    await wang.hear("听到：/start")
    await http.result("sendMessage", chat_id=wang.id, text="https://t.me/kaoping_bot?start=Yb2c9KfQ")
    await browser.click("https://t.me/kaoping_bot?start=Yb2c9KfQ", within=WANG)
    await browser.wait_for_text("听到：/start Yb2c9KfQ", within=WANG)
    await browser.click("更多", within=LI)
    await browser.click("打开链接…", within=LI)
    await browser.type("https://t.me/kaoping_bot?start=Zz9", into="dialog[open] input", enter=True)
    await browser.wait_for_text("听到：/start Zz9", within=LI)
    assert sandbox.person("李晓梅").messages[0].text == "/start Zz9"


async def test_the_clock_is_moved_from_the_page(browser: Browser, sandbox: Sandbox) -> None:
    await browser.wait_for_text("2021年4月2日 周五", within="#now")
    await browser.wait_for_text("12:00:00", within="#now")
    await browser.click("＋1 小时")
    await browser.wait_for_text("13:00:00", within="#now")
    await browser.click("下一个 9:00")
    await browser.wait_for_text("4月3日 周六", within="#now")
    await browser.wait_for_text("09:00:00", within="#now")
    await browser.click("＋1 天")
    await browser.wait_for_text("4月4日", within="#now")
    await browser.click("拨到…")
    await browser.wait_for("document.querySelector('dialog[open] input').value = '2021-04-06T23:59'")
    await browser.click("拨到", within="dialog[open]")
    await browser.wait_for_text("23:59:00", within="#now")
    assert sandbox.clock.now().isoformat() == "2021-04-06T15:59:00+00:00"


async def test_changes_show_at_once(browser: Browser, sandbox: Sandbox, http: RawClient) -> None:
    li = sandbox.person("李晓梅")
    await li.start()
    await browser.wait_for_text("听到：/start", within=LI)
    await browser.wait_for(f"document.querySelector('{LI} .badge').innerText === '1'")
    await http.result("setMyCommands", commands=[{"command": "score", "description": "本单位得分"}])
    await browser.click("命令菜单", within=LI)
    await browser.click("/score", within=f"{LI} .pop")
    await browser.wait_for_text("听到：/score", within=LI)
    heard = li.from_bot[0]
    await http.result("editMessageText", chat_id=li.id, message_id=heard.id, text="改过了")
    await browser.wait_for_text("改过了", within=LI)
    await http.result("deleteMessage", chat_id=li.id, message_id=heard.id)
    await browser.wait_for(f"!document.querySelector('{LI}').innerText.includes('改过了')")
    await li.block()
    await browser.click("重新启用", within=LI)
    await browser.wait_for(f"!!document.querySelector('{LI} textarea')")
    sandbox.person("新来的", note="住建局 · 联络员")
    await browser.wait_for_text("住建局 · 联络员", within='[data-name="新来的"]')


async def test_on_a_phone_one_chat_at_a_time(sandbox: Sandbox, http: RawClient) -> None:
    assert PROGRAM
    li, wang = sandbox.person("李晓梅", note="财政局"), sandbox.person("王敏", note="政务服务局")
    await li.start()
    await wang.start()
    async with Browser(PROGRAM, width=390, height=844, mobile=True) as browser:
        await browser.open(sandbox.url)
        await browser.wait_for_text("/start", within=LI)
        assert await browser.evaluate("document.documentElement.scrollWidth") == 390
        assert await browser.evaluate(f"document.querySelector('{WANG}').offsetParent") is None
        await http.result("sendMessage", chat_id=wang.id, text="有新事项")
        await browser.wait_for("document.querySelector('.people .badge')?.innerText === '1'")
        await browser.click("王敏", within=".people")
        await browser.wait_for_text("有新事项", within=f"{WANG}.front")
        await browser.wait_for("!document.querySelector('.people .badge')")
        await browser.click("拨动虚拟时间")
        await browser.click("＋1 天")
        await browser.wait_for_text("4月3日", within="#now")
        assert browser.errors == []
