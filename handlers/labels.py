"""The Chinese names of verbs, parameters and values, for titles, questions and buttons."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import date, datetime
from typing import Any

import templates
from scheduler.facts import told_of
from scheduler.frame import Frame
from scheduler.tables import Obligation, Task
from scoring.rulebook import Item
from store.commands import Act, Choice, Param, Verb
from store.errors import Refusal
from store.people import Department, Person
from store.words import Deadline
from templates.wording import day, deadline, instant


def title(verb: Verb) -> str:
    """记扣分"""
    return _label("verb", verb.name)


def param(verb: Verb, name: str) -> str:
    """次数"""
    return _label("param", name, verb.name)


def question(verb: Verb, name: str) -> str:
    """请选择要扣分的单位"""
    return _label("ask", name, verb.name)


def value(act: Act, verb: Verb, one: Param, texts: Mapping[str, str]) -> str:
    """An argument as a person reads it: the name of a department, the title of an item beside its code and clause."""
    text = texts[one.name]
    if text.startswith(("blob:", "{")):
        # A file: its name is what a person knows of it.
        return text.partition(" ")[2] if text.startswith("blob:") and " " in text else _label("value", "file")
    try:
        meant = one.converter.read(act, text)
    except Refusal:
        return text
    if isinstance(meant, Item):
        return templates.plain(templates.render("admins/item", item=meant))
    if one.annotation == Deadline:
        return deadline(meant)
    if isinstance(meant, datetime):
        return instant(meant)
    if isinstance(meant, date):
        return day(meant)
    if isinstance(meant, Department | Person):
        return meant.name
    if isinstance(meant, Task):
        return _named(act, meant.department_id, {"period": None, "short": meant.title})
    if isinstance(meant, Obligation):
        return _named(act, meant.department_id, told_of(Frame.of(act.session), meant))
    choice = _chosen(act, verb, one, texts)
    return choice.label if choice and choice.label else _label("value", text)


def _named(act: Act, department_id: int, told: Mapping[str, Any]) -> str:
    """财政局 2021年3月工作动态"""
    unit = act.session.get_one(Department, department_id)
    return templates.plain(templates.render("admins/obligation", department=unit.name, one=told))


def _chosen(act: Act, verb: Verb, one: Param, texts: Mapping[str, str]) -> Choice | None:
    """The choice that an argument was, if it was one of several."""
    if one.converter.choices is None:
        return None
    offered = one.converter.choices(act, readable(act, verb, texts))
    return next((each for each in offered if each.value == texts[one.name]), None)


def readable(act: Act, verb: Verb, texts: Mapping[str, str]) -> dict[str, Any]:
    """The arguments that still mean something, as values: what they named may have ceased to exist meanwhile."""
    given = {}
    for param in verb.params:
        if param.name in texts:
            with suppress(Refusal):
                given[param.name] = param.converter.read(act, texts[param.name])
    return given


def option(one: Param, choice: Choice) -> str:
    """What a button says for a choice."""
    return choice.label or _label("value", choice.value)


def _label(kind: str, name: str, verb: str = "") -> str:
    return templates.plain(templates.render("admins/label", kind=kind, name=name, verb=verb))
