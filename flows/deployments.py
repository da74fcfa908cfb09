"""Which flow looks how often. A schedule only says when to look: what is due, and what has been done, our tables say.

`prefect.yaml` says the same for work pools, and a test holds the two together.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from prefect import Flow
from prefect.client.orchestration import PrefectClient
from prefect.deployments.runner import RunnerDeployment
from prefect.exceptions import ObjectNotFound
from prefect.schedules import Cron, Interval, Schedule
from sqlalchemy import Engine, text

from flows.countdown import countdown
from flows.deliver import deliver
from flows.escalate import escalate
from flows.plan_duties import plan_duties
from flows.report import report
from flows.run import PROJECT
from flows.watch import watch
from models.clock import Clock, read_anchors

FLOWS: dict[str, Flow[..., Any]] = {flow.name: flow for flow in (escalate, deliver, countdown, plan_duties, report, watch)}
ZONE = "Asia/Shanghai"
EPOCH = datetime(2023, 1, 1, tzinfo=UTC)  # counted from here, a schedule is the same whenever it is registered
MORNING = "08:30"

EVERY = {"escalate": "*/2 * * * *", "deliver": "* * * * *", "plan_duties": "*/10 * * * *", "report": "20 * * * *", "watch": "7 * * * *"}
# Real seconds, on a clock that runs ahead: an hour a minute makes 15 s a quarter of an hour.
SPED_UP = {"escalate": 15, "deliver": 15, "countdown": 30, "plan_duties": 30, "report": 60, "watch": 60}


@dataclass(frozen=True, slots=True)
class Tempo:
    """What the schedules depend on: whether business time runs ahead, and the times of day (Shanghai) at which campaigns remind."""

    sped_up: bool = False
    countdown_at: tuple[str, ...] = (MORNING,)


TIMES = text("""
select coalesce(rules->>'digest_at', :morning) from township
union
select at from campaign, jsonb_array_elements(reminders) reminder, jsonb_array_elements_text(reminder->'at') at
order by 1
""")


def tempo_of(bound: Engine, clock: Clock) -> Tempo:
    """How time runs now and when campaigns remind, as the database says."""
    with bound.connect() as connection:
        anchors = read_anchors(connection)
        times = connection.execute(TIMES, {"morning": MORNING}).scalars().all()
    sped_up = anchors is not None and anchors.speed > 1 and (anchors.slow_after is None or clock.now() < anchors.slow_after)
    return Tempo(sped_up, tuple(times) or (MORNING,))


def schedules(name: str, tempo: Tempo) -> list[Schedule]:
    """The schedules of one flow. Their slugs stay the same, so that registering again changes them and adds none."""
    if tempo.sped_up:
        return [Interval(timedelta(seconds=SPED_UP[name]), anchor_date=EPOCH, timezone=ZONE, slug="sped-up")]
    if name == "countdown":
        return [Cron(_daily(at), timezone=ZONE, slug=f"at-{at.replace(':', '-')}") for at in tempo.countdown_at]
    return [Cron(EVERY[name], timezone=ZONE, slug="steady")]


def _daily(at: str) -> str:
    hour, minute = at.split(":")
    return f"{int(minute)} {int(hour)} * * *"


async def register(client: PrefectClient, tempo: Tempo) -> dict[UUID, Flow[..., Any]]:
    """Tells the server what is to run when; our flows by the ids of their deployments there."""
    registered = {}
    for deployment in await deployments(tempo):
        await _unschedule(client, deployment)
        registered[await deployment.aapply()] = FLOWS[str(deployment.flow_name)]
    return registered


async def _unschedule(client: PrefectClient, deployment: RunnerDeployment) -> None:
    """Takes away the schedules that it no longer has: the server changes and adds by slug, and keeps what isn't named."""
    wanted = {schedule.slug for schedule in deployment.schedules or []}
    try:
        known = await client.read_deployment_by_name(deployment.full_name)
    except ObjectNotFound:
        return
    for schedule in known.schedules:
        if schedule.slug not in wanted:
            await client.delete_deployment_schedule(known.id, schedule.id)


async def deployments(tempo: Tempo) -> list[RunnerDeployment]:
    """One deployment a flow, named after it. Run in our own process, so they need no work pool."""
    return [
        await flow.ato_deployment(name, schedules=schedules(name, tempo), tags=[PROJECT, name], description=flow.description)
        for name, flow in FLOWS.items()
    ]
