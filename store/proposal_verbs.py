"""The verbs about what waits for a second person: the list, confirming, refusing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from store import acting, people
from store.acting import Decided
from store.commands import Act, Choice, Rest, command, converter
from store.people import Department, Person, Role
from store.proposals import Proposal, awaiting, deciders, open_proposals
from store.words import numbered

_DECIDES = (Role.ADMINISTRATOR, Role.LEADING_GROUP)


@dataclass(frozen=True)
class ProposalRow:
    """An open proposal. ``proposer`` is "" where the bot proposed it. ``yours``: whoever asks may decide it."""

    number: int
    verb: str
    arguments: dict[str, str]
    department: str | None
    proposer: str
    proposed_at: datetime
    needs: str
    why: str
    deciders: tuple[str, ...]
    yours: bool


@dataclass(frozen=True)
class ProposalList:
    rows: tuple[ProposalRow, ...]


def _awaiting(act: Act, _given: Mapping[str, Any]) -> list[Choice]:
    return [
        Choice(f"#{one.id}", " ".join((f"#{one.id}", *one.arguments.values()))[:60])
        for one in awaiting(act.session, act.actor, act.now)
    ]


@converter(Proposal, write=lambda proposal: f"#{proposal.id}", choices=_awaiting)
def _proposal(act: Act, text: str) -> Proposal:
    return numbered(act, Proposal, text, "proposal_unknown")


@command("proposals", words=("待确认",), roles=(*_DECIDES, Role.MEMBER_UNIT), group="people")
def list_proposals(act: Act) -> ProposalList:
    """What waits for a second person, and who that may be. Member units see their own."""
    mine = {one.id for one in awaiting(act.session, act.actor, act.now)}
    sees_all = set(_DECIDES) & people.roles_of(act.session, act.actor)
    return ProposalList(
        tuple(
            ProposalRow(
                number=one.id,
                verb=one.verb,
                arguments=one.arguments,
                department=act.session.get_one(Department, one.department_id).name if one.department_id else None,
                proposer=act.session.get_one(Person, one.proposed_by).name if one.proposed_by is not None else "",
                proposed_at=one.proposed_at,
                needs=one.needs,
                why=one.why,
                deciders=tuple(person.name for person in deciders(act.session, one, act.now)),
                yours=one.id in mine,
            )
            for one in open_proposals(act.session)
            if sees_all or one.proposed_by == act.actor.id
        )
    )


@command("confirm", words=("确认", "同意"), roles=_DECIDES, chat_only=True, changes=True, group="people")
def confirm(act: Act, proposal: Proposal) -> Decided:
    """Have done what another person proposed."""
    return acting.confirm(act, proposal)


@command("refuse", words=("驳回", "不同意"), roles=_DECIDES, chat_only=True, changes=True, group="people")
def refuse(act: Act, proposal: Proposal, reason: Rest) -> Decided:
    """Decide against what another person proposed, and tell him why."""
    return acting.refuse(act, proposal, reason)
