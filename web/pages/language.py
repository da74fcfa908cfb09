"""The switch between the two languages; this browser remembers it for a year."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from web.english import COOKIE, ENGLISH
from web.render import page_before, way_back

router = APIRouter()
A_YEAR = 365 * 86400


@router.get("/language")
def switch(request: Request, to: str = "zh", next: str = "") -> Response:
    """Back to where somebody was: `next`, or else the page that the link stood on."""
    answer = RedirectResponse(way_back(next, page_before(request)), 303)
    answer.set_cookie(COOKIE, ENGLISH if to == ENGLISH else "zh", max_age=A_YEAR, httponly=True, samesite="lax")
    return answer
