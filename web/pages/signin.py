"""The ways in through other houses, and what one's own page keeps of them: links to these houses, logins and tokens."""

from __future__ import annotations

import secrets
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import text
from sqlmodel import Session

from models.enumerations import LEADERS
from models.keys import key_for
from statemachines.registry import OFFICE
from web import accounts
from web.caller import COOKIE, SignInFirst, Visitor, visitor
from web.house import House, house_of
from web.problem import Problem
from web.providers import Provider, providers
from web.render import way_back
from web.signin import Asked

router = APIRouter()
WAY = "bihuan_way"
PATIENCE = timedelta(minutes=10)
PERSON = text("""
select coalesce(
    (select person_id from identity where provider = :provider and subject = :subject),
    (select id from person where :usernames and username = :subject)
)
""")
LINK = text("""
insert into identity (provider, subject, person_id, linked_at) values (:provider, :subject, :person, :wall)
on conflict (provider, subject) do update set linked_at = excluded.linked_at where identity.person_id = excluded.person_id returning 1
""")


@router.get("/signin/{name}")
def leave(request: Request, name: str, next: str = "/") -> Response:
    """Off to the other house; what was asked goes along in a signed cookie of ten minutes."""
    return _off(request, _provider(request, name), way_back(next), None)


@router.post("/signin/{name}/link")
def link(request: Request, name: str, caller: Visitor) -> Response:
    """The same for somebody who is signed in and wants to come in this way from now on."""
    return _off(request, _provider(request, name), "/me", caller.person_id)


@router.get("/signin/{name}/back")
def back(request: Request, name: str) -> Response:
    """Back from the other house. What doesn't answer to a cookie of ours was not asked for by this browser (RFC 6749 §10.12)."""
    provider, house = _provider(request, name), house_of(request)
    asked, person = _asked(request, house, provider)
    if person is not None and visitor(request).person_id != person:
        raise _stranger()  # somebody else sits at this desk by now
    subject = provider.directory.subject(asked, _here(house, provider), request.query_params)
    with house.transaction() as session:
        token = _arrived(session, provider, subject, person, house)
    answer = RedirectResponse(asked.back, 303)
    answer.delete_cookie(WAY)
    if token:
        secure = request.url.scheme == "https"
        answer.set_cookie(COOKIE, token, max_age=int(accounts.LIVES.total_seconds()), httponly=True, samesite="lax", secure=secure)
    return answer


@router.get("/auth")
def vouch(request: Request) -> Response:
    """For a reverse proxy that asks before it lets somebody through to Prefect's pages: 204 for the office and the leaders.

    Prefect knows no users: who gets in can pause and delete, too. A stranger is sent to the login page by its whole address, since under
    the one that they asked for there is none.
    """
    try:
        caller = visitor(request)
    except SignInFirst:
        return RedirectResponse(f"{house_of(request).settings.public_url}/login", 303)
    if not caller.kinds & (OFFICE | LEADERS):
        raise Problem(403, "只有镇安办和镇领导可以进入流程运行页面。", "Only the office and the leaders get to the flows.", reason="post")
    return Response(status_code=204, headers={"Remote-User": caller.username or caller.person})


@router.post("/me/unlink/{name}")
def unlink(request: Request, name: str, caller: Visitor) -> Response:
    gone = text("delete from identity where provider = :provider and person_id = :person")
    with house_of(request).transaction() as session:
        session.execute(gone, {"provider": name, "person": caller.person_id})
    return RedirectResponse("/me", 303)


@router.post("/me/revoke/{id}")
def revoke(request: Request, id: str, caller: Visitor) -> Response:
    """Ends one of one's own logins or tokens."""
    with house_of(request).transaction() as session:
        accounts.revoke(session, caller.person_id, id, caller.wall)
    return RedirectResponse("/me", 303)


def _off(request: Request, provider: Provider, back: str, person: int | None) -> Response:
    house = house_of(request)
    asked = Asked(secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48), back)
    until = int((house.clock.wall() + PATIENCE).timestamp())
    word = _signer(house).dumps({**asdict(asked), "provider": provider.name, "person": person, "until": until})
    answer = RedirectResponse(provider.directory.leave_for(asked, _here(house, provider)), 303)
    secure = request.url.scheme == "https"
    answer.set_cookie(WAY, str(word), max_age=int(PATIENCE.total_seconds()), httponly=True, samesite="lax", secure=secure)
    return answer


def _asked(request: Request, house: House, provider: Provider) -> tuple[Asked, int | None]:
    try:
        said: dict[str, Any] = _signer(house).loads(request.cookies.get(WAY, ""))
    except BadSignature:
        raise _stranger() from None
    asked = Asked(said["state"], said["nonce"], said["verifier"], said["back"])
    mine = said["provider"] == provider.name and said["until"] > house.clock.wall().timestamp()
    if not mine or not secrets.compare_digest(asked.state, request.query_params.get("state", "")):
        raise _stranger()
    return asked, said["person"]


def _arrived(session: Session, provider: Provider, subject: str, person: int | None, house: House) -> str | None:
    """Links the subject to `person`, or opens a login for whom it stands; the token of a new login. Raises Problem 403, 409."""
    wall, asked = house.clock.wall(), {"provider": provider.name, "subject": subject}
    if person is not None:
        if session.execute(LINK, {**asked, "person": person, "wall": wall}).first() is None:
            zh = f"这个{provider.label}账号已绑定给另一个人，请先由对方解除。"
            raise Problem(409, zh, "That account is linked to somebody else.")
        return None
    found = session.execute(PERSON, {**asked, "usernames": provider.usernames}).scalar()
    if found is None:
        zh = f"这个{provider.label}账号还没有绑定，请先用用户名和密码登录，再到“我的”里绑定。"
        raise Problem(403, zh, "That account is linked to nobody here: sign in with your password, then link it on your own page.")
    return accounts.open_login(session, found, wall, name=provider.label)


def _provider(request: Request, name: str) -> Provider:
    found = providers(house_of(request).settings.home).get(name)
    if found is None:
        raise Problem(404, "没有这种登录方式。", "There is no such way in.")
    return found


def _here(house: House, provider: Provider) -> str:
    return f"{house.settings.public_url}/signin/{provider.name}/back"


def _signer(house: House) -> URLSafeSerializer:
    return URLSafeSerializer(key_for("signin", house.settings), salt="signin")


def _stranger() -> Problem:
    return Problem(403, "这次登录不是从这里发起的，或已超过 10 分钟，请重新登录。", "This wasn't begun here, or ran out: begin again.")
