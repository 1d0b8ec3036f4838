"""Every view there is, through a year in which one panel has too few ballots for a department: what anybody is shown.

The figures are chosen so that no sum or difference of others comes to the hidden one by chance: its last digits are 83,
those of the other panels of the department end in 5, everything about other departments in 0.
"""

import io
import itertools
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from decimal import Decimal

import openpyxl
import pytest
from sqlalchemy import text
from sqlmodel import Session, SQLModel

from bot import verbs
from handlers import picturing, screens
from handlers.notices import deliver
from scheduler.summaries import summarize_now
from scoring import casting, seats, surveys
from scoring.ballots import Ballot
from scoring.boxes import counted
from scoring.loading import load
from scoring.standings import put_in_force
from scoring.survey_tables import Survey
from store import acting
from store.commands import VERBS, Act, Verb, parse, to_json
from store.errors import Refusal
from store.notices import Notice
from store.people import Role
from tests.scheduler.conftest import Zone, at

HIDDEN = Decimal("6.83")
PANELS: Mapping[str, tuple[Decimal, ...]] = {
    "leaders": (Decimal("23.35"), Decimal("20.20"), Decimal("21.40")),
    "departments": (Decimal("7.15"), Decimal("6.40"), Decimal("8.20")),
    "enterprises": (HIDDEN, Decimal("7.60"), Decimal("9.60")),
    "supervisors": (Decimal("8.25"), Decimal("5.80"), Decimal("6.00")),
}
"""What 财政局, 商务局 and 应急局 get of each panel, of every one of its ballots."""
FEW = 2
YEAR_END = "12-30 10:00"
NEED_A_FILE = {"rules check", "rules diff", "backup"}
NEED_SOMETHING = {"appeal show", "results show"}
"""Verbs that show one appeal, or one result, of which there are none here."""
_FIGURE = re.compile(r"(?<![\d.:-])\d+\.\d+(?![\d.:])")


class Views:
    """A zone with everybody who may look at something."""

    def __init__(self, zone: Zone) -> None:
        self.zone, self.session = zone, zone.session
        self.units = [
            zone.department(code, name, duties=())
            for code, name in (("fin", "财政局"), ("com", "商务局"), ("eme", "应急局"))
        ]
        fin = self.units[0]
        self.people = [
            zone.person("王科长", Role.ADMINISTRATOR),
            zone.person("李科长", Role.ADMINISTRATOR),
            zone.person("周主任", Role.LEADING_GROUP),
            zone.person("李局长", Role.HEAD, fin),
            zone.person("张三", Role.LIAISON, fin),
            zone.person("宋八", Role.MEMBER_UNIT, self.units[2]),
        ]
        for panel in PANELS:
            if panel != "departments":
                seats.enter(self.session, year=2021, panel=panel, name="评议人")

    def open_all(self) -> list[Survey]:
        return [
            surveys.open_survey(
                self.session, year=2021, panel=panel, closes_at=at(f"12-2{number}"), by=self.people[0],
                now=at("12-01 10:00"),
            )
            for number, panel in enumerate(PANELS)
        ]  # fmt: skip

    def vote(self, survey: Survey, few: int) -> None:
        """Three ballots about everybody, but only ``few`` of enterprises about 财政局."""
        for number in range(3):
            marks = zip(self.units, PANELS[survey.panel], strict=True)
            cast = {unit.id: Ballot(survey.panel, mark) for unit, mark in marks}
            if survey.panel == "enterprises" and number >= few:
                del cast[self.units[0].id]
            casting.cast_paper(self.session, survey, [cast])

    def everything(self, now: str) -> Iterator[tuple[str, str]]:
        """What each person is shown by each verb, in the chat, as JSON, as a picture and as a file; by its name."""
        for person in self.people[1:]:
            for verb in VERBS.values():
                for texts in self._asked(verb):
                    act = self.zone.act(person, at(now))
                    name = f"{person.name} {verb.name} {texts}"
                    yield from ((name, said) for said in self._said(act, verb, texts))

    def _asked(self, verb: Verb) -> Iterable[dict[str, str]]:
        if verb.name in NEED_A_FILE | NEED_SOMETHING:
            return
        if verb.name == "deduct":
            for unit in self.units[:2]:
                yield {"department": unit.code, "item": "daily.7", "reason": "窗口无人"}
        if verb.changes:
            return
        choices: dict[str, list[str]] = {}
        for param in verb.params:
            match param.name:
                case "department":
                    choices["department"] = ["", *(unit.code for unit in self.units[:2])]
                case "what":
                    choices["what"] = ["scores", "ledger"]
                case "by" if verb.name == "rank":
                    choices["by"] = ["total", "daily"]
        for chosen in itertools.product(*choices.values()):
            yield {key: value for key, value in zip(choices, chosen, strict=True) if value}

    def _said(self, act: Act, verb: Verb, texts: dict[str, str]) -> Iterator[str]:
        try:
            given = parse(act, verb, texts)
            if verb.changes:
                seen = acting.preview(act, verb, **given)
                yield screens.previewed(act, verb, texts, seen)
                yield json.dumps(to_json(seen))
                return
            result = acting.run(act, verb, **given)
        except Refusal as refusal:
            yield f"{refusal.code} {refusal.facts}"
            return
        yield screens.told(act, verb, result, bot="kaoping_bot")
        yield json.dumps(to_json(result), ensure_ascii=False)
        if picturing.can_show(result):
            yield json.dumps(picturing.picture_of(result, act.now), ensure_ascii=False)
        for file in getattr(result, "files", ()):
            yield from cells(file.content)

    def tables(self) -> Iterator[tuple[str, str]]:
        """Every message that is to go out, and the trail of what was done."""
        for name in ("outbox", "audit", "proposal"):
            table = next(one for key, one in SQLModel.metadata.tables.items() if key.startswith(name))
            for row in self.session.connection().execute(text(f'SELECT * FROM "{table.name}"')):
                yield name, " ".join(map(str, row))

    def tick(self, now: str) -> None:
        notices = self.zone.tick(at(now))
        deliver(self.session, notices, at(now), summary_chat=-5)


def cells(content: bytes) -> Iterator[str]:
    for sheet in openpyxl.load_workbook(io.BytesIO(content)).worksheets:
        for row in sheet.iter_rows(values_only=True):
            yield " ".join(f"{cell:.4f}" if isinstance(cell, float) else str(cell) for cell in row)


def figures(said: Iterable[tuple[str, str]]) -> dict[Decimal, str]:
    """The figures with a point that can be read anywhere, and where."""
    return {
        Decimal(one).normalize(): f"{name}: {words[:400]}" for name, words in said for one in _FIGURE.findall(words)
    }


def gives_away(shown: Mapping[Decimal, str]) -> list[list[str]]:
    """Every way to come to the hidden figure from those that are shown: as it is, or what is left when up to three
    others are taken away from one.
    """
    odd = {one for one in shown if one % 1}
    return [
        [shown[whole], *(shown[one] for one in parts)] for whole in shown for parts in taken_away(whole - HIDDEN, odd)
    ]


def taken_away(difference: Decimal, odd: Collection[Decimal]) -> Iterator[tuple[Decimal, ...]]:
    """The ways to come to a difference by at most three of these figures."""
    if not difference:
        yield ()
    for count in range(3):
        for parts in itertools.combinations(odd, count):
            last = difference - sum(parts)
            if last in odd and last not in parts:
                yield (*parts, last)


def through_the_year(session: Session, few: int, since: str = "12-01") -> Iterator[dict[Decimal, str]]:
    """All figures that have been shown so far, after each thing that happens; to whoever looks ``since`` that day."""
    verbs.load()
    put_in_force(session, load("jilin-2021"), 2021, at("01-01"))
    views = Views(Zone(session))
    said: dict[Decimal, str] = {}

    def look(now: str) -> dict[Decimal, str]:
        views.tick(now)
        if now < since:
            return said
        said.update(figures([*views.everything(now), *views.tables()]))
        return said

    yield look("12-01 09:00")
    opened = views.open_all()
    yield look("12-01 10:05")
    for survey in opened:
        views.vote(survey, few)
    yield look("12-02 10:00")
    for number, survey in enumerate(opened):
        now = f"12-2{number} 10:00"
        yield look(now)
        assert surveys.surveys(session, 2021)[number].closed_at is not None, survey.panel
    deliver(session, [posted(views)], at(YEAR_END), summary_chat=-5)
    yield look(YEAR_END)
    [fin] = [count for key, count in counted(session, 2021).items() if key == views.units[0].id]
    assert fin.counts == {panel: few if panel == "enterprises" else 3 for panel in PANELS}


def posted(views: Views) -> Notice:
    return summarize_now(views.zone.frame, at(YEAR_END))


@pytest.fixture
def sqlite_session(sqlite_url: str) -> Iterator[Session]:
    from store.db import open_engine, transaction

    engine = open_engine(sqlite_url)
    with transaction(engine) as session:
        yield session
    engine.dispose()


def test_no_view_shows_the_figure_of_two_ballots_or_what_it_could_be_worked_out_of(sqlite_session: Session) -> None:
    for number, shown in enumerate(through_the_year(sqlite_session, FEW)):
        assert not gives_away(shown), f"moment {number}"
    # The sum of the year is shown, and so are the panels of the others.
    assert {Decimal("45.58"), Decimal("21.4"), Decimal("9.6")} <= shown.keys()


def test_the_search_finds_it_where_three_ballots_show_it(sqlite_session: Session) -> None:
    *_, before, _, after = ({**one} for one in through_the_year(sqlite_session, 3, since="12-22"))
    assert before
    assert not gives_away(before), "as long as one panel is open"
    ways = gives_away(after)
    assert any(len(way) == 1 for way in ways), "as it is"
    assert any(len(way) == 4 for way in ways), "what the others leave of the sum"


def test_every_verb_that_shows_something_is_looked_at(sqlite_session: Session) -> None:
    verbs.load()
    put_in_force(sqlite_session, load("jilin-2021"), 2021, at("01-01"))
    views = Views(Zone(sqlite_session))
    asked = {verb.name for verb in VERBS.values() if list(views._asked(verb))}
    assert {verb.name for verb in VERBS.values() if not verb.changes} - asked == NEED_A_FILE | NEED_SOMETHING
