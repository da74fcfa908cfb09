"""Silences as people and programs read them, as far as their posts reach; and in whose name one is put on or lifted."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta

from pydantic import BaseModel, ConfigDict
from sqlalchemy import text
from sqlmodel import Session

from models.clock import day_of
from models.enumerations import CaseKind
from models.rules import rules_of
from models.silence import Scope
from notifications.silence import Muted, silence_by_id, silences, silences_of
from statemachines import silence
from statemachines.silence import IS_ABOVE
from web import cases, people, step, story
from web.caller import Caller, Seat, named
from web.problem import Problem
from web.words import LocalTime


class SilenceView(BaseModel):
    """A silence. `about` is the code of the case, place or village, or a person's key, `name` what it is called.

    It holds from `from_at` until before `until_at`, or before `lifted_at`; `active` says whether it does now. Times are business time.
    """

    model_config = ConfigDict(title="Silence", from_attributes=True)
    id: int
    scope: Scope
    about: str
    name: str
    reason: str
    by_post: str
    by_person: str
    from_at: LocalTime
    until_at: LocalTime
    lifted_at: LocalTime | None
    lifted_post: str | None
    lifted_person: str | None
    active: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """A silence that holds, as a page shows it; `who` put it on."""

    muted: Muted
    who: str
    may_lift: bool


@dataclass(frozen=True, slots=True)
class Quiet:
    """What holds of a hazard now; the caller's `seat` that may silence it, until `last` at the latest, if there is one."""

    shown: list[Shown]
    seat: Seat | None
    last: date


IN_REACH = """
select s.id from silence s left join cases c on c.id = s.case_id left join place p on p.id = s.place_id
left join unit village on village.id = s.village_id
where s.township_id = :township and (
    c.id is not null and ({reach}) or p.id is not null and ({place_reach}) or village.code = any(:villages) or s.person_id = :me
    or :sees_all and c.id is null and p.id is null
)
"""


def many(session: Session, caller: Caller, active: bool | None = None) -> list[Muted]:
    """Those about what the caller may read, the first to end first: all, those that hold now, or the others."""
    (reach, asked), (place_reach, more) = caller.reach(), caller.place_reach()
    asked |= more | {"villages": list(caller.villages), "me": caller.person_id, "sees_all": caller.sees_all}
    reached = set(session.execute(text(IN_REACH.format(reach=reach, place_reach=place_reach)), asked).scalars())
    found = silences(session, caller.township_id, caller.now if active else None)
    return [each for each in found if each.id in reached and active in (None, each.holds(caller.now))]


def of_case(session: Session, caller: Caller, kind: CaseKind, code: str) -> list[Muted]:
    """All there have been about a case, its place or its village, oldest first. Raises what `cases.find` raises."""
    cases.find(session, caller, kind, code)
    return silences_of(session, caller.township_id, code)


def put(session: Session, caller: Caller, scope: Scope, about: str, until: datetime, reason: str, *, post: str | None) -> Muted:
    """Raises what `statemachines.silence.silence` raises, and Problem 403."""
    return step.in_turn(
        session, caller, post,
        lambda acting: silence.silence(session, acting, caller.now, scope=scope, about=about, until=until, reason=reason),
    )  # fmt: skip


def lift(session: Session, caller: Caller, number: int, *, post: str | None) -> Muted:
    """Raises what `statemachines.silence.lift` raises, Problem 404 where there is none of that number, and 403."""
    if silence_by_id(session, caller.township_id, number) is None:
        raise Problem(404, f"没有编号为{number}的静默。", f"There is no silence {number}.")
    return step.in_turn(session, caller, post, lambda acting: silence.lift(session, acting, caller.now, number))


def seat_above(session: Session, caller: Caller) -> Seat | None:
    """The first of the caller's posts that may silence a case, a place or a village."""
    asked = {"township": caller.township_id}
    return next((seat for seat in caller.seats if session.execute(IS_ABOVE, {**asked, "post": seat.code}).scalar()), None)


def quiet(session: Session, caller: Caller, code: str) -> Quiet:
    """The silences about a case within reach, its place or its village that hold now."""
    found, above = silences_of(session, caller.township_id, code, caller.now), seat_above(session, caller)
    posts = story.names_of(session, caller.township_id, [each.by_post for each in found])
    labels = people.labels(session, caller.township_id, [each.by_person for each in found])
    shown = [
        Shown(each, named(posts.get(each.by_post, each.by_post), labels.get(each.by_person)), may_lift(caller, each, above))
        for each in found
    ]
    most = rules_of(session, caller.township_id).silence_days
    return Quiet(shown, above, day_of(caller.now + timedelta(days=most)))


def may_lift(caller: Caller, each: Muted, above: Seat | None) -> bool:
    return caller.person == each.by_person or (above is not None and each.scope != Scope.person)


def view_of(each: Muted, now: datetime) -> SilenceView:
    """A silence as it is told to programs, in the township's time."""
    return SilenceView.model_validate({**asdict(each), "active": each.holds(now)})
