"""该说的话发出去。What is to be told goes out, and each case's events are shown in Prefect."""

from __future__ import annotations

from typing import Any

import httpx
from prefect import flow
from prefect.client.schemas.objects import State
from prefect.exceptions import PrefectHTTPStatusError

from flows.feed import show_events
from flows.ground import Ground
from flows.operators import tell_operators
from flows.run import SECONDS, Run, begin
from models.enumerations import NoticeState, Purpose
from notifications.deliver import PLANNED_AGAIN, Delivered, Handed, deliver_due
from notifications.subscribers import send_events

ROUNDS = 50  # what is still waiting then has its turn in the next run


@flow(
    name="deliver",
    description="把该告知的消息发出去：免打扰时段暂缓，同一人合并，失败退避重试。结果逐条记录，重复运行不会重发。",
    timeout_seconds=SECONDS,
    on_failure=[tell_operators],
    on_crashed=[tell_operators],
)
async def deliver(limit: int = 200) -> State[None]:
    """`limit` messages at a time, the most urgent first, until none is ready; then the events that Prefect has not been shown yet."""
    run = await begin("送达")
    here = run.ground
    delivered = await run.work(_deliver_all, here, limit)
    if delivered.handed:
        await run.table("deliver", "哪些消息交给了通道、结果如何", [_row(handed) for handed in delivered.handed])
    if here.channel is None:
        await _tell_programs(run)
    if here.shows_events:
        await _show_events(run)
    return await run.end(_counts(delivered), "没有要发的消息")


def _deliver_all(here: Ground, limit: int) -> Delivered:
    """A full round is followed by another one: what is urgent by then comes first in it."""
    delivered = Delivered()
    for _ in range(ROUNDS):
        more = deliver_due(here.bound, here.clock, limit=limit, channel=here.channel)
        delivered.counts += more.counts
        delivered.handed += more.handed
        if len(more.handed) < limit:
            break
    return delivered


async def _tell_programs(run: Run) -> None:
    """Subscribers hear of the events, after the people."""
    counts = await run.work(send_events, run.ground.bound, run.ground.clock)
    if counts.total():
        run.say(f"程序订阅：收下 {counts['taken']} 个事件，失败 {counts['failed']} 次，暂停 {counts['paused']} 个")


async def _show_events(run: Run) -> None:
    """Decoration: when it fails, the run doesn't, and the next one tries again."""
    try:
        shown = await run.work(show_events, run.ground.bound)
    except (httpx.HTTPError, PrefectHTTPStatusError) as error:
        return run.say(f"案卷事件这次没能显示在 Prefect 中：{error}")
    if shown:
        run.say(f"在 Prefect 中显示了 {shown} 个案卷事件")
    return None


def _counts(delivered: Delivered) -> str:
    counts = [(_label(state), count) for state, count in sorted(delivered.counts.items()) if count]
    return "，".join(f"{label} {count}" for label, count in counts)


def _label(state: str) -> str:
    return "改投" if state == PLANNED_AGAIN else NoticeState(state).zh


def _row(handed: Handed) -> dict[str, Any]:
    return {
        "消息": handed.notice_id,
        "收件人": handed.person,
        "事由": Purpose(handed.purpose).zh,
        "隐患": "、".join(handed.codes),
        "通道": handed.channel,
        "第几次": handed.attempts,
        "结果": handed.state.zh,
        "原因": handed.reason.zh,
        "详情": handed.error,
    }
