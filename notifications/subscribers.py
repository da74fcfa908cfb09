"""Programs hear of every event of every case: at least once, each case's in their order, signed, however long they were away.

What a subscriber has still to hear stands in `delivery`, written with the event itself; it goes out one by one, and nothing overtakes what
the far end hasn't taken. While it fails the whole subscriber rests, longer each time; after a day it is paused and the office told. What it
has to hear waits meanwhile. A killed sender repeats what was under way, under the same id.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Engine, Row, text
from sqlmodel import Session

from models.clock import Clock, day_of, local
from models.database import transaction
from models.refusal import Refusal
from models.seal import Locked, opened, readable, seal
from notifications.channels.events import LATE, WHOLE, Address, Line, acceptable, forbidden, in_time
from notifications.channels.signature import new_secret
from notifications.outcome import LOCKED, Kind, Outcome

CLAIM = timedelta(minutes=3)
A_CALL = 10.0  # seconds of sending to all: people's messages wait behind it
A_ROUND = 3.0  # to one subscriber, so that others have their turn
BATCH = 500
WAITS = tuple(timedelta(minutes=each) for each in (1, 5, 15, 60, 240))
PATIENCE = timedelta(days=1)
MOST = 20
FORBIDDEN = "地址不允许 an address where nothing is sent"
GONE = "HTTP 410"  # the specification's word for: send no more


class SubscriberError(Refusal):
    """A subscription that can't be made, or isn't there."""


@dataclass(frozen=True, slots=True)
class Subscribed:
    """A subscriber as it may be shown: its host without the path. `waiting` events are still to be taken. Times are wall time."""

    id: int
    host: str
    by_person: str
    by_post: str
    created_at: datetime
    waiting: int
    attempts: int
    failing_since: datetime | None
    paused_at: datetime | None
    reason: str | None


MANY = text("""
select s.*, (select count(*) from delivery where subscriber_id = s.id) as waiting from subscriber s
where (cast(:township as integer) is null or township_id = :township) and (cast(:id as integer) is null or id = :id) order by id
""")
ADD = text("""
insert into subscriber (township_id, url, by_person, by_post, created_at, attempts)
select :township, :url, :person, :post, :wall, 0 where (select count(*) from subscriber where township_id = :township) < :most
returning id
""")
REMOVE = text("delete from subscriber where id = :id and township_id = :township returning id")
RESUME = text("""
update subscriber set paused_at = null, failing_since = null, attempts = 0, try_at = null where id = :id and township_id = :township
returning id
""")


def subscribers(session: Session, township_id: int | None = None, number: int | None = None) -> list[Subscribed]:
    """Those of a township, or all, in the order in which they came."""
    rows = session.execute(MANY, {"township": township_id, "id": number}).all()
    return [Subscribed(host=_host(row.url), **{name: row._mapping[name] for name in SHOWN}) for row in rows]


SHOWN = [name for name in Subscribed.__dataclass_fields__ if name != "host"]


def _host(kept: str) -> str:
    parts = urlsplit(readable(kept))
    sealed = (parts.hostname or "~").startswith("~")
    return f"{parts.scheme}://…" if sealed else f"{parts.scheme}://{parts.hostname}"


def look_at(url: str) -> None:
    """Asks whom the name leads to, which may take seconds: before a transaction begins. Raises SubscriberError."""
    if not acceptable(url) or forbidden(url):
        raise SubscriberError(
            "这个地址不能订阅：应为 http:// 或 https:// 开头的网址，不带用户名和 #，也不是链路本地地址或本系统自己的端口。",
            "This address can't be subscribed: give an http:// or https:// address without user name and #, neither link-local nor ours.",
        )


def subscribe(session: Session, township_id: int, url: str, *, person: str, post: str, wall: datetime) -> tuple[int, str]:
    """A new subscriber at a `url` that was looked at, from the next event on; its number and its secret, which nobody can read again.

    Raises SubscriberError.
    """
    secret = new_secret()
    asked = {"township": township_id, "url": seal(f"{url}#{secret}"), "person": person, "post": post, "wall": wall, "most": MOST}
    number = session.execute(ADD, asked).scalar()
    if number is None:
        raise SubscriberError(f"一个镇最多{MOST}个订阅，请先删除不用的。", f"A township has {MOST} subscribers at most: remove one first.")
    return number, secret


def unsubscribe(session: Session, township_id: int, number: int) -> None:
    """Ends it at once, with everything it had still to hear. Raises SubscriberError."""
    _must(session.execute(REMOVE, {"id": number, "township": township_id}).scalar(), number)


def resume(session: Session, township_id: int, number: int) -> None:
    """A paused one goes on where it stopped. Raises SubscriberError."""
    _must(session.execute(RESUME, {"id": number, "township": township_id}).scalar(), number)


def _must(found: int | None, number: int) -> None:
    if found is None:
        raise SubscriberError(f"没有编号为{number}的订阅。", f"There is no subscriber {number}.")


READY = text("""
update subscriber set claimed_until = :until
where id = (
    select id from subscriber s where paused_at is null and (try_at is null or try_at <= :wall)
        and (claimed_until is null or claimed_until < :wall) and not id = any(:done)
        and exists (select from delivery where subscriber_id = s.id)
    order by try_at nulls first, id limit 1 for update skip locked
) returning id, township_id, url, attempts, failing_since
""")
EVENTS = text("""
select event.*, c.kind, c.code, township.code as township from delivery join event on event.id = delivery.event_id
join cases c on c.id = event.case_id join township on township.id = c.township_id
where delivery.subscriber_id = :id order by event.id limit :batch
""")
TAKEN = text("delete from delivery where subscriber_id = :id and event_id = any(:events)")
SETTLE = text("""
update subscriber set claimed_until = null, attempts = :attempts, failing_since = :failing_since, try_at = :try_at, paused_at = :paused_at,
    reason = :reason
where id = :id and claimed_until = :until returning id
""")
TELL_OFFICE = text("""
insert into notice (township_id, purpose, occasion, person_id, channel_id, post_id, for_post_id, urgent, while_states, facts, state,
    planned_at, not_before, attempts)
select office.township_id, 'operations', :occasion, contact.person_id, contact.channel_id, contact.reached_post, office.id, false, '{}',
    jsonb_build_object('text', cast(:said as text)), 'planned', :now, :now, 0
from (select id, township_id from post where township_id = :township and kind = 'office_head' and active order by code limit 1) office
cross join lateral post_contacts(office.id, :day) contact
on conflict do nothing
""")


@dataclass(slots=True)
class Round:
    """What one subscriber took, and what the first refusal was."""

    taken: list[int] = field(default_factory=list)
    refusal: Outcome | None = None


Open = Callable[[Address], Line]


def send_events(bound: Engine, clock: Clock, *, line: Open = Line) -> Counter[str]:
    """Hands out what subscribers have to hear, each in turn; how many `taken`, `failed`, `paused`. No transaction is open meanwhile.

    After A_CALL seconds no other one begins: it is the first in the next call.
    """
    counts: Counter[str] = Counter()
    done: list[int] = []
    ends = monotonic() + A_CALL
    while monotonic() < ends:
        wall = clock.wall()
        until = wall + CLAIM
        with transaction(bound) as session:
            row = session.execute(READY, {"wall": wall, "until": until, "done": done}).first()
            events = session.execute(EVENTS, {"id": row.id, "batch": BATCH}).all() if row else []
        if row is None:
            return counts
        done.append(row.id)
        _settle(bound, clock, row, until, _round(row, events, clock, line), counts)
    return counts


def _round(row: Row[Any], events: Sequence[Row[Any]], clock: Clock, line: Open) -> Round:
    """One after the other until one isn't taken, or others have their turn."""
    try:
        url, _, secret = opened(row.url).partition("#")
    except Locked:
        return Round(refusal=Outcome(Kind.permanent, LOCKED, channel_gone=True))
    if (no := in_time(WHOLE, lambda: forbidden(url))) is not False:
        return Round(refusal=LATE if no is None else Outcome(Kind.permanent, FORBIDDEN, channel_gone=True))
    sent, ends = Round(), monotonic() + A_ROUND
    with closing(line(Address(url, secret))) as open_line:
        for event in events:
            outcome = open_line.send(cloud_event(event), clock.wall())
            if outcome.kind not in (Kind.sent, Kind.delivered):
                sent.refusal = outcome
                break
            sent.taken.append(event.id)
            if monotonic() > ends:
                break
    return sent


def cloud_event(row: Row[Any]) -> dict[str, Any]:
    """A line of a case's history: what `GET …/events` shows of it, without free texts. Its time is business time."""
    return {
        "specversion": "1.0",
        "id": f"{row.code}/{row.seq}",
        "source": f"urn:bihuan:{row.township}",
        "type": f"bihuan.{row.kind}.{row.trigger}",
        "subject": row.code,
        "time": local(row.at).isoformat(),
        "datacontenttype": "application/json",
        "sequence": f"{row.seq:010d}",
        "partitionkey": row.code,
        "data": {
            "code": row.code, "kind": row.kind, "seq": row.seq, "trigger": row.trigger, "from": row.from_state, "to": row.to_state,
            "post": row.post, "at": local(row.at).isoformat(), "facts": row.facts, "prev_hash": row.prev_hash, "hash": row.hash,
        },
    }  # fmt: skip


def _settle(bound: Engine, clock: Clock, row: Row[Any], until: datetime, sent: Round, counts: Counter[str]) -> None:
    """Writes down how far it came. Who comes back after the claim has run out leaves the subscriber's state to whoever has it now."""
    wall = clock.wall()
    asked = {"id": row.id, "until": until, **after(sent, row.attempts, row.failing_since, wall)}
    with transaction(bound) as session:
        session.execute(TAKEN, {"id": row.id, "events": sent.taken})
        mine = session.execute(SETTLE, asked).first()
        if mine and asked["paused_at"]:
            _tell_office(session, row, asked["reason"], clock.now())
    counts["taken"] += len(sent.taken)
    counts["failed"] += sent.refusal is not None
    counts["paused"] += bool(mine and asked["paused_at"])


def after(sent: Round, attempts: int, failing_since: datetime | None, wall: datetime) -> dict[str, Any]:
    """The state of a subscriber after a round at wall time `wall`: what it took begins the count of failures anew.

    Who was heard last stands behind the others that are ready.
    """
    if sent.refusal is None:
        return {"attempts": 0, "failing_since": None, "try_at": wall, "paused_at": None, "reason": None}
    tries = 1 if sent.taken else attempts + 1
    since = wall if sent.taken or failing_since is None else failing_since
    wait = max(WAITS[min(tries, len(WAITS)) - 1], timedelta(seconds=min(sent.refusal.wait or 0, PATIENCE.total_seconds())))
    over = sent.refusal.detail in (LOCKED, FORBIDDEN, GONE) or wall - since >= PATIENCE
    paused_at = wall if over else None
    return {"attempts": tries, "failing_since": since, "try_at": wall + wait, "paused_at": paused_at, "reason": sent.refusal.detail}


def _tell_office(session: Session, row: Row[Any], reason: str, now: datetime) -> None:
    why = reason.split(" ")[0] if reason in (LOCKED, FORBIDDEN) else reason
    said = f"程序订阅{row.id}号（{_host(row.url)}）收不下事件，已暂停：{why}"
    asked = {"occasion": f"subscriber {row.id} {day_of(now)}", "township": row.township_id, "said": said, "now": now, "day": day_of(now)}
    session.execute(TELL_OFFICE, asked)
