"""What ``kaoping demo`` plays: the last weeks of its year with a few departments, and the rating a visitor finds."""

import zipfile
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from bot import assembly
from bot.clock import ServerClock
from bot.demo import publishing, report
from bot.demo.player import Play
from bot.demo.zone import Zone, sample
from bot.settings import Settings
from sandbox.clock import VirtualClock
from sandbox.facade import Sandbox
from sandbox.limits import Limits
from scoring import frozen
from store.db import open_engine, prepare, transaction
from store.times import CHINA

UNITS = ("fin", "eco", "gov", "hou", "res", "eme", "mkt")
"""Those whose heads rate, the office itself, and the one that enterprises are not satisfied with."""
OPENS = datetime(2021, 11, 20, 8, tzinfo=CHINA)


def last_weeks() -> Zone:
    """The sample zone from late November on."""
    zone = sample()
    gone = [unit.name for unit in zone.units if unit.code not in UNITS]
    return replace(
        zone,
        opens=OPENS,
        closely_until=OPENS,
        units=tuple(unit for unit in zone.units if unit.code in UNITS),
        players=tuple(one for one in zone.players if one.department in (None, *UNITS)),
        sayings=tuple(replace(one, say=_about(one.say, gone)) for one in zone.sayings if one.at > OPENS),
        raters=tuple(replace(one, rates=tuple(code for code in one.rates if code in UNITS)) for one in zone.raters),
    )


def _about(said: tuple[str, ...], gone: list[str]) -> tuple[str, ...]:
    """What is said of the departments that are left."""
    return tuple(line for line in said if not any(name in line for name in gone))


async def test_december_ends_in_a_result_and_a_card_for_every_visitor(tmp_path: Path) -> None:
    zone = last_weeks()
    engine = open_engine(f"sqlite:///{tmp_path / 'demo.db'}")
    prepare(engine)
    async with Sandbox(clock=VirtualClock(zone.opens, frozen=True), limits=Limits(on=False)) as sandbox:
        play = Play(zone, sandbox, engine)
        play.furnish()
        settings = Settings(
            _env_file=None, token=sandbox.token, api_base=sandbox.url, summary_chat=play.summary.id, limits=False
        )
        async with assembly.assemble(settings, engine, ServerClock()).running():
            await play.meet()
            await play.through()
            with transaction(engine) as session:
                played = report.played(session, zone.year)
            assert [(one.invited, one.submitted) for one in played.ratings] == [(3, 3), (7, 5), (4, 4), (3, 3)]
            grades = {row.department: row.grade_title for row in played.ranking.rows}
            assert grades["财政局"] == "优秀"
            assert grades["住房和城乡建设局"] == "达标"
            assert [one.department for one in played.by_hand] == ["应急管理局"]
            assert None not in {row.rank for row in played.ranking.rows}
            assert [(one.department, one.accepted) for one in played.appeals] == [
                ("住房和城乡建设局", True),
                ("市场监督管理分局", False),
            ]
            [archive] = play.archives()
            papers = {one.suffix: one for one in publishing.unpack(archive, tmp_path / "papers")}
            checked = frozen.check(papers[".jsonl"].read_bytes().splitlines(keepends=True))
            assert len(checked.departments) == len(UNITS)
            assert zipfile.is_zipfile(papers[".docx"])

            await play.hand_over()
            for rater in zone.raters:
                card = play.people[rater.hand].from_bot[-1]
                assert "演练" in card.text
                assert "打分" in card.labels[0]
    engine.dispose()
