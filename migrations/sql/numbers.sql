-- The numbers of a township (docs/numbers.md): what is counted of each hazard, and the sums by unit. Times are business time, given by the
-- caller; nothing here asks the machine. A ratio whose denominator is zero is null, which people read as «—».

create type unit_numbers as (
    unit text,
    found bigint, rejected bigint, duplicate bigint, cancelled bigint, transferred bigint,
    valid bigint, closed bigint, open bigint, overdue bigint,
    rate float8, on_time float8, due_unrectified bigint, first_pass float8, rebound float8, coverage float8, major_kept float8,
    duties_kept float8, hours_to_assign float8, hours_to_acknowledge float8, reviews_on_time float8, reports_on_time float8,
    no_hazards boolean,
    due_passed bigint, reviewed bigint, ever_closed bigint, places bigint, places_active bigint, inspections bigint,
    majors bigint, major_open bigint, major_overdue bigint, duties_due bigint, reviews bigint, reports_due bigint,
    fakes bigint, to_head bigint, to_secretary bigint, to_district bigint, leader_missed bigint, public_verified bigint, self_found float8
);

comment on column unit_numbers.rate is '整改率 R = 已销号 ÷ 有效隐患';
comment on column unit_numbers.on_time is '按期率 T = 所报验的那一轮在期限内且复查合格的 ÷ 期限已到的有效隐患';
comment on column unit_numbers.due_unrectified is '到期未整改 O = 期限已过、责任单位尚未报验的有效隐患数';
comment on column unit_numbers.first_pass is '一次合格率 P = 首次复查即合格的 ÷ 复查过的有效隐患';
comment on column unit_numbers.rebound is '反弹率 B = （反弹重开＋12个月内同场所重复发生）÷ 销过号的有效隐患';
comment on column unit_numbers.coverage is '覆盖率 C = 查过的营业场所 ÷ 范围内的营业场所；两次以上均未能入内的计 0.5';
comment on column unit_numbers.major_kept is '重大 M = 已销号或仍在方案期限内的重大隐患 ÷ 重大隐患';
comment on column unit_numbers.duties_kept is '履职率 D = 按期完成的履职任务 ÷ 已到期的履职任务';
comment on column unit_numbers.hours_to_assign is '响应 A1 = 从发现到交办的小时数，中位数';
comment on column unit_numbers.hours_to_acknowledge is '响应 A2 = 从交办到签收的小时数，中位数';
comment on column unit_numbers.reviews_on_time is '复查及时率 V = 按时复查的 ÷ 应复查的（每条隐患看最近一次报验）';
comment on column unit_numbers.reports_on_time is '报送及时率 F = 按时报送的周报月报 ÷ 应报送的';
comment on column unit_numbers.no_hazards is '零隐患 = 检查满10次而无一条有效隐患';

-- Whether a campaign is to reach a place: an active one of the kinds and fields that it names (null or none named: of all).
create function is_in_scope(status text, kind text, field text, scope jsonb) returns boolean language sql immutable parallel safe as $$
    select status = 'active' and coalesce(scope->'kinds' in ('null', '[]') or scope->'kinds' ? kind, true)
        and coalesce(scope->'fields' in ('null', '[]') or scope->'fields' ? coalesce(field, 'other'), true)
$$;

-- One row a hazard: what of it counts. A hazard in its first round that never climbed needs no look at its history; of the others, history
-- says how the first re-inspection ended, whether it came back, who called its rectification faked, and how high it was told.
create function judged_hazards(of_township integer, as_of timestamptz, since timestamptz) returns table (
    case_id bigint, village_id integer, team_id integer, place_id integer, field text, state text, grade text, valid boolean,
    ended boolean, overdue boolean, due_passed boolean, on_time boolean, due_unrectified boolean, first_pass boolean, ever_closed boolean,
    came_back bigint, within_plan boolean, hours_to_assign float8, hours_to_acknowledge float8, review_on_time boolean,
    fakes bigint, reached text, self_found boolean
) language sql stable parallel safe as $$
    with hazards as (
        select c.id, c.village_id, c.team_id, c.place_id, c.state, c.grade, c.round, c.level, c.ended_at, c.due_at as move_due_at,
            case when h.assigned_at is not null then h.due_at end as due_at,
            h.field, h.source, h.found_at, h.assigned_at, h.acknowledged_at, h.submitted_at, h.verified_at, h.closed_at, h.on_spot,
            h.recurrence_of_id is not null and h.recurrence_kind is distinct from 'village_family' as recurs,
            c.state not in ('rejected', 'duplicate', 'cancelled', 'transferred') as valid
        from cases c join hazard h on h.case_id = c.id
        where c.township_id = of_township and c.kind = 'hazard' and c.opened_at <= as_of and (since is null or c.opened_at >= since)
    ),
    past as (
        select e.case_id, bool_or(e.trigger = 'reopen') as reopened,
            (array_agg(e.trigger order by e.seq) filter (where e.trigger in ('reinspect_pass', 'reinspect_fail')))[1] as first_review,
            count(*) filter (where e.facts->>'reason' = 'fake_rectification') as fakes,
            max(case when e.trigger <> 'escalate' or (e.facts->>'level')::integer < 1 then null
                when e.facts->'told' ?| array(select code from post where township_id = of_township
                    and kind in ('district_office', 'district_department')) then '3 district'
                when e.facts->'told' ?| array(select code from post where township_id = of_township and kind = 'party_secretary')
                    then '2 secretary'
                when e.facts->'told' ?| array(select code from post where township_id = of_township and kind = 'township_head')
                    then '1 head' end) as reached
        from hazards join event e on e.case_id = hazards.id and e.at <= as_of
        where hazards.valid and (hazards.round > 1 or hazards.level > 0)
            and e.trigger in ('escalate', 'reopen', 'reinspect_pass', 'reinspect_fail', 'refuse_close')
        group by e.case_id
    )
    select hazards.id, village_id, team_id, place_id, field, state, grade, valid, ended_at is not null,
        ended_at is null and move_due_at < as_of,
        valid and hazards.due_at <= as_of, valid and hazards.due_at <= as_of and verified_at is not null and submitted_at <= hazards.due_at,
        state in ('assigned', 'rectifying') and hazards.due_at < as_of,
        case when not valid then null when past.first_review is not null then past.first_review = 'reinspect_pass'
            when verified_at is not null then true end,
        valid and (state = 'closed' or coalesce(past.reopened, false)),
        (valid and recurs)::integer + (valid and coalesce(past.reopened, false))::integer,
        state = 'closed' or coalesce(submitted_at, as_of) <= coalesce(hazards.due_at, move_due_at),
        case when valid and not on_spot and not coalesce(past.reopened, false)
            then extract(epoch from assigned_at - found_at)::float8 / 3600 end,
        case when valid and not on_spot and not coalesce(past.reopened, false)
            then extract(epoch from acknowledged_at - assigned_at)::float8 / 3600 end,
        case when not valid then null when review.stopped_at is not null then review.stopped_at <= review.due_at
            when review.due_at < as_of then false end,
        coalesce(past.fakes, 0), substr(past.reached, 3), valid and source = 'self_check'
    from hazards left join past on past.case_id = hazards.id
    left join lateral (  -- case by case: there are hundreds of thousands of timers, and a township's are few of them
        select stopped_at, due_at from timer where timer.case_id = hazards.id and clock = 'review' limit 1
    ) review on true
$$;

-- The sums, a row a unit: `by_what` is township, village, team, field or place_kind. `since` bounds what was found, visited and due from
-- below (null: from the beginning), `scope` is the campaign's: the kinds and fields of place that are to be covered (null or empty: all).
create function numbers_by(of_township integer, as_of timestamptz, since timestamptz, scope jsonb, by_what text)
returns setof unit_numbers language sql stable parallel safe as $$
    with hazards as (
        select judged.*, case by_what when 'township' then town.code when 'village' then village.code when 'team' then team.code
            when 'field' then judged.field else place.kind end as unit
        from judged_hazards(of_township, as_of, since) judged
        join township town on town.id = of_township left join place on place.id = judged.place_id
        left join unit village on village.id = judged.village_id left join unit team on team.id = judged.team_id
    ),
    counted as (
        select unit, count(*) as found, count(*) filter (where state = 'rejected') as rejected,
            count(*) filter (where state = 'duplicate') as duplicate, count(*) filter (where state = 'cancelled') as cancelled,
            count(*) filter (where state = 'transferred') as transferred, count(*) filter (where valid) as valid,
            count(*) filter (where state = 'closed') as closed, count(*) filter (where not ended) as open,
            count(*) filter (where overdue) as overdue, count(*) filter (where due_passed) as due_passed,
            count(*) filter (where on_time) as on_time, count(*) filter (where due_unrectified) as due_unrectified,
            count(first_pass) as reviewed, count(*) filter (where first_pass) as passed_first,
            count(*) filter (where ever_closed) as ever_closed, sum(came_back) as came_back,
            count(*) filter (where valid and grade = 'major') as majors, count(*) filter (where valid and grade = 'major' and within_plan) as kept,
            count(*) filter (where grade = 'major' and not ended) as major_open,
            count(*) filter (where grade = 'major' and due_unrectified) as major_overdue,
            percentile_cont(0.5) within group (order by hours_to_assign) as hours_to_assign,
            percentile_cont(0.5) within group (order by hours_to_acknowledge) as hours_to_acknowledge,
            count(review_on_time) as reviews, count(*) filter (where review_on_time) as reviewed_on_time, sum(fakes)::bigint as fakes,
            count(*) filter (where reached = 'head') as to_head, count(*) filter (where reached = 'secretary') as to_secretary,
            count(*) filter (where reached = 'district') as to_district, count(*) filter (where self_found) as self_found
        from hazards group by unit
    ),
    visits as (
        select i.place_id, count(*) filter (where result <> 'not_accessible') as entered,
            count(*) filter (where result = 'not_accessible') as refused
        from inspection i
        where i.township_id = of_township and i.started_at <= as_of and (since is null or i.started_at >= since) group by i.place_id
    ),
    registered as (
        select case by_what when 'township' then town.code when 'village' then village.code when 'team' then team.code
                when 'field' then coalesce(place.field, 'other') else place.kind end as unit,
            count(*) as places, count(*) filter (where in_scope) as places_active, sum(entered)::bigint as inspections,
            sum(case when not in_scope then 0 when entered > 0 then 1 when refused >= 2 then 0.5 else 0 end)::float8 as covered
        from place join township town on town.id = place.township_id
        join unit village on village.id = place.village_id join unit team on team.id = place.team_id
        left join visits on visits.place_id = place.id
        cross join lateral (select is_in_scope(place.status, place.kind, place.field, scope) as in_scope) scoped
        where place.township_id = of_township group by 1
    ),
    owed as (
        select case by_what when 'township' then town.code when 'field' then place.field when 'place_kind' then place.kind
                else case when unit.kind = by_what then unit.code end end as unit,
            count(*) as due, count(*) filter (where c.state = 'done' and run.done_at <= run.due_at) as kept,
            count(*) filter (where duty.body->>'report' = 'true') as reports_due,
            count(*) filter (where duty.body->>'report' = 'true' and c.state = 'done' and run.done_at <= run.due_at) as reports_kept,
            count(*) filter (where run.leader and c.state = 'missed') as leader_missed
        from cases c join duty_run run on run.case_id = c.id join post on post.id = run.owner_post_id join unit on unit.id = post.unit_id
        join township town on town.id = c.township_id
        left join place on place.id = run.place_id left join duty on duty.id = run.duty_id
        where c.township_id = of_township and c.kind = 'duty' and c.state not in ('excused', 'cancelled')
            and run.due_at <= as_of and (since is null or run.due_at >= since)
        group by 1
    ),
    told as (
        select case by_what when 'township' then town.code when 'village' then village.code when 'team' then team.code
                when 'field' then hazard.field else place.kind end as unit, count(*) as verified
        from cases c join public_report report on report.case_id = c.id join township town on town.id = c.township_id
        join cases about on about.id = report.hazard_id join hazard on hazard.case_id = about.id
        left join place on place.id = about.place_id left join unit village on village.id = about.village_id
        left join unit team on team.id = about.team_id
        where c.township_id = of_township and c.kind = 'report' and report.verified_at <= as_of
            and (since is null or report.verified_at >= since)
        group by 1
    ),
    units as (
        select unit from counted union select unit from registered union select unit from owed union select unit from told
        union select code from unit where township_id = of_township and kind = by_what and by_what in ('village', 'team')
        union select code from township where id = of_township and by_what = 'township'
    )
    select units.unit, coalesce(found, 0), coalesce(rejected, 0), coalesce(duplicate, 0), coalesce(cancelled, 0), coalesce(transferred, 0),
        coalesce(valid, 0), coalesce(closed, 0), coalesce(open, 0), coalesce(overdue, 0),
        closed::float8 / nullif(valid, 0), on_time::float8 / nullif(due_passed, 0), coalesce(due_unrectified, 0),
        passed_first::float8 / nullif(reviewed, 0), came_back::float8 / nullif(ever_closed, 0), covered / nullif(places_active, 0),
        counted.kept::float8 / nullif(majors, 0), owed.kept::float8 / nullif(due, 0), hours_to_assign, hours_to_acknowledge,
        reviewed_on_time::float8 / nullif(reviews, 0), reports_kept::float8 / nullif(reports_due, 0),
        coalesce(inspections, 0) >= 10 and coalesce(valid, 0) = 0,
        coalesce(due_passed, 0), coalesce(reviewed, 0), coalesce(ever_closed, 0), coalesce(places, 0), coalesce(places_active, 0),
        coalesce(inspections, 0), coalesce(majors, 0), coalesce(major_open, 0), coalesce(major_overdue, 0), coalesce(due, 0),
        coalesce(reviews, 0), coalesce(reports_due, 0), coalesce(fakes, 0), coalesce(to_head, 0), coalesce(to_secretary, 0),
        coalesce(to_district, 0), coalesce(leader_missed, 0), coalesce(verified, 0), self_found::float8 / nullif(valid, 0)
    from units left join counted using (unit) left join registered using (unit) left join owed using (unit) left join told using (unit)
    where units.unit is not null order by units.unit collate "C"
$$;

comment on function numbers_by is '一个镇按镇、村、站所、行业领域或场所类别的考核数字；每个数字的算法见类型 unit_numbers 的列注释';
