"""`bihuan messages` and `bihuan deliver`: what was told to whom, and telling what is ready."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from cli.at import AsJson, At, clock_at, house
from models.clock import say
from models.enumerations import NoticeState, Purpose

if TYPE_CHECKING:
    from notifications.told import Told


def messages(
    case: Annotated[str | None, typer.Option("--case", metavar="CODE", help="只看这条隐患 of one hazard")] = None,
    person: Annotated[str | None, typer.Option("--person", metavar="KEY", help="只看这个人 to one person")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="最多几条 at most")] = 50,
    preview: Annotated[bool, typer.Option("--preview", help="每条消息怎么说，用真实内容举例 how each message reads, by example")] = False,
    language: Annotated[str, typer.Option("--language", help="预览用的语言 language of the preview: zh, en")] = "zh",
    as_json: AsJson = False,
) -> None:
    """谁在何时被告知了什么、为什么、结果如何。Who was told what, when, why, and how it ended; newest first."""
    from models.database import as_json as written
    from models.database import transaction
    from notifications.told import told

    if preview:
        _preview(language, as_json)
        return
    with house() as bound, transaction(bound) as session:
        rows = told(session, code=case, person=person, limit=limit)
    if as_json:
        typer.echo(written({"messages": [asdict(row) for row in rows]}))
        return
    for row in rows:
        typer.echo(_line(row))
    typer.echo(f"{len(rows)} 条消息 messages")


def _preview(language: str, as_json: bool) -> None:
    """Every text as it reads with the newest message of its kind, or a made-up one, in each township's own words where it has them."""
    from models.database import transaction
    from models.refusal import Refusal
    from models.settings import Settings
    from notifications.manner import manners
    from notifications.render import LANGUAGES
    from notifications.wording import NAMES, previewed

    if language not in LANGUAGES:
        raise Refusal(f"没有这种语言：{language}，应为 {'、'.join(LANGUAGES)}。", f"No such language: {', '.join(LANGUAGES)}.")
    url = Settings.read().public_url
    with house() as bound, transaction(bound) as session:
        said = [previewed(session, id, manner, name, language, url) for id, manner in manners(session).items() for name in NAMES]
    if as_json:
        typer.echo(json.dumps({"texts": [asdict(each) for each in said]}, ensure_ascii=False))
        return
    for each in said:
        typer.echo(f"{each.name}  {Purpose(each.name.split('.')[0]).zh}{'  本镇 own' if each.own else ''}\n    {each.body}")


def deliver(
    at: At = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=100_000, help="最多几条 at most")] = 500,
    as_json: AsJson = False,
) -> None:
    """发出到时间的消息（和程序订阅的事件），重复运行不会多发。Send what is ready, to programs too; again sends nothing twice."""
    from notifications.deliver import deliver_due
    from notifications.subscribers import send_events

    with house() as bound:
        clock = clock_at(bound, at)
        delivered = deliver_due(bound, clock, limit=limit)
        send_events(bound, clock)
    if as_json:
        typer.echo(json.dumps(delivered.as_json(), ensure_ascii=False))
        return
    counts = "、".join(f"{_state(state)} {count}" for state, count in sorted(delivered.counts.items()) if count)
    typer.echo(counts or "没有要发的消息 nothing to send")


def _line(row: Told) -> str:
    from notifications.reason import Reason

    level = f"·{row.level}级" if row.level else ""
    through = f"{row.post}（代 for {row.for_post}）" if row.for_post and row.for_post != row.post else row.post or ""
    why = Reason(row.reason).zh if row.reason and row.reason in Reason.__members__ else row.reason or ""
    said = f"{say(row.sent_at or row.planned_at, year=True)}  {row.code or '-'}  {Purpose(row.purpose).zh}{level}  → {row.label} {through}"
    return f"{said}  {row.channel}  {NoticeState(row.state).zh}：{why}{f'（{row.error}）' if row.error else ''}{_meanwhile(row)}"


def _meanwhile(row: Told) -> str:
    """When it comes back; or what its reader has done."""
    if row.try_at:
        return f"  再试 again {say(row.try_at)}"
    if row.state == NoticeState.held:
        return f"  等到 until {say(row.not_before)}"
    if row.answered_at:
        return f"  已签收或接手 answered {say(row.answered_at)}"
    return f"  已看过 seen {say(row.seen_at)}" if row.seen_at else ""


def _state(state: str) -> str:
    return NoticeState(state).zh if state in NoticeState.__members__ else "另行计划 planned again"
