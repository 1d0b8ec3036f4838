"""Ratings from their opening to the count: which panel is asked, until when, how far it has come, what it comes to."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, delete, select

from scoring.ballots import panel_figure
from scoring.boxes import counted
from scoring.seats import rated_by, seat_departments, seats_of
from scoring.standings import in_force
from scoring.survey_tables import INVITED, STARTED, SUBMITTED, BallotBox, RatingDraft, Seat, Survey, Turn
from store.db import leave_no_trace
from store.errors import Refusal
from store.people import Department, Person, departments
from store.times import iso_china


@dataclass(frozen=True)
class Progress:
    """How many of a panel's raters have come how far: numbers, never who gave what.

    ``joined``: those who can rate (their person has come in, or a head is in office). ``paper``: ballots from paper.
    """

    invited: int
    joined: int
    started: int
    submitted: int
    paper: int


def open_survey(
    session: Session,
    *,
    year: int,
    panel: str,
    closes_at: datetime,
    by: Person,
    now: datetime,
    rehearsal: bool = False,
) -> Survey:
    """Opens the rating by one panel. Raises Refusal survey_in_the_past, survey_open_already, survey_held (it has been
    counted), or no_raters.
    """
    rulebook = in_force(session, year)
    if closes_at <= now:
        raise Refusal("survey_in_the_past", until=iso_china(closes_at))
    for old in surveys(session, year):
        if old.panel == panel and old.closed_at is None:
            raise Refusal("survey_open_already", panel=rulebook.panels[panel].title, until=iso_china(old.closes_at))
        if old.panel == panel and not rehearsal and not old.rehearsal:
            raise Refusal("survey_held", panel=rulebook.panels[panel].title)
    seat_departments(session, rulebook, year, panel)
    if not seats_of(session, year, panel):
        raise Refusal("no_raters", panel=rulebook.panels[panel].title)
    rated = [unit.id for unit in departments(session) if rulebook.panels[panel].weight_for(unit.kind)]
    survey = Survey(
        year=year, panel=panel, departments=rated, rehearsal=rehearsal, opened_at=now, opened_by=by.id,
        closes_at=closes_at, remind_at=now,
    )  # fmt: skip
    session.add(survey)
    session.flush()
    # The boxes stand there from the beginning, in no order of casting.
    session.add_all(BallotBox(survey_id=survey.id, department_id=one) for one in rated)
    session.flush()
    return survey


def surveys(session: Session, year: int) -> list[Survey]:
    """The ratings of a year, earliest first, rehearsals too."""
    return list(session.exec(select(Survey).where(Survey.year == year).order_by(col(Survey.id))))


def running(session: Session) -> list[Survey]:
    """The ratings that have not been counted yet, earliest first."""
    return list(session.exec(select(Survey).where(col(Survey.closed_at).is_(None)).order_by(col(Survey.id))))


def move(session: Session, survey: Survey, closes_at: datetime, now: datetime) -> None:
    """Another deadline, of which those who have not submitted are told; the ladder starts anew. ``now`` ends it.

    Raises Refusal survey_over (the present one has passed) or survey_in_the_past.
    """
    if survey.closed_at is not None or now >= survey.closes_at:
        raise Refusal("survey_over", until=iso_china(survey.closes_at))
    if closes_at < now:
        raise Refusal("survey_in_the_past", until=iso_china(closes_at))
    survey.closes_at, survey.reminded, survey.remind_at = closes_at, "", now
    survey.announce = survey.announce or "moved"
    if closes_at == now:
        survey.announce, survey.remind_at = "", None
    session.add(survey)
    session.flush()


def turn_of(session: Session, survey: Survey, seat: Seat) -> Turn:
    """How far a place has come; made on first use."""
    turn = session.get(Turn, (survey.id, seat.id))
    if turn is None:
        turn = Turn(survey_id=survey.id, seat_id=seat.id)
        session.add(turn)
        session.flush()
    return turn


def state_of(session: Session, survey: Survey, seat: Seat) -> str:
    turn = session.get(Turn, (survey.id, seat.id))
    return turn.state if turn else INVITED


def waiting_seats(session: Session, survey: Survey) -> list[Seat]:
    """The places that have not submitted and have somebody to rate."""
    rulebook = in_force(session, survey.year)
    query = select(Turn.seat_id).where(Turn.survey_id == survey.id, Turn.state == SUBMITTED)
    submitted = set(session.exec(query))
    # A session forgets what nobody holds, and each place asks for every department.
    held = [session.get_one(Department, one) for one in survey.departments]
    return [
        seat
        for seat in seats_of(session, survey.year, survey.panel)
        if seat.id not in submitted and rated_by(session, rulebook, seat, [one.id for one in held])
    ]


def progress(session: Session, survey: Survey, joined: Iterable[int]) -> Progress:
    """How far a rating has come. ``joined``: ids of the places that somebody can rate from."""
    places = {one.id for one in seats_of(session, survey.year, survey.panel)}
    turns = list(session.exec(select(Turn).where(Turn.survey_id == survey.id)))
    submitted = sum(one.state == SUBMITTED for one in turns)
    begun = sum(one.state == STARTED for one in turns if one.seat_id in places)
    places |= {one.seat_id for one in turns if one.state == SUBMITTED}
    return Progress(len(places), len(places & set(joined)), begun + submitted, submitted, survey.paper)


def close(session: Session, survey: Survey, now: datetime) -> None:
    """Ends a rating, once everything sent before its end has been read: drafts are erased, the boxes are what counts.

    Of a rehearsal nothing is left.
    """
    connection = session.connection()
    connection.execute(delete(RatingDraft).where(col(RatingDraft.survey_id) == survey.id))
    leave_no_trace(session)
    survey.closed_at, survey.remind_at = now, None
    session.add(survey)
    session.flush()
    if survey.rehearsal:
        for table in (BallotBox, Turn):
            connection.execute(delete(table).where(col(table.survey_id) == survey.id))
        session.delete(survey)
        session.flush()


def dissatisfied(session: Session, survey: Survey) -> list[Department]:
    """The departments that a counted rating found 不满意 by the rule book's threshold.

    Only where enough ballots were cast for the figure to be shown: a deduction on one or two would tell what they were.
    """
    rulebook = in_force(session, survey.year)
    rule = rulebook.rating.dissatisfied
    if rule is None or rule.panel != survey.panel or survey.rehearsal:
        return []
    found = []
    for key, count in counted(session, survey.year).items():
        unit = session.get_one(Department, key)
        if not unit.active:
            continue  # merged meanwhile: there is nobody to charge
        figure = panel_figure(rulebook, survey.panel, count.ballots, unit.kind)
        full = rulebook.panels[survey.panel].weight_for(unit.kind)
        enough = count.counts.get(survey.panel, 0) >= rulebook.panel_shown_from
        if enough and figure is not None and figure < full * rule.below:
            found.append(unit)
    return found
