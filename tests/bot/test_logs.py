"""What an operator reads on stderr, and what he never does."""

import json
import logging

import pytest
import structlog

from bot import logs

TOKEN = "123456789:AAHk1-a-token-that-has-the-right-form"


@pytest.mark.parametrize("form", ["text", "json"])
def test_the_token_is_blotted_out_whoever_writes_it(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(form, secrets=(TOKEN,))
    log = structlog.get_logger("test")
    log.warning("sending fails", url=f"https://api.telegram.org/bot{TOKEN}/sendMessage")
    logging.getLogger("aiohttp").warning("POST https://api.telegram.org/bot%s/getMe", TOKEN)
    logging.getLogger("httpx").error("https://api.telegram.org/bot%s/getMe", TOKEN.replace(":", "%3A"))
    try:
        raise RuntimeError(f"The token `{TOKEN}` was rejected")
    except RuntimeError:
        log.exception("failed")
    written = capsys.readouterr().err
    secret = TOKEN.partition(":")[2]
    assert secret not in written
    assert written.count("***") >= 4
    assert "RuntimeError" in written


def test_a_line_of_json_is_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json")
    structlog.get_logger("dispatch").error("an update is dead", update=7, error="坏了")
    line = json.loads(capsys.readouterr().err)
    assert line["event"] == "an update is dead"
    assert (line["update"], line["error"], line["level"], line["logger"]) == (7, "坏了", "error", "dispatch")


def test_libraries_are_heard_only_when_something_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure()
    logging.getLogger("httpx").info("HTTP Request: POST https://api.telegram.org/bot123/getMe")
    logging.getLogger("apscheduler.scheduler").info("Added job")
    assert capsys.readouterr().err == ""
