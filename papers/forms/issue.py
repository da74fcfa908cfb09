"""Issuing a form: asked of the law, numbered, written, put on the shelf and into the hazard's history, all in the caller's transaction."""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from models.database import as_json
from models.enumerations import PaperKind
from models.keys import key_for
from papers.forms.facts import Facts, gather
from papers.forms.pdf import pdf
from papers.forms.word import word
from papers.forms.wording import SHARED, sheet
from papers.shelf import keep
from statemachines.advance import record_paper
from statemachines.errors import Refused
from statemachines.load import Acting
from statemachines.paper import Permit, next_number, permit

SEAL = 12
NOTE_AT_MOST = 500


@dataclass(frozen=True, slots=True)
class Issued:
    """A paper as it was issued: `pdf` and `docx` are the SHA-256 of its files on the shelf."""

    id: int
    number: str | None
    kind: PaperKind
    title: str
    pdf: str
    docx: str


INSERT = text("""
insert into paper (id, township_id, case_id, kind, number, title, facts, issued_at, issued_post, issued_person, docx_sha256, pdf_sha256,
    previous_id)
values (:id, :township_id, :case_id, :kind, :number, :title, cast(:facts as jsonb), :now, :post, :person, :docx, :pdf,
    (select max(id) from paper where case_id = :case_id and kind = :kind))
""")


def issue(
    session: Session,
    code: str,
    kind: PaperKind,
    acting: Acting,
    now: datetime,
    *,
    wall: datetime,
    given: Mapping[str, Any] | None = None,
    folder: Path | None = None,
    public_url: str = "",
    key: bytes | None = None,
) -> Issued:
    """Issues a form about the hazard `code` at business time `now`. `given`: officers, note. `public_url` is where a QR code leads,
    on the owners' side; without it there is none; `key` seals its word (the house's own unless told). The files stand under `folder`
    (BIHUAN_HOME/evidence) before the transaction ends.

    Raises NoSuchCase, NotAllowed, Refused with the reason of the law of papers.
    """
    given = given or {}
    may = permit(session, code, kind, acting, now, given)
    _check_length(given)
    id = int(session.execute(text("select nextval('paper_id_seq')")).scalar_one())
    facts = gather(session, may, now, given)
    facts["number"] = next_number(session, acting.township_id, facts["township"], kind, now)
    facts["link"] = f"{public_url}/e/{ticket(id, key)}" if public_url and kind in SHARED else ""
    written = sheet(facts)
    files = {"pdf": keep(pdf(written), folder), "docx": keep(word(written), folder)}
    _insert(session, id, may, facts, now, files)
    record_paper(session, code, acting, now, wall=wall, facts={"paper": kind, "number": facts["number"], **files})
    return Issued(id, facts["number"], kind, kind.zh, files["pdf"], files["docx"])


def _insert(session: Session, id: int, may: Permit, facts: Facts, now: datetime, files: Mapping[str, str]) -> None:
    asked = {
        "id": id, "township_id": may.case.township_id, "case_id": may.case.id, "kind": may.kind, "number": facts["number"],
        "title": may.kind.zh, "facts": as_json(facts), "now": now, "post": may.actor.post, "person": may.actor.person,
    }  # fmt: skip
    session.execute(INSERT, {**asked, **files})


def _check_length(given: Mapping[str, Any]) -> None:
    if len(str(given.get("note") or "")) > NOTE_AT_MOST:
        raise Refused("note", f"补充内容不超过{NOTE_AT_MOST}字。", f"What is added may have {NOTE_AT_MOST} characters at most.")


def ticket(id: int, key: bytes | None = None) -> str:
    """The word in a paper's QR code: its number here and the first 96 bits of an HMAC-SHA-256, so that nobody can guess another's."""
    said = str(id).encode()
    seal = hmac.digest(key or key_for("paper"), said, hashlib.sha256)[:SEAL]
    return f"{id}-{urlsafe_b64encode(seal).decode()}"


def paper_of(word: str, key: bytes | None = None) -> int | None:
    """The paper that a QR code's word names; None for a word that nobody here has made."""
    said, _, _ = word.partition("-")
    if not (said.isascii() and said.isdigit() and len(said) < 19 and word.isascii()):
        return None
    return int(said) if hmac.compare_digest(word, ticket(int(said), key)) else None
