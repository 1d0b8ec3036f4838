"""Every code that names something wrong with a file has its sentence, and no sentence is left over."""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import templates
from handlers import fetched
from scheduler import cells, importing, publicity, rating_reading, spreadsheet_worker, spreadsheets

CODE_AT = {
    "Finding": 4,
    "Unreadable": 0,
    "Refused": 0,
    "unreadable": 0,
    "fault": 1,
    "Fault": 2,
    "_sheet_fault": 0,
    "_fault": 1,
    "among": 2,
    "_finding": 3,
}
"""Where a code stands among the arguments of what names a fault."""

SPOKEN_OF = """megabytes most seen seconds layout title columns other said start today days decided due rows first known
like sum wanted"""
FACTS: Mapping[str, object] = dict.fromkeys(SPOKEN_OF.split(), 1)


def branches() -> set[str]:
    """The codes that the template knows."""
    return set(re.findall(r'if code == "(\w+)"', (templates.FOLDER / "faults.j2").read_text("utf-8")))


def constants(node: ast.AST | None) -> Iterator[str]:
    """The texts that an expression can come to, when they stand in it as they are."""
    match node:
        case ast.Constant(value=str() as value):
            yield value
        case ast.IfExp(body=body, orelse=orelse):
            yield from constants(body)
            yield from constants(orelse)
        case ast.Tuple(elts=[first, *_]):
            yield from constants(first)


def codes() -> set[str]:
    """The codes that the source can come up with: in what names a fault, and returned by the readers of cells."""
    found: set[str] = set()
    for module in (cells, importing, publicity, spreadsheets, spreadsheet_worker, fetched, rating_reading):
        for node in ast.walk(ast.parse(Path(str(module.__file__)).read_text("utf-8"))):
            match node:
                case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=args) if name in CODE_AT:
                    found |= set(constants(args[CODE_AT[name]] if len(args) > CODE_AT[name] else None))
                case ast.Return(value=value) | ast.Assign(targets=[ast.Name(id="code")], value=value):
                    found |= {text for text in constants(value) if module in (cells, publicity, importing)}
                case ast.Dict(keys=[ast.Constant(value="unreadable"), *_], values=[value, *_]):
                    found |= set(constants(value))
    return found - {"", "TRUE", "FALSE", "…"}


def test_every_code_has_a_sentence_and_every_sentence_a_code() -> None:
    assert codes() == branches()


@pytest.mark.parametrize("code", sorted(branches()))
def test_each_sentence_can_be_said(code: str) -> None:
    sentence = templates.render("faults", code=code, **FACTS)
    assert re.search(r"[\u4e00-\u9fff]{2}", sentence)
    assert not sentence.endswith("。")


def test_what_people_typed_is_escaped() -> None:
    assert "&lt;b&gt;" in templates.render("faults", code="department_unknown", said="<b>", like="")
