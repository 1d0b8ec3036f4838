"""Plays the sample zone: people act in the sandbox's chats, the real bot answers, time moves on in between."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime, time, timedelta

from sqlalchemy import Engine

from bot.demo import papers
from bot.demo.zone import Errand, Saying, Zone, errands, settle_in
from handlers import fetched
from sandbox.facade import GroupView, PersonView, Sandbox
from scheduler import layouts
from scheduler.frame import calendar_in_force
from scheduler.workdays import WorkCalendar
from store import vitals
from store.db import transaction
from store.times import CHINA

PATIENCE_SECONDS = 30.0
_LOOK_SECONDS = 0.004
_OFFICE_LOOKS = (time(8, 30), time(9), time(14))
"""Times of a working day at which the bot may have something to say."""
_SETTLED = timedelta(minutes=11)
"""How long after midnight what was due the day before is settled: past the rule book's grace."""


class Play:
    """One showing of a zone. ``furnish`` comes before the bot starts, ``meet`` and ``through`` while it runs."""

    def __init__(self, zone: Zone, sandbox: Sandbox, engine: Engine) -> None:
        self.zone = zone
        self.sandbox = sandbox
        self.engine = engine
        self.people: dict[str, PersonView] = {}
        self.groups: dict[str, GroupView] = {}
        self.summary: GroupView
        self._links: dict[str, str] = {}
        self._layout = layouts.load("publicity-2018")

    def furnish(self) -> None:
        """Moves the zone's people into the sandbox, and the zone into the database."""
        for one in self.zone.players:
            self.people[one.name] = self.sandbox.person(one.name, note=one.note)
        with transaction(self.engine) as session:
            self._links = settle_in(session, self.zone, self.people[self.zone.chair.name].id)
        self.summary = self.sandbox.group(self.zone.summary_chat, [self.people[self.zone.chair.name]])
        for unit in self.zone.units:
            if unit.group and unit.liaison:
                self.groups[unit.code] = self.sandbox.group(unit.group, [self.people[unit.liaison]])

    async def meet(self) -> None:
        """Everybody follows the link of his invitation; departments with a group take the bot in and bind it."""
        for name, person in self.people.items():
            await person.start(self._links.get(name))
        await self.summary.add_bot()
        await self.settled()
        for unit in self.zone.units:
            if unit.group and unit.liaison:
                await self.groups[unit.code].add_bot()
                await self.people[unit.liaison].send(f"/bind {unit.name}", chat=self.groups[unit.code])
        await self.settled()

    async def through(self, progress: Callable[[datetime], None] = lambda _at: None) -> None:
        """Plays from the zone's opening to its end. ``progress`` is told of each instant that is over."""
        with transaction(self.engine) as session:
            papers_due = list(errands(session, self.zone))
            calendar = calendar_in_force(session)
        coming: list[Errand | Saying] = sorted([*papers_due, *self.zone.sayings], key=lambda one: one.at)
        instants = {one.at for one in coming} | set(self._looks(calendar)) | {self.zone.ends}
        for at in sorted(instants):
            self.sandbox.set_time(at)
            await self.settled()
            while coming and coming[0].at == at:
                one = coming.pop(0)
                await (self._hand_in(one) if isinstance(one, Errand) else self._say(one))
            progress(at)

    async def settled(self) -> None:
        """Waits until the bot has done all there is to do at the present time. Raises TimeoutError if it does not."""
        at = self.sandbox.clock.now().replace(microsecond=0)
        await self.sandbox.idle(patience=PATIENCE_SECONDS)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not self._idle(at):  # noqa: ASYNC110 - the bot may be another process
                await asyncio.sleep(_LOOK_SECONDS)

    def _idle(self, at: datetime) -> bool:
        with transaction(self.engine) as session:
            return vitals.is_idle(session, at) and not fetched.wanted(session, at, 1)

    def _looks(self, calendar: WorkCalendar) -> Iterator[datetime]:
        day = self.zone.opens.astimezone(CHINA).date()
        while day <= self.zone.ends.date():
            times = [datetime.combine(day, time(0), CHINA) + _SETTLED]
            if calendar.is_working_day(day):
                times += [datetime.combine(day, one, CHINA) for one in _OFFICE_LOOKS]
            yield from (at for at in times if self.zone.opens < at < self.zone.ends)
            day += timedelta(days=1)

    async def _hand_in(self, errand: Errand) -> None:
        unit, covered = errand.unit, errand.slot.covered
        if unit.liaison is None:
            return
        person = self.people[unit.liaison]
        title = f"{covered.title}{errand.title}"
        match errand.way:
            case "nil":
                await person.send(f"零报告 {title}")
            case "text":
                await person.send(f"{title}：走访企业6户，协调解决用地、融资等问题3个。")
                await self.settled()
                await self._tap(person, None)
            case "group":
                await self._send_file(errand, title, chat=self.groups[unit.code])
            case "file":
                await self._send_file(errand, title)
        await self.settled()

    async def _send_file(self, errand: Errand, title: str, chat: GroupView | None = None) -> None:
        unit, covered = errand.unit, errand.slot.covered
        person = self.people[unit.liaison or ""]
        name, data = f"{title}.docx", b""
        if errand.duty == "publicity_ledger":
            # One department's ledger has mistakes, so that findings can be seen.
            data = papers.ledger(self._layout, unit.name, covered.last, faulty=unit.code == "res")
            name = f"{title}.xlsx"
        else:
            data = papers.document(f"{unit.name}{title}", "本期围绕优化营商环境开展以下工作。", "（示例）")
        mention = f"@{self.sandbox.world.bot_username} " if chat else ""
        await person.send_document(name, data, caption=f"{mention}{title}", chat=chat)

    async def _say(self, saying: Saying) -> None:
        person = self.people[saying.who]
        if saying.say:
            await person.send(saying.say)
            await self.settled()
        await self._tap(person, saying.tap)
        await self.settled()

    async def _tap(self, person: PersonView, label: str | None) -> None:
        """Presses a button of the newest message that has it; without a label, the first button there is."""
        asked = next((one for one in reversed(person.from_bot) if label in (None, *one.labels) and one.labels), None)
        if asked is None:
            raise LookupError(f"{person.name} finds no button {label!r}:\n{person.transcript()}")
        # What the tap comes to shows in the chat; its toast may be lost.
        await person.tap(asked, label or asked.labels[0])
