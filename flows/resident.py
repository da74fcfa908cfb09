"""Runs what Prefect has scheduled, in this process. Why not a process a run: docs/adr/0005."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Mapping
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

    async def finish(self, patience: float) -> None:
        """Waits up to `patience` seconds for what is under way."""
        if self._under_way:
            await asyncio.wait(self._under_way.values(), timeout=patience)

    async def _start(self, deployment: UUID, waiting: list[FlowRun]) -> None:
        """What people asked for comes first; of the scheduled ones only the last is worth running."""
        asked = [run for run in waiting if not run.auto_scheduled]
        scheduled = sorted((run for run in waiting if run.auto_scheduled), key=_when)
        first = min(asked, key=_when) if asked else scheduled[-1]
        task = asyncio.create_task(self._run(self._flows[deployment], first))
        self._under_way[deployment] = task
        task.add_done_callback(lambda _: self._under_way.pop(deployment, None))
        for late in scheduled[:-1]:
            await self._client.set_flow_run_state(late.id, Cancelled(message="迟到的一次：由后面的一次代劳"))

    async def _run(self, flow: Flow[..., Any], run: FlowRun) -> None:
        try:
            claimed: OrchestrationResult[Any] = await self._client.set_flow_run_state(run.id, Pending())
            if claimed.status == SetStateStatus.ACCEPT and claimed.state:
                run.state = claimed.state
                await run_flow_async(flow, flow_run=run, parameters=run.parameters, return_type="state")
        except (Exception, Abort, Pause):
            log.exception("a run of %s broke", flow.name)


def _when(run: FlowRun) -> datetime:
    assert run.expected_start_time
    return run.expected_start_time
