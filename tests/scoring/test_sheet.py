"""The score sheet under the Jilin scheme: caps, floors, inner caps, vetoes, panels, and a line for everything."""

from datetime import datetime
from decimal import Decimal
from fractions import Fraction

import pytest

from scoring.ballots import Ballot, read_ballot
from scoring.loading import load, parse
from scoring.points import UNIT, shown
from scoring.sheet import LedgerLine, ScoreSheet, score_sheet
from store.times import CHINA

JILIN = load("jilin-2021")
ALL_PANELS = ("leaders", "departments", "enterprises", "supervisors")


def entry(item: str, count: int = 1) -> LedgerLine:
    return LedgerLine(item, count, JILIN.weight(item, count))


def rated(
    leaders: object = 30, departments: object = 10, enterprises: object = 10, supervisors: object = 10
) -> list[Ballot]:
    given = zip(ALL_PANELS, (leaders, departments, enterprises, supervisors), strict=True)
    return [read_ballot(JILIN, panel, raw) for panel, raw in given if raw is not None]


def sheet(*entries: LedgerLine, ballots: list[Ballot] | None = None) -> ScoreSheet:
    return score_sheet(JILIN, entries, ballots or [], "bureau")


def figures(one: ScoreSheet) -> tuple[str | None, ...]:
    return shown(one.daily), shown(one.annual), shown(one.bonus), shown(one.total), one.grade


def adjustments(one: ScoreSheet) -> list[tuple[str, str, str | None]]:
    """What the rules took back or gave again, in words."""
    return [(line.kind, line.words, shown(line.points)) for line in one.lines if line.words]


def test_nothing_happened_and_nobody_rated() -> None:
    assert figures(sheet()) == ("40.00", None, "0.00", None, "pending")
    assert sheet().panels == dict.fromkeys(ALL_PANELS)
    assert [line.kind for line in sheet().lines] == ["start"]


def test_full_marks() -> None:
    assert figures(sheet(ballots=rated())) == ("40.00", "60.00", "0.00", "100.00", "excellent")


def test_a_year_of_a_department() -> None:
    # Daily: 40 − 1 − 3 − 3 − 2 = 31. Annual: 28.5 + 9 + 8.5 + 9.5 = 55.5. Bonus: 2 + 0.5 × 3 = 3.5. Total 90.
    year = sheet(
        entry("daily.8.quarterly"),
        entry("daily.7", 2),
        entry("daily.11.criticism"),
        entry("bonus.3.municipal"),
        entry("bonus.3.district", 3),
        ballots=rated([6, Decimal("5.5"), 6, 6, 5], 9, Decimal("8.5"), Decimal("9.5")),
    )
    assert figures(year) == ("31.00", "55.50", "3.50", "90.00", "excellent")
    assert adjustments(year) == []


# ── Caps and floors ──


def test_an_item_has_no_limit_of_its_own_and_the_block_stops_at_nought() -> None:
    # 小项扣分不封顶，大项扣满为止: 13 × 3 = 39 is 1; 14 × 3 = 42 is 0, and 2 are not deducted.
    assert figures(sheet(entry("daily.7", 13)))[0] == "1.00"
    full = sheet(entry("daily.7", 14))
    assert figures(full)[0] == "0.00"
    assert adjustments(full) == [("floor", "大项扣满，超出部分不再扣", "2.00")]


def test_exactly_nought_takes_nothing_back() -> None:
    assert adjustments(sheet(entry("daily.11.discipline", 4))) == []
    assert sheet(entry("daily.11.discipline", 4)).daily == 0


def test_a_reversal_above_the_floor_counts_from_the_plain_sum() -> None:
    # 42 deducted, 3 of them reversed: 39, so 1 is left; the floor is no debt that is paid off first.
    assert figures(sheet(entry("daily.7", 14), entry("daily.7", -1)))[0] == "1.00"


def test_district_press_counts_three_at_most() -> None:
    # 6 × 0.5 = 3 reaches it; 8 × 0.5 = 4 is 1 too many.
    assert figures(sheet(entry("bonus.3.district", 6)))[2] == "3.00"
    assert adjustments(sheet(entry("bonus.3.district", 6))) == []
    much = sheet(entry("bonus.3.district", 8))
    assert figures(much)[2] == "3.00"
    assert adjustments(much) == [("item_cap", "区级媒体宣传3分封顶", "-1.00")]


def test_the_bonus_counts_ten_at_most() -> None:
    assert figures(sheet(entry("bonus.1.city_leader"), entry("bonus.2.zone")))[2] == "10.00"
    much = sheet(entry("bonus.1.city_leader"), entry("bonus.1.city_department"))
    assert figures(much)[2] == "10.00"
    assert adjustments(much) == [("cap", "加分10分封顶", "-3.00")]


def test_the_inner_cap_comes_first() -> None:
    # 20 district articles are 10, of which 3 count; with 8 for a remark 11, of which 10 count.
    # The other way round (10 first) would leave the same 10, so a case that tells them apart: 3 + 5 = 8, not 10.
    assert figures(sheet(entry("bonus.3.district", 20), entry("bonus.2.city")))[2] == "8.00"
    both = sheet(entry("bonus.3.district", 20), entry("bonus.1.city_leader"))
    assert adjustments(both) == [("item_cap", "区级媒体宣传3分封顶", "-7.00"), ("cap", "加分10分封顶", "-1.00")]
    assert figures(both)[2] == "10.00"


def test_bonus_does_not_fill_up_daily_points() -> None:
    assert figures(sheet(entry("daily.12"), entry("bonus.4"), ballots=rated())) == (
        "35.00",
        "60.00",
        "3.00",
        "98.00",
        "excellent",
    )


def test_a_total_may_exceed_a_hundred() -> None:
    best = sheet(entry("bonus.1.city_leader", 2), ballots=rated())
    assert figures(best)[3:] == ("110.00", "excellent")


# ── Lines ──


def test_every_line_has_its_clause_and_its_entry() -> None:
    happened = datetime(2021, 4, 3, tzinfo=CHINA)
    late = LedgerLine(
        "daily.8.quarterly", 1, -UNIT, period="2021Q1", happened_at=happened, source="auto", entry_id=7, reason="逾期"
    )
    (line,) = [line for line in sheet(late).lines if line.kind == "entry"]
    assert (line.block, line.code, line.clause, line.count, line.points) == (
        "daily",
        "daily.8.quarterly",
        "1(8)",
        1,
        -UNIT,
    )
    assert line.title == "季度营商环境建设工作总结未按时上报"
    assert line.entry is late


def test_lines_stand_block_by_block_and_add_up_to_the_total() -> None:
    one = sheet(
        entry("bonus.3.district", 9),
        entry("daily.7", 15),
        entry("bonus.1.city_leader", 2),
        entry("veto.2"),
        entry("daily.9"),
        ballots=rated(Decimal("28.333"), 9, 8, 7),
    )
    assert [(line.kind, line.block) for line in one.lines] == [
        ("start", "daily"),
        ("entry", "daily"),
        ("entry", "daily"),
        ("floor", "daily"),
        ("panel", "annual"),
        ("panel", "annual"),
        ("panel", "annual"),
        ("panel", "annual"),
        ("entry", "bonus"),
        ("entry", "bonus"),
        ("item_cap", "bonus"),
        ("cap", "bonus"),
        ("entry", None),
    ]
    assert sum(line.points for line in one.lines) == one.total
    for block, figure in one.blocks.items():
        assert sum(line.points for line in one.lines if line.block == block) == figure


def test_an_entry_and_its_reversal_are_both_told() -> None:
    one = sheet(entry("daily.7"), entry("daily.7", -1))
    assert [(line.kind, line.points) for line in one.lines[1:]] == [("entry", -3 * UNIT), ("entry", 3 * UNIT)]
    assert figures(one)[0] == "40.00"


def test_an_item_that_the_rule_book_does_not_have() -> None:
    with pytest.raises(KeyError):
        sheet(LedgerLine("daily.99", 1, -UNIT))


# ── Panels ──


@pytest.mark.parametrize("missing", ALL_PANELS)
def test_a_panel_without_a_ballot_leaves_annual_and_total_open(missing: str) -> None:
    one = sheet(entry("daily.7"), entry("bonus.4"), ballots=rated(**{missing: None}))
    assert figures(one) == ("37.00", None, "3.00", None, "pending")
    assert [panel for panel, figure in one.panels.items() if figure is None] == [missing]


def test_abstentions_alone_leave_it_open_too() -> None:
    assert figures(sheet(ballots=rated(enterprises="abstain"))) == ("40.00", None, "0.00", None, "pending")


def test_lines_of_an_open_sheet_add_up_to_what_is_known() -> None:
    one = sheet(entry("daily.7"), entry("bonus.4"), ballots=rated(leaders=None))
    # 37 + 3 + 10 + 10 + 10
    assert sum(line.points for line in one.lines) == 70 * UNIT


def test_means_are_exact_in_the_total() -> None:
    # 85/3 + 26/3 + 10 + 10 + 40 = 97: the thirds, rounded one by one, would make 28.33 + 8.67 = 37.00 by luck;
    # with 25/3 it is 28.333… + 8.333… = 36.666…, in all 96.666… and not 96.66.
    leaders = [Ballot("leaders", Decimal(number)) for number in (28, 28, 29)]
    enterprises = [Ballot("enterprises", Decimal(number)) for number in (9, 8, 8)]
    others = rated(leaders=None, enterprises=None)
    one = sheet(ballots=leaders + enterprises + others)
    assert one.total == (40 + 20 + Fraction(85, 3) + Fraction(25, 3)) * UNIT
    assert figures(one)[3] == "96.67"


# ── Grades ──


@pytest.mark.parametrize(
    ("leaders", "total", "grade"),
    [
        # 40 + leaders + 30
        ("20", "90.00", "excellent"),
        ("19.995", "90.00", "excellent"),  # the grade is read off the shown total
        ("19.9949", "89.99", "pass"),
        ("0", "70.00", "pass"),
    ],
)
def test_a_grade_is_read_off_the_shown_total(leaders: str, total: str, grade: str) -> None:
    assert figures(sheet(ballots=rated(Decimal(leaders))))[3:] == (total, grade)


def test_below_seventy_fails() -> None:
    assert figures(sheet(entry("daily.8.monthly"), ballots=rated(0)))[3:] == ("69.00", "fail")
    # 40 + 30 − 0.005 − … : 29.995 of the other three panels makes 69.995, shown 70.00.
    assert figures(sheet(ballots=rated(0, Decimal("9.995"))))[3:] == ("70.00", "pass")
    assert figures(sheet(ballots=rated(0, Decimal("9.994"))))[3:] == ("69.99", "fail")


def test_a_rule_book_may_grade_by_the_exact_total() -> None:
    exact = parse(JILIN.text.replace('value = "shown"', 'value = "exact"'), "exact")
    ballots = rated(Decimal("19.995"))
    assert score_sheet(JILIN, [], ballots).grade == "excellent"
    assert score_sheet(exact, [], ballots).grade == "pass"


# ── Vetoes ──


@pytest.mark.parametrize("veto", ["veto.1", "veto.2", "veto.3"])
def test_a_veto_fails_and_leaves_the_score_standing(veto: str) -> None:
    one = sheet(entry(veto), ballots=rated())
    assert figures(one) == ("40.00", "60.00", "0.00", "100.00", "fail")
    assert (one.vetoes, one.ranked) == ((veto,), False)


def test_a_veto_fails_even_while_a_panel_is_open() -> None:
    assert figures(sheet(entry("veto.3"))) == ("40.00", None, "0.00", None, "fail")


def test_the_same_event_may_also_deduct() -> None:
    one = sheet(entry("veto.3"), entry("daily.11.discipline"), ballots=rated())
    assert figures(one)[3:] == ("90.00", "fail")


def test_vetoes_are_named_once_each_and_sorted() -> None:
    assert sheet(entry("veto.3"), entry("veto.1"), entry("veto.3")).vetoes == ("veto.1", "veto.3")


def test_a_reversed_veto_is_none() -> None:
    lifted = sheet(entry("veto.1"), entry("veto.1", -1), ballots=rated())
    assert (lifted.vetoes, lifted.grade, lifted.ranked) == ((), "excellent", True)
    # Two of them, one reversed: one stands.
    assert sheet(entry("veto.1"), entry("veto.1"), entry("veto.1", -1)).vetoes == ("veto.1",)


# ── Other readings of what the scheme leaves open ──


@pytest.mark.parametrize(("reading", "total"), [("zero", "70.00"), ("full", "100.00")])
def test_a_panel_without_a_ballot_may_be_read_otherwise(reading: str, total: str) -> None:
    other = parse(JILIN.text.replace('value = "pending"', f'value = "{reading}"'), reading)
    assert shown(score_sheet(other, [], rated(leaders=None)).total) == total
    # Nobody rated at all: 40 daily points, and nothing or everything of the annual ones.
    assert shown(score_sheet(other, []).annual) == {"zero": "0.00", "full": "60.00"}[reading]


def test_a_class_that_the_rule_book_does_not_name_has_the_ordinary_figures() -> None:
    assert score_sheet(JILIN, [entry("daily.7")], rated(), "embassy").total == 97 * UNIT
