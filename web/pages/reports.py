"""Public reports at the office: found true or untrue, answered in time; who reported is read by the office head alone, and written down."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import text
from sqlmodel import Session

from models.enumerations import LEADERS, CaseKind, PostKind, ReportState
from statemachines.errors import NotAllowed, Refused, Stale
from statemachines.foresee import foresee
from statemachines.report import VERIFIERS
from web import cases, forms, history, notices, reports, story
from web.api.words import Code
from web.caller import Caller, Visitor
from web.house import house_of
from web.pages.acts import Action, Failed, actions
from web.pages.form import Form, number, word
from web.problem import Problem, problem_of
from web.render import frame, page

router = APIRouter()
LENGTH = 30
READERS = VERIFIERS | LEADERS | {PostKind.district_office, PostKind.district_department}
SHOWN = (("open", "待办理"), ("overdue", "已逾期"), ("answered", "已答复"), ("all", "全部"))


class Filters(BaseModel):
    """`show`: open (unless said otherwise), overdue, answered, all."""

    model_config = ConfigDict(extra="ignore")
    show: Annotated[str, Field(max_length=20)] = "open"
    cursor: str | None = Field(None, max_length=400)


def check_reader(caller: Caller) -> None:
    """Raises Problem 403 for whoever has nothing to do with public reports: the fewer read them, the safer is who reported."""
    if not caller.kinds & READERS:
        raise Problem(403, "群众举报由镇安办和站所办理，你的岗位不能查看。", "Public reports are the office's to read.", reason="post")


@router.get("/reports")
def read(request: Request, caller: Visitor, ask: Annotated[Filters, Query()]) -> Response:
    check_reader(caller)
    wanted = {
        "open": cases.Wanted(pending=True), "overdue": cases.Wanted(overdue=True), "answered": cases.Wanted(pending=False),
    }.get(ask.show, cases.Wanted())  # fmt: skip
    with house_of(request).transaction() as session:
        rows, after = cases.many(session, caller, CaseKind.report, wanted, LENGTH, ask.cursor, soonest=ask.show in ("open", "overdue"))
        return page(request, "reports.html", frame(session, caller), rows=rows, after=after, ask=ask, shown=SHOWN)


class Aimed(BaseModel):
    """`hazard`: what was just registered from the report, to be named as what it became."""

    model_config = ConfigDict(extra="ignore")
    hazard: Code = ""


@router.get("/reports/{code}")
def one(request: Request, caller: Visitor, code: str, ask: Annotated[Aimed, Query()]) -> Response:
    with house_of(request).transaction() as session:
        return show(request, session, caller, code, None, hazard=ask.hazard)


@router.post("/reports/{code}/read_identity")
def read_identity(request: Request, caller: Visitor, code: str, form: Form) -> Response:
    """The name and the contact, once the reading stands in history: both or neither."""
    asks = forms.asks_of(CaseKind.report, "read_identity")
    house = house_of(request)
    try:
        with house.transaction() as session:
            facts, post = forms.facts(form, caller, asks), word(form, "as_post") or None
            found = reports.read_identity(session, caller, code, facts, post=post, version=number(form, "version"))
            answer = show(request, session, caller, code, None, identity=found)
    except (Refused, NotAllowed, Stale) as error:
        with house.transaction() as session:
            return show(request, session, caller, code, Failed("read_identity", problem_of(error), forms.said(form, asks), code))
    answer.headers["Cache-Control"] = "no-store"
    return answer


HERE = text("""
select c.code, h.description from cases c join hazard h on h.case_id = c.id join place on place.id = c.place_id
where c.township_id = :township and place.code = :place order by c.ended_at is null desc, c.id desc limit 8
""")


def show(
    request: Request, session: Session, caller: Caller, code: str, failed: Failed | None, *, identity: reports.Identity | None = None,
    hazard: str = "",
) -> Response:  # fmt: skip
    """One report; with `failed` its form is open again, holding what was typed."""
    check_reader(caller)
    row = cases.one(session, caller, CaseKind.report, code)
    here = session.execute(HERE, {"township": caller.township_id, "place": row.view.place or ""}).all()
    given = {"hazard": hazard or row.view.hazard or ""}
    may = [_with_choices(action, [(each.code, f"{each.code} {each.description}") for each in here]) for action in
           actions(session, caller, CaseKind.report, code, given=given)]  # fmt: skip
    return page(
        request, "report.html", frame(session, caller), failed.problem.status if failed else 200, row=row, view=row.view, actions=may,
        lines=story.tell(session, caller.township_id, history.whole(session, row.id), CaseKind.report)[::-1], failed=failed, here=here,
        coming=foresee(session, caller.township_id, code, caller.now, public_url=house_of(request).settings.public_url),
        told=notices.of_case(session, row.id), identity=identity, key=secrets.token_urlsafe,
        waiting=row.view.state in (ReportState.received, ReportState.disputed), aimed=hazard,
    )  # fmt: skip


def _with_choices(action: Action, hazards: list[tuple[str, str]]) -> Action:
    """The hazards of the place stand ready to be chosen."""
    asks = tuple(replace(ask, choices=tuple(hazards), names=True) if ask.name == "hazard" else ask for ask in action.asks)
    return replace(action, asks=asks)
