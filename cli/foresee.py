"""`bihuan foresee`: who hears what when if nobody does anything about a case."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from cli.at import AsJson, clock_at, house
from models.clock import parse_time, say
from models.refusal import Refusal

if TYPE_CHECKING:
    from datetime import datetime

    from statemachines.foresee import Foreseen, Hearing


class NoSuchCode(Refusal):
    """No township has a case of that code."""


def foresee(
    code: Annotated[str, typer.Argument(metavar="CODE", help="编号 a case's code: YH-2023-0001")],
    until: Annotated[str | None, typer.Option("--until", metavar="TIME", help="看到何时 how far: 2023-04-10")] = None,
    words: Annotated[bool, typer.Option("--words", help="连同消息原文 with the words of each message")] = False,
    as_json: AsJson = False,
) -> None:
    """一直没人办理，谁会在何时被告知什么。Who hears what when if nobody does anything. Nothing is sent or changed."""
    from sqlalchemy import text

    from models.database import as_json as written
    from models.database import transaction
    from statemachines.foresee import MAY_WAIT, MAY_WAIT_EN
    from statemachines.foresee import foresee as look

    with house() as bound, transaction(bound) as session:
        township = session.execute(text("select township_id from cases where code = :code order by 1 limit 1"), {"code": code}).scalar()
        if township is None:
            raise NoSuchCode(f"没有编号为“{code}”的案件。", f"There is no case {code!r}.")
        now = clock_at(bound, None).now()
        foreseen = look(session, township, code, now, _until(until))
    if as_json:
        typer.echo(written({"code": code, "now": now, "foreseen": [asdict(each) for each in foreseen]}))
        return
    for each in foreseen:
        typer.echo("\n".join(_lines(each, words)))
    if any(heard.may_wait for each in foreseen for heard in each.hearings):
        typer.echo(f"{MAY_WAIT} {MAY_WAIT_EN}")
    typer.echo(f"{len(foreseen)} 个时点 moments，{sum(len(each.hearings) for each in foreseen)} 条消息 messages")


def _until(said: str | None) -> datetime | None:
    try:
        return parse_time(said) if said else None
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--until") from None


def _lines(moment: Foreseen, words: bool) -> list[str]:
    level = f"·{moment.level}级" if moment.level else ""
    head = f"{say(moment.at, year=True)}  {moment.purpose.zh}{level}  {moment.why}{'  督办函' if moment.urge_letter else ''}"
    return [head, *(line for each in moment.hearings for line in _told(each, words))] + ([] if moment.hearings else ["    无人可达 nobody"])


def _told(hearing: Hearing, words: bool) -> list[str]:
    away = f"（代 for {hearing.standing_in_for}）" if hearing.standing_in_for else ""
    line = f"    → {hearing.post_name or hearing.post}  {hearing.label}{away}  {hearing.channel}{_when(hearing)}"
    return [line, f"      {hearing.text}"] if words and hearing.text else [line]


def _when(hearing: Hearing) -> str:
    """What holds it, and a mark where other cases may."""
    english = "overtaken" if hearing.told_at is None else hearing.held.en if hearing.held else ""
    return f"{'  ※' if hearing.may_wait else ''}{f'  {hearing.waits} {english}' if hearing.waits else ''}"
