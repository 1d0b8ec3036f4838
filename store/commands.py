"""Verbs: what a person may have the bot do, declared once by the room that does it.

A verb is one typed function. Chat (guided buttons, one line, Chinese words) and the command line are both made from
its parameters, so they cannot differ; ``store.acting`` decides who may do it alone.
"""

import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, TypeVar, get_args, get_type_hints

from sqlmodel import Session

from store.errors import Refusal
from store.notices import Audience, Notice
from store.people import Person, Role
from store.times import iso_china

F = TypeVar("F", bound=Callable[..., Any])
Via = Literal["chat", "command line"]

Rest = Annotated[str, "rest"]
"""All the words that are left: a reason, a name. Kept as written."""

_FIGURE = re.compile(r"[-−+]?\d[\d.,/-]*$")


@dataclass(frozen=True)
class Caution:
    """Something to look at before going on; it forbids nothing. ``code`` picks the sentence in the templates."""

    code: str
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass
class Act:
    """One person doing one thing at one instant. ``confirmed_by`` is the second person of an act that takes two.

    ``rehearsal``: it is done only to see what it would do, and undone at once.
    """

    session: Session
    now: datetime
    actor: Person
    via: Via
    system_user: str | None = None
    confirmed_by: Person | None = None
    rehearsal: bool = False
    notices: list[Notice] = field(default_factory=list)
    cautions: list[Caution] = field(default_factory=list)

    def notify(self, notice: Notice) -> None:
        self.notices.append(notice)

    def tell(self, to: Audience, kind: str, result: Any, **facts: Any) -> None:
        """Tell somebody of a result: its fields are the notice's facts."""
        self.notify(Notice(kind, to, to_json(result) | to_json(facts)))

    def caution(self, code: str, **facts: Any) -> None:
        self.cautions.append(Caution(code, facts))


@dataclass(frozen=True)
class Choice:
    """One value that a button can offer: what the converter reads, and what the button says (from the data)."""

    value: str
    label: str


@dataclass(frozen=True)
class Converter:
    """From a person's words to a value, and back to words that read as the same value.

    ``words`` is how many words of a line the value may take at most.
    """

    read: Callable[[Act, str], Any]
    write: Callable[[Any], str] = str
    choices: Callable[[Act, Mapping[str, Any]], list[Choice]] | None = None
    words: int = 1


@dataclass(frozen=True)
class Param:
    """A parameter of a verb. An ``option`` is given by name only (``--year 2021``); the others also by position."""

    name: str
    annotation: Any
    required: bool
    default: Any
    rest: bool
    option: bool

    @property
    def converter(self) -> Converter:
        return CONVERTERS[self.annotation]


@dataclass(frozen=True)
class Verb:
    """What a person may have done. ``name`` may have two words; ``words`` are the Chinese ones that mean the same.

    ``changes``: it is written to the audit trail. ``weighs_on_department``: nobody decides it alone for his own
    department. ``second_person``: whether it takes two persons, given its arguments. ``barred``: ids of those who may
    propose it, but not decide it: nobody judges what he has done himself. ``forgets_files``: a file it is given is
    erased once a second person has decided.
    """

    name: str
    words: tuple[str, ...]
    roles: frozenset[Role]
    changes: bool
    weighs_on_department: bool
    second_person: Callable[[Act, Mapping[str, Any]], bool]
    barred: Callable[[Act, Mapping[str, Any]], frozenset[int]]
    chat_only: bool
    forgets_files: bool
    group: str
    params: tuple[Param, ...]
    function: Callable[..., Any]

    @property
    def help(self) -> str:
        """The first line of the docstring, English: for the command line and for readers of the code."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]

    @property
    def template(self) -> str:
        """The template that puts a result into words: ``verbs/<this>.j2``."""
        return self.name.replace(" ", "_").replace("-", "_")

    def param(self, name: str) -> Param:
        return next(one for one in self.params if one.name == name)


VERBS: dict[str, Verb] = {}
CONVERTERS: dict[Any, Converter] = {}
_SAID: dict[str, Verb] = {}


def converter(
    *annotations: Any,
    write: Callable[[Any], str] = str,
    choices: Callable[[Act, Mapping[str, Any]], list[Choice]] | None = None,
    words: int = 1,
) -> Callable[[F], F]:
    """Declare how a type is read from a person's words. The function takes (act, text) and may raise Refusal."""

    def declare(function: F) -> F:
        for annotation in annotations:
            CONVERTERS[annotation] = Converter(function, write, choices, words)
        return function

    return declare


def command(
    name: str,
    *,
    words: Iterable[str] = (),
    roles: Iterable[Role] = (Role.ADMINISTRATOR,),
    changes: bool = False,
    weighs_on_department: bool = False,
    second_person: bool | Callable[[Act, Mapping[str, Any]], bool] = False,
    barred: Callable[[Act, Mapping[str, Any]], frozenset[int]] = lambda _act, _given: frozenset(),
    chat_only: bool = False,
    forgets_files: bool = False,
    group: str = "",
) -> Callable[[F], F]:
    """Declare a verb. Raises ValueError when a name or word is taken, or a parameter's type has no converter."""
    takes_two = second_person if callable(second_person) else (lambda _act, _given, always=second_person: always)

    def declare(function: F) -> F:
        verb = Verb(
            name, tuple(words), frozenset(roles), changes, weighs_on_department, takes_two, barred, chat_only,
            forgets_files, group, _params(function), function,
        )  # fmt: skip
        for said in (name, *verb.words):
            if said in _SAID:
                raise ValueError(f"{said!r} is a verb already")
            _SAID[said] = verb
        VERBS[name] = verb
        return function

    return declare


def _params(function: Callable[..., Any]) -> tuple[Param, ...]:
    hints = get_type_hints(function, include_extras=True)
    found = []
    for name, parameter in list(inspect.signature(function).parameters.items())[1:]:
        annotation = _without_none(hints[name])
        if annotation not in CONVERTERS:
            raise ValueError(f"{function.__name__}: nothing converts {name}: {annotation}")
        required = parameter.default is parameter.empty
        rest = annotation == Rest
        option = parameter.kind is parameter.KEYWORD_ONLY and not rest
        found.append(Param(name, annotation, required, None if required else parameter.default, rest, option))
    return tuple(found)


def _without_none(annotation: Any) -> Any:
    kinds = [one for one in get_args(annotation) if one is not type(None)]
    return kinds[0] if type(None) in get_args(annotation) and len(kinds) == 1 else annotation


@converter(str, Rest)
def _as_written(_act: Act, text: str) -> str:
    return text.strip()


def find_verb(line: str) -> tuple[Verb, str] | None:
    """The verb a line begins with, and the rest of the line: ``/task_add …``, ``task add …``, ``得分 财政局``."""
    said = line.strip()
    if said.startswith("/"):
        head, *tail = said.removeprefix("/").split(maxsplit=1) or [""]
        said = " ".join([head.partition("@")[0].replace("_", " "), *tail])
    parts = said.split()
    for count in (2, 1):
        verb = _SAID.get(" ".join(parts[:count])) or _SAID.get(" ".join(parts[:count]).lower())
        if verb is not None and len(parts) >= count:
            return verb, _after_words(said, count)
    return None


def _after_words(line: str, count: int) -> str:
    rest = line.split(maxsplit=count)
    return rest[count] if len(rest) > count else ""


def parse(act: Act, verb: Verb, texts: Mapping[str, str]) -> dict[str, Any]:
    """Arguments from texts by parameter name. Raises Refusal argument_missing, argument_unknown, or a converter's."""
    names = {param.name for param in verb.params}
    for name in texts:
        if name not in names:
            raise Refusal("argument_unknown", verb=verb.name, argument=name)
    given: dict[str, Any] = {}
    for param in verb.params:
        if param.name in texts:
            given[param.name] = param.converter.read(act, texts[param.name])
        elif param.required:
            raise Refusal("argument_missing", verb=verb.name, argument=param.name)
    return given


def parse_line(act: Act, verb: Verb, line: str) -> dict[str, Any]:
    """Arguments from one line: by position, or ``--name value``. Raises what ``take_words`` and ``complete`` raise."""
    return complete(verb, take_words(act, verb, line.split()))


def complete(verb: Verb, given: dict[str, Any]) -> dict[str, Any]:
    """The same arguments, once nothing that is required lacks. Raises Refusal argument_missing for the first."""
    for param in verb.params:
        if param.required and param.name not in given:
            raise Refusal("argument_missing", verb=verb.name, argument=param.name)
    return given


def take_words(act: Act, verb: Verb, said: Sequence[str]) -> dict[str, Any]:
    """What some words give of a verb's arguments, which may be less than it requires.

    A parameter that may be left out is left out when the next word does not read as one, so that
    「扣分 财政局 daily.7 窗口无人」 needs no count. A figure was meant as one, though: 0 is a wrong count.
    Raises Refusal argument_unknown, argument_surplus, or a converter's.
    """
    words, given = _take_options(act, verb, list(said))
    refused: Refusal | None = None
    for param in verb.params:
        if not words or param.option or param.name in given:
            continue
        if param.rest:
            if refused is not None and _FIGURE.match(words[0]):
                raise refused
            given[param.name], words = param.converter.read(act, " ".join(words)), []
            continue
        try:
            given[param.name], words = _take(act, param, words)
            refused = None
        except Refusal as refusal:
            # Nobody else may want the word: then the first that could have had it says what is wrong with it.
            refused = refused or refusal
            if param.required:
                raise refused from None
    if words:
        raise refused or Refusal("argument_surplus", verb=verb.name, text=" ".join(words))
    return given


def _take(act: Act, param: Param, words: list[str]) -> tuple[Any, list[str]]:
    further: Refusal | None = None
    for count in range(min(param.converter.words, len(words)), 1, -1):
        try:
            return param.converter.read(act, " ".join(words[:count])), words[count:]
        except Refusal as refusal:
            further = further or refusal
    try:
        return param.converter.read(act, words[0]), words[1:]
    except Refusal as refusal:
        # A longer reading that found something else to say got further than the single word.
        raise (further if further is not None and further.code != refusal.code else refusal) from None


def _take_options(act: Act, verb: Verb, waiting: list[str]) -> tuple[list[str], dict[str, Any]]:
    # Telephones turn "--" into a dash; a dash in front of anything else is just a dash.
    left: list[str] = []
    given: dict[str, Any] = {}
    while waiting:
        word = waiting.pop(0)
        if not word.startswith(("--", "—")):
            left.append(word)
            continue
        name, equals, value = word.lstrip("-—").partition("=")
        param = next((one for one in verb.params if one.name == name.replace("-", "_")), None)
        if param is None and word.startswith("—"):
            left.append(word)
            continue
        if param is None:
            raise Refusal("argument_unknown", verb=verb.name, argument=name)
        if not equals and param.annotation is bool:
            given[param.name] = True
        elif equals:
            given[param.name] = param.converter.read(act, value)
        elif waiting:
            given[param.name], waiting = _take(act, param, waiting)
        else:
            raise Refusal("argument_missing", verb=verb.name, argument=name)
    return left, given


def written(verb: Verb, given: Mapping[str, Any]) -> dict[str, str]:
    """Arguments as texts that ``parse`` reads back: for the audit trail and for proposals. Defaults are left out."""
    return {
        param.name: param.converter.write(given[param.name])
        for param in verb.params
        if param.name in given and given[param.name] is not None and given[param.name] != param.default
    }


def to_json(value: Any) -> Any:
    """A result as JSON-able data: instants in China's time, exact figures as strings.

    A field whose metadata say ``json=False`` is left out: the bytes of a file.
    """
    if value is None or (isinstance(value, bool | int | str) and not isinstance(value, Enum)):
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return iso_china(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        shown = [one for one in fields(value) if one.metadata.get("json", True)]
        return {one.name: to_json(getattr(value, one.name)) for one in shown}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return to_json(value._asdict())
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, Iterable):
        return [to_json(item) for item in value]
    raise TypeError(f"{type(value).__name__} has no place in a result")
