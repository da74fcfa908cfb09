"""Many townships in one database, with their registries, hazards and histories: filled in by sets, a million cases in some minutes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import Engine, text

from bench.town import MORNING

DAYS = 300  # the time over which hazards were found
AT_ONCE = 30  # days of it that are filled in by one statement
VILLAGES, PLACES = 41, 872  # in each
USUAL, LARGEST = 10_000, 50_000
MILLION = {**{f"town-{n}": USUAL for n in range(1, 96)}, "town-large": LARGEST}
"""How many hazards each of 96 townships has: a million together."""

REGISTRY = (
    """insert into township (code, name, time_zone, rules, salt, revision, demo)
    select given.code, name, time_zone, rules, salt, revision, demo from township, unnest(cast(:towns as text[])) as given (code)
    where township.code = 'town'""",
    """insert into campaign (township_id, code, title, starts_at, deadline, targets, reminders, scope, expected)
    select township.id, campaign.code, title, starts_at, deadline, targets, reminders, campaign.scope, expected
    from campaign, township where township.code like 'town-%'""",
    """insert into unit (township_id, code, kind, name)
    select id, township.code, 'township', name from township where code like 'town-%' union all
    select id, township.code || '-v' || n, 'village', n || '村' from township, generate_series(1, :villages) n where code like 'town-%'
    union all
    select id, township.code || '-t' || n, 'team', n || '所' from township, generate_series(1, 6) n where code like 'town-%'""",
    """insert into post (township_id, code, kind, unit_id, active)
    select township_id, unit.code || '-' || kinds.kind, kinds.kind, unit.id, true from unit join (values
        ('township', 'township_head'), ('township', 'party_secretary'), ('township', 'office_head'), ('township', 'district_office'),
        ('village', 'enterprise_principal'), ('village', 'village_secretary')
    ) kinds (unit, kind) on kinds.unit = unit.kind where unit.code like 'town-%'""",
    """insert into place (township_id, code, name, kind, status, village_id, team_id, responsible_post_id, field, also_street_shop,
        nine_small, crowded, start_work, details)
    select township.id, 'p' || n, n || '号', (array['small_shop', 'street_shop', 'school', 'small_restaurant'])[1 + n % 4], 'active',
        village.id, team.id, post.id, (array['fire_nine', 'street_shop', 'education', 'fire_nine'])[1 + n % 4], false, true, false,
        'allowed', '{}'
    from township cross join generate_series(1, :places) n
    join unit village on village.township_id = township.id and village.code = township.code || '-v' || (1 + n % :villages)
    join unit team on team.township_id = township.id and team.code = township.code || '-t' || (1 + n % 6)
    join post on post.unit_id = village.id and post.kind = 'enterprise_principal' where township.code like 'town-%'""",
    """insert into inspection (township_id, code, place_id, trigger, started_at, result, unit_signed, refused_to_sign, recorded_at,
        recorded_person, recorded_post)
    select township_id, 'JC-' || id || '-' || n, id, 'campaign', :start + n * interval '40 days' + id % 40 * interval '1 day',
        case when id % 9 = 0 then 'not_accessible' else 'issues' end, true, false, :start, 'p', 'inspector'
    from place, generate_series(1, 3) n where code like 'p%' and id % 10 < 9""",
)

# Nine in ten are closed, one in twenty is open, the rest ended otherwise; one in eight needed a second round, one in three climbed. Those
# open were found in the last fortnight. All are filled in as they were found, so that a township's rows lie as far apart as in life.
HAZARDS = """
with made as (
    insert into cases (township_id, kind, code, state, version, round, events, last_hash, grade, level, place_id, village_id, team_id,
        responsible_post_id, approver_post_id, opened_at, due_at, ended_at)
    select place.township_id, 'hazard', 'YH-' || n, case n % 20
            when 0 then (array['found', 'assigned', 'rectifying', 'submitted', 'verified'])[1 + n / 20 % 5]
            when 1 then (array['rejected', 'duplicate', 'cancelled'])[1 + n / 20 % 3] else 'closed' end,
        6, case when n % 8 = 3 then 2 else 1 end, 6, '', case when n % 50 = 7 or n % 500 = 0 then 'major' else 'general' end,
        case when n % 3 = 0 then 2 else 0 end, place.id, place.village_id, place.team_id, place.responsible_post_id, approver.id,
        found, found + interval '7 days', case when n % 20 > 0 then found + interval '9 days' end
    from unnest(cast(:towns as text[]), cast(:cases as integer[])) as given (code, cases) join township using (code)
    join lateral (
        select n, case n % 20 when 0 then :days - 1 - n / 20 % 14 else n * 7 % (:days - 10) end as day from generate_series(0, cases - 1) n
    ) each on day >= :first and day < :first + :at_once
    join lateral (select :start + day * interval '1 day' as found) time on true
    join place on place.township_id = township.id and place.code = 'p' || 1 + n % :places
    join post approver on approver.township_id = township.id and approver.kind = 'township_head'
    order by day, n, township.id returning id, state, opened_at, ended_at
)
insert into hazard (case_id, sla_class, field, threat, nature, source, description, location, legal_basis, found_at, found_person,
    found_post, assigned_at, acknowledged_at, due_at, original_due_at, submitted_at, verified_at, closed_at, campaign_capped,
    beyond_campaign, due_estimated, on_spot, reinspected_by, interim_control, interim_kept, needs_gov_coordination, listing,
    recurrence_count, extension_count, returned_count, failed_count)
select id, 'g7', (array['fire_nine', 'street_shop', 'education', 'fire_nine'])[1 + id % 4], 'fire', 'thing', 'inspection', '灭火器压力不足',
    '门口', '{}', opened_at, 'p', 'inspector', case when state <> 'found' then opened_at + interval '5 hours' end,
    case when state not in ('found', 'assigned') then opened_at + interval '9 hours' end, opened_at + interval '7 days',
    opened_at + interval '7 days', case when state in ('submitted', 'verified', 'closed') then opened_at + id % 9 * interval '1 day' end,
    case when state in ('verified', 'closed') then opened_at + interval '8 days' end, case when state = 'closed' then ended_at end,
    false, false, false, false, '[]', 'none', false, false, 'none', 0, 0, 0, 0
from made
"""
REVIEWS = """
insert into timer (case_id, clock, ladder_id, run, started_at, due_at, rung_at, fired, repeat, next_at, stopped_at)
select case_id, 'review', (select min(id) from ladder), 1, submitted_at, submitted_at + interval '3 days', '{}', 0, 0, submitted_at,
    verified_at from hazard where case_id > :last and submitted_at is not null order by case_id
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
) step where c.id > :last and c.opened_at + step.seq * interval '1 day' < :now order by c.id, step.seq
"""


def fill_townships(bound: Engine, cases: Mapping[str, int]) -> None:
    """Townships named `town-…` like the one that is there, each with so many hazards; it takes some three minutes a million."""
    asked = {
        "towns": list(cases), "cases": list(cases.values()), "villages": VILLAGES, "places": PLACES, "days": DAYS, "at_once": AT_ONCE,
        "start": MORNING - timedelta(days=DAYS), "now": MORNING,
    }  # fmt: skip
    with bound.begin() as connection:
        for statement in REGISTRY:
            connection.execute(text(statement), asked)
    for first in range(0, DAYS, AT_ONCE):
        with bound.begin() as connection:
            last = connection.execute(text("select coalesce(max(id), 0) from cases")).scalar_one()
            for statement in (HAZARDS, REVIEWS, HISTORY):
                connection.execute(text(statement), {**asked, "first": first, "last": last})
