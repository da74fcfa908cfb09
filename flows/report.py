"""周报、月报到点成稿。The week's and the month's paper, written once their period is over, frozen with their cut-off."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from sqlalchemy import text

from flows.ground import Ground
from flows.operators import tell_operators
from flows.run import SECONDS, begin
from models.clock import say
from models.database import transaction
from models.enumerations import PaperKind
from models.paper import Paper
from papers.statistics.issue import issue_period
from papers.statistics.periods import PERIODICAL, last_period

# A township reports on a period in which it had a hazard or a campaign: nobody is handed a paper about nothing.
TOWNSHIPS = text("""
select id from township where exists (select from campaign where township_id = township.id and starts_at < :cut)
    or exists (select from cases where township_id = township.id and kind = 'hazard' and opened_at < :cut)
order by id
""")


@dataclass(frozen=True, slots=True)
class Written:
    """A paper that this run wrote."""

    title: str
    cut_at: datetime
    words: tuple[str, ...]


@flow(
    name="report",
    description="周报、月报：一周（周五至周四）或一月过完就成稿定稿，供周五12:00前、次月3日前报送。写没写过以数据库为准，多跑不会多写。",
    timeout_seconds=SECONDS,
    on_failure=[tell_operators],
    on_crashed=[tell_operators],
)
async def report() -> State[None]:
    run = await begin("报表")
    written = await run.work(_write, run.ground, run.at)
    if written:
        await run.markdown("report", "周报月报", "\n\n".join(page(each) for each in written))
    return await run.end("，".join(each.title for each in written), "没有新的一周或一月要写")


def _write(here: Ground, at: datetime) -> list[Written]:
    return [written for kind in PERIODICAL for township in _townships(here, kind, at) if (written := _one(here, township, kind, at))]


def _townships(here: Ground, kind: PaperKind, at: datetime) -> list[Any]:
    with transaction(here.bound) as session:
        return list(session.execute(TOWNSHIPS, {"cut": last_period(kind, at).cut_at}).scalars())


def _one(here: Ground, township: int, kind: PaperKind, at: datetime) -> Written | None:
    with transaction(here.bound) as session:
        paper = issue_period(session, township, kind, here.clock, at)
        return _of(paper) if paper else None


def _of(paper: Paper) -> Written:
    assert paper.cut_at
    return Written(paper.title, paper.cut_at, tuple(paper.facts["words"]))


def page(written: Written) -> str:
    """What a paper says in words, in Markdown."""
    return "\n\n".join([f"## {written.title}", f"数据截至 {say(written.cut_at, year=True)}", *written.words])
