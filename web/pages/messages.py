"""Messages: who was told what, when, over what, and how it ended."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from models.enumerations import NoticeState
from web import notices
from web.caller import Visitor
from web.house import house_of
from web.render import frame, page

router = APIRouter()
LENGTH = 30


class Filters(BaseModel):
    """`box`: mine, or all that the caller may read."""

    model_config = ConfigDict(extra="ignore")
    box: Annotated[str, Field(max_length=10)] = "mine"
    state: NoticeState | None = None
    cursor: str | None = Field(None, max_length=400)


@router.get("/messages")
def read(request: Request, caller: Visitor, ask: Annotated[Filters, Query()]) -> Response:
    states = (ask.state,) if ask.state else ()
    with house_of(request).transaction() as session:
        told, after = notices.many(session, caller, LENGTH, ask.cursor, states, mine=ask.box != "all")
        return page(request, "messages.html", frame(session, caller), told=told, after=after, ask=ask, states=list(NoticeState))
