"""The registry of places for programs: what is there, what has become of it, whether it may work."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from models.enumerations import Field, PlaceKind
from statemachines.registry_report import Gaps, Overlaps
from web import gates, places, step
from web.api.cases import Key
from web.api.words import Code, GateMove, NewPlace, NewStatus, PlaceChanges, PlaceQuery
from web.caller import Program
from web.gates import GateView
from web.house import house_of
from web.places import PlaceDetail, PlaceView

router = APIRouter(tags=["places"])


class Places(BaseModel):
    items: list[PlaceView]
    next: str | None


class PlaceWithGate(PlaceDetail):
    """A place with its start-work gate, its details and its paper trail."""

    model_config = ConfigDict(title="PlaceWithGate")
    gate: GateView


class TokenView(BaseModel):
    """What the place's QR code holds: `POST /reports` takes it as `place_token`."""

    model_config = ConfigDict(title="QrToken")
    place: str
    qr_token: str


class OverlapView(BaseModel):
    """How many places are in exactly these lists and in no other."""

    model_config = ConfigDict(title="Overlap")
    nine_small: bool
    street_shop: bool
    crowded: bool
    count: int


class OverlapsView(BaseModel):
    """`rows` add up to `total`, the different places; `counted_twice`: by how much the three lists together are more than that."""

    model_config = ConfigDict(title="Overlaps")
    rows: list[OverlapView]
    total: int
    nine_small: int
    street_shop: int
    crowded: int
    listed: int
    counted_twice: int


class UnownedField(BaseModel):
    """A field that no team answers for, and how many places are of it."""

    field: Field
    places: int


class CountView(BaseModel):
    """How many places of a kind were expected, and how many are there; `gone` of them have moved, been demolished, or repeat one."""

    model_config = ConfigDict(title="Count")
    kind: PlaceKind
    expected: int
    found: int
    gone: int


class RegistryReport(BaseModel):
    """Overlaps of the lists, holes in the matrix of responsibility, and the registry's counts beside what was expected."""

    overlaps: OverlapsView
    unowned_fields: list[UnownedField]
    fallback_places: list[str]
    teams_without_head: list[str]
    teams_without_inspectors: list[str]
    vacant_posts: list[str]
    unanswered_places: list[str]
    counts: list[CountView]


@router.get("/places")
def list_places(request: Request, caller: Program, ask: Annotated[PlaceQuery, Query()]) -> Places:
    """The registry, in the order of registration."""
    with house_of(request).transaction() as session:
        found, after = places.many(session, caller, places.Wanted(ask.kind, ask.village, None, ask.q), ask.limit, ask.cursor)
    return Places(items=found, next=after)


@router.post("/places", status_code=201, response_model=PlaceView)
def add_place(request: Request, caller: Program, body: NewPlace, key: Key = None) -> Response:
    """Registers a place; the office's posts may. Post, team and field are the usual ones unless given."""
    asked = step.digest("POST", "/places", body.model_dump(mode="json", exclude_unset=True))
    with house_of(request).transaction() as session:

        def do() -> dict[str, Any]:
            return places.add(session, caller, body.model_dump(exclude_none=True)).model_dump(mode="json")

        answer = step.once(session, caller, key, asked, do)
    return JSONResponse(answer, 201, headers={"Location": f"/api/v1/places/{quote(answer['code'])}"})


@router.get("/places/report")
def read_report(request: Request, caller: Program) -> RegistryReport:
    """What the registry says about itself; for posts of the whole township."""
    with house_of(request).transaction() as session:
        overlaps, gaps = places.report(session, caller)
    return _report(overlaps, gaps)


@router.get("/places/{code}")
def read_place(request: Request, caller: Program, code: Code) -> PlaceWithGate:
    """One place with its gate, its details and its paper trail."""
    with house_of(request).transaction() as session:
        whole = places.whole(session, caller, code)
        return PlaceWithGate(**whole.model_dump(), gate=gates.read(session, caller, code))


@router.patch("/places/{code}", response_model=PlaceDetail)
def change_place(request: Request, caller: Program, code: Code, body: PlaceChanges, key: Key = None) -> Response:
    """Changes name, team, responsible post, field, lists or details; the office's posts may. Open hazards stay with their posts."""
    changes = body.model_dump(exclude_unset=True, exclude={"reason", "note", "as_post"})
    asked = step.digest("PATCH", f"/places/{code}", body.model_dump(mode="json", exclude_unset=True))
    with house_of(request).transaction() as session:

        def do() -> dict[str, Any]:
            changed = places.change(session, caller, code, body.reason, body.note, changes, post=body.as_post)
            return changed.model_dump(mode="json")

        return JSONResponse(step.once(session, caller, key, asked, do))


@router.post("/places/{code}/status", response_model=PlaceDetail)
def set_status(request: Request, caller: Program, code: Code, body: NewStatus, key: Key = None) -> Response:
    """What has become of the place: locked, shut, moved, a duplicate …"""
    asked = step.digest("POST", f"/places/{code}/status", body.model_dump(mode="json", exclude_unset=True))
    with house_of(request).transaction() as session:

        def do() -> dict[str, Any]:
            changed = places.set_status(session, caller, code, body.to, body.reason, body.note, body.same_as, post=body.as_post)
            return changed.model_dump(mode="json")

        return JSONResponse(step.once(session, caller, key, asked, do))


@router.post("/places/{code}/qr_token")
def make_qr_token(request: Request, caller: Program, code: Code) -> TokenView:
    """The token of the place's QR code, made when it is first asked for; the office's posts may."""
    with house_of(request).transaction() as session:
        return TokenView(place=code, qr_token=places.qr_token(session, caller, code))


@router.get("/places/{code}/gate")
def read_gate(request: Request, caller: Program, code: Code) -> GateView:
    """May this place work, since when, and why (not)?"""
    with house_of(request).transaction() as session:
        return gates.read(session, caller, code)


@router.post("/places/{code}/gate/{move}", response_model=GateView)
def move_gate(
    request: Request, caller: Program, code: Code, move: Code, body: GateMove = GateMove(), key: Key = None
) -> Response:
    """`ask_resumption`: the unit asks to work again. `allow`: somebody else consents after a review."""
    asked = step.digest("POST", f"/places/{code}/gate/{move}", body.model_dump(mode="json", exclude_unset=True))
    with house_of(request).transaction() as session:

        def do() -> dict[str, Any]:
            moved = gates.move(session, caller, code, move, body.note, body.answers, post=body.as_post)
            return moved.model_dump(mode="json")

        return JSONResponse(step.once(session, caller, key, asked, do))


def _report(overlaps: Overlaps, gaps: Gaps) -> RegistryReport:
    lists = OverlapsView.model_validate(overlaps, from_attributes=True)
    return RegistryReport(
        overlaps=lists,
        unowned_fields=[UnownedField(field=field, places=count) for field, count in gaps.fields],
        fallback_places=list(gaps.fallback_places),
        teams_without_head=list(gaps.teams_without_head),
        teams_without_inspectors=list(gaps.teams_without_inspectors),
        vacant_posts=list(gaps.vacant_posts),
        unanswered_places=list(gaps.unanswered_places),
        counts=[CountView.model_validate(count, from_attributes=True) for count in gaps.counts],
    )
