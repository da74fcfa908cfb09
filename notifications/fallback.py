"""When a channel fails: the person's next channel, then the post above; a group's people themselves. The office hears which it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import text
from sqlmodel import Session

from models.clock import day_of
from notifications.reason import Reason

# Cases are locked before their notices, here as everywhere; a case that somebody else holds has its turn in the next round.
ON_DISABLED = text("""
with stranded as (
    select notice.id, notice.case_id from notice join channel on channel.id = notice.channel_id
    where notice.state in ('planned', 'held', 'pending', 'retry') and notice.not_before <= :now and channel.disabled_at is not null
    order by notice.id limit :limit
),
free as (
    select cases.id from cases where id in (select case_id from stranded) order by id for key share skip locked
)
select id from stranded where case_id is null or case_id in (select id from free) order by id
""")
STRAND = text("""
update notice set state = 'failed', reason = :reason, settled_at = :wall
where id in (
    select id from notice where id = any(:ids) and state in ('planned', 'held', 'pending', 'retry') order by id for update skip locked
) returning id
""")

# A bundle's members each go to the next channel, where they are put together again with whatever waits there.
LOST = """
lost as (
    select notice.*, notice.state as outcome from notice where id = any(:ids) and purpose <> 'bundle'
    union all
    select member.*, head.state from notice head join notice member on member.bundle_id = head.id
    where head.id = any(:ids) and member.state = 'bundled'
),
-- In the order in which this message's channels are tried: the township's for its severity, then the person's own.
next_channel as (
    select lost.id, (
        select way.channel_id from ways_to(lost.person_id, policy) way
        where way.usable and way.rank > coalesce(was.rank, 0) order by way.rank limit 1
    ) as channel_id
    from lost join township on township.id = lost.township_id
    cross join lateral channel_policy(township.rules -> 'channels', lost.urgent, lost.facts, lost.purpose) policy
    left join lateral (select rank from ways_to(lost.person_id, policy) where ways_to.channel_id = lost.channel_id) was on true
)
"""
ANEW = """
insert into notice (
    township_id, case_id, timer_id, run, rung, repeat, purpose, occasion, for_post_id, urgent, while_states, facts, fallback_of_id,
    person_id, channel_id, post_id, standing_in_for_id, state, reason, planned_at, not_before, attempts
)
select lost.township_id, lost.case_id, lost.timer_id, lost.run, lost.rung, lost.repeat, lost.purpose, lost.occasion, lost.for_post_id,
    lost.urgent, lost.while_states, lost.facts, lost.id,
"""
NEXT_CHANNEL = text(f"""
with {LOST} {ANEW}
    lost.person_id, next_channel.channel_id, lost.post_id, lost.standing_in_for_id, 'planned', :reason, :now, :now, 0
from lost join next_channel on next_channel.id = lost.id where next_channel.channel_id is not null order by lost.id
on conflict do nothing returning id
""")
POST_ABOVE = text(f"""
with {LOST} {ANEW}
    contact.person_id, contact.channel_id, contact.reached_post, contact.standing_in_for, 'planned', :reason, :now, :now, 0
from lost join next_channel on next_channel.id = lost.id join post on post.id = lost.post_id
cross join lateral post_contacts(post.reports_to_id, :day) contact
where next_channel.channel_id is null and lost.outcome = 'failed' and lost.purpose <> 'digest' and contact.person_id <> lost.person_id
    and not exists (select from group_post where group_post.person_id = lost.person_id) order by lost.id
on conflict do nothing returning id
""")
# Where a group was to hear it instead of the post's people, these hear it themselves.
OWN_PEOPLE = text(f"""
with {LOST} {ANEW}
    own.person_id, own.channel_id, own.reached_post, own.standing_in_for, 'planned', :reason, :now, :now, 0
from lost join next_channel on next_channel.id = lost.id
join group_post on group_post.person_id = lost.person_id and group_post.post_id = lost.post_id and instead
cross join lateral post_people(lost.post_id, :day) own
where next_channel.channel_id is null order by lost.id
on conflict do nothing returning id
""")


def leave_disabled(session: Session, now: datetime, wall: datetime, limit: int) -> list[int]:
    """Messages that wait for a channel which has been disabled meanwhile: failed without an attempt. Returns their ids."""
    ids = list(session.execute(ON_DISABLED, {"now": now, "limit": limit}).scalars())
    if not ids:
        return []
    return sorted(session.execute(STRAND, {"ids": ids, "reason": Reason.channel_disabled, "wall": wall}).scalars())


def fall_back(session: Session, ids: Sequence[int], now: datetime) -> int:
    """Plans the next way for messages that failed or whose fate is unknown; `now` is business time. Returns how many were planned.

    An unknown one without another channel is left to the next rung: it may well have been heard.
    """
    if not ids:
        return 0
    asked = {"ids": list(ids), "now": now, "day": day_of(now)}
    again = session.execute(NEXT_CHANNEL, {**asked, "reason": Reason.fallback}).all()
    above = session.execute(POST_ABOVE, {**asked, "reason": Reason.climbed}).all()
    own = session.execute(OWN_PEOPLE, {**asked, "reason": Reason.fallback}).all()
    return len(again) + len(above) + len(own)


DISABLE = text("""
update channel set disabled_at = :wall, disabled_reason = broken.why
from unnest(cast(:channels as integer[]), cast(:whys as text[])) as broken(id, why)
where channel.id = broken.id and disabled_at is null
""")
TELL_OFFICE = text("""
insert into notice (
    township_id, purpose, occasion, person_id, channel_id, post_id, for_post_id, standing_in_for_id, urgent, while_states, facts, state,
    planned_at, not_before, attempts
)
select person.township_id, 'channel_failed', 'channel ' || channel.id || ' ' || cast(:day as date), contact.person_id, contact.channel_id,
    contact.reached_post, office.id, contact.standing_in_for, false, '{}', jsonb_build_object('channel', channel.id, 'why', broken.why,
        'left', exists (select from channel o where o.person_id = person.id and o.position > channel.position and o.disabled_at is null)),
    'planned', :now, :now, 0
from unnest(cast(:channels as integer[]), cast(:whys as text[])) as broken(id, why)
join channel on channel.id = broken.id join person on person.id = channel.person_id
cross join lateral (
    select id from post where township_id = person.township_id and kind = 'office_dispatcher' and active order by code limit 1
) office
cross join lateral post_contacts(office.id, :day) contact
order by channel.id
on conflict do nothing returning id
""")


def flag_channels(session: Session, gone: Mapping[int, str], wall: datetime) -> None:
    """Disables channels that are gone, each with the reason; in the order of their ids, so that two senders never wait in a ring."""
    if gone:
        channels = sorted(gone)
        session.execute(DISABLE, {"channels": channels, "whys": [gone[each] for each in channels], "wall": wall})


def tell_office(session: Session, broken: Mapping[int, str], now: datetime) -> int:
    """The office hears of a failing channel once a day. Returns how many messages were planned."""
    if not broken:
        return 0
    channels = sorted(broken)
    asked = {"channels": channels, "whys": [broken[each] for each in channels], "now": now, "day": day_of(now)}
    return len(session.execute(TELL_OFFICE, asked).all())
