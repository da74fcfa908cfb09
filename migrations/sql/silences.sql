-- Until when a message is not to be said, as things stand at an instant of business time; null: it may be said.
--
-- Only what a timer says is silenced. Never: an escalation of a major hazard; what is said of the move of whoever silenced it; what is
-- for a person in a post in which nobody else, and reachable, stands in for them on that day.
create function silenced_until(n notice, at timestamptz, day date) returns timestamptz language sql stable as $$
    select max(s.until_at)
    from silence s
    join cases c on c.id = n.case_id
    join timer t on t.id = n.timer_id
    left join post author on author.township_id = s.township_id and author.code = s.by_post
    where s.township_id = n.township_id and s.from_at <= at and at < coalesce(s.lifted_at, s.until_at) and at < s.until_at
        and not (c.grade = 'major' and coalesce((n.facts->>'level')::int, 0) >= 1)
        and (
            (s.case_id = c.id or s.place_id = c.place_id or s.village_id = c.village_id) and case
                when t.clock in ('dispatch', 'answer') then author.kind not in ('office_dispatcher', 'office_head')
                when t.clock in ('approve', 'decide') then author.id is distinct from c.approver_post_id
                else author.id is distinct from c.responsible_post_id end
            or s.person_id = n.person_id and exists (
                select from holding h
                where h.post_id = n.post_id and h.deputy_of_id = n.person_id and h.person_id <> n.person_id
                    and day >= h.from_day and day <= coalesce(h.to_day, 'infinity')
                    and exists (select from channel where channel.person_id = h.person_id and disabled_at is null)
            )
        )
$$;
