"""Who may do what, alone or with whom: the one place where permission is checked, for chat and command line alike."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, update

from store import audit, blobs
from store.commands import VERBS, Act, Caution, Verb, parse, to_json, written
from store.errors import Refusal
from store.notices import Audience, Notice
from store.people import Department, Person, Role, own_departments, roles_of
from store.proposals import ADMINISTRATOR, LEADING_GROUP, Proposal, deciders, second_persons


@dataclass(frozen=True)
class Figures:
    """A department's figures as they are shown. ``grade_title`` is the grade's Chinese name, None while pending;
    ``disputed`` says how many entries it is pending for because they are under review.
    """

    daily: str
    bonus: str
    total: str | None
    grade: str
    grade_title: str | None
    disputed: int = 0


@dataclass(frozen=True)
class Need:
    """Whose confirmation an act needs, why, and the names of those who can give it now.

    ``barred``: ids of those who cannot, because they would judge what they did themselves.
    """

    role: str
    why: str
    deciders: tuple[str, ...]
    barred: frozenset[int] = field(default=frozenset(), metadata={"json": False})


@dataclass(frozen=True)
class Preview:
    """What an act would do, if it were done now. Nothing of it has been kept.

    ``before`` and ``after`` are None for an act that weighs on no department. ``need`` is None for an act that its
    actor does alone. ``result`` is what the verb would return; the number of an entry in it is not promised.
    """

    verb: str
    department: str | None
    before: Figures | None
    after: Figures | None
    cautions: tuple[Caution, ...]
    need: Need | None
    result: Any


@dataclass(frozen=True)
class Proposed:
    """The act waits for a second person as proposal ``number``; ``preview`` is what it would do."""

    number: int
    verb: str
    need: Need
    preview: Preview


@dataclass(frozen=True)
class Decided:
    """A proposal has been confirmed (``result`` is what the verb returned) or refused (``reason`` says why).

    ``proposer`` is "" where the bot proposed it.
    """

    number: int
    verb: str
    outcome: str
    proposer: str
    decided_by: str
    reason: str
    result: Any


FiguresOf = Callable[[Session, Department, int | None, datetime], Figures | None]
_figures_of: list[FiguresOf] = []


def previews_with(hook: FiguresOf) -> FiguresOf:
    """Register how a department's figures are found: (session, department, year or None for the current, now)."""
    _figures_of[:] = [hook]
    return hook


def run(act: Act, verb: Verb | str, /, **given: Any) -> Any:
    """Do what a verb says, or propose it where it takes a second person (returns Proposed).

    Raises Refusal not_allowed, chat_only, or whatever the verb refuses. Acts that change something are written to the
    audit trail in the same transaction.
    """
    verb = _verb(verb)
    permit(act, verb)
    need = _need(act, verb, given)
    if need is not None:
        return _propose(act, verb, given, need)
    result = verb.function(act, **given)
    # A decision on a proposal is in the trail under the verb it decides on.
    if verb.changes and not isinstance(result, Decided):
        _record(act, verb, written(verb, given), _target(given), "done")
    return result


def preview(act: Act, verb: Verb | str, /, **given: Any) -> Preview:
    """What ``run`` would do, found by doing it inside a savepoint that is rolled back. Raises the same refusals."""
    verb = _verb(verb)
    permit(act, verb)
    return _rehearse(act, verb, given, _need(act, verb, given))


def confirm(act: Act, proposal: Proposal) -> Decided:
    """Do what was proposed. Raises Refusal proposal_closed, not_yours_to_decide, proposer_not_in_office, or the
    verb's own.
    """
    verb, proposer = decidable(act, proposal)
    # What the bot proposed is the act of whoever confirms it.
    by, second = (proposer, act.actor) if proposer else (act.actor, None)
    inner = Act(act.session, act.now, by, act.via, act.system_user, confirmed_by=second, notices=act.notices)
    # Whoever proposed must still be one who may: a veto by a dismissed administrator would be a veto by one.
    if proposer is not None and not verb.roles & roles_of(act.session, proposer):
        raise Refusal("proposer_not_in_office", proposal=proposal.id, name=proposer.name)
    _close(act, proposal, "confirmed", "")
    given = parse(inner, verb, proposal.arguments)
    result = verb.function(inner, **given)
    return _decided(act, proposal, proposer, result)


def suggest(
    session: Session, verb: Verb | str, arguments: dict[str, str], department: Department, *, why: str, now: datetime
) -> list[Notice]:
    """The bot itself proposes an act that weighs on ``department``. Returns what is said to those who may decide it;
    whoever confirms is then the one who did it.
    """
    verb = _verb(verb)
    proposal = Proposal(
        verb=verb.name, arguments=arguments, department_id=department.id, proposed_at=now, needs=ADMINISTRATOR, why=why
    )
    session.add(proposal)
    session.flush()
    able = deciders(session, proposal, now)
    if not able:
        return []
    act, need = Act(session, now, able[0], "chat"), Need(ADMINISTRATOR, why, tuple(one.name for one in able))
    seen = _rehearse(act, verb, parse(act, verb, arguments), need)
    return [_asked(proposal, "", seen, person) for person in able]


def refuse(act: Act, proposal: Proposal, reason: str) -> Decided:
    """Decide against a proposal, with a reason for its proposer."""
    _, proposer = decidable(act, proposal)
    if not reason.strip():
        raise Refusal("reason_needed")
    _close(act, proposal, "refused", reason.strip())
    return _decided(act, proposal, proposer, None)


def _verb(verb: Verb | str) -> Verb:
    return VERBS[verb] if isinstance(verb, str) else verb


def permit(act: Act, verb: Verb) -> None:
    """Raises Refusal not_allowed or chat_only for an act that is not this person's to do, or not this way."""
    if not verb.roles & roles_of(act.session, act.actor):
        raise Refusal("not_allowed", verb=verb.name)
    if verb.chat_only and act.via != "chat":
        raise Refusal("chat_only", verb=verb.name)


def _target(given: Mapping[str, Any]) -> int | None:
    """The department an act weighs on: one of its arguments, or the department of one (an entry, an obligation)."""
    for value in given.values():
        if isinstance(value, Department):
            return value.id
        department_id = getattr(value, "department_id", None)
        if isinstance(department_id, int):
            return department_id
    return None


def _need(act: Act, verb: Verb, given: Mapping[str, Any]) -> Need | None:
    """Whose confirmation an act needs; None if its actor decides it alone."""
    target = _target(given) if verb.weighs_on_department else None
    roles, barred = roles_of(act.session, act.actor), verb.barred(act, given)
    if target is not None and target in own_departments(act.session, act.actor, act.now):
        role, why = LEADING_GROUP, "own_department"
    elif Role.MEMBER_UNIT in roles and not (verb.roles - {Role.MEMBER_UNIT}) & roles:
        if not verb.changes:
            return None
        role, why = ADMINISTRATOR, "member_unit"
    elif act.actor.id in barred:
        role, why = ADMINISTRATOR, "own_act"
    elif verb.second_person(act, given):
        role, why = ADMINISTRATOR, "second_person"
    else:
        return None

    def able(role: str) -> list[Person]:
        return second_persons(
            act.session, role, proposer_id=act.actor.id, department_id=target, now=act.now, barred=barred
        )

    found = able(role)
    if not found and role == ADMINISTRATOR:
        # One administrator is in office, or the others may not judge this one: then the leading group decides.
        role = LEADING_GROUP
        found = able(role)
    return Need(role, why, tuple(person.name for person in found), barred)


def _rehearse(act: Act, verb: Verb, given: Mapping[str, Any], need: Need | None) -> Preview:
    department = act.session.get(Department, _target(given)) if verb.weighs_on_department else None
    trial = replace(act, notices=[], cautions=[], rehearsal=True)
    savepoint = act.session.begin_nested()
    try:
        result = verb.function(trial, **given)
        year = getattr(result, "year", None)
        after = _figures(act, department, year)
    finally:
        savepoint.rollback()
        # What was read again inside still shows what has just been undone.
        act.session.expire_all()
    return Preview(
        verb=verb.name,
        department=department.name if department else None,
        before=_figures(act, department, year),
        after=after,
        cautions=tuple(trial.cautions),
        need=need,
        result=result,
    )


def _figures(act: Act, department: Department | None, year: int | None) -> Figures | None:
    if department is None or not _figures_of:
        return None
    return _figures_of[0](act.session, department, year, act.now)


def _propose(act: Act, verb: Verb, given: Mapping[str, Any], need: Need) -> Proposed:
    # What cannot be done is refused now, not when somebody comes to confirm it.
    seen = _rehearse(act, verb, given, need)
    proposal = Proposal(
        verb=verb.name,
        arguments=written(verb, given),
        department_id=_target(given),
        proposed_by=act.actor.id,
        proposed_at=act.now,
        needs=need.role,
        why=need.why,
        barred=sorted(need.barred),
    )
    act.session.add(proposal)
    act.session.flush()
    _record(act, verb, proposal.arguments, proposal.department_id, f"proposed #{proposal.id}")
    for person in deciders(act.session, proposal, act.now):
        act.notify(_asked(proposal, act.actor.name, seen, person))
    return Proposed(proposal.id, verb.name, need, seen)


def _asked(proposal: Proposal, proposer: str, seen: Preview, person: Person) -> Notice:
    facts = {"proposal": proposal.id, "proposer": proposer, "arguments": proposal.arguments, "preview": to_json(seen)}
    number = str(proposal.id)
    return Notice("proposal", Audience("person", person.id), facts, buttons=(("confirm", number), ("refuse", number)))


def decidable(act: Act, proposal: Proposal) -> tuple[Verb, Person | None]:
    """The verb that was proposed and who proposed it (None: the bot), for somebody who may decide on it now. Raises
    Refusal chat_only, proposal_closed or not_yours_to_decide.
    """
    if act.via != "chat":
        raise Refusal("chat_only", verb="confirm")
    if proposal.state != "open":
        raise Refusal("proposal_closed", proposal=proposal.id, state=proposal.state)
    if act.actor.id not in {person.id for person in deciders(act.session, proposal, act.now)}:
        raise Refusal("not_yours_to_decide", proposal=proposal.id, needs=proposal.needs, why=proposal.why)
    proposer = act.session.get_one(Person, proposal.proposed_by) if proposal.proposed_by is not None else None
    return VERBS[proposal.verb], proposer


def _close(act: Act, proposal: Proposal, state: str, reason: str) -> None:
    """Compare and set: of two who decide at the same instant, one finds it closed."""
    closed = act.session.connection().execute(
        update(Proposal)
        .where(col(Proposal.id) == proposal.id, col(Proposal.state) == "open")
        .values(state=state, decided_by=act.actor.id, decided_at=act.now, reason=reason)
    )
    act.session.refresh(proposal)
    if closed.rowcount != 1:
        raise Refusal("proposal_closed", proposal=proposal.id, state=proposal.state)


def _decided(act: Act, proposal: Proposal, proposer: Person | None, result: Any) -> Decided:
    outcome = Decided(
        number=proposal.id,
        verb=proposal.verb,
        outcome=proposal.state,
        proposer=proposer.name if proposer else "",
        decided_by=act.actor.name,
        reason=proposal.reason,
        result=result,
    )
    verb = VERBS[proposal.verb]
    _record(act, verb, proposal.arguments, proposal.department_id, f"{proposal.state} #{proposal.id}")
    for text in proposal.arguments.values() if verb.forgets_files else ():
        blobs.drop(act.session, text)
    if proposer is not None:
        facts = to_json(outcome) | {"arguments": proposal.arguments}
        act.notify(Notice("proposal_decided", Audience("person", proposer.id), facts))
    return outcome


def _record(act: Act, verb: Verb, arguments: dict[str, str], department_id: int | None, outcome: str) -> None:
    audit.record(
        act.session,
        at=act.now,
        actor=act.actor,
        via=act.via,
        system_user=act.system_user,
        verb=verb.name,
        arguments=arguments,
        department_id=department_id,
        outcome=outcome,
    )
