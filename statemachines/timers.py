"""Which promises run in which state, and until when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlmodel import Session

from models.database import as_json
from models.deadlines import rung_times
from models.enumerations import (
    AppealState,
    CaseKind,
    CaseState,
    Clock,
    DutyState,
    ExtensionState,
    Grade,
    HazardState,
    ListingState,
    ReportState,
    TransferState,
)
from models.rules import Rules

S = HazardState

# The last one is the move that the case is waiting for; its due time is the case's. Of a duty run one of the two, by who owes it.
RUNNING: dict[CaseKind, dict[CaseState, tuple[Clock, ...]]] = {
    CaseKind.hazard: {
        S.found: (Clock.dispatch,),
        S.reopened: (Clock.dispatch,),
        S.assigned: (Clock.acknowledge, Clock.rectify),
        S.rectifying: (Clock.rectify,),
        S.submitted: (Clock.review,),
        S.verified: (Clock.approve,),
    },
    CaseKind.extension: {ExtensionState.asked: (Clock.decide,)},
    CaseKind.appeal: {AppealState.asked: (Clock.decide,), AppealState.opined: (Clock.decide,)},
    CaseKind.transfer: {TransferState.sent: (Clock.reply,)},
    CaseKind.listing: {
        ListingState.proposed: (Clock.decide,),
        ListingState.listed: (Clock.progress,),
        ListingState.delisting: (Clock.decide,),
    },
    CaseKind.duty: {DutyState.open: (Clock.leader_duty, Clock.duty)},
    CaseKind.report: {
        ReportState.received: (Clock.answer,),
        ReportState.substantiated: (Clock.answer,),
        ReportState.unfounded: (Clock.answer,),
        ReportState.disputed: (Clock.answer,),
    },
}


def running(kind: CaseKind, state: CaseState | None) -> tuple[Clock, ...]:
    """The clocks that run in a state; none where the case has ended or isn't there yet."""
    return RUNNING[kind].get(state, ()) if state else ()


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


START = text("""
insert into timer (case_id, clock, ladder_id, run, started_at, due_at, rung_at, fired, repeat, next_at)
select case_id, clock, ladder_id, 1, started_at, due_at, rung_at, 0, 0, next_at
from jsonb_to_recordset(cast(:starts as jsonb)) as said(
    case_id bigint, clock text, ladder_id int, started_at timestamptz, due_at timestamptz, rung_at timestamptz[], next_at timestamptz
)
on conflict (case_id, clock) do update set
    ladder_id = excluded.ladder_id, run = timer.run + 1, started_at = excluded.started_at, due_at = excluded.due_at,
    rung_at = excluded.rung_at, fired = 0, repeat = 0, fired_at = null, next_at = excluded.next_at, held_until = null,
    held_rung = null, held_by = null, stopped_at = null, quarantined_at = null, quarantine_reason = null
""")


def insert_timers(session: Session, case_id: int, starts: list[Start]) -> None:
    """Starts the clocks; one that has run before starts its next run."""
    insert_timers_of(session, [(case_id, starts)])


def insert_timers_of(session: Session, cases: Iterable[tuple[int, list[Start]]]) -> None:
    """The same of several cases."""
    rows = [
        {
            "case_id": case_id,
            "clock": s.clock,
            "ladder_id": s.ladder_id,
            "started_at": s.started_at,
            "due_at": s.due_at,
            "rung_at": s.rung_at,
            "next_at": s.next_at,
        }
        for case_id, starts in cases
        for s in starts
    ]
    if rows:
        session.execute(START, {"starts": as_json(rows)})
