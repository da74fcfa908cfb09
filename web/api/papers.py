"""Papers for programs: those of a hazard, one more of them, and their files."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Body, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from models.enumerations import PaperKind
from papers.archive.archive import archive, may_archive
from web import hazard, papers, step
from web.api.cases import Key
from web.api.words import Code, PaperQuery, Text
from web.caller import Program
from web.house import house_of
from web.papers import MEDIA, Ending, PaperView
from web.problem import Problem

router = APIRouter(tags=["papers"])


class OfficerOfPaper(BaseModel):
    """Who inspected: by post, user name or key; with the number of their enforcement certificate."""

    model_config = ConfigDict(title="OfficerOfPaper", extra="forbid")
    post: Code | None = None
    username: Code | None = None
    key: Code | None = None
    certificate: Code | None = None


class NewPaper(BaseModel):
    """A form to be issued. `officers` may be left out where a record names them."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"kind": "dispatch", "as_post": "office-dispatcher"},
                {
                    "kind": "instruction_order",
                    "officers": [{"post": "inspector-1", "certificate": "豫M-0001"}, {"post": "inspector-2", "certificate": "豫M-0002"}],
                },
            ]
        },
    )
    kind: PaperKind
    officers: Annotated[list[OfficerOfPaper], Field(max_length=6)] = []
    note: Text | None = None
    as_post: Code | None = None


class Papers(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "items": [
                        {
                            "id": 12, "kind": "dispatch", "number": "（试点镇）安办交〔2023〕7号", "title": "隐患交办单",
                            "issued_at": "2023-02-20T10:00:00+08:00", "issued_by": "office-dispatcher", "pdf_sha256": "9f86d081…",
                            "docx_sha256": "60303ae2…", "xlsx_sha256": None, "hazard": "YH-2023-0001", "cut_at": None, "previous_id": None,
                        }
                    ],
                    "next": "WzEyXQ",
                }
            ]
        }
    )  # fmt: skip
    items: list[PaperView]
    next: str | None = None


@router.get("/papers")
def list_all_papers(request: Request, caller: Program, ask: Annotated[PaperQuery, Query()]) -> Papers:
    """Every paper within the caller's reach, the newest first: the forms of the hazards that they may read, and for who reads the
    township's reports its weeklies, monthlies, statistics, briefs and work reports."""
    with house_of(request).transaction() as session:
        found, after = papers.many(session, caller, ask.limit, ask.cursor, ask.kind, ask.state, ask.hazard)
    return Papers(items=found, next=after)


@router.get("/hazards/{code}/papers")
def list_papers(request: Request, caller: Program, code: Code) -> Papers:
    """The papers that were issued about a hazard, oldest first."""
    with house_of(request).transaction() as session:
        return Papers(items=papers.listed(session, caller, code))


@router.post("/hazards/{code}/papers", status_code=201, response_model=PaperView)
def issue_paper(request: Request, caller: Program, code: Code, body: Annotated[NewPaper, Body()], key: Key = None) -> Response:
    """Issues a form. 409 with the reason where the order of papers, the ground or the power to enforce is missing."""
    house = house_of(request)
    given: dict[str, Any] = {"note": body.note, "officers": [each.model_dump(exclude_none=True) for each in body.officers]}
    asked = step.digest("POST", f"/hazards/{code}/papers", body.model_dump(mode="json"))
    with house.transaction() as session:

        def do() -> dict[str, Any]:
            return papers.write(session, house, caller, code, body.kind, given, body.as_post).model_dump(mode="json")

        return JSONResponse(step.once(session, caller, key, asked, do), 201)


@router.get("/papers/{ref}.{ending}", response_class=Response, responses={200: {"content": {kind: {} for kind in MEDIA.values()}}})
def read_paper(
    request: Request, caller: Program, ref: Code, ending: Ending, page: Annotated[int, Query(ge=1, le=99)] = 1
) -> Response:  # fmt: skip
    """A paper's file, by its id or its number: the bytes of the day it was issued (PDF, Word), or a picture of one page."""
    house = house_of(request)
    with house.transaction() as session:
        row = papers.find(session, caller, ref)
    return file_answer(papers.content(house, row, ending, page), MEDIA[ending], papers.name_of(row, ending))


@router.get("/hazards/{code}/archive", response_class=Response, responses={200: {"content": {"application/zip": {}}}})
def read_archive(request: Request, caller: Program, code: Code, texts: Annotated[bool, Query()] = True) -> Response:
    """The hazard's whole file (一案一档) as a zip with the script that checks it. For the office alone. `texts=false`: without the free
    texts of history and their salt."""
    house = house_of(request)
    with house.transaction() as session:
        hazard.one(session, caller, code)
        if not may_archive(caller.kinds):
            raise Problem(403, "只有镇安办可以下载案卷归档包。", "The archive of a case is for the office alone.", reason="post")
        packed = archive(session, caller.township_id, code, caller.now, house.evidence, texts=texts)
    return file_answer(packed, "application/zip", f"{code}.zip")


def file_answer(body: bytes, media: str, name: str, *, inline: bool = False) -> Response:
    """A file under a name that may be Chinese (RFC 6266)."""
    how = "inline" if inline else "attachment"
    return Response(body, media_type=media, headers={"Content-Disposition": f"{how}; filename*=UTF-8''{quote(name)}"})
