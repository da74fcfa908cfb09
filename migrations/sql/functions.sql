-- What the database itself knows: how an event is hashed, that history can't be changed, and who stands behind a post.

-- The exact text of an event. Times are UTC microseconds; keys are sorted by jsonb itself, so that one row and ten thousand agree.
create function event_body(
    township text, code text, seq integer, trigger text, from_state text, to_state text,
    post text, person text, at timestamptz, facts jsonb
) returns text language sql stable parallel safe as $$
    select jsonb_build_object(
        'township', township, 'code', code, 'seq', seq, 'trigger', trigger, 'from', from_state, 'to', to_state,
        'post', post, 'person', person, 'at', (extract(epoch from at) * 1000000)::bigint, 'facts', facts
    )::text
$$;

create function event_hash(prev text, body text) returns text language sql immutable parallel safe as $$
    select encode(sha256(convert_to(prev || body, 'UTF8')), 'hex')
$$;

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only: % refused', tg_table_name, tg_op using errcode = 'restrict_violation';
end $$;

create trigger event_is_append_only before update or delete on event for each row execute function refuse_change();
create trigger event_is_never_emptied before truncate on event for each statement execute function refuse_change();
create trigger rung_is_immutable before update on rung for each row execute function refuse_change();

-- The closure of reports_to, rebuilt whenever posts change. Cycles are refused at load; depth stops one that slipped in.
create function refresh_post_chain(township integer) returns void language sql as $$
    delete from post_chain using post where post.id = post_chain.post_id and post.township_id = township;
    with recursive chain as (
        select id as post_id, 0 as depth, id as ancestor_id from post where township_id = township
        union all
        select chain.post_id, chain.depth + 1, post.reports_to_id
        from chain join post on post.id = chain.ancestor_id
        where post.reports_to_id is not null and chain.depth < 20
    )
    insert into post_chain (post_id, depth, ancestor_id) select post_id, depth, ancestor_id from chain;
$$;

-- The posts that a word means for a case: its own (responsible, approver), a post by code (post:…), all inspectors of its team, or one
-- post of a kind: its own unit's first, then up the team's chain, then up the responsible post's.
create function case_posts(c cases, told text) returns setof integer language sql stable as $$
    select case told when 'responsible' then c.responsible_post_id else c.approver_post_id end
    where told in ('responsible', 'approver')
    union all
    select post.id from post where told like 'post:%' and township_id = c.township_id and code = substr(told, 6)
    union all
    select post.id from post where told = 'inspector' and unit_id = c.team_id and kind = 'inspector' and active
    union all
    select coalesce(
        (select post.id from post where township_id = c.township_id and kind = told and active
            and unit_id in (c.village_id, c.team_id) order by code limit 1),
        (select chain.ancestor_id from post head join post_chain chain on chain.post_id = head.id join post up on up.id = chain.ancestor_id
            where head.township_id = c.township_id and head.kind = 'station_head' and head.unit_id = c.team_id
            and up.kind = told and up.active order by chain.depth limit 1),
        (select chain.ancestor_id from post_chain chain join post up on up.id = chain.ancestor_id
            where chain.post_id = c.responsible_post_id and up.kind = told and up.active order by chain.depth limit 1),
        (select post.id from post where township_id = c.township_id and kind = told and active order by code limit 1)
    ) where told not in ('responsible', 'approver', 'inspector') and told not like 'post:%'
$$;

-- Who is told when a post is: its holders of that day with a usable channel, stand-ins beside them; with none, the nearest post above
-- that has one. `climbed` says how far up it went.
create function post_contacts(post integer, day date)
returns table (reached_post integer, climbed integer, person_id integer, channel_id integer, standing_in_for integer)
language sql stable as $$
    with reach as (
        select chain.ancestor_id, chain.depth, held.person_id, held.deputy_of_id, (
            select channel.id from channel where channel.person_id = held.person_id and disabled_at is null order by position limit 1
        ) as channel
        from post_chain chain
        join post above on above.id = chain.ancestor_id and above.active
        join holding held on held.post_id = above.id and day >= held.from_day and day <= coalesce(held.to_day, 'infinity')
        where chain.post_id = post
    )
    select ancestor_id, depth, reach.person_id, channel, deputy_of_id from reach
    where channel is not null and depth = (select min(depth) from reach where channel is not null)
$$;
