"""Hazards for programs: the list, a new one, what is known of the same thing; the rest as of every case (web/api/cases.py)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict

from models.enumerations import CaseKind, Grade, RecurrenceKind, SlaClass
from web import hazard, similar, step
from web.api.cases import Key, Noun, add_routes, answer_of, tagged
from web.api.words import HazardQuery, NewHazard, SimilarQuery, facts_of
from web.caller import Program
from web.hazard import HazardView, Wanted
from web.house import house_of

router = APIRouter(tags=["hazards"])


class Hazards(BaseModel):
    items: list[HazardView]
    next: str | None


class TwinView(BaseModel):
    model_config = ConfigDict(title="Twin")
    code: str
    description: str


class EarlierView(BaseModel):
    """A closed hazard that this one would repeat; `count` is how often it would have come back then."""

    model_config = ConfigDict(title="Earlier")
    code: str
    kind: RecurrenceKind
    closed_at: datetime
    count: int


class Similar(BaseModel):
    """Open ones at the place about the same thing: the new one would be a duplicate; else the latest closed one that it would repeat."""

    open_twins: list[TwinView]
    earlier: EarlierView | None


class RegradeOfferView(BaseModel):
    """An open hazard that today's criteria grade otherwise than it stands; `since`: the day from which they are in force."""

    model_config = ConfigDict(title="RegradeOffer")
    code: str
    item: str
    grade: Grade
    grade_now: Grade
    sla_class: SlaClass
    clause: str
    since: str


class RegradeOffers(BaseModel):
    items: list[RegradeOfferView]
    next: str | None = None


@router.get("/hazards")
def list_hazards(request: Request, caller: Program, ask: Annotated[HazardQuery, Query()]) -> Hazards:
    """Newest first, as far as the caller's posts reach."""
    wanted = Wanted(ask.state, ask.grade, ask.village, ask.team, ask.kind, ask.place, ask.overdue, q=ask.q)
    with house_of(request).transaction() as session:
        rows, after = hazard.many(session, caller, wanted, ask.limit, ask.cursor)
    return Hazards(items=[row.view for row in rows], next=after)


@router.post("/hazards", status_code=201, response_model=HazardView)
def register_hazard(request: Request, caller: Program, body: NewHazard, key: Key = None) -> Response:
    """登记 a hazard: it is `found`, and the dispatcher's clock runs."""
    facts = facts_of(body)
    asked = step.digest("POST", "/hazards", body.model_dump(mode="json", exclude_unset=True))
    with house_of(request).transaction() as session:

        def do() -> dict[str, Any]:
            outcome = step.find(session, caller, facts, post=body.as_post)
            return answer_of(session, caller, CaseKind.hazard, outcome.code)

        answer = step.once(session, caller, key, asked, do)
    return tagged(answer, 201, Location=f"/api/v1/hazards/{quote(answer['code'])}")


@router.get("/hazards/similar")
def read_similar(request: Request, caller: Program, ask: Annotated[SimilarQuery, Query()]) -> Similar:
    """What is known of the same thing, before a hazard is registered."""
    with house_of(request).transaction() as session:
        known = similar.known(session, caller, ask.place, ask.description, ask.item, ask.threat)
    twins = [TwinView(code=twin.code, description=twin.description) for twin in known.open_twins]
    e = known.earlier
    return Similar(open_twins=twins, earlier=e and EarlierView(code=e.code, kind=e.kind, closed_at=e.closed_at, count=e.count))


@router.get("/regrade_offers")
def list_regrade_offers(request: Request, caller: Program) -> RegradeOffers:
    """Open hazards within reach that criteria now in force grade otherwise than they stand."""
    with house_of(request).transaction() as session:
        offers = similar.to_regrade(session, caller)
    items = [
        RegradeOfferView(
            code=o.code, item=o.item, grade=o.grade, grade_now=o.grade_now, sla_class=o.sla_class, clause=o.clause,
            since=o.since.isoformat(),
        )
        for o in offers
    ]  # fmt: skip
    return RegradeOffers(items=items)


add_routes(router, Noun("hazards", CaseKind.hazard, HazardView, lenient=True))
