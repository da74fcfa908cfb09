"""From a hazard's page: the hazard, its place or its village is silenced, or a silence is lifted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from sqlmodel import Session

from models.clock import day_of, end_of
from models.rules import rules_of
from models.silence import Scope
from statemachines.errors import NotAllowed, Refused
from web import forms, hazard, silences, step
from web.caller import Caller, Visitor
from web.hazard import HazardView
from web.house import house_of
from web.pages.acts import Failed
from web.pages.form import Form, word
from web.pages.hazard import show
from web.problem import Problem, problem_of

router = APIRouter()


@router.post("/h/{code}/silence")
def silence(request: Request, caller: Visitor, code: str, form: Form) -> Response:
    """Until the end of the day that was chosen, or the latest moment of the last day."""

    def do(session: Session) -> dict[str, Any]:
        scope, about = _meant(word(form, "scope"), hazard.one(session, caller, code).view)
        until = _until(session, caller, word(form, "until"))
        put = silences.put(session, caller, scope, about, until, word(form, "reason"), post=word(form, "as_post") or None)
        return {"id": put.id}

    return _do(request, caller, code, "silence", form, do)


@router.post("/h/{code}/silences/{number}/lift")
def lift(request: Request, caller: Visitor, code: str, number: int, form: Form) -> Response:
    def do(session: Session) -> dict[str, Any]:
        hazard.one(session, caller, code)
        return {"id": silences.lift(session, caller, number, post=None).id}

    return _do(request, caller, code, "lift", form, do)


def _meant(said: str, view: HazardView) -> tuple[Scope, str]:
    known = {"case": view.code, "place": view.place.code, "village": view.place.village}
    if said not in known:
        raise Problem(422, "请选择静默什么。", "Say what is to be silenced.", errors=[{"where": "scope", "message": "unknown"}])
    return Scope(said), known[said]


def _until(session: Session, caller: Caller, said: str) -> datetime:
    latest = caller.now + timedelta(days=rules_of(session, caller.township_id).silence_days)
    try:
        day = date.fromisoformat(said)
    except ValueError as error:
        raise Problem(422, "请选择静默到哪天。", "Give a date.", errors=[{"where": "until", "message": "not a date"}]) from error
    return latest if day == day_of(latest) else end_of(day)


def _do(request: Request, caller: Caller, code: str, name: str, form: Form, do: Callable[[Session], dict[str, Any]]) -> Response:
    """What is refused comes back with everything that was typed."""
    house = house_of(request)
    asked = step.digest(request.url.path, forms.fingerprint(form))
    try:
        with house.transaction() as session:
            step.once(session, caller, word(form, "key") or None, asked, lambda: do(session))
    except (Refused, NotAllowed, Problem) as error:
        said = {each: word(form, each) for each in ("scope", "until", "reason")}
        with house.transaction() as session:
            return show(request, session, caller, code, Failed(name, problem_of(error), said))
    return RedirectResponse(f"/h/{code}?done={name}", 303)
