"""Paper and the event log of a township with 10 000 hazards and their histories."""

from __future__ import annotations

import os
import tracemalloc
from datetime import timedelta

from sqlalchemy import Engine, text

from bench.report import say, spread, timed
from bench.town import MORNING, Bench
from bench.townships import fill_townships
from models.database import transaction
from models.enumerations import PaperKind
from papers.events.export import Form, export
from papers.events.waiting import by_post, by_step
from papers.statistics.brief import brief_facts
from papers.statistics.issue import printed, work_report
from papers.statistics.periods import last_period

CASES, TURNS = 10_000, 5
UNTIL = MORNING + timedelta(days=10)


def measure(bench: Bench) -> None:
    with bench.town("bench_filed") as bound:
        town = _fill(bound)
        bench.settle("bench_filed", "place", "inspection")
        events = _count(bound)
        say(f"township with {CASES:,} hazards, {events:,} events", "")
        for name, kind in (("work report", PaperKind.work_report), ("weekly", PaperKind.weekly)):
            for ending in ("facts", "docx", "pdf"):
                say(f"  {name}, {ending}", spread([timed(lambda k=kind, e=ending: _paper(bound, town, k, e)) for _ in range(TURNS)]))  # type: ignore[misc]
        for form in Form:
            took = min(timed(lambda f=form: _export(bound, town, f)) for _ in range(3))  # type: ignore[misc]
            say(f"  event log as {form}", f"{events / took:,.0f} events/s, {_peak(bound, town, form):.0f} MB of Python at the peak")
        say("  waiting by step and post", spread([timed(lambda: _waiting(bound, town)) for _ in range(TURNS)]))


def _fill(bound: Engine) -> int:
    fill_townships(bound, {"town-1": CASES})
    with bound.connect() as connection:
        return int(connection.execute(text("select id from township where code = 'town-1'")).scalar_one())


def _count(bound: Engine) -> int:
    with bound.connect() as connection:
        return int(connection.execute(text("select count(*) from event")).scalar_one())


def _paper(bound: Engine, town: int, kind: PaperKind, ending: str) -> None:
    with transaction(bound) as session:
        weekly = kind == PaperKind.weekly
        facts = brief_facts(session, town, last_period(kind, UNTIL), UNTIL) if weekly else work_report(session, town, UNTIL)
    if ending != "facts":
        printed(kind, facts, ending)


def _export(bound: Engine, town: int, form: Form) -> None:
    with transaction(bound) as session, open(os.devnull, "wb") as file:
        export(session, town, form, file, UNTIL)


def _peak(bound: Engine, town: int, form: Form) -> float:
    tracemalloc.start()
    _export(bound, town, form)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def _waiting(bound: Engine, town: int) -> None:
    with transaction(bound) as session:
        by_step(session, town, UNTIL)
        by_post(session, town, UNTIL)
