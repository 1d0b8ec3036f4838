"""Chat and command line have the same verbs, with the same arguments, and give the same figures."""

import inspect
import json
import os
from datetime import UTC, datetime

import pytest
import time_machine

import templates
from bot import cli, cli_index, cli_verbs, verbs
from bot.opening import opened
from bot.settings import Settings
from handlers import labels, menus, screens
from handlers.parsing import spotted
from scoring import appeals
from scoring.tables import LedgerEntry
from store import acting, people
from store.commands import VERBS, Act, Verb, parse_line, to_json, written
from store.db import transaction
from store.people import Department, Role

verbs.load()

NOW = datetime(2021, 4, 6, 2, tzinfo=UTC)

EVERY = sorted(VERBS.values(), key=lambda verb: verb.name)
ON_THE_LINE = [verb for verb in EVERY if not verb.chat_only]
BESIDE = {"said_as", "as_json", "dry_run", "folder", "template"}
"""What belongs to the machine: who acts, in what form, and where files go."""


def of_line(verb: Verb) -> dict[str, inspect.Parameter]:
    """The parameters that the command line offers for a verb, by the name of the verb's own."""
    parameters = inspect.signature(cli_verbs.command_of(verb)).parameters
    return {name.removesuffix("_named"): one for name, one in parameters.items() if name not in BESIDE}


def test_the_index_is_the_registry():
    assert {verb.name: verb.help for verb in ON_THE_LINE} == cli_index.VERBS
    assert {verb.name for verb in EVERY if verb.chat_only} == cli_index.IN_CHAT_ONLY


@pytest.mark.parametrize("verb", EVERY, ids=lambda verb: verb.name)
def test_every_verb_is_found_in_the_chat_by_command_and_by_word(verb):
    assert spotted("/" + verb.name.replace(" ", "_")).verb is verb
    assert verb.words
    for word in verb.words:
        assert spotted(word).verb is verb


@pytest.mark.parametrize("verb", EVERY, ids=lambda verb: verb.name)
def test_every_verb_has_its_chinese_words(verb):
    said = [labels.title(verb)]
    for param in verb.params:
        said += [labels.param(verb, param.name), labels.question(verb, param.name)]
    for text in said:
        assert text
        assert not any("a" <= letter <= "z" for letter in text.replace("json", "").replace("xlsx", ""))
    assert templates.exists(f"verbs/{verb.template}")
    line = {"name": verb.name, "word": verb.words[0]}
    told = templates.render(
        "help", name="", offices=[], groups=[(verb.group, [line])], hands_in=False, rates=False, oversees=True
    )
    assert f"{verb.words[0]}：{labels.title(verb)}\n" not in told, "the help says no more than the name"
    assert "<b>其他</b>" not in told


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A zone with a liaison, duties, a task, entries and an open proposal; two administrators."""
    for name in [name for name in os.environ if name.startswith("KAOPING_")]:
        monkeypatch.delenv(name)
    url = f"sqlite:///{tmp_path / 'kaoping.db'}"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KAOPING_DATABASE_URL", url)
    with time_machine.travel(NOW, tick=False):
        yield from _house(url, NOW)


def _house(url, now):
    engine = opened(Settings(_env_file=None, database_url=url, admins=frozenset({1, 2})), now)
    with transaction(engine) as session:
        for code, name in (("fin", "财政局"), ("hr", "人事局")):
            session.add(Department(code=code, name=name, kind="bureau"))
        people.met(session, 1, name="甲", username=None, now=now)
        people.met(session, 2, name="乙", username=None, now=now)
        act = Act(session, now, people.holders(session, Role.ADMINISTRATOR)[0], "chat")
        for line in (
            "deduct fin daily.7 2 理由", "bonus hr bonus.2.zone 1 表扬", "veto fin veto.1 理由",
            "duty assign fin 工作动态", "task add hr daily.1 2021-06-30 任务", "invite liaison fin 张三",
        ):  # fmt: skip
            verb = spotted("/" + line.replace("duty assign", "duty_assign").replace("task add", "task_add"))
            acting.run(act, verb.verb, **parse_line(act, verb.verb, verb.rest))
        entry = session.get_one(LedgerEntry, 1)
        appeals.raise_appeal(session, entry, act.actor, [appeals.Piece(text="有误")], sent_at=now)
    yield engine
    engine.dispose()


ELSEWHERE = {"rules check", "export", "backup", "results show"}
"""Verbs that are tried where there is something for them: a file, a frozen result."""
READ = [verb for verb in ON_THE_LINE if not verb.changes and verb.name not in ELSEWHERE]


@pytest.mark.parametrize("verb", READ, ids=lambda verb: verb.name)
def test_the_figures_and_the_words_are_the_same(verb, house, capsys):
    line = {"score": "fin", "held": "fin", "appeal show": "#1", "task show": "#1", "rules diff": "jilin-2021"}.get(
        verb.name, ""
    )
    words = [*verb.name.split(), *line.split(), "--as", "甲"]
    assert cli.invoke([*words, "--json"]) == 0
    on_the_line = json.loads(capsys.readouterr().out)
    assert cli.invoke(words) == 0
    printed = capsys.readouterr().out
    with transaction(house) as session:
        act = Act(session, NOW, people.holders(session, Role.ADMINISTRATOR)[0], "chat")
        found = acting.run(act, verb, **parse_line(act, verb, line))
        in_chat, told = to_json(found), templates.plain(screens.told(act, verb, found))
    for one in (on_the_line, in_chat):
        one.pop("at", None)
    assert on_the_line == in_chat
    assert printed.splitlines()[1:] == told.splitlines()[1:]


def test_a_dry_run_and_a_preview_are_the_same(house, capsys):
    line = "财政局 daily.12 1 理由"
    assert cli.invoke(["deduct", *line.split(), "--dry-run", "--as", "甲"]) == 0
    printed = capsys.readouterr().out
    with transaction(house) as session:
        act = Act(session, NOW, people.holders(session, Role.ADMINISTRATOR)[0], "chat")
        given = parse_line(act, VERBS["deduct"], line)
        seen = acting.preview(act, "deduct", **given)
        assert printed.strip() == templates.plain(
            screens.previewed(act, VERBS["deduct"], written(VERBS["deduct"], given), seen)
        )
    assert "日常 34.00 → 29.00" in printed


@pytest.mark.parametrize("verb", EVERY, ids=lambda verb: verb.name)
def test_every_choice_has_its_words(verb, house):
    with transaction(house) as session:
        act = Act(session, NOW, people.holders(session, Role.ADMINISTRATOR)[0], "chat")
        for param in verb.params:
            for choice in param.converter.choices(act, {}) if param.converter.choices else []:
                assert labels.option(param, choice)
                assert choice.label or labels.option(param, choice) != choice.value
                assert param.converter.read(act, choice.value) is not None


@pytest.mark.parametrize("verb", ON_THE_LINE, ids=lambda verb: verb.name)
def test_the_arguments_are_the_same(verb):
    assert set(of_line(verb)) == {param.name for param in verb.params}


@pytest.mark.parametrize("verb", EVERY, ids=lambda verb: verb.name)
def test_every_menu_that_offers_a_verb_says_it_in_chinese(verb):
    for role in verb.roles:
        offered = {one["command"]: one["description"] for one in menus.commands(frozenset({role}))}
        assert verb.template in offered
        assert offered[verb.template]
