"""One person's links, made void together: a telephone that was lost, a message that was passed on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from models.enumerations import PostKind
from web.caller import Caller
from web.problem import Problem

VOIDED = "这个链接已作废。请从之后收到的消息里打开，或登录办理；没有的，请向镇安办要新的链接。"
VOIDED_EN = "This link has been voided: open a later message, sign in, or ask for a new one."
SYSTEM = "system"

# The person's row is locked first, so that two at once are two lines one after the other.
PERSON = text("select id, key, label from person where township_id = :township and key = :key for no key update")
VOID = text("insert into links_voided (person_id, at, by_post, by_person) values (:person, :wall, :post, :by)")
HISTORY = text("""
select at, by_post, by_person, coalesce(person.label, '') as who from links_voided
left join person on person.key = by_person and person.township_id = :township
where person_id = (select id from person where township_id = :township and key = :key) order by links_voided.id desc limit 5
""")


def may_void(caller: Caller, key: str) -> bool:
    """The head of the office anybody's, everybody their own."""
    return caller.person == key or PostKind.office_head in caller.kinds


def void(session: Session, caller: Caller, key: str) -> str:
    """Whatever link the person with this key has had from messages or from an official opens nothing any more; returns their label.

    It can't be taken back; the next message has a new link. Raises Problem 403, 404.
    """
    if not may_void(caller, key):
        said = "只有应急办主任能作废别人的链接；自己的，在“我的”页面作废。"
        raise Problem(403, said, "Only the office's head may void others' links.", reason="post")
    seat = next((each for each in caller.seats if each.kind == PostKind.office_head), next(iter(caller.seats), None))
    return write(session, caller.township_id, key, caller.wall, post=seat.code if seat else "", person=caller.person)


def write(session: Session, township_id: int, key: str, wall: datetime, *, post: str = SYSTEM, person: str = SYSTEM) -> str:
    """`wall` is machine time. Raises Problem 404."""
    row = session.execute(PERSON, {"township": township_id, "key": key}).first()
    if row is None:
        raise Problem(404, "没有这个人。", "There is no such person.")
    session.execute(VOID, {"person": row.id, "wall": wall, "post": post, "by": person})
    return str(row.label)


def history(session: Session, caller: Caller, key: str) -> Sequence[Any]:
    """When the person's links were voided and by whom, the newest first: at (machine time), by_post, by_person, who."""
    return session.execute(HISTORY, {"township": caller.township_id, "key": key}).all()
