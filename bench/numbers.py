"""The numbers of one township among a hundred: 1 000 000 cases with their histories, each query beside one scan of the table of cases."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import Engine, text
from sqlmodel import Session

from bench.report import say, timed
from bench.town import MORNING, Bench
from models.database import transaction
from papers.numbers.kpi import By, numbers_by, numbers_of
from papers.numbers.league import league
from papers.numbers.score import score_of

TOWNSHIPS = 100
CASES = 10_000  # in each
VILLAGES, PLACES = 41, 872
SCANS = 5

REGISTRY = (
    """insert into township (code, name, time_zone, rules, salt, revision, demo)
    select 'town-' || n, name, time_zone, rules, salt, revision, demo from township, generate_series(1, :townships) n
    where code = 'town'""",
    """insert into unit (township_id, code, kind, name)
    select id, township.code, 'township', name from township where code like 'town-%' union all
    select id, township.code || '-v' || n, 'village', n || '村' from township, generate_series(1, :villages) n where code like 'town-%'
    union all
    select id, township.code || '-t' || n, 'team', n || '所' from township, generate_series(1, 6) n where code like 'town-%'""",
    """insert into post (township_id, code, kind, unit_id, active)
    select township_id, unit.code || '-' || kinds.kind, kinds.kind, unit.id, true from unit join (values
        ('township', 'township_head'), ('township', 'party_secretary'), ('township', 'district_office'), ('village', 'enterprise_principal')
    ) kinds (unit, kind) on kinds.unit = unit.kind where unit.code like 'town-%'""",
    """insert into place (township_id, code, name, kind, status, village_id, team_id, responsible_post_id, field, also_street_shop,
        nine_small, crowded, start_work, details)
    select township.id, 'p' || n, n || '号', (array['small_shop', 'street_shop', 'school', 'small_restaurant'])[1 + n % 4], 'active',
        village.id, team.id, post.id, (array['fire_nine', 'street_shop', 'education', 'fire_nine'])[1 + n % 4], false, true, false,
        'allowed', '{}'
    from township cross join generate_series(1, :places) n
    join unit village on village.township_id = township.id and village.code = township.code || '-v' || (1 + n % :villages)
    join unit team on team.township_id = township.id and team.code = township.code || '-t' || (1 + n % 6)
    join post on post.unit_id = village.id where township.code like 'town-%'""",
    """insert into inspection (township_id, code, place_id, trigger, started_at, result, unit_signed, refused_to_sign, recorded_at,
        recorded_person, recorded_post)
    select township_id, 'JC-' || id || '-' || n, id, 'campaign', :start + n * interval '40 days' + id % 40 * interval '1 day',
        case when id % 9 = 0 then 'not_accessible' else 'issues' end, true, false, :start, 'p', 'inspector'
    from place, generate_series(1, 3) n where code like 'p%' and id % 10 < 9""",
)

# Nine in ten are closed, one in twenty is open, the rest ended otherwise; one in eight needed a second round, one in three climbed.
HAZARDS = """
with made as (
    insert into cases (township_id, kind, code, state, version, round, events, last_hash, grade, level, place_id, village_id, team_id,
        responsible_post_id, opened_at, due_at, ended_at)
    select place.township_id, 'hazard', 'YH-' || n, case n % 20
            when 0 then (array['found', 'assigned', 'rectifying', 'submitted', 'verified'])[1 + n / 20 % 5]
            when 1 then (array['rejected', 'duplicate', 'cancelled'])[1 + n / 20 % 3] else 'closed' end,
        6, case when n % 8 = 3 then 2 else 1 end, 6, '', case when n % 50 = 7 then 'major' else 'general' end,
        case when n % 3 = 0 then 2 else 0 end, place.id, village_id, team_id, responsible_post_id, found, found + interval '7 days',
        case when n % 20 > 0 then found + interval '6 days' end
    from township join place on place.township_id = township.id join lateral (
        select n, :start + (n * 7 % 300) * interval '1 day' as found from generate_series(0, :cases - 1) n
        where 1 + n % :places = substr(place.code, 2)::int
    ) each on true where township.code = any(:towns) returning id, state, opened_at, code, level, round
)
insert into hazard (case_id, sla_class, field, threat, nature, source, description, location, legal_basis, found_at, found_person,
    found_post, assigned_at, acknowledged_at, due_at, original_due_at, submitted_at, verified_at, closed_at, campaign_capped,
    beyond_campaign, due_estimated, on_spot, reinspected_by, interim_control, interim_kept, needs_gov_coordination, listing,
    recurrence_count, extension_count, returned_count, failed_count)
select id, 'g7', (array['fire_nine', 'street_shop', 'education', 'fire_nine'])[1 + id % 4], 'fire', 'thing', 'inspection', '灭火器压力不足',
    '门口', '{}', opened_at, 'p', 'inspector', case when state <> 'found' then opened_at + interval '5 hours' end,
    case when state not in ('found', 'assigned') then opened_at + interval '9 hours' end, opened_at + interval '7 days',
    opened_at + interval '7 days', case when state in ('submitted', 'verified', 'closed') then opened_at + id % 9 * interval '1 day' end,
    case when state in ('verified', 'closed') then opened_at + interval '8 days' end,
    case when state = 'closed' then opened_at + interval '9 days' end, false, false, false, false, '[]', 'none', false, false, 'none', 0, 0,
    0, 0
from made
"""
REVIEWS = """
insert into timer (case_id, clock, ladder_id, run, started_at, due_at, rung_at, fired, repeat, next_at, stopped_at)
select case_id, 'review', (select min(id) from ladder), 1, submitted_at, submitted_at + interval '3 days', '{}', 0, 0, submitted_at,
    verified_at from hazard join cases on cases.id = case_id join township on township.id = township_id
where township.code = any(:towns) and submitted_at is not null
"""
HISTORY = """
insert into event (case_id, seq, trigger, to_state, post, person, at, facts, body, prev_hash, hash, recorded_at)
select c.id, step.seq, step.trigger, c.state, 'system', 'system', c.opened_at + step.seq * interval '1 day', case step.trigger
    when 'escalate' then jsonb_build_object('level', 2, 'clock', 'rectify', 'told', jsonb_build_array(township.code || '-township_head'))
    else '{}' end, '', '', '', c.opened_at
from cases c join township on township.id = c.township_id cross join lateral (
    select seq, trigger from unnest(array['register', 'assign', 'acknowledge', 'submit', 'reinspect_pass', 'approve_close']) with ordinality
        as usual (trigger, seq)
    union all select 7, 'reinspect_fail' where c.round > 1
    union all select 7 + n, 'escalate' from generate_series(1, 3) n where c.level > 0
) step where township.code = any(:towns)
"""


def measure(bench: Bench) -> None:
    with bench.town("bench_numbers") as bound:
        took = timed(lambda: _fill(bound))
        bench.settle("bench_numbers", "place", "inspection")
        say(f"{TOWNSHIPS * CASES:,} cases of {TOWNSHIPS} townships filled in", f"{took:.0f} s")
        towns = _towns(bound)
        scan = statistics.median(timed(lambda: _scan(bound)) for _ in range(SCANS))
        say("one sequential scan of the table of cases", f"{scan * 1000:,.0f} ms")
        at = MORNING + timedelta(days=10)
        for name, work in (
            ("dashboard numbers of a township", lambda session, town: numbers_of(session, town, at)),
            ("dashboard numbers by village", lambda session, town: numbers_by(session, town, at, By.village)),
            ("score of a township", lambda session, town: score_of(numbers_of(session, town, at))),
            ("league of its villages", lambda session, town: league(session, town, at)),
        ):
            _p95(bound, name, towns, scan, work)


def _fill(bound: Engine) -> None:
    """Registry, hazards and histories, ten townships at a time."""
    asked = {
        "townships": TOWNSHIPS, "villages": VILLAGES, "places": PLACES, "cases": CASES, "start": MORNING - timedelta(days=300),
    }  # fmt: skip
    with bound.begin() as connection:
        for statement in REGISTRY:
            connection.execute(text(statement), asked)
    for first in range(1, TOWNSHIPS + 1, 10):
        towns = {**asked, "towns": [f"town-{n}" for n in range(first, first + 10)]}
        for statement in (HAZARDS, REVIEWS, HISTORY):
            with bound.begin() as connection:
                connection.execute(text(statement), towns)


def _towns(bound: Engine) -> list[int]:
    with bound.connect() as connection:
        return list(connection.execute(text("select id from township where code like 'town-%' order by id")).scalars())


def _scan(bound: Engine) -> None:
    with bound.connect() as connection:
        connection.execute(text("set max_parallel_workers_per_gather = 0"))
        connection.execute(text("select sum(version) from cases")).scalar_one()


def _p95(bound: Engine, name: str, towns: list[int], scan: float, work: Callable[[Session, int], object]) -> None:
    """Each township once, as its own people would ask: nothing of it has just been read."""

    def ask(town: int) -> None:
        with transaction(bound) as session:
            work(session, town)

    times = sorted(timed(lambda town=town: ask(town)) for town in towns)  # type: ignore[misc]
    p95 = times[int(len(times) * 0.95) - 1]
    figures = f"{statistics.median(times) * 1000:,.0f} ms, p95 {p95 * 1000:,.0f} ms ({p95 / scan:.2f} of a scan, n={len(times)})"
    say(f"  {name}", figures)
