"""Where hazards wait: how long each step lasted, by the state they stood in and by the post whose act ended it, from history alone.

Every stay of a hazard in a state counts, so that a second round counts again; natural hours between business times. What still waits at
the time of asking stands beside it and isn't mixed in: it would make the slowest step look fast.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlmodel import Session

from models.enumerations import HazardState, PostKind, UnitKind
from notifications.letter import Seat
from notifications.templates.zh import seat as say_seat

STAYS = """
with moves as (
    select e.case_id, e.seq, e.trigger, e.post, e.to_state, e.at, lag(e.to_state) over a_case as was, lag(e.at) over a_case as since,
        lead(e.seq) over a_case is null as last
    from event e join cases c on c.id = e.case_id
    where c.township_id = :township and c.kind = 'hazard' and e.at <= :at and e.from_state is distinct from e.to_state
    window a_case as (partition by e.case_id order by e.seq)
),
stays as (
    select was as state, post, extract(epoch from at - since)::float8 / 3600 as hours, false as waits from moves where was is not null
    union all
    select to_state, null, extract(epoch from :at - at)::float8 / 3600, true from moves where last and to_state <> all(:ended)
)
"""
SUMS = """
    count(*) filter (where not waits) as count, percentile_cont(0.5) within group (order by hours) filter (where not waits) as median,
    percentile_cont(0.9) within group (order by hours) filter (where not waits) as p90,
    coalesce(sum(hours) filter (where not waits), 0) as total, count(*) filter (where waits) as waiting,
    max(hours) filter (where waits) as longest
"""
BY_STEP = text(f"{STAYS} select state, {SUMS} from stays where state <> all(:ended) group by state")
BY_POST = text(f"""{STAYS}
select stays.state, stays.post, post.kind, unit.name as unit, unit.kind as unit_kind, {SUMS}
from stays left join post on post.township_id = :township and post.code = stays.post left join unit on unit.id = post.unit_id
where not waits and state <> all(:ended) group by stays.state, stays.post, post.kind, unit.name, unit.kind
order by total desc, stays.state, stays.post collate "C"
""")
ENDED = [state.value for state in HazardState if state.ended]


@dataclass(frozen=True, slots=True)
class Wait:
    """Stays in one state, in hours. `share` is its part of all hours waited (0 to 1); `waiting` how many stand there now, `longest` since
    how long the oldest of them has. `post` is whose act ended the stays, None for the step as a whole."""

    state: HazardState
    count: int
    median: float | None
    p90: float | None
    total: float
    share: float
    waiting: int = 0
    longest: float | None = None
    post: str | None = None
    post_zh: str | None = None


def by_step(session: Session, township_id: int, at: datetime) -> list[Wait]:
    """Each state that somebody has a move in, in the order of a hazard's life."""
    rows = session.execute(BY_STEP, {"township": township_id, "at": at, "ended": ENDED}).mappings().all()
    whole = sum(row["total"] for row in rows) or 1.0
    found = [Wait(**{**row, "state": HazardState(row["state"])}, share=row["total"] / whole) for row in rows]
    order = list(HazardState)
    return sorted(found, key=lambda each: order.index(each.state))


def by_post(session: Session, township_id: int, at: datetime, least: int = 3) -> list[Wait]:
    """By state and post, those first where most hours went; posts with fewer than `least` stays are left out: they say little."""
    rows = session.execute(BY_POST, {"township": township_id, "at": at, "ended": ENDED}).mappings().all()
    whole = sum(row["total"] for row in rows) or 1.0
    return [
        Wait(
            HazardState(row["state"]), row["count"], row["median"], row["p90"], row["total"], row["total"] / whole,
            post=row["post"], post_zh=_named(row["post"], row["kind"], row["unit"], row["unit_kind"]),
        )
        for row in rows if row["count"] >= least
    ]  # fmt: skip


def _named(post: str, kind: str | None, unit: str | None, unit_kind: str | None) -> str:
    if kind is None or unit is None or unit_kind is None:
        return post
    return say_seat(Seat(PostKind(kind), unit, UnitKind(unit_kind)))
