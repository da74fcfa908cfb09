"""What somebody may do with a case, each with its form; and a form that came back refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlmodel import Session

from models.enumerations import CaseKind
from statemachines.machine import Offer
from web import forms, step
from web.caller import Caller, Seat
from web.forms import Ask
from web.problem import Problem


@dataclass(frozen=True, slots=True)
class Action:
    """A trigger that the caller may fire, with its form. `given`: what it holds before anybody has answered it."""

    offer: Offer
    seat: Seat
    asks: tuple[Ask, ...]
    danger: bool
    given: Mapping[str, str] = field(default_factory=dict)

    @property
    def has_files(self) -> bool:
        return any(ask.kind in forms.FILES for ask in self.asks)


@dataclass(frozen=True, slots=True)
class Failed:
    """A form that was sent and refused, with what was typed in it; `code` is the case where it isn't the page's own."""

    trigger: str
    problem: Problem
    said: Mapping[str, str] = field(default_factory=dict)
    code: str = ""


def actions(
    session: Session, caller: Caller, kind: CaseKind, code: str, wanted: Sequence[str] = (), given: Mapping[str, str] | None = None
) -> list[Action]:
    """What the caller may do with a case that isn't a hazard, its decision first; `wanted` is the evidence without which it isn't done."""
    lacking = ("evidence_wanted",) if wanted else ()
    possible = [(offer, seat) for offer, seat in step.offered(session, caller, code) if offer.allowed or offer.reason in lacking]
    made = [
        Action(offer, seat, forms.asks_of(kind, offer.trigger, wanted), offer.trigger in forms.DANGER, given or {})
        for offer, seat in possible
    ]
    return sorted(made, key=lambda action: (action.danger, action.offer.trigger in forms.LATER))
