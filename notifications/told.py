"""Who was told what, when, over which kind of channel, why, and how it ended. For a page, a command, a program."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlmodel import Session

A_DAY = timedelta(days=1)
NEWEST = 20_000


@dataclass(frozen=True, slots=True)
class Told:
    """One message to one person: decided at `planned_at`, allowed to go from `not_before` on (quiet hours and the ten minutes of an undo
    move it), taken by the channel at `sent_at`; all business time. `settled_at`, machine time, is when its outcome was known. A line of a
    bundle has the bundle's outcome, times and words.

    `try_at`, machine time, is when a message that failed for now or waits for its channel's limit goes again, `reason` says why it waits.
    `seen_at`, machine time, is when its reader pressed a button behind its link; `answered_at`, business time, when they acknowledged or
    took up the case after it was decided. Each is None where that isn't known.

    `seconds` is how long it took from the decision to the outcome, `waited` how much of that was after it was allowed to go; None while
    there is no outcome, and on a demo's clock for what was not sent, where the two times are not the same.

    `post` is the post through which the person heard it, `for_post` the post it was for, `standing_in_for` the key of the person they
    stand in for. `channel` is the kind of channel alone: its address is a secret. `reason` is a word of `notifications.reason` or of the
    law, `error` what the far end said.
    """

    id: int
    code: str | None
    purpose: str
    level: int | None
    person: str
    label: str
    post: str | None
    for_post: str | None
    standing_in_for: str | None
    channel: str
    state: str
    reason: str | None
    error: str | None
    attempts: int
    planned_at: datetime
    not_before: datetime
    sent_at: datetime | None
    settled_at: datetime | None
    try_at: datetime | None
    seen_at: datetime | None
    answered_at: datetime | None
    seconds: float | None
    waited: float | None
    bundle: int | None
    fallback_of: int | None
    text: str | None


# When the reader of a message has acknowledged or taken up its case since.
ANSWERED = """(select min(event.at) from event where event.case_id = n.case_id and event.person = person.key
            and event.trigger in ('acknowledge', 'take_up') and event.at >= n.planned_at)"""
TOLD = text(f"""
with told as (
    select n.id, c.code, n.purpose, (n.facts->>'level')::int as level, person.key as person, person.label, reached.code as post,
        meant.code as for_post, absent.key as standing_in_for, split_part(channel.url, '://', 1) as channel,
        coalesce(head.state, n.state) as state, coalesce(head.reason, n.reason) as reason, coalesce(head.error, n.error) as error,
        coalesce(head.attempts, n.attempts) as attempts, n.planned_at, n.not_before, coalesce(head.sent_at, n.sent_at) as sent_at,
        coalesce(head.settled_at, n.settled_at) as settled_at,
        case when coalesce(head.state, n.state) in ('pending', 'retry') then coalesce(head.try_at, n.try_at) end as try_at, n.seen_at,
        {ANSWERED} as answered_at, n.bundle_id as bundle, n.fallback_of_id as fallback_of,
        coalesce(n.body, head.body) as text
    from notice n
    join person on person.id = n.person_id join channel on channel.id = n.channel_id
    left join notice head on head.id = n.bundle_id and n.state = 'bundled'
    left join cases c on c.id = n.case_id left join post reached on reached.id = n.post_id left join post meant on meant.id = n.for_post_id
    left join person absent on absent.id = n.standing_in_for_id
    where (cast(:township as integer) is null or n.township_id = :township) and (cast(:code as text) is null or c.code = :code)
        and (cast(:person as text) is null or person.key = :person) and n.purpose <> 'bundle'
    order by n.id desc limit :limit
),
ended as (
    select told.*, coalesce(sent_at, case when not exists (select from clock) then settled_at end) as ended_at from told
)
select id, code, purpose, level, person, label, post, for_post, standing_in_for, channel, state, reason, error, attempts, planned_at,
    not_before, sent_at, settled_at, try_at, seen_at, answered_at, extract(epoch from ended_at - planned_at)::float8 as seconds,
    extract(epoch from greatest(ended_at - greatest(planned_at, not_before), interval '0'))::float8 as waited, bundle, fallback_of, text
from ended order by id desc
""")


def told(
    session: Session, township: int | None = None, *, code: str | None = None, person: str | None = None, limit: int = 200
) -> list[Told]:
    """The last `limit` messages, newest first: of a township, about the case `code`, to the person with the key `person`."""
    asked = {"township": township, "code": code, "person": person, "limit": limit}
    return [Told(**row._mapping) for row in session.execute(TOLD, asked)]


@dataclass(frozen=True, slots=True)
class Latency:
    """How long messages waited between the moment from which they were allowed to go (the decision, the end of quiet hours or of an
    undo's ten minutes) and the moment at which their channel took them, in business seconds; `p50` and `p99` are None without any."""

    count: int
    p50: float | None
    p99: float | None


# A line of a bundle left with its bundle. Only the newest messages are looked at: the answer costs the same on a large outbox.
LATENCY = text("""
with newest as (select * from notice where purpose <> 'bundle' order by id desc limit :newest),
handed as (
    select coalesce(head.sent_at, newest.sent_at) as at, greatest(newest.planned_at, newest.not_before) as allowed
    from newest left join notice head on head.id = newest.bundle_id and newest.state = 'bundled'
)
select count(*) as count, percentile_disc(0.5) within group (order by waited) as p50,
    percentile_disc(0.99) within group (order by waited) as p99
from handed cross join lateral (select greatest(extract(epoch from at - allowed)::float8, 0) as waited) took
where at > :since and at <= :now
""")


def latency(session: Session, now: datetime) -> Latency:
    """Of the messages that channels took in the 24 hours before business time `now`; of the 20,000 newest where there were more."""
    row = session.execute(LATENCY, {"since": now - A_DAY, "now": now, "newest": NEWEST}).one()
    return Latency(*row)
