"""Handing in: when it was sent counts, the first one decides, and nothing that came in time is charged."""

import pytest

from scheduler import hand_ins
from scheduler.hand_ins import FileSent
from scheduler.obligations import decide_hold
from scheduler.settlement import open_hold
from scheduler.tables import HandIn, HandInState, Obligation
from store.errors import Refusal
from store.people import Department
from tests.scheduler.conftest import Zone, at

LADDER = ("03-26 09:00", "04-02 09:00")


def refused(code: str) -> "pytest.RaisesExc[Refusal]":
    return pytest.raises(Refusal, match=f"^{code}")


def test_what_comes_before_its_obligation_opens_counts(zone: Zone, fin: Department) -> None:
    obligation = zone.owes(fin, "2021-05")
    done = zone.hand_in(obligation, "02-01 10:00")
    assert (done.first, done.on_time, done.late) == (True, True, False)
    zone.live("05-27 09:00", "06-02 09:00", "06-03 00:10")
    assert obligation.opened_at is not None
    assert not [one for one in zone.entries() if one[1] == "2021-05"]


@pytest.mark.parametrize(("sent", "on_time"), [("04-02 23:59:59", True), ("04-03 00:00:00", False)])
def test_the_instant_of_sending_decides(zone: Zone, march: Obligation, sent: str, on_time: bool) -> None:
    zone.live(*LADDER)
    done = zone.hand_in(march, sent, read="04-03 00:05")
    assert (done.on_time, done.late) == (on_time, not on_time)
    zone.live("04-03 00:20")
    assert bool(zone.entries()) is not on_time


def test_a_later_one_supplements_and_never_makes_it_late(zone: Zone, march: Obligation) -> None:
    zone.live(*LADDER)
    zone.hand_in(march, "04-02 10:00")
    zone.live("04-03 00:10")
    later = zone.hand_in(march, "04-07 10:00")
    assert (later.first, later.on_time, later.late) == (False, True, True)
    zone.live("04-07 10:10")
    assert zone.entries() == []


def test_a_text_or_file_without_context_waits_and_counts_from_when_it_was_sent(zone: Zone, march: Obligation) -> None:
    zone.live(*LADDER)
    waiting = hand_ins.hand_in(
        zone.frame,
        None,
        department_id=march.department_id,
        sent_at=at("04-02 23:00"),
        recorded_at=at("04-02 23:00"),
        person_id=1,
        kind="file",
        files=[FileSent("三月.docx", file_id="F1", size=1000)],
    )
    zone.live("04-03 00:10")
    assert zone.entries()[0][4] is True
    assert waiting.hand_in.state == HandInState.WAITING
    done = hand_ins.assign(zone.frame, waiting.hand_in, march, now=at("04-03 10:00"))
    assert done.on_time
    assert zone.entries()[0][4] is False
    again = hand_ins.assign(zone.frame, waiting.hand_in, march, now=at("04-03 10:01"))
    assert (again.hand_in.id, again.first) == (waiting.hand_in.id, False)
    other = zone.owes(zone.session.get_one(Department, march.department_id), "2021-04")
    with refused("hand_in_elsewhere"):
        hand_ins.assign(zone.frame, waiting.hand_in, other, now=at("04-03 10:02"))


class TestClaims:
    """Said weeks after sending what it is for: a person looks at it before it undoes anything."""

    def waiting(self, zone: Zone, march: Obligation) -> HandIn:
        zone.live(*LADDER)
        sent = at("04-01 10:00")
        one = hand_ins.hand_in(
            zone.frame, None, department_id=march.department_id, sent_at=sent, recorded_at=sent, person_id=1,
            kind="file", files=[FileSent("三月.docx", file_id="F1", size=1000)],
        ).hand_in  # fmt: skip
        zone.live("04-03 00:10", "04-06 09:00")
        return one

    def claimed(self, zone: Zone, march: Obligation) -> HandIn:
        one = self.waiting(zone, march)
        done = hand_ins.assign(zone.frame, one, march, now=at("04-20 10:00"))
        assert (done.claimed, done.on_time, one.state, march.handed_in_at) == (True, None, HandInState.WAITING, None)
        assert zone.entries()[0][4] is True, "the deduction stands until somebody has decided"
        [notice] = [each for each in zone.live("04-20 10:01") if each.kind == "held"]
        assert notice.facts["lines"][0]["why"] == "claim"
        return one

    def test_within_a_week_it_simply_counts(self, zone: Zone, march: Obligation) -> None:
        done = hand_ins.assign(zone.frame, self.waiting(zone, march), march, now=at("04-08 09:59"))
        assert (done.claimed, done.on_time, zone.entries()[0][4]) == (False, True, False)

    def test_later_an_administrator_lets_it_count(self, zone: Zone, march: Obligation) -> None:
        one = self.claimed(zone, march)
        hold, notices = decide_hold(zone.frame, march, "exempt", now=at("04-21 10:00"))
        assert (hold.ended_why, one.state, march.on_time) == ("decided", HandInState.COUNTED, True)
        assert zone.entries()[0][4] is False
        assert [each.kind for each in notices] == ["reversed"]
        assert march.exempted_at is None
        assert open_hold(zone.session, march) is None

    def test_or_does_not(self, zone: Zone, march: Obligation) -> None:
        one = self.claimed(zone, march)
        decide_hold(zone.frame, march, "deduct", now=at("04-21 10:00"))
        assert (one.state, march.handed_in_at) == (HandInState.DROPPED, None)
        assert [entry[4] for entry in zone.entries()] == [True]
        assert zone.live("04-21 10:01") == []

    def test_meanwhile_it_is_not_to_be_changed_and_nothing_is_claimed_twice(
        self, zone: Zone, march: Obligation
    ) -> None:
        one = self.claimed(zone, march)
        with refused("hand_in_claimed"):
            hand_ins.assign(zone.frame, one, march, now=at("04-20 10:02"))
        with refused("hand_in_claimed"):
            hand_ins.drop(zone.session, one)
        decide_hold(zone.frame, march, "deduct", now=at("04-21 10:00"))
        sent = at("04-01 11:00")
        other = hand_ins.hand_in(
            zone.frame, None, department_id=march.department_id, sent_at=sent, recorded_at=sent, person_id=1,
            kind="file", files=[FileSent("又一份.docx", file_id="F2", size=1000)],
        ).hand_in  # fmt: skip
        with refused("claim_decided"):
            hand_ins.assign(zone.frame, other, march, now=at("04-22 10:00"))

    def test_what_undoes_nothing_counts_however_late(self, zone: Zone, march: Obligation) -> None:
        one = self.waiting(zone, march)
        zone.hand_in(march, "04-01 09:00", read="04-06 10:00")
        done = hand_ins.assign(zone.frame, one, march, now=at("04-20 10:00"))
        assert (done.claimed, done.first, one.state) == (False, False, HandInState.COUNTED)


def test_what_its_sender_drops_does_not_count(zone: Zone, march: Obligation) -> None:
    one = hand_ins.hand_in(
        zone.frame, march, department_id=march.department_id, sent_at=at("04-01 10:00"), recorded_at=at("04-01 10:00"),
        person_id=1, kind="text", text="收到", confirmed=False,
    )  # fmt: skip
    hand_ins.drop(zone.session, one.hand_in)
    assert one.hand_in.state == HandInState.DROPPED
    assert march.handed_in_at is None
    with refused("hand_in_gone"):
        hand_ins.assign(zone.frame, one.hand_in, march, now=at("04-01 10:01"))
    counted = zone.hand_in(march, "04-01 11:00")
    with refused("hand_in_counts"):
        hand_ins.drop(zone.session, counted.hand_in)


def test_it_can_be_withdrawn_until_the_deadline_only(zone: Zone, march: Obligation) -> None:
    zone.live("03-26 09:00")
    first = zone.hand_in(march, "03-30 10:00")
    second = zone.hand_in(march, "03-31 10:00")
    hand_ins.withdraw(zone.frame, first.hand_in, now=at("04-01 08:00"))
    assert march.handed_in_at == at("03-31 10:00")
    hand_ins.withdraw(zone.frame, second.hand_in, now=at("04-01 08:30"))
    assert march.handed_in_at is None
    assert [one.kind for one in zone.live("04-01 09:00")] == ["reminder"], "it is owed again"
    with refused("hand_in_gone"):
        hand_ins.withdraw(zone.frame, first.hand_in, now=at("04-01 10:00"))
    third = zone.hand_in(march, "04-02 10:00")
    with refused("withdraw_too_late"):
        hand_ins.withdraw(zone.frame, third.hand_in, now=at("04-03 00:00"))


def test_a_nil_report_only_where_the_rule_book_allows_it(zone: Zone) -> None:
    com = zone.department("com", "商务局", duties=("publicity_ledger", "quarterly_summary"))
    done = zone.hand_in(zone.owes(com, "2021-03", "publicity_ledger"), "04-01 10:00", kind="nil")
    assert done.on_time
    with refused("nil_not_allowed"):
        zone.hand_in(zone.owes(com, "2021Q1", "quarterly_summary"), "04-01 10:00", kind="nil")


def test_nothing_is_sent_in_the_future(zone: Zone, march: Obligation) -> None:
    with refused("sent_in_future"):
        zone.hand_in(march, "04-02 10:00", read="04-01 10:00")


def test_files_of_an_album_are_one_hand_in(zone: Zone, march: Obligation) -> None:
    numbers = set()
    for number, size in enumerate((1000, 25 * 1024 * 1024)):
        done = hand_ins.hand_in(
            zone.frame, march, department_id=march.department_id, sent_at=at("04-01 10:00"),
            recorded_at=at("04-01 10:00"), person_id=1, kind="file", album="A", chat_id=1,
            files=[FileSent(f"{number}.xlsx", file_id=f"F{number}", size=size)], text="3月工作动态" if number else None,
        )  # fmt: skip
        numbers.add(done.hand_in.id)
    assert len(numbers) == 1
    # Whichever of its messages has the caption.
    assert done.hand_in.text == "3月工作动态"
    files = hand_ins.files_of(zone.session, done.hand_in)
    assert [(one.name, one.fetch_error) for one in files] == [("0.xlsx", None), ("1.xlsx", "too_large")]


class TestReturned:
    """退回: the first hand-in's timeliness stands; a correction that does not come by its date is held."""

    @pytest.fixture
    def returned(self, zone: Zone, march: Obligation) -> Obligation:
        zone.live(*LADDER)
        zone.hand_in(march, "04-02 10:00")
        hand_ins.send_back(
            zone.frame, march, reason="内容不实", due_at=at("04-10 00:00"), now=at("04-06 10:00"), by=None
        )
        return march

    def test_corrected_in_time(self, zone: Zone, returned: Obligation) -> None:
        assert zone.hand_in(returned, "04-09 23:00").corrects
        zone.live("04-10 00:10", "04-12 09:00")
        assert (zone.entries(), zone.held()) == ([], [])

    def test_missed(self, zone: Zone, returned: Obligation) -> None:
        zone.live("04-10 00:09")
        assert zone.held() == []
        zone.live("04-10 00:10", "04-10 00:11")
        assert (zone.entries(), zone.held()) == ([], [(returned.department_id, "2021-03", "correction")])

    def test_too_late_is_held_all_the_same(self, zone: Zone, returned: Obligation) -> None:
        assert not zone.hand_in(returned, "04-10 00:00").corrects
        zone.live("04-10 00:20")
        assert len(zone.held()) == 1

    def test_sent_in_time_and_read_late_ends_the_hold(self, zone: Zone, returned: Obligation) -> None:
        zone.live("04-10 00:10")
        assert zone.hand_in(returned, "04-09 22:00", read="04-10 09:00").corrects
        assert zone.held() == []

    def test_a_second_return_sets_the_date_anew(self, zone: Zone, returned: Obligation) -> None:
        hand_ins.send_back(
            zone.frame, returned, reason="再补", due_at=at("04-15 00:00"), now=at("04-08 10:00"), by=None
        )
        zone.live("04-10 00:10")
        assert zone.held() == []
        zone.live("04-15 00:10")
        assert len(zone.held()) == 1

    def test_impossible_returns(self, zone: Zone, returned: Obligation, fin: Department) -> None:
        with refused("date_passed"):
            hand_ins.send_back(zone.frame, returned, reason="x", due_at=at("04-06"), now=at("04-06 10:00"), by=None)
        with refused("nothing_handed_in"):
            hand_ins.send_back(
                zone.frame, zone.owes(fin, "2021-04"), reason="x", due_at=at("05-20"), now=at("04-06"), by=None
            )
