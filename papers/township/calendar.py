"""The office's own calendar, which wins over the published one (`calendar.csv`; may have no rows)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from models.township import DayKind
from papers.township.sheet import Row, Sheet

COLUMNS = ("date", "kind", "note")


@dataclass(frozen=True, slots=True)
class WorkDay:
    day: date
    kind: DayKind
    note: str
    line: int = field(default=0, compare=False)


def read_calendar(sheet: Sheet) -> tuple[WorkDay, ...]:
    days: dict[date, WorkDay] = {}
    for row in sheet.rows:
        day = _work_day(row)
        if day and day.day in days:
            row["date"].fault(f"日期重复 duplicate date {day.day}", f"只出现一次 only once；第 {days[day.day].line} 行已有")
        if day:
            days.setdefault(day.day, day)
    return tuple(days.values())


def _work_day(row: Row) -> WorkDay | None:
    day, kind, note = row["date"].day(), row["kind"].word(DayKind), row["note"].said()
    return WorkDay(day, kind, note or "", row.line) if day and kind else None
