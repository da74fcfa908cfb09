"""Runs what Prefect has scheduled, in this process. Why not a process a run: docs/adr/0006."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Coroutine, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from prefect import Flow
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.responses import OrchestrationResult, SetStateStatus
from prefect.exceptions import Abort, Pause
from prefect.flow_engine import run_flow_async
from prefect.states import Cancelled, Pending

WOKEN = "woken"

log = logging.getLogger("bihuan.flows")


class Resident:
    """One run of each deployment at a time; runs that came late fall together into the latest of them."""

    def __init__(self, client: PrefectClient) -> None:
        self._client = client
        self._flows: Mapping[UUID, Flow[..., Any]] = {}
        self._under_way: dict[UUID, asyncio.Task[None]] = {}

    def serve(self, flows: Mapping[UUID, Flow[..., Any]]) -> None:
        """From now on runs these deployments, by their ids."""
        self._flows = flows

    async def look(self, wall: datetime) -> None:
        """Starts what is due at machine time `wall`, and comes back without waiting for it."""
        runs = await self._client.get_scheduled_flow_runs_for_deployments(list(self._flows), scheduled_before=wall)
        due: dict[UUID, list[FlowRun]] = defaultdict(list)
        for run in runs:
            if run.deployment_id:
                due[run.deployment_id].append(run)
        for deployment, waiting in due.items():
            if deployment not in self._under_way:
                await self._start(deployment, waiting)

    async def run_now(self, flow: Flow[..., Any]) -> None:
        """A run beside the schedule, tagged `woken`: at once, or after the one under way. Comes back when it has ended; who
        stops waiting for it doesn't stop it.

        Nothing happens where the flow isn't served yet, or where somebody has paused its schedules. Raises what the client raises when
        the run can't be created.
        """
        for deployment in [each for each, served in self._flows.items() if served is flow]:
            while running := self._under_way.get(deployment):
                await asyncio.wait([running])
            await asyncio.shield(self._begin(deployment, self._unscheduled(deployment, flow)))

    async def finish(self, patience: float) -> None:
        """Waits up to `patience` seconds for what is under way."""
        if self._under_way:
            await asyncio.wait(self._under_way.values(), timeout=patience)

    async def _start(self, deployment: UUID, waiting: list[FlowRun]) -> None:
        """What people asked for comes first; of the scheduled ones only the last is worth running."""
        asked = [run for run in waiting if not run.auto_scheduled]
        scheduled = sorted((run for run in waiting if run.auto_scheduled), key=_when)
        first = min(asked, key=_when) if asked else scheduled[-1]
        self._begin(deployment, self._run(self._flows[deployment], first))
        for late in scheduled[:-1]:
            await self._client.set_flow_run_state(late.id, Cancelled(message="迟到的一次：由后面的一次代劳"))

    def _begin(self, deployment: UUID, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._under_way[deployment] = task
        task.add_done_callback(lambda _: self._under_way.pop(deployment, None))
        return task

    async def _unscheduled(self, deployment: UUID, flow: Flow[..., Any]) -> None:
        known = await self._client.read_deployment(deployment)
        if known.paused or not any(schedule.active for schedule in known.schedules):
            return
        run = await self._client.create_flow_run_from_deployment(deployment, state=Pending(), tags=[*known.tags, WOKEN])
        await self._run(flow, run)

    async def _run(self, flow: Flow[..., Any], run: FlowRun) -> None:
        try:
            if (run.state and run.state.is_pending()) or await self._claim(run):
                await run_flow_async(flow, flow_run=run, parameters=run.parameters, return_type="state")
        except (Exception, Abort, Pause):
            log.exception("a run of %s broke", flow.name)

    async def _claim(self, run: FlowRun) -> bool:
        claimed: OrchestrationResult[Any] = await self._client.set_flow_run_state(run.id, Pending())
        if claimed.status != SetStateStatus.ACCEPT or not claimed.state:
            return False
        run.state = claimed.state
        return True


def _when(run: FlowRun) -> datetime:
    assert run.expected_start_time
    return run.expected_start_time
