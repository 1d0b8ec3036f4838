"""Review of entries: who may ask, until when, what becomes of it, and that it is decided once."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session

from scoring import appeals, ledger
from scoring.appeals import Piece
from scoring.cards import card_of, figures_of, rank_list
from scoring.tables import LedgerEntry
from store.errors import Refusal
from store.people import Department, Person, Role
from store.times import CHINA

NOW = datetime(2021, 4, 6, 10, tzinfo=CHINA)
LAST = datetime(2021, 4, 14, tzinfo=CHINA)
"""The end of the fifth working day after 6 April 2021, with only week-ends in between."""


def after(day: date, number: int) -> date:
    """Working days as they are in a month without holidays."""
    while number:
        day += timedelta(days=1)
        number -= day.weekday() < 5
    return day


@pytest.fixture
def zhang(cast: Any, fin: Department) -> Person:
    return cast.person("张三", Role.LIAISON, fin)


@pytest.fixture
def chen(cast: Any) -> Person:
    return cast.person("陈静", Role.ADMINISTRATOR)


def entry_of(session: Session, department: Department, item: str = "daily.7", **more: Any) -> LedgerEntry:
    return ledger.post(
        session, department_id=department.id, year=2021, item=item, count=1, happened_at=NOW, recorded_at=NOW,
        source="admin", **more,
    )  # fmt: skip


def refused(session: Session, entry: LedgerEntry, department: Department, at: datetime = NOW) -> str | None:
    try:
        appeals.check(session, entry, department.id, at, after)
    except Refusal as refusal:
        return refusal.code
    return None


class TestTheTime:
    def test_it_runs_from_the_first_notice_that_arrived(self, zone: Session, fin: Department) -> None:
        entry = entry_of(zone, fin)
        appeals.arrived(zone, appeals.topic_of([entry.id]), NOW)
        appeals.arrived(zone, appeals.topic_of([entry.id]), NOW + timedelta(days=3))
        assert appeals.told_at(zone, entry) == NOW
        assert appeals.until(zone, entry, after) == LAST

    def test_the_last_day_counts_in_full_and_what_comes_at_its_end_is_late(
        self, zone: Session, fin: Department
    ) -> None:
        entry = entry_of(zone, fin)
        appeals.arrived(zone, appeals.topic_of([entry.id]), NOW)
        assert refused(zone, entry, fin, LAST - timedelta(microseconds=1)) is None
        assert refused(zone, entry, fin, LAST) == "appeal_too_late"

    def test_it_has_not_begun_while_nobody_was_reached(self, zone: Session, fin: Department) -> None:
        entry = entry_of(zone, fin)
        assert appeals.until(zone, entry, after) is None
        assert refused(zone, entry, fin, NOW + timedelta(days=200)) is None

    def test_a_notice_of_several_entries_begins_the_time_of_each(self, zone: Session, fin: Department) -> None:
        entries = [entry_of(zone, fin) for _ in range(3)]
        appeals.arrived(zone, appeals.topic_of([entries[0].id, entries[2].id]), NOW)
        assert [appeals.told_at(zone, one) for one in entries] == [NOW, None, NOW]

    def test_other_messages_begin_nothing(self, zone: Session, fin: Department) -> None:
        entry = entry_of(zone, fin)
        for topic in ("hand_in:1", "obligation:1", "reminder:1"):
            appeals.arrived(zone, topic, NOW)
        assert appeals.told_at(zone, entry) is None


class TestWhatMayBeAsked:
    def test_only_the_department_itself(self, zone: Session, fin: Department, com: Department) -> None:
        assert refused(zone, entry_of(zone, fin), com) == "appeal_not_yours"

    def test_not_a_bonus_nor_what_was_taken_back(self, zone: Session, fin: Department) -> None:
        assert refused(zone, entry_of(zone, fin, "bonus.2.city"), fin) == "appeal_nothing_lost"
        entry = entry_of(zone, fin)
        reversal = ledger.reverse(zone, entry, now=NOW, source="admin")
        assert refused(zone, entry, fin) == "appeal_not_standing"
        assert refused(zone, reversal, fin) == "appeal_not_standing"

    def test_a_veto(self, zone: Session, fin: Department) -> None:
        assert refused(zone, entry_of(zone, fin, "veto.1"), fin) is None

    def test_once_at_a_time_and_once_decided_not_again(
        self, zone: Session, fin: Department, zhang: Person, chen: Person
    ) -> None:
        entry = entry_of(zone, fin)
        appeal = appeals.raise_appeal(zone, entry, zhang, [Piece(text="有误")], sent_at=NOW)
        assert refused(zone, entry, fin) == "appeal_open_already"
        appeals.decide(zone, appeal, accept=False, reason="属实", by=chen, now=NOW)
        assert refused(zone, entry, fin) == "appeal_decided"

    def test_again_after_it_was_withdrawn(self, zone: Session, fin: Department, zhang: Person) -> None:
        entry = entry_of(zone, fin)
        appeal = appeals.raise_appeal(zone, entry, zhang, [Piece(text="有误")], sent_at=NOW)
        appeals.withdraw(zone, appeal, zhang, NOW)
        assert refused(zone, entry, fin) is None
        with pytest.raises(Refusal, match="appeal_closed"):
            appeals.withdraw(zone, appeal, zhang, NOW)

    def test_the_list_has_what_check_allows(
        self, zone: Session, fin: Department, com: Department, zhang: Person
    ) -> None:
        late, told, silent, veto, asked = (
            entry_of(zone, fin), entry_of(zone, fin), entry_of(zone, fin), entry_of(zone, fin, "veto.1"),
            entry_of(zone, fin),
        )  # fmt: skip
        entry_of(zone, fin, "bonus.2.city")
        entry_of(zone, com)
        ledger.reverse(zone, entry_of(zone, fin), now=NOW, source="admin")
        appeals.told(zone, late.id, NOW - timedelta(days=30))
        appeals.told(zone, told.id, NOW)
        appeals.raise_appeal(zone, asked, zhang, [Piece(text="有误")], sent_at=NOW)
        found = appeals.reviewable(zone, fin.id, NOW, after)
        assert [(one.entry.id, one.until) for one in found] == [(veto.id, None), (silent.id, None), (told.id, LAST)]


class TestDeciding:
    def test_accepted_it_is_a_reversal_of_source_appeal(
        self, zone: Session, fin: Department, zhang: Person, chen: Person
    ) -> None:
        entry = entry_of(zone, fin)
        appeal = appeals.raise_appeal(zone, entry, zhang, [Piece(text="有误")], sent_at=NOW)
        before = card_of(zone, fin, 2021)
        assert (before.daily, before.grade, before.disputed) == ("37.00", "pending", 1)
        reversal = appeals.decide(zone, appeal, accept=True, reason=" 记录有误 ", by=chen, now=NOW)
        assert reversal is not None
        assert (reversal.source, reversal.reverses_id, reversal.recorded_by) == ("appeal", entry.id, chen.id)
        assert (reversal.reason, reversal.evidence) == ("记录有误", {"appeal": appeal.id})
        assert (appeal.state, appeal.decided_by, appeal.reversal_id) == ("accepted", chen.id, reversal.id)
        now = card_of(zone, fin, 2021)
        assert (now.daily, now.disputed) == ("40.00", 0)

    def test_where_one_proposed_and_another_decided_both_stand_there(
        self, zone: Session, fin: Department, zhang: Person, chen: Person, cast: Any
    ) -> None:
        li = cast.person("李强", Role.ADMINISTRATOR)
        entry = entry_of(zone, fin, recorded_by=chen.id)
        appeal = appeals.raise_appeal(zone, entry, zhang, [Piece(text="有误")], sent_at=NOW)
        reversal = appeals.decide(zone, appeal, accept=True, reason="有误", by=li, proposed_by=chen, now=NOW)
        assert reversal is not None
        assert (appeal.decided_by, appeal.proposed_by) == (li.id, chen.id)
        assert (reversal.recorded_by, reversal.confirmed_by) == (chen.id, li.id)

    def test_refused_the_entry_stands_and_the_reason_stays(
        self, zone: Session, fin: Department, zhang: Person, chen: Person
    ) -> None:
        entry = entry_of(zone, fin)
        appeal = appeals.raise_appeal(zone, entry, zhang, [Piece(text="有误")], sent_at=NOW)
        assert appeals.decide(zone, appeal, accept=False, reason="材料不足", by=chen, now=NOW) is None
        assert ledger.stands(zone, entry)
        assert (appeal.state, appeal.reason) == ("refused", "材料不足")

    def test_not_without_a_reason_and_not_twice(
        self, zone: Session, fin: Department, zhang: Person, chen: Person
    ) -> None:
        appeal = appeals.raise_appeal(zone, entry_of(zone, fin), zhang, [Piece(text="有误")], sent_at=NOW)
        with pytest.raises(Refusal, match="reason_needed"):
            appeals.decide(zone, appeal, accept=True, reason="  ", by=chen, now=NOW)
        appeals.decide(zone, appeal, accept=False, reason="属实", by=chen, now=NOW)
        with pytest.raises(Refusal, match="appeal_closed"):
            appeals.decide(zone, appeal, accept=True, reason="改主意", by=chen, now=NOW)
        assert ledger.head(zone)[0] == 1

    def test_what_is_taken_back_otherwise_ends_it_and_the_department_hears_of_it(
        self, zone: Session, fin: Department, zhang: Person
    ) -> None:
        entry = entry_of(zone, fin)
        appeal = appeals.raise_appeal(zone, entry, zhang, [Piece(text="有误")], sent_at=NOW)
        reversal = ledger.reverse(zone, entry, now=NOW, source="auto")
        [notice] = appeals.settled_otherwise(zone, entry, NOW)
        assert (notice.kind, notice.to.kind, notice.to.id) == ("appeal_settled", "department", fin.id)
        assert (appeal.state, appeal.decided_by, appeal.reversal_id) == ("accepted", None, reversal.id)
        assert appeals.settled_otherwise(zone, entry, NOW) == []
        assert card_of(zone, fin, 2021).disputed == 0

    def test_who_recorded_or_confirmed_it_judged_it_by_hand(
        self, zone: Session, fin: Department, chen: Person, cast: Any
    ) -> None:
        unit = cast.person("纪工委", Role.MEMBER_UNIT)
        entry = entry_of(zone, fin, recorded_by=unit.id, confirmed_by=chen.id)
        assert appeals.judged_by_hand(entry) == {unit.id, chen.id}
        assert appeals.judged_by_hand(entry_of(zone, fin)) == frozenset()


def test_the_thread_keeps_words_and_files_in_order(zone: Session, fin: Department, zhang: Person) -> None:
    photo = Piece("截图", "photo", "照片7.jpg", "F1", 1024, 5, 7)
    appeal = appeals.raise_appeal(zone, entry_of(zone, fin), zhang, [Piece(text="有误"), photo], sent_at=NOW)
    appeals.say(zone, appeal, zhang, Piece(text="再补一份"), at=NOW + timedelta(hours=1))
    said = [(one.text, one.file_kind, one.file_name, one.file_id) for one in appeals.thread_of(zone, appeal)]
    assert said == [
        ("有误", None, None, None), ("截图", "photo", "照片7.jpg", "F1"), ("再补一份", None, None, None),
    ]  # fmt: skip


def test_lists_and_previews_say_how_many_entries_are_under_review(
    zone: Session, fin: Department, com: Department, zhang: Person
) -> None:
    for entry in (entry_of(zone, fin), entry_of(zone, fin), entry_of(zone, com)):
        if entry.department_id == fin.id:
            appeals.raise_appeal(zone, entry, zhang, [Piece(text="有误")], sent_at=NOW)
    for by in ("total", "daily"):
        rows = {row.code: (row.grade, row.disputed) for row in rank_list(zone, 2021, by).rows}
        assert rows["fin"] == ("pending", 2)
        assert rows["com"][1] == 0
    figures = figures_of(zone, fin, 2021, NOW)
    assert figures is not None
    assert (figures.grade, figures.disputed) == ("pending", 2)
