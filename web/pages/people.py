"""The back office's tables: people, posts and places, to be searched, paged and taken away as a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from models.enumerations import LEADERS, PostKind
from statemachines.registry import OFFICE
from web import links, people, places, posts, sheet
from web.caller import Caller, Visitor
from web.house import house_of
from web.pages.form import Form, word
from web.pages.table import table
from web.people import Held
from web.problem import Problem
from web.render import frame, page, way_back
from web.sheet import Cell

router = APIRouter()
LENGTH, ALL = 40, 100_000
ONLY = {"": "全部", "idle": "今天没有岗位", "unreachable": "没有联系渠道"}
HEADS = {"name": "姓名", "posts": "今天的岗位", "username": "用户名", "channels": "渠道"}
Extension = Literal["xlsx", "csv"]


class Filters(BaseModel):
    model_config = ConfigDict(extra="ignore")
    q: Annotated[str, Field(max_length=100)] = ""
    only: Annotated[str, Field(max_length=20)] = ""
    sort: Annotated[str, Field(max_length=20)] = ""
    cursor: str | None = Field(None, max_length=1000)


def check(caller: Caller) -> None:
    """Raises Problem 403 but for the office and the leaders: who they are is nobody else's business."""
    if not caller.kinds & (OFFICE | LEADERS):
        raise Problem(403, "人员名册由镇安办和镇领导查看。", "The roster is for the office and the leaders.", reason="post")


@router.get("/people")
def read(request: Request, caller: Visitor, ask: Annotated[Filters, Query()]) -> Response:
    check(caller)
    with house_of(request).transaction() as session:
        q = ask.q.strip().replace("\x00", "")
        found, after = people.many(session, caller, LENGTH, ask.cursor, q=q, only=ask.only, sort=ask.sort)
        shown = table("/people", HEADS, people.COLUMNS, ask.sort or "name", {"q": q, "only": ask.only, "sort": ask.sort})
        return page(
            request, "people.html", frame(session, caller), found=found, after=after, ask=ask, only=ONLY, table=shown,
            may_void=PostKind.office_head in caller.kinds,
        )  # fmt: skip


@router.post("/people/{key}/void-links")
def void_links(request: Request, caller: Visitor, key: str, form: Form) -> Response:
    """Nothing that this person was sent or given opens any more; back to where the button was."""
    with house_of(request).transaction() as session:
        links.void(session, caller, key)
    return RedirectResponse(way_back(word(form, "next") or "/me"), 303)


@router.get("/people.{extension}")
def roster(request: Request, caller: Visitor, extension: Extension, q: str = "", only: str = "") -> Response:
    check(caller)
    with house_of(request).transaction() as session:
        found, _ = people.many(session, caller, ALL, q=q.replace("\x00", ""), only=only)
    head = ("姓名", "用户名", "今天的岗位", "联系渠道")
    return sheet.answer("人员", extension, head, [(each.label, each.username, _said(each.posts), each.channels) for each in found])


def _said(held: Sequence[Held]) -> str:
    return "、".join(f"{each.name}{f'（代{each.standing_in_for}）' if each.standing_in_for else ''}" for each in held)


@router.get("/posts.{extension}")
def all_posts(request: Request, caller: Visitor, extension: Extension) -> Response:
    check(caller)
    with house_of(request).transaction() as session:
        found, _ = posts.many(session, caller, ALL)
    head = ("编号", "岗位", "类别", "所在单位", "上级岗位", "在岗人员", "任职自")
    rows = [
        (each.code, each.name, each.kind.zh, each.unit_name, each.reports_to or "", "、".join(holder.label for holder in each.holders),
         min((holder.from_day for holder in each.holders), default=None))
        for each in found
    ]  # fmt: skip
    return sheet.answer("岗位", extension, head, rows)


@router.get("/places.{extension}")
def all_places(request: Request, caller: Visitor, extension: Extension) -> Response:
    """The places within the caller's reach."""
    with house_of(request).transaction() as session:
        rows = _places(session, caller)
    head = ("编号", "名称", "类别", "村", "行业", "地址", "责任岗位", "督导站所", "状态", "开工许可", "未销号隐患")
    return sheet.answer("场所", extension, head, rows)


def _places(session: Session, caller: Caller) -> list[tuple[Cell, ...]]:
    found, _ = places.many(session, caller, places.Wanted(), ALL)
    return [
        (each.code, each.name, each.kind.zh, each.village_name, each.field.zh if each.field else "", each.address or "",
         each.responsible_post, each.team, each.status.zh, each.start_work.zh, each.open_hazards)
        for each in found
    ]  # fmt: skip
