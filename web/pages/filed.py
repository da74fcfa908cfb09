"""Kept weeklies, monthlies, statistics and work reports: the list, their files, and what a count made now says otherwise."""

from __future__ import annotations

from typing import Literal
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import Response

from papers.shelf import ShelfError, fetch
from papers.statistics.corrected import corrections
from web import filed
from web.caller import Visitor
from web.house import house_of
from web.problem import Problem
from web.render import frame, page

router = APIRouter()


@router.get("/papers")
def read(request: Request, caller: Visitor) -> Response:
    """The list. Raises Problem 403 for posts that don't read the whole township."""
    with house_of(request).transaction() as session:
        return page(request, "filed.html", frame(session, caller), papers=filed.filed(session, caller))


@router.get("/papers/{number:int}")
def one(request: Request, caller: Visitor, number: int) -> Response:
    """One of them: what it says in words, and how it differs from now."""
    with house_of(request).transaction() as session:
        paper = filed.one(session, caller, number)
        found = filed.recount(session, caller, paper)
        told = list(corrections(paper.facts["corrected"])) if paper.facts.get("corrected") else []
        return page(
            request, "filed_one.html", frame(session, caller), paper=paper, facts=paper.facts, difference=found, corrected=told
        )  # fmt: skip


@router.get("/papers/{number:int}/file.{ending}")
def download(request: Request, caller: Visitor, number: int, ending: Literal["pdf", "docx", "xlsx"]) -> Response:
    """The file as it was frozen, to the byte."""
    house = house_of(request)
    with house.transaction() as session:
        paper = filed.one(session, caller, number)
        sha256 = filed.file_of(paper, ending)
    try:
        content = fetch(sha256, house.evidence)
    except ShelfError as error:
        raise Problem(500, error.detail, error.detail_en, reason="shelf") from error
    named = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(paper.title)}.{ending}"}
    return Response(content, media_type=filed.MEDIA[ending], headers=named)
