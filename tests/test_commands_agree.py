"""Chat and command line have the same verbs, with the same arguments, and give the same figures."""

import inspect
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer

import templates
from bot import cli, cli_index, cli_verbs, verbs
from bot.opening import furnish
from bot.settings import Settings
from handlers import labels, menus
from handlers.parsing import spotted
from store.commands import VERBS, Verb
from store.db import open_engine, transaction
from store.people import Department, Role

verbs.load()

EVERY = sorted(VERBS.values(), key=lambda verb: verb.name)
ON_THE_LINE = [verb for verb in EVERY if not verb.chat_only]
BESIDE = {"said_as", "as_json", "dry_run", "folder", "template"}
"""What belongs to the machine: who acts, in what form, and where files go."""


def of_line(verb: Verb) -> dict[str, inspect.Parameter]:
    """The parameters that the command line offers for a verb, by the name of the verb's own."""
    parameters = inspect.signature(cli_verbs.command_of(verb)).parameters
    return {name.removesuffix("_named"): one for name, one in parameters.items() if name not in BESIDE}


def test_the_index_is_the_registry():
    assert cli_index.VERBS == {verb.name: verb.help for verb in ON_THE_LINE}
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


@pytest.mark.parametrize("verb", EVERY, ids=lambda verb: verb.name)
def test_choices_without_a_label_have_one_in_the_templates(verb):
    from store.commands import Act

    engine = open_engine("sqlite://")
    from store.db import prepare

    prepare(engine)
    with transaction(engine) as session:
        furnish(session, Settings(_env_file=None, admins=frozenset({1})), datetime(2021, 1, 1, tzinfo=UTC))
        from store import people

        act = Act(session, datetime(2021, 4, 1, tzinfo=UTC), people.holders(session, Role.ADMINISTRATOR)[0], "chat")
        for param in verb.params:
            for choice in param.converter.choices(act, {}) if param.converter.choices else []:
                shown = labels.option(param, choice)
                assert shown
                assert choice.label or shown != choice.value


@pytest.mark.parametrize("verb", ON_THE_LINE, ids=lambda verb: verb.name)
def test_the_arguments_are_the_same(verb):
    assert set(of_line(verb)) == {param.name for param in verb.params}


@pytest.mark.parametrize("verb", EVERY, ids=lambda verb: verb.name)
def test_every_menu_that_offers_a_verb_says_it_in_chinese(verb):
    for role in verb.roles:
        offered = {one["command"]: one["description"] for one in menus.commands(frozenset({role}))}
        assert verb.template in offered
        assert offered[verb.template]
