-- By which channels a message goes: groups beside or instead of a post's people, an order by severity, programs that hear every event.

-- Who stands behind a post in person: its holders of that day with a usable channel, stand-ins beside them; with none, the nearest post
-- above that has one. `climbed` says how far up it went.
create function post_people(post integer, day date)
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

-- Who is told when a post is: its people, and the groups of the post that was reached. Instead of its people only while a group can be heard.
create or replace function post_contacts(post integer, day date)
returns table (reached_post integer, climbed integer, person_id integer, channel_id integer, standing_in_for integer)
language sql stable as $$
    with people as (select * from post_people(post, day)),
    heard as (
        select distinct people.reached_post, people.climbed, g.person_id, g.instead, (
            select channel.id from channel where channel.person_id = g.person_id and disabled_at is null order by position limit 1
        ) as channel_id
        from people join group_post g on g.post_id = people.reached_post
    )
    select * from people where not exists (select from heard where instead and heard.channel_id is not null)
    union all
    select heard.reached_post, heard.climbed, heard.person_id, heard.channel_id, null from heard where heard.channel_id is not null
$$;

-- What the township's channels.yaml says of a message; null: each person's own order.
create function channel_policy(classes jsonb, urgent boolean, facts jsonb, purpose text) returns jsonb language sql immutable as $$
    select classes -> case when purpose in ('countdown', 'digest') then 'digest' when urgent then 'urgent'
        when facts @? '$.level ? (@ > 0)' then 'escalation' else 'other' end
$$;

-- A person's channels in the order of a policy: the kinds it names, then their own order. `named`: the policy names its kind, or none.
create function ways_to(person integer, policy jsonb) returns table (channel_id integer, rank bigint, usable boolean, named boolean)
language sql stable as $$
    select channel.id, row_number() over (order by kind.place, channel.position), disabled_at is null,
        kind.place is not null or policy -> 'first' is null
    from channel
    left join lateral (
        select place from jsonb_array_elements_text(policy -> 'first') with ordinality named(scheme, place)
        where named.scheme = split_part(channel.url, '://', 1)
    ) kind on true
    where channel.person_id = person and channel.position > 0
$$;

-- The channels that a message goes to at first: one, or all that the policy names at once.
create function channels_at_first(person integer, policy jsonb) returns setof integer language sql stable as $$
    select way.channel_id from (select *, row_number() over (order by rank) as place from ways_to(person, policy) where usable) way
    where way.place = 1 or way.named and (policy ->> 'at_once')::boolean
$$;

-- The one channel of what can wait for the day's list: the policy's first, else the usual one.
create function digest_channel(person integer, usual integer) returns integer language sql stable as $$
    select coalesce((
        select way.channel_id from person p join township on township.id = p.township_id
        cross join lateral ways_to(p.id, rules -> 'channels' -> 'digest') way
        where p.id = person and rules -> 'channels' ? 'digest' and way.usable order by way.rank limit 1
    ), usual)
$$;

-- Programs hear of an event in the transaction that wrote it, and the sender wakes up.
create function feed_subscribers() returns trigger language plpgsql as $$
begin
    if exists (select from subscriber) then
        insert into delivery (subscriber_id, event_id)
        select subscriber.id, fresh.id from fresh join cases on cases.id = fresh.case_id
        join subscriber on subscriber.township_id = cases.township_id order by 1, 2;
        if found then
            perform pg_notify('notices', '');
        end if;
    end if;
    return null;
end
$$;

create trigger feed_subscribers after insert on event referencing new table as fresh
    for each statement execute function feed_subscribers();
