"""What a run stands on: the database, the clock, and whether the world hears of it."""

from __future__ import annotations

import atexit
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache

from sqlalchemy import Engine

from models.clock import Clock, RowClock
from models.cluster import cluster
from models.database import engine
from models.settings import Settings
from notifications.outcome import Channel


@dataclass(frozen=True, slots=True)
class Ground:
    """`channel` replaces Apprise (replay), `shows_events` says whether the cases' events go to Prefect's feed."""

    bound: Engine
    clock: Clock
    channel: Channel | None = None
    shows_events: bool = True


_given: ContextVar[Ground | None] = ContextVar("ground", default=None)


@contextmanager
def standing_on(given: Ground) -> Iterator[None]:
    """Every flow that is called inside runs on `given`."""
    token = _given.set(given)
    try:
        yield
    finally:
        _given.reset(token)


def ground() -> Ground:
    """What was given; else what the settings say, opened once a process: that is how a worker's own process finds it."""
    return _given.get() or _of_the_settings()


@cache
def _of_the_settings() -> Ground:
    stack = ExitStack()
    atexit.register(stack.close)
    bound = engine(stack.enter_context(cluster(Settings.read())).url())
    stack.callback(bound.dispose)
    return Ground(bound, RowClock(bound))
