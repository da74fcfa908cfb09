"""Working time in China: weekends, public holidays, make-up workdays (调休) and the office's own corrections.

The State Council announces each year's days off and make-up workdays late in the year before (全国年节及纪念日放假办法). Years that the
`holidays` package doesn't know the notice of are estimated from the statutory days alone. See docs/time.md.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import holidays

from models.clock import SHANGHAI, local
from models.township import DayKind


class Span(NamedTuple):
    """From when until when an office works, on the same day, by the clock in Shanghai."""

    start: time
    end: time


OFFICE_HOURS = (Span(time(8, 30), time(12)), Span(time(14, 30), time(18)))
WORKS = frozenset({DayKind.work, DayKind.makeup})
OF_A_NOTICE = frozenset({DayKind.holiday, DayKind.makeup})
NONE = timedelta(0)


@dataclass(frozen=True, slots=True)
class Notice:
    """What the package knows of a year: its days off, those fixed by statute alone, and its make-up workdays."""

    off: frozenset[date]
    statutory: frozenset[date]
    makeup: frozenset[date]

    @property
    def published(self) -> bool:
        """Every notice since 2001 has had make-up workdays, and only a notice makes them."""
        return bool(self.makeup)


@lru_cache(maxsize=256)
def notice(year: int) -> Notice:
    """What the installed `holidays` package says about `year` in China."""
    known = holidays.country_holidays("CN", years=year)
    statutory = holidays.country_holidays("CN", years=year, observed=False)
    return Notice(frozenset(known), frozenset(statutory), frozenset(day for day in known.weekend_workdays if day.year == year))


@dataclass(frozen=True, slots=True)
class Year:
    """The ordinals of a year's working days, ascending, and whether they are an estimate."""

    working: tuple[int, ...]
    estimated: bool


class Calendar:
    """Which days and hours an office works. Immutable and hashable; remembers each year that it was asked about.

    `overrides` win over the published calendar. `holiday` and `makeup` are words of a notice: a year with one of them counts as
    published. `work` and `rest` correct single days and say nothing about the rest of the year.
    `working_hours` are Shanghai times, ascending and apart. Raises ValueError for hours that aren't, and for an unknown kind of day.
    """

    def __init__(self, overrides: Mapping[date, str] | None = None, working_hours: Sequence[Span] = OFFICE_HOURS) -> None:
        edges = [edge for span in working_hours for edge in span]
        if not edges or any(later <= earlier for earlier, later in pairwise(edges)):
            raise ValueError(f"working hours run forward and don't touch, not {working_hours}")
        self.overrides = tuple(sorted((day, DayKind(kind)) for day, kind in (overrides or {}).items()))
        self.working_hours = tuple(Span(*span) for span in working_hours)
        self._spans = tuple((_since_midnight(start), _since_midnight(end)) for start, end in self.working_hours)
        self._years: dict[int, Year] = {}
        self.full_day = sum((end - start for start, end in self._spans), NONE)
        """The working time of one working day: 7 h unless configured otherwise."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Calendar) and (self.overrides, self.working_hours) == (other.overrides, other.working_hours)

    def __hash__(self) -> int:
        return hash((self.overrides, self.working_hours))

    def is_working_day(self, day: date) -> bool:
        working, ordinal = self._year(day.year).working, day.toordinal()
        index = bisect_left(working, ordinal)
        return index < len(working) and working[index] == ordinal

    def is_estimated(self, day: date) -> bool:
        """Whether the notice that decides about `day` isn't known. From 28 December on that may be next year's: it can move New Year."""
        return self._year(day.year).estimated or ((day.month, day.day) >= (12, 28) and self._year(day.year + 1).estimated)

    def rests_on_estimate(self, start: datetime, end: datetime) -> bool:
        """Whether working time counted from `start` to `end` passes a day that is estimated."""
        first, last = local(start).date(), local(end).date()
        return self.is_estimated(last) or any(self._year(year).estimated for year in range(first.year, last.year))

    def nth_working_day(self, day: date, n: int) -> date:
        """The n-th working day after `day`, which itself isn't counted; for n = 0 `day` itself or the first one after it."""
        return date.fromordinal(self._shift(day.toordinal() + (n > 0), n - (n > 0)))

    def closes(self, day: date) -> datetime:
        """When the office closes on `day`, in UTC."""
        return _instant(day, self._spans[-1][1])

    def next_working_moment(self, instant: datetime) -> datetime:
        """`instant` itself within working hours, else when they next begin. 12:00 and 18:00 lie outside. In UTC."""
        return self.add_working_time(instant, NONE)

    def add_working_hours(self, start: datetime, hours: float) -> datetime:
        """The first instant by which `hours` of working time have passed since `start`; below 0, the last one before it. In UTC."""
        return self.add_working_time(start, timedelta(hours=hours))

    def add_working_days(self, start: datetime, days: float) -> datetime:
        """As `add_working_hours`, a day being the full working time of one: Friday 17:50 + 1 is Monday 17:50. In UTC."""
        return self.add_working_time(start, days * self.full_day)

    def add_working_time(self, start: datetime, span: timedelta) -> datetime:
        """As `add_working_hours`, for a span of working time. A span of 0 gives the next working moment. In UTC."""
        ordinal, worked = self._position(start)
        days, rest = divmod(worked + span, self.full_day)
        ended = span > NONE and rest == NONE
        if ended:
            days, rest = days - 1, self.full_day
        return _instant(date.fromordinal(self._shift(ordinal, days)), self._time_at(rest, last=span > NONE))

    def working_time_between(self, start: datetime, end: datetime) -> timedelta:
        """The working time from `start` to `end`, negative when `end` is earlier."""
        first, worked_first = self._position(start)
        last, worked_last = self._position(end)
        return self._days_between(first, last) * self.full_day + worked_last - worked_first

    def working_days_between(self, first: date, last: date) -> int:
        """How many working days come after `first`, up to and including `last`; 0 when `last` is not later."""
        if last <= first:
            return 0
        return self._days_between(self._shift(first.toordinal() + 1, 0), self._shift(last.toordinal() + 1, 0))

    def _position(self, instant: datetime) -> tuple[int, timedelta]:
        """The working day at or after `instant`, as an ordinal, and what has been worked of it by then."""
        here = local(instant)
        ordinal = here.toordinal()
        day = self._shift(ordinal, 0)
        return day, self._worked_by(_since_midnight(here.time())) if day == ordinal else NONE

    def _worked_by(self, since_midnight: timedelta) -> timedelta:
        return sum((min(since_midnight, end) - start for start, end in self._spans if since_midnight > start), NONE)

    def _time_at(self, worked: timedelta, *, last: bool) -> timedelta:
        """When `worked` has been worked of a day. Where a break makes that a span, its beginning if `last`, else its end."""
        for start, end in self._spans:
            if worked < end - start or (last and worked == end - start):
                break
            worked -= end - start
        return start + worked

    def _shift(self, ordinal: int, days: int) -> int:
        """The working day `days` after the first one at or after `ordinal`."""
        year = date.fromordinal(ordinal).year
        working = self._year(year).working
        index = bisect_left(working, ordinal) + days
        while index >= len(working):
            index -= len(working)
            year += 1
            working = self._year(year).working
        while index < 0:
            year -= 1
            working = self._year(year).working
            index += len(working)
        return working[index]

    def _days_between(self, first: int, last: int) -> int:
        """How many working days lie from the working day `first` up to the working day `last`."""
        year, until = date.fromordinal(first).year, date.fromordinal(last).year
        if until < year:
            return -self._days_between(last, first)
        whole = sum(len(self._year(each).working) for each in range(year, until))
        return whole + bisect_left(self._year(until).working, last) - bisect_left(self._year(year).working, first)

    def _year(self, year: int) -> Year:
        known = self._years.get(year)
        if known is None:
            known = self._years[year] = self._build(year)
        return known

    def _build(self, year: int) -> Year:
        said = notice(year)
        own = {day: kind for day, kind in self.overrides if day.year == year}
        typed_in = not OF_A_NOTICE.isdisjoint(own.values())
        # A notice typed in by hand replaces the package's guess at days off in lieu, never the statutory days.
        off = said.statutory if typed_in and not said.published else said.off
        ordinals = range(date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal() + 1)
        working = tuple(ordinal for ordinal in ordinals if _works(date.fromordinal(ordinal), own, off, said.makeup))
        return Year(working, estimated=not (said.published or typed_in))


def _works(day: date, own: Mapping[date, DayKind], off: frozenset[date], makeup: frozenset[date]) -> bool:
    if day in own:
        return own[day] in WORKS
    return day in makeup or (day.weekday() < 5 and day not in off)


def _since_midnight(clock: time) -> timedelta:
    return timedelta(hours=clock.hour, minutes=clock.minute, seconds=clock.second, microseconds=clock.microsecond)


def _instant(day: date, since_midnight: timedelta) -> datetime:
    return (datetime.combine(day, time(0), SHANGHAI) + since_midnight).astimezone(UTC)


CHINA = Calendar()
