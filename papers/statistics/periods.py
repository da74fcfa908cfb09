"""The periods that a township reports on, and when they are over. Days are Shanghai's.

A week runs from Friday to Thursday: cut off at Thursday's midnight, it can be filed by Friday noon. A month is cut off at its end and
filed by the 3rd of the next (docs/report.md says where these come from).
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from models.clock import day_of, start_of
from models.enumerations import PaperKind

FRIDAY = 4
PERIODICAL = (PaperKind.weekly, PaperKind.monthly)


@dataclass(frozen=True, slots=True)
class Period:
    """From the first instant of `first` up to, not including, `cut_at`."""

    kind: PaperKind
    first: date
    cut_at: datetime

    @property
    def last(self) -> date:
        return day_of(self.cut_at - timedelta(seconds=1))

    @property
    def zh(self) -> str:
        if self.kind == PaperKind.monthly:
            return f"{self.first.year}年{self.first.month}月"
        return f"{self.first.year}年{self.first.month}月{self.first.day}日至{self.last.month}月{self.last.day}日"


def last_period(kind: PaperKind, at: datetime) -> Period:
    """The latest week or month that is over at business time `at`. Raises ValueError for other kinds of paper."""
    today = day_of(at)
    if kind == PaperKind.weekly:
        cut = today - timedelta(days=(today.weekday() - FRIDAY) % 7)
        return Period(kind, cut - timedelta(days=7), start_of(cut))
    if kind == PaperKind.monthly:
        cut = today.replace(day=1)
        return Period(kind, (cut - timedelta(days=1)).replace(day=1), start_of(cut))
    raise ValueError(f"{kind} has no periods of its own")


def next_cut(kind: PaperKind, cut: datetime) -> datetime:
    """Where the period that begins at `cut` ends: until then the last one's paper is owed."""
    first = day_of(cut)
    days = 7 if kind == PaperKind.weekly else monthrange(first.year, first.month)[1]
    return start_of(first + timedelta(days=days))


def campaign_to_date(first: date, at: datetime) -> Period:
    """From a first day up to `at`, for the statistics as they stand."""
    return Period(PaperKind.statistics, first, at)
