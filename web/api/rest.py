"""Places, inbox, messages and statistics for programs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from models.clock import local
from models.enumerations import HazardState
from web import inbox, notices, numbers, places
from web.api.words import NewPlace, NoticeQuery, Page, PlaceQuery
from web.caller import Program
from web.house import house_of
from web.inbox import InboxView
from web.notices import NoticeView
from web.places import PlaceView

router = APIRouter()


class Places(BaseModel):
    items: list[PlaceView]
    next: str | None


class Inbox(BaseModel):
    items: list[InboxView]
    next: str | None


class Notices(BaseModel):
    items: list[NoticeView]
    next: str | None


class TallyView(BaseModel):
    """Hazards counted: found = closed + open + ended_otherwise. `rate`: closed among the valid in percent, null where nothing is valid."""

    found: int
    closed: int
    open: int
    ended_otherwise: int
    overdue: int
    major_open: int
    major_overdue: int
    rate: float | None


class SliceView(TallyView):
    code: str
    name: str
    places: int


class CampaignView(BaseModel):
    code: str
    title: str
    deadline: datetime
    days_left: int
    needed_per_day: float | None
    closed_per_day_lately: float


class Stats(TallyView):
    """The numbers as of `at`, as far as the caller's posts reach."""

    model_config = ConfigDict(title="Stats")
    at: datetime
    by_state: dict[HazardState, int]
    by_kind: list[SliceView]
    by_village: list[SliceView]
    campaign: CampaignView | None


@router.get("/places", tags=["places"])
def list_places(request: Request, caller: Program, ask: Annotated[PlaceQuery, Query()]) -> Places:
    """The registry, in the order of registration."""
    with house_of(request).transaction() as session:
        found, after = places.many(session, caller, places.Wanted(ask.kind, ask.village, None, ask.q), ask.limit, ask.cursor)
    return Places(items=found, next=after)


@router.post("/places", tags=["places"], status_code=201, response_model=PlaceView)
def add_place(request: Request, caller: Program, body: NewPlace) -> Response:
    """Registers a place; the office's posts may. Post, team and field are the usual ones unless given."""
    with house_of(request).transaction() as session:
        added = places.add(session, caller, body.model_dump(exclude_none=True))
    return JSONResponse(added.model_dump(mode="json"), 201)


@router.get("/inbox", tags=["inbox"])
def read_inbox(request: Request, caller: Program, ask: Annotated[Page, Query()]) -> Inbox:
    """What waits for the caller's posts, the soonest due first."""
    with house_of(request).transaction() as session:
        found, after = inbox.page(session, caller, ask.limit, ask.cursor)
    return Inbox(items=[InboxView(**row.view.model_dump(), todo=todo) for row, todo in found], next=after)


@router.get("/notices", tags=["notices"])
def list_notices(request: Request, caller: Program, ask: Annotated[NoticeQuery, Query()]) -> Notices:
    """Messages about what the caller may read and those to themselves, newest first."""
    with house_of(request).transaction() as session:
        found, after = notices.many(session, caller, ask.limit, ask.cursor, ask.state, ask.hazard)
    return Notices(items=[told.view for told in found], next=after)


@router.get("/stats", tags=["stats"])
def read_stats(request: Request, caller: Program) -> Stats:
    """The campaign in numbers."""
    with house_of(request).transaction() as session:
        read = numbers.read(session, caller)
    return Stats(
        at=local(caller.now), **_tally(read.whole), by_state={state: read.whole.by_state.get(state, 0) for state in HazardState},
        by_kind=[_slice(each) for each in read.kinds], by_village=[_slice(each) for each in read.villages], campaign=_campaign(read),
    )  # fmt: skip


def _tally(tally: numbers.Tally) -> dict[str, float | None]:
    return {name: getattr(tally, name) for name in TallyView.model_fields}


def _slice(each: numbers.Slice) -> SliceView:
    return SliceView(code=each.code, name=each.name, places=each.places, **_tally(each.tally))


def _campaign(read: numbers.Numbers) -> CampaignView | None:
    if read.campaign is None:
        return None
    needed = None if read.pace.needed is None else round(read.pace.needed, 2)
    return CampaignView(
        code=read.campaign.code, title=read.campaign.title, deadline=local(read.campaign.deadline), days_left=read.campaign.days_left,
        needed_per_day=needed, closed_per_day_lately=round(read.pace.lately, 2),
    )  # fmt: skip
