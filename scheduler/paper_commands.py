"""The verb ``survey paper`` (录入现场票): ballots from paper, without names, entered by one, confirmed by another."""

from dataclasses import asdict, dataclass

from sqlmodel import select

from scheduler.rating_naming import PaperForm
from scheduler.rating_reading import PaperRead, read_paper
from scheduler.survey_commands import running_of
from scoring import casting
from scoring.rulebook import Panel, RuleBook
from scoring.standings import in_force
from scoring.survey_tables import Survey
from store.commands import Act, command
from store.errors import Refusal
from store.people import Department
from store.proposals import Proposal


@dataclass(frozen=True)
class PaperCast:
    """Ballots from paper that count: ``ballots`` of this file (``empty`` of its sheets say nothing), ``paper`` in all.
    Nothing of what they give.
    """

    title: str
    rehearsal: bool
    file: str
    ballots: int
    empty: int
    departments: int
    paper: int


@command("survey paper", words=("录入现场票",), changes=True, second_person=True, forgets_files=True, group="ratings")
def paper(act: Act, panel: Panel, file: PaperForm) -> PaperCast:
    """Enter ballots from paper out of the filled-in form, without names; a second one confirms. The file is erased."""
    survey = running_of(act.session, panel)
    rulebook = in_force(act.session, survey.year)
    rated = [act.session.get_one(Department, one) for one in survey.departments]
    found = _read(file.content, file.name, rulebook, survey, rated)
    earlier = act.session.exec(select(Proposal).where(Proposal.verb == "survey paper", Proposal.state != "refused"))
    if act.rehearsal and any(f"blob:{file.sha256}" in one.arguments["file"] for one in earlier):
        act.caution("paper_again", name=file.name)
    count = casting.cast_paper(act.session, survey, found.sheets)
    return PaperCast(
        title=rulebook.panels[survey.panel].title,
        rehearsal=survey.rehearsal,
        file=file.name,
        ballots=count,
        empty=found.empty,
        departments=len(rated),
        paper=survey.paper,
    )


def _read(content: bytes, name: str, rulebook: RuleBook, survey: Survey, rated: list[Department]) -> PaperRead:
    found = read_paper(content, rulebook, survey.panel, rated)
    if found.faults:
        faults = [asdict(one) | {"facts": dict(one.facts)} for one in found.faults]
        raise Refusal("paper_faulty", name=name, faults=faults)
    return found
