"""自己查自己。The self-audit: nothing that must never stop has stopped."""

from __future__ import annotations

from prefect import flow
from prefect.client.schemas.objects import State

from flows.operators import tell_operators
from flows.run import SECONDS, begin
from statemachines.watch import Finding, Watched
from statemachines.watch import watch as look

KINDS = {
    "timerless": "没有时钟",
    "quarantine": "时钟被隔离",
    "late": "时钟没有巡到",
    "stuck": "消息停滞",
    "approver": "无人可审批",
    "chain": "历史不符",
}


@flow(
    name="watch",
    description="自检：每件未结隐患都有在走的时钟，没有停滞的消息，历史哈希链完整。能修的当场修，查到的报告办公室。",
    timeout_seconds=SECONDS,
    on_failure=[tell_operators],
    on_crashed=[tell_operators],
)
async def watch() -> State[None]:
    run = await begin("自检")
    watched = await run.work(look, run.ground.bound, run.ground.clock)
    run.say(_looked_at(watched))
    if watched.clean:
        return await run.end("", f"一切正常：{_looked_at(watched)}")
    await run.table("watch", "自检发现的问题", [_row(found) for found in watched.findings])
    return await run.end(f"{len(watched.findings)} 个问题", "")


def _row(found: Finding) -> dict[str, str]:
    mended = "已修复" if found.mended else "待处理"
    return {"问题": KINDS.get(found.kind, found.kind), "案卷": found.code or "", "情况": found.what, "处理": mended}


def _looked_at(watched: Watched) -> str:
    return f"{watched.open_cases} 件未结，{watched.live_timers} 个时钟在走，{watched.waiting_notices} 条消息待发"
