"""离截止日还有几天，还剩多少。The campaign's countdown: what is open before the deadline, and who is reminded of it."""

from __future__ import annotations

from collections.abc import Sequence

from prefect import flow
from prefect.client.schemas.objects import State

from flows.ground import Ground
from flows.operators import tell_operators
from flows.run import SECONDS, begin
from models.database import transaction
from models.enumerations import PostKind
from notifications.countdown import REASONS, Count, Countdown, countdown_due


@flow(
    name="countdown",
    description="专项倒计时：每天数一次未销号，按专项阶梯提醒。当天是否做过以数据库为准，多跑不会多发。",
    timeout_seconds=SECONDS,
    on_failure=[tell_operators],
    on_crashed=[tell_operators],
)
async def countdown() -> State[None]:
    run = await begin("倒计时")
    done = await run.work(_count, run.ground)
    if done.counts:
        await run.markdown("countdown", "专项倒计时", "\n\n".join(page(count) for count in done.counts))
    said = [_in_short(count) for count in done.counts] + ([f"每日清单 {done.digests} 份"] if done.digests else [])
    return await run.end("，".join(said), "今天的已经做过，或还没到时候")


def _count(here: Ground) -> Countdown:
    with transaction(here.bound) as session:
        return countdown_due(session, here.clock)


def _in_short(count: Count) -> str:
    told = f"，提醒 {count.told} 人" if count.told else ""
    return f"{_days(count.days)}，未销号 {count.open} 件{told}"


def _days(days: int) -> str:
    if days < 0:
        return f"已过截止日 {-days} 天"
    return f"还有 {days} 天" if days else "今天截止"


def page(count: Count) -> str:
    """One campaign's numbers of one day, in Markdown."""
    parts = [f"## {count.title} · {count.day} · {_days(count.days)}", _numbers(count), _most(count), _teams(count), _red(count)]
    return "\n\n".join(part for part in parts if part)


def _numbers(count: Count) -> str:
    return _table(
        ("未销号", "其中重大", "已逾期", "已销号", "每天须销号", "近七天每天销号", "照此到截止日还剩"),
        [(count.open, count.major, count.overdue, count.closed, count.per_day, count.rate, count.forecast)],
    )


def _most(count: Count) -> str:
    rows = [(each["post"]["unit"], PostKind(each["post"]["kind"]).zh, each["open"]) for each in count.most]
    return "### 未销号最多的村\n\n" + _table(("村", "责任岗位", "未销号"), rows) if rows else ""


def _teams(count: Count) -> str:
    rows = [(each["team"], each["open"], each["major"]) for each in count.teams]
    return "### 各站所\n\n" + _table(("站所", "未销号", "其中重大"), rows) if rows else ""


def _red(count: Count) -> str:
    rows = [(red.code, red.place, "、".join(REASONS.get(why, why) for why in red.why) or "逾期未销号") for red in count.red]
    return "### 红色清单\n\n" + _table(("隐患", "场所", "为什么"), rows) if rows else ""


def _table(heads: tuple[str, ...], rows: Sequence[tuple[object, ...]]) -> str:
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)
