"""`bihuan events export`: history as an event log, for whoever mines processes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.at import house
from cli.which import CutAt, Town, cut_at, the_township
from models.enumerations import CaseKind
from papers.events.export import Form
from papers.events.export import export as written

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True)


@app.callback()
def events() -> None:
    """事件日志。The event log."""


@app.command()
def export(
    form: Annotated[Form, typer.Option("--format", help="xes: IEEE 1849-2016; ocel: OCEL 2.0 (JSON); csv")],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="FILE", help="写到哪个文件 where to write it")],
    kind: Annotated[CaseKind | None, typer.Option("--kind", help="只要一类案卷 one kind of case; without it, all")] = None,
    at: CutAt = None,
    township: Town = None,
) -> None:
    """导出事件日志，供流程挖掘。Write the event log: CSV, XES or OCEL 2.0."""
    from models.database import transaction

    with house() as bound, transaction(bound) as session:
        until, town = cut_at(bound, at), the_township(session, township)
        with out.open("wb") as file:
            count = written(session, town, form, file, until, kind)
    typer.echo(f"{out}：{count} 个事件 events")
