"""From scores to a published result: frozen, approved by the leading group over its hash, published; or void.

What a result rests on is remembered by hashes. As soon as any of it is otherwise, the result is void, its approvals
with it, and it says why: a new one has to be frozen and approved.
"""

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from functools import lru_cache
from hashlib import sha256
from heapq import merge
from io import BytesIO
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import bindparam
from sqlmodel import Session, SQLModel, col, select

from scoring import approval, frozen, ledger, past
from scoring.ballots import tally
from scoring.boxes import Count, counted, uncounted
from scoring.disputes import disputed
from scoring.points import Points
from scoring.result_tables import FrozenFile, ResultSet
from scoring.rulebook import RuleBook
from scoring.standings import Standing, in_force, standings
from scoring.survey_tables import BallotBox, Survey
from scoring.tables import LedgerEntry
from store.errors import Refusal
from store.people import Department, Person, departments
from store.times import iso_china

_ENTRY = SQLModel.metadata.tables["ledger_entry"].c
_READ: dict[str, frozen.Checked] = {}
_KEPT = 8
_PART = 2000
_NAMED = 10
"""Of what has changed, so many are named."""
_TOLD = ("name", "kind", "vertical", "superior")
"""What a frozen file says of a department beside its code."""
_CHUNK = 64 * 1024
"""Bytes of a packed file that are unpacked at once."""


@dataclass(frozen=True)
class Obstacle:
    """Something that has to be settled before a result can be frozen or published. ``code`` picks the words."""

    code: str
    count: int
    names: tuple[str, ...] = ()


FACTS = frozenset({"ledger", "ballots", "surveys", "appeals"})
"""Of what a result rests on, that which says what happened in the year; the rest is what one made of it."""


def rests_on(session: Session, year: int, calendar: str) -> dict[str, str]:
    """What a result of this year is made from, by name, each as a text that changes when it does. ``calendar``: the
    version of the working-day calendar.
    """
    rulebook = in_force(session, year)
    last = session.exec(
        select(LedgerEntry.id, LedgerEntry.hash).where(LedgerEntry.year == year).order_by(col(LedgerEntry.id).desc())
    ).first()
    units = [(one.code, *(getattr(one, key) for key in _TOLD)) for one in departments(session)]
    boxes = session.exec(
        select(Survey.panel, BallotBox.department_id, BallotBox.marks, BallotBox.abstained)
        .join(Survey, col(BallotBox.survey_id) == col(Survey.id))
        .where(Survey.year == year, col(Survey.closed_at).is_not(None), col(Survey.rehearsal).is_(False))
        .order_by(Survey.panel, col(BallotBox.department_id))
    )
    return {
        "rulebook": rulebook.digest,
        "calendar": calendar,
        # Each entry's hash seals all before it, and entries are only ever added.
        "ledger": f"{last[0]}:{last[1]}" if last else "",
        "departments": _hash(units),
        "ballots": _hash([list(box) for box in boxes]),
        "surveys": ",".join(sorted(uncounted(session, rulebook, year))),
        "appeals": _hash(sorted(disputed(session, year).items())),
        "past": _hash(sorted(past.grades_of(session, rulebook, year - 1).items())),
    }


def _hash(content: Any) -> str:
    return sha256(frozen.line({"content": content})).hexdigest()


def open_panels(session: Session, year: int) -> list[Obstacle]:
    """What ratings lack: panels not counted yet, and departments without a figure in one."""
    rulebook = in_force(session, year)
    waiting = uncounted(session, rulebook, year)
    if waiting:
        titles = tuple(rulebook.panels[code].title for code in rulebook.panels if code in waiting)
        return [Obstacle("panels_uncounted", len(waiting), titles)]
    lacking = [one.department.name for one in standings(session, year) if one.sheet.withheld == "open"]
    return [Obstacle("panels_incomplete", len(lacking), tuple(lacking))] if lacking else []


def freeze(
    session: Session,
    year: int,
    *,
    by: Person,
    now: datetime,
    calendar: str,
    obstacles: Iterable[Obstacle] = (),
    override: str = "",
) -> ResultSet:
    """Freezes the result of a year as it stands; an earlier one that is not published becomes void.

    ``obstacles``: what is not settled; then only with ``override``, the reason, which is kept in the file. Raises
    Refusal result_not_ready.
    """
    overrides = overriding(obstacles, override, year=year, by=by, now=now)
    for old in results_of(session, year):
        if old.state == "frozen":
            void(session, old, ["frozen_anew"])
    rulebook = in_force(session, year)
    number, head = ledger.head(session)
    header = {
        "year": year,
        "rulebook": {"name": rulebook.name, "sha256": rulebook.digest, "text": rulebook.text},
        "calendar": calendar,
        "ledger": {"number": number, "sha256": head},
        "overrides": overrides,
        "frozen_at": iso_china(now),
    }
    packed, packer = BytesIO(), zlib.compressobj(6)

    class Packing(BytesIO):
        def write(self, part: Any) -> int:
            return packed.write(packer.compress(part))

    digest, size = frozen.write(Packing(), header, _departments(session, rulebook, year))
    packed.write(packer.flush())
    result = ResultSet(
        year=year,
        hash=digest,
        size=size,
        rests_on=rests_on(session, year, calendar),
        overrides=overrides,
        frozen_at=now,
        frozen_by=by.id,
    )
    session.add(result)
    session.flush()
    session.add(FrozenFile(result_set_id=result.id, content=packed.getvalue()))
    session.flush()
    return result


def overriding(
    obstacles: Iterable[Obstacle], reason: str, *, year: int, by: Person, now: datetime
) -> list[dict[str, Any]]:
    """What stands in the way as overrides, with the reason given for all of it. Raises Refusal result_not_ready."""
    standing = list(obstacles)
    if standing and not reason.strip():
        told = [{"code": one.code, "count": one.count, "names": list(one.names)} for one in standing]
        raise Refusal("result_not_ready", year=year, obstacles=told)
    return [
        {
            "what": one.code, "count": one.count, "names": list(one.names), "reason": reason.strip(), "by": by.name,
            "at": iso_china(now),
        }
        for one in standing
    ]  # fmt: skip


def _departments(session: Session, rulebook: RuleBook, year: int) -> Iterator[Mapping[str, Any]]:
    """The departments' lines, in the order in which they were entered; the entries are read as they are written."""
    placed = {one.department.id: one for one in standings(session, year)}
    counts, last = counted(session, year), past.grades_of(session, rulebook, year - 1)
    # Departments without an entry have their line too, in their place.
    without: Iterator[tuple[int, list[list[Any]]]] = ((key, []) for key in sorted(placed))
    for key, groups in groupby(merge(_groups(session, year), without, key=itemgetter(0)), key=itemgetter(0)):
        if key in placed:
            entries = [entry for _, group in groups for entry in group]
            yield _line(rulebook, placed[key], counts.get(key, Count()), entries, last.get(key))


def _line(
    rulebook: RuleBook, one: Standing, count: Count, entries: list[list[Any]], last: str | None
) -> Mapping[str, Any]:
    unit, sheet = one.department, one.sheet
    told: dict[str, Any] = {
        "code": unit.code,
        "name": unit.name,
        "kind": unit.kind,
        "vertical": unit.vertical,
        "superior": unit.superior,
        "last": last,
        "disputed": sheet.disputed,
        "entries": entries,
        "figures": frozen.figures_of(sheet, one.rank),
    }
    if sheet.withheld == "few":
        blocks = dict.fromkeys(rulebook.panels[code].block for code in sheet.panels)
        known: dict[str, Points | None] = {block: sheet.blocks[block] for block in blocks}
        if None in known.values():
            # Not even single blocks may be shown: only all together.
            known = {frozen.ALL: sheet.annual}
        told["sums"] = {block: None if figure is None else str(Fraction(figure)) for block, figure in known.items()}
        return told
    panels: dict[str, Any] = {}
    for code, figure in sheet.panels.items():
        added = tally(rulebook, code, count.ballots, unit.kind)
        open_still = figure is None or sheet.withheld == "open"
        panels[code] = (
            None if open_still else {"sum": str(Fraction(added.sum)), "used": added.used, "count": added.count}
        )
    return told | {"panels": panels}


def _groups(session: Session, year: int) -> Iterator[tuple[int, list[list[Any]]]]:
    """By department, its entries as lists in the order of ``frozen.COLUMNS``."""
    names = {one.id: one.name for one in session.exec(select(Person))}
    columns = (
        _ENTRY.department_id, _ENTRY.id, _ENTRY.item, _ENTRY["count"], _ENTRY.points, _ENTRY.event, _ENTRY.period,
        _ENTRY.happened_at, _ENTRY.recorded_at, _ENTRY.source, _ENTRY.recorded_by, _ENTRY.confirmed_by, _ENTRY.reason,
        _ENTRY.evidence, _ENTRY.reverses_id,
    )  # fmt: skip
    query = select(*columns).where(_ENTRY.year == year)  # type: ignore[call-overload]
    query = query.order_by(_ENTRY.department_id, _ENTRY.happened_at, _ENTRY.id)
    rows = session.connection().execute(query, execution_options={"yield_per": _PART})
    for key, group in groupby(rows, key=itemgetter(0)):
        yield key, [_entry(row, names) for row in group]


# A year's entries share few instants: those of its deadlines, and of the ticks that recorded them.
_instant = lru_cache(maxsize=10_000)(iso_china)


def _entry(row: Any, names: Mapping[int, str]) -> list[Any]:
    happened, recorded, source, by, confirmed_by, *rest = row[7:]
    persons = (names.get(by), names.get(confirmed_by))
    return [*row[1:7], _instant(happened), _instant(recorded), source, *persons, *rest]


_OF_YEAR = select(ResultSet).where(ResultSet.year == bindparam("year")).order_by(col(ResultSet.id).desc())


def results_of(session: Session, year: int) -> list[ResultSet]:
    """The result sets of a year, latest first."""
    return list(session.exec(_OF_YEAR, params={"year": year}))


def published(session: Session, year: int) -> ResultSet | None:
    """The result that is published for a year."""
    return next((one for one in results_of(session, year) if one.state == "published"), None)


def standing_result(session: Session, year: int) -> ResultSet:
    """The result that waits for approval or publication. Raises Refusal nothing_frozen."""
    found = next((one for one in results_of(session, year) if one.state == "frozen"), None)
    if found is None:
        raise Refusal("nothing_frozen", year=year)
    return found


def lines_of(session: Session, result: ResultSet) -> Iterator[bytes]:
    """The frozen file, as it was written, line by line."""
    content = session.exec(select(FrozenFile.content).where(FrozenFile.result_set_id == result.id)).one()
    unpacker, rest = zlib.decompressobj(), b""
    for start in range(0, len(content), _CHUNK):
        *lines, rest = (rest + unpacker.decompress(content[start : start + _CHUNK])).split(b"\n")
        yield from (one + b"\n" for one in lines)
    if rest:
        yield rest


def changes(session: Session, result: ResultSet, calendar: str) -> list[str]:
    """What a result rests on and is no longer what it was: names, of some of them after a colon what is otherwise."""
    now_rests_on = rests_on(session, result.year, calendar)
    changed = [name for name, was in result.rests_on.items() if now_rests_on.get(name) != was]
    return [_detailed(session, result, name) for name in changed]


def _detailed(session: Session, result: ResultSet, name: str) -> str:
    if name == "ledger":
        known = int(result.rests_on["ledger"].partition(":")[0] or 0)
        query = select(LedgerEntry.id).where(LedgerEntry.year == result.year, col(LedgerEntry.id) > known)
        added = session.exec(query.order_by(col(LedgerEntry.id)).limit(_NAMED)).all()
        return f"{name}:{','.join(map(str, added))}"
    if name == "departments":
        was = {
            (one["code"], *(one[key] for key in _TOLD))
            for one in map(json.loads, lines_of(session, result))
            if "code" in one
        }
        now = {(one.code, *(getattr(one, key) for key in _TOLD)) for one in departments(session)}
        names = dict.fromkeys(one[1] for one in sorted(now ^ was))
        return f"{name}:{','.join(list(names)[:_NAMED])}"
    return name


def void(session: Session, result: ResultSet, why: list[str]) -> None:
    """A result that no longer holds: nobody's approval of it counts any more."""
    result.state, result.why = "void", why
    session.add(result)
    session.flush()


def read(session: Session, result: ResultSet) -> frozen.Checked:
    """What a result's file says, worked out anew once in the life of the process: it never changes."""
    if result.hash not in _READ:
        checked = frozen.check(lines_of(session, result))
        if len(_READ) >= _KEPT:
            del _READ[next(iter(_READ))]
        _READ[result.hash] = checked
    return _READ[result.hash]


def line_of(session: Session, result: ResultSet, code: str) -> dict[str, Any] | None:
    """A department's line of a result's file; None where it has none."""
    begins = frozen.line({"code": code}).removesuffix(b"}\n")
    found = next((one for one in lines_of(session, result) if one.startswith(begins + b",")), None)
    return json.loads(found) if found else None


def publish(session: Session, result: ResultSet, by: Person, now: datetime) -> frozen.Checked:
    """Publishes an approved result: from now on it is the year's. Returns what the file says, checked once more.

    Raises Refusal result_void, not_approved, or published_already.
    """
    if result.state == "published":
        raise Refusal("published_already", year=result.year, hash=result.hash)
    approval.waiting(result)
    agreed = approval.consent(session, result)
    if not agreed.approved:
        raise Refusal("not_approved", agreed=agreed.agreed, needed=agreed.needed, members=agreed.members)
    checked = frozen.check(lines_of(session, result))
    for old in results_of(session, result.year):
        if old.state == "published":
            old.state = "replaced"
            session.add(old)
    result.state, result.published_at, result.published_by = "published", now, by.id
    session.add(result)
    ids = {unit.code: unit.id for unit in session.exec(select(Department))}
    for one in checked.departments:
        past.keep(session, checked.rulebook, result.year, ids[one["code"]], one["figures"], "published", now)
    session.flush()
    return checked
