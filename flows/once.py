"""One tick of time through Prefect: real runs in this process, on a clock in the hand (`bihuan replay --through-prefect`)."""

from __future__ import annotations

import asyncio

from prefect import tags
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from sqlalchemy import Engine

from flows.countdown import countdown
from flows.deliver import deliver
from flows.escalate import escalate
from flows.ground import Ground, standing_on
from models.clock import Clock
from notifications.outcome import Channel


def run_tick(bound: Engine, clock: Clock, channel: Channel | None = None) -> None:
    """What the schedules would start at this moment, one after the other: escalate, countdown, deliver.

    Raises what a flow raises. The cases' events aren't shown in Prefect: a replay's cases bear the names of live ones.
    """
    given = Ground(bound, clock, channel, shows_events=False)
    with standing_on(given), temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}), tags("replay"):
        asyncio.run(_tick())


async def _tick() -> None:
    for flow in (escalate, countdown, deliver):
        await flow()
