"""Who hears what when if nobody moves, as people and programs read it: of a case that there is, or of a hazard that there isn't yet."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session

from models.enumerations import CaseKind, Clock, Purpose
from notifications.reason import Reason
from statemachines.foresee import Cause, Foreseen, foresee
from statemachines.rehearse import foresee_new
from web import cases, step
from web.caller import Caller
from web.words import LocalTime


class HearingView(BaseModel):
    """One person who is told, by key as in `/notices`. `channel` is the kind of channel; its address is nobody's business here.

    `told_at` is later than the moment where it is `held`, until `held_until`, and null where a later rung is said instead. `text` is the
    message, which says `lines` things; empty where what is said stands in another message to them. `by_list`: that moment's daily list says
    it. `may_wait`: what may put it off further, as it depends on other cases; null where nothing can. `spared`: the hour's cap has put it
    off here, which other cases can shift either way. `waits` says in Chinese what holds it.
    """

    model_config = ConfigDict(title="Hearing", from_attributes=True)
    person: str
    post: str
    post_name: str
    for_post: str | None
    standing_in_for: str | None
    channel: str
    told_at: LocalTime | None
    held: Reason | None
    held_until: LocalTime | None
    lines: int
    text: str
    by_list: bool
    may_wait: Reason | None
    spared: bool
    waits: str


class ForeseenView(BaseModel):
    """A moment at which something is said; nobody hears of it where `hearings` is empty. `empty` are posts that reach nobody of their own.

    `clock` and `rung` are null where no rung says it; `repeat` counts how often the last rung has been said again; `why` is in Chinese.
    """

    model_config = ConfigDict(title="Foreseen", from_attributes=True)
    at: LocalTime
    clock: Clock | None
    level: int
    rung: int | None
    repeat: int
    cause: Cause
    purpose: Purpose
    due_at: LocalTime | None
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
    return ForeseenView.model_validate(foreseen)
