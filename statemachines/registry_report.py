"""What the registry of places says about itself: who is counted in several lists at once, and where nobody is responsible."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import TextClause, text
from sqlmodel import Session

from models.clock import day_of
from models.enumerations import Field
from models.rules import rules_of
from statemachines.place_life import GONE


@dataclass(frozen=True, slots=True)
class Overlap:
    """How many places are in exactly these lists and in no other."""

    nine_small: bool
    street_shop: bool
    crowded: bool
    count: int

    @property
    def zh(self) -> str:
        lists = (("九小", self.nine_small), ("沿街门店", self.street_shop), ("人员密集", self.crowded))
        return " ∩ ".join(name for name, in_it in lists if in_it) or "其他"


@dataclass(frozen=True, slots=True)
class Overlaps:
    """Every combination once, so that they add up to `total`, the number of different places."""

    rows: tuple[Overlap, ...]

    @property
    def total(self) -> int:
        return sum(row.count for row in self.rows)

    @property
    def nine_small(self) -> int:
        return sum(row.count for row in self.rows if row.nine_small)

    @property
    def street_shop(self) -> int:
        return sum(row.count for row in self.rows if row.street_shop)

    @property
    def crowded(self) -> int:
        return sum(row.count for row in self.rows if row.crowded)

    @property
    def listed(self) -> int:
        """Different places that are in any of the three lists."""
        return sum(row.count for row in self.rows if row.nine_small or row.street_shop or row.crowded)

    @property
    def counted_twice(self) -> int:
        """By how much the sum of the three lists is more than there are places in them."""
        return self.nine_small + self.street_shop + self.crowded - self.listed


OVERLAPS = text("""
select nine_small, kind = 'street_shop' or also_street_shop as street_shop, crowded, count(*) as count
from place where township_id = :township_id and not status = any(:gone)
group by 1, 2, 3 order by 1 desc, 2 desc, 3 desc
""")


def overlaps(session: Session, township_id: int) -> Overlaps:
    """九小 ∩ 沿街门店 ∩ 人员密集: every combination that there is, of the places that are still there."""
    rows = session.execute(OVERLAPS, {"township_id": township_id, "gone": list(GONE)}).all()
    return Overlaps(tuple(Overlap(*row) for row in rows))


@dataclass(frozen=True, slots=True)
class Counted:
    """How many places of a kind were expected, and how many the registry has; `gone` of them have moved, been demolished, or repeat one."""

    kind: str
    expected: int
    found: int
    gone: int


@dataclass(frozen=True, slots=True)
class Gaps:
    """Where the matrix of responsibility has holes (三管三必须: whose field it is answers for it, 安全生产法 Art. 3).

    `fields`: no team supervises them, with the number of their places; `fallback_places`: only the fallback team has them, though their
    field is nobody's; teams without a head or without inspectors, posts that nobody holds today, places whose responsible post is
    inactive or vacant: all by code.
    """

    fields: tuple[tuple[Field, int], ...]
    fallback_places: tuple[str, ...]
    teams_without_head: tuple[str, ...]
    teams_without_inspectors: tuple[str, ...]
    vacant_posts: tuple[str, ...]
    unanswered_places: tuple[str, ...]
    counts: tuple[Counted, ...]


FIELDS = text("""
select said.field, count(place.id) as places
from unnest(cast(:fields as text[])) as said(field)
left join place on place.township_id = :township_id and place.field = said.field and not place.status = any(:gone)
group by said.field
""")
FALLBACK = text("""
select place.code from place join unit team on team.id = place.team_id join township on township.id = place.township_id
where place.township_id = :township_id and not place.status = any(:gone) and team.code = rules ->> 'default_team'
    and coalesce(place.field, 'other') = any(:fields) and coalesce(rules -> 'teams_by_kind' ->> place.kind, '') <> team.code
order by place.code collate "C"
""")
TEAMS_WITHOUT = text("""
select unit.code from unit where unit.township_id = :township_id and unit.kind = 'team' and not exists (
    select from post where post.unit_id = unit.id and post.active and post.kind = any(:kinds)
) order by unit.code collate "C"
""")
VACANT = text("""
select post.code from post where post.township_id = :township_id and post.active and not exists (
    select from holding where post_id = post.id and :day >= from_day and :day <= coalesce(to_day, 'infinity')
) order by post.code collate "C"
""")
UNANSWERED = text("""
select place.code from place join post on post.id = place.responsible_post_id
where place.township_id = :township_id and not place.status = any(:gone) and (not post.active or not exists (
    select from holding where post_id = post.id and :day >= from_day and :day <= coalesce(to_day, 'infinity')
)) order by place.code collate "C"
""")
COUNTS = text("""
with said as (
    select key as kind, value::int as expected from campaign, jsonb_each_text(expected)
    where campaign.id = (
        select id from campaign where township_id = :township_id and starts_at <= :now
        order by deadline >= :now desc, starts_at desc limit 1
    )
),
there as (
    select kind, count(*) as found, count(*) filter (where status = any(:gone)) as gone from place
    where township_id = :township_id group by kind
)
select kind, coalesce(expected, 0) as expected, coalesce(found, 0) as found, coalesce(gone, 0) as gone
from said full join there using (kind) order by kind
""")


def matrix_gaps(session: Session, township_id: int, now: datetime) -> Gaps:
    """Where nobody is responsible on the day of `now` (business time), and what the registry has beside what was expected of it."""
    fields = [field for field in Field if field not in rules_of(session, township_id).fields and field != Field.other]
    asked = {"township_id": township_id, "day": day_of(now), "now": now, "gone": list(GONE), "fields": [str(each) for each in fields]}

    def codes(query: TextClause, **more: object) -> tuple[str, ...]:
        return tuple(session.execute(query, {**asked, **more}).scalars())

    places = {row.field: row.places for row in session.execute(FIELDS, asked)}
    return Gaps(
        fields=tuple((field, places[field]) for field in fields),
        fallback_places=codes(FALLBACK),
        teams_without_head=codes(TEAMS_WITHOUT, kinds=["station_head", "office_head"]),
        teams_without_inspectors=codes(TEAMS_WITHOUT, kinds=["inspector"]),
        vacant_posts=codes(VACANT),
        unanswered_places=codes(UNANSWERED),
        counts=tuple(Counted(*row) for row in session.execute(COUNTS, asked)),
    )
