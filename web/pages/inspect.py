"""An inspection: the place, why, the checklist of its kind answered item by item; what failed is a hazard when it is saved."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import text
from sqlmodel import Session

from models.enumerations import LEADERS, AnswerWord, DocKind, EvidenceKind, HazardState, InspectionTrigger
from statemachines.errors import NotAllowed, Refused
from statemachines.officers import INSPECT, PATROLS
from statemachines.place_life import SEEN
from statemachines.registry import ENTERPRISE
from web import evidence, forms, hazard, inspections, places, step, story
from web.api.words import Code
from web.caller import Caller, Seat, Visitor, post_name
from web.hazard import OPEN, Wanted
from web.house import House, house_of
from web.inspections import Checklist, RecordedView
from web.pages.form import Form, photos, word
from web.pages.hazard import keep
from web.picture import Picture
from web.places import PlaceView
from web.problem import Problem, problem_of
from web.render import frame, page

router = APIRouter()
T = InspectionTrigger
FOUND, LENGTH = 20, 30


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may inspect too: a post's code and a name for the list."""

    post: str
    zh: str


@router.get("/inspect")
def ask(request: Request, caller: Visitor, q: str = "", place: str = "") -> Response:
    with house_of(request).transaction() as session:
        return _page(request, session, caller, q.strip(), place)


@router.post("/inspect")
def save(request: Request, caller: Visitor, form: Form) -> Response:
    house, chosen = house_of(request), word(form, "place")
    try:
        code = _save(house, caller, form, chosen)
    except (Refused, NotAllowed, Problem) as error:
        said = {name: value for name, value in form.multi_items() if isinstance(value, str)}
        with house.transaction() as session:
            return _page(request, session, caller, "", chosen, problem_of(error), said)
    return RedirectResponse(f"/inspections/{code}?done=inspect", 303)


def _save(house: House, caller: Caller, form: Form, chosen: str) -> str:
    """The visit and the photos of what failed, all of it or nothing."""
    with house.transaction() as session:
        place = places.one(session, caller, chosen)
        lists = inspections.checklists(session, caller, place.kind)
        items = [item.code for each in lists for item in each.items]
        pictures = {item: photos(form, f"photo-{item}") for item in items}
        facts, post = _facts(form, caller, place, lists), word(form, "as_post") or None

        def do() -> dict[str, Any]:
            done = inspections.record(session, caller, facts, post=post)
            _keep_photos(session, house, caller, done, pictures, post)
            return {"code": done.code}

        asked = step.digest("inspect", facts, sorted(each.sha256 for sent in pictures.values() for each in sent))
        return str(step.once(session, caller, word(form, "key") or None, asked, do)["code"])


def _keep_photos(
    session: Session, house: House, caller: Caller, done: RecordedView, pictures: Mapping[str, list[Picture]], post: str | None
) -> None:
    for answer in done.answers:
        if answer.hazard and pictures.get(answer.item):
            keep(session, house, caller, answer.hazard, {EvidenceKind.before: pictures[answer.item]}, post)


def _facts(form: Form, caller: Caller, place: PlaceView, lists: Sequence[Checklist]) -> dict[str, Any]:
    """What `record_inspection` asks for; what was left empty is left out."""
    inside = word(form, "outcome") != "not_accessible"
    typed = {name: word(form, name) for name in ("trigger", "leader_post", "note", "paper", "paper_no")}
    if not inside:
        typed |= {"result": "not_accessible", "status": word(form, "status")}
    signed = word(form, "signature")
    facts = {
        **typed, "place": place.code, "answers": _answers(form, lists) if inside else {}, "officers": _officers(form, caller),
        "unit_signed": signed == "signed", "refused_to_sign": signed == "refused",
    }  # fmt: skip
    return {name: value for name, value in facts.items() if value not in ("", [], {})}


def _answers(form: Form, lists: Sequence[Checklist]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for item in (item for each in lists for item in each.items):
        said = word(form, f"item-{item.code}")
        if said == AnswerWord.no:
            more = {"note": word(form, f"note-{item.code}"), "location": word(form, f"where-{item.code}")}
            found[item.code] = {"said": said, **{name: value for name, value in more.items() if value}}
        elif said:
            found[item.code] = {"said": said}
    return found


def _officers(form: Form, caller: Caller) -> list[dict[str, str]]:
    """The recorder with their certificate's number, and the second officer with theirs."""
    own, second = word(form, "certificate"), word(form, "second")
    me = [{"key": caller.person, "certificate": own}] if own else []
    return me + ([{"post": second, "certificate": word(form, "second_certificate")}] if second else [])


OFFICERS = text("""
select distinct on (post.code) post.code, post.kind, unit.kind as unit_kind, unit.name as unit_name, person.label
from post join unit on unit.id = post.unit_id
join holding on holding.post_id = post.id and :day >= from_day and :day <= coalesce(to_day, 'infinity')
join person on person.id = holding.person_id and person.id <> :me
where post.township_id = :township and post.active and post.kind = any(:kinds) order by post.code, deputy_of_id nulls first
""")


def _people(session: Session, caller: Caller, kinds: Sequence[str]) -> list[Person]:
    asked = {"township": caller.township_id, "day": caller.day, "me": caller.person_id, "kinds": list(kinds)}
    rows = session.execute(OFFICERS, asked).all()
    return [Person(row.code, f"{post_name(row.kind, row.unit_kind, row.unit_name)}（{row.label}）") for row in rows]


def triggers(caller: Caller) -> list[InspectionTrigger]:
    """Why the caller's posts may inspect: an enterprise checks itself, a village patrols, everybody else for any reason."""
    if caller.kinds & INSPECT:
        return list(T)
    return [T.patrol] if caller.kinds & PATROLS else [T.routine]


def _page(
    request: Request, session: Session, caller: Caller, q: str, chosen: str, problem: Problem | None = None,
    said: Mapping[str, str] | None = None,
) -> Response:  # fmt: skip
    place = places.one(session, caller, chosen) if chosen else None
    found = [] if place else places.many(session, caller, places.Wanted(q=q or None), FOUND if q else 8)[0]
    official = bool(caller.kinds & INSPECT)
    return page(
        request, "inspect.html", frame(session, caller), problem.status if problem else 200, q=q, place=place, found=found, problem=problem,
        said=dict(said or {}), lists=inspections.checklists(session, caller, place.kind) if place else [], triggers=triggers(caller),
        open_here=hazard.many(session, caller, Wanted(OPEN, place=chosen), 5)[0] if place else [], key=secrets.token_urlsafe,
        seats=[seat for seat in caller.seats if _inspects(seat)], official=official, papers=list(DocKind), seen=SEEN,
        others=_people(session, caller, [*INSPECT]) if place and official else [],
        leaders=_people(session, caller, [*LEADERS]) if place and official else [], own=bool(caller.kinds & ENTERPRISE),
    )  # fmt: skip


def _inspects(seat: Seat) -> bool:
    return seat.kind in INSPECT | PATROLS | ENTERPRISE


class Filters(BaseModel):
    model_config = ConfigDict(extra="ignore")
    place: Code | None = None
    cursor: Annotated[str | None, Field(max_length=400)] = None


@router.get("/inspections")
def many(request: Request, caller: Visitor, ask: Annotated[Filters, Query()]) -> Response:
    with house_of(request).transaction() as session:
        rows, after = inspections.many(session, caller, inspections.Wanted(place=ask.place), LENGTH, ask.cursor)
        return page(request, "inspections.html", frame(session, caller), rows=rows, after=after, ask=ask)


@router.get("/inspections/{code}")
def one(request: Request, caller: Visitor, code: str) -> Response:
    """What was asked and answered, and what came of it."""
    with house_of(request).transaction() as session:
        view = inspections.one(session, caller, code)
        posts = [view.recorded_by, *(each.post for each in view.officers), *([view.leader_post] if view.leader_post else [])]
        rows = session.execute(STATES, {"township": caller.township_id, "codes": view.hazards})
        states = {row.code: HazardState(row.state) for row in rows}
        return page(
            request, "inspection.html", frame(session, caller), view=view, names=story.names_of(session, caller.township_id, posts),
            states=states, found=[each for each in view.answers if each.hazard], rest=[each for each in view.answers if not each.hazard],
        )  # fmt: skip


@router.get("/h/{code}/recheck")
def recheck(request: Request, caller: Visitor, code: str) -> Response:
    """At the place again: the finding beside the shutter, and 合格 or 不合格 in one tap. Its forms are the hazard's own."""
    with house_of(request).transaction() as session:
        row = hazard.one(session, caller, code)
        offered = {offer.trigger: (offer, seat) for offer, seat in step.offered(session, caller, code)}
        taken = evidence.shots(session, [row.id]).get(row.id, [])
        asks = {name: forms.asks(session, caller, row, name, offered[name][1].code) for name in CHECKED if name in offered}
        return page(
            request, "inspect_again.html", frame(session, caller), row=row, view=row.view, offered=offered, asks=asks,
            before=[shot for shot in taken if shot.kind == EvidenceKind.before],
            fixed=[shot for shot in taken if shot.kind == EvidenceKind.after and shot.round == row.view.round],
            metres=evidence.metres_off(row, taken), key=secrets.token_urlsafe,
        )  # fmt: skip


CHECKED = ("reinspect_pass", "reinspect_fail")
STATES = text("select code, state from cases where township_id = :township and kind = 'hazard' and code = any(:codes)")
