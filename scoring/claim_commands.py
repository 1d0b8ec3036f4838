"""The verbs about bonus claims (加分申报): claiming, the queue, granting and refusing."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time
from typing import Annotated, Any

from scoring import claims
from scoring.claim_tables import BonusClaim
from scoring.commands import Posted, look_out, post_entry, title_key
from scoring.items import Bonus
from scoring.points import plain as plain_points
from scoring.rulebook import RuleBook
from scoring.standings import current_year, in_force
from store import uploads
from store.commands import Act, Choice, Rest, command, converter, to_json
from store.errors import Refusal
from store.notices import Audience, Notice
from store.people import Department, Person, Role, roles_of, speaks_for
from store.times import CHINA, iso_china
from store.uploads import Upload
from store.words import Day, whole_number

_SEES_ALL = frozenset({Role.ADMINISTRATOR, Role.LEADING_GROUP})
_SPEAKS = frozenset({Role.LIAISON, Role.HEAD})

Link = Annotated[str, "link"]
"""The address of a report."""

Proof = Annotated[Upload, "proof"]
"""A report, a certificate, or a picture of it: kept with the claim."""

_LINK = re.compile(
    r"(?:https?://|www\.)\S+|[\w-]+(?:\.[\w-]+)*\.(?:cn|com|net|org|gov|edu)(?:[/:?]\S*)?", re.IGNORECASE
)


@dataclass(frozen=True)
class ClaimShown:
    """A claim. ``found`` are the clause's keywords that were found, None where it asks for none (``keywords`` is empty
    then). ``full``: caps at which one more earns nothing, (what, points). ``points``: of one.
    """

    number: int
    year: int
    code: str
    department: str
    item: str
    item_title: str
    points: str
    title: str
    happened_at: datetime
    link: str | None
    file_name: str | None
    keywords: tuple[str, ...]
    found: tuple[str, ...] | None
    full: tuple[tuple[str, str], ...]
    raised_by: str
    raised_at: datetime
    state: str
    decided_by: str | None
    decided_at: datetime | None
    reason: str
    entry: int | None


@dataclass(frozen=True)
class ClaimList:
    """The open claims (``everyone``), or all that a department has made; ``own``: for whom the reader may claim."""

    everyone: bool
    claims: tuple[ClaimShown, ...]
    own: tuple[str, ...]
    own_codes: tuple[str, ...]


@dataclass(frozen=True)
class ClaimDecided:
    """A claim that was granted (``posted`` is its entry) or refused."""

    number: int
    year: int
    code: str
    department: str
    claim: ClaimShown
    decision: str
    reason: str
    decided_by: str
    proposed_by: str | None
    posted: Posted | None


@converter(Link)
def _link(_act: Act, text: str) -> str:
    said = text.strip()
    if not _LINK.fullmatch(said):
        raise Refusal("link_unknown", text=text)
    return said


@converter(Proof, write=uploads.written, words=2)
def _proof(act: Act, text: str) -> Upload:
    if not text.startswith(uploads.KEPT):
        raise Refusal("file_needed")
    return uploads.given(act, text)


def _offered(act: Act, _given: Mapping[str, Any]) -> list[Choice]:
    names = {one.id: f"#{one.id} {shown(act, one).department} {one.title}" for one in claims.open_claims(act.session)}
    return [Choice(f"#{number}", label[:48]) for number, label in names.items()]


@converter(BonusClaim, write=lambda claim: f"#{claim.id}", choices=_offered)
def _claim(act: Act, text: str) -> BonusClaim:
    number = whole_number(text)
    if number is None:
        raise Refusal("claim_unknown", text=text)
    return claims.claim_numbered(act.session, number)


def shown(act: Act, claim: BonusClaim) -> ClaimShown:
    """A claim in words and figures, as they now are."""
    session = act.session
    rulebook, department = in_force(session, claim.year), session.get_one(Department, claim.department_id)
    item = rulebook.items[claim.item]
    full = claims.caps_reached(session, rulebook, claim.year, department, item) if claim.state == "open" else []
    decider = session.get(Person, claim.decided_by) if claim.decided_by is not None else None
    return ClaimShown(
        number=claim.id or 0,
        year=claim.year,
        code=department.code,
        department=department.name,
        item=item.code,
        item_title=item.title,
        points=plain_points(item.weight(department.kind)),
        title=claim.title,
        happened_at=claim.happened_at,
        link=claim.link,
        file_name=claim.file_name,
        keywords=claims.keywords_of(rulebook, item),
        found=tuple(claim.found) if claim.found is not None else None,
        full=tuple(full),
        raised_by=session.get_one(Person, claim.raised_by).name,
        raised_at=claim.raised_at,
        state=claim.state,
        decided_by=decider.name if decider else None,
        decided_at=claim.decided_at,
        reason=claim.reason,
        entry=claim.entry_id,
    )


@command("claim", words=("加分申报", "申报清单"), roles=_SEES_ALL | _SPEAKS, group="ledger")
def list_claims(act: Act) -> ClaimList:
    """Bonus claims that wait for a decision. Departments see all of their own."""
    own = speaks_for(act.session, act.actor)
    everyone = bool(_SEES_ALL & roles_of(act.session, act.actor))
    found = claims.open_claims(act.session)
    if not everyone:
        found = [claim for unit in own for claim in claims.of_department(act.session, unit.id)]
    return ClaimList(
        everyone=everyone,
        claims=tuple(shown(act, one) for one in found),
        own=tuple(one.name for one in own),
        own_codes=tuple(one.code for one in own),
    )


@command("claim add", words=("申报加分",), roles=_SPEAKS, changes=True, chat_only=True, group="ledger")
def add_claim(
    act: Act,
    item: Bonus,
    happened: Day,
    link: Link | None = None,
    file: Proof | None = None,
    *,
    title: Rest,
    department: Department | None = None,
) -> ClaimShown:
    """Claim a bonus for the own department, with a link or a file; an administrator grants or refuses it."""
    session = act.session
    own = speaks_for(session, act.actor)
    if department is None and len(own) != 1:
        raise Refusal("department_needed", like=[one.name for one in own])
    department = department or own[0]
    if department.id not in {one.id for one in own}:
        raise Refusal("not_your_department", department=department.name)
    happened_at = datetime.combine(happened, time(), CHINA)
    if happened_at > act.now:
        raise Refusal("not_yet", instant=iso_china(happened_at))
    if link is None and file is None:
        raise Refusal("claim_evidence_needed")
    year = current_year(session, happened_at)
    rulebook = in_force(session, year)
    look_out(act, rulebook, year, department, item, title)
    _same_claim(act, rulebook, department, title)
    keywords = claims.keywords_of(rulebook, item)
    inside = claims.text_of(file.name, file.content) if file is not None and keywords else None
    found = claims.found_in(keywords, [title, inside or ""]) if keywords else None
    if keywords and not found:
        act.caution(
            "keywords_missing", keywords=list(keywords), file=file.name if file else None, read=inside is not None
        )
    claim = BonusClaim(
        year=year, department_id=department.id, item=item.code, title=title, happened_at=happened_at, link=link,
        file_name=file.name if file else None, file=file.sha256 if file else None, found=found,
        raised_by=act.actor.id, raised_at=act.now,
    )  # fmt: skip
    if act.rehearsal:
        # A row made only to be undone would cost a number: PostgreSQL gives none out twice.
        return shown(act, claim)
    session.add(claim)
    session.flush()
    result = shown(act, claim)
    number = str(claim.id)
    buttons = [("claim_grant", number), ("claim_refuse", number)]
    buttons += [("claim_file", number)] if file else []
    act.notify(Notice("claim_raised", Audience("administrators"), to_json(result), buttons=tuple(buttons)))
    return result


def _same_claim(act: Act, rulebook: RuleBook, department: Department, title: str, number: int | None = None) -> None:
    for earlier in claims.of_department(act.session, department.id):
        if earlier.state == "open" and earlier.id != number and title_key(earlier.title) == title_key(title):
            act.caution("same_claim", claim=earlier.id, item=rulebook.items[earlier.item].title, title=earlier.title)


@command("claim grant", words=("同意申报", "核准申报"), changes=True, weighs_on_department=True, group="ledger")
def grant_claim(act: Act, claim: BonusClaim, item: Bonus | None = None) -> ClaimDecided:
    """Grant a claim: the bonus is entered, under another item if one is named."""
    session = act.session
    department = session.get_one(Department, claim.department_id)
    rulebook = in_force(session, claim.year)
    by, proposed_by = (act.confirmed_by, act.actor) if act.confirmed_by else (act.actor, None)
    claims.close(session, claim, "granted", act.now, by=by, proposed_by=proposed_by)
    _same_claim(act, rulebook, department, claim.title, claim.id)
    if claim.found == []:
        keywords = claims.keywords_of(rulebook, rulebook.items[claim.item])
        read = claims.looked_into(claim.file_name)
        act.caution("keywords_missing", keywords=list(keywords), file=claim.file_name, read=read)
    evidence = "；".join(one for one in (f"申报#{claim.id}", claim.link, claim.file_name) if one)
    posted = post_entry(
        act, department, item or rulebook.items[claim.item], 1, claim.title, claim.happened_at, evidence, None
    )
    claim.entry_id = posted.number
    session.add(claim)
    session.flush()
    return _decided(act, claim, "granted", "", by, proposed_by, posted)


@command("claim refuse", words=("不同意申报", "驳回申报"), changes=True, weighs_on_department=True, group="ledger")
def refuse_claim(act: Act, claim: BonusClaim, reason: Rest) -> ClaimDecided:
    """Refuse a claim, with a reason that the department is told."""
    if not reason.strip():
        raise Refusal("reason_needed")
    by, proposed_by = (act.confirmed_by, act.actor) if act.confirmed_by else (act.actor, None)
    claims.close(act.session, claim, "refused", act.now, by=by, proposed_by=proposed_by, reason=reason)
    result = _decided(act, claim, "refused", reason, by, proposed_by, None)
    act.tell(Audience("department", claim.department_id), "claim_refused", result)
    return result


def _decided(
    act: Act,
    claim: BonusClaim,
    decision: str,
    reason: str,
    by: Person,
    proposed_by: Person | None,
    posted: Posted | None,
) -> ClaimDecided:
    now = shown(act, claim)
    return ClaimDecided(
        number=claim.id,
        year=claim.year,
        code=now.code,
        department=now.department,
        claim=replace(now, full=()),
        decision=decision,
        reason=reason.strip(),
        decided_by=by.name,
        proposed_by=proposed_by.name if proposed_by else None,
        posted=posted,
    )
