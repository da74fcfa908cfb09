"""The settings that say who is told when: every ladder in its versions, to be read; and where to try out what it does."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from web import ladders
from web.caller import Visitor
from web.house import house_of
from web.problem import Problem
from web.render import frame, page

router = APIRouter()


@router.get("/ladders")
def read(request: Request, caller: Visitor) -> Response:
    if not caller.sees_all:
        raise Problem(403, "升级阶梯由镇里设置，你的岗位不看。", "The ladders are the township's own.", reason="reach")
    with house_of(request).transaction() as session:
        return page(request, "ladders.html", frame(session, caller), ladders=ladders.read(session, caller))
