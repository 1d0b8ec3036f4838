"""The verb ``verify``: the ledger's chain, or a frozen result, for which the file alone is enough."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Annotated, Any

from sqlmodel import Session, col, select

from scoring import frozen, ledger
from scoring.chain import Break
from scoring.frozen import FrozenFault
from scoring.result_tables import ResultSet
from store import uploads
from store.commands import Act, command, converter
from store.people import Role
from store.uploads import Upload

FrozenResult = Annotated[Upload, "frozen result"]
"""The file of a frozen result."""


@dataclass(frozen=True)
class Verified:
    """The ledger's state. ``fault`` is None for a whole one; else it is what is wrong with entry ``number``: "changed",
    "missing", "inserted", "unlinked" or "cut off". For a whole ledger ``number`` and ``hash`` are its head's.
    """

    number: int
    hash: str | None
    fault: str | None


@dataclass(frozen=True)
class FileVerified:
    """A frozen result. ``fault`` is None where every figure follows from the file and its hash fits; else a code of
    ``FrozenFault``, found in ``line``, with ``facts``. ``known``: the state of the result with this hash in this
    house, None where there is none.
    """

    file: str
    fault: str | None
    line: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    said: str = ""
    hash: str | None = None
    year: int | None = None
    scheme: str | None = None
    departments: int = 0
    entries: int = 0
    frozen_at: str | None = None
    ledger: int | None = None
    ledger_hash: str | None = None
    known: str | None = None


@converter(FrozenResult, write=uploads.written, words=2)
def _file(act: Act, text: str) -> Upload:
    return uploads.given(act, text)


@command("verify", words=("核验",), roles=(Role.ADMINISTRATOR, Role.LEADING_GROUP), group="ledger")
def verify(act: Act, file: FrozenResult | None = None) -> Verified | FileVerified:
    """Check the ledger's hash chain from its first entry to its head, or a frozen result's file, figure by figure."""
    if file is not None:
        return _verified(act.session, file)
    found = ledger.verify(act.session)
    if isinstance(found, Break):
        return Verified(found.number, None, found.fault)
    return Verified(found[0], found[1], None)


def _verified(session: Session, file: Upload) -> FileVerified:
    try:
        checked = frozen.check(BytesIO(file.content))
    except FrozenFault as fault:
        return FileVerified(file.name, fault.code, fault.line, fault.facts, str(fault))
    header = checked.header
    query = select(ResultSet.state).where(ResultSet.hash == checked.hash).order_by(col(ResultSet.id).desc())
    return FileVerified(
        file=file.name,
        fault=None,
        hash=checked.hash,
        year=header["year"],
        scheme=checked.rulebook.title,
        departments=len(checked.departments),
        entries=checked.entries,
        frozen_at=header["frozen_at"],
        ledger=header["ledger"].get("number"),
        ledger_hash=header["ledger"].get("sha256"),
        known=session.exec(query).first(),
    )
