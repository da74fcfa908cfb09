"""Posts as they are read: who holds them today, who stands in; and how they change hands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

from sqlalchemy import text
from sqlmodel import Session

from models.enumerations import PostKind
from statemachines.handover import HandedOver, StandIn, end_stand_in, hand_over, stand_in
from statemachines.load import Acting
from web import cursor, step
from web.caller import OWN_PLACES_ONLY, Caller, post_name
from web.problem import Problem

T = TypeVar("T")
LIST = "posts"


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a post: from a day to a day, both inclusive; `standing_in_for` is the key of the person who is away."""

    person: str
    label: str
    from_day: date
    to_day: date | None
    standing_in_for: str | None


@dataclass(frozen=True, slots=True)
class Post:
    """A post with who holds it today, or will."""

    code: str
    kind: PostKind
    name: str
    unit: str
    unit_name: str
    reports_to: str | None
    holders: tuple[Holder, ...]


POSTS = """
select post.id, post.code, post.kind, unit.code as unit, unit.name as unit_name, unit.kind as unit_kind, above.code as reports_to, (
    select coalesce(jsonb_agg(jsonb_build_object('person', person.key, 'label', person.label, 'from_day', from_day, 'to_day', to_day,
        'standing_in_for', away.key) order by from_day, person.key), '[]')
    from holding join person on person.id = person_id left join person away on away.id = deputy_of_id
    where post_id = post.id and coalesce(to_day, 'infinity') >= :day
) as holders
from post join unit on unit.id = post.unit_id left join post above on above.id = post.reports_to_id
where post.township_id = :township and post.active and {condition} and post.id > :after order by post.id limit :limit
"""


def many(
    session: Session, caller: Caller, limit: int, after: str | None = None, *, kind: PostKind | None = None, unit: str | None = None
) -> tuple[list[Post], str | None]:
    """The posts in use within reach: all, those of one's village, or one's own; and the cursor of the next page."""
    asked: dict[str, Any] = {"mine": caller.post_ids, "villages": list(caller.villages)}
    conditions = [_reach(caller)]
    for name, value, condition in (("kind", kind and str(kind), "post.kind = :kind"), ("unit", unit, "unit.code = :unit")):
        if value:
            asked[name] = value
            conditions.append(condition)
    known = {"township": caller.township_id, "day": caller.day, "after": cursor.read_number(LIST, after), "limit": limit + 1}
    rows = session.execute(text(POSTS.format(condition=" and ".join(conditions))), {**asked, **known}).all()
    return [_post(row) for row in rows[:limit]], cursor.write_number(LIST, rows[limit - 1].id) if len(rows) > limit else None


def _reach(caller: Caller) -> str:
    return "true" if caller.sees_all else "(post.id = any(:mine) or unit.kind = 'village' and unit.code = any(:villages))"


def _post(row: Any) -> Post:
    kind = PostKind(row.kind)
    name = kind.zh if kind in OWN_PLACES_ONLY else post_name(row.kind, row.unit_kind, row.unit_name)
    holders = tuple(
        Holder(each["person"], each["label"], date.fromisoformat(each["from_day"]), _day(each["to_day"]), each["standing_in_for"])
        for each in row.holders
    )
    return Post(row.code, kind, name, row.unit, row.unit_name, row.reports_to, holders)


def _day(said: str | None) -> date | None:
    return date.fromisoformat(said) if said else None


def hand(
    session: Session, caller: Caller, code: str, to_person: str, from_day: date, reason: str, *, from_person: str | None = None,
    post: str | None = None,
) -> HandedOver:
    """Somebody else holds the post from a day on. Raises Problem 404, and what `hand_over` raises."""  # fmt: skip

    def do(acting: Acting) -> HandedOver:
        return hand_over(session, acting, caller.now, code, to_person, from_day, reason, from_person=from_person)

    return _of_known(session, caller, code, post, do)


def put_in(
    session: Session, caller: Caller, code: str, absent: str, person: str, from_day: date, to_day: date | None, reason: str, *,
    post: str | None = None,
) -> StandIn:
    """Somebody acts in the post for who is away. Raises Problem 404, and what `stand_in` raises."""  # fmt: skip

    def do(acting: Acting) -> StandIn:
        return stand_in(session, acting, caller.now, code, absent, person, from_day, to_day, reason)

    return _of_known(session, caller, code, post, do)


def take_out(
    session: Session, caller: Caller, code: str, absent: str, reason: str, last_day: date | None, *, post: str | None = None
) -> StandIn:
    """Nobody acts for who was away any more. Raises Problem 404, and what `end_stand_in` raises."""

    def do(acting: Acting) -> StandIn:
        return end_stand_in(session, acting, caller.now, code, absent, reason, last_day)

    return _of_known(session, caller, code, post, do)


KNOWN = text("select exists (select from post where township_id = :township and code = :code and active)")


def _of_known(session: Session, caller: Caller, code: str, post: str | None, do: Callable[[Acting], T]) -> T:
    if not session.execute(KNOWN, {"township": caller.township_id, "code": code}).scalar_one():
        raise Problem(404, f"没有在用的岗位“{code}”。", f"There is no post {code!r} in use.")
    return step.in_turn(session, caller, post, do)
