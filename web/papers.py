"""Papers of a hazard as they are read, issued and handed out; what is handed out is the file of the day it was issued, or nothing."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict
from sqlalchemy import text
from sqlmodel import Session

from models.clock import local
from models.enumerations import PaperKind
from models.keys import key_for
from papers.forms.issue import issue, paper_of
from papers.forms.pdf import pictures
from papers.forms.wording import sheet
from papers.shelf import ShelfError, fetch
from statemachines.machine import Offer
from statemachines.paper import FORMS, RULES, offers, recorded_officers
from web import cursor, hazard, step
from web.caller import READS_REPORTS, Caller, Seat
from web.house import House
from web.problem import Problem

log = logging.getLogger("bihuan.papers")
Ending = Literal["pdf", "docx", "xlsx", "png"]
MEDIA: dict[str, str] = {
    "pdf": "application/pdf", "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "png": "image/png",
}  # fmt: skip
COLUMNS = """
paper.id, paper.case_id, paper.kind, paper.number, paper.title, paper.facts, paper.issued_at, paper.issued_post, paper.pdf_sha256,
paper.docx_sha256, paper.facts->>'xlsx_sha256' as xlsx_sha256, paper.cut_at, paper.previous_id,
(select code from cases where cases.id = paper.case_id) as hazard
"""


class PaperView(BaseModel):
    """A paper that was issued. `number` is 字〔年〕号; the hashes are of its files, which a reprint gives again to the byte. `hazard` is
    null and `cut_at` the time its figures stand at where it is about the whole township; `previous_id` the one of its kind before it."""

    model_config = ConfigDict(title="Paper")
    id: int
    kind: PaperKind
    number: str | None
    title: str
    issued_at: datetime
    issued_by: str
    pdf_sha256: str | None
    docx_sha256: str | None
    xlsx_sha256: str | None = None
    hazard: str | None = None
    cut_at: datetime | None = None
    previous_id: int | None = None


@dataclass(frozen=True, slots=True)
class Blank:
    """A form that may be issued or may not, and in which of the caller's posts. `officers`: (post, certificate) as last recorded."""

    kind: PaperKind
    offer: Offer
    seat: Seat
    officers: tuple[tuple[str, str], ...] | None
    basis: str


def listed(session: Session, caller: Caller, code: str) -> list[PaperView]:
    """The papers of a hazard within the caller's reach, oldest first. Raises NoSuchCase, Problem 403."""
    row = hazard.one(session, caller, code)
    found = session.execute(text(f"select {COLUMNS} from paper where case_id = :id order by id"), {"id": row.id})
    return [_view(each) for each in found]


def many(
    session: Session, caller: Caller, limit: int, after: str | None, kinds: Sequence[str], states: Sequence[str], about: str | None
) -> tuple[list[PaperView], str | None]:
    """Papers within reach, the newest first, and the cursor of the next page; of the township's own those who read its reports see all.

    `kinds` of papers, `states` of the hazards that they are about, `about` one hazard by its code. Raises Problem 422 for a foreign cursor.
    """
    asked, condition = _within(caller)
    for name, value, filtering in (
        ("kinds", list(kinds), "paper.kind = any(:kinds)"), ("states", list(states), "c.state = any(:states)"),
        ("about", about, "c.code = :about"), ("after", cursor.read_number("papers", after), "paper.id < :after"),
    ):  # fmt: skip
        if value:
            asked[name] = value
            condition += f" and {filtering}"
    query = f"select {COLUMNS} from paper left join cases c on c.id = paper.case_id where {condition} order by paper.id desc limit :limit"
    rows = session.execute(text(query), {**asked, "limit": limit + 1}).all()
    return [_view(row) for row in rows[:limit]], cursor.write_number("papers", rows[limit - 1].id) if len(rows) > limit else None


def _within(caller: Caller) -> tuple[dict[str, Any], str]:
    """The parameters and the condition on `paper` and its hazard `c`: a hazard's for who reads the hazard, the township's own for who
    reads its reports."""
    reach, asked = caller.reach()
    condition = f"paper.township_id = :township and case when paper.case_id is null then :reports else {reach} end"
    return {**asked, "township": caller.township_id, "reports": bool(caller.kinds & READS_REPORTS)}, condition


def _view(row: Any) -> PaperView:
    return PaperView(
        id=row.id, kind=row.kind, number=row.number, title=row.title, issued_at=local(row.issued_at), issued_by=row.issued_post,
        pdf_sha256=row.pdf_sha256, docx_sha256=row.docx_sha256, xlsx_sha256=row.xlsx_sha256, hazard=row.hazard,
        cut_at=row.cut_at and local(row.cut_at), previous_id=row.previous_id,
    )  # fmt: skip


def blanks(session: Session, caller: Caller, code: str) -> list[Blank]:
    """Every form once, with the caller's post that may issue it, or else the most telling reason why not."""
    row = hazard.one(session, caller, code)
    recorded = tuple((who.post, who.certificate or "") for who in recorded_officers(session, row.id))
    best: dict[str, tuple[Offer, Seat]] = {}
    for seat in caller.seats:
        for offer in offers(session, code, caller.acting(seat.code), caller.now):
            held = best.get(offer.trigger)
            if held is None or (offer.allowed, offer.reason != "post") > (held[0].allowed, held[0].reason != "post"):
                best[offer.trigger] = offer, seat
    return [
        Blank(kind, *best[kind], recorded if RULES[kind].officers else None, RULES[kind].basis) for kind in FORMS if kind in best
    ]  # fmt: skip


def write(
    session: Session, house: House, caller: Caller, code: str, kind: PaperKind, given: Mapping[str, Any], post: str | None
) -> PaperView:
    """Issues a form in the name of `post`, or of the caller's first post that may. Raises what `issue` raises, and Problem 403."""
    hazard.one(session, caller, code)
    public_url, key = house.settings.owner_url, key_for("paper", house.settings)

    def do(acting: Any) -> int:
        issued = issue(
            session, code, kind, acting, caller.now, wall=caller.wall, given=given, folder=house.evidence, public_url=public_url, key=key
        )  # fmt: skip
        return issued.id

    id = step.in_turn(session, caller, post, do)
    return _view(session.execute(text(f"select {COLUMNS} from paper where id = :id"), {"id": id}).one())


def find(session: Session, caller: Caller, said: str) -> Any:
    """The paper of this id or number within reach: a hazard's for who reads the hazard, the township's own for who reads its reports.

    Raises Problem 404.
    """
    asked, condition = _within(caller)
    query = text(f"""
        select {COLUMNS} from paper left join cases c on c.id = paper.case_id
        where {condition} and (paper.number = :said or paper.id = :id)
        order by paper.number = :said desc nulls last limit 1
    """)
    number = int(said) if said.isascii() and said.isdigit() and len(said) < 19 else 0
    row = session.execute(query, {**asked, "said": said, "id": number}).first()
    if row is None:
        raise Problem(404, "没有这份文书，或不在你的岗位管辖范围内。", "There is no such paper within your reach.")
    return row


def carried(session: Session, house: House, word: str) -> Any:
    """The paper that a QR code leads to, for whoever holds it in their hand. Raises Problem 404."""
    id = paper_of(word, key_for("paper", house.settings))
    row = session.execute(text(f"select {COLUMNS} from paper where id = :id"), {"id": id}).first() if id else None
    if row is None:
        raise Problem(404, "没有这份文书，请核对二维码是否完整。", "There is no such paper: see that the QR code is whole.")
    return row


def content(house: House, row: Any, ending: Ending, page: int = 1) -> bytes:
    """The file; a picture is drawn from the frozen facts. Raises Problem 404 where there is none, 500 where the shelf isn't what it was."""
    if ending == "png":
        return _picture(row, page)
    sha256 = getattr(row, f"{ending}_sha256")
    if sha256 is None:
        raise Problem(404, "这份文书没有这种格式的文件。", "The paper has no such file.")
    try:
        return fetch(sha256, house.evidence)
    except ShelfError as error:
        log.error("paper %s: %s", row.id, error)
        raise Problem(500, error.detail, error.detail_en, reason="shelf") from error


def _picture(row: Any, page: int) -> bytes:
    drawn = pictures(sheet(row.facts)) if row.case_id else []
    if not 1 <= page <= len(drawn):
        raise Problem(404, "没有这一页。", "There is no such page.")
    return drawn[page - 1]


def name_of(row: Any, ending: Ending) -> str:
    """«（某镇）安办交〔2023〕1号 隐患交办单.pdf»."""
    return f"{row.number or row.id} {row.title}.{ending}"
