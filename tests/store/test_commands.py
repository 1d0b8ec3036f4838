"""The registry: a verb is declared once, and read from a line, from named texts, and from what was kept of it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated

import pytest
from sqlmodel import Session

from store import commands
from store.commands import Act, Choice, Rest, Verb, command, converter, find_verb, parse, parse_line, to_json, written
from store.errors import Refusal
from store.people import Person, Role
from store.times import CHINA
from store.words import Count, Deadline, Instant

NOW = datetime(2021, 4, 6, 10, tzinfo=CHINA)
Colour = Annotated[str, "colour"]
Room = Annotated[str, "room"]


@pytest.fixture(autouse=True)
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Verbs and converters declared in a test are gone after it."""
    for name in ("VERBS", "_SAID"):
        monkeypatch.setattr(commands, name, {})
    monkeypatch.setattr(commands, "CONVERTERS", dict(commands.CONVERTERS))


@pytest.fixture
def paint() -> Verb:
    @converter(Colour, choices=lambda _act, _given: [Choice("red", "红"), Choice("blue", "蓝")])
    def _colour(_act: Act, text: str) -> str:
        if text not in {"red", "blue"}:
            raise Refusal("colour_unknown", text=text)
        return text

    @converter(Room, write=lambda room: f"{room} room")
    def _room(_act: Act, text: str) -> str:
        if not text.startswith("east"):
            raise Refusal("room_unknown", text=text)
        return "east"

    @command("paint", words=("刷漆", "上色"), changes=True)
    def paint(
        act: Act,
        room: Room,
        colour: Colour,
        coats: Count = 1,
        reason: Rest = "",
        *,
        at: Instant | None = None,
        gloss: bool = False,
    ) -> None:
        """Paint a room.

        More than the help shows.
        """

    return commands.VERBS["paint"]


@pytest.fixture
def act() -> Act:
    """Nothing in this file asks the database anything."""
    return Act(Session(), NOW, Person(telegram_id=1, name="王芳"), "chat")


@pytest.fixture
def line(act: Act, paint: Verb) -> Callable[[str], dict[str, object]]:
    return lambda text: parse_line(act, paint, text)


class TestDeclaring:
    def test_the_help_is_the_first_line_of_the_docstring(self, paint: Verb) -> None:
        assert paint.help == "Paint a room."

    def test_parameters_carry_what_chat_and_command_line_need(self, paint: Verb) -> None:
        assert [(one.name, one.required, one.default, one.rest, one.option) for one in paint.params] == [
            ("room", True, None, False, False),
            ("colour", True, None, False, False),
            ("coats", False, 1, False, False),
            ("reason", False, "", True, False),
            ("at", False, None, False, True),
            ("gloss", False, False, False, True),
        ]

    def test_a_name_or_word_is_taken_once(self, paint: Verb) -> None:
        with pytest.raises(ValueError, match="上色"):

            @command("colour", words=("上色",))
            def colour(act: Act) -> None:
                """Colour."""

    def test_a_type_that_nobody_can_read_is_a_mistake_of_ours(self) -> None:
        with pytest.raises(ValueError, match="nothing converts size"):

            @command("scale")
            def scale(act: Act, size: complex) -> None:
                """Scale."""

    def test_two_words_make_a_template_name(self) -> None:
        @command("task add")
        def add(act: Act) -> None:
            """Add."""

        assert commands.VERBS["task add"].template == "task_add"


class TestFinding:
    @pytest.fixture(autouse=True)
    def _verbs(self, paint: Verb) -> None:
        for name, words in (("task", ("任务",)), ("task add", ("新增任务",))):

            @command(name, words=words)
            def verb(act: Act) -> None:
                """Do."""

    @pytest.mark.parametrize(
        ("said", "name", "rest"),
        [
            ("paint fin red", "paint", "fin red"),
            ("/paint fin", "paint", "fin"),
            ("/paint@kaoping_bot fin", "paint", "fin"),
            ("Paint fin", "paint", "fin"),
            ("刷漆 财政局 red", "paint", "财政局 red"),
            ("刷漆　财政局", "paint", "财政局"),
            ("刷漆", "paint", ""),
            ("task add x", "task add", "x"),
            ("/task_add x", "task add", "x"),
            ("task x", "task", "x"),
            ("/task\n第二行", "task", "第二行"),
        ],
    )
    def test_a_line_begins_with_a_verb(self, said: str, name: str, rest: str) -> None:
        found = find_verb(said)
        assert found is not None
        assert (found[0].name, found[1]) == (name, rest)

    @pytest.mark.parametrize("said", ["", "/", "收到", "刷漆了吗", "财政局 刷漆", "/nothing"])
    def test_other_words_are_no_verb(self, said: str) -> None:
        assert find_verb(said) is None


class TestReadingALine:
    @pytest.mark.parametrize(
        ("said", "given"),
        [
            ("east red", {"room": "east", "colour": "red"}),
            ("east red 2", {"room": "east", "colour": "red", "coats": 2}),
            ("east red ２", {"room": "east", "colour": "red", "coats": 2}),
            ("east red 2 墙 面旧", {"room": "east", "colour": "red", "coats": 2, "reason": "墙 面旧"}),
            ("east red 墙面旧", {"room": "east", "colour": "red", "reason": "墙面旧"}),
            ("--colour=red east", {"room": "east", "colour": "red"}),
            ("east —colour red", {"room": "east", "colour": "red"}),
            ("east red --gloss 旧", {"room": "east", "colour": "red", "gloss": True, "reason": "旧"}),
            ("east red 旧 —— 很旧", {"room": "east", "colour": "red", "reason": "旧 —— 很旧"}),
        ],
    )
    def test_by_position_or_by_name(
        self, line: Callable[[str], dict[str, object]], said: str, given: dict[str, object]
    ) -> None:
        assert line(said) == given

    def test_an_instant_may_take_two_words(self, line: Callable[[str], dict[str, object]]) -> None:
        given = line("east red --at 2021-04-02 16:00 旧")
        assert given["at"] == datetime(2021, 4, 2, 16, tzinfo=CHINA)
        assert given["reason"] == "旧"

    @pytest.mark.parametrize(
        ("said", "code"),
        [
            ("", "argument_missing"),
            ("east", "argument_missing"),
            ("east green", "colour_unknown"),
            ("nowhere red", "room_unknown"),
            ("east red 0", "count_unknown"),
            ("east red --size 3", "argument_unknown"),
            ("east red --at", "argument_missing"),
            ("east red --at 2021-02-30", "date_unknown"),
        ],
    )
    def test_what_is_wrong_is_said(self, line: Callable[[str], dict[str, object]], said: str, code: str) -> None:
        with pytest.raises(Refusal) as refused:
            line(said)
        assert refused.value.code == code

    def test_words_too_many_are_refused_where_there_is_no_place_for_them(self, act: Act, paint: Verb) -> None:
        @command("look")
        def look(act: Act, room: Room) -> None:
            """Look."""

        with pytest.raises(Refusal) as refused:
            parse_line(act, commands.VERBS["look"], "east 今天 上午")
        assert refused.value.facts == {"verb": "look", "text": "今天 上午"}


class TestKeeping:
    def test_what_is_written_down_reads_back_as_the_same(self, act: Act, paint: Verb) -> None:
        given = parse_line(act, paint, "east red 3 墙面旧 --at 昨天 --gloss")
        kept = written(paint, given)
        assert kept == {
            "room": "east room", "colour": "red", "coats": "3", "reason": "墙面旧",
            "at": "2021-04-05T00:00:00+08:00", "gloss": "yes",
        }  # fmt: skip
        assert parse(act, paint, kept) == given

    def test_what_is_as_usual_is_left_out(self, act: Act, paint: Verb) -> None:
        given = parse_line(act, paint, "east blue 1")
        assert written(paint, given | {"at": None}) == {"room": "east room", "colour": "blue"}

    @pytest.mark.parametrize(
        ("texts", "code"),
        [({"room": "east"}, "argument_missing"), ({"size": "3"}, "argument_unknown")],
    )
    def test_named_texts_are_checked(self, act: Act, paint: Verb, texts: dict[str, str], code: str) -> None:
        with pytest.raises(Refusal) as refused:
            parse(act, paint, texts)
        assert refused.value.code == code


def test_a_result_becomes_json() -> None:
    @dataclass(frozen=True)
    class Inner:
        role: Role
        figure: Decimal

    @dataclass(frozen=True)
    class Result:
        at: datetime
        day: date
        rows: tuple[Inner, ...]
        facts: dict[str, int]
        nothing: None

    result = Result(
        datetime(2021, 4, 2, 16, tzinfo=CHINA), date(2021, 4, 2), (Inner(Role.HEAD, Decimal("39.00")),), {"a": 1}, None
    )
    assert to_json(result) == {
        "at": "2021-04-02T16:00:00+08:00", "day": "2021-04-02", "rows": [{"role": "head", "figure": "39.00"}],
        "facts": {"a": 1}, "nothing": None,
    }  # fmt: skip


@pytest.mark.parametrize("value", [1.5, object()])
def test_what_is_not_exact_has_no_place_in_a_result(value: object) -> None:
    with pytest.raises(TypeError):
        to_json({"value": value})


def test_a_deadline_that_is_a_day_counts_in_full(act: Act) -> None:
    read = {kind: commands.CONVERTERS[kind].read(act, "4月9日") for kind in (Instant, Deadline)}
    assert read[Instant] == datetime(2021, 4, 9, tzinfo=CHINA)
    assert read[Deadline] == datetime(2021, 4, 10, tzinfo=CHINA)
