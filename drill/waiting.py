"""What the simulated people see of what was asked about a hazard, and of public reports: who is to decide, and since when it waits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlmodel import Session

from drill.seen import TOUCHED

SPEAKS_UP = timedelta(days=14)  # how long a reporter who has been answered may still say what they think of it


@dataclass(frozen=True, slots=True)
class Waiting:
    """An extension, appeal, transfer, listing or public report that waits for somebody. Posts, places and units are codes.

    `hazard` is what it is about, or what a report became; `hazard_since` when that was verified or closed. `beyond` says that more time
    is asked for than the campaign has; `answers` how often a report has been answered; `twin` an open hazard at its place.
    """

    code: str
    kind: str
    state: str
    version: int
    since: datetime
    due_at: datetime | None
    level: int
    fired_at: datetime | None
    responsible: str | None
    approver: str | None
    place: str | None
    team: str | None
    hazard: str | None
    hazard_state: str | None
    hazard_since: datetime | None
    interim_control: str
    beyond: bool
    treat_by: datetime | None
    answers: int
    twin: str | None
    lat: float | None = None
    lon: float | None = None

    @property
    def round(self) -> int:
        return 1 + self.answers


WAITING = text(f"""
select c.code, c.kind, c.state, c.version, coalesce(t.started_at, r.answered_at) as since, t.due_at, coalesce(rung.level, 0) as level,
    t.fired_at, responsible.code as responsible, approver.code as approver, place.code as place, team.code as team,
    about.code as hazard, about.state as hazard_state, coalesce(h.closed_at, h.verified_at) as hazard_since,
    coalesce(h.interim_control, 'none') as interim_control, coalesce(e.requested_due > campaign.deadline, false) as beyond,
    h.due_at as treat_by, case when r.case_id is null then 0 else (
        select count(*) from event where event.case_id = c.id and trigger = 'answer_report'
    ) end as answers,
    (
        select min(other.code) from cases other
        where r.case_id is not null and other.place_id = c.place_id and other.kind = 'hazard' and other.ended_at is null
    ) as twin
from cases c
left join timer t on t.case_id = c.id and t.stopped_at is null
left join rung on rung.ladder_id = t.ladder_id and rung.position = t.fired
left join post responsible on responsible.id = c.responsible_post_id
left join post approver on approver.id = c.approver_post_id
left join place on place.id = c.place_id
left join unit team on team.id = c.team_id
left join campaign on campaign.id = c.campaign_id
left join public_report r on r.case_id = c.id
left join extension e on e.case_id = c.id
left join cases about on about.id = coalesce(c.parent_id, r.hazard_id)
left join hazard h on h.case_id = about.id
where c.township_id = :township_id and c.kind in ('extension', 'appeal', 'transfer', 'listing', 'report')
    and (c.ended_at is null or c.state = 'answered' and r.answered_at >= :answered_since)
    and (:everybody or not {TOUCHED})
    and not exists (select from event where event.case_id = c.id and seq = c.events and at > :since)
order by c.code collate "C"
""")


def waiting(session: Session, township_id: int, since: datetime, *, everybody: bool = True) -> list[Waiting]:
    """What waits, but for what somebody has acted on after `since`. Unless `everybody`: only what no real person has touched."""
    asked = {"township_id": township_id, "since": since, "answered_since": since - SPEAKS_UP, "everybody": everybody}
    return [Waiting(**row) for row in session.execute(WAITING, asked).mappings()]
