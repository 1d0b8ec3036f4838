"""From a rater's draft into the boxes, once and for good: after that nobody can say whose ballot is whose.

What a rater gives is kept in his draft while he is at it. At submission the marks go into the boxes, one row for each
department that holds all its ballots; the draft is deleted, and gone from every file with the commit. Whoever calls
erases what the messages on the way still hold (``store.inbox``, ``store.outbox``).
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from fractions import Fraction

from sqlalchemy.orm.attributes import flag_modified
from sqlmodel import Session, col, select

from scoring import rating
from scoring.ballots import Ballot, mark_of
from scoring.rating import RatingSheet
from scoring.rulebook import RuleBook
from scoring.seats import rated_by
from scoring.standings import in_force
from scoring.survey_tables import STARTED, SUBMITTED, BallotBox, RatingDraft, Seat, Survey
from scoring.surveys import state_of, turn_of
from store import vitals
from store.db import leave_no_trace
from store.errors import Refusal
from store.people import Department, Person
from store.times import iso_china


def accepts(session: Session, survey: Survey, seat: Seat, sent_at: datetime | None, now: datetime) -> None:
    """Whether this place may still change or submit what it gives. ``sent_at``: the message's own date; None for a tap,
    which carries none: it counts as long as what was sent before the end may not have been read.

    Raises Refusal rating_submitted, rating_seat_ended or rating_over.
    """
    if state_of(session, survey, seat) == SUBMITTED:
        raise Refusal("rating_submitted")
    if seat.ended_at is not None:
        raise Refusal("rating_seat_ended")
    if survey.closed_at is not None:
        raise Refusal("rating_over", until=iso_china(survey.closes_at))
    if sent_at is not None:
        over = sent_at >= survey.closes_at
    else:
        through = vitals.read_through(session)
        over = now >= survey.closes_at and through is not None and through >= survey.closes_at
    if over:
        raise Refusal("rating_over", until=iso_china(survey.closes_at))


def draft_of(session: Session, survey: Survey, seat: Seat) -> RatingDraft | None:
    """What this place has begun, by whomever."""
    return session.get(RatingDraft, (survey.id, seat.id))


def drafts_of(session: Session, person: Person) -> list[RatingDraft]:
    """What this person has begun."""
    return list(session.exec(select(RatingDraft).where(RatingDraft.person_id == person.id)))


def take_up(session: Session, survey: Survey, seat: Seat, person: Person, chat_id: int) -> RatingDraft:
    """The draft of this place, begun where there is none. What somebody else has begun (a head who has been replaced)
    is nobody's business: it is erased.
    """
    draft = draft_of(session, survey, seat)
    if draft is not None and draft.person_id != person.id:
        session.delete(draft)
        session.flush()
        leave_no_trace(session)
        draft = None
    if draft is None:
        draft = RatingDraft(survey_id=survey.id, seat_id=seat.id, person_id=person.id, chat_id=chat_id)
        turn = turn_of(session, survey, seat)
        turn.state = STARTED
        session.add_all([draft, turn])
        session.flush()
    return draft


def sheet_of_draft(session: Session, survey: Survey, seat: Seat, draft: RatingDraft | None) -> RatingSheet:
    """The rater's sheet as it stands."""
    rulebook = in_force(session, survey.year)
    units = rated_by(session, rulebook, seat, survey.departments)
    tiers = bool(rulebook.panels[survey.panel].tiers)
    return RatingSheet(rulebook, survey.panel, units, rating.from_json(draft.scores if draft else {}, tiers=tiers))


def keep(session: Session, draft: RatingDraft, sheet: RatingSheet) -> None:
    """Writes down what has been given."""
    draft.scores = rating.to_json(sheet.given)
    session.add(draft)
    session.flush()


def submit(session: Session, survey: Survey, seat: Seat, draft: RatingDraft) -> None:
    """Casts what the draft holds, what is missing as abstentions, and erases it. ``accepts`` comes before."""
    sheet = sheet_of_draft(session, survey, seat, draft)
    _drop(session, survey, sheet.rulebook, [rating.to_cast(survey.panel, sheet.given.items())])
    turn = turn_of(session, survey, seat)
    turn.state = SUBMITTED
    session.add(turn)
    session.delete(draft)
    session.flush()
    leave_no_trace(session)


def cast_paper(session: Session, survey: Survey, sheets: Iterable[Mapping[int, Ballot]]) -> int:
    """Casts ballots from paper, without names: each by the department's id. Returns how many there were."""
    cast = [list(one.items()) for one in sheets]
    _drop(session, survey, in_force(session, survey.year), cast)
    survey.paper += len(cast)
    session.add(survey)
    session.flush()
    return len(cast)


def _drop(session: Session, survey: Survey, rulebook: RuleBook, cast: Iterable[Iterable[tuple[int, Ballot]]]) -> None:
    """Into the boxes. Every box is written anew, also one that gets nothing: nobody sees which have been touched."""
    query = select(BallotBox).where(BallotBox.survey_id == survey.id).order_by(col(BallotBox.department_id))
    boxes = {box.department_id: box for box in session.exec(query.with_for_update())}
    marks = {key: dict(box.marks) for key, box in boxes.items()}
    kinds = {key: session.get_one(Department, key).kind for key in boxes}
    for ballots in cast:
        for key, ballot in ballots:
            mark = mark_of(rulebook, ballot, kinds[key])
            if mark is None:
                boxes[key].abstained += 1
                continue
            text = str(Fraction(mark.points))
            marks[key][text] = marks[key].get(text, 0) + 1
    for key, box in boxes.items():
        # In the order of the texts: the order in which marks came would tell who was first.
        box.marks = dict(sorted(marks[key].items()))
        flag_modified(box, "marks")
    session.flush()
