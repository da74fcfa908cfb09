"""Signing in and out, and one's own page."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import text

from models.enumerations import PostKind
from models.refusal import Refusal
from web import accounts, links
from web.caller import COOKIE, OWN_PLACES_ONLY, Visitor, post_name
from web.house import House, house_of
from web.login import sign_in
from web.pages.form import Form, word
from web.problem import Problem
from web.providers import Provider, providers
from web.render import bare, frame, page, way_back

router = APIRouter()
log = logging.getLogger("bihuan.web")


@dataclass(frozen=True, slots=True)
class Demo:
    """A demo login: the user name and who that is."""

    username: str
    post: str
    label: str


# One for each part in the play; of many of a kind the one with most to do.
DEMOS = text("""
select * from (
    select distinct on (post.kind) post.kind, person.username, person.label, unit.kind as unit_kind, unit.name as unit_name
    from township join post on post.township_id = township.id and post.active
    join unit on unit.id = post.unit_id
    join holding on holding.post_id = post.id and from_day <= :day and coalesce(to_day, 'infinity') >= :day and deputy_of_id is null
    join person on person.id = holding.person_id and person.username is not null
    left join lateral (
        select count(*) as work from cases c
        where c.ended_at is null and case post.kind when 'inspector' then c.team_id = post.unit_id else c.responsible_post_id = post.id end
    ) open on true
    where township.demo and post.kind = any(:kinds) order by post.kind, open.work desc, post.code
) each order by array_position(cast(:kinds as text[]), kind)
""")
LINKED = text("select provider from identity where person_id = :person")
PARTS = ["office_dispatcher", "office_head", "inspector", "enterprise_principal", "grid_member", "deputy_in_charge", "township_head"]


@router.get("/login")
def ask(request: Request, next: str = "/", username: str = "") -> Response:
    return _login(request, next, username)


@router.post("/login")
def enter(request: Request, form: Form) -> Response:
    username, back = word(form, "username"), way_back(word(form, "next"))
    try:
        caller = sign_in(request, username, str(form.get("password") or ""))
    except Problem as problem:
        return _login(request, back, username, problem)
    answer = RedirectResponse(back, 303)
    secure = request.url.scheme == "https"
    answer.set_cookie(COOKIE, caller.token, max_age=int(accounts.LIVES.total_seconds()), httponly=True, samesite="lax", secure=secure)
    return answer


@router.post("/logout")
def leave(request: Request) -> Response:
    token = request.cookies.get(COOKIE)
    house = house_of(request)
    if token:
        with house.transaction() as session:
            accounts.close_login(session, token, house.clock.wall())
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(COOKIE)
    return answer


@router.get("/me")
def me(request: Request, caller: Visitor) -> Response:
    house = house_of(request)
    with house.transaction() as session:
        mine = {row.provider for row in session.execute(LINKED, {"person": caller.person_id})}
        logins = accounts.logins(session, caller.person_id, caller.token, caller.wall)
        ways_in = [(way, way.name in mine) for way in _ways_in(house)]
        voided = links.history(session, caller, caller.person)
        return page(request, "me.html", frame(session, caller), logins=logins, ways_in=ways_in, voided=voided)


def _login(request: Request, back: str, username: str, problem: Problem | None = None) -> Response:
    house = house_of(request)
    with house.transaction() as session:
        rows = session.execute(DEMOS, {"day": house.clock.now().date(), "kinds": PARTS}).all()
        name = session.execute(text("select name from township order by id limit 1")).scalar()
    demos = [Demo(row.username, _part(row), row.label) for row in rows]
    password = house.settings.demo_password if demos else None
    return bare(
        "login.html", problem.status if problem else 200, problem.headers if problem else None, problem=problem, back=way_back(back),
        username=username, demos=demos, demo_password=password, township=name or "", filled=password if username and not problem else "",
        ways_in=_ways_in(house),
    )  # fmt: skip


def _ways_in(house: House) -> list[Provider]:
    """A faulty signin.yaml takes away the ways in that it describes, not the password."""
    try:
        return list(providers(house.settings.home).values())
    except Refusal as no:
        log.error("%s", no.detail)
        return []


def _part(row: Any) -> str:
    """An enterprise's post is called after its kind: its place stands in its holder's label."""
    kind = PostKind(row.kind)
    return kind.zh if kind in OWN_PLACES_ONLY else post_name(kind, row.unit_kind, row.unit_name)
