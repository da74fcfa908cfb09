"""Which township a command is about, and up to when it looks."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from models.refusal import Refusal

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlmodel import Session

Town = Annotated[str | None, typer.Option("--township", metavar="CODE", help="哪个镇（只有一个时可省略） which township")]
CutAt = Annotated[str | None, typer.Option("--at", metavar="TIME", help="数据截止的业务时间 tell what happened up to then")]


class WhichTownship(Refusal):
    """None, or more than one, and nobody said which."""


class NotYet(Refusal):
    """The cut-off lies ahead of the clock: what will have happened by then isn't known."""


def the_township(session: Session, code: str | None) -> int:
    """The id of the township with this code, or of the only one. Raises WhichTownship."""
    from sqlalchemy import text

    query = "select id from township where cast(:code as text) is null or code = :code"
    found = session.execute(text(query), {"code": code}).scalars().all()
    if len(found) != 1:
        raise WhichTownship("请用 --township 指明是哪个镇。", "Say which township with --township.")
    return int(found[0])


def cut_at(bound: Engine, at: str | None) -> datetime:
    """The business time up to which is told: the clock's, or an earlier one that was given. Raises NotYet for one that hasn't come.

    In a demo, whose clock may stand anywhere, any time is taken.
    """
    from sqlalchemy import text

    from models.clock import RowClock, parse_time, say

    now = RowClock(bound).now()
    if at is None:
        return now
    try:
        asked = parse_time(at)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--at") from None
    with bound.connect() as connection:
        demo = connection.execute(text("select exists (select from clock) or exists (select from township where demo)")).scalar_one()
    if asked > now and not demo:
        raise NotYet(f"现在是{say(now, year=True)}，截止时间还没到。", f"It is {now.isoformat()}: that time hasn't come.")
    return asked
