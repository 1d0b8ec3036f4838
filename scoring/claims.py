"""Bonus claims (加分申报): the keywords of the clause, the caps that are reached, granting and refusing."""

import html
import io
import re
import zipfile
from collections.abc import Iterable
from datetime import datetime

from sqlmodel import Session, col, select, update

from scoring.claim_tables import BonusClaim
from scoring.points import plain as plain_points
from scoring.rulebook import Item, RuleBook
from scoring.standings import sheet_of
from store.errors import Refusal
from store.people import Department, Person
from store.words import plain

LISTED = 20
"""Claims of one department in a list, the latest."""
READ = 4 * 1024 * 1024
"""Characters or bytes of a file that are looked through; a press report has fewer by far."""

_TAG = re.compile(r"<[^<>]*>")
_READABLE = (".docx", ".txt", ".html", ".htm")


def keywords_of(rulebook: RuleBook, item: Item) -> tuple[str, ...]:
    """What a report must contain one of for this item (scheme 3(3)); empty where its clause does not say so."""
    clause = rulebook.clauses.get(item.clause)
    return clause.keywords if clause else ()


def found_in(keywords: Iterable[str], texts: Iterable[str]) -> list[str]:
    """The keywords that stand in the texts, in their own order; width, case and white space make no difference."""
    said = "\n".join(map(_bare, texts))
    return [word for word in keywords if _bare(word) in said]


def _bare(text: str) -> str:
    return plain(text).casefold().replace(" ", "")


def looked_into(name: str | None) -> bool:
    """Whether a file of this name is one whose words are looked through."""
    return name is not None and name.lower().endswith(_READABLE)


def text_of(name: str, content: bytes) -> str | None:
    """The words of a .docx, .txt or .html file; None for a file that cannot be read."""
    if not looked_into(name):
        return None
    if name.lower().endswith(".docx"):
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as parts, parts.open("word/document.xml") as body:
                content = body.read(READ)
        except (zipfile.BadZipFile, KeyError, OSError, RuntimeError, NotImplementedError, EOFError, ValueError):
            return None
    text = _decoded(content[:READ])
    return text if name.lower().endswith(".txt") else html.unescape(_TAG.sub("", text))


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        # The last character may have been cut in two; else it is what Chinese offices write besides.
        return content.decode("utf-8" if len(content) == READ else "gb18030", errors="replace")


def caps_reached(
    session: Session, rulebook: RuleBook, year: int, department: Department, item: Item
) -> list[tuple[str, str]]:
    """The caps at which one more of a bonus earns nothing: what is full, and at how many points."""
    if item.kind != "bonus":
        return []
    sheet = sheet_of(session, year, department)
    net = dict.fromkeys(rulebook.items, 0)
    for line in sheet.lines:
        if line.code in net and line.kind in {"entry", "highest_only", "item_cap"} and isinstance(line.points, int):
            net[line.code] += line.points
    limits = [(item.title, net[item.code], item.cap_for(department.kind))]
    limits += [
        (group.title, sum(net[code] for code in group.items), group.cap_for(department.kind))
        for group in rulebook.groups.values()
        if item.code in group.items
    ]
    if item.block is not None:
        block = rulebook.blocks[item.block]
        limits.append((block.title, int(sheet.blocks[item.block] or 0), block.cap_for(department.kind)))
    return [(title, plain_points(cap)) for title, net_points, cap in limits if cap is not None and net_points >= cap]


def claim_numbered(session: Session, number: int) -> BonusClaim:
    """Raises Refusal claim_unknown."""
    claim = session.get(BonusClaim, number)
    if claim is None:
        raise Refusal("claim_unknown", text=str(number))
    return claim


def open_claims(session: Session) -> list[BonusClaim]:
    """The queue, oldest first."""
    return list(session.exec(select(BonusClaim).where(BonusClaim.state == "open").order_by(col(BonusClaim.id))))


def of_department(session: Session, department_id: int) -> list[BonusClaim]:
    """What a department has claimed, the latest first, up to ``LISTED``."""
    query = select(BonusClaim).where(BonusClaim.department_id == department_id).order_by(col(BonusClaim.id).desc())
    return list(session.exec(query.limit(LISTED)))


def close(
    session: Session,
    claim: BonusClaim,
    state: str,
    now: datetime,
    *,
    by: Person,
    proposed_by: Person | None,
    reason: str = "",
) -> None:
    """Compare and set: of two who decide at the same instant, one finds it closed. Raises Refusal claim_closed."""
    values = {
        "state": state, "decided_by": by.id, "proposed_by": proposed_by.id if proposed_by else None,
        "decided_at": now, "reason": reason.strip(),
    }  # fmt: skip
    query = update(BonusClaim).where(col(BonusClaim.id) == claim.id, col(BonusClaim.state) == "open")
    closed = session.connection().execute(query.values(**values))
    session.refresh(claim)
    if closed.rowcount != 1:
        raise Refusal("claim_closed", claim=claim.id, state=claim.state)
