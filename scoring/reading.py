"""From the tables of a file to the parts of a rule book; ``scoring.checking`` sees whether they fit together."""

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from types import MappingProxyType
from typing import TypeVar, get_args

from scoring.lateness import LatenessRule
from scoring.points import UNIT
from scoring.reading_lateness import read_lateness
from scoring.reading_result import read_consequence, read_grade
from scoring.rulebook import (
    Aspect,
    Assumption,
    Block,
    Clause,
    Consequence,
    Dissatisfaction,
    Duty,
    Grade,
    Group,
    Item,
    Owed,
    Panel,
    Raters,
    RatingRules,
    Readings,
    Reminders,
    Role,
    RuleBook,
    Rung,
    Settle,
    Tier,
    UnitClass,
)
from scoring.tomltable import Fault, Table

_OWED: tuple[Owed, ...] = get_args(Owed)
_RATERS: tuple[Raters, ...] = get_args(Raters)
_ROLES: tuple[Role, ...] = get_args(Role)
_SETTLE: tuple[Settle, ...] = get_args(Settle)

Part = TypeVar("Part")
Value = TypeVar("Value")
Word = TypeVar("Word", bound=str)


def read_rulebook(root: Table, text: str) -> RuleBook:
    """The rule book in ``root``, the tables of the file ``text``. Raises ``tomltable.Fault``."""
    return _Reading(text).read(root)


class _Reading:
    """One pass over a file. Assumptions are collected on the way, wherever they stand."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.assumptions: list[Assumption] = []
        self.clauses: dict[str, Clause] = {}
        self.classes: dict[str, UnitClass] = {}
        self.blocks: dict[str, Block] = {}
        self.items: dict[str, Item] = {}
        self.groups: dict[str, Group] = {}
        self.aspects: dict[str, Aspect] = {}
        self.panels: dict[str, Panel] = {}
        self.grades: dict[str, Grade] = {}
        self.consequences: dict[str, Consequence] = {}
        self.duties: dict[str, Duty] = {}
        self.lateness: Callable[[int], LatenessRule] | None = None

    def read(self, root: Table) -> RuleBook:
        with root.all_read():
            with root.table("scheme").all_read() as scheme:
                name, title, issued = scheme.text("name"), scheme.text("title"), scheme.text("issued")
                full = scheme.amount("full")
            if root.has("lateness"):
                default = root.table("lateness")
                with self.opened(default, default.optional_text("clause")):
                    self.lateness = read_lateness(default)
            for clause in root.tables("clause", "number"):
                self.clause(clause)
            readings = self.readings(root.table("readings"))
            reminders = _reminders(root.table("reminders"))
            with root.table("settlement").all_read() as settlement:
                grace_minutes = settlement.whole("grace_minutes", 0, 24 * 60)
            with root.table("appeals").all_read() as appeals:
                appeal_working_days = appeals.whole("working_days", 1, 250)
            with root.table("publication").all_read() as publication:
                panel_shown_from = publication.whole("panel_shown_from", 1, 1000)
                has_share = publication.has("approval_more_than")
                approval_share = publication.percent("approval_more_than") if has_share else Fraction(1, 2)
                issuers = publication.texts("issuers") if publication.has("issuers") else ()
                addressees = publication.text_or("addressees", "")
            rating = self.rating(root.table("rating")) if root.has("rating") else RatingRules(step=UNIT // 2)
        return RuleBook(
            name=name,
            title=title,
            issued=issued,
            full=full,
            text=self.text,
            digest=hashlib.sha256(self.text.encode()).hexdigest(),
            clauses=MappingProxyType(self.clauses),
            classes=MappingProxyType(self.classes),
            blocks=MappingProxyType(self.blocks),
            items=MappingProxyType(self.items),
            groups=MappingProxyType(self.groups),
            aspects=tuple(self.aspects.values()),
            panels=MappingProxyType(self.panels),
            # Highest first, whatever the order in the file; the one that is open above leads.
            grades=tuple(sorted(self.grades.values(), key=lambda one: (one.below is not None, -(one.at_least or 0)))),
            consequences=MappingProxyType(self.consequences),
            duties=MappingProxyType(self.duties),
            reminders=reminders,
            readings=readings,
            grace_minutes=grace_minutes,
            appeal_working_days=appeal_working_days,
            panel_shown_from=panel_shown_from,
            approval_share=approval_share,
            issuers=issuers,
            addressees=addressees,
            rating=rating,
            assumptions=tuple(self.assumptions),
        )

    @contextmanager
    def opened(self, table: Table, clause: str | None, of: str | None = None) -> Iterator[Table]:
        """A table that may carry an assumption; refuses keys that nobody asked for."""
        with table.all_read():
            if table.has("assumption"):
                self.assumptions.append(Assumption(table.place, clause, table.text("assumption"), of))
            yield table

    def clause(self, table: Table) -> None:
        number = table.text("number")
        with self.opened(table, number):
            keywords = table.texts("keywords") if table.has("keywords") else ()
            clause = Clause(number, table.text("text"), keywords)
            _put(self.clauses, number, clause, table)
            self.parts(table, "class", clause, self.classes, _unit_class)
            self.parts(table, "block", clause, self.blocks, _block)
            self.parts(table, "item", clause, self.items, self.item)
            self.parts(table, "veto", clause, self.items, _veto)
            self.parts(table, "group", clause, self.groups, _group)
            self.parts(table, "aspect", clause, self.aspects, _aspect)
            self.parts(table, "panel", clause, self.panels, _panel)
            self.parts(table, "grade", clause, self.grades, read_grade)
            self.parts(table, "consequence", clause, self.consequences, read_consequence)
            self.parts(table, "duty", clause, self.duties, self.duty)

    def parts(
        self, table: Table, key: str, clause: Clause, into: dict[str, Part], read: Callable[[Table, str, Clause], Part]
    ) -> None:
        for row in table.tables(key, "code"):
            code = _code(row)
            with self.opened(row, clause.number, code):
                _put(into, code, read(row, code, clause), row)

    def item(self, table: Table, code: str, clause: Clause) -> Item:
        points = table.points("points")
        owed = table.choice("owed", _OWED) if table.has("owed") else None
        return Item(
            code=code,
            title=table.text("title"),
            kind="bonus" if points > 0 else "deduction",
            clause=clause.number,
            clause_text=clause.text,
            block=table.text_or("block", code.partition(".")[0]),
            points=points,
            unit=table.text("unit"),
            per=table.text("per"),
            cap=table.optional_amount("cap"),
            cap_by_class=table.amounts_by_class("cap_by_class"),
            cap_words=table.text_or("cap_words", ""),
            multipliers=table.numbers_by_class("multipliers"),
            owed=owed,
            settle=table.choice("settle", _SETTLE) if owed else None,
            lateness=self.lateness_of(table, points) if owed else None,
            ask_same_title=table.flag("ask_same_title", default=False),
            assumption=next((one.text for one in self.assumptions if one.of == code), None),
        )

    def duty(self, table: Table, code: str, clause: Clause) -> Duty:
        item = table.text("item")
        if item not in self.items:
            raise Fault(
                f"{table.place}, item", f"unknown item {item}; items stand in the same clause or an earlier one"
            )
        period = table.text("period")
        if not re.fullmatch(r"week|month|quarter|half_year|year|days:[1-9]\d{0,2}", period):
            known = "week, month, quarter, half_year, year or days:n"
            raise Fault(f"{table.place}, period", f'expected {known}, got "{period}"')
        title = table.text("title")
        return Duty(
            code=code,
            title=title,
            short=table.text_or("short", title),
            item=item,
            clause=clause.number,
            period=period,
            due_working_day=table.whole("due_working_day", 1, 60),
            nil_report=table.flag("nil_report"),
            settle=table.choice("settle", _SETTLE),
            lateness=self.lateness_of(table, self.items[item].points),
            check=table.optional_text("check"),
        )

    def lateness_of(self, table: Table, points: int) -> LatenessRule:
        if table.has("lateness"):
            with self.opened(table.table("lateness"), None) as own:
                return read_lateness(own)(abs(points))
        if self.lateness is None:
            raise Fault(f"{table.place}, lateness", "missing, and the file has no [lateness] for all")
        return self.lateness(abs(points))

    def rating(self, table: Table) -> RatingRules:
        with table.all_read():
            rungs = tuple(_rung(row) for row in table.tables("rung", "at"))
            if any(rung.heads for rung in rungs):
                raise Fault(f"{table.place}, rung", "heads: a rater has no head to be told")
            dissatisfied = self.dissatisfied(table.table("dissatisfied")) if table.has("dissatisfied") else None
            return RatingRules(table.amount("step"), rungs, dissatisfied)

    def dissatisfied(self, table: Table) -> Dissatisfaction:
        with self.opened(table, table.text("clause")):
            return Dissatisfaction(table.text("panel"), table.percent("below"), table.text("item"))

    def readings(self, table: Table) -> Readings:
        usual = Readings()
        with table.all_read():
            return Readings(
                due_minutes=self.reading(table, "due_time", usual.due_minutes, _minutes),
                lateness_year=self.reading(table, "lateness_year", usual.lateness_year, _one_of("period", "due")),
                self_rating=self.reading(table, "self_rating", usual.self_rating, _flag),
                empty_panel=self.reading(table, "empty_panel", usual.empty_panel, _one_of("pending", "zero", "full")),
                places=self.reading(table, "places", usual.places, lambda row: row.whole("value", 0, 4)),
                grade_from=self.reading(table, "grade_from", usual.grade_from, _one_of("shown", "exact")),
                ties=self.reading(table, "ties", usual.ties, _one_of("shared", "dense")),
                vetoed_ranked=self.reading(table, "vetoed_ranked", usual.vetoed_ranked, _flag),
            )

    def reading(self, table: Table, name: str, usual: Value, read: Callable[[Table], Value]) -> Value:
        """One reading: a table of value, clause and assumption; the usual value where there is none."""
        if not table.has(name):
            return usual
        row = table.table(name)
        with row.all_read():
            self.assumptions.append(Assumption(row.place, row.text("clause"), row.text("assumption")))
            return read(row)


def _code(table: Table) -> str:
    """A code is typed in chat and on the command line, so it has to be simple."""
    code = table.text("code")
    if not re.fullmatch(r"[a-z0-9_.]+", code):
        raise Fault(f"{table.place}, code", f'expected small letters, digits, "_" and ".", got "{code}"')
    return code


def _put(into: dict[str, Part], code: str, part: Part, table: Table) -> None:
    if code in into:
        raise Fault(table.place, f"{code} stands in the file twice")
    into[code] = part


def _unit_class(table: Table, code: str, clause: Clause) -> UnitClass:
    return UnitClass(code, table.text("title"), clause.number)


def _block(table: Table, code: str, clause: Clause) -> Block:
    role = table.choice("role", _ROLES)
    title = table.text("title")
    if role == "annual":
        full, by_class = table.amount("full"), table.amounts_by_class("full_by_class")
        return Block(code, title, clause.number, role, 0, None, full, {}, by_class)
    start: int | None
    cap: int | None
    if role == "bonus":
        start, start_by_class = table.optional_amount("start") or 0, table.amounts_by_class("start_by_class")
        cap, cap_by_class = table.optional_amount("cap"), table.amounts_by_class("cap_by_class")
    else:
        cap, cap_by_class = table.amount("full"), table.amounts_by_class("full_by_class")
        # A block of deductions starts full, for every class of units; one with a base says where it starts.
        start = table.optional_amount("start")
        start_by_class = table.amounts_by_class("start_by_class") if start is not None else cap_by_class
        start = cap if start is None else start
    return Block(
        code=code,
        title=title,
        clause=clause.number,
        role=role,
        start=start,
        floor=table.optional_amount("floor"),
        cap=cap,
        start_by_class=start_by_class,
        cap_by_class=cap_by_class,
        floor_words=table.text_or("floor_words", ""),
        cap_words=table.text_or("cap_words", ""),
    )


def _veto(table: Table, code: str, clause: Clause) -> Item:
    return Item(
        code=code,
        title=table.text("title"),
        kind="veto",
        clause=clause.number,
        clause_text=clause.text,
        block=None,
        points=0,
        unit=table.text_or("unit", "case"),
        per=table.text_or("per", "件次"),
        grade=table.text("grade"),
    )


def _group(table: Table, code: str, clause: Clause) -> Group:
    highest_only = table.flag("highest_only", default=False)
    return Group(
        code=code,
        title=table.text("title"),
        clause=clause.number,
        items=table.texts("items"),
        cap=table.optional_amount("cap"),
        cap_by_class=table.amounts_by_class("cap_by_class"),
        cap_words=table.text_or("cap_words", ""),
        highest_only=highest_only,
        highest_words=table.text("highest_words") if highest_only else "",
    )


def _aspect(table: Table, code: str, _clause: Clause) -> Aspect:
    title = table.text("title")
    return Aspect(code, title, table.percent("share"), table.text_or("short", title))


def _panel(table: Table, code: str, clause: Clause) -> Panel:
    trim = table.whole("trim", 0, 100, default=0)
    return Panel(
        code=code,
        title=table.text("title"),
        clause=clause.number,
        block=table.text("block"),
        weight=table.amount("weight"),
        raters=table.choice("raters", _RATERS),
        weight_by_class=table.amounts_by_class("weight_by_class"),
        quorum=table.whole("quorum", 1, 10_000, default=1),
        trim=trim,
        trim_from=table.whole("trim_from", 2 * trim + 1, 10_000, default=2 * trim + 1) if trim else 0,
        tiers=tuple(_tier(row) for row in table.tables("tier", "code")),
        remind=table.flag("remind", default=True),
    )


def _tier(table: Table) -> Tier:
    with table.all_read():
        left_out = table.flag("left_out", default=False)
        return Tier(_code(table), table.text("title"), None if left_out else table.percent("share"))


def _reminders(table: Table) -> Reminders:
    with table.all_read():
        rungs = tuple(_rung(row) for row in table.tables("rung", "at"))
        with table.table("after").all_read() as after:
            times, apart = after.whole("times", 0, 50), after.whole("working_days_apart", 1, 60)
            after_at = after.clock("at")
        return Reminders(rungs, times, apart, after_at, table.clock("office_from"), table.clock("office_to"))


def _rung(table: Table) -> Rung:
    with table.all_read():
        return Rung(table.whole("working_days_before", 0, 60), table.clock("at"), table.flag("heads", default=False))


def _flag(row: Table) -> bool:
    return row.flag("value")


def _one_of(*words: Word) -> Callable[[Table], Word]:
    return lambda row: row.choice("value", words)


def _minutes(row: Table) -> int:
    """A time of day as minutes since midnight; 24:00 is the end of the day."""
    text = row.text("value")
    found = re.fullmatch(r"(\d\d):(\d\d)", text)
    minutes = int(found[1]) * 60 + int(found[2]) if found and found[2] < "60" else 0
    if not 0 < minutes <= 24 * 60:
        raise Fault(f"{row.place}, value", f'expected a time such as "17:00" or "24:00", got "{text}"')
    return minutes
