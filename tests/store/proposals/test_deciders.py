"""Who the second person may be: nobody of the very department, and the office for a member unit (SPEC 6)."""

import pytest

from store import commands
from store.acting import Proposed, confirm, run
from store.commands import Act, command
from store.errors import Refusal
from store.people import Role, appoint, dismiss
from store.proposals import Proposal
from tests.store.proposals.conftest import NOW, Marked, Zone


class TestOwnDepartment:
    def test_the_office_does_not_judge_itself(self, zone: Zone) -> None:
        li, chen = (zone.person(name, Role.ADMINISTRATOR) for name in ("李强", "陈静"))
        leader = zone.person("周主任", Role.LEADING_GROUP)
        proposed = run(zone.act(li), "mark", department=zone.gov, reason="无人")
        assert (proposed.need.role, proposed.need.why, proposed.need.deciders) == (
            "leading_group", "own_department", ("周主任",),
        )  # fmt: skip
        with pytest.raises(Refusal, match="not_yours_to_decide"):
            confirm(zone.act(chen), zone.proposal(1))
        confirm(zone.act(leader), zone.proposal(1))
        assert zone.gov.aliases == "无人"

    def test_an_administrator_who_is_a_liaison_elsewhere_too(self, zone: Zone) -> None:
        li = zone.person("李强", Role.ADMINISTRATOR)
        appoint(zone.session, li, Role.LIAISON, NOW, zone.fin.id)
        assert run(zone.act(li), "mark", department=zone.fin).need.why == "own_department"

    def test_nobody_leaves_a_department_to_decide_on_it(self, zone: Zone) -> None:
        li, chen = (zone.person(name, Role.ADMINISTRATOR) for name in ("李强", "陈静"))
        appointment = appoint(zone.session, li, Role.LIAISON, NOW, zone.fin.id)
        dismiss(zone.session, appointment, NOW)
        assert run(zone.act(li), "mark", department=zone.fin).need.why == "own_department"
        run(zone.act(chen), "strike", department=zone.fin)
        with pytest.raises(Refusal, match="not_yours_to_decide"):
            confirm(zone.act(li), zone.proposal(2))

    def test_a_leader_of_the_very_department_does_not_decide(self, zone: Zone) -> None:
        li = zone.person("李强", Role.ADMINISTRATOR)
        zone.person("孙局长", Role.LEADING_GROUP, zone.gov)
        zone.person("周主任", Role.LEADING_GROUP)
        assert run(zone.act(li), "mark", department=zone.gov).need.deciders == ("周主任",)

    def test_what_weighs_on_nobody_needs_nobody(self, zone: Zone) -> None:
        li = zone.person("李强", Role.ADMINISTRATOR)
        assert run(zone.act(li), "look", department=zone.gov) == ""

    def test_the_department_of_an_argument_counts(self, zone: Zone) -> None:
        """An entry or an obligation of one's own department is one's own department's."""
        li = zone.person("李强", Role.ADMINISTRATOR)

        @commands.converter(Proposal)
        def _read(_act: Act, text: str) -> Proposal:
            return zone.proposal(int(text))

        @command("touch", changes=True, weighs_on_department=True)
        def touch(act: Act, thing: Proposal) -> str:
            """Touch."""
            return "done"

        things = [
            Proposal(verb="x", arguments={}, department_id=one.id, proposed_by=li.id, proposed_at=NOW, needs="", why="")
            for one in (zone.gov, zone.fin)
        ]
        zone.session.add_all(things)
        zone.session.flush()
        assert isinstance(run(zone.act(li), "touch", thing=things[0]), Proposed)
        assert run(zone.act(li), "touch", thing=things[1]) == "done"


class TestMemberUnits:
    def test_a_member_unit_proposes_and_the_office_confirms(self, zone: Zone) -> None:
        unit = zone.person("纪工委", Role.MEMBER_UNIT)
        li = zone.person("李强", Role.ADMINISTRATOR)
        proposed = run(zone.act(unit), "mark", department=zone.fin, reason="作风")
        assert (proposed.need.role, proposed.need.why, proposed.need.deciders) == (
            "administrator", "member_unit", ("李强",),
        )  # fmt: skip
        assert zone.fin.aliases == ""
        confirm(zone.act(li), zone.proposal(1))
        assert zone.fin.aliases == "作风"

    def test_on_the_office_itself_the_leading_group_confirms(self, zone: Zone) -> None:
        unit = zone.person("纪工委", Role.MEMBER_UNIT)
        zone.person("李强", Role.ADMINISTRATOR)
        zone.person("周主任", Role.LEADING_GROUP)
        need = run(zone.act(unit), "mark", department=zone.gov).need
        assert (need.role, need.deciders) == ("leading_group", ("周主任",))

    def test_a_member_unit_that_is_an_administrator_too_acts_as_one(self, zone: Zone) -> None:
        unit = zone.person("纪工委", Role.MEMBER_UNIT)
        appoint(zone.session, unit, Role.ADMINISTRATOR, NOW)
        assert isinstance(run(zone.act(unit), "mark", department=zone.fin), Marked)
