"""Duties and tasks: who does their rounds in time, who only when told, and who never. Thousands of runs: each is looked at when it opens
and when somebody has been told, not every hour."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import text
from sqlmodel import Session

from drill.chance import Stream
from drill.habits import Habits, Move, by_day, urged_by_day
from drill.hours import awake
from drill.seen import TOUCHED
from models.enumerations import PostKind

P = PostKind
GOES_BY = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Run:
    """A run that is open. `since` is when it could first be done, `hazard` the one that a task follows from, `led` whether an inspection
    does it, `comes_back` whether who looks at a closed hazard again finds it there. `case_id` orders them; it isn't chosen by."""

    case_id: int
    code: str
    version: int
    task: str
    owner: str
    wanted: tuple[str, ...]
    leader: bool
    led: bool
    since: datetime
    due_at: datetime
    closes_at: datetime
    level: int
    fired_at: datetime | None
    hazard: str | None
    place: str | None
    comes_back: bool = False
    round: int = 1
    lat: float | None = None
    lon: float | None = None


def next_round(run: Run, habits: Habits) -> Move | None:
    """When it is done: in time, late, once a post of some level has been told, or never; now and then somebody else excuses it."""
    chance = habits.of(run, "do_duty")
    lot = chance.share("temper")
    if lot > 0.997 and not run.leader and habits.roster.kinds.get(run.owner) != P.office_head:
        excused_at = habits.in_office(run.due_at - (run.due_at - run.since) * chance.between(0.1, 0.6, "excused"), 0)
        return Move(excused_at, "excuse", tuple(habits.roster.of_kind(P.office_head)), {"reason": "因病请假，已由他人代为巡查"})
    at = _done_at(run, chance, lot)
    if run.led or at is None or at > run.closes_at:
        return None
    said = {"note": "已完成，发现的小问题当场处理"} if chance.happens(0.08, "says") else {}
    return Move(at, "do_duty", (run.owner,), said, photos=run.wanted)


def _done_at(run: Run, chance: Stream, lot: float) -> datetime | None:
    if lot < 0.93:
        at = awake(run.since + (run.due_at - run.since) * chance.between(0.04, 0.94, "when"), chance.between(0, 70, "morning"))
        return at if at < run.due_at else max(run.since, run.due_at - GOES_BY * chance.between(0.2, 6, "just"))
    if lot < 0.955:
        return by_day(run.due_at, chance.between(1, 20, "late"), chance)
    return urged_by_day(run, int(chance.share("listens") * 3), chance, (1, 9)) if lot < 0.988 and run.fired_at else None


# Only what is new, or about which somebody has just been told.
FRESH = text("""
select id from cases where id > :newest and township_id = :township_id and kind = 'duty' and opened_at <= :since and ended_at is null
""")
URGED = text("""
select case_id from timer where stopped_at is null and fired > 0 and clock in ('duty', 'leader_duty') and fired_at > :heard
""")
RUNS = text("""
select c.id as case_id, c.code, c.version, run.task, owner.code as owner, run.wanted, run.leader,
    coalesce(duty.body -> 'done_by_inspection' ->> 'trigger', '') <> '' as led,
    greatest(run.opens_at, c.opened_at) as since, run.due_at, run.closes_at, coalesce(rung.level, 0) as level, t.fired_at,
    parent.code as hazard, place.code as place
from cases c
join duty_run run on run.case_id = c.id
join post owner on owner.id = run.owner_post_id
left join duty on duty.id = run.duty_id
left join place on place.id = c.place_id
left join cases parent on parent.id = c.parent_id
left join timer t on t.case_id = c.id and t.stopped_at is null
left join rung on rung.ladder_id = t.ladder_id and rung.position = t.fired
where c.id = any(:ids) and c.township_id = :township_id and c.ended_at is null
order by c.id
""")
STILL = text(f"""
select c.code from cases c where c.township_id = :township_id and c.code = any(:codes) and c.state = 'open'
    and (:everybody or not {TOUCHED})
""")


@dataclass(slots=True)
class Rounds:
    """What everybody is going to do about open runs, by time. Kept in memory, and made again from the database at any moment."""

    newest: int = 0
    heard: datetime | None = None
    planned: dict[str, Run] = field(default_factory=dict)
    due: list[tuple[datetime, str, int]] = field(default_factory=list)

    def look(self, session: Session, township_id: int, since: datetime, habits: Habits) -> None:
        """Takes in what has opened and who has been told until `since`."""
        asked = {"township_id": township_id, "newest": self.newest, "heard": self.heard or FOREVER_AGO, "since": since}
        ids = {id for query in (FRESH, URGED) for id in session.execute(query, asked).scalars()}
        rows = session.execute(RUNS, {"township_id": township_id, "ids": sorted(ids)}).mappings() if ids else ()
        for row in rows:
            run = Run(**{**row, "wanted": tuple(row["wanted"])}, comes_back=Stream(habits.seed, row["code"], "comes back").happens(0.08))
            self.newest, self.planned[run.code] = max(self.newest, run.case_id), run
            if move := next_round(run, habits):
                heapq.heappush(self.due, (move.at, run.code, run.level))
        self.heard = since

    def take(self, session: Session, township_id: int, until: datetime, everybody: bool) -> Iterable[Run]:
        """Those that somebody does up to `until`, as far as nobody else has."""
        codes = set()
        while self.due and self.due[0][0] <= until:
            codes.add(heapq.heappop(self.due)[1])
        asked = {"township_id": township_id, "codes": list(codes), "everybody": everybody}
        left = set(session.execute(STILL, asked).scalars()) if codes else set()
        gone = {code: run for code in sorted(codes) if (run := self.planned.pop(code, None))}
        return [run for code, run in gone.items() if code in left]


FOREVER_AGO = datetime(1970, 1, 1, tzinfo=UTC)
