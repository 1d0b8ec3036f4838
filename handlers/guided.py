"""A verb on its way to being complete: what has been said, what is asked next, where one can go back to.

The state is a draft in the database, so a restart, a second device or a rollback finds it as it was. Everything here
is about that state and the choices it offers; words and buttons are made elsewhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Self

from store.commands import VERBS, Act, Choice, Param, Verb, written
from store.drafts import Draft
from store.errors import Refusal
from store.words import plain

KIND = "verb"
TIMEOUT = timedelta(minutes=30)
"""A draft nobody has touched for so long is not gone on with: what it knew may be stale."""

PAGE = 8
"""Choices on one page of buttons."""

COUNTS = [Choice(str(number), str(number)) for number in range(1, 6)]
"""How often something mostly happened; more is typed."""


@dataclass
class Guide:
    """Where somebody stands in a verb.

    ``texts`` are the arguments so far, as ``written`` gives them. ``steps`` are the parameters that are asked, in
    order, and ``at`` the one asked now; at the end of them comes the preview. ``amending`` is a parameter that is
    asked again from the preview. ``seen`` is what the latest preview showed.
    """

    verb: Verb
    texts: dict[str, str]
    steps: list[str]
    at: int = 0
    page: int = 0
    search: str = ""
    amending: str | None = None
    seen: dict[str, Any] | None = None
    touched: str = ""

    @classmethod
    def begin(cls, verb: Verb, given: Mapping[str, Any]) -> Self:
        """Where a verb stands after what was said in one line: whatever lacks is asked.

        Who has to be asked something is asked for what may be left out as well; who said all that is required in one
        line is asked for nothing.
        """
        lacking = [param for param in verb.params if param.required and param.name not in given]
        steps = [
            param.name
            for param in verb.params
            if lacking and param.name not in given and (param.required or (verb.changes and not param.option))
        ]
        return cls(verb, written(verb, given), steps)

    @classmethod
    def of(cls, draft: Draft) -> Self:
        """Where a draft stands; ask ``fits`` first about one that may be older than the program."""
        data = dict(draft.data)
        return cls(VERBS[data.pop("verb")], **data)

    def data(self) -> dict[str, Any]:
        """What the draft keeps."""
        return {
            "verb": self.verb.name, "texts": self.texts, "steps": self.steps, "at": self.at, "page": self.page,
            "search": self.search, "amending": self.amending, "seen": self.seen, "touched": self.touched,
        }  # fmt: skip

    @property
    def asking(self) -> Param | None:
        """The parameter that is asked now; None when it is time for the preview."""
        if self.amending is not None:
            return self.verb.param(self.amending)
        return self.verb.param(self.steps[self.at]) if self.at < len(self.steps) else None

    @property
    def mark(self) -> str:
        """Names the question that is on the screen, so that a button of an earlier one is known as such."""
        param = self.asking
        return "-" if param is None else str(self.verb.params.index(param))

    @property
    def can_go_back(self) -> bool:
        return self.amending is not None or self.at > 0

    @property
    def amendable(self) -> list[Param]:
        """What may be added or changed from the preview: what need not be said."""
        return [param for param in self.verb.params if not param.required]

    def expired(self, now: datetime) -> bool:
        return bool(self.touched) and now - datetime.fromisoformat(self.touched) > TIMEOUT

    def given(self, act: Act) -> dict[str, Any]:
        """The arguments so far as values. Raises a converter's Refusal for what has ceased to exist meanwhile."""
        return {
            param.name: param.converter.read(act, self.texts[param.name])
            for param in self.verb.params
            if param.name in self.texts
        }

    def take(self, act: Act, text: str) -> None:
        """An answer to what is asked. Raises the converter's Refusal; then nothing has changed."""
        param = self.asking
        if param is None:
            return
        value = param.converter.read(act, text)
        if param.required and value in ("", None):
            raise Refusal("argument_empty", verb=self.verb.name, argument=param.name)
        self.texts[param.name] = param.converter.write(value)
        self._on()

    def skip(self) -> None:
        """What is asked is left out."""
        param = self.asking
        if param is not None and not param.required:
            self.texts.pop(param.name, None)
            self._on()

    def back(self) -> None:
        """To the question before, whose answer is forgotten; from amending, to the preview."""
        self.page, self.search = 0, ""
        if self.amending is not None:
            self.amending = None
        elif self.at > 0:
            self.at -= 1
            self.texts.pop(self.steps[self.at], None)

    def amend(self, name: str) -> None:
        """Asks once more for something that need not be said."""
        if any(param.name == name for param in self.amendable):
            self.amending, self.page, self.search = name, 0, ""

    def _on(self) -> None:
        self.page, self.search, self.seen = 0, "", None
        if self.amending is not None:
            self.amending = None
        else:
            self.at += 1

    def offered(self, act: Act) -> list[Choice]:
        """What buttons can offer for the question, narrowed down by what was typed."""
        param = self.asking
        if param is None:
            return []
        if param.name == "count":
            return COUNTS
        finder = param.converter.choices
        choices = finder(act, self.given(act)) if finder else []
        return [choice for choice in choices if matches(choice, self.search)]


def fits(draft: Draft) -> bool:
    """Whether a draft can be gone on with: its verb is still there, with the parameters it speaks of."""
    data = draft.data
    verb = VERBS.get(data.get("verb", ""))
    if verb is None or set(data) != {"verb", *Guide.__dataclass_fields__}:
        return False
    return {*data["texts"], *data["steps"]} <= {param.name for param in verb.params}


def matches(choice: Choice, search: str) -> bool:
    """Whether a choice is meant by a few letters: of its value, its label, or the initials of the label's pinyin."""
    wanted = plain(search).lower()
    if not wanted:
        return True
    return wanted in choice.value.lower() or wanted in choice.label.lower() or wanted in initials(choice.label)


@cache
def initials(label: str) -> str:
    """财政局 → czj"""
    from pypinyin import Style, lazy_pinyin  # its dictionary takes 0.4 s to load; most days nobody types initials

    return "".join(lazy_pinyin(label, style=Style.FIRST_LETTER)).lower()


def pages(choices: list[Choice]) -> int:
    return max(1, -(-len(choices) // PAGE))
