"""Registering a hazard: the place first, then one of the usual hazards there or one's own words, and photos."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import text
from sqlmodel import Session

from models.enumerations import CaseKind, EvidenceKind, Field, Grade, Nature, SlaClass, Source, Threat
from statemachines.errors import NotAllowed, Refused
from statemachines.hazard import FINDERS
from web import cases, hazard, places, step
from web.caller import Caller, Visitor
from web.hazard import OPEN, Wanted
from web.house import House, house_of
from web.pages.form import Form, photos, word
from web.pages.hazard import keep
from web.places import PlaceView
from web.problem import Problem, problem_of
from web.render import frame, page

router = APIRouter()
FOUND = 20
TYPED = ("description", "exact_location", "measure", "grade", "sla_class", "source")


@dataclass(frozen=True, slots=True)
class Usual:
    """A hazard that is often found in such places, graded by what is in force today."""

    code: str
    finding: str
    clause: str
    measure: str
    grade: Grade
    sla_class: SlaClass
    threat: Threat
    nature: Nature
    field: Field | None
    location: str | None
    coordination: bool


NEWEST = text("""
select distinct on (code) body from checklist where township_id = :township order by code, version desc
""")


def usual_at(session: Session, caller: Caller, place: PlaceView) -> list[Usual]:
    """The usual hazards at a place of this kind, from the township's newest checklists."""
    bodies = session.execute(NEWEST, {"township": caller.township_id}).scalars()
    items = (item for body in bodies for item in body.get("items", []) if str(place.kind) in item.get("kinds", []))
    return [_usual(item, caller.day) for item in items]


def _usual(item: Mapping[str, Any], today: date) -> Usual:
    now = dict(item)
    for change in item.get("changes", []):
        if change["from"] <= today.isoformat():
            now |= {name: change[name] for name in ("grade", "sla_class", "clause")}
    field = Field(now["field"]) if now.get("field") else None
    return Usual(
        now["code"], now["finding"], now["clause"], now["measure"], Grade(now["grade"]), SlaClass(now["sla_class"]), Threat(now["threat"]),
        Nature(now["nature"]), field, now.get("location"), bool(now.get("coordination")),
    )  # fmt: skip


@router.get("/new")
def ask(request: Request, caller: Visitor, q: str = "", place: str = "", report: str = "") -> Response:
    """`report`: the code of the public report that the hazard is registered from; saving leads back to it."""
    with house_of(request).transaction() as session:
        said = _from_report(session, caller, report) if report else None
        return _page(request, session, caller, q.strip(), place, said=said)


def _from_report(session: Session, caller: Caller, code: str) -> dict[str, str]:
    view = cases.one(session, caller, CaseKind.report, code).view
    return {"report": code, "description": view.description, "exact_location": view.said_place or "", "source": Source.public}


@router.post("/new")
def register(request: Request, caller: Visitor, form: Form) -> Response:
    house, chosen = house_of(request), word(form, "place")
    try:
        code = _register(house, caller, chosen, form)
    except (Refused, NotAllowed, Problem) as error:
        said = {name: word(form, name) for name in (*TYPED, "item", "report")}
        with house.transaction() as session:
            return _page(request, session, caller, "", chosen, problem_of(error), said)
    back = word(form, "report")
    return RedirectResponse(f"/reports/{quote(back)}?hazard={code}&done=register" if back else f"/h/{code}?done=register", 303)


def _register(house: House, caller: Caller, chosen: str, form: Form) -> str:
    pictures = photos(form, "before")
    with house.transaction() as session:
        facts = _facts(session, caller, places.one(session, caller, chosen), form)

        def do() -> dict[str, Any]:
            code = step.find(session, caller, facts, post=word(form, "as_post") or None).code
            keep(session, house, caller, code, {EvidenceKind.before: pictures}, word(form, "as_post") or None)
            return {"code": code}

        answer = step.once(session, caller, word(form, "key") or None, step.digest("new", facts, [each.sha256 for each in pictures]), do)
    return str(answer["code"])


def _facts(session: Session, caller: Caller, place: PlaceView, form: Form) -> dict[str, Any]:
    """What was typed wins over what the checklist's item says."""
    usual = next((each for each in usual_at(session, caller, place) if each.code == word(form, "item")), None)
    from_list: dict[str, Any] = {}
    if usual:
        from_list = {
            "item": usual.code, "description": usual.finding, "measure": usual.measure, "grade": usual.grade, "sla_class": usual.sla_class,
            "threat": usual.threat, "nature": usual.nature, "field": usual.field, "exact_location": usual.location,
            "legal_basis": [usual.clause], "needs_gov_coordination": usual.coordination,
        }  # fmt: skip
    typed = {name: word(form, name) for name in TYPED}
    said = {**from_list, **{name: value for name, value in typed.items() if value}, "place": place.code}
    if said.get("grade") == Grade.major:
        said["sla_class"] = SlaClass.major
    return {name: value for name, value in said.items() if value is not None}


def _page(
    request: Request,
    session: Session,
    caller: Caller,
    q: str,
    chosen: str,
    problem: Problem | None = None,
    said: Mapping[str, str] | None = None,
) -> Response:
    place = places.one(session, caller, chosen) if chosen else None
    found = [] if place else places.many(session, caller, places.Wanted(q=q), FOUND)[0] if q else _lately(session, caller)
    open_here = hazard.many(session, caller, Wanted(OPEN, place=chosen), 5)[0] if place else []
    return page(
        request, "new.html", frame(session, caller), problem.status if problem else 200, q=q, place=place, found=found, open_here=open_here,
        usual=usual_at(session, caller, place) if place else [], problem=problem, said=dict(said or {}), key=secrets.token_urlsafe,
        seats=[seat for seat in caller.seats if seat.kind in FINDERS], classes=list(SlaClass), sources=list(Source),
    )  # fmt: skip


def _lately(session: Session, caller: Caller) -> list[PlaceView]:
    """Before anything is searched for: the first places of the caller's reach."""
    return places.many(session, caller, places.Wanted(), 8)[0]
