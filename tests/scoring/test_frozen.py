"""The frozen file: every figure can be worked out from it anew, and whatever is changed in it is found and named."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session

from scoring import appeals, frozen, ledger, results
from scoring.appeals import Piece
from scoring.frozen import Checked, FrozenFault
from scoring.loading import load
from scoring.standings import put_in_force, sheet_of, standings
from scoring.tables import LedgerEntry
from store.people import Department, Person
from store.times import CHINA
from tests.scoring.conftest import MARKS, NOW, rated

BINHE = str(Path(__file__).parent / "rulebooks" / "binhe-2023.toml")
AT = datetime(2022, 1, 20, 10, tzinfo=CHINA)


def post(session: Session, department: Department, item: str, count: int = 1, **other: object) -> LedgerEntry:
    facts = {
        "department_id": department.id, "year": 2021, "item": item, "count": count, "happened_at": NOW,
        "recorded_at": NOW, "source": "admin", "reason": "理由",
    }  # fmt: skip
    return ledger.post(session, **(facts | other))


def freeze(session: Session, **other: Any) -> list[bytes]:
    clerk = Person(name="管理员")
    session.add(clerk)
    session.flush()
    return list(results.lines_of(session, results.freeze(session, 2021, by=clerk, now=AT, calendar="历", **other)))


def agrees(session: Session, checked: Checked) -> None:
    """What the file says is what the tables say, figure by figure, exactly."""
    live = {one.department.code: one for one in standings(session, 2021)}
    assert {one["code"] for one in checked.departments} == set(live)
    for told, sheet in zip(checked.departments, checked.sheets, strict=True):
        one = live[told["code"]]
        assert sheet == replace(one.sheet, rulebook=sheet.rulebook, blocks=dict(sheet.blocks))
        assert sheet.blocks == one.sheet.blocks
        assert told["figures"] == frozen.figures_of(one.sheet, one.rank)


@pytest.fixture
def lines(counted: Session, fin: Department, com: Department, gov: Department) -> list[bytes]:
    """A year with deductions, a bonus that was cut, a reversal, a veto, and names that JSON has to escape."""
    fin.name = '财政局"<一>&\\'
    counted.add(fin)
    post(counted, fin, "daily.7", 2)
    post(counted, fin, "bonus.1.city_leader", 2)
    ledger.reverse(counted, post(counted, com, "daily.12"), now=NOW, source="admin")
    post(counted, gov, "veto.1", evidence={"note": "文号"})
    return freeze(counted)


def test_what_is_frozen_says_what_the_tables_say(counted: Session, lines: list[bytes]) -> None:
    checked = frozen.check(lines)
    agrees(counted, checked)
    assert checked.entries == 5
    assert checked.header["ledger"]["number"] == 5
    by_code = {one["code"]: one["figures"] for one in checked.departments}
    assert by_code["gov"]["grade"] == "fail"
    assert by_code["gov"]["rank"] is None
    assert by_code["fin"]["panels"]["departments"] == "9.08"


def test_the_lines_of_a_file_are_those_of_the_live_sheet(counted: Session, lines: list[bytes], fin: Department) -> None:
    rulebook = frozen.rulebook_of(json.loads(lines[0]))
    content = next(one for one in map(json.loads, lines[1:-1]) if one["code"] == "fin")
    kept, live = frozen.sheet_of(content, rulebook), sheet_of(counted, 2021, fin)
    assert [tuple(one[:8]) for one in kept.lines] == [tuple(one[:8]) for one in live.lines]
    assert [one.entry.entry_id for one in kept.lines if one.entry] == [
        one.entry.entry_id for one in live.lines if one.entry
    ]


def test_the_same_year_gives_the_same_bytes(counted: Session, lines: list[bytes]) -> None:
    assert freeze(counted) == lines


def test_a_byte_changed_anywhere_is_found(lines: list[bytes]) -> None:
    whole = b"".join(lines)
    for place in [*range(0, len(whole), 97), len(whole) - 2]:
        changed = whole[:place] + (b"7" if whole[place : place + 1] != b"7" else b"8") + whole[place + 1 :]
        with pytest.raises(FrozenFault):
            frozen.check(changed.splitlines(keepends=True))


def sealed(lines: list[bytes]) -> list[bytes]:
    """The lines with a hash that fits them: what a careful forger writes."""
    from hashlib import sha256

    return [*lines[:-1], frozen.line({"sha256": sha256(b"".join(lines[:-1])).hexdigest()})]


def at_fin(change: Callable[[dict[str, Any]], object]) -> Callable[[list[bytes]], list[bytes]]:
    def forge(lines: list[bytes]) -> list[bytes]:
        def changed() -> Iterator[bytes]:
            for one in lines:
                content = json.loads(one)
                if content.get("code") == "fin":
                    change(content)
                yield frozen.line(content)

        return sealed(list(changed()))

    return forge


def _never(header: bytes) -> bytes:
    return frozen.line(json.loads(header) | {"frozen_at": "\0"})


FORGED: list[tuple[Callable[[list[bytes]], list[bytes]], str, dict[str, object]]] = [
    (at_fin(lambda one: one["figures"].update(total="99.00")), "figure", {"figure": "total", "found": "99.00"}),
    (at_fin(lambda one: one["figures"].update(grade="fail")), "figure", {"figure": "grade"}),
    (at_fin(lambda one: one["figures"].update(vetoes=["veto.1"])), "figure", {"figure": "vetoes"}),
    (at_fin(lambda one: one["figures"].update(rank=2)), "rank", {"found": 2, "follows": 1}),
    (at_fin(lambda one: one["figures"]["panels"].update(leaders="30.00")), "figure", {"figure": "panels"}),
    (at_fin(lambda one: one["figures"].update(remark="好")), "unreadable", {}),
    (at_fin(lambda one: one["figures"].pop("daily")), "figure", {"figure": "daily"}),
    (at_fin(lambda one: one["entries"][0].__setitem__(3, -30_000)), "figure", {"figure": "daily", "follows": "37.00"}),
    (at_fin(lambda one: one["entries"].pop()), "figure", {"figure": "bonus"}),
    (at_fin(lambda one: one["entries"][0].__setitem__(1, "daily.99")), "unknown", {"what": "daily.99"}),
    (at_fin(lambda one: one["entries"][0].pop()), "unreadable", {}),
    (at_fin(lambda one: one["panels"]["leaders"].update(sum="900000")), "figure", {"figure": "annual"}),
    (at_fin(lambda one: one["panels"]["leaders"].update(sum="1/0")), "unreadable", {}),
    (at_fin(lambda one: one["panels"]["leaders"].update(sum="1e999999999")), "unreadable", {}),
    (at_fin(lambda one: one.update(name=["财政局"])), "unreadable", {}),
    (at_fin(lambda one: one["panels"].update(leaders=None)), "figure", {"figure": "annual", "follows": None}),
    (at_fin(lambda one: one.update(disputed=1)), "figure", {"figure": "grade", "follows": "pending"}),
    (at_fin(lambda one: one.update(entries=None)), "unreadable", {}),
    (lambda lines: sealed([*lines[:2], lines[1], *lines[2:]]), "twice", {}),
    (lambda lines: sealed(lines[1:]), "not_ours", {}),
    (lambda lines: sealed([_never(lines[0]), *lines[1:]]), "not_ours", {}),
    (lambda lines: [*lines[:-1], lines[-1].replace(b"{", b"{ ")], "unreadable", {}),
    (lambda lines: lines[:-1], "unfinished", {}),
    (lambda lines: [*lines, lines[-1]], "behind", {}),
    (lambda lines: [b"\x00\xff", *lines], "not_ours", {}),
    (lambda lines: [], "unfinished", {}),
    (lambda lines: sealed([lines[0].replace(b"daily.12", b"daily.13", 1), *lines[1:]]), "rule_book", {}),
    (
        lambda lines: sealed([lines[0], lines[1].replace(b'"code":', b'"code":"x","code":'), *lines[2:]]),
        "unreadable",
        {},
    ),
]


@pytest.mark.parametrize(("forge", "code", "facts"), FORGED, ids=[f"{n}-{one[1]}" for n, one in enumerate(FORGED)])
def test_a_forged_figure_is_named_though_the_hash_fits(
    lines: list[bytes], forge: Callable[[list[bytes]], list[bytes]], code: str, facts: dict[str, object]
) -> None:
    with pytest.raises(FrozenFault) as caught:
        frozen.check(forge(lines))
    assert caught.value.code == code, str(caught.value)
    assert facts.items() <= caught.value.facts.items()
    if code in {"figure", "rank"}:
        assert caught.value.facts["name"].startswith("财政局")
        assert lines[caught.value.line - 1].startswith(b'{"code":"fin"')


def test_a_reason_changed_without_a_new_hash_is_found_at_the_end(lines: list[bytes]) -> None:
    with pytest.raises(FrozenFault) as caught:
        frozen.check([one.replace("理由".encode(), "借口".encode()) for one in lines])
    assert (caught.value.code, caught.value.line) == ("hash", len(lines))


def test_panels_that_may_not_be_shown_are_not_in_the_file(
    zone: Session, fin: Department, com: Department, gov: Department
) -> None:
    for panel, marks in MARKS.items():
        few = marks[:2] if panel == "enterprises" else marks
        rated(zone, panel, [(fin, few), (com, marks), (gov, marks)])
    lines = freeze(zone)
    checked = frozen.check(lines)
    agrees(zone, checked)
    told = json.loads(lines[1])
    assert told["code"] == "fin"
    assert told["figures"]["panels"] == dict.fromkeys(MARKS)
    assert told["figures"]["annual"] is not None
    assert "panels" not in told
    assert list(told["sums"]) == ["annual"]
    kept, live = frozen.sheet_of(told, checked.rulebook), sheet_of(zone, 2021, fin)
    assert kept.lines == live.lines
    assert (kept.withheld, kept.blocks) == (live.withheld, live.blocks)


def test_panels_not_counted_are_open_in_the_file(counted: Session, zone: Session, fin: Department) -> None:
    from scoring.survey_tables import Survey

    survey = zone.get_one(Survey, 1)
    survey.closed_at = None
    zone.add(survey)
    zone.flush()
    lines = freeze(zone)
    agrees(zone, frozen.check(lines))
    assert json.loads(lines[1])["panels"] == dict.fromkeys(MARKS)
    assert json.loads(lines[1])["figures"]["grade"] == "pending"


def test_an_entry_under_review_leaves_the_grade_open(counted: Session, fin: Department) -> None:
    entry = post(counted, fin, "daily.7")
    person = Person(name="联络员")
    counted.add(person)
    counted.flush()
    appeals.raise_appeal(counted, entry, person, [Piece("不服")], sent_at=NOW)
    lines = freeze(counted)
    agrees(counted, frozen.check(lines))
    assert json.loads(lines[1])["disputed"] == 1
    assert json.loads(lines[1])["figures"]["grade"] == "pending"
    assert json.loads(lines[1])["figures"]["total"] is not None


def test_another_rule_book_with_trimmed_and_tiered_panels_and_classes(session: Session) -> None:
    rulebook = load(BINHE)
    put_in_force(session, rulebook, 2021, NOW)
    units = [
        Department(code=kind, name=f"单位{kind}", kind=kind, vertical=kind == "window") for kind in rulebook.classes
    ]
    session.add_all(units)
    session.flush()
    panels = list(rulebook.panels)
    rated(session, panels[0], [(one, ("12", "9.6", "7.2", "0", "12")) for one in units], abstained=2)
    for panel in panels[1:]:
        rated(session, panel, [(one, ("8", "7", "3", "1", "6.5")) for one in units])
    for number, code in enumerate(rulebook.items):
        for unit in units:
            post(session, unit, code, 1 + number % 3, event=f"e{number % 2}")
    lines = freeze(session)
    checked = frozen.check(lines)
    agrees(session, checked)
    trimmed = [one for line in map(json.loads, lines[1:-1]) for one in line.get("panels", {}).values() if one]
    assert any(one["used"] < one["count"] for one in trimmed)
    for content in map(json.loads, lines[1:-1]):
        unit = next(one for one in units if one.code == content["code"])
        assert frozen.sheet_of(content, rulebook).lines == sheet_of(session, 2021, unit).lines
