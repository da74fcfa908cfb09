"""`python -m flows.serve`: registers our deployments with Prefect's server and runs what it schedules, until told to stop.

The loop lives in a thread of its own: on the main one, each run would put a signal handler of Prefect's in the place of ours.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from threading import Event

import httpx
from prefect.client.orchestration import PrefectClient
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from sqlalchemy.exc import SQLAlchemyError

from flows.client import one_client
from flows.deliver import deliver
from flows.deployments import Tempo, register, tempo_of
from flows.ground import Ground, standing_on
from flows.resident import Resident
from flows.wake import run_when_queued
from models.clock import RowClock, machine_time
from models.cluster import cluster
from models.database import engine
from models.refusal import Refusal
from models.settings import Settings

POLL_SECONDS = 2.0
TEMPO_EVERY = 10
GRACE_SECONDS = 6.0

log = logging.getLogger("bihuan.flows")


def main() -> int:
    """Serves until SIGTERM or SIGINT; 1 with a sentence when the settings are wrong or the database can't be reached."""
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        with cluster(Settings.read()) as running:
            bound = engine(running.url())
            _in_a_thread(Ground(bound, RowClock(bound)), stop)
    except Refusal as no:
        print(no, file=sys.stderr)
        return 1
    return 0


def _in_a_thread(ground: Ground, stop: Event) -> None:
    """Heartbeats are off: nobody outlives this process, and the supervisor's reaper lays its runs to rest when it dies."""
    with standing_on(ground), temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}), ThreadPoolExecutor(1) as thread:
        serving = thread.submit(copy_context().run, asyncio.run, serve(ground, stop))
        while not serving.done():
            stop.wait(0.5)
        serving.result()


async def serve(ground: Ground, stop: Event) -> None:
    """Looks for due runs every two seconds, and now and then whether the clock or a campaign asks for other schedules.

    What a commit queues is delivered without waiting for either.
    """
    async with one_client() as client:
        resident, tempo, rounds = Resident(client), None, 0
        waking = asyncio.create_task(run_when_queued(ground.bound, resident, deliver))
        while not stop.is_set():
            try:
                if rounds % TEMPO_EVERY == 0:
                    tempo = await _keep_tempo(ground, client, resident, tempo)
                await resident.look(machine_time())
                rounds += 1
            except (httpx.HTTPError, PrefectHTTPStatusError, SQLAlchemyError) as error:
                log.warning("trying again: %s", error)
            await asyncio.to_thread(stop.wait, POLL_SECONDS)
        waking.cancel()
        await resident.finish(GRACE_SECONDS)


async def _keep_tempo(ground: Ground, client: PrefectClient, resident: Resident, before: Tempo | None) -> Tempo:
    tempo = await asyncio.to_thread(tempo_of, ground.bound, ground.clock)
    if tempo != before:
        resident.serve(await register(client, tempo))
        log.info("schedules registered: %s", tempo)
    return tempo


if __name__ == "__main__":
    logging.getLogger("bihuan").setLevel(logging.INFO)  # through Prefect's handler, which is there already
    sys.exit(main())
