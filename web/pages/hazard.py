"""One hazard: what it is, what may happen next, who is told when, what has happened; and its forms."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from markupsafe import Markup
from sqlalchemy import text
from sqlmodel import Session

from models.enumerations import ENDED, CaseKind, EvidenceKind, HazardState, ListingLevel, PostKind
from statemachines.errors import LawError, NotAllowed, Refused, Stale
from statemachines.foresee import foresee
from statemachines.machine import Offer
from web import evidence, forms, hazard, history, machine, notices, owner, people, silences, step, story
from web.caller import Caller, Seat, Visitor
from web.english import either
from web.evidence import Said, Shot
from web.forms import Ask
from web.hazard import HazardView, Row
from web.house import House, house_of
from web.pages import applications, inbox
from web.pages.acts import Action, Failed
from web.pages.form import Form, number, photos, word
from web.picture import Picture
from web.problem import Problem, problem_of
from web.render import frame, page, prefect_events, way_back

router = APIRouter()
SPINE = (
    (HazardState.found, "发现", "Found", "found_at"), (HazardState.assigned, "交办", "Assign", "assigned_at"),
    (HazardState.rectifying, "签收", "Acknow\u00adledge", "acknowledged_at"), (HazardState.submitted, "报验", "Submit", "submitted_at"),
    (HazardState.verified, "复查", "Re-inspect", "verified_at"), (HazardState.closed, "销号", "Close", "closed_at"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stage:
    """A step of the spine: done, here, or still ahead."""

    name: str
    at: datetime | None
    standing: str


@router.get("/h/{code}")
def read(request: Request, caller: Visitor, code: str) -> Response:
    """The hazard; the code of anything else leads to the page on which it stands."""
    with house_of(request).transaction() as session:
        elsewhere = address(session, caller, code)
        return RedirectResponse(elsewhere, 303) if elsewhere else show(request, session, caller, code)


ABOUT = text("""
select c.kind, parent.code as parent from cases c left join cases parent on parent.id = c.parent_id
where c.township_id = :township and c.code = :code
""")
ROOMS = {CaseKind.duty: "/duties", CaseKind.report: "/reports"}


def kind_of(session: Session, caller: Caller, code: str) -> CaseKind:
    """What kind of case has this code; a hazard where none has."""
    row = session.execute(ABOUT, {"township": caller.township_id, "code": code}).first()
    return CaseKind(row.kind) if row else CaseKind.hazard


def address(session: Session, caller: Caller, code: str) -> str | None:
    """Where a case that isn't a hazard is shown: an application on its hazard's page, with its card in view. None for a hazard."""
    row = session.execute(ABOUT, {"township": caller.township_id, "code": code}).first()
    if row is None or row.kind == CaseKind.hazard:
        return None
    room = ROOMS.get(CaseKind(row.kind))
    return f"{room}/{quote(code)}" if room else f"/h/{quote(row.parent)}?card={quote(code)}#{quote(code)}"


def show(request: Request, session: Session, caller: Caller, code: str, failed: Failed | None = None) -> Response:
    """The page; with `failed` its form is open again, holding what was typed."""
    row = hazard.one(session, caller, code)
    events = history.whole(session, row.id)
    offered = step.offered(session, caller, code)
    asked = applications.about(session, caller, row.id)
    lines = sorted([*story.tell(session, caller.township_id, events), *applications.lines(session, caller, asked)], key=_in_order)
    taken = evidence.shots(session, [row.id]).get(row.id, [])
    possible = {offer.trigger for offer, _ in offered if _possible(offer)}
    been = {event.to_state for event in events}
    return page(
        request, "hazard.html", frame(session, caller), failed.problem.status if failed else 200, row=row, view=row.view,
        stages=spine(row.view), actions=_actions(session, caller, row, offered),
        others=[offer for offer, _ in offered if not _possible(offer) and offer.trigger != "withdraw_approval"],
        machine=Markup(machine.drawn(row.view.state, been, possible)),
        following=machine.following(row.view.state, [offer for offer, _ in offered], possible), lines=lines[::-1],
        asked=asked, pending=[each for each in asked if not each.state.ended], card=request.query_params.get("card", ""),
        listed=row.view.listing != ListingLevel.none, interim_by=_interim_by(session, caller, row), told=notices.of_case(session, row.id),
        coming=foresee(session, caller.township_id, code, caller.now, public_url=house_of(request).settings.public_url),
        quiet=silences.quiet(session, caller, code), rounds=_rounds(taken), metres=evidence.metres_off(row, taken), failed=failed,
        who=people.labels(session, caller.township_id, row.people),
        names=story.names_of(session, caller.township_id, [row.view.found_by]), prefect=prefect_events(request, code),
        key=secrets.token_urlsafe, may_add_photo=caller.may_write and row.view.state not in ENDED,
        done=request.query_params.get("done", ""), may_link=owner.may_make(session, caller, row), links=owner.made(session, caller, row),
        may_void=PostKind.office_head in caller.kinds,
    )  # fmt: skip


def _in_order(line: story.Line) -> tuple[datetime, bool, int]:
    """By time; what a step has set off stands after it."""
    return line.at, bool(line.about), line.seq


INTERIM = text("select interim_post from hazard where case_id = :id")


def _interim_by(session: Session, caller: Caller, row: Row) -> str:
    post = session.execute(INTERIM, {"id": row.id}).scalar()
    return story.names_of(session, caller.township_id, [post]).get(post, "") if post else ""


def spine(view: HazardView) -> list[Stage]:
    """Where the hazard stands on the way that everybody knows."""
    order = [state for state, *_ in SPINE]
    state = HazardState.found if view.state == HazardState.reopened else view.state
    here = order.index(state) if state in order else -1
    stages = []
    for place, (_, zh, en, column) in enumerate(SPINE):
        standing = "here" if place == here else "done" if place < here else "ahead"
        stages.append(Stage(either(zh, en), getattr(view, column) if place <= here else None, standing))
    return stages


def _actions(session: Session, caller: Caller, row: Row, offered: list[tuple[Offer, Seat]]) -> list[Action]:
    allowed = [(offer, seat) for offer, seat in offered if _possible(offer)]
    actions = [
        Action(
            offer,
            seat,
            (asks := forms.asks(session, caller, row, offer.trigger, seat.code)),
            offer.trigger in forms.DANGER,
            {ask.name: forms.present(row, ask.name) for ask in asks},
        )
        for offer, seat in allowed
    ]
    return sorted(actions, key=lambda action: forms.ORDER.index(action.offer.trigger) if action.offer.trigger in forms.ORDER else 99)


def _possible(offer: Offer) -> bool:
    """Whether the trigger may be fired now, or will be once its form has been filled: photos and plan are part of some."""
    return offer.allowed or offer.reason in forms.PROVIDED.get(offer.trigger, ())


def _rounds(taken: list[Shot]) -> list[tuple[int, list[Shot], list[Shot]]]:
    """Photos by round, the newest round first: before, after."""
    numbers = sorted({shot.round for shot in taken}, reverse=True)
    return [
        (
            number,
            [s for s in taken if s.round == number and s.kind == "before"],
            [s for s in taken if s.round == number and s.kind == "after"],
        )
        for number in numbers
    ]


@router.post("/h/{code}/photo")
def add_photo(request: Request, caller: Visitor, code: str, form: Form) -> Response:
    kind = EvidenceKind.after if word(form, "kind") == "after" else EvidenceKind.before
    pictures = photos(form, "file")
    if not pictures:
        raise Problem(422, "还没有选择照片。", "No photo was chosen.", reason="photo")
    with house_of(request).transaction() as session:
        keep(session, house_of(request), caller, code, {kind: pictures}, None, word(form, "note"))
    return RedirectResponse(f"/h/{code}?done=photo#photos", 303)


def keep(
    session: Session,
    house: House,
    caller: Caller,
    code: str,
    pictures: Mapping[EvidenceKind, list[Picture]],
    post: str | None,
    note: str = "",
) -> None:
    """Adds photos to the hazard's present round."""
    row = hazard.one(session, caller, code)
    for kind, each in pictures.items():
        for picture in each:
            evidence.add(session, house.evidence, caller, row, picture, Said(kind, note=note or None), post)


@router.post("/h/{code}/{trigger}")
def fire(request: Request, caller: Visitor, code: str, trigger: str, form: Form) -> Response:
    """A button was pressed: photos first, then the step; what is refused comes back with everything that was typed."""
    step.known(trigger)
    house = house_of(request)
    post = word(form, "as_post") or None
    with house.transaction() as session:
        row = hazard.one(session, caller, code)
        asks = forms.asks(session, caller, row, trigger, post or "")
    try:
        _fire(house, caller, row, trigger, form, post, asks)
    except Stale:
        return _stale(request, caller, code, trigger, form, asks)
    except (Refused, NotAllowed, Problem) as error:
        return _again(request, caller, code, trigger, error, forms.said(form, asks))
    if request.headers.get("hx-request") and trigger in inbox.IN_PLACE:
        with house.transaction() as session:
            return inbox.decided(request, session, caller, code, trigger)
    back = way_back(word(form, "next"), f"/h/{code}")
    return RedirectResponse(f"{back}{'&' if '?' in back else '?'}done={trigger}", 303)


def _fire(house: House, caller: Caller, row: Row, trigger: str, form: Form, post: str | None, asks: tuple[Ask, ...]) -> None:
    version = number(form, "version")
    if version is None:
        raise Problem(428, "页面缺少版本号，请刷新后再办理。", "The form carries no version.")
    code, given = row.view.code, forms.facts(form, caller, asks)
    pictures = {EvidenceKind(ask.kind): photos(form, ask.name) for ask in asks if ask.kind in ("before", "after")}
    if any(pictures.values()) and row.view.version == version:
        with house.transaction() as session:
            keep(session, house, caller, code, pictures, post)

    with house.transaction() as session:

        def do() -> dict[str, Any]:
            outcome = step.take(session, caller, code, trigger, given, post=post, version=version)
            return {"version": outcome.version}

        asked = step.digest(code, trigger, forms.fingerprint(form))
        step.once(session, caller, word(form, "key") or None, asked, do)


def _stale(request: Request, caller: Caller, code: str, trigger: str, form: Form, asks: tuple[Ask, ...]) -> Response:
    """Somebody was faster: what has changed since, and what was typed."""
    with house_of(request).transaction() as session:
        row = hazard.one(session, caller, code)
        seen = max(number(form, "version") or 0, 0)
        steps = [event for event in history.whole(session, row.id) if event.trigger != "escalate"]
        since = steps[-max(row.view.version - seen, 1) :]
        said = [(ask.zh, form.get(ask.name)) for ask in asks if ask.kind in ("line", "long") and form.get(ask.name)]
        lines = story.tell(session, caller.township_id, since)
        trigger_zh = next((offer.zh for offer, _ in step.offered(session, caller, code) if offer.trigger == trigger), trigger)
        return page(
            request, "stale.html", frame(session, caller), 409, row=row, view=row.view, lines=lines, said=said, trigger_zh=trigger_zh
        )


def _again(request: Request, caller: Caller, code: str, trigger: str, error: LawError | Problem, said: Mapping[str, str]) -> Response:
    with house_of(request).transaction() as session:
        return show(request, session, caller, code, Failed(trigger, problem_of(error), said))
