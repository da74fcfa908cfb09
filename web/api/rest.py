"""Inbox, messages and statistics for programs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict

from models.clock import local
from models.enumerations import CaseKind, HazardState
from web import inbox, notices, numbers
from web.api.words import InboxQuery, NoticeQuery
from web.caller import Program
from web.house import house_of
from web.inbox import InboxView, WaitingView
from web.notices import NoticeView

router = APIRouter()


class Inbox(BaseModel):
    items: list[InboxView]
    next: str | None


class Waiting(BaseModel):
    items: list[WaitingView]
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


@router.get("/inbox", tags=["inbox"])
def read_inbox(request: Request, caller: Program, ask: Annotated[InboxQuery, Query()]) -> Inbox | Waiting:
    """What waits for the caller's posts, the soonest due first: hazards in full, or with `kinds` cases of these kinds in short."""
    kinds = list(CaseKind) if "all" in ask.kinds else [CaseKind(kind) for kind in ask.kinds]
    with house_of(request).transaction() as session:
        if kinds:
            waiting, rest = inbox.everything(session, caller, kinds, ask.limit, ask.cursor)
            return Waiting(items=waiting, next=rest)
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
