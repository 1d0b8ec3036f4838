"""Time in ratings: who is told and reminded when, what happens at the end, and what comes of it."""

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlmodel import select

from scoring import casting, seats, surveys
from scoring.ballots import ABSTAIN, Ballot
from scoring.standings import sheet_of
from scoring.survey_tables import BallotBox, RatingDraft, Seat, Survey, Turn
from scoring.tables import LedgerEntry
from store import acting, inbox, people
from store.errors import Refusal
from store.inbox import InboxUpdate
from store.notices import Notice
from store.people import Person, Role
from store.proposals import Proposal
from tests.scheduler.conftest import Zone, at

END = "12-25"
"""The night that ends 24 December 2021, a Friday."""


class Ratings:
    """A zone whose raters can be reached."""

    def __init__(self, zone: Zone) -> None:
        self.zone = zone
        self.session = zone.session
        self.office = zone.person("王科长", Role.ADMINISTRATOR)
        self.fin = zone.department("fin", "财政局", duties=())
        self.com = zone.department("com", "商务局", duties=())

    def rater(self, name: str, panel: str = "enterprises", *, assists: str = "") -> tuple[Person, Seat]:
        """A person in a place of his own, or (``assists``) in somebody else's."""
        seat, _ = seats.enter(self.session, year=2021, panel=panel, name=assists or name)
        person = self.session.exec(select(Person).where(Person.name == name)).first()
        person = person or self.zone.person(name, Role.RATER)
        seats.taken(self.session, seat.id, person, assists=bool(assists))
        return person, seat

    def opened(self, panel: str = "enterprises", now: str = "12-01 10:00", until: str = END, **more: bool) -> Survey:
        return surveys.open_survey(
            self.session, year=2021, panel=panel, closes_at=at(until), by=self.office, now=at(now), **more
        )

    def gives(self, survey: Survey, seat: Seat, person: Person, total: str | None = None) -> RatingDraft:
        draft = casting.take_up(self.session, survey, seat, person, 1)
        if total is not None:
            sheet = casting.sheet_of_draft(self.session, survey, seat, draft)
            for unit in sheet.departments:
                sheet.set(unit, Decimal(total))
            casting.keep(self.session, draft, sheet)
        return draft

    def submits(self, survey: Survey, seat: Seat, person: Person, total: str) -> None:
        casting.submit(self.session, survey, seat, self.gives(survey, seat, person, total))

    def paper(self, survey: Survey, fin: Iterable[str], com: Iterable[str] = ()) -> None:
        """Ballots from paper about 财政局 and 商务局: totals, or "-" for an abstention."""
        for unit, totals in ((self.fin, fin), (self.com, com)):
            sheets = [{unit.id: Ballot(survey.panel, ABSTAIN if one == "-" else Decimal(one))} for one in totals]
            casting.cast_paper(self.session, survey, sheets)

    def live(self, *instants: str, read: bool = True) -> list[Notice]:
        told = [notice for one in instants for notice in self.zone.tick(at(one), read=read)]
        return [one for one in told if one.kind.startswith("rating_") or one.kind == "proposal"]


@pytest.fixture
def ratings(zone: Zone) -> Ratings:
    return Ratings(zone)


def told(notices: Iterable[Notice]) -> list[tuple[str, int | None]]:
    """Kinds and persons, without what only administrators read."""
    return [(one.kind, one.to.id) for one in notices if one.to.kind == "person" and one.kind != "proposal"]


def one_of(notices: Iterable[Notice], kind: str) -> Notice:
    (found,) = [one for one in notices if one.kind == kind]
    return found


class TestTelling:
    def test_the_opening_waits_for_the_office_and_has_the_button(self, ratings: Ratings) -> None:
        person, seat = ratings.rater("甲企业")
        survey = ratings.opened(now="12-01 20:00")
        assert ratings.live("12-01 20:01", "12-02 08:29") == []
        notices = ratings.live("12-02 08:30")
        opened = one_of(notices, "rating_opened")
        assert (opened.to.kind, opened.to.id) == ("person", person.id)
        assert opened.buttons == (("rate", f"{survey.id}:{seat.id}"),)
        assert opened.facts["lines"][0]["closes"] == "2021-12-25T00:00:00+08:00"
        progress = one_of(notices, "rating_progress").facts["surveys"][0]
        assert (progress["invited"], progress["joined"], progress["submitted"], progress["silent"]) == (1, 1, 0, 0)
        assert ratings.live("12-02 08:31", "12-16 09:00") == []

    def test_an_opening_that_ends_before_the_office_opens_is_told_at_once(self, ratings: Ratings) -> None:
        person, _ = ratings.rater("甲企业")
        ratings.opened(now="12-04 10:00", until="12-04 20:00")
        assert told(ratings.live("12-04 10:01")) == [("rating_opened", person.id)]

    def test_reminders_go_up_the_ladder_to_whoever_has_not_submitted(self, ratings: Ratings) -> None:
        (one, seat), (two, second), (three, third) = (ratings.rater(name) for name in ("甲", "乙", "丙"))
        survey = ratings.opened()
        ratings.live("12-01 10:01")
        ratings.submits(survey, seat, one, "9")
        assert told(ratings.live("12-17 08:59", "12-17 09:00", "12-17 09:01")) == [
            ("rating_reminder", two.id), ("rating_reminder", three.id),
        ]  # fmt: skip
        ratings.gives(survey, second, two)
        found = ratings.live("12-21 09:00")
        assert told(found) == [("rating_reminder", two.id), ("rating_reminder", three.id)]
        lines = {one.to.id: one.facts["lines"][0]["begun"] for one in found if one.to.kind == "person"}
        assert lines == {two.id: True, three.id: False}
        ratings.submits(survey, third, three, "8")
        assert told(ratings.live("12-23 09:00", "12-24 09:00")) == [("rating_reminder", two.id)] * 2
        ratings.submits(survey, second, two, "8")
        assert told(ratings.live("12-24 14:00", "12-24 23:59")) == []

    def test_nobody_hears_of_it_who_cannot_be_reached(self, ratings: Ratings) -> None:
        person, _ = ratings.rater("甲企业")
        ratings.rater("乙企业")
        seats.enter(ratings.session, year=2021, panel="enterprises", name="没来的")
        person.blocked_at = at("12-01 09:00")
        ratings.opened()
        notices = ratings.live("12-01 10:01")
        assert len(told(notices)) == 1
        facts = one_of(notices, "rating_progress").facts["surveys"][0]
        assert (facts["invited"], facts["joined"], facts["silent"]) == (3, 2, 2)

    def test_leaders_are_never_chased_their_assistants_are(self, ratings: Ratings) -> None:
        leader, _ = ratings.rater("周主任", "leaders")
        clerk, _ = ratings.rater("李秘书", "leaders", assists="周主任")
        survey = ratings.opened("leaders")
        assert set(told(ratings.live("12-01 10:01"))) == {("rating_opened", leader.id), ("rating_opened", clerk.id)}
        assert told(ratings.live("12-17 09:00", "12-24 09:00")) == [("rating_reminder", clerk.id)] * 2
        surveys.move(ratings.session, survey, at("12-29"), at("12-24 10:00"))
        assert told(ratings.live("12-24 10:01")) == [("rating_reminder", clerk.id)]

    def test_heads_are_the_departments_raters(self, ratings: Ratings) -> None:
        head = ratings.zone.person("赵局", Role.HEAD, ratings.fin)
        ratings.opened("departments")
        notices = ratings.live("12-01 10:01")
        assert told(notices) == [("rating_opened", head.id)]
        assert one_of(notices, "rating_progress").facts["surveys"][0]["silent"] == 1
        successor = ratings.zone.person("钱局", Role.HEAD, ratings.fin)
        people.dismiss(ratings.session, people.appointments_of(ratings.session, head)[0], at("12-02"))
        assert told(ratings.live("12-17 09:00")) == [("rating_reminder", successor.id)]

    def test_several_places_make_one_message(self, ratings: Ratings) -> None:
        clerk, first = ratings.rater("李秘书", "leaders", assists="周主任")
        _, second = ratings.rater("李秘书", "leaders", assists="吴主任")
        _, third = ratings.rater("李秘书", "supervisors")
        one, two = ratings.opened("leaders"), ratings.opened("supervisors")
        notices = ratings.live("12-01 10:01")
        assert told(notices) == [("rating_opened", clerk.id)]
        message = one_of(notices, "rating_opened")
        assert [argument for _, argument in message.buttons] == [
            f"{one.id}:{first.id}", f"{one.id}:{second.id}", f"{two.id}:{third.id}",
        ]  # fmt: skip
        assert [line["assists"] for line in message.facts["lines"]] == [True, True, False]
        assert len(one_of(notices, "rating_progress").facts["surveys"]) == 2

    def test_after_an_outage_the_rung_that_is_right_now_goes_and_no_stale_one(self, ratings: Ratings) -> None:
        person, _ = ratings.rater("甲企业")
        ratings.opened()
        ratings.live("12-01 10:01")
        assert told(ratings.live("12-22 07:00", "12-22 08:30", "12-22 08:31")) == [("rating_reminder", person.id)]
        assert told(ratings.live("12-23 09:00")) == [("rating_reminder", person.id)]

    def test_a_new_deadline_is_told_and_begins_the_ladder_anew(self, ratings: Ratings) -> None:
        person, _ = ratings.rater("甲企业")
        survey = ratings.opened()
        ratings.live("12-01 10:01", "12-17 09:00")
        surveys.move(ratings.session, survey, at("12-31"), at("12-17 20:00"))
        assert told(ratings.live("12-17 20:01")) == []
        moved = ratings.live("12-20 08:30")
        assert told(moved) == [("rating_reminder", person.id)]
        assert one_of(moved, "rating_reminder").facts["lines"][0]["what"] == "moved"
        assert told(ratings.live("12-21 09:00")) == []
        assert (
            told(ratings.live("12-23 09:00", "12-27 09:00", "12-29 09:00", "12-30 09:00"))
            == [("rating_reminder", person.id)] * 4
        )


class TestClosing:
    def test_it_is_counted_once_all_that_was_sent_before_has_been_read(self, ratings: Ratings) -> None:
        person, seat = ratings.rater("甲企业")
        survey = ratings.opened()
        ratings.submits(survey, seat, person, "9")
        grace = ratings.zone.frame.grace(2021)
        ratings.zone.read(at(END) - timedelta(minutes=1))
        ratings.zone.tick(at("12-25 03:00"), read=False)
        assert survey.closed_at is None, "deaf since before the end"
        ratings.zone.tick(at(END) + grace - timedelta(seconds=1))
        assert survey.closed_at is None
        notices = ratings.zone.tick(at(END) + grace)
        closed = one_of(notices, "rating_closed")
        assert closed.to.kind == "administrators"
        assert (closed.facts["submitted"], closed.facts["still_open"]) == (
            1, ["领导评议", "部门评议", "营商环境监督员评议"],
        )  # fmt: skip
        assert not any(str(one).startswith(("9", "90000")) for one in closed.facts.values()), "counts only"
        assert survey.closed_at == at(END) + grace
        assert ratings.live("12-25 12:00") == []

    def test_an_outage_over_the_end_keeps_what_was_sent_in_time(self, ratings: Ratings) -> None:
        person, seat = ratings.rater("甲企业")
        survey = ratings.opened()
        ratings.zone.read(at("12-24 22:00"))
        draft = ratings.gives(survey, seat, person, "9")
        later = at("12-25 06:00")
        casting.accepts(ratings.session, survey, seat, None, later)
        casting.submit(ratings.session, survey, seat, draft)
        assert [one.kind for one in ratings.live("12-25 06:00")] == ["rating_closed"]
        assert ratings.session.get_one(BallotBox, (survey.id, ratings.fin.id)).marks == {"90000": 1}

    def test_whoever_did_not_submit_is_told_and_nothing_of_his_is_left(self, ratings: Ratings) -> None:
        person, seat = ratings.rater("甲企业")
        survey = ratings.opened()
        draft = ratings.gives(survey, seat, person, "9")
        tapped = {"update_id": 7, "callback_query": {"from": {"id": draft.chat_id}, "data": "9"}}
        inbox.receive(ratings.session, [tapped], at("12-24 10:00"))
        row = ratings.session.get_one(InboxUpdate, 7)
        assert inbox.failed(ratings.session, row, "broken by the 9", tries=1, now=at("12-24 10:00"))
        notices = ratings.live("12-25 01:00")
        ratings.session.refresh(row)
        assert (row.payload, row.error) == (inbox.ERASED, None)
        assert told(notices) == [("rating_missed", person.id)]
        assert one_of(notices, "rating_closed").facts["without"] == ["财政局", "商务局"]
        assert ratings.session.exec(select(RatingDraft)).all() == []
        assert ratings.session.get_one(BallotBox, (survey.id, ratings.fin.id)).marks == {}

    def test_a_rehearsal_works_the_same_and_leaves_nothing(self, ratings: Ratings) -> None:
        person, seat = ratings.rater("甲企业")
        survey = ratings.opened(rehearsal=True)
        assert one_of(ratings.live("12-01 10:01"), "rating_opened").facts["lines"][0]["rehearsal"]
        ratings.submits(survey, seat, person, "0")
        ratings.paper(survey, ["0", "0", "0"])
        closed = one_of(ratings.live("12-25 01:00"), "rating_closed")
        assert (closed.facts["rehearsal"], closed.facts["submitted"]) == (True, 1)
        number = survey.id
        for table in (Survey, Turn, RatingDraft, BallotBox, Proposal):
            assert ratings.session.exec(select(table)).all() == [], table
        assert ratings.opened(now="12-26 10:00", until="12-29").id != number, "its buttons mean nothing any more"

    def test_when_all_panels_are_over_the_sheet_is_complete(self, ratings: Ratings) -> None:
        for panel in ("leaders", "departments", "enterprises", "supervisors"):
            ratings.rater(f"{panel}甲", panel) if panel != "departments" else None
            survey = ratings.opened(panel)
            full = "30" if panel == "leaders" else "10"
            ratings.paper(survey, [full] * 3, [full] * 3)
        assert sheet_of(ratings.session, 2021, ratings.fin).withheld == "open"
        assert one_of(ratings.live("12-25 01:00")[-1:], "rating_closed").facts["still_open"] == []
        assert sheet_of(ratings.session, 2021, ratings.fin).annual == 600_000


class TestDissatisfied:
    def over(self, ratings: Ratings, totals: Iterable[str], year_end: str = END) -> list[Notice]:
        ratings.rater("甲企业")
        survey = ratings.opened(until=year_end)
        ratings.paper(survey, totals, ["10", "10", "10"])
        return ratings.live("12-01 10:01", f"{'2022-' if year_end > '2022' else ''}{year_end[-5:]} 01:00")

    def test_below_the_threshold_a_deduction_is_proposed_to_an_administrator(self, ratings: Ratings) -> None:
        asked = one_of(self.over(ratings, ["5", "6", "6"]), "proposal")
        assert (asked.to.kind, asked.to.id) == ("person", ratings.office.id)
        proposal = ratings.session.exec(select(Proposal)).one()
        assert (proposal.verb, proposal.proposed_by, proposal.why) == ("deduct", None, "rating")
        assert asked.buttons == (("confirm", str(proposal.id)), ("refuse", str(proposal.id)))
        assert asked.facts["preview"]["result"]["points"] == "-5"
        assert not any(mark in proposal.arguments["reason"] for mark in "0123456789")
        act = ratings.zone.act(ratings.office, at("12-25 09:00"))
        acting.run(act, "confirm", proposal=proposal)
        entry = ratings.session.exec(select(LedgerEntry)).one()
        assert (entry.item, entry.department_id, entry.recorded_by) == ("daily.12", ratings.fin.id, ratings.office.id)
        assert entry.confirmed_by is None

    def test_at_the_threshold_or_on_too_few_ballots_nothing_is(self, ratings: Ratings) -> None:
        assert "proposal" not in [one.kind for one in self.over(ratings, ["6", "6", "6"])]

    def test_two_ballots_tell_nothing(self, ratings: Ratings) -> None:
        assert "proposal" not in [one.kind for one in self.over(ratings, ["0", "0", "-"])]

    def test_it_can_be_refused(self, ratings: Ratings) -> None:
        self.over(ratings, ["1", "1", "1"])
        proposal = ratings.session.exec(select(Proposal)).one()
        acting.run(ratings.zone.act(ratings.office, at("12-25 09:00")), "refuse", proposal=proposal, reason="已核实")
        assert proposal.state == "refused"
        assert ratings.session.exec(select(LedgerEntry)).all() == []

    def test_nobody_confirms_it_for_his_own_department(self, ratings: Ratings) -> None:
        ratings.fin.office = True
        ratings.session.add(ratings.fin)
        ratings.session.flush()
        leading = ratings.zone.person("孙主任", Role.LEADING_GROUP)
        asked = [one for one in self.over(ratings, ["1", "1", "1"]) if one.kind == "proposal"]
        assert [one.to.id for one in asked] == [leading.id]
        proposal = ratings.session.exec(select(Proposal)).one()
        with pytest.raises(Refusal, match="not_yours_to_decide"):
            acting.run(ratings.zone.act(ratings.office, at("12-25 09:00")), "confirm", proposal=proposal)
        acting.run(ratings.zone.act(leading, at("12-25 09:00")), "confirm", proposal=proposal)
        assert ratings.session.exec(select(LedgerEntry)).one().item == "daily.12"

    def test_a_rating_that_ends_in_january_weighs_on_the_year_that_was_rated(self, ratings: Ratings) -> None:
        asked = one_of(self.over(ratings, ["1", "1", "1"], "2022-01-11"), "proposal")
        assert asked.facts["preview"]["result"]["year"] == 2021
        assert asked.facts["arguments"]["happened"] == "2021-12-31T23:59:59+08:00"
