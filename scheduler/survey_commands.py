"""The verbs about ratings (评议): opening and ending them, who rates, how far they have come."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, select

from scheduler.rating import called, tell
from scheduler.rating_naming import label
from scoring import seats, surveys
from scoring.rulebook import Panel, RuleBook
from scoring.standings import current_year, in_force
from scoring.survey_tables import SUBMITTED, RatingDraft, Seat, Survey, Turn
from scoring.surveys import Progress
from store import invitations
from store.commands import Act, Rest, command
from store.errors import Refusal
from store.people import Person, Role, departments
from store.proposals import open_proposals
from store.times import iso_china
from store.words import Deadline, Year

_SEES = (Role.ADMINISTRATOR, Role.LEADING_GROUP)


@dataclass(frozen=True)
class SurveyRow:
    """How far one panel has come. ``state``: "none" (no rating yet), "open", "ending" (its time is over, it has not
    been counted) or "counted". ``silent``: places that have not submitted and have nobody who could read a message.
    """

    panel: str
    title: str
    number: int | None
    rehearsal: bool
    state: str
    closes_at: datetime | None
    progress: Progress
    silent: int


@dataclass(frozen=True)
class SurveyList:
    year: int
    rows: tuple[SurveyRow, ...]


@dataclass(frozen=True)
class SurveyOpened:
    """A rating that was opened: ``departments`` are rated by ``invited`` raters, of whom ``joined`` have come in."""

    number: int
    year: int
    title: str
    rehearsal: bool
    closes_at: datetime
    departments: int
    invited: int
    joined: int
    links: bool


@dataclass(frozen=True)
class RaterLink:
    """``token`` goes into the link and is kept nowhere; it is empty in a rehearsal."""

    seat: int
    name: str
    unit: str
    token: str


@dataclass(frozen=True)
class RaterLinks:
    """New links of a panel's places that nobody has taken; ``joined`` is how many have been taken already."""

    year: int
    title: str
    links: tuple[RaterLink, ...]
    joined: int
    expires_at: datetime


@dataclass(frozen=True)
class AssistantInvited:
    """A link for somebody who rates from a place in the name of its rater; ``token`` is kept nowhere."""

    seat: int
    name: str
    unit: str
    title: str
    assistant: str
    token: str
    expires_at: datetime


@dataclass(frozen=True)
class SurveyMoved:
    """``waiting``: raters who have not submitted; all of them hear of the new end who can be reached."""

    title: str
    rehearsal: bool
    was: datetime
    closes_at: datetime
    waiting: int


@dataclass(frozen=True)
class RatersReminded:
    """``persons`` were reminded; ``silent`` places have nobody who could read it."""

    title: str
    persons: int
    silent: int


@dataclass(frozen=True)
class SurveyEnded:
    """A rating that takes nothing more; it is counted in a few minutes. ``unfinished``: begun and not submitted."""

    title: str
    rehearsal: bool
    closes_at: datetime
    progress: Progress
    unfinished: int


@dataclass(frozen=True)
class RaterRow:
    """A place. ``person``: who rates from it, "" for nobody yet. ``rates``: how many departments, None for all of them.
    ``submitted``: None where no rating runs.
    """

    seat: int
    name: str
    unit: str
    person: str
    reachable: bool
    assistant: str
    rates: int | None
    submitted: bool | None


@dataclass(frozen=True)
class RaterPanel:
    """``by_department``: departments rate, whose places are made when the rating is opened."""

    panel: str
    title: str
    by_department: bool
    rows: tuple[RaterRow, ...]


@dataclass(frozen=True)
class RaterRoll:
    """Who rates in a year. Never what anybody gave."""

    year: int
    panels: tuple[RaterPanel, ...]


@dataclass(frozen=True)
class SeatEnded:
    seat: int
    name: str
    unit: str
    title: str


def _year(act: Act, year: int | None) -> int:
    return year or current_year(act.session, act.now)


def _panel_in(rulebook: RuleBook, panel: Panel) -> Panel:
    """The panel as another year's rule book has it. Raises Refusal panel_unknown."""
    if panel.code not in rulebook.panels:
        raise Refusal("panel_unknown", text=panel.title, like=[one.title for one in rulebook.panels.values()])
    return rulebook.panels[panel.code]


def running_of(session: Session, panel: Panel) -> Survey:
    """The panel's rating that runs, of whichever year. Raises Refusal survey_none."""
    found = [one for one in surveys.running(session) if one.panel == panel.code]
    if not found:
        raise Refusal("survey_none", panel=panel.title)
    return found[-1]


def joined(session: Session, places: Iterable[Seat]) -> list[int]:
    """The places from which somebody can rate."""
    return [key for key, persons in seats.voters_of(session, list(places)).items() if persons]


@command("survey", words=("评议", "评议进度"), roles=_SEES, group="ratings")
def show(act: Act, year: Year | None = None) -> SurveyList:
    """How far each panel's rating has come: invited, started, submitted. Never who gave what."""
    year = _year(act, year)
    rulebook = in_force(act.session, year)
    held = surveys.surveys(act.session, year)
    rows = []
    for code in rulebook.panels:
        of_panel = [one for one in held if one.panel == code]
        rows += [_row(act, rulebook, survey) for survey in of_panel] or [_unopened(act, rulebook.panels[code], year)]
    return SurveyList(year, tuple(rows))


def _row(act: Act, rulebook: RuleBook, survey: Survey) -> SurveyRow:
    places = seats.seats_of(act.session, survey.year, survey.panel)
    state = "counted" if survey.closed_at else "open" if act.now < survey.closes_at else "ending"
    return SurveyRow(
        panel=survey.panel,
        title=rulebook.panels[survey.panel].title,
        number=survey.id,
        rehearsal=survey.rehearsal,
        state=state,
        closes_at=survey.closes_at,
        progress=surveys.progress(act.session, survey, joined(act.session, places)),
        silent=called(act.session, survey, "opened").silent if state == "open" else 0,
    )


def _unopened(act: Act, panel: Panel, year: int) -> SurveyRow:
    places = seats.seats_of(act.session, year, panel.code)
    count = len(places) if panel.raters == "person" else len(departments(act.session))
    came = len(joined(act.session, places))
    return SurveyRow(panel.code, panel.title, None, False, "none", None, Progress(count, came, 0, 0, 0), 0)


@command("survey open", words=("发起评议",), changes=True, group="ratings")
def open_(
    act: Act, panel: Panel, until: Deadline, *, rehearsal: bool = False, year: Year | None = None
) -> SurveyOpened:
    """Open the rating by one panel until a deadline; raters hear of it in office hours.

    With --rehearsal it is for practice: it works the same, and nothing of it is left once it is over.
    """
    year = _year(act, year)
    panel = _panel_in(in_force(act.session, year), panel)
    survey = surveys.open_survey(
        act.session, year=year, panel=panel.code, closes_at=until, by=act.actor, now=act.now, rehearsal=rehearsal
    )
    places = seats.seats_of(act.session, year, panel.code)
    came = joined(act.session, places)
    if not came:
        act.caution("nobody_has_joined", panel=panel.title, links=panel.raters == "person")
    return SurveyOpened(
        number=0 if act.rehearsal else survey.id,
        year=year,
        title=panel.title,
        rehearsal=rehearsal,
        closes_at=until,
        departments=len(survey.departments),
        invited=len(places),
        joined=len(came),
        links=panel.raters == "person",
    )


@command("survey links", words=("评议链接",), changes=True, group="ratings")
def links(act: Act, panel: Panel, seat: Seat | None = None, *, year: Year | None = None) -> RaterLinks:
    """Make new personal links for the places of a panel that nobody has taken; earlier links of them stop working."""
    year = _year(act, year)
    panel = _panel_in(in_force(act.session, year), panel)
    if panel.raters == "department":
        raise Refusal("links_not_needed", panel=panel.title)
    places = seats.seats_of(act.session, year, panel.code)
    wanted = [one for one in places if one.person_id is None]
    if seat is not None:
        if seat.id not in {one.id for one in places}:
            raise Refusal("seat_elsewhere", name=label(seat), panel=panel.title)
        if seat.person_id is not None:
            raise Refusal("seat_taken", name=label(seat))
        wanted = [seat]
    if not wanted:
        raise Refusal("no_raters" if not places else "all_joined", panel=panel.title)
    waiting = {one.seat_id for one in invitations.waiting(act.session, act.now) if not one.assists}
    if again := sum(one.id in waiting for one in wanted):
        act.caution("links_replaced", count=again)
    made = [seats.link(act.session, one, by=act.actor, now=act.now) for one in wanted]
    return RaterLinks(
        year=year,
        title=panel.title,
        links=tuple(
            RaterLink(one.seat.id, one.seat.name, one.seat.unit, "" if act.rehearsal else one.token) for one in made
        ),
        joined=sum(one.person_id is not None for one in places),
        expires_at=made[0].expires_at,
    )


@command("survey assistant", words=("指定代办",), changes=True, group="ratings")
def assistant(act: Act, seat: Seat, name: Rest) -> AssistantInvited:
    """Make a link for somebody who does everything for a rater: fetches the form, hands in the paper."""
    title = in_force(act.session, seat.year).panels[seat.panel].title
    if not name:
        raise Refusal("argument_empty", verb="survey assistant", argument="name")
    if seat.assistant_id is not None:
        old = act.session.get_one(Person, seat.assistant_id)
        act.caution("assistant_replaced", name=label(seat), assistant=old.name)
    made = seats.link(act.session, seat, by=act.actor, now=act.now, assistant=name)
    token = "" if act.rehearsal else made.token
    return AssistantInvited(seat.id, seat.name, seat.unit, title, name, token, made.expires_at)


@command("survey move", words=("延长评议",), changes=True, group="ratings")
def move(act: Act, panel: Panel, until: Deadline) -> SurveyMoved:
    """Move the deadline of a panel's rating; those who have not submitted are told."""
    survey = running_of(act.session, panel)
    was = survey.closes_at
    surveys.move(act.session, survey, until, act.now)
    waiting = len(surveys.waiting_seats(act.session, survey))
    return SurveyMoved(panel.title, survey.rehearsal, was, until, waiting)


@command("survey remind", words=("催评",), changes=True, group="ratings")
def remind(act: Act, panel: Panel) -> RatersReminded:
    """Remind now whoever has not submitted; leaders themselves never, their assistants."""
    survey = running_of(act.session, panel)
    if act.now >= survey.closes_at:
        raise Refusal("survey_over", until=iso_china(survey.closes_at))
    reach = called(act.session, survey, "reminder")
    if not reach.lines:
        raise Refusal("nobody_to_remind", panel=panel.title, silent=reach.silent)
    for notice in tell([reach]):
        act.notify(notice)
    return RatersReminded(panel.title, len(reach.lines), reach.silent)


@command("survey close", words=("结束评议",), changes=True, group="ratings")
def close(act: Act, panel: Panel) -> SurveyEnded:
    """End a panel's rating now: what was submitted before counts, and it is counted once all of that has been read."""
    survey = running_of(act.session, panel)
    surveys.move(act.session, survey, act.now, act.now)
    places = seats.seats_of(act.session, survey.year, survey.panel)
    papers = [one for one in open_proposals(act.session) if one.verb == "survey paper"]
    if waits := sum(one.arguments.get("panel") == panel.code for one in papers):
        act.caution("paper_waits", count=waits)
    drafts = act.session.exec(select(RatingDraft.seat_id).where(RatingDraft.survey_id == survey.id)).all()
    if drafts:
        act.caution("drafts_lost", count=len(drafts))
    return SurveyEnded(
        title=panel.title,
        rehearsal=survey.rehearsal,
        closes_at=act.now,
        progress=surveys.progress(act.session, survey, joined(act.session, places)),
        unfinished=len(drafts),
    )


@command("survey raters", words=("评议名册",), group="ratings")
def raters(act: Act, panel: Panel | None = None, *, year: Year | None = None) -> RaterRoll:
    """Who rates in which panel, who has not come in, who has not submitted. Never what anybody gave."""
    year = _year(act, year)
    rulebook = in_force(act.session, year)
    chosen = [_panel_in(rulebook, panel)] if panel else list(rulebook.panels.values())
    return RaterRoll(
        year,
        tuple(
            RaterPanel(one.code, one.title, one.raters == "department", tuple(_roll(act.session, year, one)))
            for one in chosen
        ),
    )


def _roll(session: Session, year: int, panel: Panel) -> Iterable[RaterRow]:
    places = seats.seats_of(session, year, panel.code)
    voters = seats.voters_of(session, places)
    running = next((one for one in surveys.running(session) if (one.year, one.panel) == (year, panel.code)), None)
    submitted: set[int] = set()
    if running is not None:
        query = select(Turn.seat_id).where(Turn.survey_id == running.id, Turn.state == SUBMITTED)
        submitted = set(session.exec(query))
    for seat in places:
        by_id: Mapping[int | None, Person] = {one.id: one for one in voters[seat.id]}
        rater = [one for one in voters[seat.id] if one.id != seat.assistant_id or one.id == seat.person_id]
        yield RaterRow(
            seat=seat.id,
            name=seat.name,
            unit=seat.unit,
            person=rater[0].name if rater else "",
            reachable=any(one.reachable for one in voters[seat.id]),
            assistant=by_id[seat.assistant_id].name if seat.assistant_id in by_id else "",
            rates=len(seat.may_rate) if seat.may_rate is not None else None,
            submitted=seat.id in submitted if running is not None else None,
        )


@command("survey end", words=("移出名册",), changes=True, group="ratings")
def end(act: Act, seat: Seat) -> SeatEnded:
    """Take a place off the roll: it rates no more. What it has submitted stays, for nobody can tell which it was."""
    title = in_force(act.session, seat.year).panels[seat.panel].title
    seats.end(act.session, seat, act.now)
    return SeatEnded(seat.id, seat.name, seat.unit, title)
