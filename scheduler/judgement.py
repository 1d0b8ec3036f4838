"""What becomes of a deadline that has passed: a pure function of rule, deadline and what is known. No effects."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from scoring.lateness import Charge, IsWorkingDay, LatenessRule, Wait
from scoring.rulebook import Settle

TELEGRAM_KEEPS = timedelta(hours=24)
"""How long Telegram keeps what a bot has not read. What is older is gone."""

Reason: TypeAlias = Literal["judgement", "provisional", "outage", "not_told", "correction"]


@dataclass(frozen=True, slots=True)
class Met:
    """Nothing to charge: handed in in time, or exempted."""


@dataclass(frozen=True, slots=True)
class Hold:
    """An administrator has to decide."""

    why: Reason


Verdict: TypeAlias = Met | Hold | Wait | Charge


@dataclass(frozen=True, slots=True)
class Case:
    """What is known of one obligation once everything sent before its deadline has been read.

    ``accept_until``: what was sent before it is in time. ``told``: a reminder had been delivered before the deadline.
    ``deaf``: a long outage lay over it. ``weight``: signed units of one occurrence for this department.
    """

    due_at: datetime
    accept_until: datetime
    handed_in_at: datetime | None
    exempted: bool
    told: bool
    deaf: bool
    provisional: bool
    settle: Settle
    lateness: LatenessRule
    weight: int

    def missing_since(self, due_at: datetime) -> "Case":
        """The same obligation when what was to be handed in by ``due_at`` (a correction) never came."""
        return replace(self, due_at=due_at, accept_until=due_at, handed_in_at=None)


def judge(case: Case, now: datetime, is_working_day: IsWorkingDay) -> Verdict:
    """The verdict as seen at ``now``: charged, held, waiting (what it costs is not certain yet), or nothing."""
    if case.exempted or (case.handed_in_at is not None and case.handed_in_at < case.accept_until):
        return Met()
    if case.settle == "held":
        return Hold("judgement")
    if case.provisional:
        return Hold("provisional")
    if case.deaf:
        return Hold("outage")
    if not case.told:
        return Hold("not_told")
    return case.lateness.charge(case.weight, case.due_at, case.handed_in_at, now, is_working_day)


def charge_now(case: Case, now: datetime, is_working_day: IsWorkingDay) -> Charge:
    """What it costs when the matter is closed at ``now``, come what may: as though it were handed in now."""
    known = case.lateness.charge(case.weight, case.due_at, case.handed_in_at, now, is_working_day)
    if isinstance(known, Wait):
        known = case.lateness.charge(case.weight, case.due_at, now, now, is_working_day)
    if isinstance(known, Wait):
        raise ValueError(f"nothing can be charged at {now} for a deadline at {case.due_at}")
    return known


def lies_in_long_outage(due_at: datetime, outages: Iterable[tuple[datetime, datetime]]) -> bool:
    """Whether hand-ins in time may be lost: the bot was down at the deadline, for more than 24 hours in one piece.

    ``outages``: when each began and ended. One that began at the deadline or later had let everything in.
    """
    return any(began < due_at <= ended and ended - began > TELEGRAM_KEEPS for began, ended in outages)
