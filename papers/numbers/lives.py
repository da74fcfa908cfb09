"""The lives of a campaign's hazards, as history tells them: what was found when, and when each came into which state."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Row, text
from sqlmodel import Session

from models.calendar import Calendar
from models.clock import day_of
from models.database import as_json
from models.enumerations import HazardState
from models.rules import rules_of


@dataclass(frozen=True, slots=True)
class Move:
    """At business time `at` the hazard came into `state`; `due` is the day by which it was to be mended from then on, if one was set."""

    at: datetime
    state: HazardState
    due: date | None


@dataclass(frozen=True, slots=True)
class Life:
    """One hazard. `moves` in their order, the finding first. `kind` is its class (当场 … 重大), as it was found."""

    code: str
    village: str
    field: str
    kind: str
    moves: tuple[Move, ...]

    def until(self, at: datetime) -> Life | None:
        """What was known of it at `at`; None where it hadn't been found yet."""
        moves = tuple(move for move in self.moves if move.at <= at)
        return Life(self.code, self.village, self.field, self.kind, moves) if moves else None


@dataclass(frozen=True, slots=True)
class Flow:
    """A campaign's flow of cases: its bounds, all lives, and the calendar by which offices work.

    `places` is how many places are to be inspected, `visits` when each that has been was first entered (business time, in order).
    """

    campaign: str
    starts_at: datetime
    deadline: datetime
    lives: tuple[Life, ...]
    calendar: Calendar
    villages: tuple[tuple[str, str], ...]
    places: int = 0
    visits: tuple[datetime, ...] = ()

    @property
    def last_day(self) -> date:
        return day_of(self.deadline)


CAMPAIGN = text("""
select id, code, starts_at, deadline, scope from campaign where township_id = :township
order by starts_at <= :at desc, deadline >= :at desc, abs(extract(epoch from deadline - :at)) limit 1
""")
MOVES = text("""
select c.code, village.code as village, h.field, coalesce(first.facts->>'sla_class', h.sla_class) as kind, e.at, e.to_state,
    case when e.to_state not in ('found', 'reopened') then to_timestamp((e.facts->>'due')::bigint / 1000000) end as due
from cases c join hazard h on h.case_id = c.id left join unit village on village.id = c.village_id
join event first on first.case_id = c.id and first.seq = 1
join event e on e.case_id = c.id and e.trigger <> 'escalate' and e.at <= :at
where c.township_id = :township and c.kind = 'hazard' and c.campaign_id = :campaign
order by c.code collate "C", e.seq
""")
VILLAGES = text("select code, name from unit where township_id = :township and kind = 'village' order by code collate \"C\"")

FIRST_VISITS = text("""
select min(i.started_at) filter (where i.result <> 'not_accessible') as first
from place left join inspection i on i.place_id = place.id and i.started_at between :start and :at
where place.township_id = :township and is_in_scope(place.status, place.kind, place.field, cast(:scope as jsonb))
group by place.id order by first
""")


def read_flow(session: Session, township_id: int, at: datetime) -> Flow | None:
    """The flow of the campaign that runs at business time `at` (or ran last), with what happened up to then; None without a campaign."""
    campaign = session.execute(CAMPAIGN, {"township": township_id, "at": at}).first()
    if campaign is None:
        return None
    rows = session.execute(MOVES, {"township": township_id, "campaign": campaign.id, "at": at}).all()
    lives = tuple(_life(list(group)) for _, group in groupby(rows, key=lambda row: row.code))
    villages = tuple((row.code, row.name) for row in session.execute(VILLAGES, {"township": township_id}))
    asked = {"township": township_id, "start": campaign.starts_at, "at": at, "scope": as_json(campaign.scope)}
    visits = session.execute(FIRST_VISITS, asked).scalars().all()
    return Flow(
        campaign.code, campaign.starts_at, campaign.deadline, lives, rules_of(session, township_id).calendar, villages, len(visits),
        tuple(first for first in visits if first),
    )  # fmt: skip


def _life(rows: list[Row[Any]]) -> Life:
    first = rows[0]
    return Life(first.code, first.village or "", first.field, first.kind, tuple(_moves(rows)))


def _moves(rows: Iterable[Row[Any]]) -> list[Move]:
    moves: list[Move] = []
    due: date | None = None
    for row in rows:
        if row.to_state in ("found", "reopened"):
            due = None
        elif row.due:
            due = day_of(row.due)
        moves.append(Move(row.at, HazardState(row.to_state), due))
    return moves
