"""The rhythm of a duty: which periods it has, from when it is owed in each and until when. Days are days in Shanghai."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any, NamedTuple

from cronsim import CronSim

from models.calendar import Calendar
from models.clock import SHANGHAI, day_of, local, start_of
from models.enumerations import Word

DAY = timedelta(days=1)
EVENING = time(18)


class Every(Word):
    day = "day", "每天"
    week = "week", "每周"
    month = "month", "每月"
    quarter = "quarter", "每季度"
    half_year = "half_year", "每半年"
    year = "year", "每年"


class Weekday(Word):
    mon = "mon", "周一", "Monday"
    tue = "tue", "周二", "Tuesday"
    wed = "wed", "周三", "Wednesday"
    thu = "thu", "周四", "Thursday"
    fri = "fri", "周五", "Friday"
    sat = "sat", "周六", "Saturday"
    sun = "sun", "周日", "Sunday"


MONTHS = {Every.month: 1, Every.quarter: 3, Every.half_year: 6, Every.year: 12}
LONGEST = {Every.day: 1, Every.week: 7, Every.month: 31, Every.quarter: 92, Every.half_year: 184, Every.year: 366}


class Season(NamedTuple):
    """From a day of the year until another one, both inclusive and both as (month, day); it may pass New Year."""

    first: tuple[int, int]
    last: tuple[int, int]

    def holds(self, day: date) -> bool:
        here = day.month, day.day
        if self.first <= self.last:
            return self.first <= here <= self.last
        return here >= self.first or here <= self.last


class Period(NamedTuple):
    """`first` names the period: the day on which it begins. It is owed from `opens_at` to `due_at`, both in UTC."""

    first: date
    opens_at: datetime
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Either `every` with its due day or `cron`, whose firings are the due times: a period of it began at the firing before.

    `weekday` is of a week; `month` counts within a quarter, half-year or year and `day` within a month (too late a day is its last).
    Without them a period is due on its last day. `working` leaves out weekends and holidays, `season` and `from_day`–`to_day` (both
    inclusive) what lies outside. `cron` has minute and hour as plain numbers: it fires once a day at most.
    """

    every: Every | None = None
    cron: str | None = None
    weekday: Weekday | None = None
    month: int | None = None
    day: int | None = None
    at: time = EVENING
    season: Season | None = None
    working: bool = False
    from_day: date | None = None
    to_day: date | None = None

    @property
    def longest(self) -> timedelta:
        """How long before its due day a period may have begun."""
        return DAY * (LONGEST[self.every] if self.every else LONGEST[Every.year])

    def counts(self, day: date, calendar: Calendar) -> bool:
        """Whether the duty is owed on a day."""
        return self._in_force(day) and not (self.working and not calendar.is_working_day(day))

    def _in_force(self, day: date) -> bool:
        inside = (self.from_day or date.min) <= day <= (self.to_day or date.max)
        return inside and (self.season is None or self.season.holds(day))


def rhythm_of(body: Mapping[str, Any]) -> Rhythm:
    """The rhythm in a duty's body, as papers/township/shape.py wrote it there."""
    due = body.get("due") or {}
    return Rhythm(
        every=Every(body["every"]) if body.get("every") else None,
        cron=body.get("cron"),
        weekday=Weekday(due["weekday"]) if due.get("weekday") else None,
        month=due.get("month"),
        day=due.get("day"),
        at=time.fromisoformat(due["at"]) if due.get("at") else EVENING,
        season=Season(*(_edge(edge) for edge in body["season"])) if body.get("season") else None,
        working=body.get("days") == "working",
        from_day=date.fromisoformat(body["from"]) if body.get("from") else None,
        to_day=date.fromisoformat(body["to"]) if body.get("to") else None,
    )


def _edge(written: str) -> tuple[int, int]:
    month, day = written.split("-")
    return int(month), int(day)


def periods(rhythm: Rhythm, since: datetime, until: datetime, calendar: Calendar) -> Iterator[Period]:
    """The periods that open from `since` on and before `until`, in order; the same ones whatever span they are asked by."""
    found = _fired(rhythm, since, until, calendar) if rhythm.cron else _counted(rhythm, since, until, calendar)
    return (each for each in found if since <= each.opens_at < until)


def _fired(rhythm: Rhythm, since: datetime, until: datetime, calendar: Calendar) -> Iterator[Period]:
    """By cron. Told without a zone, which is the same every day in Shanghai; a firing on a day that doesn't count is left out."""
    assert rhythm.cron
    wall = local(since).replace(tzinfo=None)
    before = next(CronSim(rhythm.cron, wall, reverse=True))
    for opened, fired in pairwise(_from(before, rhythm.cron)):
        opens_at = _instant(opened)
        if opens_at >= until:
            return
        if rhythm.counts(fired.date(), calendar):
            yield Period(opened.date(), opens_at, _instant(fired))


def _from(first: datetime, cron: str) -> Iterator[datetime]:
    yield first
    yield from CronSim(cron, first)


def _instant(wall: datetime) -> datetime:
    return wall.replace(tzinfo=SHANGHAI).astimezone(UTC)


def _counted(rhythm: Rhythm, since: datetime, until: datetime, calendar: Calendar) -> Iterator[Period]:
    """By the calendar's days, weeks (from Monday), months, …, each reduced to the days that count; one without any is left out."""
    first, last = _around(rhythm, day_of(since))
    while start_of(first) < until:
        owed = [day for day in _days(first, last) if rhythm.counts(day, calendar)]
        if owed:
            due = datetime.combine(_due_day(rhythm, first, last, owed), rhythm.at, SHANGHAI).astimezone(UTC)
            yield Period(owed[0], start_of(owed[0]), due)
        first, last = _around(rhythm, last + DAY)


def _around(rhythm: Rhythm, day: date) -> tuple[date, date]:
    """The first and last day of the calendar's period that `day` lies in."""
    if rhythm.every == Every.day:
        return day, day
    if rhythm.every == Every.week:
        monday = day - DAY * day.weekday()
        return monday, monday + DAY * 6
    assert rhythm.every
    months = MONTHS[rhythm.every]
    first = date(day.year, (day.month - 1) // months * months + 1, 1)
    return first, _last_of_month(first, months)


def _last_of_month(first: date, nth: int) -> date:
    """The last day of the n-th month from that of `first`, which is its first day; n = 1 is the same month."""
    year, month = divmod(first.month - 1 + nth, 12)
    return date(first.year + year, month + 1, 1) - DAY


def _days(first: date, last: date) -> Iterator[date]:
    return (date.fromordinal(ordinal) for ordinal in range(first.toordinal(), last.toordinal() + 1))


def _due_day(rhythm: Rhythm, first: date, last: date, owed: list[date]) -> date:
    """The day that is named, or the nearest before it that is owed. With none before it: one that is no working day waits for the next
    one; one that lies outside of season or force leaves time until the end."""
    named = _named_day(rhythm, first, last)
    before = [day for day in owed if day <= named]
    if before:
        return before[-1]
    return owed[0] if rhythm._in_force(named) else owed[-1]


def _named_day(rhythm: Rhythm, first: date, last: date) -> date:
    if rhythm.every == Every.week and rhythm.weekday:
        return first + DAY * list(Weekday).index(rhythm.weekday)
    if rhythm.every in MONTHS and (rhythm.month or rhythm.day):
        end = _last_of_month(first, rhythm.month or MONTHS[rhythm.every])
        return end.replace(day=min(rhythm.day, end.day)) if rhythm.day else end
    return last
