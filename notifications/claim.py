"""Taking messages for sending: locked past other senders, read against the truth once more, written out, marked with an expiry."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlmodel import Session

from models.enumerations import NoticeState
from models.seal import readable
from notifications.letter import Letter, letters
from notifications.manner import Manner
from notifications.reason import Reason
from notifications.render import links_to, opened, render
from notifications.throttle import Asking, throttle

# Longer than the slowest send (connect, greet, log in, send, each with its own limit) waits behind another one in its thread.
CLAIM = timedelta(minutes=3)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message on its way: ours until `until` (wall time), then nobody's."""

    id: int
    attempts: int
    url: str
    title: str
    body: str
    letter: Letter
    until: datetime


@dataclass(slots=True)
class Claims:
    """What a claim came to: messages to send, until when others wait for their channel (wall time), and what became of the rest."""

    ready: list[Claimed] = field(default_factory=list)
    waiting: dict[int, datetime] = field(default_factory=dict)
    dropped: Counter[str] = field(default_factory=Counter)


TAKE = text("""
select id, coalesce(reason = :waits, false) as waited from notice
where state in ('pending', 'retry') and not_before <= :now and (try_at is null or try_at <= :wall)
    and (urgent or township_id <> all(:quiet))
order by urgent desc, not_before, id limit :limit for update skip locked
""")

# The case has moved on, or the timer that spoke has stopped or begun anew: what the message says is no longer so.
DROP_OVERTAKEN = text("""
with asked as (
    select id from notice where id = any(:ids)
    union all
    select id from notice where bundle_id = any(:ids) and state = 'bundled'
),
overtaken as (
    select notice.id, case when timer.stopped_at is not null then :stopped
        when timer.run <> notice.run then :restarted else :moved end as why
    from asked join notice on notice.id = asked.id
    left join cases on cases.id = notice.case_id left join timer on timer.id = notice.timer_id
    where timer.stopped_at is not null or timer.run <> notice.run
        or cardinality(notice.while_states) > 0 and not cases.state = any(notice.while_states)
)
update notice set state = 'cancelled', reason = overtaken.why, settled_at = :wall
from overtaken where notice.id = overtaken.id and state in ('pending', 'retry', 'bundled')
""")

DROP_EMPTY = text("""
update notice set state = 'cancelled', reason = :reason, settled_at = :wall
where id = any(:ids) and purpose = 'bundle' and state in ('pending', 'retry')
    and not exists (select from notice member where member.bundle_id = notice.id and member.state = 'bundled')
""")

WAIT = text("""
update notice set try_at = told.until, reason = :waits
from unnest(cast(:ids as bigint[]), cast(:untils as timestamptz[])) as told(id, until)
where notice.id = told.id and state in ('pending', 'retry')
""")

START = text("""
update notice set state = 'sending', claimed_until = :until, attempts = attempts + 1, body = written.body, reason = null, error = null
from unnest(cast(:ids as bigint[]), cast(:bodies as text[])) as written(id, body)
where notice.id = written.id and state in ('pending', 'retry') returning notice.id, attempts
""")


def claim(
    session: Session, known: Mapping[int, Manner], quiet: Sequence[int], now: datetime, wall: datetime, limit: int, public_url: str
) -> Claims:
    """Takes up to `limit` messages for this sender, the most urgent first. `now` is business time, `wall` machine time.

    What is kept of a message has its plain link: the ticket in what leaves is for its reader alone.
    """
    asked = {"now": now, "wall": wall, "quiet": list(quiet), "limit": limit, "waits": Reason.channel_limit}
    taken = dict(session.execute(TAKE, asked).tuples().all())
    claims = Claims()
    if not taken:
        return claims
    claims.dropped[NoticeState.cancelled] += _drop(session, list(taken), wall)
    found = letters(session, list(taken))
    claims.waiting = _wait(session, [Asking(each.id, readable(each.url), each.urgent, taken[each.id]) for each in found], wall)
    leaving = [each for each in found if each.id not in claims.waiting]
    written = {letter.id: (letter, *render(letter, known[letter.township_id], now, public_url)) for letter in leaving}
    started = _start(session, written, wall + CLAIM)
    links = links_to(public_url)
    claims.ready = [replace(each, body=opened(each.letter, each.body, now, wall, links)) for each in started]
    return claims


def _drop(session: Session, ids: Sequence[int], wall: datetime) -> int:
    why = {"stopped": Reason.timer_stopped, "restarted": Reason.timer_restarted, "moved": Reason.case_moved}
    dropped: int = session.execute(DROP_OVERTAKEN, {"ids": ids, "wall": wall, **why}).rowcount  # type: ignore[attr-defined]
    empty: int = session.execute(DROP_EMPTY, {"ids": ids, "wall": wall, "reason": Reason.nothing_left}).rowcount  # type: ignore[attr-defined]
    return dropped + empty


def _wait(session: Session, asking: Sequence[Asking], wall: datetime) -> dict[int, datetime]:
    """What its far end's limits don't let go now comes back later: no attempt is counted, nothing is lost."""
    waiting = throttle(session, asking, wall)
    if waiting:
        session.execute(WAIT, {"ids": list(waiting), "untils": list(waiting.values()), "waits": Reason.channel_limit})
    return waiting


def _start(session: Session, written: Mapping[int, tuple[Letter, str, str]], until: datetime) -> list[Claimed]:
    if not written:
        return []
    bodies = [body for _, _, body in written.values()]
    rows = session.execute(START, {"ids": list(written), "bodies": bodies, "until": until}).all()
    attempts = {row.id: row.attempts for row in rows}
    return [
        Claimed(id, attempts[id], letter.url, title, body, letter, until) for id, (letter, title, body) in written.items() if id in attempts
    ]


DEAD = text("""
update notice set state = 'unknown', reason = :reason, error = null, claimed_until = null, settled_at = :wall
where id in (
    select id from notice where state = 'sending' and claimed_until < :wall order by id for update skip locked
) returning id
""")


def expire_claims(session: Session, wall: datetime) -> list[int]:
    """Messages whose sender has not come back: nobody knows whether they left, so nobody sends them again on that channel."""
    return sorted(session.execute(DEAD, {"wall": wall, "reason": Reason.sender_died}).scalars())
