"""Every word that the source asks for has its template: refusals, notices, buttons, and every file that is rendered."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

import templates

ROOMS = ("store", "scoring", "scheduler", "handlers", "bot")
SOURCES = [path for room in ROOMS for path in sorted((templates.FOLDER.parent / room).rglob("*.py"))]


def calls(*names: str) -> Iterator[tuple[Path, ast.Call]]:
    """Every call of these functions or methods in the source."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                called = node.func
                name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
                if name in names:
                    yield path, node


def texts(node: ast.expr) -> list[str]:
    """The literal strings an argument can be: a constant, or either side of a condition."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.IfExp):
        return texts(node.body) + texts(node.orelse)
    return []


def said(*names: str, place: int = 0) -> dict[str, str]:
    """Literal arguments at a place, each with where it stands."""
    return {
        text: f"{path.name}:{call.lineno}"
        for path, call in calls(*names)
        if len(call.args) > place
        for text in texts(call.args[place])
    }


def test_the_source_is_found() -> None:
    assert len(said("Refusal")) > 50
    assert len(said("Notice")) > 5
    assert len(said("render")) > 20


def refused() -> dict[str, str]:
    """The codes with which something is refused, by whom it is raised or by those to whom the code is told."""
    return said("Refusal") | said("one_of", place=2) | said("numbered", place=3)


def test_every_refusal_has_its_sentence() -> None:
    missing = {code: place for code, place in refused().items() if code not in templates.refusal_codes()}
    assert missing == {}


def test_no_sentence_is_left_over() -> None:
    asked = refused() | said("refusal", "caution", "Caution")
    assert templates.refusal_codes() - set(asked) == set()


def test_every_notice_has_its_template() -> None:
    kinds = said("Notice") | said("tell", place=1)
    missing = {kind: place for kind, place in kinds.items() if not templates.exists(f"notices/{kind}")}
    assert missing == {}


def test_every_rendered_template_exists() -> None:
    missing = {name: place for name, place in said("render").items() if not templates.exists(name)}
    assert missing == {}


def test_every_word_has_its_block() -> None:
    missing = {name: place for name, place in said("word").items() if name not in templates.word_names()}
    assert missing == {}


def test_every_button_of_a_notice_has_its_word() -> None:
    from handlers.choices import _SHAPES

    for action in (*_SHAPES, "confirm", "refuse"):
        if action not in {"as", "drop"}:
            assert f"button_{action}" in templates.word_names(), action


@pytest.mark.parametrize("path", sorted(templates.FOLDER.rglob("*.j2")), ids=lambda path: path.stem)
def test_every_template_compiles(path: Path) -> None:
    name = str(path.relative_to(templates.FOLDER).with_suffix(""))
    assert templates._template(name).name == f"{name}.j2"


RENDERED = {"caution", "detail", "fault", "ranking"}
"""Facts that are messages themselves, rendered before: the only ones that are not escaped again."""


@pytest.mark.parametrize("path", sorted(templates.FOLDER.rglob("*.j2")), ids=lambda path: path.stem)
def test_nothing_a_person_wrote_is_let_through_unescaped(path: Path) -> None:
    tree = Environment(autoescape=True).parse(path.read_text("utf-8"))
    for node in tree.find_all(nodes.Filter):
        if node.name == "safe":
            assert isinstance(node.node, nodes.Const) or getattr(node.node, "name", None) in RENDERED, node.lineno
    assert not list(tree.find_all(nodes.EvalContextModifier))
