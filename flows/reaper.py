"""Lays dead runs to rest: `python -m flows.reaper`, run by the supervisor while no runner lives.

A run whose process was killed together with its runner stays Running for ever and holds its deployment's only slot, so that
every later run is cancelled. No runner of ours lives when this is called, so whatever still claims to run here is dead. Runs that
belong to a work pool are some worker's on another machine and left alone.
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient
    from prefect.client.schemas.objects import FlowRun

PAGE = 200
SILENCE = 90
SILENT_RUNS = "闭环：无声的运行记为崩溃"


async def reap() -> int:
    """Sets every run of ours that claims to be pending or running to Crashed, by force; gives how many."""
    from prefect.client.orchestration import get_client

    async with get_client() as client:
        reaped = 0
        while dead := [run for run in await _claiming(client) if not run.work_pool_name]:
            for run in dead:
                await _crash(client, run)
            reaped += len(dead)
        await watch_for_silence(client)
        return reaped


async def watch_for_silence(client: PrefectClient) -> None:
    """Has the server itself set a run to Crashed that stops giving heartbeats; made once, found again by name."""
    from prefect.automations import AutomationCore, EventTrigger, Posture
    from prefect.client.schemas.objects import StateType
    from prefect.events.actions import ChangeFlowRunState
    from prefect.events.schemas.events import ResourceSpecification

    if await client.read_automations_by_name(SILENT_RUNS):
        return
    ended = {f"prefect.flow-run.{state}" for state in ("Completed", "Failed", "Cancelled", "Crashed")}
    trigger = EventTrigger(
        after={"prefect.flow-run.heartbeat"},
        expect={"prefect.flow-run.heartbeat", *ended},
        match=ResourceSpecification({"prefect.resource.id": ["prefect.flow-run.*"]}),
        for_each={"prefect.resource.id"},
        posture=Posture.Proactive,
        threshold=1,
        within=SILENCE,
    )
    crash = ChangeFlowRunState(state=StateType.CRASHED, message=f"{SILENCE} 秒没有心跳")
    await client.create_automation(AutomationCore(name=SILENT_RUNS, trigger=trigger, actions=[crash]))


async def _claiming(client: PrefectClient) -> list[FlowRun]:
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterState, FlowRunFilterStateType
    from prefect.client.schemas.objects import StateType

    alive = FlowRunFilterStateType(any_=[StateType.PENDING, StateType.RUNNING, StateType.CANCELLING])
    return await client.read_flow_runs(flow_run_filter=FlowRunFilter(state=FlowRunFilterState(type=alive)), limit=PAGE)


async def _crash(client: PrefectClient, run: FlowRun) -> None:
    from prefect.states import Crashed

    await client.set_flow_run_state(run.id, Crashed(message="进程已不在，由闭环记为崩溃"), force=True)


def main() -> int:
    print(f"已清理 {asyncio.run(reap())} 个失去进程的运行", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
