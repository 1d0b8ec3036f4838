"""``kaoping simulate`` as it is called: figures on stdout, faults on stderr, and nothing written."""

import json

import pytest

from bot import cli

SCENARIO = """
rulebook = "jilin-2021"
year = 2021
start = 2021-01-01T00:00:00+08:00
end = 2021-02-10T18:00:00+08:00

[[department]]
code = "fin"
name = "财政局"
kind = "bureau"
vertical = false
duties = ["monthly_update"]

[[event]]
at = 2021-02-05T10:00:00+08:00
do = "deduct"
department = "fin"
item = "daily.7"
count = 2
"""


@pytest.fixture
def scenario(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "scenario.toml"
    path.write_text(SCENARIO, encoding="utf-8")
    return path


def call(capsys, *words):
    code = cli.invoke([str(word) for word in words])
    told = capsys.readouterr()
    return code, told.out, told.err


def test_prints_one_object_and_writes_nothing(scenario, capsys, tmp_path):
    code, out, err = call(capsys, "simulate", scenario, "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert list(found) == ["rulebook", "year", "departments"]
    [fin] = found["departments"]
    assert fin["daily"] == "33.00"
    assert [one["points"] for one in fin["entries"]] == ["-1", "-6"]
    assert [path.name for path in tmp_path.iterdir()] == ["scenario.toml"]
    assert call(capsys, "simulate", scenario, "--json")[1] == out


def test_ranks_by_the_daily_score(scenario, capsys):
    assert json.loads(call(capsys, "simulate", scenario, "--json")[1])["departments"][0]["rank"] is None
    _, out, _ = call(capsys, "simulate", scenario, "--json", "--by", "daily")
    assert json.loads(out)["departments"][0]["rank"] == 1


def test_in_words_without_json(scenario, capsys):
    code, out, _ = call(capsys, "simulate", scenario)
    assert code == 0
    assert "日常 33.00" in out
    assert "机关作风、工作纪律、办事效率、窗口服务问题经查实（方案1(7)）　2件次　−6" in out


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("daily.7", "daily.77"), "scenario.toml: event 1: "),
        (('kind = "bureau"', 'kind = "nosuch"'), "scenario.toml: "),
        (("count = 2", "count = 0"), "scenario.toml: event 1: "),
        (("2021-02-05T10", "2021-02-30T10"), "scenario.toml: "),
        (("year = 2021", "year = "), "scenario.toml: "),
    ],
)
def test_what_cannot_be_is_one_line_and_nothing_is_printed(scenario, capsys, change, said):
    scenario.write_text(SCENARIO.replace(*change), encoding="utf-8")
    code, out, err = call(capsys, "simulate", scenario, "--json")
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1


def test_an_order_that_is_none(scenario, capsys):
    code, out, err = call(capsys, "simulate", scenario, "--by", "luck")
    assert (code, out) == (2, "")
    assert err == "kaoping: Invalid value: --by luck: say total or daily\n"
