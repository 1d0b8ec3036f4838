"""The bot is down while a deadline passes: what was sent in time is in time, what may have been lost is held.

January's papers (工作动态, “双公示”台账) are due at the end of Tuesday 2 February. Telegram keeps what nobody reads for
24 hours.
"""

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlmodel import col, select

from scheduler.tables import HandIn, Obligation, Settlement
from scoring.tables import LedgerEntry
from store.db import transaction
from store.people import Department
from store.vitals import Outage

if TYPE_CHECKING:
    from tests.end_to_end.conftest import Stage

REPORT = "2021年1月工作动态"
TOLD = ("01-26 09:00", "02-01 09:00", "02-02 09:00")


def standing(stage: "Stage", duty: str = "monthly_update") -> dict[str, str]:
    """How January's paper of each department with a liaison stands."""
    query = select(Department.code, Obligation, Settlement)
    query = query.join(Obligation, col(Obligation.department_id) == col(Department.id))
    query = query.outerjoin(Settlement, col(Settlement.obligation_id) == col(Obligation.id))
    found = {}
    with transaction(stage.engine) as session:
        for code, obligation, settlement in session.exec(
            query.where(Obligation.duty == duty, Obligation.period == "2021-01")
        ):
            came = obligation.handed_in_at
            timely = "" if came is None else " on time" if came < obligation.due_at else " late"
            outcome = "" if settlement is None else f" {settlement.outcome} {settlement.why or ''}".rstrip()
            found[code] = (timely + outcome).strip()
    return found


@pytest.fixture
async def told(stage: "Stage") -> "Stage":
    """The zone on the morning of the due day: everybody has been reminded."""
    await stage.bot.start()
    await stage.play.meet()
    await stage.at(*TOLD)
    return stage


async def test_half_a_day_over_the_deadline_costs_nobody_what_he_sent_in_time(told: "Stage") -> None:
    people = told.play.people
    await told.at("02-02 18:00")
    await told.bot.kill()

    told.sandbox.set_time(told.play.zone.opens.replace(month=2, day=2, hour=23, minute=59, second=59))
    await people["张敏"].send_document("1月.docx", b"in time", caption=REPORT)
    told.sandbox.advance(seconds=1)
    await people["刘洋"].send_document("1月.docx", b"a second late", caption=REPORT)
    told.sandbox.advance(hours=6)
    await told.bot.start()
    await told.play.settled()
    await told.at("02-03 06:30", "02-03 09:00")

    stands = standing(told)
    assert stands["fin"] == "on time"
    assert stands["com"] == "late deducted"
    assert stands["eme"] == "deducted"
    with transaction(told.engine) as session:
        entries = session.exec(select(LedgerEntry).where(LedgerEntry.item == "daily.8.monthly")).all()
        deadline = told.play.zone.opens.replace(month=2, day=3, hour=0)
        assert {entry.happened_at for entry in entries} == {deadline}
    assert "按时" in people["张敏"].transcript()
    assert "逾期" in people["刘洋"].transcript()


async def test_what_telegram_has_forgotten_is_held_and_not_deducted(told: "Stage") -> None:
    people = told.play.people
    await told.at("02-02 10:00")
    await told.bot.kill()

    told.sandbox.advance(minutes=30)
    await people["张敏"].send_document("1月.docx", b"lost on the way", caption=REPORT)
    told.sandbox.advance(hours=9)
    await people["刘洋"].send_document("1月.docx", b"kept", caption=REPORT)
    told.sandbox.advance(hours=16)
    await told.bot.start()
    await told.play.settled()
    await told.at("02-03 11:45", "02-03 14:00")

    assert told.sandbox.world.updates.forgotten == 1
    with transaction(told.engine) as session:
        (outage,) = (one for one in session.exec(select(Outage)) if one.ended - one.began > timedelta(hours=24))
        assert outage.ended - outage.began == timedelta(hours=25, minutes=30)
        assert session.exec(select(LedgerEntry)).all() == []
        assert [one.kind for one in session.exec(select(HandIn))] == ["file"]
    stands = standing(told)
    assert stands["com"] == "on time"
    assert stands["fin"] == stands["eme"] == "held outage"
    assert "待核定" in people["钱立新"].transcript()
