"""Signing in and out for programs."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict

from models.enumerations import PostKind
from web.accounts import close_login
from web.api.words import Login
from web.caller import Caller, Program, Seat
from web.house import house_of
from web.login import sign_in

router = APIRouter(tags=["session"])


class PostView(BaseModel):
    """A post that somebody holds today. `standing_in_for`: the absent person whom they stand in for."""

    model_config = ConfigDict(title="Post")
    code: str
    kind: PostKind
    name: str
    unit: str
    standing_in_for: str | None


class PersonView(BaseModel):
    """`key` is the opaque key by which history knows the person."""

    model_config = ConfigDict(title="Person")
    key: str
    label: str
    username: str | None


class SessionView(BaseModel):
    model_config = ConfigDict(title="Session")
    person: PersonView
    posts: list[PostView]


class NewSession(SessionView):
    model_config = ConfigDict(title="NewSession")
    token: str


@router.post("/session")
def open_session(request: Request, body: Login) -> NewSession:
    """A bearer token for 14 days. After ten failures within a minute: 429 with Retry-After."""
    caller = sign_in(request, body.username, body.password)
    return NewSession(token=caller.token, **_session(caller).model_dump())


@router.get("/session")
def read_session(caller: Program) -> SessionView:
    """Who the token belongs to, and which posts they hold today."""
    return _session(caller)


@router.delete("/session", status_code=204)
def close_session(request: Request, caller: Program) -> Response:
    """Makes the token worthless."""
    with house_of(request).transaction() as session:
        close_login(session, caller.token, caller.wall)
    return Response(status_code=204)


def _session(caller: Caller) -> SessionView:
    person = PersonView(key=caller.person, label=caller.label, username=caller.username)
    return SessionView(person=person, posts=[_post(seat) for seat in caller.seats])


def _post(seat: Seat) -> PostView:
    return PostView(code=seat.code, kind=seat.kind, name=seat.zh, unit=seat.unit, standing_in_for=seat.standing_in_for)
