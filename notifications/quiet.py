"""Quiet hours hold the delivery of a message, never the decision behind it. Urgent ones (major hazards) break through."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import text
from sqlmodel import Session

from notifications.manner import Manner
from notifications.reason import Reason

HOLD = text("""
update notice set state = 'held', reason = :reason, not_before = :until
where id in (
    select id from notice where township_id = :township and state in ('planned', 'held') and not_before <= :now and not urgent
    order by id for update skip locked
)
""")


def quiet_townships(known: Mapping[int, Manner], now: datetime) -> dict[int, datetime]:
    """The townships that sleep at business time `now`, and until when."""
    return {township: until for township, manner in known.items() if (until := manner.quiet_until(now))}


def hold(session: Session, quiet: Mapping[int, datetime], now: datetime) -> int:
    """Puts off what may not be said now until the window ends. Returns how many were held."""
    held = 0
    for township, until in quiet.items():
        held += session.execute(HOLD, {"township": township, "until": until, "now": now, "reason": Reason.quiet_hours}).rowcount  # type: ignore[attr-defined]
    return held
