"""What every simulated choice is made of: what somebody is going to do, what it rests on, and the hours at which people do things."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from drill.chance import Stream
from drill.hours import awake
from drill.roster import Roster
from models.calendar import Calendar


class Coded(Protocol):
    """A case with a code, in a round."""

    @property
    def code(self) -> str: ...
    @property
    def round(self) -> int: ...


class Told(Protocol):
    """A case whose promise runs since then; the last rung's level and when it fired."""

    @property
    def since(self) -> datetime: ...
    @property
    def level(self) -> int: ...
    @property
    def fired_at(self) -> datetime | None: ...


@dataclass(frozen=True, slots=True)
class Move:
    """What somebody is going to do: when (business time), which trigger, in the name of the first of `posts` that may.

    `photos` are the kinds of evidence that come with it; `blunder` is what goes wrong at the first try. `promise` is how long a leader
    asks the next rung to wait. `finds` is a place that is inspected first: the hazard found there is the one that the move names.
    """

    at: datetime
    trigger: str
    posts: tuple[str, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)
    photos: tuple[str, ...] = ()
    blunder: str | None = None
    promise: timedelta | None = None
    finds: str | None = None


@dataclass(frozen=True, slots=True)
class Habits:
    """What every choice rests on besides the case: the seed, the office's calendar, and which posts there are."""

    seed: int
    calendar: Calendar
    roster: Roster

    def of(self, seen: Coded, trigger: str) -> Stream:
        return Stream(self.seed, seen.code, trigger, seen.round)

    def in_office(self, since: datetime, hours: float) -> datetime:
        return self.calendar.add_working_hours(since, hours)


def by_day(since: datetime, hours: float, chance: Stream) -> datetime:
    return awake(since + timedelta(hours=hours), chance.between(0, 70, "morning"))


def urged_by_day(seen: Told, level: int, chance: Stream, hours: tuple[float, float]) -> datetime | None:
    """When somebody moves because a post of that level or above has been told; None while none has."""
    if seen.level < level or seen.fired_at is None:
        return None
    return by_day(seen.fired_at, chance.between(*hours, "urged"), chance)


def urged(seen: Told, habits: Habits, level: int, chance: Stream, hours: tuple[float, float]) -> datetime:
    """The same for officials, in working hours; far away while nobody has been told."""
    if seen.level < level or seen.fired_at is None:
        return seen.since + timedelta(days=365)
    return habits.in_office(seen.fired_at, chance.between(*hours, "urged"))


def shuffled(posts: Sequence[str], chance: Stream) -> list[str]:
    return sorted(posts, key=lambda post: chance.share(f"order {post}"))
