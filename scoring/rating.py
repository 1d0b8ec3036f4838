"""One rater's sheet while it is being filled in: what is given, what is missing, what a typed line means. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, cast

from scoring.ballots import ABSTAIN, Ballot, Scores, aspect_maxima, check_ballot
from scoring.points import UNIT
from scoring.rulebook import RuleBook
from store.errors import Refusal
from store.people import Department
from store.words import plain

DECIMAL_PLACES: Final = 2
"""Of a score that is typed: finer ones are slips of the finger."""

_SEPARATORS = re.compile(r"[\s,、;/|]+")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)")
"""As people write one; not ``1E999999999``, which takes as long to add up as it looks."""
_ABSTAINS = frozenset({"不了解", "弃权", "不了解/弃权", "-", "—", "abstain"})


@dataclass
class Given:
    """What one department has been given so far: one answer per aspect (None: still open), or one total for all, or an
    abstention. Answers are as a ballot's: numbers, or codes of tiers.
    """

    aspects: list[Decimal | str | None] = field(default_factory=list)
    total: Decimal | str | None = None
    abstained: bool = False

    @property
    def done(self) -> bool:
        """Whether nothing is missing: it can be cast as it stands."""
        return self.abstained or self.total is not None or (bool(self.aspects) and None not in self.aspects)

    @property
    def begun(self) -> bool:
        return self.done or any(one is not None for one in self.aspects)

    @property
    def scores(self) -> Scores:
        """As a ballot has it. Raises ValueError while something is missing."""
        if self.abstained:
            return ABSTAIN
        if self.total is not None:
            return self.total
        if not self.done:
            raise ValueError("something is missing")
        return cast(Scores, tuple(self.aspects))  # nothing is None here

    @property
    def sum(self) -> Decimal | None:
        """What the numbers come to; None for tiers, an abstention, or what is not complete."""
        answers = [self.total] if self.total is not None else self.aspects
        numbers = [one for one in answers if isinstance(one, Decimal)]
        return sum(numbers, Decimal(0)) if numbers and len(numbers) == len(answers) and not self.abstained else None


def from_json(kept: Mapping[str, Any], *, tiers: bool) -> dict[int, Given]:
    """What a draft keeps, by the department's id."""

    def answer(said: str | None) -> Decimal | str | None:
        return said if said is None or tiers else Decimal(said)

    found = {}
    for key, value in kept.items():
        if value == ABSTAIN:
            found[int(key)] = Given(abstained=True)
        elif isinstance(value, Mapping):
            found[int(key)] = Given(total=answer(value["total"]))
        else:
            found[int(key)] = Given(aspects=[answer(one) for one in value])
    return found


def to_json(given: Mapping[int, Given]) -> dict[str, Any]:
    """The same, to be kept."""
    return {str(key): _kept(one) for key, one in given.items() if one.begun}


def _kept(one: Given) -> Any:
    if one.abstained:
        return ABSTAIN
    if one.total is not None:
        return {"total": _text(one.total)}
    return [None if answer is None else _text(answer) for answer in one.aspects]


def _text(answer: Decimal | str) -> str:
    # 6.0, 6 and 6.00 are one score, and look it.
    return answer if isinstance(answer, str) else f"{answer.normalize():f}"


class RatingSheet:
    """A rater's sheet in one panel: the departments in order, and what each has been given."""

    def __init__(
        self, rulebook: RuleBook, panel: str, departments: Sequence[Department], given: Mapping[int, Given]
    ) -> None:
        self.rulebook = rulebook
        self.panel = rulebook.panels[panel]
        self.departments = list(departments)
        self.given = {unit.id: given.get(unit.id) or Given() for unit in departments}

    def maxima(self, unit: Department) -> tuple[int, ...]:
        """The most that each aspect can get, in units."""
        return aspect_maxima(self.rulebook, self.panel.code, unit.kind)

    @property
    def missing(self) -> list[Department]:
        """Those that have not been rated to the end."""
        return [unit for unit in self.departments if not self.given[unit.id].done]

    def next_missing(self, after: int | None) -> Department | None:
        """The next one in order that is not done, from the one behind ``after`` on and around; None: all are."""
        ids = [unit.id for unit in self.departments]
        start = ids.index(after) + 1 if after in ids else 0
        around = [*self.departments[start:], *self.departments[:start]]
        return next((unit for unit in around if not self.given[unit.id].done), None)

    def set_aspect(self, unit: Department, aspect: int, answer: Decimal | str) -> None:
        """One aspect's answer. Raises BallotError for one out of range, IndexError for an aspect that there is not."""
        # The others are as good as given for this look; a total or an abstention given before gives way.
        neutral = self.panel.tiers[0].code if self.panel.tiers else Decimal(0)
        looked_at = [neutral] * len(self.rulebook.aspects)
        looked_at[aspect] = answer
        self._check(unit, cast(Scores, tuple(looked_at)))
        aspects = list(self.given[unit.id].aspects) or [None] * len(self.rulebook.aspects)
        aspects[aspect] = answer
        self.given[unit.id] = Given(aspects=aspects)

    def set_all(self, unit: Department, answer: Decimal | str) -> None:
        """The same answer for every aspect. Raises BallotError."""
        self.set(unit, cast(Scores, (answer,) * len(self.rulebook.aspects)))

    def set(self, unit: Department, scores: Scores) -> None:
        """One answer per aspect, one total, or an abstention. Raises BallotError; then nothing has changed."""
        self._check(unit, scores)
        if scores == ABSTAIN:
            self.given[unit.id] = Given(abstained=True)
        elif isinstance(scores, tuple):
            self.given[unit.id] = Given(aspects=list(scores))
        elif isinstance(scores, Decimal | str):
            self.given[unit.id] = Given(total=scores)

    def clear(self, unit: Department, aspect: int | None = None) -> None:
        """Takes back one aspect's answer, or all that a department has been given."""
        aspects = list(self.given[unit.id].aspects)
        if aspect is not None and not aspects:
            return
        if aspect is not None:
            aspects[aspect] = None
        none_left = aspect is None or not any(one is not None for one in aspects)
        self.given[unit.id] = Given() if none_left else Given(aspects=aspects)

    def take_over(self, given: Mapping[int, Given]) -> None:
        """What a form gives, by the department's id; an aspect that it leaves empty stays as it was."""
        for key, one in given.items():
            before = self.given[key].aspects
            if before and None in one.aspects:
                both = zip(one.aspects, before, strict=True)
                one = Given(aspects=[was if answer is None else answer for answer, was in both])
            self.given[key] = one

    def _check(self, unit: Department, scores: Scores) -> None:
        check_ballot(self.rulebook, Ballot(self.panel.code, scores), unit.kind)

    def read(self, text: str) -> Scores:
        """What a typed line gives: ``6 5.5 6 6 5``, a total, tiers by their names, 不了解 or 弃权; full-width digits
        and Chinese commas too. Raises Refusal rating_not_understood, rating_count or rating_too_fine; whether the
        figures are in range is ``set``'s to say.
        """
        said = plain(text).strip(",、;。. ")
        if said.lower() in _ABSTAINS:
            return ABSTAIN
        words = [word for word in _SEPARATORS.split(said) if word]
        wanted = len(self.rulebook.aspects)
        answers = [self._answer(word, text) for word in words]
        if len(answers) == 1:
            return answers[0]
        if len(answers) != wanted:
            raise Refusal("rating_count", given=len(answers), wanted=wanted)
        return cast(Scores, tuple(answers))

    def looks_like_scores(self, text: str) -> bool:
        """Whether a message was meant as scores, right or wrong: it is nothing but figures, tiers, or an abstention."""
        said = plain(text).strip(",、;。. ")
        names = {tier.title for tier in self.panel.tiers}
        words = [word.removesuffix("分") for word in _SEPARATORS.split(said) if word]
        return said.lower() in _ABSTAINS or (
            bool(words) and all(_NUMBER.fullmatch(word) or word in names for word in words)
        )

    def _answer(self, word: str, text: str) -> Decimal | str:
        if self.panel.tiers:
            for tier in self.panel.tiers:
                if word in {tier.title, tier.code}:
                    return tier.code
            raise Refusal("rating_not_understood", text=text, tiers=[tier.title for tier in self.panel.tiers])
        said = word.removesuffix("分")
        if not _NUMBER.fullmatch(said):
            raise Refusal("rating_not_understood", text=text, tiers=[])
        number = Decimal(said)
        if len(said.partition(".")[2]) > DECIMAL_PLACES:
            raise Refusal("rating_too_fine", text=word, places=DECIMAL_PLACES)
        return number


def steps(most: int, step: int) -> list[Decimal]:
    """The scores that buttons offer, highest first: ``most`` units down to 0 by ``step`` units."""
    offered = [*range(most, -1, -step)]
    if offered[-1]:
        offered.append(0)
    return [Decimal(one) / UNIT for one in offered]


def to_cast(panel: str, given: Iterable[tuple[int, Given]]) -> list[tuple[int, Ballot]]:
    """What is cast: the done ones as they are, the others as abstentions."""
    return [(key, Ballot(panel, one.scores if one.done else ABSTAIN)) for key, one in given]
