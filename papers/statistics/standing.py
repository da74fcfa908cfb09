"""How every hazard stood at a cut-off, from history alone: what happened later changes nothing of it.

A hazard counts from when it was found (`found_at`), even where it was entered later; its state and grade are what its events up to the
cut-off say. So a table can be made again for any past day, and where it then differs, something was entered late.
"""

from __future__ import annotations

from sqlalchemy import text

STANDING = """
found as (
    select c.id, c.code, c.place_id, c.team_id, c.village_id, h.field, h.source, h.found_at, h.plan, h.fund_actual, h.fund_planned,
        h.threat, h.recurrence_kind
    from cases c join hazard h on h.case_id = c.id
    where c.township_id = :township and c.kind = 'hazard' and h.found_at < :at
        and (cast(:since as timestamptz) is null or h.found_at >= :since)
),
said as (
    select e.case_id, (array_agg(e.to_state order by e.seq desc))[1] as state,
        (array_agg(e.facts->>'grade' order by e.seq desc) filter (where e.facts->>'grade' is not null))[1] as grade,
        (array_agg(to_timestamp((e.facts->>'due')::bigint / 1e6) order by e.seq desc)
            filter (where e.trigger <> 'escalate' and e.facts->>'due' is not null))[1] as due,
        max(e.at) filter (where e.to_state = 'closed' and e.from_state <> 'closed') as closed_at,
        bool_or(e.trigger = 'fix_on_spot') as on_spot, bool_or(e.trigger = 'reopen') as reopened,
        count(*) filter (where e.trigger = 'reinspect_fail') as fails, count(*) filter (where e.trigger = 'extend') as extended,
        bool_or(e.trigger in ('reinspect_pass', 'reinspect_fail')) as reviewed,
        (array_agg(e.trigger order by e.seq) filter (where e.trigger in ('reinspect_pass', 'reinspect_fail')))[1] = 'reinspect_pass'
            as passed
    from found join event e on e.case_id = found.id and e.at < :at group by e.case_id
),
listed as (
    select c.parent_id as case_id from cases c join event e on e.case_id = c.id and e.at < :at
    where c.township_id = :township and c.kind = 'listing' group by c.parent_id having bool_or(e.to_state = 'listed')
),
standing as (
    select found.*, coalesce(said.state, 'found') as state, coalesce(said.grade, 'general') as grade, said.due, said.closed_at,
        coalesce(said.on_spot, false) as on_spot, coalesce(said.reopened, false) as reopened, coalesce(said.fails, 0) as fails,
        coalesce(said.extended, 0) as extended, coalesce(said.reviewed, false) as reviewed, coalesce(said.passed, false) as passed,
        coalesce(said.state, 'found') not in ('rejected', 'duplicate', 'cancelled', 'transferred') as valid,
        coalesce(said.state, 'found') = 'closed' as closed,
        coalesce(said.state in ('assigned', 'rectifying') and said.due < :at, false) as due_unrectified,
        listed.case_id is not null as listed, (found.plan->>'filed_at')::timestamptz < :at as planned
    from found left join said on said.case_id = found.id left join listed on listed.case_id = found.id
)
"""

HAZARDS_BY_FIELD = text(f"""with {STANDING}
select coalesce(field, 'all') as field, count(*) filter (where grade = 'general') as general,
    count(*) filter (where grade = 'general' and closed) as general_closed, count(*) filter (where grade = 'major') as major,
    count(*) filter (where grade = 'major' and closed) as major_closed,
    count(*) filter (where grade = 'major' and due_unrectified) as major_due,
    count(*) filter (where listed) as listed, count(*) filter (where listed and closed) as listed_closed,
    count(*) filter (where grade = 'major' and planned) as planned,
    count(*) filter (where grade = 'major' and planned and plan->>'target' <> '') as target,
    count(*) filter (where grade = 'major' and planned and plan->>'funds_and_goods' <> '') as funds_and_goods,
    count(*) filter (where grade = 'major' and planned and plan->>'organisation_people' <> '') as organisation_people,
    count(*) filter (where grade = 'major' and planned and plan->>'time_limit' <> '') as time_limit,
    count(*) filter (where grade = 'major' and planned and plan->>'safety_and_emergency' <> '') as safety_and_emergency,
    (sum(coalesce(fund_actual, fund_planned)) filter (where grade = 'major') / 10000)::float8 as funds
from standing where valid group by rollup (field)
""")
VISITS_BY_FIELD = text("""
with looked as (
    select i.id, i.place_id, i.result <> 'not_accessible' as entered, coalesce(p.field, 'other') as field
    from inspection i join place p on p.id = i.place_id
    where i.township_id = :township and i.started_at < :at and (cast(:since as timestamptz) is null or i.started_at >= :since)
),
about as (  -- a visit counts for its place's field, and for the field of what was found there
    select * from looked union
    select looked.id, looked.place_id, looked.entered, h.field
    from looked join answer a on a.inspection_id = looked.id join hazard h on h.case_id = a.hazard_id
)
select coalesce(field, 'all') as field, count(distinct id) as visits, count(distinct place_id) filter (where entered) as entered
from about group by rollup (field)
""")
PAPERS = """
issued as (  -- about hazards; and those that an inspection names, unless they are the same
    select h.field, paper.kind, paper.facts->>'interim_control' in ('partial_stop', 'full_stop') as stops
    from paper join hazard h on h.case_id = paper.case_id
    where paper.township_id = :township and paper.issued_at < :at and (cast(:since as timestamptz) is null or paper.issued_at >= :since)
    union all
    select coalesce(p.field, 'other'), i.paper, false from inspection i join place p on p.id = i.place_id
    where i.township_id = :township and i.paper is not null and i.started_at < :at
        and (cast(:since as timestamptz) is null or i.started_at >= :since)
        and not exists (select from paper where paper.township_id = i.township_id and paper.number = i.paper_no)
)
"""
PAPERS_BY_FIELD = text(f"""with {PAPERS}
select coalesce(field, 'all') as field, count(*) as papers, count(*) filter (where kind = 'inspection_record') as records,
    count(*) filter (where kind in ('notice', 'advice')) as notices, count(*) filter (where kind = 'instruction_order') as orders,
    count(*) filter (where kind = 'onsite_measure') as measures, count(*) filter (where kind = 'onsite_measure' and stops) as stops,
    count(*) filter (where kind = 'coercive_measure') as coercive, count(*) filter (where kind = 'review_opinion') as reviews,
    count(*) filter (where kind = 'dispatch') as dispatches, count(*) filter (where kind = 'listing_notice') as listings,
    count(*) filter (where kind = 'urge_letter') as urged,
    count(*) filter (where kind in ('extension_form', 'acceptance_opinion', 'transfer_form')) as others
from issued group by rollup (field)
""")
RETURNS_BY_FIELD = text(f"""with {STANDING},
owed as (
    select p.id, coalesce(p.field, 'other') as field, bool_or(run.done_at < :at) as returned
    from cases c join duty_run run on run.case_id = c.id join place p on p.id = run.place_id and p.responsible_post_id = run.owner_post_id
    where c.township_id = :township and c.kind = 'duty' and c.state not in ('excused', 'cancelled') and run.title like '%自查%'
        and run.due_at < :at and (cast(:since as timestamptz) is null or run.due_at >= :since)
    group by p.id
),
places_with_hazards as (select distinct place_id from standing where valid)
select coalesce(field, 'all') as field, count(*) as owed, count(*) filter (where returned is not true) as missing,
    count(*) filter (where returned and place_id is null) as zero
from owed left join places_with_hazards on place_id = owed.id group by rollup (field)
""")
CASES = text(f"""with {STANDING}
select code, field || ' ' || grade || ' ' || state || case when due_unrectified then ' due' else '' end
    || case when listed then ' listed' else '' end as said
from standing order by code collate "C"
""")
SUMMARY = text(f"""with {STANDING}
select count(*) as found, count(*) filter (where valid) as valid, count(*) filter (where closed) as closed,
    count(*) filter (where valid and not closed) as open, count(*) filter (where due_unrectified) as due_unrectified,
    count(*) filter (where valid and grade = 'major') as major,
    count(*) filter (where valid and grade = 'major' and not closed) as major_open,
    count(*) filter (where found_at >= :from) as new, count(*) filter (where closed and closed_at >= :from) as newly_closed
from standing
""")
