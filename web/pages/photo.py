"""Photos, for those who may read their hazard; and one photo at a time from a page's script."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, JSONResponse, RedirectResponse, Response
from sqlalchemy import text

from models.enumerations import EvidenceKind
from statemachines.evidence import PDF
from web import step
from web.caller import Visitor
from web.drawing import draw
from web.evidence import small_of
from web.house import house_of
from web.pages.form import Form, photos, word
from web.pages.hazard import keep
from web.problem import Problem

router = APIRouter()
KEPT = {"Cache-Control": "private, max-age=604800, immutable"}


@router.get("/photo/{id}")
def whole(request: Request, caller: Visitor, id: int) -> Response:
    return _photo(request, caller, id, small=False)


@router.get("/photo/{id}/small")
def small(request: Request, caller: Visitor, id: int) -> Response:
    return _photo(request, caller, id, small=True)


@router.post("/h/{code}/evidence")
def add(request: Request, caller: Visitor, code: str, form: Form) -> Response:
    """Photos of a hazard, as `kind` says; the same Idempotency-Key again answers the same."""
    house, kind = house_of(request), EvidenceKind.after if word(form, "kind") == "after" else EvidenceKind.before
    pictures = photos(form, "file")
    if not pictures:
        raise Problem(422, "还没有选择照片。", "No photo was chosen.", reason="photo")
    shown = [each.sha256 for each in pictures]
    with house.transaction() as session:

        def do() -> dict[str, Any]:
            keep(session, house, caller, code, {kind: pictures}, word(form, "as_post") or None, word(form, "note"))
            return {"kept": shown}

        kept = step.once(session, caller, request.headers.get("idempotency-key"), step.digest("photo", code, kind, shown), do)
    if request.headers.get("accept") == "application/json":
        return JSONResponse(kept, 201)
    return RedirectResponse(f"/h/{code}/recheck?done=photo", 303)


def _photo(request: Request, caller: Visitor, id: int, *, small: bool) -> Response:
    condition, asked = caller.reach()
    query = text(f"""
        select e.stored, e.media_type, e.kind, e.sha256, coalesce(h.description, run.title, '') as description
        from evidence e join cases c on c.id = e.case_id
        left join hazard h on h.case_id = c.id left join duty_run run on run.case_id = c.id
        where e.id = :id and {condition}
    """)
    house = house_of(request)
    with house.transaction() as session:
        row = session.execute(query, {**asked, "id": min(id, 2**63 - 1)}).first()
    if row is None:
        raise Problem(404, "没有这张照片，或不在你的岗位管辖范围内。", "There is no such photo within your reach.")
    if row.stored is None:
        return Response(draw(row.kind, row.description, row.sha256), media_type="image/svg+xml", headers=KEPT)
    path = house.evidence / row.stored
    path = small_of(path) if small and small_of(path).exists() else path
    if not path.exists():
        raise Problem(404, "照片文件不在了，请联系管理员核对备份。", "The photo's file is missing.")
    if row.media_type == PDF:
        return FileResponse(path, media_type=PDF, filename=f"{row.sha256[:12]}.pdf", headers=KEPT)
    return FileResponse(path, media_type="image/webp" if path.suffix == ".webp" else row.media_type, headers=KEPT)
