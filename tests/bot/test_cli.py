"""The command line as it is called: what it prints, where, and with which exit code."""

import asyncio
import gc
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
import time_machine
from sqlmodel import select

from bot import cli
from bot.opening import opened
from bot.settings import Settings
from sandbox.facade import Sandbox
from sandbox.limits import Limits
from store import people
from store.db import transaction
from store.outbox import OutboxMessage
from store.people import Department, Role

NOW = datetime(2021, 4, 6, 2, tzinfo=UTC)
"""The time that the command line reads off the machine."""
TOKEN = "123456:AAFakeTokenFakeTokenFakeTokenFakeToken"


@pytest.fixture
def zone(tmp_path, monkeypatch):
    """A zone of three departments with one administrator, in a working directory of its own."""
    url = f"sqlite:///{tmp_path / 'kaoping.db'}"
    for name in list(os.environ):
        if name.startswith("KAOPING_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KAOPING_DATABASE_URL", url)
    monkeypatch.setenv("KAOPING_ADMINS", "1001")
    with time_machine.travel(NOW, tick=False):
        yield from _zone(url)


def _zone(url):
    engine = opened(Settings(_env_file=None, database_url=url, admins=frozenset({1001})), NOW)
    with transaction(engine) as session:
        for code, name in (("fin", "财政局"), ("hr", "人事局"), ("pub", "公安<分>局&队")):
            session.add(Department(code=code, name=name, kind="bureau"))
        people.met(session, 1001, name="甲", username="jia", now=NOW)
    yield engine
    engine.dispose()


def call(capsys, *words):
    """(exit code, stdout, stderr) of a call in this process."""
    code = cli.invoke(list(words))
    told = capsys.readouterr()
    return code, told.out, told.err


def test_the_help_lists_every_command_and_loads_no_room():
    environment = {**os.environ, "COLUMNS": "100", "KAOPING_DATABASE_URL": "nonsense"}
    command = [sys.executable, "-X", "importtime", "-m", "bot", "--help"]
    done = subprocess.run(command, capture_output=True, env=environment, check=True)
    said, loaded = done.stdout.decode(), done.stderr.decode()
    for name in ("demo", "run", "simulate", "doctor", "rules", "deduct", "import", "backup"):
        assert f" {name} " in said
    assert "typer" in loaded
    # It is asked for often, by people in a hurry: the rooms take seconds to load.
    assert "sqlalchemy" not in loaded
    assert "telegram" not in loaded


def test_deducts_and_shows_the_score(zone, capsys):
    code, out, err = call(capsys, "deduct", "财政局", "daily.7", "2", "窗口服务", "态度差")
    assert (code, err) == (0, "")
    assert out.startswith("已记扣分　#1\n单位：财政局\n")
    assert "事由：窗口服务 态度差" in out
    assert "日常 40.00 → 34.00" in out
    assert "<b>" not in out

    code, out, _ = call(capsys, "score", "czj", "--json")
    assert code == 0
    assert json.loads(out)["daily"] == "34.00"
    code, out, _ = call(capsys, "audit", "--json")
    [row] = json.loads(out)["rows"]
    assert (row["verb"], row["actor"], row["via"]) == ("deduct", "甲", "command line")
    assert row["system_user"]


def test_what_is_printed_for_a_program_has_no_log_line_in_it(zone, capsys):
    with transaction(zone) as session:
        [admin] = people.holders(session, Role.ADMINISTRATOR)
        people.blocked(session, admin.telegram_id, NOW)
    code, out, err = call(capsys, "post", "2021-03", "--json")
    assert code == 0
    assert json.loads(out)
    assert "nobody to tell" in err


def test_a_dry_run_keeps_nothing(zone, capsys):
    code, out, _ = call(capsys, "deduct", "fin", "daily.7", "--count", "2", "--dry-run")
    assert code == 0
    assert "日常 40.00 → 34.00" in out
    code, out, _ = call(capsys, "deduct", "fin", "daily.7", "--dry-run", "--json")
    assert json.loads(out)["after"]["daily"] == "37.00"
    _, out, _ = call(capsys, "verify", "--json")
    assert json.loads(out)["number"] == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nosuch"], "No such command"),
        (["deduct", "财政局"], "Missing argument"),
        (["deduct", "财政局", "daily.7", "--nosuch", "1"], "No such option"),
        (["deduct", "税务局", "daily.7"], "没有找到单位“税务局”"),
        (["deduct", "财政局", "daily.77"], "没有找到项目“daily.77”"),
        (["deduct", "财政局", "daily.7", "0", "理由"], "“0”不能作为次数"),
        (["deduct", "财政局", "daily.7", "1000000"], "“1000000”不能作为次数"),
        (["deduct", "财政局", "daily.7", "--happened", "2021-02-30"], "或者没有这一天"),
        (["score"], "请写明单位"),
        (["score", "财政局", "1999"], "“1999”不是年份"),
        (["reverse", "7"], "没有找到记录“7”"),
        (["confirm", "1"], "只能在聊天中办理"),
        (["rank", "--as", "乙"], "“乙”不是在任的管理员"),
        (["held", "decide", "#1", "deduct"], "没有找到报送事项"),
        (["rules", "check", "nosuch.toml"], "no such rule book or file"),
        (["simulate", "nosuch.toml"], "nosuch.toml"),
    ],
)
def test_what_is_refused_is_one_line_on_stderr(zone, capsys, words, said):
    code, out, err = call(capsys, *words)
    assert code == (1 if words[:2] == ["rules", "check"] else 2)
    assert out == ""
    assert said in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("verb", [("verify",), ("import",), ("calendar", "load"), ("simulate",)])
def test_a_device_is_no_file(zone, capsys, verb):
    code, _, err = call(capsys, *verb, "/dev/zero")
    assert code == 2
    assert err.count("\n") == 1


def test_words_that_are_no_text_are_refused(zone, capsys):
    code, _, err = call(capsys, "score", "fin", "--as", "\udcff")
    assert code == 2
    assert "UTF-8" in err


def test_a_wrong_setting_is_named_in_one_line_without_its_value(zone, capsys, monkeypatch):
    monkeypatch.setenv("KAOPING_TOKEN", "secret-value")
    code, out, err = call(capsys, "rank")
    assert (code, out) == (2, "")
    assert "KAOPING_TOKEN" in err
    assert "secret-value" not in err
    assert err.count("\n") == 1


def test_run_without_a_token_is_one_line(zone, capsys):
    code, out, err = call(capsys, "run")
    assert (code, out) == (2, "")
    assert err == "kaoping: KAOPING_TOKEN is not set: the bot's token from @BotFather\n"
    assert gc.isenabled()


def test_a_database_that_is_none_is_one_line(zone, capsys, monkeypatch, tmp_path):
    Path("broken.db").write_bytes(b"this is no database at all" * 100)
    monkeypatch.setenv("KAOPING_DATABASE_URL", "sqlite:///broken.db")
    code, out, err = call(capsys, "rank")
    assert (code, out) == (2, "")
    assert "not a database" in err
    assert err.count("\n") == 1


def test_with_several_administrators_one_is_named(zone, capsys):
    with transaction(zone) as session:
        people.appoint(
            session, people.met(session, 1002, name="乙", username=None, now=NOW), Role.ADMINISTRATOR,
            NOW,
        )  # fmt: skip
    code, _, err = call(capsys, "deduct", "fin", "daily.7")
    assert code == 2
    assert "--as" in err
    assert "甲、乙" in err
    for name in ("乙", "1002"):
        code, out, _ = call(capsys, "deduct", "fin", "daily.7", "--as", name)
        assert (code, "经办：乙" in out) == (0, True)


def test_a_veto_is_proposed_and_the_second_person_is_told_by_the_bot(zone, capsys):
    with transaction(zone) as session:
        second = people.met(session, 1002, name="乙", username=None, now=NOW)
        people.appoint(session, second, Role.ADMINISTRATOR, NOW)
    code, out, _ = call(capsys, "veto", "fin", "veto.1", "受到行政问责", "--as", "甲")
    assert code == 0
    assert "已提交，待确认" in out
    with transaction(zone) as session:
        told = session.exec(select(OutboxMessage)).all()
    assert [one.chat_id for one in told] == [1002]
    assert "请确认：一票否决" in told[0].payload


def test_a_broken_ledger_gives_exit_code_one(zone, capsys):
    call(capsys, "deduct", "fin", "daily.7")
    with zone.begin() as connection:
        for trigger in connection.exec_driver_sql(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'ledger_entry'"
        ).all():
            connection.exec_driver_sql(f"DROP TRIGGER {trigger[0]}")
        connection.exec_driver_sql("UPDATE ledger_entry SET points = 0")
    code, out, _ = call(capsys, "verify")
    assert code == 1
    assert "台账有误" in out


def test_piped_output_is_plain(zone):
    done = subprocess.run([sys.executable, "-m", "bot", "rank", "日常"], capture_output=True, check=True)
    assert b"\x1b" not in done.stdout
    assert done.stdout.decode().endswith("过程数据，以领导小组审定为准\n")
    assert done.stderr == b""


def test_a_reader_that_has_had_enough_undoes_nothing(zone, capsys):
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "bot", "deduct", "fin", "daily.7"], stdout=writer, stderr=subprocess.PIPE, check=False
    )
    os.close(writer)
    assert done.stderr == b""
    _, out, _ = call(capsys, "audit", "--json")
    assert [one["verb"] for one in json.loads(out)["rows"]] == ["deduct"]


def test_the_invitation_is_a_link_or_a_command(zone, capsys):
    code, out, _ = call(capsys, "invite", "联络员", "fin", "张三")
    assert code == 0
    assert "/start " in out
    code, out, _ = call(capsys, "people", "--json")
    assert [one["name"] for one in json.loads(out)["invitations"]] == ["张三"]
    code, out, _ = call(capsys, "revoke", "1")
    assert "链接即时失效" in out


async def test_the_invitation_is_a_link_where_telegram_says_what_the_bot_is_called(zone, capsys, monkeypatch):
    async with Sandbox(limits=Limits(on=False)) as sandbox:
        monkeypatch.setenv("KAOPING_TOKEN", sandbox.token)
        monkeypatch.setenv("KAOPING_API_BASE", sandbox.url)
        code = await asyncio.to_thread(cli.invoke, ["invite", "联络员", "fin", "张三"])
    assert code == 0
    assert "https://t.me/kaoping_bot?start=" in capsys.readouterr().out


def test_rules_are_shown_and_checked_before_anything_is_set_up(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("KAOPING_"):
            monkeypatch.delenv(name)
    code, out, _ = call(capsys, "rules", "show", "jilin-2021")
    assert code == 0
    assert "daily.8.quarterly" in out
    assert "方案未写明" in out
    Path("bad.toml").write_text("name = [", encoding="utf-8")
    code, out, err = call(capsys, "rules", "check", "bad.toml")
    assert (code, out) == (1, "")
    assert "bad.toml" in err
    assert list(tmp_path.glob("*.db")) == []
