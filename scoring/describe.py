"""A rule book as plain data, for ``rules show``: all that it says, in its own order; figures as text without padding.

Dictionaries ``…_by_class`` hold what differs for a unit class, by the class's title. Clauses go by their numbers; their
wording is in ``Booklet.clauses``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby

from scoring.lateness import LatenessRule
from scoring.points import plain
from scoring.rulebook import Block, Duty, Group, Item, Panel, Reminders, RuleBook


@dataclass(frozen=True)
class ClauseShown:
    """A clause of the scheme, word for word."""

    number: str
    text: str
    keywords: tuple[str, ...]


@dataclass(frozen=True)
class LatenessShown:
    """What a lateness costs: ``steps`` are (up to the nth day late, points), ``after`` what anything later or nothing
    costs.

    ``form`` "flat" has no steps; "per_day" has its first step for what a day costs. ``days``: "calendar" or "working".
    """

    form: str
    days: str
    steps: tuple[tuple[int, str], ...]
    after: str
    late_ends: bool


@dataclass(frozen=True)
class ItemShown:
    """An item: ``points`` for one ``unit`` (``per`` is its measure word); ``cap`` what all of them count at most.

    ``multipliers``: by what the points of a unit class are multiplied. ``owed``: "task" or "data_set", with
    ``settle`` and ``lateness``.
    """

    code: str
    title: str
    kind: str
    clause: str
    points: str
    unit: str
    per: str
    cap: str | None
    cap_by_class: dict[str, str]
    multipliers: dict[str, str]
    owed: str | None
    settle: str | None
    lateness: LatenessShown | None
    grade: str | None
    assumption: str | None


@dataclass(frozen=True)
class GroupShown:
    """Items (by code) that share a ``cap``, or of which one event counts the highest only."""

    code: str
    title: str
    clause: str
    items: tuple[str, ...]
    cap: str | None
    cap_by_class: dict[str, str]
    highest_only: bool


@dataclass(frozen=True)
class BlockShown:
    """A part of the score with its items; ``full`` is what it can give at most, None for no limit."""

    code: str
    title: str
    clause: str
    role: str
    start: str
    start_by_class: dict[str, str]
    floor: str | None
    full: str | None
    full_by_class: dict[str, str]
    items: tuple[ItemShown, ...]
    groups: tuple[GroupShown, ...]


@dataclass(frozen=True)
class PanelShown:
    """A panel: ``trim`` of the highest and of the lowest ballots are dropped from ``trim_from`` ballots on.

    ``tiers``: (title, per cent of the full marks, None where the answer is left out); empty where numbers are given.
    """

    code: str
    title: str
    clause: str
    weight: str
    weight_by_class: dict[str, str]
    raters: str
    quorum: int
    trim: int
    trim_from: int
    tiers: tuple[tuple[str, str | None], ...]


@dataclass(frozen=True)
class GradeShown:
    """``at_least`` is included, None for the lowest grade; ``below`` is not, None for the highest."""

    code: str
    title: str
    clause: str
    at_least: str | None
    below: str | None


@dataclass(frozen=True)
class ConsequenceShown:
    """What follows from a ``grade`` (its title; None: any), ``years`` running, or for the ``vertical`` ones only."""

    code: str
    title: str
    clause: str
    grade: str | None
    years: int
    vertical: bool


@dataclass(frozen=True)
class DutyShown:
    """What is owed: due on the ``due_working_day``-th working day after each ``period``."""

    code: str
    title: str
    clause: str
    item: str
    period: str
    due_working_day: int
    nil_report: bool
    settle: str
    check: str | None
    lateness: LatenessShown


@dataclass(frozen=True)
class AssumptionShown:
    """A reading of what the scheme leaves open; ``place`` is where it stands in the file."""

    place: str
    clause: str | None
    text: str


@dataclass(frozen=True)
class RemindersShown:
    """The ladder: ``rungs`` are (working days before the due day, time, whether heads get it too)."""

    rungs: tuple[tuple[int, str, bool], ...]
    after_times: int
    after_apart: int
    office_from: str
    office_to: str


@dataclass(frozen=True)
class Booklet:
    """A rule book in words. ``digest`` is the SHA-256 of its file; ``year`` the year it is shown for, if any.

    ``due_time``: until when on the due day ("24:00" is all of it). ``aspects``: their titles.
    """

    name: str
    title: str
    issued: str
    digest: str
    year: int | None
    full: str
    clauses: tuple[ClauseShown, ...]
    classes: tuple[str, ...]
    blocks: tuple[BlockShown, ...]
    vetoes: tuple[ItemShown, ...]
    panels: tuple[PanelShown, ...]
    aspects: tuple[str, ...]
    grades: tuple[GradeShown, ...]
    consequences: tuple[ConsequenceShown, ...]
    duties: tuple[DutyShown, ...]
    due_time: str
    reminders: RemindersShown
    grace_minutes: int
    appeal_working_days: int
    panel_shown_from: int
    issuers: tuple[str, ...]
    addressees: str
    assumptions: tuple[AssumptionShown, ...]


def describe(rulebook: RuleBook, year: int | None = None) -> Booklet:
    """All that a rule book says, in its own order."""
    titles = {code: one.title for code, one in rulebook.classes.items()}
    return Booklet(
        name=rulebook.name,
        title=rulebook.title,
        issued=rulebook.issued,
        digest=rulebook.digest,
        year=year,
        full=plain(rulebook.full),
        clauses=tuple(ClauseShown(one.number, one.text, one.keywords) for one in rulebook.clauses.values()),
        classes=tuple(titles.values()),
        blocks=tuple(_block(rulebook, block, titles) for block in rulebook.blocks.values()),
        vetoes=tuple(_item(rulebook, item, titles) for item in rulebook.vetoes.values()),
        panels=tuple(_panel(panel, titles) for panel in rulebook.panels.values()),
        aspects=tuple(aspect.title for aspect in rulebook.aspects),
        grades=tuple(
            GradeShown(one.code, one.title, one.clause, _plain(one.at_least), _plain(one.below))
            for one in rulebook.grades
        ),
        consequences=tuple(
            ConsequenceShown(one.code, one.title, one.clause, _grade(rulebook, one.grade), one.years, one.vertical)
            for one in rulebook.consequences.values()
        ),
        duties=tuple(_duty(duty) for duty in rulebook.duties.values()),
        due_time="{:02d}:{:02d}".format(*divmod(rulebook.readings.due_minutes, 60)),
        reminders=_reminders(rulebook.reminders),
        grace_minutes=rulebook.grace_minutes,
        appeal_working_days=rulebook.appeal_working_days,
        panel_shown_from=rulebook.panel_shown_from,
        issuers=rulebook.issuers,
        addressees=rulebook.addressees,
        assumptions=tuple(AssumptionShown(one.place, one.clause, one.text) for one in rulebook.assumptions),
    )


def _block(rulebook: RuleBook, block: Block, titles: Mapping[str, str]) -> BlockShown:
    items = {code: item for code, item in rulebook.items.items() if item.block == block.code}
    return BlockShown(
        code=block.code,
        title=block.title,
        clause=block.clause,
        role=block.role,
        start=plain(block.start),
        start_by_class=_by_class(block.start_by_class, titles),
        floor=_plain(block.floor),
        full=_plain(block.cap),
        full_by_class=_by_class(block.cap_by_class, titles),
        items=tuple(_item(rulebook, item, titles) for item in items.values()),
        groups=tuple(_group(group, titles) for group in rulebook.groups.values() if group.items[0] in items),
    )


def _item(rulebook: RuleBook, item: Item, titles: Mapping[str, str]) -> ItemShown:
    return ItemShown(
        code=item.code,
        title=item.title,
        kind=item.kind,
        clause=item.clause,
        points=plain(item.points),
        unit=item.unit,
        per=item.per,
        cap=_plain(item.cap),
        cap_by_class=_by_class(item.cap_by_class, titles),
        multipliers={titles[code]: _number(factor) for code, factor in item.multipliers.items()},
        owed=item.owed,
        settle=item.settle,
        lateness=_lateness(item.lateness) if item.lateness else None,
        grade=_grade(rulebook, item.grade),
        assumption=item.assumption,
    )


def _group(group: Group, titles: Mapping[str, str]) -> GroupShown:
    return GroupShown(
        code=group.code,
        title=group.title,
        clause=group.clause,
        items=group.items,
        cap=_plain(group.cap),
        cap_by_class=_by_class(group.cap_by_class, titles),
        highest_only=group.highest_only,
    )


def _panel(panel: Panel, titles: Mapping[str, str]) -> PanelShown:
    return PanelShown(
        code=panel.code,
        title=panel.title,
        clause=panel.clause,
        weight=plain(panel.weight),
        weight_by_class=_by_class(panel.weight_by_class, titles),
        raters=panel.raters,
        quorum=panel.quorum,
        trim=panel.trim,
        trim_from=panel.trim_from,
        tiers=tuple((one.title, None if one.share is None else _number(one.share * 100)) for one in panel.tiers),
    )


def _duty(duty: Duty) -> DutyShown:
    return DutyShown(
        code=duty.code,
        title=duty.title,
        clause=duty.clause,
        item=duty.item,
        period=duty.period,
        due_working_day=duty.due_working_day,
        nil_report=duty.nil_report,
        settle=duty.settle,
        check=duty.check,
        lateness=_lateness(duty.lateness),
    )


def _lateness(rule: LatenessRule) -> LatenessShown:
    return LatenessShown(
        form=rule.form,
        days="working" if rule.working_days else "calendar",
        steps=tuple(_steps(rule.by_day)),
        after=plain(rule.after),
        late_ends=rule.late_ends,
    )


def _steps(by_day: tuple[int, ...]) -> Iterator[tuple[int, str]]:
    """Days that cost the same become one step."""
    day = 0
    for points, same in groupby(by_day):
        day += len(list(same))
        yield day, plain(points)


def _reminders(reminders: Reminders) -> RemindersShown:
    return RemindersShown(
        rungs=tuple((one.working_days_before, f"{one.at:%H:%M}", one.heads) for one in reminders.rungs),
        after_times=reminders.after_times,
        after_apart=reminders.after_apart,
        office_from=f"{reminders.office_from:%H:%M}",
        office_to=f"{reminders.office_to:%H:%M}",
    )


def _by_class(figures: Mapping[str, int], titles: Mapping[str, str]) -> dict[str, str]:
    return {titles[code]: plain(points) for code, points in figures.items()}


def _number(value: Fraction) -> str:
    # What stands in a rule book was written as a decimal, so it ends.
    whole, rest = divmod(value, 1)
    digits = ""
    while rest:
        digit, rest = divmod(rest * 10, 1)
        digits += str(digit)
    return f"{whole}.{digits}" if digits else str(whole)


def _grade(rulebook: RuleBook, code: str | None) -> str | None:
    return rulebook.grade_title(code) if code else None


def _plain(points: int | None) -> str | None:
    return None if points is None else plain(points)
