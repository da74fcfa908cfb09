"""Programs that hear of every event: subscribing, looking after them, ending it. For the office alone; docs/webhooks.md."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict
from sqlmodel import Session

from notifications import subscribers as room
from notifications.subscribers import Subscribed, SubscriberError
from statemachines.registry import OFFICE
from web.api.words import Text
from web.caller import Caller, Program, Seat
from web.house import house_of
from web.problem import Problem

router = APIRouter(tags=["webhooks"])
Number = Annotated[int, Path(ge=1, lt=2**31)]


class WebhookView(BaseModel):
    """A subscriber. `host` is all that is shown of its address. `waiting` events it has still to take; after a day of failures it is
    `paused_at` and they wait on. `reason` is what it said last. All times are the machine's, UTC."""

    model_config = ConfigDict(title="Webhook", from_attributes=True)
    id: int
    host: str
    by_person: str
    by_post: str
    created_at: datetime
    waiting: int
    attempts: int
    failing_since: datetime | None
    paused_at: datetime | None
    reason: str | None


class NewWebhookView(WebhookView):
    """`secret` is shown this once: it signs every delivery."""

    model_config = ConfigDict(title="WebhookWithSecret")
    secret: str


class Webhooks(BaseModel):
    items: list[WebhookView]
    next: str | None = None


class NewWebhook(BaseModel):
    """`url`: http or https, without user name and `#`."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"url": "https://collector.example/bihuan"}]})
    url: Text


def _office(caller: Caller) -> Seat:
    """The caller's post in the office. Raises Problem 403."""
    for seat in caller.seats:
        if seat.kind in OFFICE:
            return seat
    zh = "只有镇安办（应急办主任、调度员）可以管理程序订阅。"
    raise Problem(403, zh, "Only the office (its head, its dispatcher) looks after webhooks.", reason="post")


def _one(session: Session, caller: Caller, number: int) -> Subscribed:
    found = room.subscribers(session, caller.township_id, number)
    if not found:
        raise Problem(404, f"没有编号为{number}的订阅。", f"There is no webhook {number}.")
    return found[0]


@router.get("/webhooks")
def list_webhooks(request: Request, caller: Program) -> Webhooks:
    """The township's subscribers and how far they have come."""
    _office(caller)
    with house_of(request).transaction() as session:
        found = room.subscribers(session, caller.township_id)
    return Webhooks(items=[WebhookView.model_validate(each) for each in found])


@router.post("/webhooks", status_code=201)
def add_webhook(request: Request, caller: Program, body: NewWebhook) -> NewWebhookView:
    """From now on every event of every case is sent there. No `Idempotency-Key`: the answer holds a secret, and is kept nowhere."""
    seat = _office(caller)
    try:
        room.look_at(body.url)
        with house_of(request).transaction() as session:
            number, secret = room.subscribe(
                session, caller.township_id, body.url, person=caller.person, post=seat.code, wall=caller.wall
            )  # fmt: skip
            made = WebhookView.model_validate(_one(session, caller, number))
    except SubscriberError as no:
        raise Problem(409, no.detail, no.detail_en, reason="url") from None
    return NewWebhookView(**made.model_dump(), secret=secret)


@router.post("/webhooks/{id}/resume")
def resume_webhook(request: Request, caller: Program, id: Number) -> WebhookView:
    """A paused one goes on with the first event that it didn't take."""
    _office(caller)
    with house_of(request).transaction() as session:
        _one(session, caller, id)
        room.resume(session, caller.township_id, id)
        return WebhookView.model_validate(_one(session, caller, id))


@router.delete("/webhooks/{id}", status_code=204)
def remove_webhook(request: Request, caller: Program, id: Number) -> Response:
    """Ends it at once, with all that it had still to hear."""
    _office(caller)
    with house_of(request).transaction() as session:
        _one(session, caller, id)
        room.unsubscribe(session, caller.township_id, id)
    return Response(status_code=204)
