"""Duties for programs: definitions, runs, tasks; a run is a case like any other (web/api/cases.py)."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict

from models.enumerations import CaseKind
from web import cases, duties, step
from web.api.applications import Listed, states_of
from web.api.cases import Key, Noun, add_routes, tagged
from web.api.words import DutyQuery, NewTask
from web.caller import Program
from web.cases import DutyView, Wanted
from web.duties import OfDuty
from web.house import house_of

router = APIRouter(tags=["duties"])


class DefinitionView(BaseModel):
    """A duty of the township. `body`: owner, rhythm, evidence, season and the rest of what its file says (docs/duties.md)."""

    model_config = ConfigDict(title="Duty")
    code: str
    version: int
    title: str
    pack: str | None
    leader: bool
    body: dict[str, Any]


class PackView(BaseModel):
    model_config = ConfigDict(title="DutyPack")
    code: str
    title: str
    note: str | None


class Definitions(BaseModel):
    items: list[DefinitionView]
    packs: list[PackView]
    next: str | None = None


@router.get("/duties")
def list_runs(request: Request, caller: Program, ask: Annotated[DutyQuery, Query()]) -> Listed[DutyView]:
    """Runs and tasks, the newest first: one's own post's, one's own village's, or the whole township's."""
    given = Wanted(
        states_of(CaseKind.duty, ask.state), ask.pending, ask.overdue, ask.hazard, ask.place, ask.village, ask.owner
    )
    wanted = duties.wanted(given, OfDuty(ask.task, ask.duty, ask.pack, ask.from_, ask.to))
    with house_of(request).transaction() as session:
        rows, after = cases.many(session, caller, CaseKind.duty, wanted, ask.limit, ask.cursor)
    return Listed(items=[row.view for row in rows], next=after)


@router.post("/duties", status_code=201, response_model=DutyView)
def set_task(request: Request, caller: Program, body: NewTask, key: Key = None) -> Response:
    """The office sets somebody a task that is done once."""
    asked = step.digest("POST", "/duties", body.model_dump(mode="json", exclude_unset=True))
    with house_of(request).transaction() as session:

        def do() -> dict[str, Any]:
            row = duties.set_task(
                session, caller, owner_post=body.owner_post, title=body.title, due_at=body.due_at, place=body.place, wanted=body.wanted,
                post=body.as_post,
            )  # fmt: skip
            told: dict[str, Any] = row.view.model_dump(mode="json")
            return told

        answer = step.once(session, caller, key, asked, do)
    return tagged(answer, 201, Location=f"/api/v1/duties/{quote(answer['code'])}")


@router.get("/duties/definitions")
def read_definitions(request: Request, caller: Program) -> Definitions:
    """The duties as data, each in its newest version, and the packs that they belong to."""
    with house_of(request).transaction() as session:
        defined, packs = duties.definitions(session, caller)
    return Definitions(
        items=[DefinitionView.model_validate(each, from_attributes=True) for each in defined],
        packs=[PackView.model_validate(each, from_attributes=True) for each in packs],
    )


add_routes(router, Noun("duties", CaseKind.duty, DutyView))
