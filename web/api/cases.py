"""Every kind of case for programs: one, its history, what may happen, its evidence, and every trigger; the same code for all kinds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body, File, Form, Header, Query, Request, Response, UploadFile
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from sqlmodel import Session

from models.clock import local, parse_time
from models.enumerations import CaseKind, EvidenceKind
from web import cases, evidence, foresee, history, picture, silences, step
from web.api.words import Code, NewEvidence, Page, StepBody, When, facts_of
from web.caller import Caller, Program
from web.evidence import EvidenceView, Said
from web.foresee import ForeseenView
from web.house import house_of
from web.problem import Problem
from web.silences import SilenceView

IfMatch = Annotated[str | None, Header(alias="If-Match", description="The version that was read, as the ETag gave it.")]
Key = Annotated[str | None, Header(alias="Idempotency-Key", description="The same key with the same body gives the first answer again.")]
TAG = re.compile(r'(?:W/)?"?(\d{1,9})"?')


@dataclass(frozen=True, slots=True)
class Noun:
    """A kind of case under its path. `lenient`: facts that nobody knows are passed over, as they always were of hazards."""

    path: str
    kind: CaseKind
    view: type[BaseModel]
    lenient: bool = False


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
    """One line of a case's history. `hash` is sha256 of `prev_hash` and `body`; `texts` are the free texts that `facts` name by hash."""

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


class Horizon(BaseModel):
    """`until`: how far is looked, a time or a day (its 00:00); without it up to the first repeat of each ladder's last rung."""

    until: Annotated[datetime, BeforeValidator(parse_time)] | None = Field(None, examples=["2023-03-20T18:00:00+08:00", "2023-03-20"])


class Ahead(BaseModel):
    """What is said of a case from business time `now` on while nobody touches it, soonest first."""

    model_config = ConfigDict(
        title="WhoHearsWhatWhen",
        json_schema_extra={
            "examples": [
                {
                    "code": "YH-2023-0001", "now": "2023-02-24T10:00:00+08:00", "next": None,
                    "items": [
                        {
                            "at": "2023-02-26T23:59:59+08:00", "clock": "rectify", "level": 2, "rung": 5, "repeat": 0, "cause": "rung",
                            "purpose": "overdue", "due_at": "2023-02-23T23:59:59+08:00", "urge_letter": False, "empty": [],
                            "why": "到了这一级：整改期限2月23日 23:59，已过3天",
                            "hearings": [
                                {
                                    "person": "p-003", "post": "deputy", "post_name": "分管班子成员", "for_post": "deputy",
                                    "standing_in_for": None, "channel": "wecombot", "told_at": "2023-02-27T07:00:00+08:00",
                                    "held": "quiet_hours", "held_until": "2023-02-27T07:00:00+08:00", "lines": 1,
                                    "text": "【逾期升级·2级】YH-2023-0001 …",
                                }
                            ],
                        }
                    ],
                }
            ]
        },
    )  # fmt: skip
    code: str
    now: datetime
    items: list[ForeseenView]
    next: str | None = None


class Silences(BaseModel):
    items: list[SilenceView]
    next: str | None = None


def add_routes(router: APIRouter, noun: Noun) -> None:
    """What can be asked of one case and done with it. Paths that are more particular have to be added before."""
    _add_reading(router, noun)
    _add_voice(router, noun)
    _list_evidence(router, noun)
    _add_evidence(router, noun)
    _add_steps(router, noun)


def _add_reading(router: APIRouter, noun: Noun) -> None:
    @router.get(f"/{noun.path}/{{code}}", response_model=noun.view)
    def read_one(request: Request, caller: Program, code: Code) -> Response:
        """One of them; its ETag is what If-Match takes."""
        with house_of(request).transaction() as session:
            return tagged(answer_of(session, caller, noun.kind, code), 200)

    @router.get(f"/{noun.path}/{{code}}/events")
    def read_events(request: Request, caller: Program, code: Code, ask: Annotated[Page, Query()]) -> Events:
        """The history, oldest first."""
        with house_of(request).transaction() as session:
            row = cases.find(session, caller, noun.kind, code)
            events, after = history.page(session, row.id, ask.limit, ask.cursor)
        return Events(items=[_event(each) for each in events], next=after)

    @router.get(f"/{noun.path}/{{code}}/triggers")
    def read_triggers(request: Request, caller: Program, code: Code) -> Offers:
        """What the caller may do with it now, and why not the rest."""
        with house_of(request).transaction() as session:
            cases.find(session, caller, noun.kind, code)
            offered = step.offered(session, caller, code)
        items = [
            OfferView(
                trigger=o.trigger, zh=o.zh, en=o.en, post=seat.code, allowed=o.allowed, reason=o.reason, detail=o.detail,
                detail_en=o.detail_en,
            )
            for o, seat in offered
        ]  # fmt: skip
        return Offers(items=items)


def _add_voice(router: APIRouter, noun: Noun) -> None:
    @router.get(f"/{noun.path}/{{code}}/foresee")
    def read_ahead(request: Request, caller: Program, code: Code, ask: Annotated[Horizon, Query()]) -> Ahead:
        """Who hears what when if nobody does anything. Nothing is sent or changed."""
        house = house_of(request)
        with house.transaction() as session:
            found = foresee.of_case(session, caller, noun.kind, code, ask.until, public_url=house.settings.public_url)
        return Ahead(code=code, now=local(caller.now), items=[foresee.view_of(each) for each in found])

    @router.get(f"/{noun.path}/{{code}}/silences")
    def read_silences(request: Request, caller: Program, code: Code) -> Silences:
        """Silences about it, its place or its village, oldest first, those that have ended too."""
        with house_of(request).transaction() as session:
            found = silences.of_case(session, caller, noun.kind, code)
        return Silences(items=[silences.view_of(each, caller.now) for each in found])


def _list_evidence(router: APIRouter, noun: Noun) -> None:
    @router.get(f"/{noun.path}/{{code}}/evidence")
    def list_evidence(request: Request, caller: Program, code: Code) -> Photos:
        """Its photos and papers, oldest first."""
        with house_of(request).transaction() as session:
            return Photos(items=evidence.listed(session, cases.find(session, caller, noun.kind, code).id))


def _add_evidence(router: APIRouter, noun: Noun) -> None:
    @router.post(f"/{noun.path}/{{code}}/evidence", status_code=201, response_model=EvidenceView)
    def add_evidence(
        request: Request,
        caller: Program,
        code: Code,
        file: Annotated[UploadFile, File()],
        kind: Annotated[EvidenceKind, Form()],
        taken_at: Annotated[When | None, Form()] = None,
        lat: Annotated[float | None, Form(ge=-90, le=90)] = None,
        lon: Annotated[float | None, Form(ge=-180, le=180)] = None,
        note: Annotated[str | None, Form()] = None,
        as_post: Annotated[str | None, Form()] = None,
        sha256: Annotated[str | None, Form(description="Of the file, in hex: another one than announced is refused.")] = None,
        head: Annotated[UploadFile | None, File(description="The first 128 KB of a photo's original, if the photo was shrunk.")] = None,
        key: Key = None,
    ) -> Response:
        """A photo (JPEG, PNG, WebP, HEIC), for a document or a signature also a PDF; 12 MB at most.

        A photo's own time and place win over what is said beside it; one that lost them when it was shrunk has them from `head`. The
        same file again answers 200 with what is already there.
        """
        said = _said(kind=kind, taken_at=taken_at, lat=lat, lon=lon, note=note, as_post=as_post)
        return _keep_evidence(request, caller, noun, code, said, _received(file, kind, sha256, head), key)


def _received(file: UploadFile, kind: EvidenceKind, sha256: str | None, head: UploadFile | None) -> picture.Picture | picture.Paper:
    sent = picture.receive(file.file.read(picture.BYTES_AT_MOST + 1), kind, file.filename or "", sha256)
    if head and isinstance(sent, picture.Picture):
        return picture.with_head(sent, head.file.read(picture.HEAD_AT_MOST))
    return sent


def _keep_evidence(
    request: Request, caller: Caller, noun: Noun, code: str, said: NewEvidence, sent: picture.Picture | picture.Paper, key: str | None
) -> Response:
    asked = step.digest("POST", f"/{noun.path}/{code}/evidence", said.model_dump(mode="json"), sent.sha256)
    house = house_of(request)
    with house.transaction() as session:

        def do() -> dict[str, Any]:
            row = cases.find(session, caller, noun.kind, code)
            told = Said(said.kind, said.taken_at, said.lat, said.lon, said.note)
            view, new = evidence.add(session, house.evidence, caller, row, sent, told, said.as_post)
            return {"status": 201 if new else 200, "body": view.model_dump(mode="json")}

        answer = step.once(session, caller, key, asked, do)
    return JSONResponse(answer["body"], answer["status"])


def _add_steps(router: APIRouter, noun: Noun) -> None:
    @router.post(f"/{noun.path}/{{code}}/{{trigger}}", response_model=noun.view)
    def fire(
        request: Request,
        caller: Program,
        code: Code,
        trigger: Code,
        body: Annotated[StepBody, Body()] = StepBody(),
        if_match: IfMatch = None,
        key: Key = None,
    ) -> Response:
        """Fires a trigger; answers the case as it stands then."""
        step.known(trigger, noun.kind)
        version = version_of(if_match)
        if not noun.lenient:
            _known_only(body)
        asked = step.digest("POST", f"/{noun.path}/{code}/{trigger}", body.model_dump(mode="json", exclude_unset=True))
        with house_of(request).transaction() as session:

            def do() -> dict[str, Any]:
                cases.find(session, caller, noun.kind, code)
                step.take(session, caller, code, trigger, facts_of(body), post=body.as_post, version=version)
                return answer_of(session, caller, noun.kind, code)

            answer = step.once(session, caller, key, asked, do)
        return tagged(answer, 200)


def answer_of(session: Session, caller: Caller, kind: CaseKind, code: str) -> dict[str, Any]:
    """A case as it is told to programs."""
    told: dict[str, Any] = cases.find(session, caller, kind, code).view.model_dump(mode="json")
    return told


def tagged(answer: Mapping[str, Any], status: int, **headers: str) -> Response:
    """A case with its version as ETag."""
    return JSONResponse(answer, status, headers={"ETag": f'"{answer["version"]}"', **headers})


def version_of(if_match: str | None, *, needed: bool = True) -> int | None:
    """The version that the caller has read; None for `*`, and without one where none is needed.

    Raises Problem 428 without one, 422 for what is no ETag of ours.
    """
    said = (if_match or "").strip()
    if not said and needed:
        raise Problem(428, "请带上 If-Match，注明你看到的版本号。", "Send If-Match with the version that you have read (its ETag).")
    if said in ("", "*"):
        return None
    tag = TAG.fullmatch(said)
    if tag is None:
        raise Problem(422, 'If-Match 应为版本号，例如 "3"。', 'If-Match must be an ETag as it was given, such as "3".')
    return int(tag[1])


def _known_only(body: StepBody) -> None:
    unknown = sorted(body.model_extra or {})
    if unknown:
        errors = [{"where": name, "message": "unknown"} for name in unknown]
        raise Problem(422, f"没有这些内容项：{'、'.join(unknown)}。", f"Nobody knows these facts: {', '.join(unknown)}.", errors=errors)


def _event(e: history.EventRow) -> EventView:
    return EventView(
        seq=e.seq, trigger=e.trigger, from_=e.from_state, to=e.to_state, post=e.post, at=e.at, facts=dict(e.facts), texts=dict(e.texts),
        body=e.body, prev_hash=e.prev_hash, hash=e.hash,
    )  # fmt: skip


def _said(**given: Any) -> NewEvidence:
    try:
        return NewEvidence(**given)
    except ValidationError as error:
        raise RequestValidationError([{**each, "loc": ("body", *each["loc"])} for each in error.errors()]) from error
