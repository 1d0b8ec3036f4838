import os
from pathlib import Path

import pytest

from bot import settings
from bot.settings import SettingsFault

TOKEN = "123456789:AAHk1-a-token-that-has-the-right-form"


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No settings of whoever runs the tests."""
    for name in list(os.environ):
        if name.startswith("KAOPING_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_without_any_there_is_a_file_of_sqlite_and_the_scheme_of_jilin() -> None:
    found = settings.load()
    assert (found.database_url, found.rulebook, found.api_base) == (
        "sqlite:///kaoping.db",
        "jilin-2021",
        "https://api.telegram.org",
    )
    assert (found.clock, found.admins, found.summary_chat, found.webhook_url) == ("system", frozenset(), None, None)


def test_they_come_from_the_environment_and_from_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text(f"KAOPING_TOKEN={TOKEN}\nKAOPING_ADMINS=1\n", encoding="utf-8")
    monkeypatch.setenv("KAOPING_ADMINS", "10, 20，30,")
    monkeypatch.setenv("KAOPING_API_BASE", "http://127.0.0.1:8081/")
    found = settings.load()
    assert found.required_token == TOKEN
    assert found.admins == {10, 20, 30}
    assert found.api_base == "http://127.0.0.1:8081"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("TOKEN", "not-a-token", "bot token"),
        ("ADMINS", "10,张三", "张三"),
        ("ADMINS", "@admin", "@admin"),
        ("ADMINS", "99999999999999999999", "99999999999999999999"),
        ("SUMMARY_CHAT", "-99999999999999999999", "greater"),
        ("DATABASE_URL", "mysql://localhost/x", "mysql is not supported"),
        ("DATABASE_URL", "kaoping.db", "not a database URL"),
        ("API_BASE", "api.telegram.org", "not an address"),
        ("RULEBOOK", "rules/none.toml", "rules/none.toml"),
        ("SUMMARY_CHAT", "the group", "integer"),
        ("WEBHOOK_PORT", "70000", "65535"),
        ("CLOCK", "sundial", "server"),
        ("POLL_SECONDS", "-1", "0"),
    ],
)
def test_a_wrong_one_is_named_in_one_line(monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str) -> None:
    monkeypatch.setenv(f"KAOPING_{name}", value)
    with pytest.raises(SettingsFault) as caught:
        settings.load()
    line = str(caught.value)
    assert line.startswith(f"KAOPING_{name} ")
    assert said in line
    assert "\n" not in line


def test_a_file_that_is_no_text_is_named() -> None:
    Path(".env").write_bytes(b"KAOPING_LOG=\xff\n")
    with pytest.raises(SettingsFault, match="UTF-8"):
        settings.load()


def test_a_webhook_needs_its_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAOPING_WEBHOOK_URL", "https://example.com/hook")
    with pytest.raises(SettingsFault, match="KAOPING_WEBHOOK_SECRET"):
        settings.load()


@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_token_is_named(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    if value is not None:
        monkeypatch.setenv("KAOPING_TOKEN", value)
    with pytest.raises(SettingsFault, match="KAOPING_TOKEN is not set"):
        _ = settings.load().required_token


def test_the_token_shows_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAOPING_TOKEN", TOKEN)
    assert TOKEN not in repr(settings.load())
    monkeypatch.setenv("KAOPING_TOKEN", TOKEN + "!")
    with pytest.raises(SettingsFault) as caught:
        settings.load()
    assert TOKEN not in str(caught.value)
