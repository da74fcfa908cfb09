"""不安全不开工: a place's start-work gate as it is read, asked for and consented to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Row
from sqlmodel import Session

from models.clock import local
from models.enumerations import StartWork
from statemachines.errors import UnknownTrigger
from statemachines.gate import GateReason, allow, ask_resumption, gate_of
from statemachines.load import Acting
from web import places, step
from web.caller import Caller

MOVES = ("ask_resumption", "allow")


class CauseView(BaseModel):
    """Why the place may not work; `case` is the hazard or the duty run, if it is one."""

    model_config = ConfigDict(title="GateCause")
    reason: GateReason
    case: str | None
    zh: str
    en: str


class GateEventView(BaseModel):
    """A change of the gate, or of the reason for which it stands."""

    model_config = ConfigDict(title="GateEvent")
    before: StartWork
    after: StartWork
    reason: str
    note: str | None
    case: str | None
    post: str
    at: datetime


class GateView(BaseModel):
    """How the gate stands, since when (null: it never moved), and why (not); `history` oldest first."""

    model_config = ConfigDict(title="Gate")
    place: str
    state: StartWork
    since: datetime | None
    because: list[CauseView]
    history: list[GateEventView]


def read(session: Session, caller: Caller, place: str) -> GateView:
    """The gate of a place. Raises Problem 404 for a place that isn't there or not within reach."""
    places.one(session, caller, place)
    gate = gate_of(session, caller.township_id, place)
    because = [CauseView(reason=cause.kind, case=cause.case_code, zh=cause.zh, en=cause.en) for cause in gate.because]
    history = [_event(event) for event in gate.history]
    return GateView(place=gate.place, state=gate.state, since=gate.since and local(gate.since), because=because, history=history)


def _event(event: Row[Any]) -> GateEventView:
    return GateEventView(
        before=event.before, after=event.after, reason=event.reason, note=event.note, case=event.case_code, post=event.post,
        at=local(event.at),
    )  # fmt: skip


def move(
    session: Session, caller: Caller, place: str, move: str, note: str | None, answers: Mapping[str, str] | None, *, post: str | None
) -> GateView:
    """Asks to resume work, or consents to it. Raises UnknownTrigger, Problem 404, NotAllowed, or Refused with the gate's reasons."""
    if move not in MOVES:
        raise UnknownTrigger(move)
    places.one(session, caller, place)

    def do(acting: Acting) -> object:
        if move == "allow":
            return allow(session, acting, caller.now, place, note or "", answers)
        return ask_resumption(session, acting, caller.now, place, note or "")

    step.in_turn(session, caller, post, do)
    return read(session, caller, place)
