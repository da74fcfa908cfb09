"""The campaign in numbers, as far as the caller's posts reach: one pass over an index counts hazards by state and grade for each kind of
place and each village, and what each day brought and ended; the rest is adding up."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from models.case import OPEN, OVERDUE
from models.clock import day_of, start_of
from models.enumerations import ENDED, Grade, HazardState, PlaceKind
from web.caller import Caller

SINCE_EVER = datetime(1, 1, 2, tzinfo=UTC)
RANKED_FROM = 5  # fewer valid hazards than this give a rate, but no rank


@dataclass(slots=True)
class Tally:
    """Hazards counted. `rate` is closed / valid in percent; None (shown as «—») where nothing valid was found."""

    found: int = 0
    closed: int = 0
    open: int = 0
    overdue: int = 0
    major_open: int = 0
    major_overdue: int = 0
    ended_otherwise: int = 0
    by_state: dict[HazardState, int] = field(default_factory=dict)

    def add(self, state: HazardState, grade: str | None, count: int, overdue: int) -> None:
        self.found += count
        self.overdue += overdue
        self.by_state[state] = self.by_state.get(state, 0) + count
        if state == HazardState.closed:
            self.closed += count
        elif state in ENDED:
            self.ended_otherwise += count
        else:
            self.open += count
        if grade == Grade.major:
            self.major_open += 0 if state in ENDED else count
            self.major_overdue += overdue

    @property
    def valid(self) -> int:
        return self.found - self.ended_otherwise

    @property
    def rate(self) -> float | None:
        return round(100 * self.closed / self.valid, 1) if self.valid else None


@dataclass(frozen=True, slots=True)
class Campaign:
    """`days_left` counts to the day of the deadline; 0 on it, negative after it. `length` is the whole campaign in days."""

    code: str
    title: str
    starts: date
    deadline: datetime
    day: date
    today: date

    @property
    def days_left(self) -> int:
        return (self.day - self.today).days

    @property
    def length(self) -> int:
        return (self.day - self.starts).days + 1


@dataclass(frozen=True, slots=True)
class Slice:
    """One kind of place or one village. `places`: how many of them the registry has."""

    code: str
    name: str
    tally: Tally
    places: int
    rank: int | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """How many hazards were open at the end of a day."""

    day: date
    open: int


@dataclass(frozen=True, slots=True)
class Pace:
    """Closures a day: needed until the deadline, and of the last seven days; `ahead` in days, negative when late, None without a pace."""

    needed: float | None
    lately: float
    clear_on: date | None
    ahead: int | None


@dataclass(frozen=True, slots=True)
class Numbers:
    campaign: Campaign | None
    whole: Tally
    kinds: tuple[Slice, ...]
    villages: tuple[Slice, ...]
    trend: tuple[Point, ...]
    pace: Pace


# All of it stands in the index hazards_as_counted; what is alike is counted before it is summed up; what has ended needs no grade.
# A day in Shanghai has had 24 hours since 1991, so that it is a bin; what was opened or ended before the trend begins is one bin too.
COUNTS = f"""
select state, grade, p.kind, alike.village_id, opened, ended, sum(count)::int as count, sum(overdue)::int as overdue
from (
    select c.state, case when {OPEN} then c.grade end as grade, c.place_id, c.village_id,
        date_bin('1 day', greatest(c.opened_at, :before), :midnight) as opened,
        date_bin('1 day', case when c.ended_at is not null then greatest(c.ended_at, :before) end, :midnight) as ended,
        count(*) as count, count(*) filter (where {OVERDUE}) as overdue
    from cases c where {{reach}} and c.kind = 'hazard' group by 1, 2, 3, 4, 5, 6
) alike join place p on p.id = alike.place_id and p.township_id = :township
group by grouping sets ((state, grade, p.kind), (state, grade, alike.village_id), (opened), (ended))
"""
SUMS = f"""
select c.state, count(*) as cases, count(*) filter (where {OVERDUE}) as overdue
from cases c where {{reach}} and c.kind = 'hazard' group by 1
"""
PLACES = "select kind, village_id, count(*) as count from place p where {reach} group by 1, 2"
VILLAGES = text("select id, code, name from unit where township_id = :township and kind = 'village' order by code")
CAMPAIGN = text("""
select code, title, starts_at, deadline from campaign where township_id = :township
order by starts_at <= :now desc, deadline >= :now desc, abs(extract(epoch from deadline - :now)) limit 1
""")


def read(session: Session, caller: Caller) -> Numbers:
    """Everything the front page shows. Costs one pass over the cases within reach."""
    reach, asked = caller.reach()
    campaign = current(session, caller)
    places = session.execute(text(PLACES.format(reach=caller.place_reach()[0])), asked).all()
    villages = session.execute(VILLAGES, {"township": caller.township_id}).all()
    asked |= {"now": caller.now, "midnight": start_of(caller.day), "before": _before(campaign)}
    rows = session.execute(text(COUNTS.format(reach=reach)), asked).all()
    of_kinds, of_villages = [row for row in rows if row.kind], [row for row in rows if row.village_id]
    whole = _tally(of_kinds)
    return Numbers(
        campaign, whole,
        _slices([(str(kind), kind.zh) for kind in PlaceKind], of_kinds, places, lambda row: str(row.kind)),
        _ranked(_slices([(row.code, row.name) for row in villages], of_villages, places, _village_codes(villages))),
        _trend(caller, campaign, rows), pace(session, caller, campaign, whole.open),
    )  # fmt: skip


def _before(campaign: Campaign | None) -> datetime:
    """The midnight that begins the day before the trend; without a campaign the trend begins with the first hazard."""
    return start_of(campaign.starts - timedelta(days=1)) if campaign else SINCE_EVER


def current(session: Session, caller: Caller) -> Campaign | None:
    """The campaign that runs now; between campaigns the last one."""
    row = session.execute(CAMPAIGN, {"township": caller.township_id, "now": caller.now}).first()
    if row is None:
        return None
    return Campaign(row.code, row.title, day_of(row.starts_at), row.deadline, day_of(row.deadline), caller.day)


def whole(session: Session, caller: Caller) -> Tally:
    """Only the sums, without grades: what the inbox's head shows. For a post of the whole township one index answers."""
    reach, asked = caller.reach()
    tally = Tally()
    for row in session.execute(text(SUMS.format(reach=reach)), {**asked, "now": caller.now}):
        tally.add(HazardState(row.state), "", row.cases, row.overdue)
    return tally


def _tally(rows: Iterable[Any]) -> Tally:
    tally = Tally()
    for row in rows:
        tally.add(HazardState(row.state), row.grade, row.count, row.overdue)
    return tally


def _village_codes(villages: Iterable[Any]) -> Callable[[Any], str]:
    codes = {row.id: row.code for row in villages}
    return lambda row: codes.get(row.village_id, "")


def _slices(names: list[tuple[str, str]], rows: Iterable[Any], places: Iterable[Any], of: Callable[[Any], str]) -> tuple[Slice, ...]:
    """One slice for each name that has places or hazards, in the order of the names."""
    tallies: defaultdict[str, Tally] = defaultdict(Tally)
    for row in rows:
        tallies[of(row)].add(HazardState(row.state), row.grade, row.count, row.overdue)
    registered: dict[str, int] = {}
    for row in places:
        registered[of(row)] = registered.get(of(row), 0) + row.count
    known = [(code, name) for code, name in names if code in tallies or code in registered]
    return tuple(Slice(code, name, tallies[code], registered.get(code, 0)) for code, name in known)


def _ranked(slices: tuple[Slice, ...]) -> tuple[Slice, ...]:
    """Best rate first; equal rates share a rank; without enough hazards no rank, at the end."""
    able = sorted((s for s in slices if s.tally.valid >= RANKED_FROM), key=lambda s: (-(s.tally.rate or 0), s.tally.overdue, s.code))
    rates = [s.tally.rate for s in able]
    ranked = [Slice(s.code, s.name, s.tally, s.places, 1 + rates.index(s.tally.rate)) for s in able]
    rest = sorted((s for s in slices if s.tally.valid < RANKED_FROM), key=lambda s: (-s.tally.overdue, -s.tally.open, s.code))
    return (*ranked, *rest)


def _trend(caller: Caller, campaign: Campaign | None, rows: Iterable[Any]) -> tuple[Point, ...]:
    """Open hazards at the end of each day since the campaign began, today as it stands."""
    moves: Counter[date] = Counter()
    for row in rows:
        if row.opened or row.ended:
            moves[day_of(row.opened or row.ended)] += row.count if row.opened else -row.count
    first = campaign.starts if campaign else min(moves, default=caller.day)
    open_before = sum(change for day, change in moves.items() if day < first)
    points: list[Point] = []
    day = first
    while day <= caller.day and len(points) < 400:
        open_before += moves[day]
        points.append(Point(day, open_before))
        day += timedelta(days=1)
    return tuple(points)


# Said by village, so that the index of what each has closed lately answers.
LATELY = """
select count(*) from cases c where {reach} and c.kind = 'hazard' and c.state = 'closed' and c.ended_at > :since
    and c.village_id = any(array(select id from unit where township_id = :township and kind = 'village'))
"""


def pace(session: Session, caller: Caller, campaign: Campaign | None, open_now: int) -> Pace:
    """How fast hazards are closed, as far as the caller's posts reach, and how fast they would have to be."""
    reach, asked = caller.reach()
    since = start_of(caller.day - timedelta(days=6))
    lately = session.execute(text(LATELY.format(reach=reach)), {**asked, "since": since}).scalar_one() / 7
    left = campaign.days_left if campaign else 0
    needed = open_now / max(left, 1) if campaign and left >= 0 else None
    if not lately or not open_now:
        return Pace(needed, lately, None, None)
    clear_on = caller.day + timedelta(days=min(-(-open_now // lately), 3650))
    return Pace(needed, lately, clear_on, (campaign.day - clear_on).days if campaign else None)
