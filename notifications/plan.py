"""Who is to be told: notices written down in the transaction that caused them, before anybody tries to send one.

Whoever plans gives a relation `telling` (one row a case, purpose and word for a post); the rest is here, for one case or ten thousand:
the posts meant, the people (and groups) reached, their first usable channel or those that the township's channels.yaml names for it, one
notice each. A post that reaches nobody of its own goes up its `reports_to` chain, and the office is told so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from models.clock import day_of
from models.database import FEW, MANY, as_json
from models.enumerations import Purpose

# Everybody whom the relation `telling` reaches; of it c (a row of cases) and told are read, the rest goes along.
REACHED = """
said as (
    select telling.*, concat_ws('/', told, (c).township_id, coalesce((c).village_id, 0), coalesce((c).team_id, 0),
        coalesce((c).responsible_post_id, 0), coalesce((c).approver_post_id, 0)) as route
    from telling
),
-- Cases of one place go the same ways: each way is looked up once.
ways as materialized (
    select way.route, way.told, post.id as for_post, coalesce(post.code, way.told) as for_code
    from (select distinct on (route) route, told, c from said) way
    left join lateral case_posts(way.c, way.told) aimed(id) on true left join post on post.id = aimed.id
),
behind as materialized (
    select meant.for_post, person.*
    from (select distinct for_post from ways) meant cross join lateral post_contacts(meant.for_post, :day) person
),
policies as materialized (select id, rules -> 'channels' as classes from township where rules ? 'channels'),
reached as (
    select said.*, for_post, for_code, reached_post, climbed, person_id, coalesce(way.first, behind.channel_id) as channel_id,
        standing_in_for
    from said join ways using (route) left join behind using (for_post)
    left join policies on policies.id = (said.c).township_id
    left join lateral (
        select channels_at_first(behind.person_id, channel_policy(classes, (said.c).grade = 'major', said.facts, said.purpose)) as first
        where classes is not null
    ) way on true
)"""
# One person is told once of one rung: of several posts through which it would reach them first one that may take it up, then their own.
FIRST = "facts ? 'reminded', climbed, standing_in_for is not null, told not in ('responsible', 'approver'), for_post, channel_id"

# `telling`: c, timer_id, run, rung, repeat, purpose, occasion, told, facts, while_states, not_before.
PLAN = f"""{REACHED},
planned as (
    insert into notice (
        township_id, case_id, timer_id, run, rung, repeat, purpose, occasion, person_id, channel_id, post_id, for_post_id,
        standing_in_for_id, urgent, while_states, facts, state, planned_at, not_before, attempts
    )
    select (c).township_id, (c).id, timer_id, run, rung, repeat, purpose, occasion, person_id, channel_id, reached_post, for_post,
        standing_in_for, (c).grade = 'major', while_states, facts, 'planned', :now, not_before, 0
    from reached where person_id is not null order by (c).id, purpose, {FIRST}
    on conflict do nothing returning id
),
silent as (
    select distinct (c).township_id, for_code from reached where person_id is null or climbed > 0
),
office_told as (
    insert into notice (
        township_id, purpose, occasion, person_id, channel_id, post_id, for_post_id, urgent, while_states, facts, state,
        planned_at, not_before, attempts
    )
    select silent.township_id, 'undeliverable', silent.for_code || ' ' || :day, contact.person_id, contact.channel_id,
        contact.reached_post, office.id, false, '{{}}', jsonb_build_object('post', silent.for_code), 'planned', :now, :now, 0
    from silent
    cross join lateral (
        select id from post where township_id = silent.township_id and kind = 'office_dispatcher' and active order by code limit 1
    ) office
    cross join lateral post_contacts(office.id, :day) contact order by silent.township_id, silent.for_code, contact.channel_id
    on conflict do nothing returning id
)"""


@dataclass(frozen=True, slots=True)
class Telling:
    """One purpose and the words for the posts it is for. `while_states`: the states of the case in which it still makes sense."""

    purpose: Purpose
    told: tuple[str, ...]
    while_states: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    not_before: datetime | None = None


OF_STEPS = f"""
with telling as (
    select c, null::bigint as timer_id, null::int as run, null::int as rung, null::int as repeat,
        said.purpose, said.occasion, said.told, said.facts, said.while_states, coalesce(said.not_before, :now) as not_before
    from (
        select * from jsonb_to_recordset(cast(:said as jsonb)) as said(
            case_id bigint, occasion text, purpose text, told text, facts jsonb, while_states text[], not_before timestamptz
        ) limit %s
    ) said
    join cases c on c.id = said.case_id
), {PLAN}
select count(*) from planned
"""
OF_A_FEW, OF_MANY = text(OF_STEPS % FEW), text(OF_STEPS % MANY)


def plan_step(session: Session, case_id: int, occasion: str, tellings: Sequence[Telling], now: datetime) -> int:
    """Plans the messages of one step of one case; `occasion` names the step. Returns how many notices were added."""
    return plan_steps(session, [(case_id, occasion, tellings)], now)


def plan_steps(session: Session, steps: Iterable[tuple[int, str, Sequence[Telling]]], now: datetime) -> int:
    """The same of a step each of several cases."""
    said = [
        {
            "case_id": case_id, "occasion": occasion, "purpose": t.purpose, "told": word, "facts": t.facts,
            "while_states": t.while_states, "not_before": t.not_before,
        }
        for case_id, occasion, tellings in steps
        for t in tellings
        for word in t.told
    ]  # fmt: skip
    if not said:
        return 0
    statement = OF_A_FEW if len(said) <= FEW else OF_MANY
    return int(session.execute(statement, {"said": as_json(said), "now": now, "day": day_of(now)}).scalar_one())
