"""The papers of a hazard: what was issued, what may be, the files; the e-copy behind a QR code; the whole file of the case."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import text
from sqlmodel import Session

from models.enumerations import ENDED, EvidenceKind, PaperKind
from papers.archive.archive import archive, may_archive
from statemachines.errors import NotAllowed, Refused
from statemachines.officers import INSPECT
from web import evidence, hazard, papers, step
from web.api.papers import file_answer
from web.caller import Caller, Visitor, post_name
from web.evidence import Said
from web.house import house_of
from web.pages.acts import Failed
from web.pages.form import Form, files, word
from web.papers import MEDIA, Ending
from web.problem import Problem, problem_of
from web.render import bare, frame, page

router = APIRouter()
PRIVATE = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}
OFFICERS = 2
TYPED = ("note", *(f"{name}-{n}" for name in ("officer", "certificate") for n in range(1, OFFICERS + 1)))


@router.get("/h/{code}/papers")
def read(request: Request, caller: Visitor, code: str) -> Response:
    with house_of(request).transaction() as session:
        return _show(request, session, caller, code)


INSPECTORS = text("""
select post.code, post.kind, unit.name, unit.kind as unit_kind from post join unit on unit.id = post.unit_id
where post.township_id = :township and post.active and post.kind = any(:kinds) order by post.id
""")
SCANS = text("select id, added_at, note, media_type from evidence where case_id = :id and kind = 'scan' order by id")


def _show(request: Request, session: Session, caller: Caller, code: str, failed: Failed | None = None) -> Response:
    row = hazard.one(session, caller, code)
    found = papers.blanks(session, caller, code)
    inspectors = session.execute(INSPECTORS, {"township": caller.township_id, "kinds": sorted(INSPECT)})
    return page(
        request, "papers.html", frame(session, caller), failed.problem.status if failed else 200, row=row, view=row.view, failed=failed,
        issued=papers.listed(session, caller, code)[::-1], blanks=[each for each in found if each.offer.allowed],
        others=[each for each in found if not each.offer.allowed], key=secrets.token_urlsafe, done=request.query_params.get("done", ""),
        posts=[(each.code, post_name(each.kind, each.unit_kind, each.name)) for each in inspectors], places=range(1, OFFICERS + 1),
        scans=session.execute(SCANS, {"id": row.id}).all(), archives=may_archive(caller.kinds), many=len(caller.seats) > 1,
        may_scan=caller.may_write and row.view.state not in ENDED,
    )  # fmt: skip


@router.post("/h/{code}/papers")
def issue(request: Request, caller: Visitor, code: str, form: Form) -> Response:
    house, kind = house_of(request), word(form, "kind")
    try:
        if kind not in PaperKind.__members__:
            raise Problem(422, "请选择要出具的文书。", "Choose the form to issue.", reason="paper")
        with house.transaction() as session:
            given = _given(form)

            def do() -> dict[str, Any]:
                return {"id": papers.write(session, house, caller, code, PaperKind(kind), given, word(form, "as_post") or None).id}

            answer = step.once(session, caller, word(form, "key") or None, step.digest("paper", code, kind, given), do)
    except (Refused, NotAllowed, Problem) as error:
        with house.transaction() as session:
            return _show(request, session, caller, code, Failed(kind, problem_of(error), _typed(form)))
    return RedirectResponse(f"/h/{code}/papers?done={answer['id']}", 303)


def _given(form: Form) -> dict[str, Any]:
    named = [(word(form, f"officer-{n}"), word(form, f"certificate-{n}")) for n in range(1, OFFICERS + 1)]
    return {"note": word(form, "note"), "officers": [{"post": post, "certificate": number or None} for post, number in named if post]}


def _typed(form: Form) -> Mapping[str, str]:
    return {name: word(form, name) for name in TYPED}


@router.post("/h/{code}/papers/scan")
def add_scan(request: Request, caller: Visitor, code: str, form: Form) -> Response:
    """A signed paper comes back as a scan."""
    house, sent = house_of(request), files(form, "file", EvidenceKind.scan)
    if not sent:
        raise Problem(422, "还没有选择扫描件。", "No scan was chosen.", reason="photo")
    with house.transaction() as session:
        row = hazard.one(session, caller, code)
        for each in sent:
            evidence.add(session, house.evidence, caller, row, each, Said(EvidenceKind.scan, note=word(form, "note") or None), None)
    return RedirectResponse(f"/h/{code}/papers?done=scan", 303)


@router.get("/papers/{id}.{ending}")
def read_file(request: Request, caller: Visitor, id: int, ending: Ending, page: int = 1) -> Response:
    house = house_of(request)
    with house.transaction() as session:
        row = papers.find(session, caller, str(id))
    shown = ending in ("pdf", "png")
    return file_answer(papers.content(house, row, ending, page), MEDIA[ending], papers.name_of(row, ending), inline=shown)


@router.get("/h/{code}/archive.zip")
def read_archive(request: Request, caller: Visitor, code: str) -> Response:
    house = house_of(request)
    with house.transaction() as session:
        hazard.one(session, caller, code)
        if not may_archive(caller.kinds):
            raise Problem(403, "只有镇安办可以下载案卷归档包。", "The archive of a case is for the office alone.", reason="post")
        return file_answer(archive(session, caller.township_id, code, caller.now, house.evidence), "application/zip", f"{code}.zip")


@router.get("/e/{word}")
def carried(request: Request, word: str) -> Response:
    """The e-copy for whoever holds the paper: what stands on it and nothing else of the case."""
    house = house_of(request)
    with house.transaction() as session:
        row = papers.carried(session, house, word)
    return bare("paper.html", headers=PRIVATE, title=row.title, number=row.number, word=word)


@router.get("/e/{word}/{ending}")
def carried_file(request: Request, word: str, ending: Ending, page: int = 1) -> Response:
    house = house_of(request)
    if ending == "docx":
        raise Problem(404, "没有这份文书。", "There is no such paper.")
    with house.transaction() as session:
        row = papers.carried(session, house, word)
    answer = file_answer(papers.content(house, row, ending, page), MEDIA[ending], papers.name_of(row, ending), inline=True)
    answer.headers.update(PRIVATE)
    return answer
