"""What the simulated people see of a case: the facts that anybody concerned could read from its page, all cases in one question."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlmodel import Session

DRILL = "drill"  # what stands in an event's `flow_run`, beside the chain, when a simulated person did it


@dataclass(frozen=True, slots=True)
class Seen:
    """A case whose move it is somebody's. Posts, places and units are codes, times business times.

    `clock` is the promise that runs for the present move, `since` when it began, `due_at` when it is due; `level` and `fired` are its
    last rung, `fired_at` when that fired, `held` whether it has been taken up, `told` the posts that heard of it. `twin` is an open
    case about the same thing at the same place. `recurrences` is how often it has come back; `asked` are the kinds of what was
    ever asked about it, `pending` of what isn't decided yet; `interim_kept` whether its control stands on after the closure.
    """

    code: str
    version: int
    state: str
    round: int
    grade: str
    sla_class: str
    threat: str
    measure: str | None
    clause: str | None
    found_at: datetime
    finder: str
    item: str | None
    place: str
    village: str
    team: str
    responsible: str | None
    approver: str | None
    interim_control: str
    interim_kept: bool
    listing: str
    recurrences: int
    root_cause: str | None
    extensions: int
    asked: tuple[str, ...]
    pending: tuple[str, ...]
    returned: int
    lat: float | None
    lon: float | None
    deadline: datetime | None
    clock: str
    since: datetime
    due_at: datetime
    level: int
    fired: int
    fired_at: datetime | None
    held: bool
    told: tuple[str, ...]
    twin: str | None


# What opens by itself and what climbs by itself is nobody's touch.
TOUCHED = """exists (
    select from event where event.case_id in (c.id, c.parent_id) and trigger not in ('escalate', 'open_duty')
        and event.person <> 'system' and flow_run is distinct from 'drill'
)"""

# While a case is closed, what counts is when it was closed.
CASES = text(f"""
select c.code, c.version, c.state, c.round, c.grade, h.sla_class, h.threat, h.measure, h.legal_basis[1] as clause, h.found_at,
    h.found_post as finder, h.item, place.code as place, village.code as village, team.code as team, responsible.code as responsible,
    approver.code as approver, h.interim_control, h.interim_kept, h.listing, h.recurrence_count as recurrences, h.root_cause,
    h.extension_count as extensions, coalesce(other.asked, '{{}}') as asked, coalesce(other.pending, '{{}}') as pending,
    h.returned_count as returned, place.lat, place.lon, campaign.deadline,
    coalesce(t.clock, '') as clock, coalesce(t.started_at, h.closed_at) as since, coalesce(t.due_at, h.closed_at) as due_at,
    coalesce(rung.level, 0) as level, coalesce(t.fired, 0) as fired, t.fired_at, t.held_rung is not distinct from t.fired as held,
    coalesce((
        select array(select jsonb_array_elements_text(facts->'told')) from event
        where event.case_id = c.id and trigger = 'escalate' and rung.level > 0 order by seq desc limit 1
    ), '{{}}') as told,
    (
        select min(other.code) from cases other join hazard same on same.case_id = other.id
        where c.state = 'found' and other.place_id = c.place_id and same.item = h.item and other.id < c.id and other.ended_at is null
    ) as twin
from cases c
join hazard h on h.case_id = c.id
join place on place.id = c.place_id
join unit village on village.id = c.village_id
join unit team on team.id = c.team_id
left join post responsible on responsible.id = c.responsible_post_id
left join post approver on approver.id = c.approver_post_id
left join campaign on campaign.id = c.campaign_id
left join timer t on t.case_id = c.id and t.stopped_at is null and t.clock = case c.state when 'found' then 'dispatch'
    when 'reopened' then 'dispatch' when 'assigned' then 'acknowledge' when 'rectifying' then 'rectify' when 'submitted' then 'review'
    else 'approve' end
left join rung on rung.ladder_id = t.ladder_id and rung.position = t.fired
left join lateral (
    select array_agg(kind order by id) as asked, array_agg(kind order by id) filter (where ended_at is null) as pending
    from cases asked where asked.parent_id = c.id and kind not in ('duty', 'report')
) other on true
where c.township_id = :township_id and c.kind = 'hazard'
    and (c.ended_at is null and t.id is not null or cast(:closed_since as timestamptz) <= h.closed_at and c.state = 'closed')
    and (:everybody or not {TOUCHED})
    and not exists (select from event where event.case_id = c.id and seq = c.events and at > :since)
order by c.code collate "C"
""")


def see(
    session: Session, township_id: int, *, since: datetime, closed_since: datetime | None = None, everybody: bool = True
) -> list[Seen]:
    """The open hazards, and those closed at `closed_since` or later, but for those on which somebody has acted after `since`.

    Unless `everybody`: only cases that no real person has touched.
    """
    asked = {"township_id": township_id, "since": since, "closed_since": closed_since, "everybody": everybody}
    rows = session.execute(CASES, asked).mappings()
    return [Seen(**{**row, **{name: tuple(row[name]) for name in ("told", "asked", "pending")}}) for row in rows]
