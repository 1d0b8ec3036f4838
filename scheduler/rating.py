"""What time does in ratings: those who are to rate are told and reminded; what is over is counted, and told of."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

import scoring.commands  # noqa: F401 - the verb that deducts
from scheduler.frame import Frame
from scheduler.ladder import ladder, look
from scheduler.rating_naming import label
from scoring.boxes import counted, uncounted
from scoring.seats import seats_of, voters_of
from scoring.standings import in_force
from scoring.survey_tables import STARTED, RatingDraft, Seat, Survey, Turn
from scoring.surveys import Progress, close, dissatisfied, progress, running, waiting_seats
from store import acting, blobs, drafts, inbox, vitals
from store.db import leave_no_trace
from store.drafts import Draft
from store.notices import Audience, Notice
from store.people import Department, Person
from store.proposals import open_proposals
from store.times import CHINA, iso_china

_A_MOMENT = timedelta(seconds=1)
_PAPER = "survey paper"


@dataclass(frozen=True)
class Reach:
    """Whom a word about a rating reaches: lines by the person's id, and how many of the places have nobody who could
    read it.
    """

    lines: dict[int, list[dict[str, Any]]]
    silent: int


def rate(frame: Frame, now: datetime) -> list[Notice]:
    """Counts what is over and tells of it; then tells those who are to rate what is right to say now."""
    waiting = running(frame.session)
    if not waiting:
        return []
    # What the sender has erased since somebody submitted goes out of the files within a minute.
    leave_no_trace(frame.session)
    over = [one for one in waiting if is_over(frame, one, now)]
    notices = [notice for survey in over for notice in _finish(frame, survey, now)]
    return notices + _call(frame, [one for one in waiting if one not in over], now)


def is_over(frame: Frame, survey: Survey, now: datetime) -> bool:
    """Whether the end and its grace have passed, and everything that was sent by then has been read."""
    through = vitals.read_through(frame.session)
    return through is not None and min(now, through) >= survey.closes_at + frame.grace(survey.year)


def called(session: Session, survey: Survey, what: str) -> Reach:
    """Who is to hear of a rating: whoever may rate from a place that has not submitted, and can be reached.

    Raters who are never chased (leaders) hear of its opening only; afterwards those who assist them do.
    ``what``: "opened", "moved" or "reminder".
    """
    panel = in_force(session, survey.year).panels[survey.panel]
    seats = waiting_seats(session, survey)
    voters = voters_of(session, seats)
    begun = set(session.exec(select(Turn.seat_id).where(Turn.survey_id == survey.id, Turn.state == STARTED)))
    found: dict[int, list[dict[str, Any]]] = {}
    silent = 0
    for seat in seats:
        chased = what == "opened" or panel.remind
        persons = [one for one in voters[seat.id] if one.reachable and (chased or one.id == seat.assistant_id)]
        silent += not any(one.reachable for one in voters[seat.id])
        for person in persons:
            found.setdefault(person.id, []).append(_line(survey, seat, person, panel.title, what, seat.id in begun))
    return Reach(found, silent)


def tell(reaches: Iterable[Reach]) -> list[Notice]:
    """One message to each person, however many places he has to rate from."""
    lines: dict[int, list[dict[str, Any]]] = {}
    for reach in reaches:
        for person_id, places in reach.lines.items():
            lines.setdefault(person_id, []).extend(places)
    notices = []
    for person_id, places in sorted(lines.items()):
        opened = all(one["what"] == "opened" for one in places)
        buttons = tuple(("rate", f"{one['survey']}:{one['seat']}") for one in places)
        kind = "rating_opened" if opened else "rating_reminder"
        notices.append(Notice(kind, Audience("person", person_id), {"lines": places}, buttons=buttons))
    return notices


def standing(session: Session, survey: Survey) -> Progress:
    """How far a rating has come."""
    seats = seats_of(session, survey.year, survey.panel)
    return progress(session, survey, [key for key, persons in voters_of(session, seats).items() if persons])


def _line(survey: Survey, seat: Seat, person: Person, title: str, what: str, begun: bool) -> dict[str, Any]:
    return {
        "survey": survey.id,
        "seat": seat.id,
        "panel": title,
        "year": survey.year,
        "name": label(seat),
        "assists": person.id == seat.assistant_id and person.id != seat.person_id,
        "department": seat.department_id is not None,
        "closes": iso_china(survey.closes_at),
        "rehearsal": survey.rehearsal,
        "begun": begun,
        "what": what,
    }


def _call(frame: Frame, surveys: Sequence[Survey], now: datetime) -> list[Notice]:
    reaches, told = [], []
    for survey in surveys:
        if survey.remind_at is None or survey.remind_at > now:
            continue
        what = _right_now(frame, survey, now)
        frame.session.add(survey)
        if not what:
            continue
        reach = called(frame.session, survey, what)
        reaches.append(reach)
        told.append(_figures(frame.session, survey) | {"what": what, "silent": reach.silent})
    frame.session.flush()
    if not told:
        return []
    return [*tell(reaches), Notice("rating_progress", Audience("administrators"), {"surveys": told})]


def _right_now(frame: Frame, survey: Survey, now: datetime) -> str:
    """What is right to say of a rating at this instant: "opened", "moved", "reminder", or nothing. Notes that it was
    said, and when to look again.
    """
    rulebook, calendar = frame.rulebook(survey.year), frame.calendar
    reminders = replace(rulebook.reminders, rungs=rulebook.rating.rungs, after_times=0)
    if now >= survey.closes_at:
        survey.remind_at = None
        return ""
    steps = ladder(survey.closes_at, reminders, calendar)
    if not survey.announce:
        sent = {survey.reminded}
        seen = look(steps, survey.closes_at, sent, now, reminders=reminders, calendar=calendar)
        survey.remind_at = seen.again_at
        if seen.step is not None:
            survey.reminded = seen.step.code
        return "reminder" if seen.step else ""
    office = calendar.next_office_minute(now, reminders.office_from, reminders.office_to)
    if now < office < survey.closes_at:
        survey.remind_at = office
        return ""
    what, survey.announce = survey.announce, ""
    # What is said now says the deadline too: a rung whose time has come would only say it again.
    survey.reminded = next((step.code for step in reversed(steps) if step.at <= now), "")
    survey.remind_at = next((step.at for step in steps if step.at > now), None)
    return what


def _finish(frame: Frame, survey: Survey, now: datetime) -> list[Notice]:
    """Counts a rating. Nothing of a rehearsal is left; what it came to is told in numbers of ballots only."""
    session, rulebook = frame.session, frame.rulebook(survey.year)
    facts = _figures(session, survey)
    drafts = select(RatingDraft, Seat).join(Seat, col(RatingDraft.seat_id) == col(Seat.id))
    begun = list(session.exec(drafts.where(RatingDraft.survey_id == survey.id).order_by(col(Seat.id))))
    missed = [
        Notice(
            "rating_missed",
            Audience("person", draft.person_id),
            facts | {"name": label(seat), "draft": draft.model_dump(exclude={"scores"})},
        )
        for draft, seat in begun
    ]
    for draft, _seat in begun:
        # What he tapped and could not be handled says as much of him as the draft.
        inbox.erase_dead(session, draft.chat_id)
    facts["papers"] = _leave_papers(session, survey)
    rehearsal = survey.rehearsal
    close(session, survey, now)
    if rehearsal:
        return [*missed, Notice("rating_closed", Audience("administrators"), facts)]
    still_open = uncounted(session, rulebook, survey.year)
    counts = {key: one.counts.get(survey.panel, 0) for key, one in counted(session, survey.year).items()}
    quorum = rulebook.panels[survey.panel].quorum
    units = {key: session.get_one(Department, key).name for key in survey.departments}
    found = dissatisfied(session, survey)
    facts |= {
        "few": sum(quorum <= counts.get(key, 0) < rulebook.panel_shown_from for key in units),
        "shown_from": rulebook.panel_shown_from,
        "without": [name for key, name in units.items() if counts.get(key, 0) < quorum],
        "quorum": quorum,
        "still_open": [panel.title for code, panel in rulebook.panels.items() if code in still_open],
        "proposed": [unit.name for unit in found],
    }
    notices = [*missed, Notice("rating_closed", Audience("administrators"), facts)]
    for unit in found:
        notices += _propose(session, survey, unit, now)
    return notices


def _leave_papers(session: Session, survey: Survey) -> int:
    """Erases the ballots from paper that somebody has begun to enter, and those that wait for a second person, who can
    only refuse them now; returns how many lots those are.
    """
    for draft in session.exec(select(Draft)).all():
        texts = draft.data.get("texts", {})
        if draft.data.get("verb") == _PAPER and texts.get("panel") == survey.panel:
            for text in texts.values():
                blobs.drop(session, text)
            drafts.finished(session, draft)
    waiting = [one for one in open_proposals(session) if one.verb == _PAPER]
    papers = [one for one in waiting if one.arguments.get("panel") == survey.panel]
    for paper in papers:
        blobs.drop(session, paper.arguments["file"])
    return len(papers)


def _propose(session: Session, survey: Survey, unit: Department, now: datetime) -> list[Notice]:
    """企业评议不满意, for an administrator to confirm. The reason names the panel and no figure."""
    rulebook = in_force(session, survey.year)
    rule = rulebook.rating.dissatisfied
    if rule is None:
        return []
    # It belongs to the year that was rated, also where the rating ends in the next one; and to the last day of it, not
    # to the midnight that ends it.
    year_ends = datetime(survey.year + 1, 1, 1, tzinfo=CHINA)
    arguments = {
        "department": unit.code,
        "item": rule.item,
        "reason": rulebook.panels[survey.panel].title,
        "happened": iso_china(min(survey.closes_at, year_ends) - _A_MOMENT),
    }
    return acting.suggest(session, "deduct", arguments, unit, why="rating", now=now)


def _figures(session: Session, survey: Survey) -> dict[str, Any]:
    return {
        "panel": in_force(session, survey.year).panels[survey.panel].title,
        "year": survey.year,
        "rehearsal": survey.rehearsal,
        "closes": iso_china(survey.closes_at),
        **asdict(standing(session, survey)),
    }
