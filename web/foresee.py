"""Who hears what when if nobody moves, as people and programs read it: of a case that there is, or of a hazard that there isn't yet."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session

from models.clock import local
from models.enumerations import CaseKind, Clock, Purpose
from notifications.reason import Reason
from statemachines.foresee import Cause, Foreseen, Hearing, foresee
from statemachines.rehearse import foresee_new
from web import cases, step
from web.caller import Caller


class HearingView(BaseModel):
    """One person who is told, by key as in `/notices`. `channel` is the kind of channel; its address is nobody's business here.

    `told_at` is later than the moment where it is `held`, until `held_until`, and null where a later rung is said instead. `text` is the
    message, which says `lines` things; empty where what is said stands in another message to them.
    """

    model_config = ConfigDict(title="Hearing")
    person: str
    post: str
    post_name: str
    for_post: str | None
    standing_in_for: str | None
    channel: str
    told_at: datetime | None
    held: Reason | None
    held_until: datetime | None
    lines: int
    text: str


class ForeseenView(BaseModel):
    """A moment at which something is said; nobody hears of it where `hearings` is empty. `empty` are posts that reach nobody of their own.

    `clock` and `rung` are null where no rung says it; `repeat` counts how often the last rung has been said again; `why` is in Chinese.
    """

    model_config = ConfigDict(title="Foreseen")
    at: datetime
    clock: Clock | None
    level: int
    rung: int | None
    repeat: int
    cause: Cause
    purpose: Purpose
    due_at: datetime | None
    why: str
    urge_letter: bool
    empty: list[str]
    hearings: list[HearingView]


def of_case(
    session: Session, caller: Caller, kind: CaseKind, code: str, until: datetime | None = None, *, public_url: str
) -> list[Foreseen]:
    """What is said of a case while it stays where it is, soonest first. Raises what `cases.find` raises."""
    cases.find(session, caller, kind, code)
    return foresee(session, caller.township_id, code, caller.now, until, public_url=public_url)


def of_new(
    session: Session, caller: Caller, facts: Mapping[str, Any], until: datetime | None = None, *, assigned: bool, public_url: str
) -> list[Foreseen]:
    """What would be said of a hazard registered now, or assigned too. Raises what `foresee_new` raises, and Problem 403 as `step.find`."""
    step.check_place(session, caller, facts)
    return foresee_new(session, caller.township_id, caller.now, until, assigned=assigned, facts=facts, public_url=public_url)


def view_of(foreseen: Foreseen) -> ForeseenView:
    """A moment as it is told to programs, in the township's time."""
    f = foreseen
    return ForeseenView(
        at=local(f.at), clock=f.clock, level=f.level, rung=f.rung, repeat=f.repeat, cause=f.cause, purpose=f.purpose,
        due_at=_local(f.due_at), why=f.why, urge_letter=f.urge_letter, empty=list(f.empty),
        hearings=[_hearing(each) for each in f.hearings],
    )  # fmt: skip


def _hearing(h: Hearing) -> HearingView:
    return HearingView(
        person=h.person, post=h.post, post_name=h.post_name, for_post=h.for_post, standing_in_for=h.standing_in_for, channel=h.channel,
        told_at=_local(h.told_at), held=h.held, held_until=_local(h.held_until), lines=h.lines, text=h.text,
    )  # fmt: skip


def _local(at: datetime | None) -> datetime | None:
    return at and local(at)
