"""Papers of the township, written once and kept: a weekly or monthly of its period, statistics or a work report of a moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import insert, text
from sqlmodel import Session, col, select

from models.clock import Clock
from models.enumerations import PaperKind
from models.paper import Paper
from papers.report.blocks import of_report, of_statistics
from papers.report.compose import compose
from papers.report.facts import read_facts
from papers.report.pdf import pdf
from papers.report.word import word
from papers.shelf import keep
from papers.statistics.brief import brief_facts
from papers.statistics.periods import Period, last_period
from papers.statistics.sheet import workbook

ENDINGS = ("docx", "pdf", "xlsx")
PERIODICAL = (PaperKind.weekly, PaperKind.monthly)
HOLD = text("select pg_advisory_xact_lock(hashtextextended(:occasion, 20230214))")


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who issues it: a post's code and the opaque key of the person."""

    post: str = "system"
    person: str = "system"


def work_report(session: Session, township_id: int, at: datetime) -> dict[str, Any]:
    """The work report up to the business time `at`, as facts. Raises DoesNotAddUp."""
    return compose(read_facts(session, township_id, at))


def printed(kind: PaperKind, facts: Mapping[str, Any], ending: str) -> bytes:
    """The paper's file from its facts; the same facts give the same bytes. A work report is no workbook."""
    if ending == "xlsx":
        return workbook(facts)
    blocks = of_report(facts) if kind == PaperKind.work_report else of_statistics(facts)
    make = word if ending == "docx" else pdf
    return make(facts["title"], facts["signed"]["by"], datetime.fromisoformat(facts["cut_at"]), blocks)


def issue_period(
    session: Session, township_id: int, kind: PaperKind, clock: Clock, at: datetime, folder: Path | None = None
) -> Paper | None:
    """Writes and keeps the last week's or month's paper at business time `at`; None where that has been done.

    Safe to be asked for again and at the same time: one lock an occasion, held to the end of the transaction.
    """
    period = last_period(kind, at)
    session.execute(HOLD, {"occasion": f"{township_id} {kind} {period.cut_at.isoformat()}"})
    if kept(session, township_id, kind, period.cut_at):
        return None
    return issue(session, township_id, kind, brief_facts(session, township_id, period, clock.wall()), clock.now(), folder=folder)


def issue(
    session: Session, township_id: int, kind: PaperKind, facts: dict[str, Any], now: datetime, by: Issuer | None = None,
    folder: Path | None = None,
) -> Paper:
    """Freezes facts and files. `folder` is the evidence folder, the house's own unless told."""
    by = by or Issuer()
    files = {ending: keep(printed(kind, facts, ending), folder) for ending in _endings(kind)}
    values = {
        "township_id": township_id, "kind": kind, "title": facts["title"], "facts": {**facts, "xlsx_sha256": files.get("xlsx")},
        "cut_at": datetime.fromisoformat(facts["cut_at"]), "issued_at": now, "issued_post": by.post, "issued_person": by.person,
        "docx_sha256": files["docx"], "pdf_sha256": files["pdf"],
    }  # fmt: skip
    number = session.execute(insert(Paper).values(**values).returning(col(Paper.id))).scalar_one()
    return session.exec(select(Paper).where(Paper.id == number)).one()


def _endings(kind: PaperKind) -> tuple[str, ...]:
    return ENDINGS[:2] if kind == PaperKind.work_report else ENDINGS


def kept(session: Session, township_id: int, kind: PaperKind, cut: datetime) -> Paper | None:
    """The paper of this kind and cut-off, if it has been written."""
    query = select(Paper).where(Paper.township_id == township_id, Paper.kind == kind, Paper.cut_at == cut)
    return session.exec(query.order_by(text("id desc"))).first()


def period_of(paper: Paper) -> Period:
    """The period that a kept weekly or monthly is about."""
    assert paper.cut_at
    return last_period(paper.kind, paper.cut_at)


def sha256_of(paper: Paper, ending: str) -> str | None:
    """Under which hash the paper's file with this ending stands on the shelf; None where there is none."""
    return {"docx": paper.docx_sha256, "pdf": paper.pdf_sha256, "xlsx": paper.facts.get("xlsx_sha256")}.get(ending)
