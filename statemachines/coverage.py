"""Who inspected what, and how much of the registry has been seen (覆盖率)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlmodel import Session

from models.enumerations import PlaceStatus
from statemachines.errors import Refused
from statemachines.registry import ENTERPRISE

# What isn't to be visited: gone, or no longer a place of business. Locked or not found is: that is why somebody has to come again.
OUT_OF_SCOPE = (
    PlaceStatus.moved, PlaceStatus.demolished, PlaceStatus.dup, PlaceStatus.shut, PlaceStatus.vacant, PlaceStatus.home_use,
)  # fmt: skip
HALF_AFTER = 2
BY = {"village": ("village.code", "village.name"), "team": ("team.code", "team.name"), "kind": ("place.kind", "place.kind")}


@dataclass(frozen=True, slots=True)
class Covered:
    """One village, kind or team: `seen` places of `in_scope`, `tried` more that were found closed twice and count half."""

    code: str
    name: str
    in_scope: int
    seen: int
    tried: int

    @property
    def share(self) -> float | None:
        """C of the score: from 0 to 1; None where nothing is in scope."""
        return (self.seen + self.tried / 2) / self.in_scope if self.in_scope else None


# A self-check is no inspection: who checks themselves doesn't cover their place.
VISITS = """
scope as (
    select place.id, place.code, place.name, place.kind, place.status, place.village_id, place.team_id
    from place left join campaign on campaign.id = cast(:campaign_id as integer)
    where place.township_id = :township_id and not place.status = any(:out_of_scope)
        and (jsonb_array_length(coalesce(campaign.scope -> 'kinds', '[]')) = 0 or campaign.scope -> 'kinds' ? place.kind)
        and (jsonb_array_length(coalesce(campaign.scope -> 'fields', '[]')) = 0 or campaign.scope -> 'fields' ? place.field)
),
visits as (
    select place_id, count(*) filter (where result <> 'not_accessible') as inside,
        count(*) filter (where result = 'not_accessible') as outside, max(started_at) as last_at
    from inspection
    join post on post.township_id = inspection.township_id and post.code = inspection.recorded_post
    where inspection.township_id = :township_id and not post.kind = any(:enterprise)
        and (cast(:campaign_id as integer) is null or campaign_id = :campaign_id)
    group by place_id
)
"""
COVERAGE = f"""
with {VISITS}
select {{code}} as code, {{name}} as name, count(*) as in_scope, count(*) filter (where inside > 0) as seen,
    count(*) filter (where coalesce(inside, 0) = 0 and outside >= :half_after) as tried
from scope place join unit village on village.id = place.village_id join unit team on team.id = place.team_id
left join visits on visits.place_id = place.id
group by 1, 2 order by 1
"""


def coverage(session: Session, township_id: int, campaign_id: int | None, by: str) -> list[Covered]:
    """How many of the places in scope have been inspected, by village, kind or team; in one campaign, or ever (None).

    Raises Refused(by) for anything else to count by.
    """
    if by not in BY:
        raise Refused("by", "只能按村、场所类型或站所统计。", f"Coverage is counted by one of {', '.join(BY)}.")
    code, name = BY[by]
    rows = session.execute(text(COVERAGE.format(code=code, name=name)), _scope(township_id, campaign_id)).all()
    return [Covered(row.code, row.name, row.in_scope, row.seen, row.tried) for row in rows]


def _scope(township_id: int, campaign_id: int | None) -> dict[str, Any]:
    return {
        "township_id": township_id, "campaign_id": campaign_id, "out_of_scope": list(OUT_OF_SCOPE), "enterprise": list(ENTERPRISE),
        "half_after": HALF_AFTER,
    }  # fmt: skip


UNCOVERED = text(f"""
with {VISITS}
select place.code, place.name, place.kind, place.status, village.code as village, team.code as team, coalesce(outside, 0) as tried,
    last_at
from scope place join unit village on village.id = place.village_id join unit team on team.id = place.team_id
left join visits on visits.place_id = place.id
where coalesce(inside, 0) = 0 and (cast(:village as text) is null or village.code = :village)
    and (cast(:team as text) is null or team.code = :team) and (cast(:kind as text) is null or place.kind = :kind)
order by team.code, village.code, place.code collate "C" limit :limit
""")


def uncovered(
    session: Session, township_id: int, campaign_id: int | None, *, village: str | None = None, team: str | None = None,
    kind: str | None = None, limit: int = 1000,
) -> list[Row[Any]]:
    """The places in scope that nobody has been inside yet: code, name, kind, status, village, team, `tried` (visits in vain), `last_at`."""
    asked = {**_scope(township_id, campaign_id), "village": village, "team": team, "kind": kind, "limit": limit}
    return list(session.execute(UNCOVERED, asked).all())


INSPECTIONS = text("""
select inspection.*, place.code as place, place.name as place_name, team.code as team, village.code as village, who.officers,
    said.answered, said.failed, said.hazards
from inspection
join place on place.id = inspection.place_id join unit team on team.id = place.team_id join unit village on village.id = place.village_id
cross join lateral (
    select jsonb_agg(jsonb_build_object('person', person, 'post', post, 'certificate', certificate) order by person) as officers,
        array_agg(post) as posts from officer where inspection_id = inspection.id
) who
cross join lateral (
    select count(*) as answered, count(*) filter (where said = 'no') as failed,
        coalesce(array_agg(cases.code order by cases.id) filter (where cases.id is not null), '{}') as hazards
    from answer left join cases on cases.id = hazard_id where inspection_id = inspection.id
) said
where inspection.township_id = :township_id and (cast(:place as text) is null or place.code = :place)
    and (cast(:team as text) is null or exists (
        select from post join unit on unit.id = post.unit_id
        where post.township_id = inspection.township_id and post.code = any(who.posts) and unit.code = :team))
    and (cast(:post as text) is null or :post = any(who.posts) or leader_post = :post)
    and (cast(:code as text) is null or inspection.code = :code)
    and (cast(:since as timestamptz) is null or started_at >= :since) and (cast(:until as timestamptz) is null or started_at < :until)
order by started_at desc, inspection.id desc limit :limit
""")


def inspections_of(
    session: Session, township_id: int, *, place: str | None = None, team: str | None = None, post: str | None = None,
    code: str | None = None, since: datetime | None = None, until: datetime | None = None, limit: int = 100,
) -> list[Row[Any]]:
    """Who inspected what, the newest first: by place, by the team or the post that inspected (or led), by code; times are business time.

    Each row has the inspection's columns, place, place_name, team and village of the place, officers, answered, failed, hazards (codes).
    """
    asked = {"place": place, "team": team, "post": post, "code": code, "since": since, "until": until, "limit": limit}
    return list(session.execute(INSPECTIONS, {"township_id": township_id, **asked}).all())
