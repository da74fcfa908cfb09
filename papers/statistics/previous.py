"""The paper before this one (上期): which it is, what has moved since, and what of it reads otherwise by now (更正).

Both are frozen into the next paper, so that a figure that was corrected after filing is told of once, in writing, and never silently.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlmodel import Session, col, select

from models.clock import day_of
from models.enumerations import PaperKind
from models.paper import Paper
from papers.report.facts import say_day
from papers.statistics.brief import Difference, brief_facts, difference
from papers.statistics.periods import PERIODICAL, last_period

FIGURES = {
    "new": "本期新发现", "newly_closed": "本期整改销号", "found": "累计发现", "valid": "其中有效", "closed": "累计整改销号",
    "open": "未销号", "due_unrectified": "到期未整改", "major": "重大隐患", "major_open": "重大隐患未销号",
}  # fmt: skip
TALLIED = ("found", "valid", "closed", "open", "due_unrectified", "major", "major_open")


def before(session: Session, township_id: int, kind: PaperKind, cut_at: datetime) -> Paper | None:
    """The newest kept paper of this kind whose figures stand at or before `cut_at`."""
    query = select(Paper).where(Paper.township_id == township_id, Paper.kind == kind, col(Paper.cut_at) <= cut_at)
    return session.exec(query.order_by(text("cut_at desc, id desc")).limit(1)).first()


def beside(session: Session, township_id: int, facts: Mapping[str, Any], wall: datetime) -> dict[str, Any]:
    """What the paper says of the one before it; nothing where there is none. `corrected`: how a count made at the machine time `wall`
    differs from what that one was frozen with; a paper without a period of its own has no second count."""
    kind = PaperKind(facts["kind"])
    paper = before(session, township_id, kind, datetime.fromisoformat(facts["cut_at"]))
    if paper is None or paper.cut_at is None:
        return {}
    told = {"previous": {"id": paper.id, "title": paper.title, "cut_at": paper.cut_at.isoformat()}}
    since = {"compared": compared(kind, paper.facts["summary"], facts["summary"], paper.cut_at)}
    again = recount(session, paper, wall)
    return {**told, **since, **({} if again is None else {"corrected": asdict(again)})}


def recount(session: Session, paper: Paper, wall: datetime) -> Difference | None:
    """How a count made at the machine time `wall` differs from the kept one; None for a paper without a period of its own."""
    if paper.kind not in PERIODICAL or paper.cut_at is None:
        return None
    period = last_period(paper.kind, paper.cut_at)
    return difference(session, paper.township_id, paper.facts, brief_facts(session, paper.township_id, period, wall))


def compared(kind: PaperKind, old: Mapping[str, int], new: Mapping[str, int], cut_at: datetime) -> dict[str, Any]:
    """A table: a row a figure that both know, with how much more or less it is. `cut_at`: where the earlier figures stand."""
    names = FIGURES if kind in PERIODICAL else TALLIED
    last = say_day(day_of(cut_at - timedelta(seconds=1)), year=True)
    rows = [[FIGURES[name], old[name], new[name], signed(new[name] - old[name])] for name in names if name in old and name in new]
    return {
        "name": "compared", "title": "与上期对比", "groups": [""] * 4, "rows": rows,
        "columns": ["项目（条）", f"上期（截至{last}）", "本期", "增减"], "widths": [54, 54, 24, 24],
    }  # fmt: skip


def signed(difference: int) -> str:
    return f"+{difference}" if difference > 0 else str(difference)
