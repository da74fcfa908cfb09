"""After the attempt: what an outcome makes of a message. States only move forward; a late answer changes nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlmodel import Session

from models.enumerations import NoticeState
from notifications.claim import Claimed
from notifications.outcome import Kind, Outcome
from notifications.reason import Reason

JITTER = 0.2
LONGEST_WAIT = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Settled:
    """The state a message is in after an attempt. `try_at` is wall time."""

    state: NoticeState
    reason: Reason
    try_at: datetime | None = None


def decide(outcome: Outcome, attempts: int, notice_id: int, retry_minutes: Sequence[int], wall: datetime) -> Settled:
    """`attempts` counts the real attempts so far, this one included; `retry_minutes` are the waits after the first, the second, …"""
    if outcome.kind == Kind.sent:
        return Settled(NoticeState.sent, Reason.taken)
    if outcome.kind == Kind.delivered:
        return Settled(NoticeState.delivered, Reason.confirmed)
    if outcome.kind == Kind.unknown:
        return Settled(NoticeState.unknown, Reason.no_answer)
    if outcome.kind == Kind.permanent:
        return Settled(NoticeState.failed, Reason.channel_gone if outcome.channel_gone else Reason.refused)
    if attempts > len(retry_minutes):
        return Settled(NoticeState.failed, Reason.gave_up)
    return Settled(NoticeState.retry, Reason.try_again, wall + back_off(outcome, attempts, notice_id, retry_minutes))


def back_off(outcome: Outcome, attempts: int, notice_id: int, retry_minutes: Sequence[int]) -> timedelta:
    """The township's wait, up to a fifth longer so that many don't come back at once; or what the far end asked for, if that is longer.

    The jitter comes from the message itself: the same message waits the same time on every machine.
    """
    digest = hashlib.sha256(f"{notice_id}:{attempts}".encode()).digest()
    stretched = 1 + JITTER * digest[0] / 255
    wait = timedelta(minutes=retry_minutes[attempts - 1]) * stretched
    return min(max(wait, timedelta(seconds=outcome.wait or 0)), LONGEST_WAIT)


SETTLE = text("""
update notice set state = settled.state, reason = settled.reason, error = settled.error, try_at = settled.try_at, claimed_until = null,
    settled_at = case when settled.state <> 'retry' then cast(:wall as timestamptz) end,
    sent_at = case when settled.state in ('sent', 'delivered') then cast(:now as timestamptz) end
from unnest(
    cast(:ids as bigint[]), cast(:states as text[]), cast(:reasons as text[]), cast(:errors as text[]), cast(:tries as timestamptz[])
) as settled(id, state, reason, error, try_at)
where notice.id = settled.id and notice.state = 'sending' returning notice.id
""")


def write(session: Session, settled: Sequence[tuple[Claimed, Outcome, Settled]], now: datetime, wall: datetime) -> set[int]:
    """Writes the outcomes of attempts. Returns the ids that took it: a message whose claim had expired stays unknown."""
    asked = {
        "ids": [claimed.id for claimed, _, _ in settled],
        "states": [each.state for _, _, each in settled],
        "reasons": [each.reason for _, _, each in settled],
        "errors": [outcome.detail or None for _, outcome, _ in settled],
        "tries": [each.try_at for _, _, each in settled],
        "now": now,
        "wall": wall,
    }
    return set(session.execute(SETTLE, asked).scalars())
