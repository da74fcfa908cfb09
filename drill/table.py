"""What a campaign came to: the table that a replay ends with, read from the database alone."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from drill.records import Records, read_records
from models.clock import say
from papers.backup.standing import history_hash


@dataclass(frozen=True, slots=True)
class Open:
    """A case that was open at the deadline: its state then, the highest level that anybody had been told of, and the posts that had got
    a message about it, the highest level's first. `due` is when it is to be mended, as people say it."""

    code: str
    place: str
    grade: str
    state: str
    level: int
    due: str
    told: tuple[str, ...]


@dataclass(slots=True)
class Table:
    """`found` = `closed` + `open` + `ended_otherwise`. `open_at_deadline` and `still_open` are None before the deadline.

    `escalations` counts rungs of level 1 and above that fired, `by_level` the same by level, `reached` the cases by the highest level
    that any promise of theirs ever reached. `notices` by state: a bundle once under its own, its members under «bundled».
    Hazards are what is counted up to `still_open`; escalations, notices, events and the hash are of all cases. `records` tells the rest.
    """

    places: int
    found: int
    closed: int
    open: int
    ended_otherwise: int
    rate: float | None
    open_at_deadline: int | None
    escalations: int
    by_level: dict[str, int]
    reached: dict[str, int]
    notices: dict[str, int]
    history_hash: str
    ended: dict[str, int]
    still_open: list[Open] | None
    events: int
    records: Records = field(default_factory=Records)
    steps: dict[str, int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    nobody: dict[str, int] = field(default_factory=dict)
    arrived: int = 0

    def as_json(self) -> dict[str, Any]:
        """Every field at the top: a program reads `coverage` where it reads `found`."""
        said = asdict(self)
        records = said.pop("records")
        return {**said, **records}


def read_table(session: Session, township_id: int, now: datetime) -> Table:
    """The table as of business time `now`."""
    states = _counts(session, STATES, township_id)
    closed = states.get("closed", 0)
    ended = {state: states[state] for state in ("rejected", "duplicate", "cancelled", "transferred") if states.get(state)}
    found, ended_otherwise = sum(states.values()), sum(ended.values())
    deadline = session.execute(text("select min(deadline) from campaign where township_id = :id"), {"id": township_id}).scalar()
    still_open = _still_open(session, township_id, deadline) if deadline and now >= deadline else None
    by_level = _counts(session, RUNGS, township_id)
    return Table(
        places=session.execute(text("select count(*) from place where township_id = :id"), {"id": township_id}).scalar_one(),
        found=found, closed=closed, open=found - closed - ended_otherwise, ended_otherwise=ended_otherwise,
        rate=round(closed / (found - ended_otherwise), 4) if found > ended_otherwise else None,
        open_at_deadline=None if still_open is None else len(still_open),
        escalations=sum(by_level.values()), by_level=by_level, reached=_counts(session, REACHED, township_id),
        notices=_counts(session, NOTICES, township_id), history_hash=history_hash(session, township_id), ended=ended,
        still_open=still_open,
        events=session.execute(text(f"select count(*) {EVENTS}"), {"id": township_id}).scalar_one(),
        records=read_records(session, township_id, now),
    )  # fmt: skip


EVENTS = "from event join cases c on c.id = event.case_id where c.township_id = :id"
STATES = "select state as name, count(*) as n from cases where township_id = :id and kind = 'hazard' group by state order by state"
NOTICES = "select state as name, count(*) as n from notice where township_id = :id group by state order by state"
RUNGS = f"""
select facts->>'level' as name, count(*) as n {EVENTS}
    and trigger = 'escalate' and (facts->>'level')::int > 0 and (facts->>'repeat')::int = 0
group by 1 order by 1
"""
REACHED = f"""
select level::text as name, count(*) as n from (
    select max((facts->>'level')::int) as level {EVENTS} and trigger = 'escalate' and c.kind = 'hazard' group by case_id
) highest where level > 0 group by 1 order by 1
"""


def _counts(session: Session, query: str, township_id: int) -> dict[str, int]:
    return {row.name: row.n for row in session.execute(text(query), {"id": township_id})}


# History says how it stood then, whatever has happened since; the outbox says who had got a message by then, alone or in a bundle.
STILL_OPEN = text("""
with stood as (
    select distinct on (c.id) c.id, c.code, c.place_id, c.grade, event.to_state
    from cases c join event on event.case_id = c.id
    where c.township_id = :id and event.at <= :deadline order by c.id, seq desc
)
select stood.code, place.code as place, stood.grade, stood.to_state as state, hazard.due_at, coalesce(heard.level, 0) as level,
    coalesce(heard.posts, '{}') as posts
from stood join place on place.id = stood.place_id join hazard on hazard.case_id = stood.id
cross join lateral (
    select max(level) as level, array_agg(code order by level desc, code collate "C") as posts from (
        select post.code, max(coalesce((notice.facts->>'level')::int, 0)) as level
        from notice join post on post.id = notice.post_id left join notice bundle on bundle.id = notice.bundle_id
        where notice.case_id = stood.id and coalesce(bundle.sent_at, notice.sent_at) <= :deadline group by post.code
    ) told
) heard
where stood.to_state not in ('closed', 'rejected', 'duplicate', 'cancelled', 'transferred')
order by heard.level desc nulls last, stood.code collate "C"
""")


def _still_open(session: Session, township_id: int, deadline: datetime) -> list[Open]:
    rows = session.execute(STILL_OPEN, {"id": township_id, "deadline": deadline})
    return [
        Open(row.code, row.place, row.grade, row.state, row.level, say(row.due_at) if row.due_at else "", tuple(row.posts)) for row in rows
    ]
