"""A rule book: a scheme as data, immutable, every figure beside its clause. Nothing of a scheme is in code.

Figures are signed units of 1/10,000 point (``scoring.points``). ``…_by_class`` holds what differs for a unit class
(the kind of a department); a class that is not named there has the ordinary figure. ``words`` are what a score sheet
says, in Chinese, where a cap or floor bites.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from fractions import Fraction
from functools import cached_property
from typing import Literal, TypeAlias

from scoring.lateness import LatenessRule

Kind: TypeAlias = Literal["deduction", "bonus", "veto"]
Role: TypeAlias = Literal["daily", "annual", "bonus"]
Settle: TypeAlias = Literal["automatic", "held"]
Owed: TypeAlias = Literal["task", "data_set"]
Raters: TypeAlias = Literal["person", "department"]
ByClass: TypeAlias = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause of the scheme, word for word. ``keywords``: what a media report must contain one of, where the clause
    says so.
    """

    number: str
    text: str
    keywords: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UnitClass:
    """A class of departments that the scheme names; a department's ``kind``."""

    code: str
    title: str
    clause: str


@dataclass(frozen=True, slots=True)
class Block:
    """A part of the score (大项). Its sum starts at ``start`` and stays within ``floor`` and ``cap`` (None: open).

    ``role`` says which figure it belongs to: ``daily`` (ledger entries), ``annual`` (panels) or ``bonus`` (entries on
    top of ``full``). In daily and annual blocks the cap is what the block contributes to the full score.
    """

    code: str
    title: str
    clause: str
    role: Role
    start: int
    floor: int | None
    cap: int | None
    start_by_class: ByClass
    cap_by_class: ByClass
    floor_words: str = ""
    cap_words: str = ""

    def start_for(self, unit_class: str | None) -> int:
        """Where the sum starts for this class of units."""
        return self.start_by_class.get(unit_class or "", self.start)

    def cap_for(self, unit_class: str | None) -> int | None:
        """The most this block can give to this class of units; None: open."""
        return self.cap_by_class.get(unit_class or "", self.cap)


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that costs or earns points, or a veto (``kind`` "veto", points 0, no block).

    ``points`` are those of one ``unit`` (per ``per``, its Chinese measure word). ``cap``: the most all of them
    together count, as a magnitude. ``owed``: what a department owes under it is a task or a shared data set; it then
    has ``settle`` and ``lateness``. ``ask_same_title``: the same title twice may be one and the same, so ask.
    ``clause_text``: the wording of its clause, as the rule book has it.
    ``assumption``: the reading, in Chinese, of what the clause leaves open about it.
    ``grade``: what a live veto makes of the grade, whatever the total (a veto has one, other items do not).
    """

    code: str
    title: str
    kind: Kind
    clause: str
    clause_text: str
    block: str | None
    points: int
    unit: str
    per: str
    cap: int | None = None
    cap_by_class: ByClass = field(default_factory=dict)
    cap_words: str = ""
    multipliers: Mapping[str, Fraction] = field(default_factory=dict)
    owed: Owed | None = None
    settle: Settle | None = None
    lateness: LatenessRule | None = None
    ask_same_title: bool = False
    grade: str | None = None
    assumption: str | None = None

    @property
    def sign(self) -> int:
        """1 for what earns points, −1 for what costs them, 0 for a veto."""
        return (self.points > 0) - (self.points < 0)

    def weight(self, unit_class: str | None = None) -> int:
        """What one unit weighs for this class of units, signed; whole units, which the loader has checked."""
        multiplier = self.multipliers.get(unit_class or "")
        return self.points if multiplier is None else int(self.points * multiplier)

    def cap_for(self, unit_class: str | None) -> int | None:
        """The most that this item counts for this class of units, as a magnitude; None: open."""
        return self.cap_by_class.get(unit_class or "", self.cap)


@dataclass(frozen=True, slots=True)
class Group:
    """Items of one block that share a cap, or of which one and the same event counts the highest only."""

    code: str
    title: str
    clause: str
    items: tuple[str, ...]
    cap: int | None = None
    cap_by_class: ByClass = field(default_factory=dict)
    cap_words: str = ""
    highest_only: bool = False
    highest_words: str = ""

    def cap_for(self, unit_class: str | None) -> int | None:
        """The most that the items count together for this class of units, as a magnitude; None: open."""
        return self.cap_by_class.get(unit_class or "", self.cap)


@dataclass(frozen=True, slots=True)
class Aspect:
    """One of the things that raters judge; ``share`` is its part of a panel's weight (all of them make 1)."""

    code: str
    title: str
    share: Fraction
    short: str = ""
    """Two characters or so, for a narrow button."""


@dataclass(frozen=True, slots=True)
class Tier:
    """An answer of a panel that does not give numbers (好, 较好 …). ``share`` of the full marks; None: left out
    (不了解).
    """

    code: str
    title: str
    share: Fraction | None


@dataclass(frozen=True, slots=True)
class Panel:
    """Those who rate. The figure is the mean of the ballots that count, out of ``weight``.

    ``quorum``: with fewer ballots that count the panel is open. ``trim``: that many of the highest and of the lowest
    ballots are dropped once there are ``trim_from``. ``tiers``: answers instead of numbers. ``raters``: a
    department's one ballot, or a person's. ``remind``: whether its raters are reminded (leaders are never chased).
    """

    code: str
    title: str
    clause: str
    block: str
    weight: int
    raters: Raters
    weight_by_class: ByClass = field(default_factory=dict)
    quorum: int = 1
    trim: int = 0
    trim_from: int = 0
    tiers: tuple[Tier, ...] = ()
    remind: bool = True

    def weight_for(self, unit_class: str | None) -> int:
        """Full marks of this panel for this class of units; 0: the class is not rated by it."""
        return self.weight_by_class.get(unit_class or "", self.weight)


@dataclass(frozen=True, slots=True)
class Grade:
    """A grade (档次): totals from ``at_least`` (included) to ``below`` (not included); None: open."""

    code: str
    title: str
    clause: str
    at_least: int | None
    below: int | None


@dataclass(frozen=True, slots=True)
class Consequence:
    """What follows from a result: for those of a ``grade`` (None: of any), that many ``years`` running, or only for
    those who are managed vertically.
    """

    code: str
    title: str
    clause: str
    grade: str | None
    years: int = 1
    vertical: bool = False


@dataclass(frozen=True, slots=True)
class Duty:
    """What a department owes again and again.

    ``period``: "week", "month", "quarter", "half_year", "year" or "days:n". Due on the ``due_working_day``-th working
    day after the period, at the rule book's ``due_time``. ``check``: the layout by which a hand-in is read and
    checked. ``short``: the title as it stands in a question (作为2021年3月工作动态报送？).
    """

    code: str
    title: str
    short: str
    item: str
    clause: str
    period: str
    due_working_day: int
    nil_report: bool
    settle: Settle
    lateness: LatenessRule
    check: str | None = None


@dataclass(frozen=True, slots=True)
class Rung:
    """One reminder: so many working days before the due day (0: on it), at that time in China; heads get it too or
    not.
    """

    working_days_before: int
    at: time
    heads: bool


@dataclass(frozen=True, slots=True)
class Reminders:
    """The ladder of reminders, first rung first; an obligation opens with the first one.

    After the deadline ``after_times`` more, ``after_apart`` working days apart, at ``after_at``. Nothing goes out
    before ``office_from``, from ``office_to`` on, or on days that are not worked.
    """

    rungs: tuple[Rung, ...]
    after_times: int
    after_apart: int
    after_at: time
    office_from: time
    office_to: time


@dataclass(frozen=True, slots=True)
class Dissatisfaction:
    """A department whose figure in ``panel`` lies below this share of full marks counts as 不满意.

    Then ``item`` is proposed, for an administrator to confirm.
    """

    panel: str
    below: Fraction
    item: str


@dataclass(frozen=True, slots=True)
class RatingRules:
    """How ratings are asked for. ``step``: units between two score buttons. ``rungs``: reminders of raters who have not
    submitted, in working days before the day on which the rating ends.
    """

    step: int
    rungs: tuple[Rung, ...] = ()
    dissatisfied: Dissatisfaction | None = None


@dataclass(frozen=True, slots=True)
class Readings:
    """How the rule book reads what a scheme usually leaves open; each is an assumption in the file.

    due_minutes       minutes from the start of the due day to the due instant: 1440 is the 00:00 that ends it
    lateness_year     a lateness belongs to the year of the period it covers, or of its due date
    self_rating       whether a department may rate itself
    places            decimal places of a figure that is shown (0 to 4), rounded half up
    grade_from        the grade is read off the shown or the exact total
    ties              equal figures share a rank: 1, 1, 3 ("shared") or 1, 1, 2 ("dense")
    empty_panel       a panel without its quorum is open ("pending"), counts 0 ("zero") or full marks ("full")
    vetoed_ranked     whether a vetoed unit has a rank by total
    """

    due_minutes: int = 1440
    lateness_year: Literal["period", "due"] = "period"
    self_rating: bool = False
    places: int = 2
    grade_from: Literal["shown", "exact"] = "shown"
    ties: Literal["shared", "dense"] = "shared"
    empty_panel: Literal["pending", "zero", "full"] = "pending"
    vetoed_ranked: bool = False


@dataclass(frozen=True, slots=True)
class Assumption:
    """A reading of what the scheme leaves open, in Chinese: where it stands in the file, the clause it reads, and the
    code of the item, duty … that it is about (None: the clause as a whole, or a setting).
    """

    place: str
    clause: str | None
    text: str
    of: str | None = None


@dataclass(frozen=True, eq=False)
class RuleBook:
    """A scheme. Two rule books are the same if their ``digest`` (SHA-256 of ``text``, the file's own words) is.

    Mappings keep the order of the file. ``full`` is what daily and annual blocks make together. ``panel_shown_from``:
    with fewer ballots in any panel only the annual sum is shown. ``approval_share``: more than this share of the
    leading group has to agree to a result. ``issuers`` sign a circular and ``addressees`` get it (empty: not said).
    ``grades`` stand highest first.
    """

    name: str
    title: str
    issued: str
    full: int
    text: str
    digest: str
    clauses: Mapping[str, Clause]
    classes: Mapping[str, UnitClass]
    blocks: Mapping[str, Block]
    items: Mapping[str, Item]
    groups: Mapping[str, Group]
    aspects: tuple[Aspect, ...]
    panels: Mapping[str, Panel]
    grades: tuple[Grade, ...]
    consequences: Mapping[str, Consequence]
    duties: Mapping[str, Duty]
    reminders: Reminders
    readings: Readings
    grace_minutes: int
    appeal_working_days: int
    panel_shown_from: int
    approval_share: Fraction
    issuers: tuple[str, ...]
    addressees: str
    rating: RatingRules
    assumptions: tuple[Assumption, ...]

    def weight(self, item: str, count: int = 1, unit_class: str | None = None) -> int:
        """The whole effect of an entry, signed units. Raises KeyError for an unknown item."""
        return self.items[item].weight(unit_class) * count

    def grade_title(self, code: str) -> str:
        """The Chinese name of a grade. Raises KeyError for an unknown one; "pending" is none."""
        return {grade.code: grade.title for grade in self.grades}[code]

    def may_rate(self, panel: str, rater: str, department: str) -> bool:
        """Whether ``rater`` may rate ``department`` in ``panel``: where departments rate, one does not rate itself."""
        return self.panels[panel].raters != "department" or rater != department or self.readings.self_rating

    @cached_property
    def vetoes(self) -> Mapping[str, Item]:
        """The veto items, in the order of the file."""
        return {code: item for code, item in self.items.items() if item.kind == "veto"}

    @cached_property
    def by_event(self) -> frozenset[str]:
        """The items of which one event counts the highest only: sums over the ledger must keep their events apart."""
        return frozenset(code for group in self.groups.values() if group.highest_only for code in group.items)
