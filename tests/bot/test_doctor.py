"""The doctor's look at Telegram: the sandbox plays a server with the right token, a wrong one, and a slow clock."""

from datetime import UTC, datetime, timedelta

import pytest

import templates
from bot import doctor_network
from bot.clock import SystemClock
from bot.doctor import of_settings
from bot.settings import Settings
from sandbox.clock import VirtualClock
from sandbox.facade import Sandbox
from sandbox.limits import Limits


def settings(sandbox: Sandbox, **values) -> Settings:
    return Settings(_env_file=None, token=sandbox.token, api_base=sandbox.url, **values)


async def looked(sandbox: Sandbox, **values):
    findings = await doctor_network.examine(settings(sandbox, **values), SystemClock().now())
    return {one.code: (one.level, one.facts) for one in findings}


@pytest.fixture
async def server():
    async with Sandbox(clock=VirtualClock(datetime.now(UTC)), limits=Limits(on=False)) as sandbox:
        yield sandbox


async def test_a_good_token_a_reachable_server_and_a_true_clock(server):
    found = await looked(server)
    assert found["token_good"] == ("ok", {"username": "kaoping_bot"})
    assert found["reachable"][0] == "ok"
    assert found["clock"][0] == "ok"


async def test_a_token_that_telegram_does_not_take(server):
    other = Settings(_env_file=None, token="999999:AAWrongWrongWrongWrongWrongWrongWrong", api_base=server.url)
    found = {one.code: one.level for one in await doctor_network.examine(other, SystemClock().now())}
    assert found["token_refused"] == "fault"
    assert found["reachable"] == "ok"


@pytest.mark.parametrize("minutes", [-10, 10])
async def test_a_clock_that_is_off(minutes):
    clock = VirtualClock(datetime.now(UTC) + timedelta(minutes=minutes), frozen=True)
    async with Sandbox(clock=clock, limits=Limits(on=False)) as sandbox:
        found = await looked(sandbox)
        assert found["clock"][0] == "fault"
        assert abs(found["clock"][1]["seconds"] + minutes * 60) < 30
        assert "clock" not in await looked(sandbox, clock="server")


async def test_a_server_that_is_not_there():
    gone = Settings(_env_file=None, token="123456:AAFakeFakeFakeFakeFakeFakeFakeFake", api_base="http://127.0.0.1:9")
    [finding] = await doctor_network.examine(gone, SystemClock().now())
    assert (finding.code, finding.level) == ("unreachable", "fault")
    assert "FakeFake" not in str(finding)


def test_webhooks_are_said_to_be_of_no_use_yet():
    hooked = Settings(_env_file=None, webhook_url="https://example.org/hook", webhook_secret="x" * 20)
    found = {one.code: one for one in of_settings(hooked)}
    assert found["webhook_unused"].level == "warning"
    assert "不起作用" in templates.render("doctor", level="warning", code="webhook_unused")
    assert "webhook_unused" not in {one.code for one in of_settings(Settings(_env_file=None))}
