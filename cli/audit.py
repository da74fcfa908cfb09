"""`bihuan audit`: does history still say what it said?"""

from __future__ import annotations

import json
from dataclasses import asdict

import typer

from cli.at import AsJson, house


def audit(as_json: AsJson = False) -> None:
    """核对全部事件链。Check every case's chain of events: bytes, links, columns. Exit 1 where one doesn't hold."""
    from sqlalchemy import text

    from models.database import transaction
    from statemachines.audit import audit as check

    with house() as bound, transaction(bound) as session:
        broken = check(session)
        cases, events = session.execute(text("select (select count(*) from cases), (select count(*) from event)")).one()
    if as_json:
        typer.echo(json.dumps({"cases": cases, "events": events, "broken": [asdict(each) for each in broken]}, ensure_ascii=False))
    else:
        for each in broken:
            typer.echo(f"{each.code}#{each.seq}: {each.what}", err=True)
        typer.echo(f"{cases} 个案卷 cases，{events} 个事件 events，{len(broken)} 处不符 broken")
    if broken:
        raise typer.Exit(1)
