"""Where hazards wait: by step and by post, from the event log."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from web import filed
from web.caller import Visitor
from web.house import house_of
from web.render import frame, page

router = APIRouter()
POSTS = 30


@router.get("/numbers/waiting")
def read(request: Request, caller: Visitor) -> Response:
    """Raises Problem 403 for posts that don't read the whole township."""
    with house_of(request).transaction() as session:
        steps, posts = filed.waiting(session, caller)
        return page(request, "waiting.html", frame(session, caller), steps=steps, posts=posts[:POSTS])
