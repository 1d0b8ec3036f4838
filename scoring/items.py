"""Naming an item, an entry, or a rule book in chat and on the command line."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from sqlmodel import col, select

import store.departments  # noqa: F401 - there it is known how a department is named
from scoring.ledger import entry_numbered
from scoring.points import plain as plain_points
from scoring.rulebook import Item, Kind, RuleBook
from scoring.standings import current_year, in_force, years
from scoring.tables import LedgerEntry
from store.commands import Act, Choice, converter
from store.errors import Refusal
from store.people import Department
from store.times import china
from store.words import Year, plain, read_year, whole_number

Deduction = Annotated[Item, "deduction"]
"""An item that costs points."""

Bonus = Annotated[Item, "bonus"]
"""An item that earns points."""

Veto = Annotated[Item, "veto"]
"""An item that fails the department (一票否决)."""

_SUGGESTED = 8
OFFERED = 200
"""Entries to choose from; an earlier one is named by its number."""


def find_item(rulebook: RuleBook, said: str, kind: Kind | None = None) -> Item:
    """The item that ``said`` means: its code, its code without the block (``7``, ``11.warning``), or a part of its
    title, which may be abridged.

    Raises Refusal item_unknown, or item_ambiguous with what it may be.
    """
    wanted = _key(said)
    items = [item for item in rulebook.items.values() if kind is None or item.kind == kind]
    for fits in (_is_code, _is_code_in_block, _is_title, _is_part, _abridges):
        found = [item for item in items if wanted and fits(item, wanted)]
        if len(found) == 1:
            return found[0]
        if found:
            raise Refusal(
                "item_ambiguous", text=said, like=[f"{item.code} {item.title}" for item in found[:_SUGGESTED]]
            )
    # What may not be deducted may still be an item: say so, rather than that there is none.
    other = next((item for item in rulebook.items.values() if _is_code(item, wanted)), None)
    raise Refusal("item_unknown", text=said, title=other.title if other else None)


def _is_code(item: Item, wanted: str) -> bool:
    return _key(item.code) == wanted


def _is_code_in_block(item: Item, wanted: str) -> bool:
    return _key(item.code).partition(".")[2] == wanted


def _is_title(item: Item, wanted: str) -> bool:
    return _key(item.title) == wanted


def _is_part(item: Item, wanted: str) -> bool:
    return len(wanted) > 1 and wanted in _key(item.title)


def _abridges(item: Item, wanted: str) -> bool:
    """Whether the characters stand in the title in this order: 窗口问题 for 窗口服务问题."""
    characters = iter(_key(item.title))
    return len(wanted) > 1 and all(character in characters for character in wanted)


def _key(text: str) -> str:
    return plain(text).casefold().replace(" ", "")


def _reader(kind: Kind | None) -> Callable[[Act, str], Item]:
    return lambda act, text: find_item(in_force(act.session, current_year(act.session, act.now)), text, kind)


def _offered(kind: Kind | None) -> Callable[[Act, Mapping[str, Any]], list[Choice]]:
    def choices(act: Act, _given: Mapping[str, Any]) -> list[Choice]:
        rulebook = in_force(act.session, current_year(act.session, act.now))
        return [Choice(one.code, one.title) for one in rulebook.items.values() if kind is None or one.kind == kind]

    return choices


def _code(item: Item) -> str:
    return item.code


converter(Item, write=_code, choices=_offered(None))(_reader(None))
converter(Deduction, write=_code, choices=_offered("deduction"))(_reader("deduction"))
converter(Bonus, write=_code, choices=_offered("bonus"))(_reader("bonus"))
converter(Veto, write=_code, choices=_offered("veto"))(_reader("veto"))


def _latest_standing(act: Act, _given: Mapping[str, Any]) -> list[Choice]:
    """The entries that count, the latest first: 「#12 财政局 -3 窗口无人 4月6日」; a few letters narrow them down."""
    taken_back = select(LedgerEntry.reverses_id).where(col(LedgerEntry.reverses_id).is_not(None))
    query = (
        select(LedgerEntry, Department.name)
        .join(Department, col(LedgerEntry.department_id) == col(Department.id))
        .where(col(LedgerEntry.reverses_id).is_(None), col(LedgerEntry.id).not_in(taken_back))
        .order_by(col(LedgerEntry.id).desc())
        .limit(OFFERED)
    )
    found = []
    for entry, department in act.session.exec(query):
        title = in_force(act.session, entry.year).items[entry.item].title
        day = china(entry.happened_at).date()
        points = f"{plain_points(entry.points)} " if entry.points else ""
        label = f"#{entry.id} {department} {points}{entry.reason or title}"
        found.append(Choice(f"#{entry.id}", f"{label[:40]} {day.month}月{day.day}日"))
    return found


@converter(LedgerEntry, write=lambda entry: f"#{entry.id}", choices=_latest_standing)
def _entry(act: Act, text: str) -> LedgerEntry:
    number = whole_number(text)
    if number is None:
        raise Refusal("entry_unknown", text=text)
    return entry_numbered(act.session, number)


def _years(act: Act, _given: Mapping[str, Any]) -> list[Choice]:
    return [Choice(str(year), str(year)) for year in reversed(years(act.session))]


# The ground knows how a year is written; which years there are is known here.
converter(Year, choices=_years)(read_year)
