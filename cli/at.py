"""The database of this home, and the time of a call: the clock's, or the one given with `--at`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import typer
from sqlalchemy import Engine, text

from models.clock import Clock, RowClock, machine_time, parse_time, say
from models.refusal import Refusal

At = Annotated[
    str | None, typer.Option("--at", metavar="TIME", help="本次调用的业务时间 business time of this call: 2023-03-20T08:00+08:00")
]
AsJson = Annotated[bool, typer.Option("--json", help="输出一个 JSON 对象 print one JSON object")]


@contextmanager
def house() -> Iterator[Engine]:
    """The live database, started when it isn't running. Raises ClusterError with what to do."""
    from models.cluster import cluster
    from models.database import engine, migrate
    from models.settings import Settings

    with cluster(Settings.read()) as running:
        migrate(running.url(role="owner"))
        bound = engine(running.url())
        try:
            yield bound
        finally:
            bound.dispose()


@dataclass(frozen=True, slots=True)
class GivenTime:
    """Business time stands where the caller put it; machine time is the machine's."""

    business: datetime

    def now(self) -> datetime:
        return self.business

    def wall(self) -> datetime:
        return machine_time()


class NotThen(Refusal):
    """The time given with `--at` would rewrite history or run ahead of it."""


def clock_at(bound: Engine, at: str | None) -> Clock:
    """The house's clock, or `at`. Raises NotThen for a time before the newest event, or, outside a demo, after the clock's."""
    clock = RowClock(bound)
    if at is None:
        return clock
    try:
        asked = parse_time(at)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--at") from None
    with bound.connect() as connection:
        newest = connection.execute(text("select max(at) from event")).scalar_one()
        demo = connection.execute(text("select exists (select from clock) or exists (select from township where demo)")).scalar_one()
    if newest and asked < newest:
        raise NotThen(f"早于最后一个事件（{say(newest, year=True)}），不能执行。", f"The newest event is later: {newest.isoformat()}.")
    if asked > clock.now() and not demo:
        raise NotThen("晚于现在，只有演示库可以这样做。", "That lies ahead of the clock; only a demo may run ahead.")
    return GivenTime(asked)
