"""A township's rules as a process holds them: limits, working time, quiet hours, ladders. Read once a revision.

`township.rules` in the database is this JSON, written by the loader from township.yaml and sla.yaml:

    {"limits": [{"clock", "grade", "sla_class" | null, "amount", "unit", "most" | null}, …],
     "working_hours": [["08:30", "12:00"], …], "quiet_hours": ["21:30", "07:00"], "digest_at": "08:30", "bundle_cap": 10,
     "retry_minutes": [1, 5, …], "cap_leaves_hours": 24, "take_up_hours": 24}

Times of day are the township's (Asia/Shanghai).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from models.calendar import Calendar, Span
from models.deadlines import Limit, Unit
from models.deadlines import Rung as RungOffset
from models.enumerations import Clock, Grade, SlaClass
from models.township import DayKind


@dataclass(frozen=True, slots=True)
class LadderVersion:
    """The newest version of a ladder: what a timer that starts now will climb."""

    id: int
    rungs: tuple[RungOffset, ...]


@dataclass(frozen=True)
class Rules:
    """One township's rules at one revision."""

    calendar: Calendar
    limits: Mapping[tuple[str, str, str | None], Limit]
    ladders: Mapping[tuple[str, str], LadderVersion]
    quiet_hours: tuple[time, time]
    digest_at: time
    bundle_cap: int
    retry_minutes: tuple[int, ...]
    cap_leaves: timedelta
    take_up_hours: int

    def limit(self, clock: Clock, grade: Grade, sla_class: SlaClass | None = None) -> Limit:
        """The limit of a clock. Raises KeyError when the township has none, which loading refuses."""
        return self.limits[str(clock), str(grade), str(sla_class) if sla_class and clock == Clock.rectify else None]

    def ladder(self, clock: Clock, grade: Grade) -> LadderVersion:
        return self.ladders[str(clock), str(grade)]


def rules_of(session: Session, township_id: int) -> Rules:
    """The township's rules as they stand in this transaction's database; cached until its revision grows."""
    revision = session.execute(text("select revision from township where id = :id"), {"id": township_id}).scalar_one()
    where = str(session.get_bind().engine.url)
    key = (where, township_id, revision)
    if key not in _known:
        _known.clear()
        _known[key] = _read(session, township_id)
    return _known[key]


_known: dict[tuple[str, int, int], Rules] = {}


def _read(session: Session, township_id: int) -> Rules:
    said = session.execute(text("select rules from township where id = :id"), {"id": township_id}).scalar_one()
    days = session.execute(text("select day, kind from workday where township_id = :id"), {"id": township_id}).all()
    hours = tuple(Span(_time(first), _time(last)) for first, last in said["working_hours"])
    quiet_from, quiet_until = said["quiet_hours"]
    return Rules(
        calendar=_calendar(hours, tuple((row.day, DayKind(row.kind)) for row in days)),
        limits={(each["clock"], each["grade"], each["sla_class"]): _limit(each) for each in said["limits"]},
        ladders=_ladders(session, township_id),
        quiet_hours=(_time(quiet_from), _time(quiet_until)),
        digest_at=_time(said["digest_at"]),
        bundle_cap=said["bundle_cap"],
        retry_minutes=tuple(said["retry_minutes"]),
        cap_leaves=timedelta(hours=said["cap_leaves_hours"]),
        take_up_hours=said["take_up_hours"],
    )


NEWEST_LADDERS = text("""
select distinct on (ladder.clock, ladder.grade) ladder.id, ladder.clock, ladder.grade, (
    select array_agg(array[offset_hours, working::int::float8] order by position) from rung where ladder_id = ladder.id
) as rungs
from ladder where township_id = :id order by ladder.clock, ladder.grade, ladder.version desc
""")


def _ladders(session: Session, township_id: int) -> dict[tuple[str, str], LadderVersion]:
    rows = session.execute(NEWEST_LADDERS, {"id": township_id}).all()
    return {
        (row.clock, row.grade): LadderVersion(row.id, tuple(RungOffset(offset, bool(working)) for offset, working in row.rungs))
        for row in rows
    }


@lru_cache(maxsize=8)
def _calendar(hours: tuple[Span, ...], days: tuple[tuple[date, DayKind], ...]) -> Calendar:
    return Calendar(dict(days), hours)


def _limit(said: Mapping[str, Any]) -> Limit:
    return Limit(said["amount"], Unit(said["unit"]))


def _time(text_of_day: str) -> time:
    return time.fromisoformat(text_of_day)
