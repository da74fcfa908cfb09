"""What every run has in common: a name that people can read, tags, plain words in its log, counts at its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ParamSpec, TypeVar
from uuid import UUID

from prefect import get_run_logger
from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.context import FlowRunContext
from prefect.states import Completed

from flows.ground import Ground, ground
from models.clock import day_of, say

PROJECT = "bihuan"
ROWS = 200
SECONDS = 1800.0  # a run that takes longer hangs: it fails, people are told, and the next one may start

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Run:
    """A flow run under way. `at` is business time at its start."""

    id: UUID
    name: str
    at: datetime
    ground: Ground

    def say(self, line: str) -> None:
        """A line in the run's log, in plain words."""
        get_run_logger().info(line)

    async def work(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Blocking work in a thread, so that Prefect's loop goes on."""
        return await asyncio.to_thread(function, *args, **kwargs)

    async def table(self, key: str, about: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """A table artifact of what happened; only its first 200 rows, and it says so."""
        cut = f"（共 {len(rows)} 行，这里是前 {ROWS} 行）" if len(rows) > ROWS else ""
        await acreate_table_artifact(key=key, table=[dict(row) for row in rows[:ROWS]], description=f"**{say(self.at)}** {about}{cut}")

    async def markdown(self, key: str, about: str, text: str) -> None:
        await acreate_markdown_artifact(key=key, markdown=text, description=f"{say(self.at)} {about}")

    async def end(self, counts: str, otherwise: str) -> State[None]:
        """What the run leaves behind: its counts in its name and state, or `otherwise` when there was nothing to count."""
        if counts:
            async with get_client() as client:
                await client.update_flow_run(self.id, name=f"{self.name} · {counts}")
        self.say(counts or otherwise)
        return Completed(message=counts or otherwise)


async def begin(label: str) -> Run:
    """Names and tags the run that we are in: «升级 3月20日 18:05», and the business day to find it by."""
    context, here = FlowRunContext.get(), ground()
    assert context and context.flow and context.flow_run
    at = await asyncio.to_thread(here.clock.now)
    name = f"{label} {say(at)}"
    tags = {*context.flow_run.tags, PROJECT, context.flow.name, day_of(at).isoformat()}
    async with get_client() as client:
        await client.update_flow_run(context.flow_run.id, name=name, tags=sorted(tags))
    context.flow_run.name = name
    return Run(context.flow_run.id, name, at, here)
