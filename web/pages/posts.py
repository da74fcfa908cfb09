"""Posts of responsibility: who holds them, vacant ones on top, and how they change hands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, ConfigDict, model_validator
from sqlalchemy import text
from sqlmodel import Session

from models.enumerations import PostKind
from statemachines.errors import NotAllowed, Refused
from statemachines.handover import SUPERIORS
from web import cursor, people, posts, story
from web.api.words import Text
from web.caller import Caller, Visitor
from web.house import house_of
from web.pages.form import Form, word
from web.pages.table import table
from web.posts import Post
from web.problem import Problem, problem_of
from web.render import frame, page
from web.words import literally

router = APIRouter()
MOST, SHOWN = 1000, 12
HEADS = {"name": "岗位", "kind": "类别", "unit": "单位", "holder": "在岗", "since": "任职自"}
HANDS = SUPERIORS | {PostKind.office_head}


class Filters(BaseModel):
    model_config = ConfigDict(extra="ignore")
    kind: PostKind | None = None
    q: Text = ""
    sort: Text = ""

    @model_validator(mode="before")
    @classmethod
    def _without_blanks(cls, given: Any) -> Any:
        return {name: value for name, value in given.items() if value not in ("", [""])} if isinstance(given, dict) else given


@router.get("/posts")
def read(request: Request, caller: Visitor, ask: Annotated[Filters, Query()]) -> Response:
    with house_of(request).transaction() as session:
        found, _ = posts.many(session, caller, MOST, kind=ask.kind)
        shown = [post for post in found if ask.q in post.name or any(ask.q in holder.label for holder in post.holders)]
        vacant = [post for post in shown if not held(post, caller.day)]
        filled = [post for post in shown if held(post, caller.day)]
        names = story.names_of(session, caller.township_id, [post.code for post in shown])
        seen = table("/posts", HEADS, HEADS, ask.sort, ask.model_dump(mode="json"))
        return page(
            request, "posts.html", frame(session, caller), vacant=vacant, filled=_ordered(filled, ask.sort, names), ask=ask,
            kinds=list(PostKind), names=names, today=caller.day, table=seen,
        )  # fmt: skip


def _ordered(found: list[Post], sort: str, names: dict[str, str]) -> list[Post]:
    """In the order of a column; in the order of the township's file where none is named."""
    key = {
        "name": lambda post: names.get(post.code, post.name), "kind": lambda post: list(PostKind).index(post.kind),
        "unit": lambda post: post.unit, "holder": lambda post: post.holders[0].label, "since": lambda post: post.holders[0].from_day,
    }.get(sort.removeprefix("-"))  # fmt: skip
    return sorted(found, key=key, reverse=sort.startswith("-")) if key else found


def held(post: Post, today: date) -> bool:
    """Whether somebody is in the post today."""
    return any(holder.from_day <= today for holder in post.holders)


@dataclass(frozen=True, slots=True)
class Failed:
    """A form that was refused: which one, why, and what was typed."""

    form: str
    problem: Problem
    said: dict[str, str] = field(default_factory=dict)


@router.get("/posts/{code}")
def one(request: Request, caller: Visitor, code: str, q: str = "") -> Response:
    with house_of(request).transaction() as session:
        return show(request, session, caller, code, q.strip())


ID = text("select id from post where township_id = :township and code = :code and active")
PEOPLE = text("""
select distinct person.key, person.label from person
left join holding on holding.person_id = person.id and :day >= from_day and :day <= coalesce(to_day, 'infinity')
left join post on post.id = holding.post_id
where person.township_id = :township and case when :q = '' then post.unit_id = (select unit_id from post where id = :post)
    else person.label ilike :like or person.key = :q end
order by person.label, person.key limit :limit
""")


def show(request: Request, session: Session, caller: Caller, code: str, q: str, failed: Failed | None = None) -> Response:
    post_id = session.execute(ID, {"township": caller.township_id, "code": code}).scalar()
    before = cursor.write_number(posts.LIST, post_id - 1) if post_id else None
    found = [each for each in posts.many(session, caller, 1, before)[0] if each.code == code]
    if not found:
        raise Problem(404, f"没有在用的岗位“{code}”，或不在你的管辖范围内。", f"There is no post {code!r} within reach.")
    post = found[0]
    asked = {"township": caller.township_id, "day": caller.day, "post": post_id, "q": q, "like": f"%{literally(q)}%", "limit": SHOWN}
    codes = [code, *([post.reports_to] if post.reports_to else [])]
    labels = people.labels(session, caller.township_id, [holder.standing_in_for for holder in post.holders])
    return page(
        request, "post.html", frame(session, caller), failed.problem.status if failed else 200, post=post, q=q, failed=failed,
        people=session.execute(PEOPLE, asked).all(), names=story.names_of(session, caller.township_id, codes), today=caller.day,
        labels=labels, own=[holder for holder in post.holders if not holder.standing_in_for],
        stand_ins=[holder for holder in post.holders if holder.standing_in_for], may_hand=bool(caller.kinds & HANDS),
    )  # fmt: skip


@router.post("/posts/{code}/hand_over")
def hand_over(request: Request, caller: Visitor, code: str, form: Form) -> Response:
    def do(session: Session) -> Any:
        leaving = word(form, "from_person") or None
        return posts.hand(session, caller, code, word(form, "person"), _day(form, "from_day"), word(form, "reason"), from_person=leaving)

    return _do(request, caller, code, form, "hand_over", do)


@router.post("/posts/{code}/stand_in")
def stand_in(request: Request, caller: Visitor, code: str, form: Form) -> Response:
    def do(session: Session) -> Any:
        until = _day(form, "to_day") if word(form, "to_day") else None
        first = _day(form, "from_day")
        return posts.put_in(session, caller, code, word(form, "absent"), word(form, "person"), first, until, word(form, "reason"))

    return _do(request, caller, code, form, "stand_in", do)


@router.post("/posts/{code}/end_stand_in")
def end_stand_in(request: Request, caller: Visitor, code: str, form: Form) -> Response:
    return _do(
        request, caller, code, form, "end_stand_in",
        lambda session: posts.take_out(session, caller, code, word(form, "absent"), word(form, "reason"), None),
    )  # fmt: skip


def _day(form: Form, name: str) -> date:
    try:
        return date.fromisoformat(word(form, name))
    except ValueError as error:
        raise Problem(422, "请填写日期，例如 2023-03-01。", "Give a date.", errors=[{"where": name, "message": "not a date"}]) from error


def _do(request: Request, caller: Caller, code: str, form: Form, name: str, do: Callable[[Session], Any]) -> Response:
    house = house_of(request)
    try:
        with house.transaction() as session:
            do(session)
    except (Refused, NotAllowed, Problem) as error:
        said = {each: word(form, each) for each in ("person", "absent", "from_day", "to_day", "reason", "from_person")}
        with house.transaction() as session:
            return show(request, session, caller, code, word(form, "q"), Failed(name, problem_of(error), said))
    return RedirectResponse(f"/posts/{code}?done={name}", 303)
