"""The numbers of one township among a hundred: a million cases with their histories, each query beside one scan of the table of cases."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import Engine, text
from sqlmodel import Session

from bench.report import say, timed
from bench.town import MORNING, Bench
from bench.townships import MILLION, fill_townships
from models.database import transaction
from papers.numbers.kpi import By, numbers_by, numbers_of
from papers.numbers.league import league
from papers.numbers.score import score_of

SCANS = 5


def measure(bench: Bench) -> None:
    with bench.town("bench_numbers") as bound:
        took = timed(lambda: fill_townships(bound, MILLION))
        bench.settle("bench_numbers", "place", "inspection")
        say(f"{sum(MILLION.values()):,} cases of {len(MILLION)} townships filled in", f"{took:.0f} s")
        towns = _towns(bound)
        scan = statistics.median(timed(lambda: _scan(bound)) for _ in range(SCANS))
        say("one sequential scan of the table of cases", f"{scan * 1000:,.0f} ms")
        at = MORNING + timedelta(days=10)
        for name, work in (
            ("dashboard numbers of a township", lambda session, town: numbers_of(session, town, at)),
            ("dashboard numbers by village", lambda session, town: numbers_by(session, town, at, By.village)),
            ("score of a township", lambda session, town: score_of(numbers_of(session, town, at))),
            ("league of its villages", lambda session, town: league(session, town, at)),
        ):
            _p95(bound, name, towns, scan, work)


def _towns(bound: Engine) -> list[int]:
    with bound.connect() as connection:
        return list(connection.execute(text("select id from township where code like 'town-%' order by id")).scalars())


def _scan(bound: Engine) -> None:
    with bound.connect() as connection:
        connection.execute(text("set max_parallel_workers_per_gather = 0"))
        connection.execute(text("select sum(version) from cases")).scalar_one()


def _p95(bound: Engine, name: str, towns: list[int], scan: float, work: Callable[[Session, int], object]) -> None:
    """Each township once, as its own people would ask: nothing of it has just been read."""

    def ask(town: int) -> None:
        with transaction(bound) as session:
            work(session, town)

    times = sorted(timed(lambda town=town: ask(town)) for town in towns)  # type: ignore[misc]
    p95 = times[int(len(times) * 0.95) - 1]
    figures = f"{statistics.median(times) * 1000:,.0f} ms, p95 {p95 * 1000:,.0f} ms ({p95 / scan:.2f} of a scan, n={len(times)})"
    say(f"  {name}", figures)
