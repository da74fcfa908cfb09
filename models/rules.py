"""A township's rules as a process holds them: limits, working time, quiet hours, ladders. Read once a revision.

`township.rules` in the database is this JSON, written by the loader from township.yaml and sla.yaml:

    {"limits": [{"clock", "grade", "sla_class" | null, "amount", "unit", "most" | null, "from" | null, "to" | null}, …],
     "working_hours": [["08:30", "12:00"], …], "quiet_hours": ["21:30", "07:00"], "digest_at": "08:30", "bundle_cap": 10,
     "retry_minutes": [1, 5, …], "cap_leaves_hours": 24, "take_up_hours": 24,
     "recurrence": {"months", "village_times", "similar"}, "league": {"on", "least_hazards", "least_places"},
     "recheck": {"after_days", "percent"}, "enforcement": {"authorised_teams": ["law_enforcement", …]},
     "fields": {"mine": {"team": "emergency_office", "deputy": "deputy-safety" | null}, …}, "silence_days": 7}

Times of day are the township's (Asia/Shanghai), the days of a limit China's and both inclusive. Teams are codes of units, deputies codes of
posts. From `recurrence` on everything may be missing: then the defaults below hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
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


@dataclass(frozen=True, slots=True)
class Recurrence:
    """When a hazard came back (反复发生): within `months` at the same place, or `village_times` of one family in a village.

    `similar`: how alike two wordings must be to name the same thing, in percent. The numbers are nobody's law but ours.
    """

    months: int = 12
    village_times: int = 3
    similar: int = 80


@dataclass(frozen=True, slots=True)
class League:
    """The league table: whether there is one, and how much a unit needs to be ranked (either of the two is enough)."""

    on: bool = True
    least_hazards: int = 5
    least_places: int = 20


@dataclass(frozen=True, slots=True)
class Recheck:
    """回头看: so many natural days after closure this share of the closed, beside everything major or recurrent."""

    after_days: int = 30
    percent: int = 10


@dataclass(frozen=True, slots=True)
class FieldOwner:
    """Who supervises a field of trade (三管三必须, 安全生产法第三条): a team's code, and the post of the leader in charge."""

    team: str
    deputy: str | None = None


@dataclass(frozen=True, slots=True)
class Edition:
    """A limit with the days on which it is in force, both inclusive. `most` is what an extension may reach."""

    limit: Limit
    most: Limit | None
    from_day: date
    to_day: date

    def holds(self, day: date) -> bool:
        return self.from_day <= day <= self.to_day


@dataclass(frozen=True)
class Rules:
    """One township's rules at one revision.

    `authorised_teams`: teams with delegated enforcement power (赋权或委托执法); a township is none by itself. `fields`: who supervises each
    field of trade; one that isn't there is a gap, and the default team's. `silence_days`: how long a silence may last at most (our number).
    """

    calendar: Calendar
    limits: Mapping[tuple[str, str, str | None], tuple[Edition, ...]]
    ladders: Mapping[tuple[str, str], LadderVersion]
    quiet_hours: tuple[time, time]
    digest_at: time
    bundle_cap: int
    retry_minutes: tuple[int, ...]
    cap_leaves: timedelta
    take_up_hours: int
    recurrence: Recurrence = Recurrence()
    league: League = League()
    recheck: Recheck = Recheck()
    authorised_teams: frozenset[str] = frozenset()
    fields: Mapping[str, FieldOwner] = field(default_factory=dict)
    silence_days: int = 7

    def limit(self, clock: Clock, grade: Grade, sla_class: SlaClass | None = None, on: date | None = None) -> Limit:
        """The limit of a clock that starts on the day `on` (China's day; the newest edition where none is given).

        Raises KeyError when the township has none, which loading refuses.
        """
        return self._edition(clock, grade, sla_class, on).limit

    def most(self, clock: Clock, grade: Grade, sla_class: SlaClass | None = None, on: date | None = None) -> Limit | None:
        """What a plan or an extension may reach on that clock, counted from where the clock began; None where nothing is said."""
        return self._edition(clock, grade, sla_class, on).most

    def _edition(self, clock: Clock, grade: Grade, sla_class: SlaClass | None, on: date | None) -> Edition:
        editions = self.limits[str(clock), str(grade), str(sla_class) if sla_class and clock == Clock.rectify else None]
        return next((each for each in editions if on and each.holds(on)), editions[-1])

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
        limits=_limits(said["limits"]),
        ladders=_ladders(session, township_id),
        quiet_hours=(_time(quiet_from), _time(quiet_until)),
        digest_at=_time(said["digest_at"]),
        bundle_cap=said["bundle_cap"],
        retry_minutes=tuple(said["retry_minutes"]),
        cap_leaves=timedelta(hours=said["cap_leaves_hours"]),
        take_up_hours=said["take_up_hours"],
        recurrence=Recurrence(**said.get("recurrence", {})),
        league=League(**said.get("league", {})),
        recheck=Recheck(**said.get("recheck", {})),
        authorised_teams=frozenset(said.get("enforcement", {}).get("authorised_teams", ())),
        fields={name: FieldOwner(**owner) for name, owner in said.get("fields", {}).items()},
        silence_days=said.get("silence_days", Rules.silence_days),
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


def _limits(said: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str, str | None], tuple[Edition, ...]]:
    """Editions by clock, grade and class, the newest last."""
    limits: dict[tuple[str, str, str | None], tuple[Edition, ...]] = {}
    for each in sorted(said, key=lambda each: each.get("from") or ""):
        key = (each["clock"], each["grade"], each["sla_class"])
        limits[key] = (*limits.get(key, ()), _edition(each))
    return limits


def _edition(said: Mapping[str, Any]) -> Edition:
    unit, most = Unit(said["unit"]), said.get("most")
    from_day = date.fromisoformat(said["from"]) if said.get("from") else date.min
    to_day = date.fromisoformat(said["to"]) if said.get("to") else date.max
    return Edition(Limit(said["amount"], unit), Limit(most, unit) if most else None, from_day, to_day)


def _time(text_of_day: str) -> time:
    return time.fromisoformat(text_of_day)
