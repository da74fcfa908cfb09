"""Posts change hands: a hand-over from a day on, and stand-ins from a day to a day. What is open stays with the post.

Who may: for the posts of leaders and of the office's head only a post above it in its chain (a leader isn't sent away from below, nor by
themselves); for every other post the office's head too. Nobody puts themselves into a post. No day that has passed is touched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Row, text
from sqlmodel import Session

from models.clock import day_of
from models.enumerations import LEADERS, CaseKind, PostKind
from statemachines.errors import NotAllowed, Refused
from statemachines.load import Acting, seat

FROM_ABOVE_ONLY = LEADERS | {PostKind.office_head, PostKind.district_department, PostKind.district_office}
SUPERIORS = LEADERS | {PostKind.district_department, PostKind.district_office}
A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Open:
    """Open cases of one kind in one state that go with the post."""

    kind: CaseKind
    state: str
    count: int


@dataclass(frozen=True, slots=True)
class HandedOver:
    """`from_people` held the post until the day before `from_day`, `to_person` from then on. `responsible` for is what the post has to do,
    `deciding` what waits for its approval.
    """

    post: str
    from_people: tuple[str, ...]
    to_person: str
    from_day: date
    responsible: tuple[Open, ...]
    deciding: tuple[Open, ...]


@dataclass(frozen=True, slots=True)
class StandIn:
    """`person` stands in for `absent` in the post, both days inclusive; `to_day` None: until further notice."""

    post: str
    absent: str
    person: str
    from_day: date
    to_day: date | None


def hand_over(
    session: Session, acting: Acting, now: datetime, post: str, to_person: str, from_day: date, reason: str, *,
    from_person: str | None = None,
) -> HandedOver:
    """From `from_day` (China's day) on `to_person` (key) holds the post instead of who holds it then; stand-ins for them end as well.

    `from_person` is needed where several hold it. Raises NotAllowed; Refused with post, reason, person, day, or holding where it can't be:
    somebody comes into the post on that day or later, it leaves days on which nobody holds it, or the new one holds it already.
    """  # fmt: skip
    row = _post(session, acting, now, post, to_person)
    said, person_id = _reason(reason), _person(session, acting, to_person)
    _check_days(now, from_day, None)
    held = _holdings(session, row.id, day_of(now))
    leaving = _leaving(held, from_day, from_person)
    _check_newcomer(held, person_id, from_day)
    order = {"reason": said, "person": acting.person, "post": acting.post}
    for each in [*leaving, *_their_stand_ins(held, leaving, from_day)]:
        _end(session, each, from_day - A_DAY, order)
    session.execute(BEGIN, {"person_id": person_id, "post_id": row.id, "from": from_day, "to": None, "deputy_of": None, **order})
    responsible, deciding = _open(session, row.id, RESPONSIBLE), _open(session, row.id, DECIDING)
    return HandedOver(post, tuple(each.key for each in leaving), to_person, from_day, responsible, deciding)


def stand_in(
    session: Session, acting: Acting, now: datetime, post: str, absent_person: str, stand_in_person: str, from_day: date,
    to_day: date | None, reason: str,
) -> StandIn:
    """`stand_in_person` acts in the post for `absent_person` (keys) from a day to a day; both are told, and four eyes count both.

    Raises NotAllowed; Refused with post, reason, person, day, or holding: the absent one doesn't hold the post on all of these days, has a
    stand-in already on one of them, or the stand-in is in the post on one of them anyway.
    """  # fmt: skip
    row = _post(session, acting, now, post, stand_in_person)
    said, absent_id, person_id = _reason(reason), _person(session, acting, absent_person), _person(session, acting, stand_in_person)
    if absent_id == person_id:
        raise Refused("person", "不能自己替自己。", "Nobody stands in for themselves.")
    _check_days(now, from_day, to_day)
    held = _holdings(session, row.id, from_day)
    own = next((each for each in held if each.person_id == absent_id and each.deputy_of_id is None), None)
    if own is None or own.from_day > from_day or (own.to_day or date.max) < (to_day or date.max):
        raise Refused("holding", "被替的人在这段时间里不全在岗。", "The absent one doesn't hold the post on all of these days.")
    for each in held:
        if each.from_day <= (to_day or date.max) and (each.deputy_of_id == absent_id or each.person_id == person_id):
            raise Refused("holding", "这段时间已有人代岗，或代岗的人已在岗。", "Somebody stands in already, or they are in the post.")
    order = {"reason": said, "person": acting.person, "post": acting.post}
    session.execute(BEGIN, {"person_id": person_id, "post_id": row.id, "from": from_day, "to": to_day, "deputy_of": absent_id, **order})
    return StandIn(post, absent_person, stand_in_person, from_day, to_day)


def end_stand_in(
    session: Session, acting: Acting, now: datetime, post: str, absent_person: str, reason: str, last_day: date | None = None
) -> StandIn:
    """The stand-in for `absent_person` ends with `last_day` (today unless said); one that hadn't begun by then never does.

    Raises NotAllowed; Refused with post, reason, person, day, or holding where nobody stands in after that day.
    """
    row, today = _post(session, acting, now, post, None), day_of(now)
    said, absent_id, last = _reason(reason), _person(session, acting, absent_person), last_day or today
    _check_days(now, last, None)
    found = next((each for each in _holdings(session, row.id, last + A_DAY) if each.deputy_of_id == absent_id), None)
    if found is None:
        raise Refused("holding", "那天以后没有人替这个人代岗。", "Nobody stands in for this person after that day.")
    _end(session, found, last, {"reason": said, "person": acting.person, "post": acting.post})
    return StandIn(post, absent_person, found.key, found.from_day, last if found.from_day <= last else None)


# Who may, and on which days

POST = text("""
select post.id, post.kind, post.active, exists (
    select from post_chain chain join post up on up.id = chain.ancestor_id
    where chain.post_id = post.id and chain.depth > 0 and up.code = :by
) as below
from post where township_id = :township_id and code = :code for no key update of post
""")


def _post(session: Session, acting: Acting, now: datetime, code: str, newcomer: str | None) -> Row[Any]:
    """The post under lock, once it is clear that the actor may decide who is in it. Raises Refused(post), NotAllowed."""
    kind = seat(session, acting, now).actor.kind
    row = session.execute(POST, {"township_id": acting.township_id, "code": code, "by": acting.post}).first()
    if row is None or not row.active:
        raise Refused("post", f"没有在用的岗位“{code}”。", f"There is no post {code!r} in use.")
    from_above = row.below and kind in SUPERIORS
    if not from_above and not (kind == PostKind.office_head and row.kind not in FROM_ABOVE_ONLY):
        raise NotAllowed(
            acting.post,
            "岗位交接须由应急办主任或该岗位的上级领导办理；班子成员和应急办主任的岗位只能由上级办理。",
            "It takes the office's head or a leader above this post; for posts of leaders and of the office's head only one above.",
        )
    if newcomer == acting.person:
        raise NotAllowed(acting.post, "不能把岗位交给自己，请由其他人办理。", "Nobody puts themselves into a post; somebody else has to.")
    return row


def _check_days(now: datetime, from_day: date, to_day: date | None) -> None:
    if from_day < day_of(now):
        raise Refused("day", "不能改动已经过去的日子，须从今天或以后起算。", "Days that have passed stay; start today or later.")
    if to_day and to_day < from_day:
        raise Refused("day", "结束日早于起始日。", "It ends before it begins.")


def _reason(said: object) -> str:
    if isinstance(said, str) and said.strip():
        return said.strip()
    raise Refused("reason", "请填写原因。", "Say why.")


def _person(session: Session, acting: Acting, key: str) -> int:
    found = session.execute(PERSON, {"township_id": acting.township_id, "key": key}).scalar()
    if found is None:
        raise Refused("person", f"没有代号为“{key}”的人。", f"There is no person {key!r}.")
    return int(found)


PERSON = text("select id from person where township_id = :township_id and key = :key")

# Holdings


HOLDINGS = text("""
select holding.*, person.key from holding join person on person.id = person_id
where post_id = :post_id and coalesce(to_day, 'infinity') >= :since order by from_day, person.key
""")


def _holdings(session: Session, post_id: int, since: date) -> Sequence[Row[Any]]:
    return session.execute(HOLDINGS, {"post_id": post_id, "since": since}).all()


def _leaving(held: Sequence[Row[Any]], from_day: date, from_person: str | None) -> list[Row[Any]]:
    """Who has to go: one holder, or nobody where the post is vacant anyway."""
    own = [each for each in held if each.deputy_of_id is None and (from_person is None or each.key == from_person)]
    if from_person and not own:
        raise Refused("holding", f"“{from_person}”那时不在这个岗位上。", f"{from_person!r} doesn't hold the post then.")
    last = [each for each in own if (each.to_day or date.max) >= from_day - A_DAY]
    if own and not last:
        raise Refused("holding", "那天之前这个岗位会空缺，请提前交接。", "The post would be empty before that day; hand it over earlier.")
    if any(each.from_day >= from_day for each in own):
        raise Refused("holding", "那天或以后另有人到岗，请另选日期。", "Somebody comes into the post that day or later; choose another.")
    if len(last) > 1:
        raise Refused("holding", "这个岗位有多人在岗，请写明谁交出。", "Several people hold this post; say who hands over.")
    return last


def _check_newcomer(held: Sequence[Row[Any]], person_id: int, from_day: date) -> None:
    if any(each.person_id == person_id and (each.to_day or date.max) >= from_day for each in held):
        raise Refused("holding", "接手的人那时已在这个岗位上。", "The new one is in the post then anyway.")


def _their_stand_ins(held: Sequence[Row[Any]], leaving: Sequence[Row[Any]], from_day: date) -> list[Row[Any]]:
    gone = {each.person_id for each in leaving}
    return [each for each in held if each.deputy_of_id in gone and (each.to_day or date.max) >= from_day]


BEGIN = text("""
insert into holding (person_id, post_id, from_day, to_day, deputy_of_id, reason, ordered_person, ordered_post)
values (:person_id, :post_id, :from, :to, :deputy_of, :reason, :person, :post)
""")
END = text("update holding set to_day = :last, reason = :reason, ordered_person = :person, ordered_post = :post where id = :id")
NEVER = text("delete from holding where id = :id")


def _end(session: Session, held: Row[Any], last: date, order: dict[str, str]) -> None:
    """Ends a holding; one that would have begun later never was."""
    if held.from_day > last:
        session.execute(NEVER, {"id": held.id})
    elif (held.to_day or date.max) > last:
        session.execute(END, {"id": held.id, "last": last, **order})


RESPONSIBLE = text("""
select kind, state, count(*) from cases where responsible_post_id = :post_id and ended_at is null group by 1, 2 order by 1, 2
""")
DECIDING = text("""
select kind, state, count(*) from cases where approver_post_id = :post_id and ended_at is null group by 1, 2 order by 1, 2
""")


def _open(session: Session, post_id: int, query: Any) -> tuple[Open, ...]:
    return tuple(Open(CaseKind(kind), state, count) for kind, state, count in session.execute(query, {"post_id": post_id}))
