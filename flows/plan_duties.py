"""谁今明两天该做什么，什么没有做。Runs of recurring duties as they come up, and those that were never done."""

from __future__ import annotations

from prefect import flow
from prefect.client.schemas.objects import State

from flows.ground import Ground
from flows.operators import tell_operators
from flows.run import SECONDS, begin
from models.clock import say
from models.database import transaction
from statemachines.plan_duties import Planned
from statemachines.plan_duties import plan_duties as plan

ROWS = 200


@flow(
    name="plan_duties",
    description="履职任务：每天排出到明天为止该做的任务，补办期已过的记为未履职，抽取销号后回头看。当天是否排过以数据库为准，多跑不会多排。",
    timeout_seconds=SECONDS,
    on_failure=[tell_operators],
    on_crashed=[tell_operators],
)
async def plan_duties() -> State[None]:
    run = await begin("履职任务")
    planned = await run.work(_plan, run.ground, str(run.id))
    if planned.anything:
        await run.markdown("plan-duties", "履职任务", page(planned))
    return await run.end(_in_short(planned), "今天的已经排过，没有新的未履职")


def _plan(here: Ground, flow_run: str) -> Planned:
    with transaction(here.bound) as session:
        return plan(session, here.clock, flow_run=flow_run)


def _in_short(planned: Planned) -> str:
    counts = [
        (planned.planned, "新排"), (planned.rechecks, "回头看"), (planned.missed, "未履职"), (planned.left_out, "停机期间未布置"),
    ]  # fmt: skip
    return "，".join(f"{what} {count}" for count, what in counts if count)


def page(planned: Planned) -> str:
    """What was planned and what was missed, in Markdown."""
    parts = [f"## {_in_short(planned)}", _planned(planned), _missed(planned), _left_out(planned)]
    return "\n\n".join(part for part in parts if part)


def _planned(planned: Planned) -> str:
    rows = [f"| {title} | {count} |" for title, count in planned.titles.most_common()]
    return "\n".join(["### 新排的任务\n", "| 任务 | 件数 |", "| --- | ---: |", *rows]) if rows else ""


def _missed(planned: Planned) -> str:
    rows = [f"| {miss.code} | {miss.title} | {miss.post} | {say(miss.due_at)} |" for miss in planned.misses[:ROWS]]
    cut = f"\n\n共 {len(planned.misses)} 件，这里是前 {ROWS} 件" if len(planned.misses) > ROWS else ""
    return "\n".join(["### 未履职\n", "| 编号 | 任务 | 岗位 | 应于 |", "| --- | --- | --- | --- |", *rows]) + cut if rows else ""


def _left_out(planned: Planned) -> str:
    return f"系统停止期间到期的 {planned.left_out} 件没有布置过，不计未履职。" if planned.left_out else ""
