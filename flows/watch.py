"""自己查自己。The self-audit: nothing that must never stop has stopped."""

from __future__ import annotations

from prefect import flow
from prefect.client.schemas.objects import State

from flows.operators import tell, tell_operators
from flows.run import SECONDS, begin
from models.settings import Settings
from notifications.told import Latency
from statemachines.watch import KINDS, Finding, Watched
from statemachines.watch import watch as look


@flow(
    name="watch",
    description="自检：每件未结案卷都有在走的时钟、有人可办可批，没有停滞的消息，开工许可与事实相符，历史哈希链完整。"
    "能修的当场修，查到的报告办公室；一切正常才向外报平安（BIHUAN_DEADMAN_URL）。",
    timeout_seconds=SECONDS,
    on_failure=[tell_operators],
    on_crashed=[tell_operators],
)
async def watch() -> State[None]:
    run = await begin("自检")
    here = run.ground
    deadman = Settings.read().deadman_url if here.channel is None else None
    watched = await run.work(look, here.bound, here.clock, deadman)
    run.say(_looked_at(watched))
    run.say(_waited(watched.latency))
    if watched.pinged is False:
        run.say("一切正常，但没能向外报平安：看守地址没有应答")
    if watched.clean:
        return await run.end("", f"一切正常：{_looked_at(watched)}")
    if lost := [found.what for found in watched.findings if found.kind == "locked"]:
        await tell("locked", f"闭环：{KINDS['locked']}", "\n".join(lost))
    await run.table("watch", "自检发现的问题", [_row(found) for found in watched.findings])
    return await run.end(f"{len(watched.findings)} 个问题", "")


def _row(found: Finding) -> dict[str, str]:
    mended = "已修复" if found.mended else "待处理"
    return {"问题": KINDS[found.kind], "何处": found.code or "", "情况": found.what, "处理": mended}


def _looked_at(watched: Watched) -> str:
    return f"{watched.open_cases} 件未结，{watched.live_timers} 个时钟在走，{watched.waiting_notices} 条消息待发"


def _waited(took: Latency) -> str:
    if took.p50 is None or took.p99 is None:
        return "一天内没有交出消息"
    return f"一天内交出 {took.count} 条消息，从可发到通道接收：中位 {took.p50:.0f} 秒，99% 不超过 {took.p99:.0f} 秒"
