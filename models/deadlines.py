"""When a move is due, and when each rung of its ladder is reached: limits as data, the campaign's cap, pauses, extensions.

Every rule stands in docs/time.md beside worked examples, which the tests read. Instants are aware business time; answers are in UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from math import ceil
from types import MappingProxyType
from typing import NamedTuple

from models.calendar import Calendar
from models.clock import day_of, end_of, utc
from models.enumerations import SlaClass, Word

CAP_LEAVES = timedelta(hours=24)
DAY = timedelta(days=1)
Pause = tuple[datetime, datetime]


class Unit(Word):
    natural_hours = "natural_hours", "小时", "hours"
    natural_days = "natural_days", "日", "days"
    working_hours = "working_hours", "工作小时", "working hours"
    working_days = "working_days", "工作日", "working days"

    @property
    def in_days(self) -> bool:
        return self in (Unit.natural_days, Unit.working_days)

    @property
    def working(self) -> bool:
        return self in (Unit.working_hours, Unit.working_days)


@dataclass(frozen=True, slots=True)
class Limit:
    """How long a move may take. Raises ValueError unless `amount` is above 0 and, in days, whole."""

    amount: float
    unit: Unit

    def __post_init__(self) -> None:
        if not self.amount > 0 or (self.unit.in_days and self.amount != int(self.amount)):
            raise ValueError(f"a limit is above 0, and whole when in days, not {self.amount} {self.unit}")

    def half(self) -> Limit:
        """Half of it; of days at least half, in whole days."""
        return Limit(ceil(self.amount / 2) if self.unit.in_days else self.amount / 2, self.unit)


# Nobody's law but ours: townships replace them in sla.yaml.
CLASS_LIMITS = MappingProxyType(
    {
        SlaClass.on_spot: Limit(24, Unit.natural_hours),
        SlaClass.g3: Limit(3, Unit.natural_days),
        SlaClass.g7: Limit(7, Unit.natural_days),
        SlaClass.g15: Limit(15, Unit.natural_days),
        SlaClass.g30: Limit(30, Unit.natural_days),
        SlaClass.major: Limit(30, Unit.natural_days),
    }
)


@dataclass(frozen=True, slots=True)
class Capped:
    """A due time after the campaign had its say: whether it was shortened, and whether it lies past the campaign all the same."""

    due: datetime
    capped: bool
    beyond_campaign: bool


@dataclass(frozen=True, slots=True)
class Deadline:
    """A due time with all that is to be said of it. `original_due` is the first one; an extension moves `due` alone.

    `estimated`: it rests on a year whose make-up workdays nobody has published yet, and may move when they are.
    """

    due: datetime
    original_due: datetime
    estimated: bool = False
    capped: bool = False
    beyond_campaign: bool = False

    def extended(self, granted: datetime, campaign_deadline: datetime | None = None) -> Deadline:
        """With the due time that an extension grants; it is a date somebody chose, so neither capped nor estimated.

        Raises ValueError unless `granted` is later than the present due time.
        """
        if granted <= self.due:
            raise ValueError(f"an extension reaches further than {self.due.isoformat()}, not to {granted.isoformat()}")
        return replace(self, due=utc(granted), estimated=False, capped=False, beyond_campaign=_beyond(granted, campaign_deadline))


class Rung(NamedTuple):
    """When a rung comes: hours from the due time, before it when negative; in working time (24 h = one working day) when `working`."""

    offset_hours: float
    working: bool = False


def due_at(start: datetime, limit: Limit, calendar: Calendar, pauses: Iterable[Pause] = ()) -> datetime:
    """When a move that began at `start` is due.

    Hours are exact. Days end with the n-th day after the day of `start`: natural days at 23:59:59, working days when the office closes
    (民法典 Art. 201: the first day isn't counted; Art. 203: the last one ends at 24:00, or at the end of office hours).
    The clock stands still during `pauses`; hours that fall into them are given back, and so are days whose end does.
    """
    merged = _merged(start, pauses)
    if limit.unit.in_days:
        return _due_in_days(start, int(limit.amount), limit.unit, calendar, merged)
    return _due_in_hours(start, timedelta(hours=limit.amount), limit.unit, calendar, merged)


def cap(due: datetime, assigned_at: datetime, campaign_deadline: datetime | None, leaves: timedelta = CAP_LEAVES) -> Capped:
    """The earlier of `due` and the campaign's deadline, but never less than `leaves` from `assigned_at`, and never later than `due`.

    `campaign_deadline` is None for a case outside the campaign, among them all that were found after it.
    """
    if campaign_deadline is None or due <= campaign_deadline:
        return Capped(utc(due), capped=False, beyond_campaign=False)
    shortened = min(due, max(campaign_deadline, assigned_at + leaves))
    return Capped(utc(shortened), capped=shortened < due, beyond_campaign=shortened > campaign_deadline)


def deadline_for(
    start: datetime,
    limit: Limit,
    calendar: Calendar,
    pauses: Iterable[Pause] = (),
    campaign_deadline: datetime | None = None,
    leaves: timedelta = CAP_LEAVES,
) -> Deadline:
    """`due_at` and `cap` in one answer, with what is to be said of it. `start` is the assignment where the cap applies."""
    due = due_at(start, limit, calendar, pauses)
    answer = cap(due, start, campaign_deadline, leaves)
    estimated = limit.unit.working and not answer.capped and calendar.rests_on_estimate(start, due)
    return Deadline(answer.due, answer.due, estimated, answer.capped, answer.beyond_campaign)


def next_due_after_failure(
    old_due: datetime,
    failed_at: datetime,
    class_limit: Limit,
    calendar: Calendar,
    campaign_deadline: datetime | None = None,
    leaves: timedelta = CAP_LEAVES,
) -> Capped:
    """The due time after a failed re-inspection: the old one while it lies ahead, else half the class limit from now, capped."""
    if old_due > failed_at:
        return Capped(utc(old_due), capped=False, beyond_campaign=_beyond(old_due, campaign_deadline))
    return cap(due_at(failed_at, class_limit.half(), calendar), failed_at, campaign_deadline, leaves)


def rung_times(
    due: datetime,
    started_at: datetime,
    rungs: Sequence[Rung],
    calendar: Calendar,
    shortened_from: datetime | None = None,
) -> tuple[datetime | None, ...]:
    """When each rung is reached, in the ladder's order and never falling along it; None where a rung is left out.

    Reminders whose time has passed by `started_at` are left out. When a deadline was moved forward from `shortened_from`, those that
    passed by this alone become one, the last of them, due at once.
    """
    times = _climb(due, rungs, calendar)
    passed = [rung.offset_hours < 0 and at <= started_at for rung, at in zip(rungs, times, strict=True)]
    answer = [None if gone else at for gone, at in zip(passed, times, strict=True)]
    if shortened_from is not None:
        before = _climb(shortened_from, rungs, calendar)
        unsaid = [index for index, gone in enumerate(passed) if gone and before[index] > started_at]
        if unsaid:
            answer[unsaid[-1]] = utc(started_at)
    return tuple(answer)


def _climb(due: datetime, rungs: Sequence[Rung], calendar: Calendar) -> list[datetime]:
    times: list[datetime] = []
    for rung in rungs:
        at = _offset(due, rung, calendar)
        times.append(max(at, times[-1]) if times else at)
    return times


def _offset(due: datetime, rung: Rung, calendar: Calendar) -> datetime:
    """On a ladder in working time 24 h are one working day; the rung at 0 is the due time itself."""
    if rung.working and rung.offset_hours:
        return calendar.add_working_days(due, rung.offset_hours / 24)
    return utc(due) + timedelta(hours=rung.offset_hours)


def _due_in_hours(start: datetime, span: timedelta, unit: Unit, calendar: Calendar, pauses: list[Pause]) -> datetime:
    paused = timedelta(0)
    due = _after(start, span, unit, calendar)
    for begin, end in pauses:
        if begin >= due:
            break
        paused += calendar.working_time_between(begin, end) if unit.working else end - begin
        due = _after(start, span + paused, unit, calendar)
    return due


def _after(start: datetime, span: timedelta, unit: Unit, calendar: Calendar) -> datetime:
    return calendar.add_working_time(start, span) if unit.working else utc(start) + span


def _due_in_days(start: datetime, days: int, unit: Unit, calendar: Calendar, pauses: list[Pause]) -> datetime:
    for day in _days_after(_first_day(start, unit, calendar, pauses), unit, calendar):
        ends = _end(day, unit, calendar)
        days -= not _paused(ends, pauses)
        if days == 0:
            return ends
    raise AssertionError("days never run out")


def _first_day(start: datetime, unit: Unit, calendar: Calendar, pauses: list[Pause]) -> date:
    """The day that isn't counted. A pause over the moment of the start, or over the end of its day, moves it to where the pause ends."""
    for begin, end in pauses:
        if begin <= start < end or begin <= _end(day_of(start), unit, calendar) < end:
            start = max(start, end)
    return day_of(start)


def _days_after(day: date, unit: Unit, calendar: Calendar) -> Iterator[date]:
    while True:
        day = calendar.nth_working_day(day, 1) if unit.working else day + DAY
        yield day


def _end(day: date, unit: Unit, calendar: Calendar) -> datetime:
    return calendar.closes(day) if unit.working else end_of(day)


def _paused(instant: datetime, pauses: list[Pause]) -> bool:
    return any(begin <= instant < end for begin, end in pauses)


def _merged(start: datetime, pauses: Iterable[Pause]) -> list[Pause]:
    """The pauses after `start`, in order, overlapping ones as one."""
    merged: list[Pause] = []
    for begin, end in sorted((max(begin, start), end) for begin, end in pauses if end > max(begin, start)):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged


def _beyond(due: datetime, campaign_deadline: datetime | None) -> bool:
    return campaign_deadline is not None and due > campaign_deadline
