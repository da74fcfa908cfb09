"""The sweep: its cost follows what is due, not what exists; and how near it comes to one raw set-wise statement."""

from __future__ import annotations

import statistics
from datetime import timedelta

from sqlalchemy import Engine

from bench.report import say, spread, timed
from bench.town import MORNING, Bench, fill
from models.clock import ManualClock
from models.database import transaction
from statemachines.escalate import escalate_due, sweep

DUE_NOW = 1000
TURNS = 5


def measure(bench: Bench, small: int = 10_000, large: int = 1_000_000) -> None:
    medians = {size: _sweeps(bench, size) for size in (small, large)}
    say(f"ratio {large:,} / {small:,} open timers (limit 1.3)", f"{medians[large] / medians[small]:.2f}")


def _sweeps(bench: Bench, existing: int) -> float:
    """Seconds (median) of a sweep with 1 000 due among `existing` open timers; beside it the same in one raw statement."""
    with bench.town(f"bench_{existing}") as bound:
        fill(bound, "later-", existing - DUE_NOW, MORNING + timedelta(days=200))
        ours, raw = [], []
        _round(bench, bound, "warm", raw=False)
        for turn in range(TURNS):
            ours.append(_round(bench, bound, f"a{turn}-", raw=False))
            raw.append(_round(bench, bound, f"b{turn}-", raw=True))
        say(f"sweep, {DUE_NOW:,} due of {existing:,} open timers", spread(ours))
        say("the same in one raw set-wise statement", spread(raw))
        say(
            "escalations a second, sweep / raw statement",
            f"{DUE_NOW / statistics.median(ours):,.0f} / {DUE_NOW / statistics.median(raw):,.0f}",
        )
        return statistics.median(ours)


def _round(bench: Bench, bound: Engine, prefix: str, *, raw: bool) -> float:
    fill(bound, prefix, DUE_NOW, MORNING - timedelta(hours=30))
    bench.settle(str(bound.url.database))
    clock = ManualClock(MORNING)
    return timed(lambda: _one_statement(bound, clock) if raw else sweep(bound, clock))


def _one_statement(bound: Engine, clock: ManualClock) -> None:
    with transaction(bound) as session:
        assert len(escalate_due(session, clock.now(), DUE_NOW, wall=clock.wall())) == DUE_NOW
