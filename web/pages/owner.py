"""The owner's page behind a link or a QR code: one hazard, without an account. `public` alone may stand on the public side.

Every form carries the version that its page showed; looking changes nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Hashable, Mapping
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, JSONResponse, RedirectResponse, Response
from sqlmodel import Session

from models.enumerations import EvidenceKind, HazardState
from statemachines.errors import LawError, Stale
from statemachines.machine import Offer
from web import evidence, forms, owner, step
from web.accounts import Patience
from web.caller import Visitor
from web.drawing import draw
from web.english import either
from web.evidence import Said, Shot, small_of
from web.forms import Ask
from web.house import House, house_of
from web.owner import ACTS, Owner
from web.pages.acts import Failed
from web.pages.form import Form, number, photos, word
from web.pages.hazard import spine
from web.pages.places import drawn
from web.problem import Problem, problem_of
from web.render import bare

public = APIRouter()
router = APIRouter()
QUIET = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex", "Referrer-Policy": "same-origin"}
WORKING = (HazardState.assigned, HazardState.rectifying)
KEY = "idempotency-key"


@public.get("/o/{ticket}")
def read(request: Request, ticket: str) -> Response:
    """What is wrong, what to do, until when; or what has become of it."""
    return _show(request, ticket)


@public.get("/o/{ticket}/more-time")
def ask_for_time(request: Request, ticket: str) -> Response:
    return _show(request, ticket, "owner_time.html")


@public.get("/o/{ticket}/photo/{id}")
def whole(request: Request, ticket: str, id: int) -> Response:
    return _photo(request, ticket, id, small=False)


@public.get("/o/{ticket}/photo/{id}/small")
def small(request: Request, ticket: str, id: int) -> Response:
    return _photo(request, ticket, id, small=True)


def _photo(request: Request, ticket: str, id: int, *, small: bool) -> Response:
    house = house_of(request)
    with house.transaction() as session:
        came = _opened(request, session, ticket)
        row = owner.photo(session, came, id)
    if row.stored is None:
        return Response(draw(row.kind, came.row.view.description, row.sha256), media_type="image/svg+xml", headers=QUIET)
    path = house.evidence / row.stored
    path = small_of(path) if small and small_of(path).exists() else path
    if not path.exists():
        raise Problem(404, "照片暂时看不到，请稍后再试。", "The photo's file is missing.")
    return FileResponse(path, media_type="image/webp" if path.suffix == ".webp" else "image/jpeg", headers=QUIET)


@public.post("/o/{ticket}/photo")
def add_photo(request: Request, ticket: str, form: Form) -> Response:
    """Photos after the fix; one of a script's at a time, with an Idempotency-Key. What is wrong with one is said on the same page."""
    house = house_of(request)
    try:
        with house.transaction() as session:
            came = _opened(request, session, ticket, acting=True)
            kept = step.once(
                session, came.caller, request.headers.get(KEY), _asked(came, pictures := _chosen(form)),
                lambda: _keep(session, house, came, pictures),
            )  # fmt: skip
    except (LawError, Problem) as error:
        return _again(request, ticket, "photo", error)
    if request.headers.get("accept") == "application/json":
        return JSONResponse(kept, 201, headers=QUIET)
    return RedirectResponse(f"/o/{ticket}?done=photo#fix", 303, headers=QUIET)


def _chosen(form: Form) -> list[Any]:
    pictures = photos(form, "file")
    if not pictures:
        raise Problem(422, "还没有选择照片。", "No photo was chosen.", reason="photo")
    return pictures


def _asked(came: Owner, pictures: list[Any]) -> str:
    return step.digest("owner", came.code, [each.sha256 for each in pictures])


def _keep(session: Session, house: House, came: Owner, pictures: list[Any]) -> dict[str, Any]:
    seat = came.caller.seats[0].code
    kept = [evidence.add(session, house.evidence, came.caller, came.row, each, Said(EvidenceKind.after), seat)[0] for each in pictures]
    return {"kept": [each.sha256 for each in kept]}


@public.post("/o/{ticket}/{trigger}")
def fire(request: Request, ticket: str, trigger: str, form: Form) -> Response:
    """签收, 报验 or 申请延期; what is refused comes back with everything that was typed."""
    house = house_of(request)
    said: Mapping[str, str] = {}
    try:
        with house.transaction() as session:
            came = _opened(request, session, ticket, acting=True)
            asks = _asks(session, came, trigger)
            said = forms.said(form, asks)
            _fire(session, came, trigger, form, asks)
    except (LawError, Problem) as error:
        return _again(request, ticket, trigger, error, said)
    return RedirectResponse(f"/o/{ticket}?done={trigger}", 303, headers=QUIET)


def _fire(session: Session, came: Owner, trigger: str, form: Form, asks: tuple[Ask, ...]) -> None:
    version = number(form, "version")
    if version is None:
        raise Problem(428, "页面不完整，请刷新后再办。", "The form carries no version.")
    facts = forms.facts(form, came.caller, asks)

    def do() -> dict[str, Any]:
        return {"version": owner.act(session, came, trigger, facts, version).version}

    step.once(session, came.caller, word(form, "key") or None, step.digest(came.code, trigger, forms.fingerprint(form)), do)


def _asks(session: Session, came: Owner, trigger: str) -> tuple[Ask, ...]:
    """What the owner is asked; photos have come before."""
    if trigger not in ACTS:
        return ()
    asked = forms.asks(session, came.caller, came.row, trigger, came.caller.seats[0].code)
    return tuple(ask for ask in asked if ask.kind not in forms.FILES)


def _opened(request: Request, session: Session, ticket: str, *, acting: bool = False) -> Owner:
    """Raises Problem 429 for a machine that tries links, or for a link that is used too often."""
    house, patience = house_of(request), request.app.state.patience_with_owners
    wall, machine = house.clock.wall(), request.client.host if request.client else ""
    _in_time(patience, machine, wall)
    try:
        came = owner.opened(session, house, ticket)
    except Problem:
        patience.failed(machine, wall)
        raise
    if acting:
        holder = (came.row.id, came.caller.person_id)
        _in_time(patience, holder, wall)
        patience.failed(holder, wall)
    return came


def _in_time(patience: Patience, key: Hashable, wall: datetime) -> None:
    seconds = patience.wait(key, wall)
    if seconds:
        raise Problem(429, f"操作太频繁，请 {seconds} 秒后再试。", "Too many requests.", headers={"Retry-After": str(seconds)})


def _again(request: Request, ticket: str, trigger: str, error: LawError | Problem, said: Mapping[str, str] | None = None) -> Response:
    """The page with the form open again; a link that is no good has no page."""
    problem = problem_of(error)
    if problem.status in (410, 429) or request.headers.get("accept") == "application/json":
        raise error
    if isinstance(error, Stale):
        problem.detail = "你打开页面以后，这条隐患有了新的变动。下面是最新情况，你填的内容还在，请看过再提交。"
        problem.detail_en = "The hazard has changed since you opened the page. What you typed is still below: look, then send again."
    template = "owner_time.html" if trigger == "request_extension" else "owner.html"
    return _show(request, ticket, template, Failed(trigger, problem, said or {}))


def _show(request: Request, ticket: str, template: str = "owner.html", failed: Failed | None = None) -> Response:
    with house_of(request).transaction() as session:
        came = _opened(request, session, ticket)
        view, seat = came.row.view, came.caller.seats[0].code
        possible = {offer.trigger: offer for offer, _ in step.offered(session, came.caller, view.code)}
        taken = evidence.shots(session, [came.row.id]).get(came.row.id, [])
        return bare(
            template, failed.problem.status if failed else 200, QUIET, request=request, here=f"/o/{ticket}", came=came, view=view,
            now=came.caller.now, stages=spine(view)[1:], may={name: _may(possible, name) for name in ACTS}, failed=failed,
            before=[shot for shot in taken if shot.kind == EvidenceKind.before][-3:], mine=_mine(taken, view.round),
            asks={name: _asks(session, came, name) for name in ("submit", "request_extension")}, returned=owner.returned(session, came),
            extension=owner.asked_for_time(session, came), help=owner.whom_to_ask(session, came), key=secrets.token_urlsafe,
            why_not=_why_not(possible.get("request_extension")),
            responsible=view.responsible_post == seat, working=view.state in WORKING, done=request.query_params.get("done", ""),
        )  # fmt: skip


def _why_not(offer: Offer | None) -> str:
    return either(offer.detail, offer.detail_en) if offer else ""


def _may(possible: Mapping[str, Any], trigger: str) -> bool:
    """Whether the owner may do it now, or will once its form is filled and its photos are there."""
    offer = possible.get(trigger)
    return bool(offer and (offer.allowed or offer.reason in forms.PROVIDED.get(trigger, ())))


def _mine(taken: list[Shot], round: int) -> list[Shot]:
    return [shot for shot in taken if shot.kind == EvidenceKind.after and shot.round == round]


@router.post("/h/{code}/owner-link")
def make_link(request: Request, caller: Visitor, code: str) -> Response:
    """The owner's link as a sheet to print or to copy; who made it is written down."""
    house = house_of(request)
    with house.transaction() as session:
        made = owner.make(session, house, caller, code)
        came = owner.opened(session, house, made.word)
        address = f"{house.settings.owner_url}/o/{made.word}"
        return bare(
            "owner_sheet.html", 200, QUIET, view=came.row.view, now=caller.now, made=made, address=address, qr=drawn(address),
            help=owner.whom_to_ask(session, came), township=caller.township,
        )  # fmt: skip
