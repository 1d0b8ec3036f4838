"""Who decides alone, who needs a second person, and what becomes of a proposal (SPEC 6)."""

from datetime import datetime

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from store import audit
from store.acting import Decided, Figures, Proposed, confirm, preview, previews_with, refuse, run
from store.commands import Act
from store.db import transaction
from store.errors import Refusal
from store.notices import Audience
from store.people import Department, Person, Role, appointments_of, dismiss
from store.proposals import Proposal, awaiting, deciders
from tests.store.proposals.conftest import NOW, Marked, Zone


class TestAlone:
    def test_an_administrator_acts_alone_on_another_department(self, zone: Zone) -> None:
        li = zone.person("李强", Role.ADMINISTRATOR)
        act = zone.act(li)
        assert run(act, "mark", department=zone.fin, reason="无人") == Marked("财政局", "无人")
        assert [one.kind for one in act.notices] == ["marked"]
        [row] = audit.records(zone.session)
        assert (row.verb, row.arguments, row.outcome) == ("mark", {"department": "fin", "reason": "无人"}, "done")
        assert (row.actor_id, row.actor_name, row.via, row.department_id) == (li.id, "李强", "chat", zone.fin.id)

    def test_the_command_line_is_recorded_with_the_user_of_the_system(self, zone: Zone) -> None:
        run(zone.act(zone.person("李强", Role.ADMINISTRATOR), "command line"), "mark", department=zone.fin)
        [row] = audit.records(zone.session)
        assert (row.via, row.system_user) == ("command line", "root")

    @pytest.mark.parametrize("role", [Role.LIAISON, Role.HEAD, Role.LEADING_GROUP])
    def test_others_may_not(self, zone: Zone, role: Role) -> None:
        person = zone.person("王芳", role, zone.fin if role != Role.LEADING_GROUP else None)
        for ask in (run, preview):
            with pytest.raises(Refusal) as refused:
                ask(zone.act(person), "mark", department=zone.fin)
            assert (refused.value.code, refused.value.facts) == ("not_allowed", {"verb": "mark"})
        assert zone.fin.aliases == ""

    def test_nobody_does_anything_in_a_role_that_has_ended(self, zone: Zone) -> None:
        zone.person("甲", Role.ADMINISTRATOR)
        li = zone.person("李强", Role.ADMINISTRATOR)
        dismiss(zone.session, appointments_of(zone.session, li)[0], NOW)
        with pytest.raises(Refusal, match="not_allowed"):
            run(zone.act(li), "mark", department=zone.fin)

    def test_looking_is_not_recorded_and_needs_nobody(self, zone: Zone) -> None:
        wang = zone.person("王芳", Role.LIAISON, zone.fin)
        assert run(zone.act(wang), "look", department=zone.fin) == ""
        assert audit.records(zone.session) == []

    def test_what_is_for_the_chat_only_is_refused_on_the_command_line(self, zone: Zone) -> None:
        li = zone.person("李强", Role.ADMINISTRATOR)
        assert run(zone.act(li), "whisper") == "…"
        with pytest.raises(Refusal, match="chat_only"):
            run(zone.act(li, "command line"), "whisper")

    def test_what_is_refused_leaves_no_trace(self, zone: Zone) -> None:
        with pytest.raises(Refusal, match="impossible"):
            run(zone.act(zone.person("李强", Role.ADMINISTRATOR)), "mark", department=zone.fin, reason="不可能")
        assert audit.records(zone.session) == []


class TestPreview:
    def test_it_shows_what_would_be_and_keeps_nothing(self, zone: Zone) -> None:
        @previews_with
        def figures(session: Session, department: Department, year: int | None, now: datetime) -> Figures:
            marks = session.exec(select(Department.aliases).where(Department.id == department.id)).one()
            return Figures(daily=str(40 - len(marks)), bonus="0.00", total=None, grade="pending", grade_title=None)

        act = zone.act(zone.person("李强", Role.ADMINISTRATOR))
        seen = preview(act, "mark", department=zone.fin, reason="无人值守")
        assert (seen.before.daily, seen.after.daily) == ("40", "36")
        assert (seen.department, seen.need, seen.result.marks) == ("财政局", None, "无人值守")
        assert [(one.code, one.facts) for one in seen.cautions] == [("look_twice", {"reason": "无人值守"})]
        assert (act.notices, act.cautions) == ([], [])
        assert audit.records(zone.session) == []
        assert zone.session.exec(select(Department.aliases).where(Department.id == zone.fin.id)).one() == ""

    def test_it_refuses_what_the_act_would_refuse(self, zone: Zone) -> None:
        with pytest.raises(Refusal, match="impossible"):
            preview(zone.act(zone.person("李强", Role.ADMINISTRATOR)), "mark", department=zone.fin, reason="不可能")

    def test_it_says_who_would_have_to_confirm(self, zone: Zone) -> None:
        li = zone.person("李强", Role.ADMINISTRATOR)
        zone.person("陈静", Role.ADMINISTRATOR)
        need = preview(zone.act(li), "strike", department=zone.fin).need
        assert (need.role, need.why, need.deciders) == ("administrator", "second_person", ("陈静",))
        assert zone.session.exec(select(Proposal)).all() == []


class TestTwoPersons:
    def test_what_takes_two_waits_for_another_administrator(self, zone: Zone) -> None:
        li, chen = (zone.person(name, Role.ADMINISTRATOR) for name in ("李强", "陈静"))
        act = zone.act(li)
        proposed = run(act, "strike", department=zone.fin, reason="问责")
        assert isinstance(proposed, Proposed)
        assert (proposed.need.role, proposed.need.why, proposed.need.deciders) == (
            "administrator", "second_person", ("陈静",),
        )  # fmt: skip
        assert zone.fin.aliases == ""
        [notice] = act.notices
        assert (notice.kind, notice.to) == ("proposal", Audience("person", chen.id))
        assert notice.buttons == (("confirm", "1"), ("refuse", "1"))
        assert notice.facts["proposer"] == "李强"
        assert notice.facts["preview"]["result"]["marks"] == "问责"

        second = zone.act(chen)
        decided = confirm(second, zone.proposal(1))
        assert isinstance(decided, Decided)
        assert (decided.outcome, decided.proposer, decided.decided_by) == ("confirmed", "李强", "陈静")
        assert decided.result == Marked("财政局", "问责")
        assert [(one.kind, one.to) for one in second.notices] == [
            ("marked", Audience("department", zone.fin.id)),
            ("proposal_decided", Audience("person", li.id)),
        ]
        assert [(one.actor_name, one.verb, one.outcome) for one in audit.records(zone.session)] == [
            ("陈静", "strike", "confirmed #1"),
            ("李强", "strike", "proposed #1"),
        ]

    def test_it_may_depend_on_what_is_asked(self, zone: Zone) -> None:
        li, _ = (zone.person(name, Role.ADMINISTRATOR) for name in ("李强", "陈静"))
        assert isinstance(run(zone.act(li), "weigh", department=zone.fin, reason="轻"), Marked)
        assert isinstance(run(zone.act(li), "weigh", department=zone.fin, reason="重"), Proposed)

    def test_nobody_confirms_his_own_proposal(self, zone: Zone) -> None:
        li, _ = (zone.person(name, Role.ADMINISTRATOR) for name in ("李强", "陈静"))
        run(zone.act(li), "strike", department=zone.fin)
        for decide in (
            lambda: confirm(zone.act(li), zone.proposal(1)),
            lambda: refuse(zone.act(li), zone.proposal(1), "不"),
        ):
            with pytest.raises(Refusal, match="not_yours_to_decide"):
                decide()

    def test_an_administrator_of_the_very_department_does_not_confirm(self, zone: Zone) -> None:
        li, _ = (zone.person(name, Role.ADMINISTRATOR) for name in ("李强", "陈静"))
        lent = zone.person("赵敏", Role.ADMINISTRATOR, zone.fin)
        proposed = run(zone.act(li), "strike", department=zone.fin)
        assert proposed.need.deciders == ("陈静",)
        with pytest.raises(Refusal, match="not_yours_to_decide"):
            confirm(zone.act(lent), zone.proposal(1))

    def test_confirming_happens_in_chat_only(self, zone: Zone) -> None:
        li, chen = (zone.person(name, Role.ADMINISTRATOR) for name in ("李强", "陈静"))
        run(zone.act(li, "command line"), "strike", department=zone.fin)
        with pytest.raises(Refusal, match="chat_only"):
            confirm(zone.act(chen, "command line"), zone.proposal(1))
        with pytest.raises(Refusal, match="chat_only"):
            run(zone.act(chen, "command line"), "confirm", proposal=zone.proposal(1))

    def test_what_is_decided_is_decided(self, zone: Zone) -> None:
        li, chen = (zone.person(name, Role.ADMINISTRATOR) for name in ("李强", "陈静"))
        run(zone.act(li), "strike", department=zone.fin, reason="问责")
        run(zone.act(chen), "confirm", proposal=zone.proposal(1))
        for decide in ("confirm", "refuse"):
            with pytest.raises(Refusal) as refused:
                run(
                    zone.act(chen),
                    decide,
                    proposal=zone.proposal(1),
                    **({"reason": "不"} if decide == "refuse" else {}),
                )
            assert (refused.value.code, refused.value.facts["state"]) == ("proposal_closed", "confirmed")
        assert zone.fin.aliases == "问责"

    def test_a_refusal_gives_its_reason_and_does_nothing(self, zone: Zone) -> None:
        li, chen = (zone.person(name, Role.ADMINISTRATOR) for name in ("李强", "陈静"))
        run(zone.act(li), "strike", department=zone.fin)
        with pytest.raises(Refusal, match="reason_needed"):
            refuse(zone.act(chen), zone.proposal(1), "  ")
        act = zone.act(chen)
        decided = refuse(act, zone.proposal(1), "证据不足")
        assert (decided.outcome, decided.reason, decided.result) == ("refused", "证据不足", None)
        assert zone.fin.aliases == ""
        [notice] = act.notices
        assert (notice.to, notice.facts["reason"]) == (Audience("person", li.id), "证据不足")

    def test_what_cannot_be_is_refused_when_it_is_proposed(self, zone: Zone) -> None:
        li, _ = (zone.person(name, Role.ADMINISTRATOR) for name in ("李强", "陈静"))
        with pytest.raises(Refusal, match="impossible"):
            run(zone.act(li), "strike", department=zone.fin, reason="不可能")
        assert zone.session.exec(select(Proposal)).all() == []

    def test_a_proposal_of_somebody_dismissed_since_is_not_confirmed(self, zone: Zone) -> None:
        li, chen = (zone.person(name, Role.ADMINISTRATOR) for name in ("李强", "陈静"))
        run(zone.act(li), "strike", department=zone.fin)
        dismiss(zone.session, appointments_of(zone.session, li)[0], NOW)
        with pytest.raises(Refusal, match="proposer_not_in_office"):
            confirm(zone.act(chen), zone.proposal(1))
        assert zone.proposal(1).state == "open"


class TestOneAdministrator:
    def test_the_leading_group_is_the_second_person(self, zone: Zone) -> None:
        only = zone.person("李强", Role.ADMINISTRATOR)
        leader = zone.person("周主任", Role.LEADING_GROUP)
        proposed = run(zone.act(only), "strike", department=zone.fin, reason="问责")
        assert (proposed.need.role, proposed.need.deciders) == ("leading_group", ("周主任",))
        confirm(zone.act(leader), zone.proposal(1))
        assert zone.fin.aliases == "问责"

    def test_it_steps_in_when_the_other_administrator_has_left(self, zone: Zone) -> None:
        li, chen = (zone.person(name, Role.ADMINISTRATOR) for name in ("李强", "陈静"))
        leader = zone.person("周主任", Role.LEADING_GROUP)
        run(zone.act(li), "strike", department=zone.fin)
        with pytest.raises(Refusal, match="not_yours_to_decide"):
            confirm(zone.act(leader), zone.proposal(1))
        dismiss(zone.session, appointments_of(zone.session, chen)[0], NOW)
        assert deciders(zone.session, zone.proposal(1), NOW) == [leader]
        confirm(zone.act(leader), zone.proposal(1))

    def test_without_a_leading_group_it_waits(self, zone: Zone) -> None:
        only = zone.person("李强", Role.ADMINISTRATOR)
        act = zone.act(only)
        assert run(act, "strike", department=zone.fin).need.deciders == ()
        assert act.notices == []
        leader = zone.person("周主任", Role.LEADING_GROUP)
        assert [one.id for one in awaiting(zone.session, leader, NOW)] == [1]


def test_of_two_who_decide_at_once_one_finds_it_closed(engine: Engine) -> None:
    with transaction(engine) as session:
        zone = Zone(session)
        li, chen, zhao = (zone.person(name, Role.ADMINISTRATOR) for name in ("李强", "陈静", "赵敏"))
        run(zone.act(li), "strike", department=zone.fin, reason="问责")
    # Both have read it while it was open.
    with Session(engine, expire_on_commit=False) as early, early.begin():
        stale = early.get_one(Proposal, 1)
        early.expunge(stale)
    with transaction(engine) as session:
        confirm(Act(session, NOW, session.get_one(Person, chen.id), "chat"), session.get_one(Proposal, 1))
    with transaction(engine) as session:
        session.add(stale)
        with pytest.raises(Refusal, match="proposal_closed"):
            confirm(Act(session, NOW, session.get_one(Person, zhao.id), "chat"), stale)
        assert session.get_one(Department, 1).aliases == "问责"
