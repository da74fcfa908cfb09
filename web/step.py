"""The one way in which this room changes a case: it fires triggers, once a request key."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from sqlalchemy import text
from sqlmodel import Session

from models.database import as_json
from models.enumerations import CaseKind
from statemachines.advance import Outcome, advance, known_trigger, offers, register
from statemachines.errors import NotAllowed
from statemachines.hazard import FINDERS
from statemachines.laws import ROUTES
from statemachines.load import Acting
from statemachines.machine import Offer
from web.caller import Caller, Seat
from web.problem import Problem

KEY_AT_MOST = 200
T = TypeVar("T")

FIRST = text("""
insert into request_key (key, person, asked, answer, at) values (:key, :person, :asked, null, :wall)
on conflict do nothing returning key
""")
BEFORE = text("select asked, answer from request_key where key = :key and person = :person")
ANSWER = text("update request_key set answer = cast(:answer as jsonb) where key = :key and person = :person")


def digest(*parts: Any) -> str:
    """What a request asks for, in one hash: the same question gives the same."""
    said = json.dumps(parts, ensure_ascii=False, sort_keys=True, default=str, separators=(",", ":"))
    return hashlib.sha256(said.encode("utf8", "surrogatepass")).hexdigest()


def once(session: Session, caller: Caller, key: str | None, asked: str, do: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What `do` answers; with the same key and question the first answer again. A refusal leaves the key free for the next try.

    Two at the same time: the second waits for the first. Raises Problem 422 when the key was used for another question.
    """
    if not key:
        return do()
    if len(key) > KEY_AT_MOST:
        raise Problem(422, "请求键太长，最多200个字符。", f"Idempotency-Key: {KEY_AT_MOST} characters at most.")
    mine = {"key": key, "person": caller.person}
    if session.execute(FIRST, {**mine, "asked": asked, "wall": caller.wall}).first() is None:
        before = session.execute(BEFORE, mine).one()
        if before.asked != asked:
            raise Problem(
                422, "这个请求键已用于另一项内容，请换一个。", "This Idempotency-Key was used for another request.", reason="key_reused"
            )
        first: dict[str, Any] = before.answer
        return first
    answer = do()
    session.execute(ANSWER, {**mine, "answer": as_json(answer)})
    return answer


def known(trigger: str, kind: CaseKind = CaseKind.hazard) -> str:
    """The trigger itself. Raises UnknownTrigger."""
    return known_trigger(kind, trigger)


def take(
    session: Session, caller: Caller, code: str, trigger: str, facts: Mapping[str, Any], *, post: str | None, version: int | None
) -> Outcome:
    """Fires the trigger in the name of `post`, or of the caller's post that may. Raises what `advance` raises, and Problem 403."""
    seat = caller.seat(post) if post else _fitting(session, caller, *_meant(session, caller, code, trigger, facts))
    return advance(session, code, trigger, caller.acting(seat.code), caller.now, version, wall=caller.wall, facts=facts)


def in_turn(session: Session, caller: Caller, post: str | None, do: Callable[[Acting], T]) -> T:
    """What `do` answers in the name of `post`, or of the first of the caller's posts that may. Raises Problem 403, and what `do` raises."""
    seats = [caller.seat(post)] if post else list(caller.seats)
    for seat in seats[:-1]:
        try:
            with session.begin_nested():
                return do(caller.acting(seat.code))
        except NotAllowed:
            continue
    return do(caller.acting(_one_of(seats[-1:]).code))


def find(session: Session, caller: Caller, facts: Mapping[str, Any], *, post: str | None) -> Outcome:
    """Registers a hazard. Raises what `register` raises, and Problem 403 for a place beyond the caller's reach."""
    able = [seat for seat in caller.seats if seat.kind in FINDERS] or list(caller.seats)
    seat = caller.seat(post) if post else _one_of(able)
    check_place(session, caller, facts)
    return register(session, caller.acting(seat.code), caller.now, wall=caller.wall, facts=facts)


def offered(session: Session, caller: Caller, code: str) -> list[tuple[Offer, Seat]]:
    """Every trigger of the case once, with the caller's post that may fire it, or else with the most telling refusal."""
    best: dict[str, tuple[Offer, Seat]] = {}
    for seat in caller.seats:
        for offer in offers(session, code, caller.acting(seat.code), caller.now):
            if offer.trigger not in best or _better(offer, best[offer.trigger][0]):
                best[offer.trigger] = offer, seat
    return list(best.values())


def _better(new: Offer, old: Offer) -> bool:
    """Allowed is better than refused by a guard, which says more than «not your post»."""
    return (new.allowed, new.reason != "post") > (old.allowed, old.reason != "post")


def _fitting(session: Session, caller: Caller, code: str, trigger: str) -> Seat:
    if len(caller.seats) < 2:
        return _one_of(list(caller.seats))
    return next((seat for offer, seat in offered(session, caller, code) if offer.trigger == trigger), caller.seats[0])


PENDING = text("""
select c.code from cases c join cases h on h.id = c.parent_id
where h.township_id = :township and h.code = :code and c.kind = :kind and c.ended_at is null order by c.id desc limit 1
""")


def _meant(session: Session, caller: Caller, code: str, trigger: str, facts: Mapping[str, Any]) -> tuple[str, str]:
    """The case and the trigger that are meant: a decision on what was asked about a hazard can be fired by the hazard's code."""
    kind, name, triggers = ROUTES.get(trigger, (CaseKind.hazard, "", {}))
    own = triggers.get(str(facts.get(name) or ""))
    asked = {"township": caller.township_id, "code": code, "kind": kind}
    pending = session.execute(PENDING, asked).scalar() if own else None
    return (pending, own) if pending and own else (code, trigger)


def _one_of(seats: list[Seat]) -> Seat:
    if not seats:
        raise Problem(403, "你今天没有在任何岗位上，不能办理。", "You hold no post today.", reason="post")
    return seats[0]


def check_place(session: Session, caller: Caller, facts: Mapping[str, Any]) -> None:
    """Raises Problem 403 for a place beyond the caller's reach."""
    condition, asked = caller.place_reach()
    query = text(f"select {condition} from place p where p.township_id = :township and p.code = :place")
    if session.execute(query, {**asked, "place": str(facts.get("place") or "")}).scalar() is False:
        raise Problem(403, "这个场所不在你的岗位管辖范围内。", "This place lies outside of what your posts reach.", reason="reach")
