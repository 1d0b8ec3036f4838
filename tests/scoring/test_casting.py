"""From drafts into the boxes: what is cast, when it is taken, and what the boxes give away."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import permutations

import pytest
from sqlmodel import Session, select

from scoring import casting, seats, surveys
from scoring.ballots import ABSTAIN, Ballot, panel_figure
from scoring.boxes import counted, uncounted
from scoring.points import UNIT
from scoring.survey_tables import SUBMITTED, BallotBox, RatingDraft, Seat, Survey, Turn
from store import vitals
from store.errors import Refusal
from store.people import Department, Person, Role
from tests.scoring.conftest import NOW, Cast

END = NOW + timedelta(days=3)


@pytest.fixture
def office(cast: Cast) -> Person:
    return cast.person("王科长", Role.ADMINISTRATOR)


def opened(session: Session, office: Person, panel: str = "enterprises", raters: int = 4, **more: object) -> Survey:
    for number in range(raters):
        seats.enter(session, year=2021, panel=panel, name=f"企业{number}")
    return surveys.open_survey(
        session, year=2021, panel=panel, closes_at=END, by=office, now=NOW, **more  # type: ignore[arg-type]
    )  # fmt: skip


def cast_one(session: Session, survey: Survey, seat: Seat, person: Person, given: dict[int, object]) -> None:
    """A rater gives these totals (or abstains) and submits."""
    draft = casting.take_up(session, survey, seat, person, 1)
    sheet = casting.sheet_of_draft(session, survey, seat, draft)
    for unit in sheet.departments:
        if unit.id in given:
            sheet.set(unit, given[unit.id])  # type: ignore[arg-type]
    casting.keep(session, draft, sheet)
    casting.submit(session, survey, seat, draft)


def box(session: Session, survey: Survey, unit: Department) -> tuple[dict[str, int], int]:
    row = session.get_one(BallotBox, (survey.id, unit.id))
    return row.marks, row.abstained


def places(session: Session, survey: Survey) -> Sequence[Seat]:
    return seats.seats_of(session, survey.year, survey.panel)


def test_what_is_cast_is_a_sorted_multiset_whatever_the_order(zone: Session, cast: Cast, office: Person, fin) -> None:
    rater = cast.person("企业", Role.RATER)
    totals = ["9", "10", "9", "8.5"]
    seen = set()
    for order in list(permutations(range(4)))[::5]:
        survey = opened(zone, office, rehearsal=True)
        for number in order:
            cast_one(zone, survey, places(zone, survey)[number], rater, {fin.id: Decimal(totals[number])})
        marks, abstained = box(zone, survey, fin)
        seen.add((tuple(marks.items()), abstained))
        surveys.close(zone, survey, NOW)
    # Texts in order, not figures: nothing of who came first.
    assert seen == {((("100000", 1), ("85000", 1), ("90000", 2)), 0)}


def test_every_box_is_written_with_each_ballot(zone: Session, cast: Cast, office: Person, fin, com, gov) -> None:
    survey = opened(zone, office, raters=1)
    rater = cast.person("企业", Role.RATER)
    cast_one(zone, survey, places(zone, survey)[0], rater, {fin.id: Decimal(8), com.id: ABSTAIN})
    assert box(zone, survey, fin) == ({"80000": 1}, 0)
    assert box(zone, survey, com) == ({}, 1)
    assert box(zone, survey, gov) == ({}, 1), "what is missing is an abstention"


def test_submission_leaves_neither_draft_nor_a_second_try(zone: Session, cast: Cast, office: Person, fin) -> None:
    survey, rater = opened(zone, office, raters=1), cast.person("企业", Role.RATER)
    seat = places(zone, survey)[0]
    casting.accepts(zone, survey, seat, NOW, NOW)
    cast_one(zone, survey, seat, rater, {fin.id: Decimal(8)})
    assert zone.exec(select(RatingDraft)).all() == []
    assert zone.exec(select(Turn)).one().state == SUBMITTED
    with pytest.raises(Refusal, match="rating_submitted"):
        casting.accepts(zone, survey, seat, NOW, NOW)


def test_what_was_sent_before_the_end_counts_however_late_it_is_read(zone: Session, office: Person) -> None:
    survey = opened(zone, office, raters=1)
    seat, late = places(zone, survey)[0], END + timedelta(hours=5)
    row = vitals.vitals(zone)
    row.drained_at = row.handled_through = END - timedelta(seconds=1)
    zone.add(row)
    casting.accepts(zone, survey, seat, END - timedelta(seconds=1), late)
    casting.accepts(zone, survey, seat, None, late)
    with pytest.raises(Refusal, match="rating_over"):
        casting.accepts(zone, survey, seat, END, late)
    row.drained_at = row.handled_through = END
    zone.flush()
    with pytest.raises(Refusal, match="rating_over"):
        casting.accepts(zone, survey, seat, None, late)
    casting.accepts(zone, survey, seat, END - timedelta(seconds=1), late)
    surveys.close(zone, survey, late)
    with pytest.raises(Refusal, match="rating_over"):
        casting.accepts(zone, survey, seat, END - timedelta(seconds=1), late)


def test_a_new_head_does_not_see_what_the_old_one_gave(zone: Session, cast: Cast, office: Person, fin, com) -> None:
    survey = surveys.open_survey(zone, year=2021, panel="departments", closes_at=END, by=office, now=NOW)
    seat = places(zone, survey)[0]
    old, new = cast.person("旧", Role.HEAD, fin), cast.person("新", Role.HEAD, fin)
    draft = casting.take_up(zone, survey, seat, old, 1)
    sheet = casting.sheet_of_draft(zone, survey, seat, draft)
    sheet.set(com, Decimal(7))
    casting.keep(zone, draft, sheet)
    assert casting.take_up(zone, survey, seat, old, 1).scores == {str(com.id): {"total": "7"}}
    assert casting.take_up(zone, survey, seat, new, 2).scores == {}


def test_nothing_counts_before_the_close_and_abstentions_never(zone: Session, cast: Cast, office, rulebook, fin, com):
    survey, rater = opened(zone, office, raters=3), cast.person("企业", Role.RATER)
    for seat, total in zip(places(zone, survey), ("6", "9", None), strict=True):
        given = {fin.id: Decimal(total) if total else ABSTAIN}
        cast_one(zone, survey, seat, rater, given)
    assert counted(zone, 2021) == {}
    assert uncounted(zone, rulebook, 2021) == set(rulebook.panels)
    surveys.close(zone, survey, NOW)
    assert "enterprises" not in uncounted(zone, rulebook, 2021)
    found = counted(zone, 2021)
    assert found[fin.id].counts == {"enterprises": 2}
    assert panel_figure(rulebook, "enterprises", found[fin.id].ballots) == 75000
    assert panel_figure(rulebook, "enterprises", found[com.id].ballots) is None, "nobody's ballot counts for 商务局"


def test_thirds_of_a_point_are_kept_exactly(zone: Session, office: Person, fin: Department, rulebook) -> None:
    survey = opened(zone, office, raters=1)
    thirds = Decimal("3.33333333")
    sheet = {fin.id: Ballot("enterprises", thirds)}
    assert casting.cast_paper(zone, survey, [sheet, sheet]) == 2
    assert survey.paper == 2
    surveys.close(zone, survey, NOW)
    (one, two) = counted(zone, 2021, fin.id)[fin.id].ballots
    assert one == two
    assert panel_figure(rulebook, "enterprises", [one, two]) == Fraction(thirds) * UNIT


def test_a_rehearsal_leaves_nothing(zone: Session, cast: Cast, office: Person, fin: Department) -> None:
    survey, rater = opened(zone, office, raters=2, rehearsal=True), cast.person("企业", Role.RATER)
    first, second = places(zone, survey)
    cast_one(zone, survey, first, rater, {fin.id: Decimal(8)})
    casting.take_up(zone, survey, second, rater, 1)
    surveys.close(zone, survey, NOW)
    for table in (Survey, Turn, RatingDraft, BallotBox):
        assert zone.exec(select(table)).all() == [], table
    assert counted(zone, 2021) == {}
    opened(zone, office)
