"""到点未办，逐级上报。What is due and not done climbs its ladder."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from sqlalchemy import Engine, text

from flows.operators import tell_operators
from flows.run import SECONDS, Run, begin
from models.clock import say, say_left
from models.database import transaction
from models.enumerations import Clock, Grade, PostKind
from statemachines.escalate import Climb, Swept, sweep


@flow(
    name="escalate",
    description="到点未办的隐患按阶梯提醒、逐级上报。每次只看到时的时钟；重复运行不会多发一条。",
    timeout_seconds=SECONDS,
    on_failure=[tell_operators],
    on_crashed=[tell_operators],
)
async def escalate(limit: int = 500) -> State[None]:
    """Everything that is due at business time, `limit` cases a transaction."""
    run = await begin("升级")
    swept = await run.work(sweep, run.ground.bound, run.ground.clock, limit, flow_run=str(run.id))
    if swept.climbs:
        await _show(run, swept.climbs)
    for timer, reason in swept.quarantined:
        run.say(f"时钟 {timer} 无法处理，已隔离：{reason}")
    return await run.end(_counts(swept), "没有到点的事项")


def _counts(swept: Swept) -> str:
    climbed = sum(climb.overdue for climb in swept.climbs)
    parts = [("升级", climbed), ("提醒", len(swept.climbs) - climbed), ("隔离", len(swept.quarantined))]
    return "，".join(f"{what} {count}" for what, count in parts if count)


async def _show(run: Run, climbs: list[Climb]) -> None:
    names = await run.work(names_of, run.ground.bound, climbs)
    rows = [_row(climb, run.at, names) for climb in sorted(climbs, key=lambda climb: (-climb.level, climb.code))]
    for row in rows[:20]:
        run.say(f"{row['隐患']} {row['场所']}：{row['原因']}，告知 {row['告知']}")
    await run.table("escalate", "谁的事到点未办、告知了谁、为什么", rows)


def _row(climb: Climb, now: datetime, names: dict[str, str]) -> dict[str, Any]:
    return {
        "隐患": climb.code,
        "场所": names.get(climb.code, ""),
        "等级": Grade(climb.grade).zh,
        "升级": f"第 {climb.level} 级" if climb.overdue else "提醒",
        "原因": reason(climb, now),
        "告知": "、".join(names.get(f"post {post}", post) for post in climb.posts) or "无人可告知，已转下一级",
        "应完成": say(climb.due_at, year=True),
        "跳过的梯级": "、".join(str(rung) for rung in climb.skipped),
    }


def reason(climb: Climb, now: datetime) -> str:
    """Why it climbed: «整改逾期 3天2小时», «复查还剩 20小时»."""
    late = "逾期" if now > climb.due_at else "还剩"
    return f"{Clock(climb.clock).zh}{late} {say_left(now - climb.due_at)}"


NAMES = text("""
select c.code as name, string_agg(distinct coalesce(place.name, run.title), ' / ') as said
from cases c left join place on place.id = c.place_id left join duty_run run on run.case_id = c.id
where c.code = any(:codes) group by c.code
union all
select 'post ' || post.code, min(post.kind) from post where post.code = any(:posts) group by post.code
""")


def names_of(bound: Engine, climbs: list[Climb]) -> dict[str, str]:
    """The places of cases by code, and the names of posts by «post code». No person's name leaves our database."""
    asked = {"codes": [climb.code for climb in climbs], "posts": [post for climb in climbs for post in climb.posts]}
    with transaction(bound) as session:
        said = dict(session.execute(NAMES, asked).tuples().all())
    return {name: f"{PostKind(word).zh}（{name[5:]}）" if name.startswith("post ") else word for name, word in said.items()}
