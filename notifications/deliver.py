"""What is to be told goes out: expire, leave, mute, hold, bundle, claim, throttle, send, settle.

An idempotent sweep; two at once split the work. No transaction is open while a message is being sent. A killed sender leaves at most as
many messages unknown as were under way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Engine

from models.clock import Clock
from models.database import transaction
from models.enumerations import NoticeState, Purpose
from models.settings import Settings
from notifications.bundle import bundle
from notifications.claim import Claimed, Claims, claim, expire_claims
from notifications.digest import hold_for_digest
from notifications.fallback import fall_back, flag_channels, leave_disabled, tell_office
from notifications.letter import Letter
from notifications.manner import Manner, manners
from notifications.outcome import Channel, Outcome
from notifications.quiet import hold, quiet_townships
from notifications.reason import Reason
from notifications.senders import Attempt, Inline, Pool, Senders
from notifications.settle import Settled, decide, write
from notifications.silence import mute
from notifications.throttle import spare_people

PLANNED_AGAIN = "planned again"
THROTTLED = "throttled"


@dataclass(frozen=True, slots=True)
class Handed:
    """One message that a channel was asked to take: what a supervisor reads of a round. `codes` are the cases it speaks of."""

    notice_id: int
    person: str
    purpose: str
    codes: tuple[str, ...]
    channel: str
    attempts: int
    state: NoticeState
    reason: Reason
    error: str


@dataclass(slots=True)
class Delivered:
    """What a call did: how many messages came to which state (`planned again` counts fallbacks, `throttled` what a channel's limits
    made wait), and what was handed over. `next_at` is when the first of those that wait may go, wall time."""

    counts: Counter[str] = field(default_factory=Counter)
    handed: list[Handed] = field(default_factory=list)
    next_at: datetime | None = None

    def as_json(self) -> dict[str, Any]:
        return {"counts": {str(state): count for state, count in sorted(self.counts.items()) if count}, "handed": len(self.handed)}


def deliver_due(
    bound: Engine, clock: Clock, *, limit: int = 500, channel: Channel | None = None, public_url: str | None = None
) -> Delivered:
    """Hands over what is ready, up to `limit` messages, the most urgent first; returns when it has an answer for each.

    Holding and expiring go by business time and by wall time of `clock`. `channel` replaces Apprise and is called in this thread.
    `public_url` is where links lead (default: the settings').
    """
    delivered = Delivered()
    senders = _senders(channel)
    where = public_url or Settings.read().public_url
    try:
        while True:
            _repair(bound, clock, limit, delivered)
            known = _prepare(bound, clock, limit, delivered)
            if not _hand_over(bound, clock, known, limit - len(delivered.handed), senders, where, delivered):
                return delivered
    finally:
        senders.stop()


def _senders(channel: Channel | None) -> Senders:
    if channel:
        return Inline(channel)
    from notifications.channels.apprise import send  # 0.3 s: only who really sends pays for it

    return Pool(send)


def _repair(bound: Engine, clock: Clock, limit: int, delivered: Delivered) -> None:
    """Messages of dead senders and of disabled channels find their next way."""
    now, wall = clock.now(), clock.wall()
    with transaction(bound) as session:
        dead = expire_claims(session, wall)
        stranded = leave_disabled(session, now, wall, limit)
        delivered.counts[PLANNED_AGAIN] += fall_back(session, [*dead, *stranded], now)
    delivered.counts[NoticeState.unknown] += len(dead)
    delivered.counts[NoticeState.failed] += len(stranded)


def _prepare(bound: Engine, clock: Clock, limit: int, delivered: Delivered) -> dict[int, Manner]:
    now, wall = clock.now(), clock.wall()
    with transaction(bound) as session:
        known = manners(session)
        quiet = quiet_townships(known, now)
        held = mute(session, now, wall) + hold(session, quiet, now)
        held += hold_for_digest(session, known, now) + spare_people(session, known, now)
        gathered = bundle(session, list(quiet), now, wall, limit)
    delivered.counts[NoticeState.held] += held
    delivered.counts[NoticeState.expired] += len(gathered.superseded)
    delivered.counts[NoticeState.bundled] += sum(len(each.members) for each in gathered.bundles)
    return known


def _hand_over(
    bound: Engine, clock: Clock, known: Mapping[int, Manner], limit: int, senders: Senders, public_url: str, delivered: Delivered
) -> int:
    """Claims, sends and settles until nothing is ready or `limit` is reached. Returns how many messages were claimed."""
    claimed = 0
    while True:
        claims = Claims()
        size = min(senders.free, limit - claimed)
        if size > 0:
            claims = _claim(bound, clock, known, size, public_url)
            _note(claims, delivered)
            claimed += len(claims.ready)
            senders.take(claims.ready)
        attempts = senders.finished()
        if attempts:
            _settle(bound, clock, known, attempts, delivered)
        elif not claims.dropped.total() and not claims.ready and not claims.waiting:
            return claimed


def _note(claims: Claims, delivered: Delivered) -> None:
    delivered.counts.update(claims.dropped)
    delivered.counts[THROTTLED] += len(claims.waiting)
    moments = [*claims.waiting.values(), *([delivered.next_at] if delivered.next_at else [])]
    delivered.next_at = min(moments, default=None)


def _claim(bound: Engine, clock: Clock, known: Mapping[int, Manner], size: int, public_url: str) -> Claims:
    now, wall = clock.now(), clock.wall()
    with transaction(bound) as session:
        return claim(session, known, list(quiet_townships(known, now)), now, wall, size, public_url)


def _settle(bound: Engine, clock: Clock, known: Mapping[int, Manner], attempts: Sequence[Attempt], delivered: Delivered) -> None:
    now, wall = clock.now(), clock.wall()
    settled = [
        (claimed, outcome, decide(outcome, claimed.attempts, claimed.id, known[claimed.letter.township_id].retry_minutes, wall))
        for claimed, outcome in attempts
    ]
    with transaction(bound) as session:
        took = write(session, settled, now, wall)
        mine = [each for each in settled if each[0].id in took]
        flag_channels(session, {each.letter.channel_id: why.detail for each, why, then in mine if then.reason == Reason.channel_gone}, wall)
        lost = [each.id for each, _, then in mine if then.state in (NoticeState.failed, NoticeState.unknown)]
        delivered.counts[PLANNED_AGAIN] += fall_back(session, lost, now)
        delivered.counts[PLANNED_AGAIN] += tell_office(session, _worth_telling(mine), now)
    for claimed, outcome, then in mine:
        delivered.counts[then.state] += 1
        delivered.handed.append(_handed(claimed, outcome, then))


def _worth_telling(settled: Sequence[tuple[Claimed, Outcome, Settled]]) -> dict[int, str]:
    """Channels that the office must look after; news of a broken channel that can't be told breaks no further news."""
    return {
        claimed.letter.channel_id: outcome.detail
        for claimed, outcome, then in settled
        if then.state == NoticeState.failed
        and (then.reason == Reason.channel_gone or (then.reason == Reason.gave_up and claimed.letter.purpose != Purpose.channel_failed))
    }


def _handed(claimed: Claimed, outcome: Outcome, then: Settled) -> Handed:
    letter = claimed.letter
    scheme = claimed.url.split("://", 1)[0]
    return Handed(
        letter.id, letter.person, letter.purpose, _codes(letter), scheme, claimed.attempts, then.state, then.reason, outcome.detail
    )


def _codes(letter: Letter) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.code for each in (letter, *letter.members) if each.code))
