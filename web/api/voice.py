"""What will be said, and what is silenced, for programs: of a hazard that isn't registered yet, and every silence; the rest in cases.py."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from models.clock import local
from models.enumerations import Grade, SlaClass
from models.silence import Scope
from web import foresee, silences, step
from web.api.cases import Horizon, Key, Silences
from web.api.words import Code, Text, When
from web.caller import Program
from web.foresee import ForeseenView
from web.house import house_of
from web.silences import SilenceView

router = APIRouter(tags=["voice"])
Number = Annotated[int, Path(ge=1, lt=2**31)]


class Rehearsed(BaseModel):
    """What would be said from business time `now` on; the code in the words is the next number."""

    now: datetime
    items: list[ForeseenView]
    next: str | None = None


class NewHazardQuery(Horizon):
    """A hazard as it would be registered; `assigned`: and assigned in the same moment."""

    place: Code
    grade: Grade | None = None
    sla_class: SlaClass | None = None
    item: Code | None = None
    assigned: bool = False


class SilenceQuery(BaseModel):
    """`active`: those that hold now, or those that don't; without it all there have been."""

    active: bool | None = None


class NewSilence(BaseModel):
    """`about`: the code of a case, a place or a village; of `person` one's own key. What can't be so the law refuses (409)."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"scope": "case", "about": "YH-2023-0001", "until": "2023-03-03T18:00:00+08:00", "reason": "配件3月3日到货"}]
        },
    )
    scope: Scope
    about: Code
    until: When
    reason: Text
    as_post: Code | None = None


class Lift(BaseModel):
    model_config = ConfigDict(extra="forbid", title="LiftOfSilence", json_schema_extra={"examples": [{"as_post": "office-head"}]})
    as_post: Code | None = None


@router.get("/foresee")
def foresee_a_new_hazard(request: Request, caller: Program, ask: Annotated[NewHazardQuery, Query()]) -> Rehearsed:
    """Who would hear what when of a hazard that is registered now, at a place within reach, and that nobody touches. Nothing is kept."""
    house = house_of(request)
    facts = ask.model_dump(exclude_none=True, include={"place", "grade", "sla_class", "item"})
    with house.transaction() as session:
        found = foresee.of_new(session, caller, facts, ask.until, assigned=ask.assigned, public_url=house.settings.public_url)
    return Rehearsed(now=local(caller.now), items=[foresee.view_of(each) for each in found])


@router.get("/silences")
def list_silences(request: Request, caller: Program, ask: Annotated[SilenceQuery, Query()]) -> Silences:
    """Silences about what the caller may read, the first to end first."""
    with house_of(request).transaction() as session:
        found = silences.many(session, caller, ask.active)
    return Silences(items=[silences.view_of(each, caller.now) for each in found])


@router.post("/silences", status_code=201, response_model=SilenceView)
def silence(request: Request, caller: Program, body: NewSilence, key: Key = None) -> Response:
    """静默: reminders and escalations wait for its end. A case, a place or a village: the office's head and above; oneself who is away."""
    asked = step.digest("POST", "/silences", body.model_dump(mode="json", exclude_unset=True))
    with house_of(request).transaction() as session:

        def do() -> dict[str, Any]:
            put = silences.put(session, caller, body.scope, body.about, body.until, body.reason, post=body.as_post)
            return silences.view_of(put, caller.now).model_dump(mode="json")

        return JSONResponse(step.once(session, caller, key, asked, do), 201)


@router.post("/silences/{id}/lift", response_model=SilenceView)
def lift(request: Request, caller: Program, id: Number, body: Annotated[Lift, Body()] = Lift(), key: Key = None) -> Response:
    """Ends a silence now; what it held back and is still so is said once."""
    asked = step.digest("POST", f"/silences/{id}/lift", body.model_dump(mode="json", exclude_unset=True))
    with house_of(request).transaction() as session:

        def do() -> dict[str, Any]:
            return silences.view_of(silences.lift(session, caller, id, post=body.as_post), caller.now).model_dump(mode="json")

        return JSONResponse(step.once(session, caller, key, asked, do))
