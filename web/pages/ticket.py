"""The page behind a message's link: the case in short, and the one or two things to be done now, without signing in.

Looking changes nothing, however often and whoever looks. A form is bound to the case as its page showed it. `public` alone may stand on
the public side; what needs signing in leads there and back.
"""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, RedirectResponse, Response
from sqlalchemy import text
from sqlmodel import Session

from models.enumerations import CaseKind
from statemachines.errors import NotAllowed, Refused, Stale
from web import forms, step, tickets
from web.caller import Visitor
from web.drawing import draw
from web.evidence import small_of
from web.house import House, house_of
from web.pages import hazard
from web.pages.acts import Failed
from web.pages.form import Form, word
from web.problem import Problem, problem_of
from web.render import bare
from web.tickets import SEEN, Opened

public = APIRouter()
router = APIRouter()
QUIET = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}


@public.get("/a/{ticket}")
def read(request: Request, ticket: str) -> Response:
    house = house_of(request)
    with house.transaction() as session:
        return _show(request, session, house, tickets.opened(session, house, ticket))


@public.post("/a/{ticket}")
def act(request: Request, ticket: str, form: Form) -> Response:
    """签收, 接手督办, or 我已看到; what has moved on meanwhile is shown instead of being overrun."""
    house, trigger = house_of(request), word(form, "act")
    try:
        with house.transaction() as session:
            came = tickets.opened(session, house, ticket)
            _act(session, came, trigger, form)
            onward = tickets.opened(session, house, ticket).fresh(house)
    except (Stale, Refused, NotAllowed) as error:
        said = {name: word(form, name) for name in ("promised_at", "note")}
        with house.transaction() as session:
            return _show(request, session, house, tickets.opened(session, house, ticket), Failed(trigger, problem_of(error), said))
    return RedirectResponse(f"/a/{onward}?done={quote(trigger)}", 303, headers=QUIET)


def _act(session: Session, came: Opened, trigger: str, form: Form) -> None:
    if trigger == SEEN:
        tickets.seen(session, came)
        return
    if trigger not in tickets.WITHOUT_SIGNING_IN:
        raise Problem(403, "这一步要登录后办理。", "This takes signing in.", reason="sign_in")
    facts = forms.facts(form, came.caller, _asks(trigger))

    def do() -> dict[str, Any]:
        return {"version": tickets.act(session, came, trigger, facts).version}

    step.once(session, came.caller, word(form, "key") or None, step.digest(came.code, trigger, forms.fingerprint(form)), do)


def _asks(trigger: str) -> tuple[forms.Ask, ...]:
    return forms.FORMS[trigger]


PHOTO = text("""
select e.stored, e.kind, e.sha256, hazard.description from evidence e join hazard on hazard.case_id = e.case_id where e.id = :id
""")


@public.get("/a/{ticket}/photo")
def photo(request: Request, ticket: str) -> Response:
    """The newest photo of the case, small."""
    house = house_of(request)
    with house.transaction() as session:
        came = tickets.opened(session, house, ticket)
        row = session.execute(PHOTO, {"id": came.photo}).first()
    if row is None:
        raise Problem(404, "没有这张照片。", "There is no such photo.")
    if row.stored is None:
        return Response(draw(row.kind, row.description, row.sha256), media_type="image/svg+xml", headers=QUIET)
    path = house.evidence / row.stored
    path = small_of(path) if small_of(path).exists() else path
    if not path.exists():
        raise Problem(404, "照片暂时看不到，请稍后再试。", "The photo's file is missing.")
    return FileResponse(path, media_type="image/webp" if path.suffix == ".webp" else "image/jpeg", headers=QUIET)


@router.get("/a/{ticket}/do/{trigger}")
def after_signing_in(request: Request, caller: Visitor, ticket: str, trigger: str) -> Response:
    """On to the case's own page with this form open, if it still stands as the message's reader saw it."""
    house = house_of(request)
    with house.transaction() as session:
        came = tickets.opened(session, house, ticket)
        if caller.person_id != came.caller.person_id:
            said = f"这个链接是发给“{came.caller.label}”的，你登录的是“{caller.label}”。"
            raise Problem(403, said, "This link was sent to somebody else.")
        if came.moved:
            problem = Problem(409, "打开页面以后，这件事有了新的变动，所以还没有办理。", "The case has moved on since.")
            return _show(request, session, house, came, Failed(trigger, problem))
        page = hazard.address(session, caller, came.code) or f"/h/{quote(came.code)}?do={quote(trigger)}"
    return RedirectResponse(page, 303, headers=QUIET)


def _show(request: Request, session: Session, house: House, came: Opened, failed: Failed | None = None) -> Response:
    at_once, later = tickets.possible(session, came)
    return bare(
        "ticket.html", failed.problem.status if failed else 200, QUIET, came=came, now=came.caller.now, at_once=at_once, later=later,
        asks={offer.trigger: _asks(offer.trigger) for offer in at_once}, failed=failed, lines=tickets.since(session, came),
        here=f"/a/{came.fresh(house)}", whole=_page_of(came), key=secrets.token_urlsafe, done=request.query_params.get("done", ""),
        hazard=came.kind == CaseKind.hazard, ended=came.state.ended,
    )  # fmt: skip


def _page_of(came: Opened) -> str:
    """The case's own page, for who signs in."""
    return f"/h/{quote(came.code)}"
