"""Ticks of time through Prefect: real runs in this process, on a clock in the hand (`bihuan replay --through-prefect`)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prefect import tags
from prefect.logging.handlers import APILogHandler
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from sqlalchemy import Engine

from flows.client import one_client
from flows.countdown import countdown
from flows.deliver import deliver
from flows.escalate import escalate
from flows.ground import Ground, standing_on
from flows.plan_duties import plan_duties
from models.clock import Clock
from notifications.outcome import Channel

Tick = Callable[[Engine, Clock], None]


@contextmanager
def ticks(channel: Channel | None = None) -> Iterator[Tick]:
    """What the schedules would start at a moment, one after the other: escalate, plan_duties, countdown, deliver.

    All ticks share one connection. A tick raises what a flow raises. The cases' events aren't shown in Prefect: a replay's cases bear the
    names of live ones.
    `channel` replaces Apprise.
    """
    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}), tags("replay"), asyncio.Runner() as runner:
        client = one_client()
        runner.run(client.__aenter__())

        def tick(bound: Engine, clock: Clock) -> None:
            runner.run(_tick(Ground(bound, clock, channel, shows_events=False)))

        try:
            yield tick
        finally:
            runner.run(APILogHandler.aflush())
            runner.run(client.__aexit__(None, None, None))


async def _tick(given: Ground) -> None:
    with standing_on(given):
        for flow in (escalate, plan_duties, countdown, deliver):
            await flow()


def run_tick(bound: Engine, clock: Clock) -> None:
    """One tick, for who has only one."""
    with ticks() as tick:
        tick(bound, clock)
