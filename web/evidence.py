"""Photos and papers of a case: the files under the evidence folder, named by the hash of what was sent, and their rows."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import text
from sqlmodel import Session

from models.clock import local
from models.enumerations import EvidenceKind
from statemachines.evidence import PDF, add_evidence
from statemachines.load import metres
from web.caller import READS_ONLY, Caller, Seat
from web.cases import Row as CaseRow
from web.hazard import Row
from web.picture import Paper, Picture
from web.problem import Problem


class EvidenceView(BaseModel):
    """A photo or a paper. `sha256` is of the bytes as they were sent; where and when are the photo's own, else what was said."""

    model_config = ConfigDict(title="Evidence")
    kind: EvidenceKind
    round: int
    sha256: str
    taken_at: datetime | None
    lat: float | None
    lon: float | None
    note: str | None
    added_at: datetime
    added_by: str


@dataclass(frozen=True, slots=True)
class Shot:
    """A photo as a page shows it. `drawn`: there is no file, only its row."""

    id: int
    case_id: int
    kind: EvidenceKind
    round: int
    moment: datetime
    lat: float | None
    lon: float | None
    note: str | None
    drawn: bool


@dataclass(frozen=True, slots=True)
class Said:
    """What the sender says about a photo; the photo's own time and place win."""

    kind: EvidenceKind
    taken_at: datetime | None = None
    lat: float | None = None
    lon: float | None = None
    note: str | None = None


COLUMNS = "id, case_id, kind, round, sha256, stored, taken_at, lat, lon, note, added_at, added_post"
SAME = text(f"select {COLUMNS} from evidence where case_id = :case_id and sha256 = :sha256 and kind = :kind")
ONE = text(f"select {COLUMNS} from evidence where id = :id")


def add(
    session: Session, folder: Path, caller: Caller, row: Row | CaseRow, sent: Picture | Paper, said: Said, post: str | None
) -> tuple[EvidenceView, bool]:
    """Keeps a photo or a paper of a case of any kind; True when it is new. What the law refuses never reaches the folder, and the file is
    safe on disk before its row is committed.

    Raises NotAllowed for who has nothing to do with the case, Problem 403 for who only reads, Refused(state) where the case has ended.
    """
    acting = caller.acting(_seat(caller, row.view.responsible_post, post).code)
    known = session.execute(SAME, {"case_id": row.id, "sha256": sent.sha256, "kind": said.kind}).first()
    added = add_evidence(
        session, row.view.code, acting, caller.now, kind=said.kind, sha256=sent.sha256, stored=name_of(sent), note=said.note,
        **(_of_a_picture(sent, said) if isinstance(sent, Picture) else _of_a_paper(said)),
    )  # fmt: skip
    keep(folder, sent)
    return _view(session.execute(ONE, {"id": added}).one()), known is None


def _of_a_picture(picture: Picture, said: Said) -> dict[str, Any]:
    """The photo's own time and place, else what was said."""
    return {
        "look": picture.look, "taken_at": picture.taken_at or said.taken_at, "lat": said.lat if picture.lat is None else picture.lat,
        "lon": said.lon if picture.lon is None else picture.lon,
    }  # fmt: skip


def _of_a_paper(said: Said) -> dict[str, Any]:
    return {"media_type": PDF, "taken_at": said.taken_at, "lat": said.lat, "lon": said.lon}


def _seat(caller: Caller, responsible: str | None, post: str | None) -> Seat:
    """The post named, else the responsible one if the caller holds it, else their first that does more than read."""
    seats = (caller.seat(post),) if post else caller.seats
    able = [seat for seat in seats if seat.kind not in READS_ONLY]
    if not able:
        raise Problem(403, "你的岗位只能查看，不能添加照片。", "Your post only reads.", reason="post")
    return next((seat for seat in able if seat.code == responsible), able[0])


def listed(session: Session, case_id: int) -> list[EvidenceView]:
    rows = session.execute(text(f"select {COLUMNS} from evidence where case_id = :case_id order by id"), {"case_id": case_id})
    return [_view(row) for row in rows]


def shots(session: Session, case_ids: Sequence[int]) -> dict[int, list[Shot]]:
    """The photos of many cases at once, in the order in which they came."""
    query = text(f"select {COLUMNS} from evidence where case_id = any(:ids) and kind in ('before', 'after') order by id")
    found: dict[int, list[Shot]] = {}
    for row in session.execute(query, {"ids": list(case_ids)}):
        shot = Shot(
            row.id,
            row.case_id,
            EvidenceKind(row.kind),
            row.round,
            row.taken_at or row.added_at,
            row.lat,
            row.lon,
            row.note,
            row.stored is None,
        )
        found.setdefault(row.case_id, []).append(shot)
    return found


def _view(row: Any) -> EvidenceView:
    return EvidenceView(
        kind=row.kind, round=row.round, sha256=row.sha256, taken_at=row.taken_at and local(row.taken_at), lat=row.lat, lon=row.lon,
        note=row.note, added_at=local(row.added_at), added_by=row.added_post,
    )  # fmt: skip


def name_of(sent: Picture | Paper) -> str:
    """Where it lies under the evidence folder."""
    return f"{sent.sha256[:2]}/{sent.sha256}.{'jpg' if isinstance(sent, Picture) else 'pdf'}"


def keep(folder: Path, sent: Picture | Paper) -> None:
    """Writes the picture and its small copy, or the paper, once each."""
    path = folder / name_of(sent)
    if isinstance(sent, Paper):
        _write(path, sent.pdf)
    else:
        _write(path, sent.jpeg)
        _write(small_of(path), sent.small)


def small_of(path: Path) -> Path:
    return path.with_suffix(".webp")


def _write(path: Path, content: bytes) -> None:
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, unfinished = tempfile.mkstemp(dir=path.parent, prefix=".")
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(unfinished, path)


def last(taken: Sequence[Shot], kind: str) -> Shot | None:
    """The newest photo of a kind."""
    return next((shot for shot in reversed(taken) if shot.kind == kind), None)


def metres_off(row: Row, taken: Sequence[Shot]) -> int | None:
    """How far from the place the newest photo after the fix was taken, if both positions are known."""
    shot = last(taken, "after")
    away = metres(shot.lat, shot.lon, row.place_lat, row.place_lon) if shot else None
    return None if away is None else round(away)
