"""A frozen result on another machine: the program and the file, and nothing else."""

import os
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from bot import cli
from bot.opening import furnish
from bot.settings import Settings
from scoring import ledger, results
from store.db import open_engine, prepare, transaction
from store.people import Department, Role, holders

NOW = datetime(2021, 4, 6, 2, tzinfo=UTC)


@pytest.fixture
def file(tmp_path, monkeypatch):
    """The frozen file of a zone that is somewhere else."""
    for name in [name for name in os.environ if name.startswith("KAOPING_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    engine = open_engine("sqlite://")
    prepare(engine)
    with transaction(engine) as session:
        furnish(session, Settings(_env_file=None, admins=frozenset({1})), NOW)
        session.add(Department(code="fin", name="财政局", kind="bureau"))
        session.flush()
        ledger.post(
            session, department_id=1, year=2021, item="daily.7", count=1, happened_at=NOW, recorded_at=NOW,
            source="admin",
        )  # fmt: skip
        clerk = holders(session, Role.ADMINISTRATOR)[0]
        frozen = results.freeze(session, 2021, by=clerk, now=NOW, calendar="")
        path = tmp_path / "结果.jsonl"
        path.write_bytes(b"".join(results.lines_of(session, frozen)))
    engine.dispose()
    return path


def test_a_whole_one_by_a_process_that_has_nothing_else(file, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    told = subprocess.run(
        [sys.executable, "-m", "bot", "verify", str(file)],
        cwd=empty,
        env={"PATH": "", "HOME": str(empty), "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (told.returncode, told.stderr) == (0, "")
    assert "结果文件无误：2021年，1个单位，台账1条" in told.stdout
    assert list(empty.iterdir()) == [], "it has left something behind"


def test_no_database_is_opened_whatever_the_settings_name(file, monkeypatch, capsys):
    monkeypatch.setenv("KAOPING_DATABASE_URL", "sqlite:////nowhere/at/all.db")
    monkeypatch.setenv("KAOPING_ADMINS", "1,2")
    assert cli.invoke(["verify", str(file)]) == 0
    assert "结果文件无误" in capsys.readouterr().out
    assert cli.invoke(["verify"]) == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ((b'"daily":"37.00"', b'"daily":"38.00"'), "第2行\n数字对不上。\n财政局：日常写的是38.00，按明细算出是37.00"),
        ((b'"rank":null', b'"rank":1'), "名次对不上。"),
        ((b'"recorded_by"', b'"recorded_by" '), "不是本系统冻结的结果文件"),
        ((b'"reason"', b'"reasom"'), "不是本系统冻结的结果文件"),
        ((b'"frozen_at":"2021', b'"frozen_at":"2020'), "与末行的校验值不符"),
    ],
)
def test_the_first_difference_is_named_and_the_exit_code_says_so(file, capsys, change, said):
    whole = file.read_bytes()
    assert whole.count(change[0]) >= 1
    file.write_bytes(whole.replace(*change))
    assert cli.invoke(["verify", str(file)]) == 1
    assert said in capsys.readouterr().out


def test_what_cannot_be_read_is_refused(tmp_path, file, capsys):
    assert cli.invoke(["verify", str(tmp_path / "nichts")]) == 2
    assert "不能读取" in capsys.readouterr().err
    file.write_bytes(b"\x00" * 1000)
    assert cli.invoke(["verify", str(file)]) == 1
