"""When reminders go: the ladder around one deadline, and which rung of it is right now. Pure."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from scheduler.deadlines import due_day_of
from scheduler.workdays import WorkCalendar
from scoring.rulebook import Reminders
from store.times import CHINA


@dataclass(frozen=True, slots=True)
class Step:
    """A rung of one deadline's ladder. ``code`` is unique in it: 5, 3, 1, 0@09:00, 0@14:00 before; +1, +2 after.

    ``heads``: the heads of the department get it too. ``on_due_day`` goes out even to those who said 已知悉.
    """

    code: str
    at: datetime
    heads: bool = False
    on_due_day: bool = False
    after: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at a ladder says: the step to send now, if there is one, and when to look again (None: never)."""

    step: Step | None
    again_at: datetime | None


def opening(due_day: date, reminders: Reminders, calendar: WorkCalendar) -> datetime:
    """When an obligation with this due day opens: with its first reminder."""
    first = reminders.rungs[0]
    days = first.working_days_before
    return datetime.combine(calendar.before(due_day, days) if days else due_day, first.at, CHINA)


@lru_cache(maxsize=1024)
def ladder(due_at: datetime, reminders: Reminders, calendar: WorkCalendar) -> tuple[Step, ...]:
    """All steps of a deadline in order of time.

    Days are counted from the due day. What would fall on a due day that is not worked (an extension to a Saturday),
    or after the due instant, is left out. The reminders after the deadline are counted from the working day after
    it, on which the deduction notice goes.
    """
    day = due_day_of(due_at)
    steps = []
    for rung in reminders.rungs:
        before = rung.working_days_before
        at = datetime.combine(calendar.before(day, before) if before else day, rung.at, CHINA)
        if at < due_at and (before or calendar.is_working_day(day)):
            code = f"{before}@{rung.at:%H:%M}" if not before else str(before)
            steps.append(Step(code, at, rung.heads, on_due_day=not before))
    for number in range(1, reminders.after_times + 1):
        late = calendar.after(day, 1 + number * reminders.after_apart)
        steps.append(Step(f"+{number}", datetime.combine(late, reminders.after_at, CHINA), after=True))
    return tuple(sorted(steps, key=lambda one: one.at))


def look(
    steps: tuple[Step, ...],
    due_at: datetime,
    sent: Collection[str],
    now: datetime,
    *,
    reminders: Reminders,
    calendar: WorkCalendar,
    quiet: bool = False,
) -> Look:
    """Which step is right now: the latest whose time has come, unless it was sent; never an older one.

    It goes in the first office minute from its time on, a step before the deadline only while the deadline has not
    passed. ``sent`` are the codes of those that went; ``quiet``: 已知悉, nothing before the due day.
    """
    current = next((step for step in reversed(steps) if step.at <= now), None)
    upcoming = next((step.at for step in steps if step.at > now), None)
    if current is None or current.code in sent or not (current.after or now < due_at):
        return Look(None, upcoming)
    if quiet and not current.after and not current.on_due_day:
        return Look(None, upcoming)
    opens = calendar.next_office_minute(now, reminders.office_from, reminders.office_to)
    if opens == now:
        return Look(current, upcoming)
    return Look(None, min(opens, upcoming) if upcoming else opens)


def announcing(now: datetime, reminders: Reminders, calendar: WorkCalendar) -> datetime:
    """When something that came about at ``now`` is told: at once in office hours, or when rungs go next."""
    return calendar.next_office_minute(now, max(time(), reminders.after_at), reminders.office_to)


def days_left(due_at: datetime, now: datetime, calendar: WorkCalendar) -> int:
    """Working days from the day after ``now`` to the due day: 0 on the due day itself (and when it is over)."""
    today = now.astimezone(CHINA).date()
    return calendar.between(today + timedelta(days=1), due_day_of(due_at))
