"""A form about any case that isn't a hazard: fired, and back to the page on which the case stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from sqlmodel import Session

from models.enumerations import CaseKind, EvidenceKind
from statemachines.errors import LawError, NotAllowed, Refused, Stale
from web import cases, evidence, forms, step
from web.caller import Caller, Visitor
from web.evidence import Said
from web.forms import Ask
from web.house import House, house_of
from web.pages import duties, hazard, reports
from web.pages.acts import Failed
from web.pages.form import Form, files, number, word
from web.problem import Problem, problem_of
from web.render import way_back

router = APIRouter()
Show = Callable[[Request, Session, Caller, str, Failed | None], Response]
SHOWS: Mapping[CaseKind, Show] = {CaseKind.duty: duties.show, CaseKind.report: reports.show}


@router.post("/c/{code}/{trigger}")
def fire(request: Request, caller: Visitor, code: str, trigger: str, form: Form) -> Response:
    """What is refused comes back with everything that was typed."""
    house = house_of(request)
    with house.transaction() as session:
        kind = hazard.kind_of(session, caller, code)
        row = cases.one(session, caller, kind, code)
        elsewhere = hazard.address(session, caller, code) or "/inbox"
    step.known(trigger, kind)
    asks = forms.asks_of(kind, trigger, getattr(row.view, "wanted", ()))
    try:
        _fire(house, caller, row, trigger, form, asks)
    except (Refused, NotAllowed, Stale, Problem) as error:
        return _again(request, caller, row, trigger, error, forms.said(form, asks))
    path, hash_, anchor = way_back(word(form, "next"), elsewhere).partition("#")
    return RedirectResponse(f"{path}{'&' if '?' in path else '?'}done={trigger}{hash_}{anchor}", 303)


def _fire(house: House, caller: Caller, row: cases.Row, trigger: str, form: Form, asks: tuple[Ask, ...]) -> None:
    version, post, code = number(form, "version"), word(form, "as_post"), row.view.code
    if version is None or not post:
        raise Problem(428, "页面缺少版本号，请刷新后再办理。", "The form carries no version.")
    given = forms.facts(form, caller, asks)
    kinds = [EvidenceKind(ask.kind) for ask in asks if ask.kind in forms.FILES]
    sent = [(kind, each) for kind in kinds for each in files(form, kind, kind)]
    if sent and row.view.version == version:
        with house.transaction() as session:
            for kind, each in sent:
                evidence.add(session, house.evidence, caller, row, each, Said(kind), post)

    with house.transaction() as session:

        def do() -> dict[str, Any]:
            return {"version": step.take(session, caller, code, trigger, given, post=post, version=version).version}

        step.once(session, caller, word(form, "key") or None, step.digest(code, trigger, forms.fingerprint(form)), do)


def _again(request: Request, caller: Caller, row: cases.Row, trigger: str, error: LawError | Problem, said: Mapping[str, str]) -> Response:
    """The page of the case, or that of the hazard which it is about."""
    failed, kind = Failed(trigger, problem_of(error), said, row.view.code), CaseKind(row.view.kind)
    with house_of(request).transaction() as session:
        if kind in SHOWS:
            return SHOWS[kind](request, session, caller, row.view.code, failed)
        return hazard.show(request, session, caller, row.view.hazard or "", failed)
