"""What the work report asks the database. The appendix names these constants beside each number; all take township, at and since."""

from __future__ import annotations

from sqlalchemy import text

from papers.statistics.standing import PAPERS, STANDING

TOWN = text("""
select township.name as town, campaign.title as campaign, campaign.starts_at, campaign.deadline, campaign.targets
from township left join lateral (
    select * from campaign where township_id = township.id
    order by starts_at <= :at desc, deadline >= :at desc, abs(extract(epoch from deadline - :at)) limit 1
) campaign on true where township.id = :township
""")
PLACES = text("""
select count(*) as places, count(*) filter (where nine_small) as nine_small, count(*) filter (where crowded) as crowded,
    count(*) filter (where also_street_shop) as also_street_shop, count(distinct village_id) as villages_with_places
from place where township_id = :township
""")
PLACES_BY_KIND = text("""
select kind, count(*) as count, count(*) filter (where nine_small) as nine_small, count(*) filter (where crowded) as crowded
from place where township_id = :township group by kind
""")
POSTS_BY_KIND = text("select kind, count(*) as count from post where township_id = :township and active group by kind")
UNITS = text("""
select count(*) filter (where kind = 'village') as villages, count(*) filter (where kind = 'team') as teams,
    (select unit.name from post join unit on unit.id = post.unit_id where post.township_id = :township and post.kind = 'office_head'
        order by post.code limit 1) as office
from unit where township_id = :township
""")
DUTIES_BY_TITLE = text("""
select run.title, run.leader, min(post.kind) as owner, count(*) filter (where run.done_at < :at) as done,
    count(*) filter (where run.due_at < :at) as due, count(*) filter (where run.done_at < :at and run.done_at <= run.due_at) as kept,
    count(distinct run.owner_post_id) filter (where run.done_at < :at) as owners, run.place_id is not null as at_places,
    array_agg(distinct (run.done_at at time zone 'Asia/Shanghai')::date) filter (where run.done_at < :at) as days
from cases c join duty_run run on run.case_id = c.id join post on post.id = run.owner_post_id
where c.township_id = :township and c.kind = 'duty' and run.task = 'duty' and c.state not in ('excused', 'cancelled')
    and (cast(:since as timestamptz) is null or run.due_at >= :since)
group by run.title, run.leader, run.place_id is not null order by run.leader desc, done desc, run.title collate "C"
""")
INSPECTIONS = text("""
select count(*) as visits, count(distinct place_id) filter (where result <> 'not_accessible') as places_entered,
    count(*) filter (where result = 'not_accessible') as not_accessible, count(*) filter (where leader_post is not null) as led,
    count(*) filter (where trigger = 'recheck') as looked_again
from inspection where township_id = :township and started_at < :at and (cast(:since as timestamptz) is null or started_at >= :since)
""")
INSPECTIONS_BY_TEAM = text("""
select unit.name as team, count(*) as visits from inspection i
left join post on post.township_id = i.township_id and post.code = i.recorded_post left join unit on unit.id = post.unit_id
where i.township_id = :township and started_at < :at and (cast(:since as timestamptz) is null or started_at >= :since)
    and unit.kind = 'team' group by unit.name order by visits desc, unit.name collate "C"
""")
INSPECTIONS_BY_FIELD = text("""
select coalesce(place.field, 'other') as field, count(*) as visits from inspection i join place on place.id = i.place_id
where i.township_id = :township and started_at < :at and (cast(:since as timestamptz) is null or started_at >= :since) group by 1
""")
INSPECTIONS_BY_LEADER = text("""
select coalesce(post.kind, 'inspector') as kind, count(*) as visits, sum(found)::bigint as found
from inspection i left join post on post.township_id = i.township_id and post.code = i.leader_post
cross join lateral (select count(*) as found from answer where answer.inspection_id = i.id and hazard_id is not null) answers
where i.township_id = :township and leader_post is not null and started_at < :at
    and (cast(:since as timestamptz) is null or started_at >= :since)
group by 1
""")
HAZARDS = text(f"""with {STANDING}
select count(*) as found, count(*) filter (where valid) as valid, count(*) filter (where closed) as closed,
    count(*) filter (where valid and not closed) as open, count(*) filter (where state = 'rejected') as rejected,
    count(*) filter (where state = 'duplicate') as duplicate, count(*) filter (where state = 'cancelled') as cancelled,
    count(*) filter (where state = 'transferred') as transferred, count(*) filter (where valid and grade = 'general') as general,
    count(*) filter (where valid and grade = 'major') as major, count(*) filter (where grade = 'major' and closed) as major_closed,
    count(*) filter (where valid and grade = 'major' and not closed) as major_open, count(*) filter (where valid and on_spot) as on_spot,
    count(*) filter (where due_unrectified) as due_unrectified, count(*) filter (where valid and reviewed) as reviewed,
    count(*) filter (where valid and passed) as passed_first, count(*) filter (where valid and extended > 0) as extended,
    count(*) filter (where valid and reopened) as reopened, count(*) filter (where valid and listed) as listed,
    count(*) filter (where source = 'self_check') as self_found, count(*) filter (where source = 'public') as public_found,
    count(*) filter (where valid and recurrence_kind is not null) as recurrent,
    count(*) filter (where closed and recurrence_kind is not null) as recurrent_closed
from standing
""")
HAZARDS_BY_STATE = text(f"with {STANDING} select state, count(*) as count from standing where valid group by state")
HAZARDS_BY_THREAT = text(f"with {STANDING} select threat, count(*) as count from standing where valid group by threat")
HAZARDS_BY_WEEK = text(f"""with {STANDING},
weeks as (
    select generate_series(
        date_trunc('week', min(found_at) at time zone 'Asia/Shanghai'), :at at time zone 'Asia/Shanghai', interval '7 days'
    ) as week from standing
)
select week::date as week, (select count(*) from standing where valid
        and date_trunc('week', found_at at time zone 'Asia/Shanghai') = week) as found,
    (select count(*) from standing where closed and date_trunc('week', closed_at at time zone 'Asia/Shanghai') = week) as closed
from weeks order by week
""")
REPORTS = text("""
select count(*) as reports, count(*) filter (where report.hazard_id is not null) as reports_true,
    count(*) filter (where report.answered_at < :at) as reports_answered
from cases c join public_report report on report.case_id = c.id
where c.township_id = :township and c.kind = 'report' and c.opened_at < :at
    and (cast(:since as timestamptz) is null or c.opened_at >= :since)
""")
ESCALATED = text("""
select count(*) as escalated, count(distinct e.case_id) as escalated_cases from event e join cases c on c.id = e.case_id
where c.township_id = :township and c.kind = 'hazard' and e.trigger = 'escalate' and (e.facts->>'level')::integer > 0 and e.at < :at
    and (cast(:since as timestamptz) is null or e.at >= :since)
""")
PAPERS_BY_FORM = text(f"""with {PAPERS}
select kind, count(*) as count, count(*) filter (where stops) as stops from issued group by kind
""")
ISSUED = text(f"""with {PAPERS}
select count(*) as papers, count(*) filter (where kind = 'onsite_measure' and stops) as stops from issued
""")
TALKS = text("""
select count(*) as talks from cases c join duty_run run on run.case_id = c.id
where c.township_id = :township and c.kind = 'duty' and run.task = 'talk' and run.done_at < :at
    and (cast(:since as timestamptz) is null or run.done_at >= :since)
""")
GATES = text("""
select count(*) filter (where after = 'blocked') as gates_blocked,
    count(*) filter (where after = 'allowed' and reason = 'consented') as gates_consented
from place_event join place on place.id = place_id
where township_id = :township and what = 'start_work' and before is distinct from after and place_event.at < :at
    and (cast(:since as timestamptz) is null or place_event.at >= :since)
""")
CONTROLS = text("""
select count(distinct e.case_id) as controlled from event e join cases c on c.id = e.case_id
where c.township_id = :township and c.kind = 'hazard' and e.trigger = 'order_interim' and e.at < :at
    and (cast(:since as timestamptz) is null or e.at >= :since)
""")
