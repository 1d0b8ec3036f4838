"""A rating by seven leaders, the bot a process of its own: who gives what, and how each of them gives it."""

import asyncio
import io
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openpyxl
from sqlalchemy import Engine, text
from sqlmodel import Session, SQLModel, select

from bot import backup, verbs
from sandbox.clock import VirtualClock
from sandbox.facade import PersonView, Sandbox
from sandbox.limits import Limits
from sandbox.views import MessageView
from scheduler.rating_form import paper_form
from scoring import seats
from scoring.loading import load
from scoring.standings import in_force, put_in_force
from scoring.survey_tables import Survey
from store import acting, people, vitals
from store.commands import Act
from store.db import open_engine, transaction
from store.people import Department, Role
from store.times import CHINA
from tests.end_to_end.conftest import Process

if TYPE_CHECKING:
    from tests.end_to_end.conftest import Warm

NOW = datetime(2021, 12, 1, 10, tzinfo=CHINA)
UNITS = ("财政局", "商务局", "政务服务局", "应急局", "社会局", "住建局")
TAPS, LINES, TOTALS, FORM, ASSISTED, LEFT = "王一", "李二", "赵三", "钱四", "孙五", "周六"
RATERS = (TAPS, LINES, TOTALS, FORM, ASSISTED, LEFT)
PAPERS = ("现场票1", "现场票2", "现场票3")

Ballot = tuple[float, ...]

SCORES: dict[str, Ballot] = {
    TAPS: (5.5, 3, 4.5, 2, 1),
    LINES: (4.25, 3.75, 2.5, 5.25, 1.75),
    ASSISTED: (2.25, 4.75, 3.25, 5.75, 0.25),
    FORM: (1.25, 5.25, 0.75, 4.25, 2.75),
    LEFT: (3.35, 1.15, 5.85, 2.45, 4.65),
    PAPERS[0]: (5.15, 2.65, 4.95, 0.35, 3.55),
    PAPERS[1]: (0.45, 1.85, 3.15, 5.35, 2.95),
    PAPERS[2]: (2.05, 0.85, 4.45, 1.35, 5.65),
}
"""What each gives the first department; the others get the same scores in another order, or in other places."""
TOTAL = 21.07
"""What the first department gets of whoever gives totals; each further one a point and a hundredth more."""


def ballot(rater: str, place: int) -> Ballot:
    """What somebody gives the department in this place: the five scores turned, so that every line is one of a kind."""
    if rater == TOTALS:
        return (round(TOTAL + 1.01 * place, 2),)
    own = SCORES[rater]
    turn = place % 5
    turned = own[turn:] + own[:turn]
    return turned if place < 5 else turned[::-1]


def said(score: float) -> str:
    return f"{score:g}"


@dataclass
class Polling:
    """A rating under way, the bot a process of its own."""

    sandbox: Sandbox
    engine: Engine
    bot: Process
    folder: Path
    people: dict[str, PersonView] = field(default_factory=dict)
    files: list[bytes] = field(default_factory=list)
    """Every spreadsheet with scores that anybody sent."""

    def read(self, look: Any) -> Any:
        with transaction(self.engine) as session:
            return look(session)

    async def settled(self) -> None:
        """Waits until the bot has nothing left to do."""
        at = self.sandbox.clock.now().replace(microsecond=0)
        await self.sandbox.idle()
        async with asyncio.timeout(30):
            while not self.read(lambda session: vitals.is_idle(session, at)):  # noqa: ASYNC110 - another process writes
                await asyncio.sleep(0.005)

    async def says(self, who: str, words: str) -> MessageView:
        await self.people[who].send(words)
        await self.settled()
        return self.people[who].from_bot[-1]

    async def card(self, who: str, button: str) -> MessageView:
        """Taps a button of the card, named by its words."""
        person = self.people[who]
        await person.tap(self.shown(who), button)
        await self.settled()
        return self.shown(who)

    def shown(self, who: str) -> MessageView:
        found = [
            one for one in self.people[who].from_bot if any((key.data or "").startswith("b:") for key in one.buttons)
        ]
        return found[-1]

    async def administer(self, words: str) -> MessageView:
        """An administrator says something and confirms it."""
        await self.says("甲", words)
        await self.people["甲"].tap(self.people["甲"].from_bot[-1], "确认")
        await self.settled()
        return self.people["甲"].from_bot[-1]

    async def rates(self, who: str) -> None:
        """Gives every department what he gives, in his own way; submits nothing."""
        speaker = "代办" if who == ASSISTED else who
        shown = await self.says(speaker, "打分")
        if who == FORM:
            await self._by_form(who)
            return
        await self.card(speaker, next(one for one in shown.labels if one.startswith("开始")))
        for place, _ in enumerate(UNITS):
            given = ballot(who, place)
            if who == TAPS:
                await self._by_taps(who, given)
            else:
                await self.says(speaker, " ".join(map(said, given)))

    async def _by_taps(self, who: str, given: Ballot) -> None:
        for aspect, score in enumerate(given):
            data = next(one.data for one in self.shown(who).buttons if (one.data or "").split(":")[4:5] == ["s"])
            survey, seat, card, _, unit = (data or "").removeprefix("b:").split(":")[:5]
            await self.people[who].forge(self.shown(who), f"b:{survey}:{seat}:{card}:s:{unit}:{aspect}:{said(score)}")
        await self.settled()

    async def _by_form(self, who: str) -> None:
        person = self.people[who]
        await person.tap(self.shown(who), "打分表")
        blank = await person.hear(matching=lambda message: bool(message.file_name))
        assert blank.file_id is not None
        book = openpyxl.load_workbook(io.BytesIO(self.sandbox.file(blank.file_id)))
        fill(book.worksheets[0], who)
        await person.send_document("打分表.xlsx", self.saved(book))
        await self.sandbox.until(lambda: any("已读入" in one.text for one in person.from_bot))
        await self.settled()

    def saved(self, book: Any) -> bytes:
        out = io.BytesIO()
        book.save(out)
        self.files.append(out.getvalue())
        return self.files[-1]

    async def submits(self, who: str) -> None:
        speaker = "代办" if who == ASSISTED else who
        if "提交" not in self.shown(speaker).labels:
            await self.card(speaker, "列表")
            await self.card(speaker, "检查并提交")
        await self.card(speaker, "提交")
        await self.people[speaker].tap(self.shown(speaker), "确认提交，不再修改")
        await self.settled()
        assert any("已提交" in one.text for one in self.people[speaker].from_bot)

    async def paper(self) -> None:
        """The ballots from paper are entered by one administrator; they wait for the other."""

        def blank(session: Session) -> bytes:
            survey = session.exec(select(Survey)).one()
            units = [session.get_one(Department, one) for one in survey.departments]
            return paper_form(in_force(session, 2021), "leaders", units, len(PAPERS))

        book = openpyxl.load_workbook(io.BytesIO(self.read(blank)))
        for sheet, name in zip(book.worksheets, PAPERS, strict=True):
            fill(sheet, name)
        first = self.people["甲"]
        await self.says("甲", "录入现场票 领导")
        await first.send_document("现场票.xlsx", self.saved(book))
        await first.until(lambda chat: "提交确认" in chat.from_bot[-1].labels)
        await first.tap(first.from_bot[-1], "提交确认")
        await self.settled()

    async def confirms_paper(self) -> None:
        second = self.people["乙"]
        await second.tap(second.from_bot[-1], "确认")
        await self.settled()

    def backed_up(self, name: str) -> bytes:
        """A backup as the verb makes it."""
        verbs.load()
        with transaction(self.engine) as session:
            actor = people.person_of(session, self.people["甲"].id)
            assert actor is not None
            act = Act(session, self.sandbox.clock.now(), actor, "command line", "root")
            made = acting.run(act, "backup", to=self.folder / name)
        assert isinstance(made, backup.BackedUp)
        return Path(made.path).read_bytes()

    def told(self) -> bytes:
        """Every row of every table, as the database gives them."""
        with self.engine.connect() as connection:
            rows = [
                (table.name, tuple(row))
                for table in SQLModel.metadata.sorted_tables
                for row in connection.execute(text(f'SELECT * FROM "{table.name}"'))
            ]
        return b"\n".join(_plain(rows))

    def bytes_on_disk(self) -> bytes:
        """The database's files as they lie there: with its free pages, and the write-ahead log."""
        path = str(self.engine.url.database)
        return b"\n".join(Path(path + more).read_bytes() for more in ("", "-wal", "-shm") if Path(path + more).exists())

    def log(self) -> bytes:
        return self.bot.log().encode()


def _plain(rows: Sequence[tuple[str, tuple[Any, ...]]]) -> Iterator[bytes]:
    for name, row in rows:
        values = [bytes(one) if isinstance(one, bytes | memoryview) else str(one).encode() for one in row]
        yield name.encode() + b"|" + b"|".join(values)


def fill(sheet: Any, who: str) -> None:
    """Writes a rater's scores into a form."""
    head = next(row for row in sheet.iter_rows() if any(cell.value == "合计" for cell in row))
    last = next(cell.column for cell in head if cell.value == "合计")
    for place, _ in enumerate(UNITS):
        for aspect, score in enumerate(ballot(who, place)):
            sheet.cell(head[0].row + 1 + place, last - 5 + aspect).value = score


@asynccontextmanager
async def polling(warm: "Warm", database_url: str, folder: Path) -> AsyncIterator[Polling]:
    """Everybody is there, and a rating by the leaders is open."""
    engine = open_engine(database_url)
    async with Sandbox(clock=VirtualClock(NOW, frozen=True), limits=Limits(on=False)) as sandbox:
        bot = Process(warm, sandbox, database_url, folder / "bot.log")
        stage = Polling(sandbox, engine, bot, folder)
        for name in ("甲", "乙", *RATERS, "代办"):
            stage.people[name] = sandbox.person(name)
        with transaction(engine) as session:
            _furnish(session, stage)
        async with bot.ready():
            await bot.start()
            for person in stage.people.values():
                await person.start()
            await stage.settled()
            await stage.administer("发起评议 领导 12月20日")
            sandbox.advance(minutes=1)
            await stage.settled()
            yield stage
    engine.dispose()


def _furnish(session: Session, stage: Polling) -> None:
    put_in_force(session, load("jilin-2021"), 2021, NOW - timedelta(days=300))
    session.add_all(Department(code=f"d{n}", name=name, kind="bureau") for n, name in enumerate(UNITS))
    session.flush()
    for name, view in stage.people.items():
        person = people.met(session, view.id, name=name, username=None, now=NOW)
        people.appoint(session, person, Role.ADMINISTRATOR if name in ("甲", "乙") else Role.RATER, NOW)
    for name in RATERS:
        seat, _ = seats.enter(session, year=2021, panel="leaders", name=name)
        if name != ASSISTED:
            person = people.person_of(session, stage.people[name].id)
            assert person is not None
            seats.taken(session, seat.id, person, assists=False)
        else:
            helper = people.person_of(session, stage.people["代办"].id)
            assert helper is not None
            seats.taken(session, seat.id, helper, assists=True)
