"""What the township files, as far as the caller may read it: kept weeklies, monthlies, statistics and work reports; where hazards wait."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlmodel import Session, col, select

from models.enumerations import PaperKind
from models.paper import Paper
from papers.events.waiting import Wait, by_post, by_step
from papers.statistics import previous
from papers.statistics.brief import Difference
from papers.statistics.issue import sha256_of
from papers.statistics.issue import statistics as standing_now
from papers.statistics.periods import PERIODICAL
from web.caller import Caller
from web.problem import Problem

KINDS = (*PERIODICAL, PaperKind.statistics, PaperKind.work_report)
MEDIA = {
    "pdf": "application/pdf", "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Filed:
    """A kept paper in the list; `endings` are the files there are of it."""

    id: int
    kind: PaperKind
    title: str
    cut_at: datetime
    issued_at: datetime
    endings: tuple[str, ...]


LIST = text("""
select id, kind, title, cut_at, issued_at, facts->>'xlsx_sha256' is not null as sheet from paper
where township_id = :township and kind = any(:kinds) order by cut_at desc, id desc limit :limit
""")


def filed(session: Session, caller: Caller, limit: int = 60) -> list[Filed]:
    """The newest first. Raises Problem 403 but for posts of the whole township."""
    whole(caller)
    asked = {"township": caller.township_id, "kinds": [str(kind) for kind in KINDS], "limit": limit}
    return [
        Filed(row.id, PaperKind(row.kind), row.title, row.cut_at, row.issued_at, ("pdf", "docx", "xlsx") if row.sheet else ("pdf", "docx"))
        for row in session.execute(LIST, asked)
    ]


def one(session: Session, caller: Caller, number: int) -> Paper:
    """One of them. Raises Problem 403 or 404."""
    whole(caller)
    query = select(Paper).where(Paper.id == number, Paper.township_id == caller.township_id, col(Paper.kind).in_(KINDS))
    paper = session.exec(query).first()
    if paper is None:
        raise Problem(404, "没有这份报表。", "There is no such paper.")
    return paper


def file_of(paper: Paper, ending: str) -> str:
    """The hash under which its file stands. Raises Problem 404."""
    sha256 = sha256_of(paper, ending)
    if sha256 is None:
        raise Problem(404, "这份报表没有这种格式。", "This paper has no such file.")
    return sha256


def recount(session: Session, caller: Caller, paper: Paper) -> Difference | None:
    """How a count made now differs from the kept one; None for a paper without a period of its own."""
    return previous.recount(session, paper, caller.wall)


def statistics(session: Session, caller: Caller, until: datetime) -> dict[str, Any]:
    """The tables since the campaign began, up to business time `until` (not later than now). Raises Problem 403."""
    whole(caller)
    return standing_now(session, caller.township_id, min(until, caller.now), caller.wall)


def waiting(session: Session, caller: Caller) -> tuple[Sequence[Wait], Sequence[Wait]]:
    """By step and by post. Raises Problem 403."""
    whole(caller)
    return by_step(session, caller.township_id, caller.now), by_post(session, caller.township_id, caller.now)


def whole(caller: Caller) -> None:
    """Raises Problem 403 but for posts of the whole township."""
    if not caller.sees_all:
        raise Problem(403, "你的岗位不能查看全镇的统计。", "Your post doesn't read the whole township's figures.", reason="reach")
