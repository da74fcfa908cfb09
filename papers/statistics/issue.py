"""Papers of the township, written once and kept: a weekly or monthly of its period, statistics or a work report of a moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import insert, text
from sqlmodel import Session, col, select

from models.clock import Clock, day_of
from models.enumerations import EvidenceKind, PaperKind
from models.paper import Paper
from papers.occasion import hold
from papers.report.blocks import of_report, of_statistics
from papers.report.compose import compose
from papers.report.facts import read_facts
from papers.report.pdf import pdf
from papers.report.queries import TOWN
from papers.report.word import word
from papers.shelf import keep
from papers.statistics.brief import brief_facts
from papers.statistics.periods import campaign_to_date, last_period, next_cut
from papers.statistics.previous import before, beside
from papers.statistics.sheet import workbook
from statemachines.evidence import PDF, add_evidence
from statemachines.load import SYSTEM, Acting

ENDINGS = ("docx", "pdf", "xlsx")


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who issues it: a post's code and the opaque key of the person."""

    post: str = "system"
    person: str = "system"


def work_report(session: Session, township_id: int, at: datetime) -> dict[str, Any]:
    """The work report up to the business time `at`, as facts. Raises DoesNotAddUp."""
    return compose(read_facts(session, township_id, at))


def statistics(session: Session, township_id: int, until: datetime, wall: datetime) -> dict[str, Any]:
    """The tables since the campaign began, up to the business time `until`, and what has moved since the kept ones before."""
    town = session.execute(TOWN, {"township": township_id, "at": until}).mappings().one()
    first = day_of(min(town["starts_at"] or until, until))
    facts = brief_facts(session, township_id, campaign_to_date(first, until), wall)
    return {**facts, **beside(session, township_id, facts, wall)}


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

    Safe to be asked for again and at the same time: one lock an occasion, held to the end of the transaction. Either way the paper lies
    beside the duty to file it.
    """
    period = last_period(kind, at)
    hold(session, township_id, kind, period.cut_at.isoformat())
    written = kept(session, township_id, kind, period.cut_at)
    paper = written or issue(session, township_id, kind, _facts(session, township_id, kind, clock, at), clock.now(), folder=folder)
    lay_beside_duty(session, paper, clock.now())
    return None if written else paper


def _facts(session: Session, township_id: int, kind: PaperKind, clock: Clock, at: datetime) -> dict[str, Any]:
    wall = clock.wall()
    facts = brief_facts(session, township_id, last_period(kind, at), wall)
    return {**facts, **beside(session, township_id, facts, wall)}


OWED = text("""
select c.code from cases c join duty_run run on run.case_id = c.id join duty on duty.id = run.duty_id
where c.township_id = :township and c.kind = 'duty' and c.state = 'open' and duty.body->'report' = 'true' and run.title like :named
    and run.opens_at <= :now and run.due_at >= :cut and run.due_at < :next
order by run.due_at, c.id
""")


def lay_beside_duty(session: Session, paper: Paper, now: datetime) -> None:
    """The paper becomes evidence (佐证) of the duty to file it, by the words of its title. Doing it stays its owner's act: what the machine
    wrote isn't filed yet, and 报送及时率 tells of people."""
    assert paper.cut_at and paper.pdf_sha256
    asked = {
        "township": paper.township_id, "named": f"%{paper.kind.zh}%", "now": now, "cut": paper.cut_at,
        "next": next_cut(paper.kind, paper.cut_at),
    }  # fmt: skip
    system = Acting(paper.township_id, SYSTEM.person, SYSTEM.post)
    for code in session.execute(OWED, asked).scalars().all():
        add_evidence(
            session, code, system, now, kind=EvidenceKind.document, sha256=paper.pdf_sha256, note=paper.title,
            stored=f"{paper.pdf_sha256[:2]}/{paper.pdf_sha256}", media_type=PDF,
        )  # fmt: skip


def issue(
    session: Session, township_id: int, kind: PaperKind, facts: dict[str, Any], now: datetime, by: Issuer | None = None,
    folder: Path | None = None,
) -> Paper:
    """Freezes facts and files, and names the paper of this kind before it. `folder` is the evidence folder, the house's own unless told."""
    by, cut_at = by or Issuer(), datetime.fromisoformat(facts["cut_at"])
    earlier = before(session, township_id, kind, cut_at)
    files = {ending: keep(printed(kind, facts, ending), folder) for ending in _endings(kind)}
    values = {
        "township_id": township_id, "kind": kind, "title": facts["title"], "facts": {**facts, "xlsx_sha256": files.get("xlsx")},
        "cut_at": cut_at, "previous_id": earlier and earlier.id, "issued_at": now, "issued_post": by.post, "issued_person": by.person,
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


def sha256_of(paper: Paper, ending: str) -> str | None:
    """Under which hash the paper's file with this ending stands on the shelf; None where there is none."""
    return {"docx": paper.docx_sha256, "pdf": paper.pdf_sha256, "xlsx": paper.facts.get("xlsx_sha256")}.get(ending)
