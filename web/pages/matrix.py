"""The map of responsibility: villages by kinds of place or trades, its gaps in red, each number a way to the places behind it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict

from web import matrix
from web.caller import Visitor
from web.house import house_of
from web.matrix import Across
from web.problem import Problem
from web.render import frame, page

router = APIRouter()
TITLES = {Across.kind: "按场所类别", Across.field: "按行业"}


class Wanted(BaseModel):
    model_config = ConfigDict(extra="ignore")
    by: Across = Across.kind
    only: Annotated[bool, Query()] = False


@router.get("/matrix")
def read(request: Request, caller: Visitor, wanted: Annotated[Wanted, Query()]) -> Response:
    if not caller.sees_all:
        raise Problem(403, "责任矩阵写的是全镇，你的岗位只看本村或本单位。", "The matrix is about the whole township.", reason="reach")
    with house_of(request).transaction() as session:
        found = matrix.read(session, caller, wanted.by)
        return page(request, "matrix.html", frame(session, caller), matrix=found, wanted=wanted, titles=TITLES)
