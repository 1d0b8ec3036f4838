"""The Chinese names of verbs, parameters and values, for titles, questions and buttons."""

import templates
from store.commands import Act, Choice, Param, Verb


def title(verb: Verb) -> str:
    """记扣分"""
    return _label("verb", verb.name)


def param(verb: Verb, name: str) -> str:
    """次数"""
    return _label("param", name, verb.name)


def question(verb: Verb, name: str) -> str:
    """请选择要扣分的单位"""
    return _label("ask", name, verb.name)


def value(act: Act, verb: Verb, one: Param, texts: dict[str, str]) -> str:
    """An argument as a person reads it: the name of a department, the title of an item beside its code."""
    text = texts[one.name]
    choice = chosen(act, one, texts)
    return choice.label if choice else _label("value", text)


def chosen(act: Act, one: Param, texts: dict[str, str]) -> Choice | None:
    """The choice that an argument was, if it was one of several."""
    if one.converter.choices is None:
        return None
    return next((each for each in one.converter.choices(act, texts) if each.value == texts[one.name]), None)


def option(one: Param, choice: Choice) -> str:
    """What a button says for a choice."""
    return choice.label or _label("value", choice.value)


def _label(kind: str, name: str, verb: str = "") -> str:
    return templates.plain(templates.render("admins/label", kind=kind, name=name, verb=verb))
