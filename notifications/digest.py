"""每日清单。The daily list: once a morning each post's holder hears in one message what is theirs to do, what is late, what waits for them.

A township asks for it in its rules, `digest`: {"days": "all" | "working", "holds": […], "to": […]}. `holds` names the purposes that are
said by the list instead of at once; never held are major hazards, level 2 and up, and what isn't named. `to` names the kinds of posts that
have a list. A township that says nothing has no lists. Business time decides; the hour is the rules' `digest_at`.

Whether a day's lists are made is a row of `occasion`: however often and however late a schedule asks, they are made once, and after
downtime only today's are.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from models.clock import Clock, day_of
from models.enumerations import PostKind, Purpose
from models.rules import rules_of
from notifications.manner import Digest, Manner, manners
from notifications.reason import Reason

OCCASION = "digest"
DAYS = ("all", "working")
# What says something new, not that something is still open: no list says it.
NEVER_HELD = (
    Purpose.bundle, Purpose.digest, Purpose.countdown, Purpose.outcome, Purpose.returned, Purpose.decision, Purpose.undeliverable,
    Purpose.channel_failed, Purpose.operations, Purpose.interim, Purpose.start_work,
)  # fmt: skip
READERS = (
    PostKind.grid_member, PostKind.village_secretary, PostKind.inspector, PostKind.station_head, PostKind.office_dispatcher,
    PostKind.office_head, PostKind.deputy_in_charge, PostKind.township_head, PostKind.party_secretary,
)  # fmt: skip
# A list that never comes (nothing to say, a stopped schedule) keeps nothing: what it was to say then goes out by itself.
PATIENCE = timedelta(minutes=10)
SAID_AT_ONCE = 2

HOLD = text("""
update notice set state = 'held', reason = :reason, not_before = :until
where id in (
    select id from notice
    where township_id = :township and state in ('planned', 'held') and not_before <= :now and not urgent
        and planned_at > :last and purpose = any(:holds) and fallback_of_id is null
        and case jsonb_typeof(facts->'level') when 'number' then (facts->'level')::int else 0 end < :least
    order by id for update skip locked
)
""")


def hold_for_digest(session: Session, known: Mapping[int, Manner], now: datetime) -> int:
    """Puts off what a township wants to be said by the next list: a message waits for one list, and never for a second.

    Returns how many messages were put off; `now` is business time.
    """
    held = 0
    for township, manner in known.items():
        if manner.digest and manner.digest.holds:
            last, following = last_digest(session, township, manner, now), next_digest(session, township, manner, now)
            asked = {
                "township": township, "holds": list(manner.digest.holds), "now": now, "last": last, "until": following + PATIENCE,
                "least": SAID_AT_ONCE,
            }  # fmt: skip
            held += session.execute(HOLD, {**asked, "reason": Reason.in_digest}).rowcount  # type: ignore[attr-defined]
    return held


def next_digest(session: Session, township: int, manner: Manner, now: datetime) -> datetime:
    """The first moment after `now` (business time) at which the township has its lists made."""
    day = now.astimezone(manner.zone).date()
    while moment(day, manner) <= now or not _has_list(session, township, manner.digest, day):
        day += timedelta(days=1)
    return moment(day, manner)


def last_digest(session: Session, township: int, manner: Manner, now: datetime) -> datetime:
    """The last moment up to `now` (business time) at which the township had its lists made."""
    day = now.astimezone(manner.zone).date()
    while moment(day, manner) > now or not _has_list(session, township, manner.digest, day):
        day -= timedelta(days=1)
    return moment(day, manner)


def waits_for_digest(manner: Manner, said: Mapping[str, Any], planned_at: datetime, last: datetime) -> bool:
    """HOLD for a message that isn't in the table yet, in the columns of its row: whether it waits for the list after the `last` one."""
    level = said["facts"].get("level")
    hurries = said["urgent"] or said.get("fallback_of_id") or (isinstance(level, int) and level >= SAID_AT_ONCE)
    return manner.digest is not None and said["purpose"] in manner.digest.holds and not hurries and planned_at > last


def moment(day: date, manner: Manner) -> datetime:
    """When that day's lists are due, aware."""
    return datetime.combine(day, manner.digest_at, manner.zone)


def _has_list(session: Session, township: int, digest: Digest | None, day: date) -> bool:
    if digest is None:
        return False
    return digest.days != "working" or rules_of(session, township).calendar.is_working_day(day)


LOCK = text("select pg_try_advisory_xact_lock(hashtextextended(:name, 0))")
IS_DONE = text("select exists (select from occasion where township_id = :township and name = :name and day = :day)")
DONE = text("""
insert into occasion (township_id, name, day, done_at, facts)
values (:township, :name, :day, :now, jsonb_build_object('told', cast(:told as int)))
""")

# Whose move each live timer is; and for what is late, every post above that one, up to the township's own. A line a person: `list`.
WHOSE = """
moves as (
    select c.id, c.code, t.clock, t.due_at, coalesce(place.name, village.name, '') as place, post.id as post_id, true as mine
    from timer t join cases c on c.id = t.case_id
    left join place on place.id = c.place_id left join unit village on village.id = c.village_id
    cross join lateral unnest(case
        when t.clock = 'dispatch' then array['office_dispatcher'] when t.clock = 'review' then array['inspector']
        when t.clock in ('approve', 'decide') then array['approver']
        when t.clock in ('answer', 'reply') then array['office_dispatcher', 'office_head'] else array['responsible'] end) word
    cross join lateral case_posts(c, word) post(id)
    where t.stopped_at is null and t.quarantined_at is null and c.ended_at is null and c.township_id = :township
),
seen as (
    select * from moves
    union all
    select moves.id, code, clock, due_at, place, chain.ancestor_id, false from moves
    join post_chain chain on chain.post_id = moves.post_id and chain.depth > 0
    where due_at < :now
),
heard as (
    select distinct on (contact.person_id, seen.id, seen.clock) seen.*, contact.person_id,
        digest_channel(contact.person_id, contact.channel_id) as channel_id, contact.reached_post,
        contact.standing_in_for
    from seen join post on post.id = seen.post_id and post.active and post.kind = any(:readers)
    cross join lateral post_contacts(seen.post_id, :day) contact where contact.climbed = 0
    order by contact.person_id, seen.id, seen.clock, seen.mine desc, contact.standing_in_for is not null, seen.post_id
),
numbered as (select heard.*, row_number() over (partition by person_id order by due_at nulls last, id, clock) as n from heard),
list as (
    select person_id, digest_channel(person_id, min(channel_id)) as channel_id, count(*) as total,
        count(*) filter (where mine and clock not in ('approve', 'decide')) as own,
        count(*) filter (where mine and clock in ('approve', 'decide')) as waiting, count(*) filter (where due_at < :now) as overdue,
        (array_agg(reached_post order by mine desc, n))[1] as post,
        (array_agg(standing_in_for order by mine desc, n))[1] as standing_in_for,
        jsonb_agg(jsonb_build_object('code', code, 'place', place, 'clock', clock, 'due', (extract(epoch from due_at) * 1000000)::bigint)
            order by n) filter (where n <= :cap) as lines
    from numbered group by person_id
)
"""
SAID = "jsonb_build_object('own', own, 'overdue', overdue, 'waiting', waiting, 'total', total, 'lines', lines)"
LISTS = text(f"""
with {WHOSE},
told as (
    insert into notice (
        township_id, purpose, occasion, person_id, channel_id, post_id, for_post_id, standing_in_for_id, urgent, while_states, facts,
        state, planned_at, not_before, attempts
    )
    select :township, 'digest', 'digest ' || cast(:day as date), person_id, channel_id, post, post, standing_in_for, false, '{{}}',
        {SAID}, 'planned', :now, :now, 0
    from list order by person_id on conflict do nothing returning id, person_id
),
put_in as (
    update notice set state = 'bundled', reason = :bundled, bundle_id = told.id
    from told where notice.person_id = told.person_id and notice.state = 'held' and notice.reason = :in_digest
        and silenced_until(notice, :now, :day) is null
    returning notice.id
)
select (select count(*) from told) as told, (select count(*) from put_in) as put_in
""")


def digest_due(session: Session, clock: Clock) -> int:
    """Makes today's lists where it is time to, in the caller's transaction; somebody else's work is left alone. Returns how many."""
    now = clock.now()
    return sum(_lists(session, township, manner, now) for township, manner in manners(session).items() if manner.digest)


def _lists(session: Session, township: int, manner: Manner, now: datetime) -> int:
    day = day_of(now)
    asked = {"township": township, "name": OCCASION, "day": day}
    if now < moment(day, manner) or manner.quiet_until(now) or not _has_list(session, township, manner.digest, day):
        return 0
    if not session.execute(LOCK, {"name": f"digest {township}"}).scalar() or is_done(session, township, day):
        return 0
    said = asking(manner, now)
    words = {"bundled": Reason.bundled, "in_digest": Reason.in_digest}
    told = int(session.execute(LISTS, {"township": township, **said, **words}).one().told)
    session.execute(DONE, {**asked, "now": now, "told": told})
    return told


def asking(manner: Manner, now: datetime) -> dict[str, Any]:
    """What WHOSE asks besides the township."""
    assert manner.digest
    return {"now": now, "day": day_of(now), "readers": list(manner.digest.to or READERS), "cap": manner.bundle_cap}


def is_done(session: Session, township: int, day: date) -> bool:
    """Whether that day's lists have been made."""
    return bool(session.execute(IS_DONE, {"township": township, "name": OCCASION, "day": day}).scalar())
