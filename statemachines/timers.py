"""Which promises run in which state, and until when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from models.deadlines import rung_times
from models.enumerations import Clock, Grade, HazardState
from models.rules import Rules

S = HazardState

# The last one is the move that the case is waiting for; its due time is the case's.
RUNNING: dict[HazardState, tuple[Clock, ...]] = {
    S.found: (Clock.dispatch,),
    S.reopened: (Clock.dispatch,),
    S.assigned: (Clock.acknowledge, Clock.rectify),
    S.rectifying: (Clock.rectify,),
    S.submitted: (Clock.review,),
    S.verified: (Clock.approve,),
}


@dataclass(frozen=True, slots=True)
class Start:
    """A timer to start: its due time, the ladder's version, and when each rung comes (None: left out)."""

    clock: Clock
    ladder_id: int
    started_at: datetime
    due_at: datetime
    rung_at: tuple[datetime | None, ...]

    @property
    def next_at(self) -> datetime:
        return min(moment for moment in self.rung_at if moment)


def start(
    rules: Rules, clock: Clock, grade: Grade, started_at: datetime, due: datetime, *, shortened_from: datetime | None = None
) -> Start:
    """A timer of `clock` that runs from `started_at` to `due` on the newest ladder of its grade."""
    ladder = rules.ladder(clock, grade)
    times = rung_times(due, started_at, ladder.rungs, rules.calendar, shortened_from)
    return Start(clock, ladder.id, started_at, due, times)
