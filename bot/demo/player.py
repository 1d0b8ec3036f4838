"""Plays the sample zone: people act in the sandbox's chats, the real bot answers, time moves on in between."""

import asyncio
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, time, timedelta

from sqlalchemy import Engine

from bot.demo import papers, voting
from bot.demo.zone import Errand, Rater, Saying, Zone, errands, settle_in
from bot.fetching import STEPS
from sandbox.facade import GroupView, PersonView, Sandbox
from sandbox.views import MessageView
from scheduler import layouts
from scheduler.frame import Frame
from scheduler.tick import looks
from scheduler.workdays import WorkCalendar
from scoring import surveys
from scoring.loading import load
from store import vitals
from store.db import open_reader, transaction
from store.times import CHINA

PATIENCE_SECONDS = 30.0
_LOOK_SECONDS = 0.008
_OFFICE_LOOKS = (time(8, 30), time(9), time(14))
"""Times of a working day at which the bot may have something to say."""
_SETTLED = timedelta(minutes=11)
"""How long after midnight what was due the day before is settled: past the rule book's grace."""
_SUMMED_UP = time(9)
_MONTH_BEGINS = 12
"""Days of a month in which the month before is settled and summed up."""
_SECOND = timedelta(seconds=1)
_LINK = re.compile(r"start=(\S+)")


class Play:
    """One showing of a zone. ``furnish`` comes before the bot starts, ``meet`` and ``through`` while it runs."""

    def __init__(self, zone: Zone, sandbox: Sandbox, engine: Engine) -> None:
        self.zone = zone
        self.sandbox = sandbox
        self.engine = engine
        # It looks all the time: as a writer it would hold up the bot, and the whole loop while it waits for the bot.
        self.reader = open_reader(engine)
        self.people: dict[str, PersonView] = {}
        self.groups: dict[str, GroupView] = {}
        self.summary: GroupView
        self._links: dict[str, str] = {}
        self._outside: set[str] = set()
        self._layout = layouts.load("publicity-2018")

    def furnish(self) -> None:
        """Moves the zone's people into the sandbox, and the zone into the database."""
        notes = {one.name: one.note for one in self.zone.players}
        panels = load("jilin-2021").panels
        for rater in self.zone.raters:
            notes.setdefault(rater.name, f"{rater.unit} {panels[rater.panel].title}")
            if rater.assistant:
                notes[rater.assistant] = f"{rater.name}的代办人"
        first = [name for name in self.zone.front if name in notes]
        for name in dict.fromkeys([*first, *notes]):
            self.people[name] = self.sandbox.person(name, note=notes[name])
        with transaction(self.engine) as session:
            self._links = settle_in(session, self.zone, self.people[self.zone.chair.name].id)
        self.summary = self.sandbox.group(self.zone.summary_chat, [self.people[self.zone.chair.name]])
        for unit in self.zone.units:
            if unit.group and unit.liaison:
                self.groups[unit.code] = self.sandbox.group(unit.group, [self.people[unit.liaison]])

    async def meet(self) -> None:
        """Everybody follows the link of his invitation; departments with a group take the bot in and bind it."""
        self._outside = {name for name in self.people if name not in (*self._links, self.zone.chair.name)}
        for name, person in self.people.items():
            if name not in self._outside:
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
        with transaction(self.reader) as session:
            papers_due = list(errands(session, self.zone))
            calendar = Frame.of(session).calendar
        coming: list[Errand | Saying | Rater] = [*papers_due, *self.zone.sayings, *self.zone.raters]
        coming = sorted((one for one in coming if one.at < self.zone.ends), key=lambda one: one.at)
        instants = sorted({one.at for one in coming} | set(self._looks(calendar)) | {self.zone.ends})
        while instants:
            at = instants.pop(0)
            if (sooner := self._wakes_before(at)) is not None:
                instants.insert(0, at)
                at = sooner
            self.sandbox.set_time(at)
            await self.settled()
            now = [one for one in coming if one.at == at]
            del coming[: len(now)]
            await self._act([one for one in now if isinstance(one, Errand)], at)
            for saying in now:
                if isinstance(saying, Saying):
                    await self._say(saying)
            if raters := [one for one in now if isinstance(one, Rater)]:
                await voting.rate(self, raters)
            progress(at)

    async def hand_over(self) -> None:
        """Opens what visitors may try for themselves; whoever has to know is told of it."""
        await self._say(self.zone.hands_on)
        self.sandbox.advance(minutes=1)
        await self.settled()

    def archives(self) -> list[bytes]:
        """The zip files that anybody has got from the bot, in order."""
        sent = [one for person in self.people.values() for one in person.from_bot]
        zips = [one for one in sent if (one.file_name or "").endswith(".zip")]
        return [self.sandbox.file(one.file_id or "") for one in sorted(zips, key=lambda one: one.sent_at)]

    async def _act(self, errands_now: Sequence[Errand], at: datetime) -> None:
        """Papers come one after the other; on a day that is not played closely, all at once."""
        if at <= self.zone.closely_until:
            for errand in errands_now:
                await self._hand_in(errand)
                await self.settled()
                await self._confirm_text(errand)
            return
        for errand in errands_now:
            await self._hand_in(errand)
        await self.settled()
        for errand in errands_now:
            await self._confirm_text(errand)

    def _wakes_before(self, at: datetime) -> datetime | None:
        """The instant before ``at`` at which the bot has something to do by itself; None as long as all are played."""
        here = self.sandbox.clock.now()
        if at <= self.zone.closely_until:
            return None
        with transaction(self.reader) as session:
            wakes = [looks(session).earliest]
            for survey in surveys.running(session):
                wakes += [one for one in (survey.remind_at, survey.closes_at + _SETTLED) if one is not None]
        return min((one.replace(microsecond=0) for one in wakes if here + _SECOND < one < at), default=None)

    async def settled(self) -> None:
        """Waits until the bot has done all there is to do at the present time. Raises TimeoutError if it does not."""
        at = self.sandbox.clock.now().replace(microsecond=0)
        await self.sandbox.idle(patience=PATIENCE_SECONDS)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not self._idle(at):  # noqa: ASYNC110 - the bot may be another process
                await asyncio.sleep(_LOOK_SECONDS)

    def _idle(self, at: datetime) -> bool:
        with transaction(self.reader) as session:
            return vitals.is_idle(session, at) and not any(steps.wanted(session, at, 1) for steps in STEPS)

    def _looks(self, calendar: WorkCalendar) -> Iterator[datetime]:
        day = self.zone.opens.astimezone(CHINA).date()
        while day <= self.zone.ends.date():
            closely = day <= self.zone.closely_until.date()
            times = [datetime.combine(day, time(0), CHINA) + _SETTLED] if closely else []
            if calendar.is_working_day(day):
                if closely:
                    times += [datetime.combine(day, one, CHINA) for one in _OFFICE_LOOKS]
                elif day.day <= _MONTH_BEGINS:
                    times.append(datetime.combine(day, _SUMMED_UP, CHINA))
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
            case "group":
                await self._send_file(errand, title, chat=self.groups[unit.code])
            case "file":
                await self._send_file(errand, title)

    async def _confirm_text(self, errand: Errand) -> None:
        if errand.way == "text" and errand.unit.liaison is not None:
            await self.tap(self.people[errand.unit.liaison], "确认报送")
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
        for said in saying.say or (None,):
            heard = 0
            if said is not None:
                heard = (await person.send(said)).id
                await self.settled()
            if saying.tap is not None:
                await self.tap(person, saying.tap, after=heard)
                await self.settled()
            await self._come_in([one for one in person.from_bot if one.id > heard])

    async def _come_in(self, answers: Sequence[MessageView]) -> None:
        """Whoever is still outside and has a link of his own in these answers follows it."""
        told = "\n".join(one.text for one in answers)
        for name in [name for name in self.people if name in self._outside and name in told]:
            link = _LINK.search(told, told.rindex(name))
            if link is not None:
                self._outside.discard(name)
                await self.people[name].start(link[1])
        await self.settled()

    async def tap(self, person: PersonView, label: str, after: int = 0) -> None:
        """Presses a button of the newest message that has it, of those after the one with this id."""
        found = (one for one in reversed(person.from_bot) if label in one.labels and one.id > after)
        asked = next(found, None)
        if asked is None:
            raise LookupError(f"{person.name} finds no button {label!r}:\n{person.transcript()}")
        # What the tap comes to shows in the chat; its toast may be lost.
        await person.tap(asked, label)
