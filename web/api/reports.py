"""Public reports for programs: sent and followed without an account, handled like any other case with one."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from models.enumerations import CaseKind
from web import cases, reports
from web.api.applications import Listed, states_of
from web.api.cases import IfMatch, Noun, add_routes, version_of
from web.api.words import CaseQuery, Code, NewReport, Reading, Verdict, facts_of
from web.caller import Caller, Program, bearer, program
from web.cases import ReportView, Wanted
from web.house import house_of
from web.reports import MineView, Said

public = APIRouter(tags=["reports"])
router = APIRouter(tags=["reports"])


class NewReportView(BaseModel):
    """A report that came in. `token` is told once: whoever has it follows the report."""

    model_config = ConfigDict(title="ReceivedReport")
    code: str
    token: str


class IdentityView(BaseModel):
    """Who reported, as far as they said."""

    model_config = ConfigDict(title="Identity")
    code: str
    name: str | None
    contact: str | None


def somebody(request: Request) -> Caller | None:
    """The caller where a token was brought; it has to be a good one then."""
    return program(request) if bearer(request) else None


def token_of(
    token: Annotated[str | None, Query(max_length=200)] = None,
    header: Annotated[str | None, Header(alias="Report-Token", max_length=200)] = None,
) -> str | None:
    return header or token


Somebody = Annotated[Caller | None, Depends(somebody)]
Token = Annotated[str | None, Depends(token_of)]


@public.post("/reports", status_code=201)
def report(request: Request, caller: Somebody, body: NewReport) -> NewReportView:
    """举报: anybody may, without an account; ten in ten minutes from one machine. Who brings a token takes it down for somebody else."""
    said = Said(**facts_of(body))
    house = house_of(request)
    if caller is None:
        reports.wait(request)
    with house.transaction() as session:
        by_office = caller and reports.taken_down(session, caller, said, post=body.as_post)
        received = by_office or reports.from_stranger(house, session, said)
    return NewReportView(code=received.code, token=received.token)


@public.get("/reports/mine")
def read_mine(request: Request, token: Token) -> MineView:
    """How far one's own report is; the token in the header `Report-Token` (or as `?token=`)."""
    with house_of(request).transaction() as session:
        return reports.mine(session, token)


@public.post("/reports/mine/{trigger}")
def judge(request: Request, token: Token, trigger: Code, body: Verdict = Verdict()) -> MineView:
    """`accept_answer`, or `dispute_answer` with a reason."""
    house = house_of(request)
    with house.transaction() as session:
        return reports.judge(house, session, token, trigger, facts_of(body))


@router.get("/reports")
def list_reports(request: Request, caller: Program, ask: Annotated[CaseQuery, Query()]) -> Listed[ReportView]:
    """Newest first; for posts of the whole township."""
    wanted = Wanted(states_of(CaseKind.report, ask.state), ask.pending, ask.overdue, place=ask.place, village=ask.village)
    with house_of(request).transaction() as session:
        rows, after = cases.many(session, caller, CaseKind.report, wanted, ask.limit, ask.cursor)
    return Listed(items=[row.view for row in rows], next=after)


@router.post("/reports/{code}/read_identity", response_model=IdentityView)
def read_identity(request: Request, caller: Program, code: Code, body: Reading = Reading(), if_match: IfMatch = None) -> Response:
    """Who reported: the office head alone, with a reason; every reading stands in the history. The answer is kept nowhere."""
    version = version_of(if_match)
    with house_of(request).transaction() as session:
        who = reports.read_identity(session, caller, code, facts_of(body), post=body.as_post, version=version)
    view = IdentityView(code=who.code, name=who.name, contact=who.contact)
    return JSONResponse(view.model_dump(), headers={"ETag": f'"{who.version}"'})


add_routes(router, Noun("reports", CaseKind.report, ReportView))
