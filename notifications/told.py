"""Who was told what, when, over which kind of channel, why, and how it ended. For a page, a command, a program."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlmodel import Session


@dataclass(frozen=True, slots=True)
class Told:
    """One message to one person. Times are business time. A line of a bundle has the bundle's outcome, time and words.

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
    sent_at: datetime | None
    bundle: int | None
    fallback_of: int | None
    text: str | None


TOLD = text("""
select n.id, c.code, n.purpose, (n.facts->>'level')::int as level, person.key as person, person.label, reached.code as post,
    meant.code as for_post, absent.key as standing_in_for, split_part(channel.url, '://', 1) as channel,
    coalesce(head.state, n.state) as state, coalesce(head.reason, n.reason) as reason, coalesce(head.error, n.error) as error,
    coalesce(head.attempts, n.attempts) as attempts, n.planned_at, coalesce(head.sent_at, n.sent_at) as sent_at, n.bundle_id as bundle,
    n.fallback_of_id as fallback_of, coalesce(n.body, head.body) as text
from notice n
join person on person.id = n.person_id join channel on channel.id = n.channel_id
left join notice head on head.id = n.bundle_id and n.state = 'bundled'
left join cases c on c.id = n.case_id left join post reached on reached.id = n.post_id left join post meant on meant.id = n.for_post_id
left join person absent on absent.id = n.standing_in_for_id
where (cast(:township as integer) is null or n.township_id = :township) and (cast(:code as text) is null or c.code = :code)
    and (cast(:person as text) is null or person.key = :person) and n.purpose <> 'bundle'
order by n.id desc limit :limit
""")


def told(
    session: Session, township: int | None = None, *, code: str | None = None, person: str | None = None, limit: int = 200
) -> list[Told]:
    """The last `limit` messages, newest first: of a township, about the case `code`, to the person with the key `person`."""
    asked = {"township": township, "code": code, "person": person, "limit": limit}
    return [Told(**row._mapping) for row in session.execute(TOLD, asked)]
