"""Places: the registry, one place's file with its start-work gate and trail, its QR code, and the forms that change them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any

import segno
from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response
from markupsafe import Markup
from pydantic import BaseModel, ConfigDict, model_validator
from pydantic import Field as PydanticField
from sqlalchemy import text
from sqlmodel import Session

from models.enumerations import LEADERS, CaseKind, InspectionResult, PlaceKind, PlaceStatus, PostKind, StartWork
from models.enumerations import Field as TradeField
from statemachines.errors import NotAllowed, Refused
from statemachines.gate import CONSENTERS, Gate, GateReason, gate_of, start_items
from statemachines.place_life import STATUS
from statemachines.registry import ENTERPRISE, OFFICE
from web import cases, gates, hazard, inspections, places, story
from web.api.words import Code, Codes, Text
from web.caller import Caller, Visitor
from web.hazard import OPEN, Wanted
from web.house import house_of
from web.pages.form import Form, word
from web.pages.table import table
from web.places import PlaceDetail, PlaceEventView, PlaceView
from web.problem import Problem, problem_of
from web.render import frame, page

router = APIRouter()
LENGTH = 30
STATUS_KEEPERS = OFFICE | LEADERS | {PostKind.inspector, PostKind.station_head}


class Filters(BaseModel):
    model_config = ConfigDict(extra="ignore")
    q: Text | None = None
    kind: PlaceKind | None = None
    village: Code | None = None
    field: TradeField | None = None
    sort: Code = ""
    cols: Codes = []
    cursor: str | None = PydanticField(None, max_length=1000)

    @model_validator(mode="before")
    @classmethod
    def _without_blanks(cls, given: Any) -> Any:
        """A select of a form that asks for everything sends an empty word."""
        return {name: value for name, value in given.items() if value not in ("", [""])} if isinstance(given, dict) else given


HEADS = {
    "name": "场所", "code": "编号", "kind": "类别", "village": "村", "address": "地址", "status": "状态", "gate": "开工许可",
    "open": "未销号",
}  # fmt: skip
VILLAGES = text("select code, name from unit where township_id = :township and kind = 'village' order by code")


@router.get("/places")
def registry(request: Request, caller: Visitor, ask: Annotated[Filters, Query()]) -> Response:
    with house_of(request).transaction() as session:
        wanted = places.Wanted(ask.kind, ask.village, None, ask.q, ask.field)
        found, after = places.many(session, caller, wanted, LENGTH, ask.cursor, sort=ask.sort)
        kept = ask.model_dump(include={"q", "kind", "village", "field", "sort"}, mode="json")
        shown = table("/places", HEADS, places.COLUMNS, ask.sort or "added", kept, ask.cols, ("code", "status"))
        return page(
            request, "places.html", frame(session, caller), found=found, after=after, ask=ask, kinds=list(PlaceKind), table=shown,
            villages=session.execute(VILLAGES, {"township": caller.township_id}).all(),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Refusal:
    """A form of this page that was refused: which one, why, and what was typed in it."""

    form: str
    problem: Problem
    said: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trail:
    """One line of the place's paper trail in words; `typed`: the reason is somebody's own."""

    zh: str
    reason: str
    typed: bool
    note: str
    who: str
    at: Any


@router.get("/places/{code}")
def one(request: Request, caller: Visitor, code: str) -> Response:
    with house_of(request).transaction() as session:
        return show(request, session, caller, code)


def show(request: Request, session: Session, caller: Caller, code: str, failed: Refusal | None = None) -> Response:
    place = places.whole(session, caller, code)
    gate = gate_of(session, caller.township_id, code)
    token = _token(session, caller, code)
    address = f"{house_of(request).settings.public_url.rstrip('/')}/p/{token}" if token else ""
    done, _ = hazard.many(session, caller, Wanted(OPEN, place=code), 20, soonest=True)
    duties, _ = cases.many(session, caller, CaseKind.duty, cases.Wanted(pending=True, place=code), 8, soonest=True)
    return page(
        request, "place.html", frame(session, caller), failed.problem.status if failed else 200, place=place, gate=gate, failed=failed,
        open_here=done, duties=duties, visits=inspections.many(session, caller, inspections.Wanted(place=code), 10)[0], since=gate.since,
        trail=_trail(session, caller, place), more=_more(session, caller, place), moves=_moves(caller, place), token=token,
        qr=drawn(address) if address else "", may_keep=bool(caller.kinds & OFFICE), may_ask=_may_ask(caller, place, gate),
        start_items=start_items(session, caller.township_id, place.kind),
        may_consent=gate.state == StartWork.pending and bool(caller.kinds & CONSENTERS),
        names=story.names_of(session, caller.township_id, [place.responsible_post]), may_inspect=caller.may_write,
    )  # fmt: skip


def drawn(address: str) -> Markup:
    """A QR code as an SVG in the page."""
    return Markup(segno.make(address, error="q").svg_inline(scale=5, border=2, svgclass="qr", lineclass=None, omitsize=True))


def _moves(caller: Caller, place: PlaceView) -> list[tuple[str, str]]:
    """What the place's status may become, for who keeps it."""
    if not caller.kinds & STATUS_KEEPERS:
        return []
    return [(str(move.dest), move.zh) for move in STATUS.table if place.status in move.sources and move.dest != place.status]


def _may_ask(caller: Caller, place: PlaceView, gate: Gate) -> bool:
    own = any(seat.code == place.responsible_post or seat.kind in ENTERPRISE for seat in caller.seats)
    return gate.state == StartWork.allowed and (own or bool(caller.kinds & OFFICE))


TOKEN = text("select qr_token from place where township_id = :township and code = :code")
TEAM = text("select name from unit where township_id = :township and code = :code")
DETAIL_ZH = {
    "licence_no": "许可证号", "licensed_until": "许可证有效期", "producing": "正在生产", "grade": "等别", "dam_height": "坝高（米）",
    "overhead": "头顶库", "seal_type": "封堵方式", "sealed_on": "封堵日期", "warning_sign": "警示牌", "patrol_route": "巡查路线",
    "risk": "风险", "same_as": "与哪个场所重复",
}  # fmt: skip
PLAIN = {"True": "是", "False": "否", "high": "高", "low": "低", "yes": "是", "no": "否"}


def _token(session: Session, caller: Caller, code: str) -> str | None:
    found: str | None = session.execute(TOKEN, {"township": caller.township_id, "code": code}).scalar()
    return found


def _more(session: Session, caller: Caller, place: PlaceDetail) -> dict[str, Any]:
    team = session.execute(TEAM, {"township": caller.township_id, "code": place.team}).scalar_one()
    said = [(DETAIL_ZH.get(name, name), PLAIN.get(str(value), str(value))) for name, value in place.details.items()]
    return {"team": team, "said": said}


WHAT_ZH = {
    "status": "状态", "start_work": "开工许可", "inspected": "检查", "name": "名称", "team": "监管站所", "responsible_post": "责任岗位",
    "field": "行业领域", "nine_small": "九小", "also_street_shop": "兼沿街门店", "crowded": "人员密集",
}  # fmt: skip
WORDS: dict[str, Any] = {"status": PlaceStatus, "start_work": StartWork, "inspected": InspectionResult, "field": TradeField}


def _trail(session: Session, caller: Caller, place: PlaceDetail) -> list[Trail]:
    """Everything that ever changed at the place, the newest first."""
    names = story.names_of(session, caller.township_id, [event.post for event in place.trail])
    return [_line(event, names) for event in reversed(place.trail)]


def _line(event: PlaceEventView, names: dict[str, str]) -> Trail:
    what = WHAT_ZH.get(event.what) or DETAIL_ZH.get(event.what.removeprefix("details."), event.what)
    before, after = (_word(event.what, value) for value in (event.before, event.after))
    zh = f"{what}：{before} → {after}" if before and before != after else f"{what}：{after}"
    typed = event.reason not in GateReason.__members__
    reason = event.reason if typed else GateReason(event.reason).zh
    by_hand = event.what != "start_work" or event.reason in (GateReason.consented, GateReason.resumption_asked)
    case = f"（{event.case}）" if event.case else ""
    note = event.note or "" if by_hand else ""
    return Trail(zh, f"{reason}{case}", typed, note, names.get(event.post, "" if event.post == "system" else event.post), event.at)


def _word(what: str, value: str | None) -> str:
    kind = WORDS.get(what)
    if value is None:
        return ""
    return kind(value).zh if kind and value in kind.__members__ else PLAIN.get(value, value)


@router.post("/places/{code}/status")
def set_status(request: Request, caller: Visitor, code: str, form: Form) -> Response:
    def do(session: Session, post: str | None) -> Any:
        note, same_as = word(form, "note") or None, word(form, "same_as") or None
        return places.set_status(session, caller, code, word(form, "to"), word(form, "reason"), note, same_as, post=post)

    return _do(request, caller, code, form, "status", do)


@router.post("/places/{code}/resume")
def resume(request: Request, caller: Visitor, code: str, form: Form) -> Response:
    return _do(request, caller, code, form, "resume", _moving(caller, code, "ask_resumption", form))


@router.post("/places/{code}/consent")
def consent(request: Request, caller: Visitor, code: str, form: Form) -> Response:
    return _do(request, caller, code, form, "consent", _moving(caller, code, "allow", form))


def _moving(caller: Caller, code: str, move: str, form: Form) -> Callable[[Session, str | None], Any]:
    answers = {name.removeprefix("item-"): str(said) for name, said in form.items() if name.startswith("item-")}
    return lambda session, post: gates.move(session, caller, code, move, word(form, "note"), answers or None, post=post)


def _do(request: Request, caller: Caller, code: str, form: Form, name: str, do: Callable[[Session, str | None], Any]) -> Response:
    """What is refused comes back with what was typed."""
    house = house_of(request)
    try:
        with house.transaction() as session:
            do(session, word(form, "as_post") or None)
    except (Refused, NotAllowed, Problem) as error:
        said = {each: word(form, each) for each in ("to", "reason", "note", "same_as")}
        with house.transaction() as session:
            return show(request, session, caller, code, Refusal(name, problem_of(error), said))
    return RedirectResponse(f"/places/{code}?done={name}", 303)


@router.post("/places/{code}/qr")
def make_code(request: Request, caller: Visitor, code: str) -> Response:
    """The place's QR code; made once, so that the printed one goes on leading there."""
    with house_of(request).transaction() as session:
        places.qr_token(session, caller, code)
    return RedirectResponse(f"/places/{code}#qr", 303)
