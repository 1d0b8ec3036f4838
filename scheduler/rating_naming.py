"""Naming a panel of raters, or a place in one, in chat and on the command line."""

from collections.abc import Mapping
from typing import Annotated, Any

from sqlmodel import col, select

from scoring.rulebook import Panel, RuleBook
from scoring.standings import current_year, in_force
from scoring.survey_tables import Seat
from store import uploads
from store.commands import Act, Choice, converter
from store.errors import Refusal
from store.uploads import Upload
from store.words import plain, whole_number

PaperForm = Annotated[Upload, "paper ballots"]
"""The sheet with ballots from paper: kept until the second person has decided, wherever it was given."""

_LEFT_OUT = ("评议", "票", "组")


def find_panel(rulebook: RuleBook, said: str) -> Panel:
    """A panel by its code, its title, or a part of it: 领导, 企业, 监督员. Raises Refusal panel_unknown."""
    wanted = plain(said).casefold().replace(" ", "")
    panels = list(rulebook.panels.values())
    exact = [one for one in panels if wanted in {one.code.casefold(), one.title.casefold()}]
    part = [one for one in panels if wanted and wanted not in _LEFT_OUT and wanted in one.title.casefold()]
    for found in (exact, part):
        if len(found) == 1:
            return found[0]
    raise Refusal("panel_unknown", text=said, like=[one.title for one in panels])


def label(seat: Seat) -> str:
    """How a place is called: 张三（某公司）"""
    return f"{seat.name}（{seat.unit}）" if seat.unit else seat.name


def _panels(act: Act, _given: Mapping[str, Any]) -> list[Choice]:
    rulebook = in_force(act.session, current_year(act.session, act.now))
    return [Choice(one.code, one.title) for one in rulebook.panels.values()]


@converter(Panel, write=lambda panel: panel.code, choices=_panels)
def _panel(act: Act, text: str) -> Panel:
    return find_panel(in_force(act.session, current_year(act.session, act.now)), text)


def _seats(act: Act, given: Mapping[str, Any]) -> list[Choice]:
    """Places of persons; those of departments are of whoever is head."""
    query = select(Seat).where(col(Seat.ended_at).is_(None), col(Seat.department_id).is_(None))
    if isinstance(given.get("panel"), Panel):
        query = query.where(Seat.panel == given["panel"].code)
    return [Choice(f"#{one.id}", label(one)) for one in act.session.exec(query.order_by(col(Seat.id)))]


@converter(Seat, write=lambda seat: f"#{seat.id}", choices=_seats)
def _seat(act: Act, text: str) -> Seat:
    """「#12」, or the name, with or without the unit."""
    number = whole_number(text)
    said = plain(text)
    query = select(Seat).where(col(Seat.ended_at).is_(None))
    query = query.where(Seat.id == number) if number is not None else query.order_by(col(Seat.id))
    found = [
        one
        for one in act.session.exec(query)
        if number is not None or said in {plain(one.name), plain(label(one)), plain(f"{one.unit}{one.name}")}
    ]
    if not found:
        raise Refusal("seat_unknown", text=text)
    if len(found) > 1:
        raise Refusal("seat_ambiguous", text=text, like=[f"#{one.id} {label(one)}" for one in found[:8]])
    return found[0]


@converter(PaperForm, write=uploads.written, words=2)
def _paper(act: Act, text: str) -> Upload:
    try:
        return uploads.given(act, text, keep=True)
    except Refusal as refusal:
        name = text.partition(" ")[2]
        if refusal.code == "file_needed" and name:
            # It was erased when the rating was counted, or with an earlier decision.
            raise Refusal("paper_gone", name=name) from None
        raise
