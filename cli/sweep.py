"""`bihuan sweep`: what is overdue climbs, now or at a given business time."""

from __future__ import annotations

import json
from dataclasses import asdict

import typer

from cli.at import AsJson, At, clock_at, house
from models.clock import say


def sweep(at: At = None, as_json: AsJson = False) -> None:
    """巡一遍到期的时钟，该提醒的提醒、该升级的升级。Fire every reminder and escalation that is due; doing it again adds nothing."""
    from statemachines.escalate import sweep as run

    with house() as bound:
        clock = clock_at(bound, at)
        swept = run(bound, clock)
    if as_json:
        climbs = [asdict(climb) | {"due_at": climb.due_at.isoformat()} for climb in swept.climbs]
        typer.echo(json.dumps({"climbs": climbs, "quarantined": swept.quarantined}, ensure_ascii=False))
        return
    for climb in swept.climbs:
        what = f"升级{climb.level}级" if climb.overdue else "提醒"
        typer.echo(f"{climb.code} {climb.clock} {what}，期限 {say(climb.due_at)} → {'、'.join(climb.posts) or '无人可通知 nobody'}")
    for timer, reason in swept.quarantined:
        typer.echo(f"隔离 quarantined: timer {timer}: {reason}", err=True)
    typer.echo(f"{say(clock.now(), year=True)}：{len(swept.climbs)} 级 rungs，隔离 quarantined {len(swept.quarantined)}")
