"""The rules that hold at the moment: the calendar, and each assessment year with its rule book and its due instants.

Made once per transaction and handed around; a frame never outlives its session.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import chain

from sqlmodel import Session, select

from scheduler.deadlines import Period, assessment_year, due_day, due_instant, periods_of
from scheduler.ladder import opening
from scheduler.tables import CalendarNotice, DataSet
from scheduler.workdays import HolidayNotice, WorkCalendar
from scoring.rulebook import Duty, RuleBook
from scoring.standings import in_force
from scoring.tables import AssessmentYear
from store.errors import Refusal


@dataclass(frozen=True, slots=True)
class Slot:
    """A period of a duty with its dates: one obligation for each department that owes the duty.

    ``provisional``: the due day was counted through a year whose holidays are not announced.
    """

    covered: Period
    year: int
    due_day: date
    due_at: datetime
    opens_at: datetime
    provisional: bool


@dataclass
class Frame:
    """See the module. ``years`` maps each assessment year in force to its row."""

    session: Session
    calendar: WorkCalendar
    years: dict[int, AssessmentYear]
    _rulebooks: dict[int, RuleBook] = field(default_factory=dict)
    _slots: dict[tuple[int, str], tuple[Slot, ...]] = field(default_factory=dict)
    _data_sets: dict[str, DataSet] | None = None

    @classmethod
    def of(cls, session: Session) -> "Frame":
        years = session.exec(select(AssessmentYear).order_by("year")).all()
        return cls(session, calendar_in_force(session), {one.year: one for one in years})

    def rulebook(self, year: int) -> RuleBook:
        """The rule book of an assessment year. Raises Refusal when the year has none."""
        if year not in self._rulebooks:
            self._rulebooks[year] = in_force(self.session, year)
        return self._rulebooks[year]

    def under(self, year: int, rulebook: RuleBook) -> "Frame":
        """The same, were ``rulebook`` in force in that year."""
        return Frame(self.session, self.calendar, self.years, self._rulebooks | {year: rulebook})

    def grace(self, year: int) -> timedelta:
        """How long after a deadline settlement waits for what was sent before it."""
        return timedelta(minutes=self.rulebook(year).grace_minutes)

    @property
    def data_sets(self) -> dict[str, DataSet]:
        if self._data_sets is None:
            self._data_sets = {one.code: one for one in self.session.exec(select(DataSet))}
        return self._data_sets

    def duty(self, year: int, code: str) -> Duty | None:
        """A duty of a year's rule book, or of a shared data set; None if the year knows none by this code."""
        rulebook = self.rulebook(year)
        if code in rulebook.duties:
            return rulebook.duties[code]
        data_set = self.data_sets.get(code)
        item = rulebook.items.get(data_set.item) if data_set else None
        if data_set is None or item is None or item.settle is None or item.lateness is None:
            return None
        return Duty(
            code=code,
            title=data_set.title,
            short=data_set.title,
            item=item.code,
            clause=item.clause,
            period=data_set.period,
            due_working_day=data_set.due_working_day,
            nil_report=False,
            settle=item.settle,
            lateness=item.lateness,
        )

    def slots(self, year: int, code: str) -> tuple[Slot, ...]:
        """All periods of a duty in a year, in order, with their dates; none for a duty the year does not have."""
        key = (year, code)
        if key not in self._slots:
            duty = self.duty(year, code)
            self._slots[key] = () if duty is None else slots_of(self.calendar, self.rulebook(year), duty, year)
        return self._slots[key]

    def slot(self, code: str, period_code: str) -> Slot:
        """The slot of a period by its code. Raises Refusal duty_unknown or period_unknown."""
        known = False
        for year in self.years:
            known = known or self.duty(year, code) is not None
            for one in self.slots(year, code):
                if one.covered.code == period_code:
                    return one
        raise Refusal("period_unknown" if known else "duty_unknown", text=period_code if known else code)


@lru_cache(maxsize=256)
def slots_of(calendar: WorkCalendar, rulebook: RuleBook, duty: Duty, year: int) -> tuple[Slot, ...]:
    """The periods of a duty that belong to an assessment year, in order, with their dates."""
    found = []
    covering = (year,) if rulebook.readings.lateness_year == "period" else (year - 1, year)
    for covered in chain.from_iterable(periods_of(duty.period, one) for one in covering):
        day = due_day(duty, covered, calendar)
        if assessment_year(covered, day, rulebook.readings) != year:
            continue
        found.append(
            Slot(
                covered=covered,
                year=year,
                due_day=day,
                due_at=due_instant(day, rulebook.readings),
                opens_at=opening(day, rulebook.reminders, calendar),
                provisional=calendar.rests_on_estimate(covered.last + timedelta(days=1), day),
            )
        )
    return tuple(found)


_calendars: dict[tuple[tuple[int, str], ...], WorkCalendar] = {}
"""The calendar in use, by what was loaded: working days are counted once per process, not per transaction."""


def calendar_in_force(session: Session) -> WorkCalendar:
    """The package's calendar with the notices that were loaded."""
    known = session.exec(select(CalendarNotice.year, CalendarNotice.digest).order_by("year")).all()
    versions = tuple((year, digest) for year, digest in known)
    calendar = _calendars.get(versions)
    if calendar is None:
        texts = session.exec(select(CalendarNotice)).all()
        _calendars.clear()
        calendar = _calendars[versions] = WorkCalendar({one.year: HolidayNotice.parse(one.text) for one in texts})
    return calendar
