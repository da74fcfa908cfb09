"""A commit that queued a message is heard at once (LISTEN), and a run of `deliver` follows it. Why, and what it costs: docs/prefect.md."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import httpx
import psycopg
from prefect import Flow
from prefect.exceptions import PrefectException
from sqlalchemy import Engine

from flows.resident import Resident

QUEUED = "notices"  # migrations/versions/0005_wake.py says it, at the end of a statement that planned messages
BREATH_SECONDS = 2.0
RECONNECT_SECONDS = 2.0
# A connection whose far end has gone without a word is noticed after 35 s.
PATIENT: dict[str, Any] = {"connect_timeout": 10, "keepalives_idle": 20, "keepalives_interval": 5, "keepalives_count": 3}

log = logging.getLogger("bihuan.flows")


async def run_when_queued(bound: Engine, resident: Resident, flow: Flow[..., Any]) -> None:
    """Until it is cancelled. However many commits fall together, one run follows them; between two such runs lie two seconds."""
    queued = asyncio.Event()
    async with asyncio.TaskGroup() as both:
        both.create_task(listen(bound, queued.set))
        both.create_task(_follow(queued, resident, flow))


async def listen(bound: Engine, heard: Callable[[], None]) -> None:
    """Calls `heard` when a commit queued a message that may go out now, and after every new connection: nobody listened before it."""
    url = bound.url.set(drivername="postgresql").render_as_string(hide_password=False)
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(url, autocommit=True, application_name="bihuan wake", **PATIENT) as connection:
                await connection.execute(f"listen {QUEUED}")
                heard()
                async for _ in connection.notifies():
                    heard()
        except psycopg.Error as error:
            log.warning("deaf to what is queued, the schedule delivers meanwhile: %s", error)
        await asyncio.sleep(RECONNECT_SECONDS)


async def _follow(queued: asyncio.Event, resident: Resident, flow: Flow[..., Any]) -> None:
    while True:
        await queued.wait()
        queued.clear()
        try:
            await resident.run_now(flow)
        except (httpx.HTTPError, PrefectException) as error:
            log.warning("no run could be started for what is queued, trying again: %s", error)
            queued.set()
        await asyncio.sleep(BREATH_SECONDS)
