"""One message a person: whatever is ready for the same person and channel becomes one message with a line each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from models.enumerations import Purpose
from notifications.reason import Reason


@dataclass(frozen=True, slots=True)
class Ready:
    """A message that may go out now. `series` names what later messages of the same kind overtake; None: nothing does."""

    id: int
    channel_id: int
    purpose: str
    urgent: bool = False
    series: str | None = None
    rung: int = 0
    repeat: int = 0


@dataclass(frozen=True, slots=True)
class Bundle:
    """`members` are to be told in one message. `head` is the one that an earlier, interrupted round had begun."""

    channel_id: int
    members: tuple[int, ...]
    urgent: bool
    head: int | None = None


@dataclass(slots=True)
class Gathered:
    """What becomes of everything that was ready: overtaken, going alone, going together."""

    superseded: list[int] = field(default_factory=list)
    alone: list[int] = field(default_factory=list)
    bundles: list[Bundle] = field(default_factory=list)


def gather(ready: Iterable[Ready]) -> Gathered:
    """Decides for each channel: later rungs overtake earlier ones of the same timer, a single message goes as it is, more go together.

    A daily list is one message as it is.
    """
    gathered = Gathered()
    for channel, messages in sorted(_by_channel(ready).items()):
        heads = [each.id for each in messages if each.purpose == Purpose.bundle]
        live, superseded = _overtake([each for each in messages if each.purpose != Purpose.bundle])
        gathered.superseded += superseded
        gathered.alone += [each.id for each in live if each.purpose == Purpose.digest]
        live = [each for each in live if each.purpose != Purpose.digest]
        if len(live) == 1 and not heads:
            gathered.alone.append(live[0].id)
        elif live:
            members = tuple(each.id for each in live)
            gathered.bundles.append(Bundle(channel, members, any(each.urgent for each in live), heads[0] if heads else None))
    return gathered


def _by_channel(ready: Iterable[Ready]) -> dict[int, list[Ready]]:
    channels: dict[int, list[Ready]] = defaultdict(list)
    for each in ready:
        channels[each.channel_id].append(each)
    return channels


def _overtake(messages: Sequence[Ready]) -> tuple[list[Ready], list[int]]:
    newest: dict[str, Ready] = {}
    for each in messages:
        if each.series is not None:
            newest[each.series] = max(newest.get(each.series, each), each, key=lambda one: (one.rung, one.repeat, one.id))
    kept = [each for each in messages if each.series is None or newest[each.series] is each]
    kept_ids = {each.id for each in kept}
    return kept, [each.id for each in messages if each.id not in kept_ids]


# One sender at a time has a recipient: the channel's row is locked while its messages are put together, others pass it by.
RECIPIENTS = text("""
with waiting as (
    select channel_id, bool_or(urgent) as urgent, min(not_before) as since
    from notice where state in ('planned', 'held') and not_before <= :now and (urgent or township_id <> all(:quiet))
    group by channel_id
)
select channel.id from channel join waiting on waiting.channel_id = channel.id
order by waiting.urgent desc, waiting.since, channel.id limit :limit for no key update of channel skip locked
""")

READY = text("""
select id, channel_id, purpose, urgent,
    coalesce(timer_id || ':' || run, case purpose when 'countdown' then facts->>'campaign' when 'digest' then 'digest' end) as series,
    coalesce(rung, 0) as rung, coalesce(repeat, 0) as repeat
from notice
where channel_id = any(:channels) and state in ('planned', 'held', 'pending') and attempts = 0 and not_before <= :now
    and (urgent or township_id <> all(:quiet))
order by id for update skip locked
""")

SUPERSEDE = text("update notice set state = 'expired', reason = :reason, settled_at = :wall where id = any(:ids)")
RELEASE = text("update notice set state = 'pending', reason = null where id = any(:ids) and state in ('planned', 'held')")
HEADS = text("""
insert into notice (
    township_id, purpose, occasion, person_id, channel_id, urgent, while_states, facts, state, planned_at, not_before, attempts
)
select member.township_id, 'bundle', 'bundle of ' || asked.first, member.person_id, member.channel_id, asked.urgent, '{}', '{}', 'pending',
    :now, :now, 0
from unnest(cast(:firsts as bigint[]), cast(:urgent as boolean[])) as asked(first, urgent)
join notice member on member.id = asked.first order by asked.first
returning id, channel_id
""")
MEMBERS = text("""
update notice set state = 'bundled', reason = :reason, bundle_id = into_head.head
from unnest(cast(:members as bigint[]), cast(:heads as bigint[])) as into_head(member, head) where notice.id = into_head.member
""")
URGENT_HEADS = text("update notice set urgent = true where id = any(:ids)")


def bundle(session: Session, quiet: Sequence[int], now: datetime, wall: datetime, limit: int) -> Gathered:
    """Puts together what up to `limit` recipients are to hear now; afterwards each has one message `pending`."""
    asked: dict[str, Any] = {"now": now, "quiet": list(quiet)}
    channels = list(session.execute(RECIPIENTS, {**asked, "limit": limit}).scalars())
    if not channels:
        return Gathered()
    rows = session.execute(READY, {**asked, "channels": channels}).all()
    gathered = gather(Ready(*row) for row in rows)
    if gathered.superseded:
        session.execute(SUPERSEDE, {"ids": gathered.superseded, "reason": Reason.superseded, "wall": wall})
    session.execute(RELEASE, {"ids": gathered.alone})
    _write(session, gathered.bundles, now)
    return gathered


def _write(session: Session, bundles: Sequence[Bundle], now: datetime) -> None:
    fresh = [each for each in bundles if each.head is None]
    heads = {each.channel_id: each.head for each in bundles if each.head is not None}
    if fresh:
        asked = {"firsts": [min(each.members) for each in fresh], "urgent": [each.urgent for each in fresh], "now": now}
        heads |= {row.channel_id: row.id for row in session.execute(HEADS, asked)}
    pairs = [(member, heads[each.channel_id]) for each in bundles for member in each.members]
    if pairs:
        members, into = zip(*pairs, strict=True)
        session.execute(MEMBERS, {"members": list(members), "heads": list(into), "reason": Reason.bundled})
        session.execute(URGENT_HEADS, {"ids": [heads[each.channel_id] for each in bundles if each.urgent]})
