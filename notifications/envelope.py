"""What a program may know of a message besides its words, held out to the channel while it sends (in that thread alone)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from notifications.claim import Claimed
from notifications.letter import Letter


@dataclass(frozen=True, slots=True)
class Envelope:
    """`key` stays the same however often the message is tried, and is no other message's, not even after a restored backup.

    `person` is the opaque key, `codes` are the cases it speaks of, `level` the highest rung in it. `planned_at` is business time.
    """

    key: str
    purpose: str
    person: str
    urgent: bool
    level: int
    codes: tuple[str, ...]
    planned_at: datetime


_held: ContextVar[Envelope | None] = ContextVar("envelope", default=None)


def envelope_of(claimed: Claimed) -> Envelope:
    letter = claimed.letter
    each = (letter, *letter.members)
    codes = tuple(dict.fromkeys(one.code for one in each if one.code))
    level = max(one.level for one in each)
    return Envelope(_key(letter), letter.purpose, letter.person, letter.urgent, level, codes, letter.planned_at)


def _key(letter: Letter) -> str:
    return f"notice-{letter.id}-{round(letter.planned_at.timestamp() * 1000):x}"


@contextmanager
def enclosing(envelope: Envelope) -> Iterator[None]:
    token = _held.set(envelope)
    try:
        yield
    finally:
        _held.reset(token)


def held() -> Envelope | None:
    """The envelope of the message that this thread is sending."""
    return _held.get()


def as_data(envelope: Envelope | None) -> dict[str, Any]:
    """For JSON; nothing for a message without one, such as a test message."""
    if envelope is None:
        return {}
    return {
        "person": envelope.person, "purpose": envelope.purpose, "urgent": envelope.urgent, "level": envelope.level,
        "cases": list(envelope.codes), "planned_at": envelope.planned_at.isoformat(),
    }  # fmt: skip
