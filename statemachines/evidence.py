"""Evidence joins a case: append-only, by whoever has to do with it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlmodel import Session

from models.enumerations import STATES, CaseKind, EvidenceKind, PostKind
from statemachines.errors import NotAllowed, Refused
from statemachines.load import Acting, Seated, load_case, seat

OWN_PLACE_ONLY = (PostKind.enterprise_principal, PostKind.enterprise_safety)
PDF = "application/pdf"
PAPERS = (EvidenceKind.document, EvidenceKind.signature, EvidenceKind.scan)

ADD = text("""
insert into evidence (case_id, kind, round, sha256, stored, media_type, look, taken_at, lat, lon, note, added_at, added_person, added_post)
values (:case_id, :kind, :round, :sha256, :stored, :media_type, :look, :taken_at, :lat, :lon, :note, :now, :person, :post)
on conflict on constraint the_same_picture_once_a_case do update set sha256 = excluded.sha256 returning id
""")


def add_evidence(
    session: Session,
    code: str,
    acting: Acting,
    now: datetime,
    *,
    kind: EvidenceKind,
    sha256: str,
    taken_at: datetime | None = None,
    lat: float | None = None,
    lon: float | None = None,
    note: str | None = None,
    stored: str | None = None,
    media_type: str = "image/jpeg",
    look: int | None = None,
) -> int:
    """Adds a photo or a paper to the present round of a case of any kind; the same bytes twice are one. Returns the evidence's id.

    `sha256` is of the bytes as they were sent, `taken_at` what the camera said, `look` the picture's difference hash. Raises NoSuchCase,
    NotAllowed for somebody who has nothing to do with the case, Refused(state) when the case has ended, Refused(position) for half a
    position, Refused(kind) for a PDF that is to be a photo.
    """
    case = load_case(session, acting.township_id, code)
    _check_who(case, acting, seat(session, acting, now))
    _check_what(kind, media_type, lat, lon)
    asked = {
        "case_id": case.id, "kind": kind, "round": case.round, "sha256": sha256, "stored": stored, "media_type": media_type,
        "look": look, "taken_at": taken_at, "lat": lat, "lon": lon, "note": note, "now": now, "person": acting.person, "post": acting.post,
    }  # fmt: skip
    return int(session.execute(ADD, asked).scalar_one())


def _check_who(case: Row[Any], acting: Acting, seated: Seated) -> None:
    """Raises NotAllowed, Refused(state)."""
    if seated.actor.kind in OWN_PLACE_ONLY and acting.post != case.responsible_post and seated.unit_id != case.village_id:
        raise NotAllowed(acting.post, "只能给本单位的案卷上传材料。", "You can add evidence to your own unit's cases only.")
    if STATES[CaseKind(case.kind)](case.state).ended:
        raise Refused("state", f"{CaseKind(case.kind).zh}已办结，不能再添加材料。", "The case has ended; evidence can't be added any more.")


def _check_what(kind: EvidenceKind, media_type: str, lat: float | None, lon: float | None) -> None:
    """Raises Refused(kind), Refused(position)."""
    if media_type == PDF and kind not in PAPERS:
        raise Refused("kind", f"“{kind.zh}”须是照片，PDF 只能作为文书材料、签字扫描件或签收回执扫描件。", "A PDF is no photo.")
    if (lat is None) != (lon is None):
        raise Refused("position", "拍摄位置须同时有纬度和经度。", "A position has both latitude and longitude.")
