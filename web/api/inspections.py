"""Inspections, coverage and checklists for programs."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from models.clock import local
from models.enumerations import Grade, PlaceKind, PlaceStatus, SlaClass
from web import inspections, step
from web.api.cases import Key
from web.api.words import Code, CoverageQuery, InspectionQuery, NewInspection, UncoveredQuery, facts_of
from web.caller import Program
from web.house import house_of
from web.inspections import InspectionDetail, InspectionView, RecordedView, Wanted

router = APIRouter(tags=["inspections"])


class Inspections(BaseModel):
    items: list[InspectionView]
    next: str | None


class CoveredView(BaseModel):
    """`seen` of the places `in_scope` have been inspected; `tried` more were found closed twice and count half in `share` (0 … 1)."""

    model_config = ConfigDict(title="Covered")
    code: str
    name: str
    in_scope: int
    seen: int
    tried: int
    share: float | None


class Coverage(BaseModel):
    campaign: str | None
    items: list[CoveredView]
    next: str | None = None


class UncoveredView(BaseModel):
    """A place that nobody has been inside yet; `tried`: visits in vain, the last one that was recorded at `last_at`."""

    model_config = ConfigDict(title="Uncovered")
    code: str
    name: str
    kind: PlaceKind
    status: PlaceStatus
    village: str
    team: str
    tried: int
    last_at: datetime | None


class Uncovered(BaseModel):
    items: list[UncoveredView]
    next: str | None = None


class ItemView(BaseModel):
    """An item as today's criteria grade it; `since`: the day on which they came into force, if it was graded otherwise before."""

    model_config = ConfigDict(title="Item")
    code: str
    text: str
    finding: str
    measure: str
    grade: Grade
    sla_class: SlaClass
    clause: str
    since: date | None
    kinds: list[PlaceKind]
    photo: bool


class ChecklistView(BaseModel):
    model_config = ConfigDict(title="Checklist")
    code: str
    version: int
    title: str
    items: list[ItemView]


class Checklists(BaseModel):
    items: list[ChecklistView]
    next: str | None = None


class ChecklistQuery(BaseModel):
    kind: PlaceKind | None = None


@router.get("/inspections")
def list_inspections(request: Request, caller: Program, ask: Annotated[InspectionQuery, Query()]) -> Inspections:
    """Who inspected what, the newest first, of places within reach."""
    wanted = Wanted(ask.place, ask.village, ask.team, ask.post, ask.trigger, ask.result, ask.from_, ask.to)
    with house_of(request).transaction() as session:
        found, after = inspections.many(session, caller, wanted, ask.limit, ask.cursor)
    return Inspections(items=found, next=after)


@router.post("/inspections", status_code=201, response_model=RecordedView)
def record_inspection(request: Request, caller: Program, body: NewInspection, key: Key = None) -> Response:
    """Records a visit; an item that failed becomes a hazard. A record is never changed."""
    facts = facts_of(body)
    asked = step.digest("POST", "/inspections", body.model_dump(mode="json", exclude_unset=True))
    with house_of(request).transaction() as session:

        def do() -> dict[str, Any]:
            return inspections.record(session, caller, facts, post=body.as_post).model_dump(mode="json")

        answer = step.once(session, caller, key, asked, do)
    return JSONResponse(answer, 201, headers={"Location": f"/api/v1/inspections/{quote(answer['code'])}"})


@router.get("/inspections/coverage")
def read_coverage(request: Request, caller: Program, ask: Annotated[CoverageQuery, Query()]) -> Coverage:
    """覆盖率 in the campaign, by village, kind of place or supervising team; a village reads its own."""
    with house_of(request).transaction() as session:
        campaign, rows = inspections.covered(session, caller, ask.by)
    items = [
        CoveredView(code=row.code, name=row.name, in_scope=row.in_scope, seen=row.seen, tried=row.tried, share=row.share) for row in rows
    ]
    return Coverage(campaign=campaign, items=items)


@router.get("/inspections/uncovered")
def read_uncovered(request: Request, caller: Program, ask: Annotated[UncoveredQuery, Query()]) -> Uncovered:
    """The places in scope that nobody has been inside yet."""
    with house_of(request).transaction() as session:
        rows = inspections.left_out(session, caller, village=ask.village, team=ask.team, kind=ask.kind, limit=ask.limit)
    items = [
        UncoveredView(
            code=row.code, name=row.name, kind=row.kind, status=row.status, village=row.village, team=row.team, tried=row.tried,
            last_at=row.last_at and local(row.last_at),
        )
        for row in rows
    ]  # fmt: skip
    return Uncovered(items=items)


@router.get("/inspections/{code}")
def read_inspection(request: Request, caller: Program, code: Code) -> InspectionDetail:
    """One visit with its officers, its answers and the hazards that came of it."""
    with house_of(request).transaction() as session:
        return inspections.one(session, caller, code)


@router.get("/checklists")
def list_checklists(request: Request, caller: Program, ask: Annotated[ChecklistQuery, Query()]) -> Checklists:
    """The newest versions, with their items as today's criteria grade them."""
    with house_of(request).transaction() as session:
        found = inspections.checklists(session, caller, ask.kind)
    return Checklists(
        items=[
            ChecklistView(
                code=each.code, version=each.version, title=each.title,
                items=[ItemView.model_validate(item, from_attributes=True) for item in each.items],
            )
            for each in found
        ]
    )  # fmt: skip
