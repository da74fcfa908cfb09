"""What anybody may see and say without signing in: a place's board behind its QR code, a report (随手拍), and what became of it.

Nothing here reads a login but to offer its holder the inspection; nothing here names a person or shows what only the office knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import text
from sqlmodel import Session

from models.enumerations import HazardState, ReportState, StartWork, Verdict
from statemachines.errors import LawError, Refused
from statemachines.gate import gate_of
from statemachines.report import token_hash
from web import reports
from web.caller import Caller, SignInFirst, visitor
from web.house import house_of
from web.pages.form import Form, word
from web.problem import Problem, problem_of
from web.render import bare
from web.words import short

router = APIRouter()
QUIET = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}
SHORT_ANSWER, LONG_ANSWER = 200, 2000


@dataclass(frozen=True, slots=True)
class Board:
    """A place as everybody may know it. `major`: the major hazards, which have to be made public, without who answers for them."""

    township: str
    code: str
    name: str
    village: str
    open: int
    closed: int
    start_work: StartWork
    because: tuple[str, ...]
    major: tuple[Any, ...]


PLACE = text("""
select place.id, place.code, place.name, place.township_id, village.name as village, township.name as township, place.start_work,
    (select count(*) from cases c where c.place_id = place.id and c.kind = 'hazard' and c.ended_at is null) as open,
    (select count(*) from cases c where c.place_id = place.id and c.kind = 'hazard' and c.state = 'closed') as closed
from place join unit village on village.id = place.village_id join township on township.id = place.township_id
where place.qr_token = :token
""")
MAJOR = text("""
select h.description, c.state, h.due_at, h.listing from cases c join hazard h on h.case_id = c.id
where c.place_id = :id and c.kind = 'hazard' and c.ended_at is null and (c.grade = 'major' or h.listing <> 'none')
    and h.confidentiality is null and c.state <> 'found'
order by c.id
""")


@router.get("/p/{token}")
def board(request: Request, token: str) -> Response:
    with house_of(request).transaction() as session:
        return _board(request, session, token)


@router.post("/p/{token}")
def report_here(request: Request, token: str, form: Form) -> Response:
    try:
        return _receive(request, form, token=token)
    except (Refused, Problem) as error:
        with house_of(request).transaction() as session:
            return _board(request, session, token, problem_of(error), _typed(form))


@router.get("/report")
def ask(request: Request, township: str = "") -> Response:
    with house_of(request).transaction() as session:
        return _form(session, township)


@router.post("/report")
def report_anywhere(request: Request, form: Form) -> Response:
    try:
        return _receive(request, form)
    except (Refused, Problem) as error:
        with house_of(request).transaction() as session:
            return _form(session, word(form, "township"), problem_of(error), _typed(form))


def _board(
    request: Request, session: Session, token: str, problem: Problem | None = None, said: Mapping[str, str] | None = None
) -> Response:
    status = problem.status if problem else 200
    return bare(
        "public_place.html", status, QUIET, board=_find(session, token), path=f"/p/{token}", problem=problem, said=dict(said or {}),
        signed_in=_signed_in(request), short=short, HazardState=HazardState,
    )  # fmt: skip


def _find(session: Session, token: str) -> Board:
    row = session.execute(PLACE, {"token": token}).first()
    if row is None:
        raise Problem(404, "没有这个二维码对应的场所。", "No place has this QR code.")
    gate = gate_of(session, row.township_id, row.code)
    because = tuple(dict.fromkeys(cause.kind.zh for cause in gate.because))
    major = tuple(session.execute(MAJOR, {"id": row.id}).all())
    return Board(row.township, row.code, row.name, row.village, row.open, row.closed, gate.state, because, major)


def _signed_in(request: Request) -> Caller | None:
    try:
        return visitor(request)
    except SignInFirst:
        return None


TOWNSHIPS = text("select code, name from township order by id")


def _form(session: Session, chosen: str, problem: Problem | None = None, said: Mapping[str, str] | None = None) -> Response:
    """The form without a place; where there are several townships it asks which."""
    townships = session.execute(TOWNSHIPS).all()
    return bare(
        "public_report.html", problem.status if problem else 200, QUIET, townships=townships, chosen=chosen, path="/report",
        problem=problem, said=dict(said or {}),
    )  # fmt: skip


def _typed(form: Form) -> dict[str, str]:
    return {name: word(form, name) for name in ("description", "said_place", "name", "contact", "people_in_danger")}


def _receive(request: Request, form: Form, *, token: str | None = None) -> Response:
    """Keeps the report and leads to where its reporter follows it. Raises Refused(report), Problem 429 for too many from one machine."""
    house = house_of(request)
    reports.wait(request)
    typed = _typed(form)
    said = reports.Said(
        typed["description"], typed["said_place"][:SHORT_ANSWER] or None, token, typed["name"][:SHORT_ANSWER] or None,
        typed["contact"][:SHORT_ANSWER] or None, typed["people_in_danger"] == "yes", township=word(form, "township") or None,
    )  # fmt: skip
    with house.transaction() as session:
        received = reports.from_stranger(house, session, said)
    return RedirectResponse(f"/report/{received.token}?new=1", 303, headers=QUIET)


STANDING = text("""
select c.state, c.opened_at, c.due_at, c.version, r.description, r.answer, r.answered_at, r.verdict, place.name as place, r.said_place,
    township.name as township, hazard.state as hazard_state
from public_report r join cases c on c.id = r.case_id join township on township.id = c.township_id
left join place on place.id = c.place_id left join cases hazard on hazard.id = r.hazard_id
where r.token_hash = :hash
""")


@router.get("/report/{token}")
def follow(request: Request, token: str) -> Response:
    with house_of(request).transaction() as session:
        return _follow(request, session, token)


@router.post("/report/{token}")
def judge(request: Request, token: str, form: Form) -> Response:
    """满意, or 没有整改好 with what is still wrong: then the office looks again."""
    house = house_of(request)
    said = word(form, "verdict")
    trigger = {str(Verdict.satisfied): "accept_answer", str(Verdict.not_fixed): "dispute_answer"}.get(said)
    try:
        if trigger is None:
            raise Problem(422, "请选择“满意”或“没有整改好”。", "Choose one of the two.")
        with house.transaction() as session:
            reports.judge(house, session, token, trigger, {"reason": word(form, "reason")[:LONG_ANSWER]})
    except (LawError, Problem) as error:
        with house.transaction() as session:
            return _follow(request, session, token, problem_of(error), word(form, "reason"))
    return RedirectResponse(f"/report/{token}", 303, headers=QUIET)


def _follow(request: Request, session: Session, token: str, problem: Problem | None = None, said: str = "") -> Response:
    mine = reports.mine(session, token)
    code = mine.code
    row = session.execute(STANDING, {"hash": token_hash(token)}).one()
    state = ReportState(row.state)
    return bare(
        "public_followed.html", problem.status if problem else 200, QUIET, row=row, code=code, state=state, problem=problem, said=said,
        path=f"/report/{token}", new=request.query_params.get("new") == "1", link=_here(request, f"/report/{token}"),
        hazard=short(HazardState(row.hazard_state)) if row.hazard_state else "", now=house_of(request).clock.now(),
        steps=_steps(state),
    )  # fmt: skip


def _here(request: Request, path: str) -> str:
    return f"{request.url.scheme}://{request.url.netloc}{path}"


def _steps(state: ReportState) -> list[tuple[str, str]]:
    """Where it stands on the way that reporters see: received, looked at, answered."""
    at = {ReportState.received: 1, ReportState.disputed: 1, ReportState.substantiated: 2, ReportState.unfounded: 2}.get(state, 3)
    names = ("已收到", "核实", "答复")
    return [(name, "done" if place < at else "here" if place == at else "ahead") for place, name in enumerate(names)]
