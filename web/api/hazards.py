"""Hazards for programs: list, one, its history, what may happen, and every trigger."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body, File, Form, Header, Query, Request, Response, UploadFile
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from models.enumerations import EvidenceKind
from web import evidence, hazard, history, picture, step
from web.api.words import Code, HazardQuery, NewEvidence, NewHazard, Page, StepBody, facts_of
from web.caller import Caller, Program
from web.evidence import EvidenceView, Said
from web.hazard import HazardView, Wanted
from web.house import house_of
from web.problem import Problem

router = APIRouter(tags=["hazards"])
IfMatch = Annotated[str | None, Header(alias="If-Match", description="The version that was read, as the ETag gave it.")]
Key = Annotated[str | None, Header(alias="Idempotency-Key", description="The same key with the same body gives the first answer again.")]
TAG = re.compile(r'(?:W/)?"?(\d{1,9})"?')


class Hazards(BaseModel):
    items: list[HazardView]
    next: str | None


class OfferView(BaseModel):
    """A trigger that this case knows in this state or not, and whether the caller may fire it now, in the name of `post`."""

    model_config = ConfigDict(title="Offer")
    trigger: str
    zh: str
    en: str
    post: str
    allowed: bool
    reason: str | None
    detail: str | None
    detail_en: str | None


class Offers(BaseModel):
    items: list[OfferView]
    next: str | None = None


class EventView(BaseModel):
    """One line of a hazard's history. `hash` is sha256 of `prev_hash` and `body`; `texts` are the free texts that `facts` name by hash."""

    model_config = ConfigDict(title="Event", populate_by_name=True)
    seq: int
    trigger: str
    from_: str | None = Field(serialization_alias="from")
    to: str
    post: str
    at: datetime
    facts: dict[str, Any]
    texts: dict[str, str]
    body: str
    prev_hash: str
    hash: str


class Events(BaseModel):
    items: list[EventView]
    next: str | None


class Photos(BaseModel):
    items: list[EvidenceView]
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
            return _answer(session, caller, outcome.code)

        answer = step.once(session, caller, key, asked, do)
    return _hazard(answer, 201, Location=f"/api/v1/hazards/{answer['code']}")


@router.get("/hazards/{code}", response_model=HazardView)
def read_hazard(request: Request, caller: Program, code: Code) -> Response:
    """One hazard; its ETag is what If-Match takes."""
    with house_of(request).transaction() as session:
        return _hazard(_answer(session, caller, code), 200)


@router.get("/hazards/{code}/events")
def read_events(request: Request, caller: Program, code: Code, ask: Annotated[Page, Query()]) -> Events:
    """The history, oldest first."""
    with house_of(request).transaction() as session:
        row = hazard.one(session, caller, code)
        events, after = history.page(session, row.id, ask.limit, ask.cursor)
    items = [
        EventView(
            seq=e.seq, trigger=e.trigger, from_=e.from_state, to=e.to_state, post=e.post, at=e.at, facts=e.facts, texts=e.texts,
            body=e.body, prev_hash=e.prev_hash, hash=e.hash,
        )
        for e in events
    ]  # fmt: skip
    return Events(items=items, next=after)


@router.get("/hazards/{code}/triggers")
def read_triggers(request: Request, caller: Program, code: Code) -> Offers:
    """What the caller may do with the hazard now, and why not the rest."""
    with house_of(request).transaction() as session:
        hazard.one(session, caller, code)
        offered = step.offered(session, caller, code)
    items = [
        OfferView(
            trigger=o.trigger, zh=o.zh, en=o.en, post=seat.code, allowed=o.allowed, reason=o.reason, detail=o.detail, detail_en=o.detail_en
        )
        for o, seat in offered
    ]
    return Offers(items=items)


@router.get("/hazards/{code}/evidence")
def list_evidence(request: Request, caller: Program, code: Code) -> Photos:
    """The photos of a hazard, oldest first."""
    with house_of(request).transaction() as session:
        return Photos(items=evidence.listed(session, hazard.one(session, caller, code).id))


@router.post("/hazards/{code}/evidence", status_code=201, response_model=EvidenceView)
def add_evidence(
    request: Request,
    caller: Program,
    code: Code,
    file: Annotated[UploadFile, File()],
    kind: Annotated[EvidenceKind, Form()],
    taken_at: Annotated[AwareDatetime | None, Form()] = None,
    lat: Annotated[float | None, Form(ge=-90, le=90)] = None,
    lon: Annotated[float | None, Form(ge=-180, le=180)] = None,
    note: Annotated[str | None, Form()] = None,
    as_post: Annotated[str | None, Form()] = None,
    key: Key = None,
) -> Response:
    """A photo (JPEG, PNG, WebP, HEIC; 12 MB at most). Its own time and place win over what is said beside it.

    The same photo again answers 200 with what is already there.
    """
    said = _said(kind=kind, taken_at=taken_at, lat=lat, lon=lon, note=note, as_post=as_post)
    sent = file.file.read(picture.BYTES_AT_MOST + 1)
    photo = picture.read(sent)
    asked = step.digest("POST", f"/hazards/{code}/evidence", said.model_dump(mode="json"), photo.sha256)
    house = house_of(request)
    with house.transaction() as session:

        def do() -> dict[str, Any]:
            row = hazard.one(session, caller, code)
            told = Said(said.kind, said.taken_at, said.lat, said.lon, said.note)
            view, new = evidence.add(session, house.evidence, caller, row, photo, told, said.as_post)
            return {"status": 201 if new else 200, "body": view.model_dump(mode="json")}

        answer = step.once(session, caller, key, asked, do)
    return JSONResponse(answer["body"], answer["status"])


@router.post("/hazards/{code}/{trigger}", response_model=HazardView)
def fire(
    request: Request,
    caller: Program,
    code: Code,
    trigger: Code,
    body: Annotated[StepBody, Body()] = StepBody(),
    if_match: IfMatch = None,
    key: Key = None,
) -> Response:
    """Fires a trigger; answers the hazard as it stands then."""
    step.known(trigger)
    version = _version(if_match)
    facts = facts_of(body)
    asked = step.digest("POST", f"/hazards/{code}/{trigger}", body.model_dump(mode="json", exclude_unset=True))
    with house_of(request).transaction() as session:

        def do() -> dict[str, Any]:
            step.take(session, caller, code, trigger, facts, post=body.as_post, version=version)
            return _answer(session, caller, code)

        answer = step.once(session, caller, key, asked, do)
    return _hazard(answer, 200)


def _answer(session: Any, caller: Caller, code: str) -> dict[str, Any]:
    return hazard.one(session, caller, code).view.model_dump(mode="json")


def _hazard(answer: dict[str, Any], status: int, **headers: str) -> Response:
    return JSONResponse(answer, status, headers={"ETag": f'"{answer["version"]}"', **headers})


def _version(if_match: str | None) -> int | None:
    """The version that the caller has read; None for `*`. Raises Problem 428 without one, 422 for what is no ETag of ours."""
    if if_match is None or not if_match.strip():
        raise Problem(428, "请带上 If-Match，注明你看到的版本号。", "Send If-Match with the version that you have read (its ETag).")
    if if_match.strip() == "*":
        return None
    tag = TAG.fullmatch(if_match.strip())
    if tag is None:
        raise Problem(422, 'If-Match 应为隐患的版本号，例如 "3"。', 'If-Match must be the ETag of the hazard, such as "3".')
    return int(tag[1])


def _said(**given: Any) -> NewEvidence:
    try:
        return NewEvidence(**given)
    except ValidationError as error:
        raise RequestValidationError([{**each, "loc": ("body", *each["loc"])} for each in error.errors()]) from error
