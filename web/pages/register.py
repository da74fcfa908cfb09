"""Registering a hazard: a photo first, then the place, then one of the usual hazards there or one's own words; and what was put right on
the spot, with its photo."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import text
from sqlmodel import Session

from models.deadlines import cap, due_at
from models.enumerations import CaseKind, Clock, EvidenceKind, Field, Grade, Nature, PostKind, SlaClass, Source, Threat
from models.rules import rules_of
from statemachines.errors import NotAllowed, Refused
from statemachines.hazard import FINDERS
from web import cases, evidence, hazard, places, step
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
FIXED = ("fixed", "principal_present", "fix_text")
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
    due: datetime


OFTEN = text("""
select h.item, count(*)
from (select id, place_id from cases where township_id = :township and kind = 'hazard' order by id desc limit 2000) c
join place p on p.id = c.place_id and p.kind = :kind join hazard h on h.case_id = c.id
where h.item is not null group by h.item
""")
NEWEST = text("""
select distinct on (code) body from checklist where township_id = :township order by code, version desc
""")


def usual_at(session: Session, caller: Caller, place: PlaceView) -> list[Usual]:
    """The usual hazards at a place of this kind, from the township's newest checklists; what is often found there comes first."""
    bodies = session.execute(NEWEST, {"township": caller.township_id}).scalars()
    items = (item for body in bodies for item in body.get("items", []) if str(place.kind) in item.get("kinds", []))
    due = _due_by_class(session, caller)
    often = dict(session.execute(OFTEN, {"township": caller.township_id, "kind": str(place.kind)}).tuples().all())
    return sorted((_usual(item, caller.day, due) for item in items), key=lambda usual: -often.get(usual.code, 0))


def _due_by_class(session: Session, caller: Caller) -> Callable[[Grade, SlaClass], datetime]:
    """When a hazard would be due that was assigned now."""
    rules = rules_of(session, caller.township_id)
    deadline = session.execute(DEADLINE, {"township": caller.township_id, "now": caller.now}).scalar()

    def due(grade: Grade, sla_class: SlaClass) -> datetime:
        limit = rules.limit(Clock.rectify, grade, sla_class, caller.day)
        return cap(due_at(caller.now, limit, rules.calendar), caller.now, deadline, rules.cap_leaves).due

    return due


DEADLINE = text("select min(deadline) from campaign where township_id = :township and starts_at <= :now and deadline > :now")


def _usual(item: Mapping[str, Any], today: date, due: Callable[[Grade, SlaClass], datetime]) -> Usual:
    now = dict(item)
    for change in item.get("changes", []):
        if change["from"] <= today.isoformat():
            now |= {name: change[name] for name in ("grade", "sla_class", "clause")}
    field = Field(now["field"]) if now.get("field") else None
    grade, sla_class = Grade(now["grade"]), SlaClass(now["sla_class"])
    return Usual(
        now["code"], now["finding"], now["clause"], now["measure"], grade, sla_class, Threat(now["threat"]), Nature(now["nature"]), field,
        now.get("location"), bool(now.get("coordination")), due(grade, sla_class),
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
        said = {name: word(form, name) for name in (*TYPED, "item", "report", "as_post", *FIXED)}
        with house.transaction() as session:
            return _page(request, session, caller, "", chosen, problem_of(error), said)
    back = word(form, "report")
    return RedirectResponse(f"/reports/{quote(back)}?hazard={code}&done=register" if back else f"/h/{code}?done=register", 303)


def _register(house: House, caller: Caller, chosen: str, form: Form) -> str:
    fixed, post = word(form, "fixed") == "yes", word(form, "as_post") or None
    pictures = {EvidenceKind.before: photos(form, "before"), EvidenceKind.after: photos(form, "after") if fixed else []}
    with house.transaction() as session:
        facts = _facts(session, caller, places.one(session, caller, chosen), form)

        def do() -> dict[str, Any]:
            code = step.find(session, caller, facts, post=post).code
            keep(session, house, caller, code, pictures, post)
            if fixed:
                _fix(session, caller, code, form, post)
            return {"code": code}

        shown = [each.sha256 for kind in pictures.values() for each in kind]
        answer = step.once(session, caller, word(form, "key") or None, step.digest("new", facts, fixed, shown), do)
    return str(answer["code"])


def _fix(session: Session, caller: Caller, code: str, form: Form, post: str | None) -> None:
    """What was put right before the inspector's eyes: registered and reported mended in one, or neither."""
    facts = {"principal_present": word(form, "principal_present") == "yes", "text": word(form, "fix_text") or None}
    step.take(session, caller, code, "fix_on_spot", facts, post=post, version=None)


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
    taken = evidence.shots(session, [row.id for row in open_here])
    return page(
        request, "new.html", frame(session, caller), problem.status if problem else 200, q=q, place=place, found=found, open_here=open_here,
        looks={id: shots[0] for id, shots in taken.items()}, may_fix=PostKind.inspector in caller.kinds,
        usual=usual_at(session, caller, place) if place else [], problem=problem, said=dict(said or {}), key=secrets.token_urlsafe,
        seats=[seat for seat in caller.seats if seat.kind in FINDERS], classes=list(SlaClass), sources=list(Source),
    )  # fmt: skip


def _lately(session: Session, caller: Caller) -> list[PlaceView]:
    """Before anything is searched for: the first places of the caller's reach."""
    return places.many(session, caller, places.Wanted(), 8)[0]
