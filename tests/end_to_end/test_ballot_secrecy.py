"""What a rating leaves behind: everything a thief of the database, its logs and its backups would have to look through.

Seven leaders rate six departments, each in another way and each with scores that nobody else gives: if they can be
found anywhere once the rating is over, so can the ballot they belong to. While drafts are open the same search finds
them, which shows that it can.
"""

import io
import re
import sqlite3
import struct
import zipfile
from collections.abc import Sequence
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text
from sqlmodel import Session, col, select

from scoring.survey_tables import BallotBox, RatingDraft, Seat, Survey, Turn
from store.inbox import InboxState, InboxUpdate
from tests.end_to_end.polling import (
    ASSISTED,
    FORM,
    LEFT,
    LINES,
    NOW,
    PAPERS,
    RATERS,
    SCORES,
    TAPS,
    TOTALS,
    UNITS,
    Polling,
    ballot,
    polling,
    said,
)

if TYPE_CHECKING:
    from tests.end_to_end.conftest import Warm

GAP = rb"[^0-9.]{1,60}(?:6[^0-9.]{1,40})?"
"""Between two scores of a line: commas, quotes, tags, the name of the next aspect, and how much there is of it."""


@cache
def lines() -> re.Pattern[bytes]:
    """Every line and total that anybody gives, each person's under his number; looked for where a number begins."""
    own = [
        b"|".join(
            GAP.join(re.escape(said(one)).encode() for one in ballot(rater, place)) for place in range(len(UNITS))
        )
        for rater in (*RATERS, *PAPERS)
    ]
    anybody = b"|".join(b"(?P<r%d>%s)" % one for one in enumerate(own))
    return re.compile(rb"(?<![0-9.])(?=[0-9])(?=(?:" + anybody + rb")(?![0-9]))")


def traces(content: bytes) -> set[str]:
    """Whose lines or totals can be found in some bytes, in files packed within them too."""
    found = {
        (*RATERS, *PAPERS)[int((match.lastgroup or "r0").removeprefix("r"))] for match in lines().finditer(content)
    }
    for end in re.finditer(rb"PK\x05\x06", content):
        found |= _unpacked(content, end.start())
    return found


def _unpacked(content: bytes, end: int) -> set[str]:
    """The same of a spreadsheet that ends here."""
    size, offset = struct.unpack_from("<II", content, end + 12)
    try:
        with zipfile.ZipFile(io.BytesIO(content[end - size - offset : end + 22])) as packed:
            sheets = [packed.read(name) for name in packed.namelist() if "worksheets/" in name]
    except zipfile.BadZipFile:
        return set()
    return set().union(*(traces(re.sub(rb"<[^>]*>", b" ", sheet)) for sheet in sheets))


def dead_scores(session: Session, chat_id: int, number: int) -> None:
    """A typed line whose handling failed three times: it waits for an administrator."""
    session.add(
        InboxUpdate(
            update_id=number,
            chat_id=chat_id,
            payload='{"message":{"text":"' + " ".join(map(said, SCORES[LINES])) + '"}}',
            received_at=NOW,
            state=InboxState.DEAD,
            error="ValueError: 4.25 3.75 2.5 5.25 1.75",
        )
    )


EVERYBODY = {*RATERS, *PAPERS}


async def rated(stage: Polling, order: Sequence[str]) -> None:
    """A whole rating: everybody gives his scores, all but one submit, one after another in this order; it is closed.

    On the way the search is shown to find what is there to be found.
    """
    for name in order:
        await stage.rates(name)
    await stage.says(LINES, "财政局 7.25 6.75 6.5 6.25 6.15")
    await stage.paper()
    stage.read(lambda session: dead_scores(session, stage.people[LINES].id, 77))
    # Paper ballots lie compressed in a file, and totals are one number.
    assert traces(stage.told()) == EVERYBODY
    assert traces(stage.backed_up("drafts.db")) == set()
    for name in order:
        if name == LEFT:
            continue
        await stage.submits(name)
        here = traces(stage.told())
        assert name not in here, f"{name} has submitted"
        assert LEFT in here
    await stage.confirms_paper()
    assert traces(stage.told()) == {LEFT}
    assert traces(stage.backed_up("some.db")) == set()
    unfinished = stage.shown(LEFT)
    await stage.administer("结束评议 领导")
    for _ in range(2):
        stage.sandbox.advance(minutes=30)
        await stage.settled()
    # A late tap still brings along what its card said.
    late = await stage.people[LEFT].forge(unfinished, unfinished.buttons[-1].data or "")
    await late.answered()
    await stage.settled()
    assert stage.read(lambda session: session.exec(select(Survey)).one().closed_at) is not None


def boxes(session: Session) -> list[tuple[int, dict[str, int], int]]:
    found = session.exec(select(BallotBox).order_by(col(BallotBox.department_id)))
    return [(one.department_id, one.marks, one.abstained) for one in found]


def counted(place: int) -> dict[str, int]:
    """The marks that a department's box should hold: sums, in ten-thousandths of a point."""
    marks = [round(sum(ballot(name, place)) * 10_000) for name in (*RATERS, *PAPERS) if name != LEFT]
    texts = [str(one) for one in marks]
    return {one: texts.count(one) for one in sorted(texts)}


def nothing_joins(stage: Polling) -> None:
    """Fails where anything in the tables says more of a ballot than its mark."""
    told = stage.told()
    assert traces(told) == set()
    assert not re.search(rb"b:\d+:\d+:\d+:[a-z]", told)
    assert not [one for one in stage.files if one[len(one) // 2 :][:24] in told]
    assert b"6.15" not in told, "a line that was refused"
    assert stage.read(lambda session: session.exec(select(RatingDraft)).all()) == []
    assert stage.read(lambda session: session.exec(text("SELECT count(*) FROM draft")).one()) == (0,)
    assert stage.read(lambda session: session.exec(text("SELECT count(*) FROM blob")).one()) == (0,)
    assert set(BallotBox.__table__.columns.keys()) == {"survey_id", "department_id", "marks", "abstained"}
    assert set(Turn.__table__.columns.keys()) == {"survey_id", "seat_id", "state"}
    turns = stage.read(
        lambda session: session.exec(select(Seat.name, Turn.state).join(Turn, col(Turn.seat_id) == col(Seat.id))).all()
    )
    assert dict(turns) == {name: "started" if name == LEFT else "submitted" for name in RATERS}
    found = stage.read(boxes)
    assert [marks for _, marks, _ in found] == [counted(place) for place in range(len(UNITS))]
    assert all(list(marks) == sorted(marks) for _, marks, _ in found)
    # Nobody who has submitted has anything left but that he did: no word of what passed between him and the bot.
    chats = [stage.people[name].id for name in (*RATERS, "代办")]
    said_in = stage.read(
        lambda session: session.exec(select(InboxUpdate.payload).where(col(InboxUpdate.chat_id).in_(chats))).all()
    )
    assert {re.sub(r'.*"text":"(.*?)".*', r"\1", one) for one in said_in} <= {"{}", "/start", "打分"}


def raw_boxes(path: Path) -> list[tuple[Any, ...]]:
    """The boxes byte by byte, with the numbers of their rows, in the order in which the file has them."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as copy:
        return copy.execute(
            "SELECT rowid, survey_id, department_id, CAST(marks AS BLOB), abstained FROM ballot_box"
        ).fetchall()


@pytest.fixture(scope="module")
def kept() -> dict[str, list[tuple[Any, ...]]]:
    """The boxes of the orders that have been tried."""
    return {}


@pytest.mark.parametrize("order", [RATERS, (LEFT, ASSISTED, TOTALS, FORM, LINES, TAPS)], ids=["one", "another"])
async def test_nothing_joins_a_ballot_to_a_person_or_to_another_ballot(
    warm: "Warm", sqlite_url: str, tmp_path: Path, order: Sequence[str], kept: dict[str, list[tuple[Any, ...]]]
) -> None:
    async with polling(warm, sqlite_url, tmp_path) as stage:
        await rated(stage, order)
        nothing_joins(stage)
        on_disk = stage.bytes_on_disk()
        assert traces(on_disk) == set()
        assert not re.search(rb"b:\d+:\d+:\d+:[a-z]", on_disk)
        assert not [one for one in stage.files for part in (3, 2) if one[len(one) // part :][:24] in on_disk]
        assert stage.log()
        assert traces(stage.log()) == set()
        assert not re.search(rb"b:\d+:\d+:\d+:[a-z]", stage.log())
        copied = stage.backed_up("after.db")
        assert traces(copied) == set()
        kept["|".join(order)] = raw_boxes(tmp_path / "after.db")
    first, *others = kept.values()
    assert all(one == first for one in others), "the order of submission shows"


async def test_nothing_joins_a_ballot_to_a_person_in_the_tables_of_postgresql(
    warm: "Warm", postgres_url: str, tmp_path: Path
) -> None:
    async with polling(warm, postgres_url, tmp_path) as stage:
        await rated(stage, RATERS)
        nothing_joins(stage)
        assert traces(stage.log()) == set()
        assert traces(stage.backed_up("after.db")) == set()
