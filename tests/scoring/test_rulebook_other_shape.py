"""A scheme of another shape, played by the same code: every form that a rule book can carry, with figures by hand.

Lateness by the day, late against missing and graded lateness are in test_lateness.py; tiers, quorum and trimming in
test_ballots.py.
"""

from datetime import time
from decimal import Decimal
from pathlib import Path

import pytest

from scoring.ballots import Ballot, read_ballot
from scoring.loading import load
from scoring.points import shown
from scoring.ranking import rank
from scoring.sheet import LedgerLine, ScoreSheet, score_sheet

BINHE = load("binhe-2023.toml", beside=Path(__file__).parent / "rulebooks")


def sheet(
    *entries: tuple[str, int] | tuple[str, int, str], unit_class: str = "bureau", ballots: list[Ballot] | None = None
) -> ScoreSheet:
    lines = [LedgerLine(item, count, BINHE.weight(item, count, unit_class), *event) for item, count, *event in entries]
    return score_sheet(BINHE, lines, ballots or [], unit_class)


def block(code: str, *entries: tuple[str, int] | tuple[str, int, str], unit_class: str = "bureau") -> str | None:
    one = sheet(*entries, unit_class=unit_class)
    assert sum(line.points for line in one.lines if line.block == code) == one.blocks[code]
    return shown(one.blocks[code])


def words(one: ScoreSheet) -> list[tuple[str, str, str, str | None]]:
    return [(line.kind, line.code, line.words, shown(line.points)) for line in one.lines if line.words]


# ── Base plus bonus ──


def test_a_block_starts_with_a_base_and_fills_up() -> None:
    assert block("work") == "50.00"
    # 50 + 2 × 4 − 4 = 54
    assert block("work", ("work.innovation", 2), ("work.failure", 1)) == "54.00"
    # 50 + 4 × 4 = 66, of which 60 count.
    assert block("work", ("work.innovation", 4)) == "60.00"
    assert words(sheet(("work.innovation", 4))) == [("cap", "work", "加满为止", "-6.00")]
    # 50 − 13 × 4 = −2
    assert block("work", ("work.failure", 13)) == "0.00"


def test_what_fills_up_and_what_costs_are_summed_before_the_limit() -> None:
    # 50 + 16 − 8 = 58: the 6 points above 60 are not lost before the deduction.
    assert block("work", ("work.innovation", 4), ("work.failure", 2)) == "58.00"


# ── Unit classes ──


def test_multipliers() -> None:
    assert BINHE.weight("work.failure", 1, "bureau") == -40000
    assert BINHE.weight("work.failure", 1, "window") == -60000  # 4 × 1.5
    assert BINHE.weight("work.failure", 1, "street") == -20000  # 4 × 0.5
    assert block("work", ("work.failure", 2), unit_class="window") == "38.00"  # 50 − 12


def test_maxima_of_a_block_by_class() -> None:
    # A street starts with 60 of 70, and files for 10 instead of 20; it makes a hundred all the same.
    assert block("work", unit_class="street") == "60.00"
    assert block("work", ("work.innovation", 5), unit_class="street") == "70.00"  # 60 + 20
    assert block("filing", unit_class="street") == "10.00"
    # 10 − 5 complaints − 4 × 1 (weekly, half of 2) − 3 × 1 (data) = −2
    many = (("filing.complaint", 5), ("filing.weekly", 4), ("filing.data", 3))
    assert block("filing", *many, unit_class="street") == "0.00"


def test_maxima_of_an_item_by_class() -> None:
    # 7 complaints: 5 count for a bureau, 7 for a window unit, where 8 is the most.
    assert block("filing", ("filing.complaint", 7)) == "15.00"
    assert words(sheet(("filing.complaint", 7))) == [
        ("item_cap", "filing.complaint", "投诉最多扣5分（窗口单位8分）", "2.00")
    ]
    assert block("filing", ("filing.complaint", 7), unit_class="window") == "13.00"
    assert block("filing", ("filing.complaint", 9), unit_class="window") == "12.00"


def test_items_that_share_a_maximum() -> None:
    # 5 × 0.5 + 4 × 0.2 = 3.3, of which 3 count; of a street 2.
    meetings = (("work.absent", 5), ("work.late", 4))
    assert block("work", *meetings) == "47.00"
    assert words(sheet(*meetings)) == [("group_cap", "meetings", "会议纪律合计最多扣3分（街道2分）", "0.30")]
    assert block("work", *meetings, unit_class="street") == "58.00"
    # 4 × 0.5 + 4 × 0.2 = 2.8
    assert block("work", ("work.absent", 4), ("work.late", 4)) == "47.20"


def test_a_panel_that_does_not_rate_a_class() -> None:
    ballots = [read_ballot(BINHE, "public", tier, "window") for tier in ("good", "fair", "middling")]
    one = sheet(unit_class="window", ballots=ballots)
    # (20 + 16 + 12) / 3 = 16; nothing else is missing. 50 + 20 + 16 = 86
    assert one.panels == {"public": 160000}
    assert (shown(one.total), one.grade) == ("86.00", "good")


# ── Highest only, and no cap ──


def test_one_event_counts_its_highest_item_once() -> None:
    # fair: 6, not 6 + 3 + 1.25. road: 1.25 once. No event named: 3. In all 10.25.
    honours = (
        ("extra.national", 1, "fair"),
        ("extra.provincial", 1, "fair"),
        ("extra.city", 1, "fair"),
        ("extra.city", 1, "road"),
        ("extra.city", 1, "road"),
        ("extra.provincial", 1),
    )
    assert block("extra", *honours) == "10.25"
    assert words(sheet(*honours)) == [
        ("highest_only", "extra.provincial", "同一事项只取最高一级", "-3.00"),
        ("highest_only", "extra.city", "同一事项只取最高一级", "-1.25"),
        ("highest_only", "extra.city", "同一事项只取最高一级", "-1.25"),
    ]
    assert [line.event for line in sheet(*honours).lines if line.words] == ["fair", "fair", "road"]


def test_when_the_highest_is_reversed_the_next_one_counts() -> None:
    honours = (("extra.national", 1, "fair"), ("extra.provincial", 1, "fair"), ("extra.national", -1, "fair"))
    assert block("extra", *honours) == "3.00"
    assert block("extra", *honours, ("extra.provincial", -1, "fair")) == "0.00"


def test_a_bonus_without_a_cap() -> None:
    assert block("extra", *((f"extra.{level}", 3) for level in ("national", "provincial"))) == "27.00"  # 18 + 9
    assert BINHE.blocks["extra"].cap is None


def test_events_are_kept_apart_only_where_it_matters() -> None:
    assert BINHE.by_event == {"extra.national", "extra.provincial", "extra.city"}
    assert load("jilin-2021").by_event == frozenset()


# ── Grades, vetoes, ranks ──


def rated(public: str, experts: int, unit_class: str = "bureau") -> list[Ballot]:
    return [read_ballot(BINHE, "public", public, unit_class)] * 3 + [read_ballot(BINHE, "experts", experts, unit_class)]


@pytest.mark.parametrize(
    ("experts", "innovations", "grade"),
    [
        # 50 + 20 + 12 + experts + innovations × 4
        (8, 2, "top"),  # 98
        (5, 2, "top"),  # 95
        (4, 2, "good"),  # 94
        (3, 0, "good"),  # 85
        (2, 0, "fair"),  # 84
    ],
)
def test_four_grades(experts: int, innovations: int, grade: str) -> None:
    assert sheet(("work.innovation", innovations), ballots=rated("good", experts)).grade == grade


def test_the_lowest_of_several_vetoes_decides() -> None:
    ballots = rated("good", 8)
    assert sheet(("veto.falsehood", 1), ballots=ballots).grade == "fair"
    assert sheet(("veto.falsehood", 1), ("veto.accident", 1), ballots=ballots).grade == "poor"


def test_the_grade_is_read_off_the_exact_total_here() -> None:
    # 50 + 8 + 20 + 12 + 4.96 = 94.96: shown 95.0 with one place, but not yet 95.
    ballots = [read_ballot(BINHE, "public", "good")] * 3 + [read_ballot(BINHE, "experts", Decimal("4.96"))]
    one = sheet(("work.innovation", 2), ballots=ballots)
    assert (shown(one.total, 1), one.grade) == ("95.0", "good")


def test_ranks_by_one_place_without_gaps_and_with_vetoed_units() -> None:
    sheets = {
        "a": sheet(ballots=rated("good", 4)),  # 86
        "b": sheet(("veto.accident", 1), ballots=rated("good", 5)),  # 87, vetoed and ranked all the same
        "c": sheet(("work.late", 1), ("extra.city", 1), ballots=rated("good", 4)),  # 86 − 0.2 + 1.25 = 87.05
        "d": sheet(ballots=rated("good", 4)),  # 86
        "e": sheet(ballots=rated("good", 3)),  # 85
        "f": sheet(),
    }
    assert rank(sheets) == {"a": 3, "b": 2, "c": 1, "d": 3, "e": 4, "f": None}


# ── Duties and settings ──


def test_other_cycles_and_settings() -> None:
    assert {code: (duty.period, duty.settle) for code, duty in BINHE.duties.items()} == {
        "weekly_report": ("week", "automatic"),
        "data_upload": ("days:10", "held"),
        "yearly_plan": ("year", "automatic"),
    }
    readings = BINHE.readings
    assert (readings.due_minutes, readings.lateness_year, readings.self_rating) == (17 * 60, "due", True)
    assert [(rung.working_days_before, rung.at) for rung in BINHE.reminders.rungs] == [(2, time(10)), (0, time(15, 30))]
    assert (BINHE.grace_minutes, BINHE.appeal_working_days, BINHE.panel_shown_from) == (30, 10, 5)
    # A task without a rule of its own takes the file's.
    assert BINHE.items["work.failure"].lateness is not None
    assert BINHE.items["work.failure"].lateness.form == "flat"
