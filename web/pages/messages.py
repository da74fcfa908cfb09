"""Messages: who was told what, when, over what, and how it ended."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from models.enumerations import NoticeState
from web import notices, people
from web.api.words import Code
from web.caller import Visitor
from web.house import house_of
from web.pages.table import table
from web.render import frame, page

router = APIRouter()
LENGTH = 30


class Filters(BaseModel):
    """`box`: mine, or all that the caller may read; `to`: of all, the escalations to the person of this key."""

    model_config = ConfigDict(extra="ignore")
    box: Annotated[str, Field(max_length=10)] = "mine"
    state: NoticeState | None = None
    to: Annotated[Code, Field(max_length=100)] = ""
    sort: Annotated[str, Field(max_length=20)] = ""
    cursor: str | None = Field(None, max_length=1000)


HEADS = {"when": "时间", "purpose": "事由", "level": "级", "who": "收件人", "channel": "渠道", "state": "结果"}


@router.get("/messages")
def read(request: Request, caller: Visitor, ask: Annotated[Filters, Query()]) -> Response:
    states = (ask.state,) if ask.state else ()
    with house_of(request).transaction() as session:
        mine = ask.box != "all" and not ask.to
        told, after = notices.many(session, caller, LENGTH, ask.cursor, states, mine=mine, to=ask.to or None, sort=ask.sort)
        shown = table("/messages", HEADS, notices.COLUMNS, ask.sort or "-when", ask.model_dump(exclude={"cursor"}, mode="json"))
        return page(
            request, "messages.html", frame(session, caller), told=told, after=after, ask=ask, states=list(NoticeState), table=shown,
            above=people.above(session, caller) if caller.sees_all else [],
        )  # fmt: skip
