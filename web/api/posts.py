"""Posts for programs: who holds them, and how they change hands."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from models.clock import local
from models.enumerations import CaseKind, PostKind
from web import links, posts, step
from web.api.cases import Key
from web.api.words import Code, HandOver, NewStandIn, Page, StandInEnds
from web.caller import Program
from web.house import house_of

router = APIRouter(tags=["posts"])


class HolderView(BaseModel):
    """Who holds a post, from a day to a day, both inclusive. `standing_in_for`: the key of the person who is away."""

    model_config = ConfigDict(title="Holder")
    person: str
    label: str
    from_day: date
    to_day: date | None
    standing_in_for: str | None


class PostView(BaseModel):
    """A post in use, with who holds it today or will."""

    model_config = ConfigDict(title="PostWithHolders")
    code: str
    kind: PostKind
    name: str
    unit: str
    unit_name: str
    reports_to: str | None
    holders: list[HolderView]


class Posts(BaseModel):
    items: list[PostView]
    next: str | None


class OpenView(BaseModel):
    """Open cases of one kind in one state that go with the post."""

    model_config = ConfigDict(title="OpenCases")
    kind: CaseKind
    state: str
    count: int


class HandedOverView(BaseModel):
    """`from_people` held it until the day before. What is open stays with the post: `responsible` to be done, `deciding` to approve."""

    model_config = ConfigDict(title="HandedOver")
    post: str
    from_people: list[str]
    to_person: str
    from_day: date
    responsible: list[OpenView]
    deciding: list[OpenView]


class StandInView(BaseModel):
    """`person` acts in the post for `absent`, both days inclusive; `to_day` null: until further notice."""

    model_config = ConfigDict(title="StandIn")
    post: str
    absent: str
    person: str
    from_day: date
    to_day: date | None


class PostQuery(Page):
    kind: PostKind | None = None
    unit: Code | None = None


@router.get("/posts")
def list_posts(request: Request, caller: Program, ask: Annotated[PostQuery, Query()]) -> Posts:
    """The posts in use: of the whole township, of one's village, or one's own."""
    with house_of(request).transaction() as session:
        found, after = posts.many(session, caller, ask.limit, ask.cursor, kind=ask.kind, unit=ask.unit)
    return Posts(items=[PostView.model_validate(post, from_attributes=True) for post in found], next=after)


class LinksVoidedView(BaseModel):
    """Whose links were made void. `at` is machine time."""

    model_config = ConfigDict(title="LinksVoided")
    person: str
    at: datetime


@router.post("/people/{person}/void_links")
def void_links(request: Request, caller: Program, person: Code) -> LinksVoidedView:
    """作废一个人的全部链接: no link that this person was sent or given opens any more. The office's head may, and everybody their own."""
    with house_of(request).transaction() as session:
        links.void(session, caller, person)
    return LinksVoidedView(person=person, at=local(caller.wall))


@router.post("/posts/{code}/hand_over", response_model=HandedOverView)
def hand_over(request: Request, caller: Program, code: Code, body: HandOver, key: Key = None) -> Response:
    """岗位交接 from a day on. The office's head may, for leaders' posts only who is above."""
    asked = step.digest("POST", f"/posts/{code}/hand_over", body.model_dump(mode="json", exclude_unset=True))
    with house_of(request).transaction() as session:

        def do() -> dict[str, Any]:
            done = posts.hand(
                session, caller, code, body.to_person, body.from_day, body.reason, from_person=body.from_person, post=body.as_post
            )
            return HandedOverView.model_validate(done, from_attributes=True).model_dump(mode="json")

        return JSONResponse(step.once(session, caller, key, asked, do))


@router.post("/posts/{code}/stand_in", response_model=StandInView)
def stand_in(request: Request, caller: Program, code: Code, body: NewStandIn, key: Key = None) -> Response:
    """代岗 from a day to a day; both are told, and four eyes count both."""
    asked = step.digest("POST", f"/posts/{code}/stand_in", body.model_dump(mode="json", exclude_unset=True))
    with house_of(request).transaction() as session:

        def do() -> dict[str, Any]:
            done = posts.put_in(
                session, caller, code, body.absent_person, body.person, body.from_day, body.to_day, body.reason, post=body.as_post
            )
            return StandInView.model_validate(done, from_attributes=True).model_dump(mode="json")

        return JSONResponse(step.once(session, caller, key, asked, do))


@router.post("/posts/{code}/end_stand_in", response_model=StandInView)
def end_stand_in(request: Request, caller: Program, code: Code, body: StandInEnds, key: Key = None) -> Response:
    """The stand-in ends with a day; one that hadn't begun by then never does."""
    asked = step.digest("POST", f"/posts/{code}/end_stand_in", body.model_dump(mode="json", exclude_unset=True))
    with house_of(request).transaction() as session:

        def do() -> dict[str, Any]:
            done = posts.take_out(session, caller, code, body.absent_person, body.reason, body.last_day, post=body.as_post)
            return StandInView.model_validate(done, from_attributes=True).model_dump(mode="json")

        return JSONResponse(step.once(session, caller, key, asked, do))
