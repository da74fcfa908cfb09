"""`bihuan replay`: a campaign lived through in minutes, in a database of its own, with simulated people and a clock in the hand."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from io import StringIO
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.table import Table as Grid

from drill.replay import HOUR, Progress, Sweeper, replay, sweep_directly
from drill.table import Table
from drill.telling import HEAD, LISTED, line, markdown, rows
from models.clock import day_of
from models.settings import Settings
from papers.township import Faults

SPAN = re.compile(r"(\d+)\s*(m|min|h|d)?")
UNITS = {"m": timedelta(minutes=1), "min": timedelta(minutes=1), "h": HOUR, "d": timedelta(days=1), None: HOUR}


def run(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="一个镇的文件夹 a township's folder")],
    from_day: Annotated[str | None, typer.Option("--from", metavar="DAY", help="从这天 00:00 起 (专项开始 its start)")] = None,
    until_day: Annotated[str | None, typer.Option("--until", metavar="DAY", help="到这天 24:00 止 (截止后 5 天 deadline + 5 days)")] = None,
    tick: Annotated[str, typer.Option(help="多久巡一遍 how often the sweeps run: 1h, 30m, 1d")] = "1h",
    seed: Annotated[int, typer.Option(help="同一种子，同一历史 same seed, same history")] = 1,
    keep: Annotated[str | None, typer.Option(metavar="NAME", help="保留这个名字的数据库 keep the database under this name")] = None,
    through_prefect: Annotated[bool, typer.Option("--through-prefect", help="每次巡检作为 Prefect 流程运行 as Prefect flow runs")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="输出一个 JSON 对象 print one JSON object")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="输出 Markdown 表 print Markdown")] = False,
) -> None:
    """用模拟人员把整个专项行动过一遍；不碰正式数据，不给任何真人发消息。

    Live through a campaign with simulated people; the live data isn't touched and nobody real is told anything.
    """
    settings = Settings.read()
    first, last, every = _day(from_day, "--from"), _day(until_day, "--until"), _span(tick)
    try:
        with _sweeper(settings, through_prefect) as sweeper, _bar() as progress:
            table = replay(
                settings, folder, from_day=first, until_day=last, tick=every, seed=seed, progress=progress, sweeper=sweeper, keep=keep
            )
    except Faults as refused:
        for fault in refused.faults:
            typer.echo(str(fault), err=True)
        raise typer.Exit(1) from None
    typer.echo(json.dumps(table.as_json(), ensure_ascii=False) if as_json else markdown(table) if as_markdown else _in_words(table))


def _day(text: str | None, option: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise typer.BadParameter(f"{text} 不是日期 is no day: 2023-02-14", param_hint=option) from None


def _span(text: str) -> timedelta:
    said = SPAN.fullmatch(text.strip().lower())
    if said is None:
        raise typer.BadParameter(f"{text}: 1h, 30m, 1d", param_hint="--tick")
    return int(said[1]) * UNITS[said[2]]


@contextmanager
def _sweeper(settings: Settings, through: bool) -> Iterator[Sweeper]:
    if not through:
        yield sweep_directly
        return
    from drill.metronome import through_prefect

    typer.echo("正在启动回放专用的 Prefect 服务器… starting a Prefect server for this replay…", err=True)
    with through_prefect(settings) as (sweeper, address):
        typer.echo(f"回放期间可看 while it lasts: {address}", err=True)
        yield sweeper


@contextmanager
def _bar() -> Iterator[Callable[[Progress], None]]:
    """A bar on a terminal, a line a simulated day elsewhere; on stderr either way."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _line_a_day()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Bar(*columns, console=console) as bar:
        task = bar.add_task("正在载入 loading", total=1.0)

        def progress(now: Progress) -> None:
            bar.update(task, completed=now.share, description=f"{day_of(now.now)} 发现 found {now.found} 销号 closed {now.closed}")

        yield progress


def _line_a_day() -> Callable[[Progress], None]:
    said: list[date] = []

    def progress(now: Progress) -> None:
        day = day_of(now.now)
        if said[-1:] != [day]:
            said.append(day)
            print(f"{day} {now.share:.0%} 发现 found {now.found} 销号 closed {now.closed}", file=sys.stderr, flush=True)

    return progress


def _in_words(table: Table) -> str:
    console = Console(width=120, file=StringIO(), record=True)
    grid = Grid(show_header=False, box=None)
    grid.add_column()
    grid.add_column(overflow="fold")
    for what, how_much in rows(table):
        grid.add_row(what, how_much)
    console.print(grid)
    if table.still_open:
        console.print("\n截止时仍未销号的，以及谁已被告知 · open at the deadline, and who had been told")
        listed = Grid(*HEAD, box=None)
        for case in table.still_open[:LISTED]:
            listed.add_row(*line(case))
        console.print(listed)
        if len(table.still_open) > LISTED:
            console.print(f"另有 {len(table.still_open) - LISTED} 条 and {len(table.still_open) - LISTED} more (--json)")
    return console.export_text().rstrip()
