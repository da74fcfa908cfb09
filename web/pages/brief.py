"""The weekly brief: one phone screen, frozen when somebody says so, and a picture of it to be forwarded."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from papers.brief import brief, earlier, freeze, frozen, picture
from web.caller import Caller, Visitor
from web.house import house_of
from web.problem import Problem
from web.render import frame, page

router = APIRouter()


class Wanted(BaseModel):
    """`paper`: a brief that was kept; without it the figures as they stand now."""

    model_config = ConfigDict(extra="ignore")
    paper: Annotated[int, Field(ge=1, lt=2**62)] | None = None


def _facts(session: Session, caller: Caller, wanted: Wanted) -> dict[str, Any]:
    """Raises Problem 403 for who doesn't read the whole township, 404 where no such brief was kept."""
    if not caller.sees_all:
        raise Problem(403, "简报写的是全镇，你的岗位只看本村或本单位。", "The brief is about the whole township.", reason="reach")
    facts = frozen(session, caller.township_id, wanted.paper) if wanted.paper else brief(session, caller.township_id, caller.now)
    if facts is None:
        raise Problem(404, "没有这一份简报。", "There is no such brief.")
    return facts


@router.get("/brief")
def read(request: Request, caller: Visitor, wanted: Annotated[Wanted, Query()]) -> Response:
    with house_of(request).transaction() as session:
        facts = _facts(session, caller, wanted)
        return page(
            request, "brief.html", frame(session, caller), brief=facts, paper=wanted.paper, earlier=earlier(session, caller.township_id),
            may_freeze=caller.may_write and bool(caller.seats),
        )  # fmt: skip


@router.post("/brief")
def keep(request: Request, caller: Visitor) -> Response:
    with house_of(request).transaction() as session:
        _facts(session, caller, Wanted())
        if not (caller.may_write and caller.seats):
            raise Problem(403, "你的岗位只能查看。", "Your post only reads.", reason="post")
        number = freeze(session, caller.township_id, caller.now, caller.seats[0].code, caller.person)
    return RedirectResponse(f"/brief?paper={number}&done=brief", 303)


@router.get("/brief.png")
def png(request: Request, caller: Visitor, wanted: Annotated[Wanted, Query()]) -> Response:
    with house_of(request).transaction() as session:
        facts = _facts(session, caller, wanted)
    return Response(picture(facts), media_type="image/png", headers={"content-disposition": 'inline; filename="brief.png"'})
